"""Write the pages below docs/ that are made from the code.

usage: python scripts/write_docs.py [FOLDER]
"""

import sys
from pathlib import Path

from eegbench.metrics import METRICS
from eegbench.metrics.cards import render

HEAD = """# The metrics

Written by `scripts/write_docs.py` from `eegbench/metrics/cards.py`; `eegbench list metrics --card ID` prints one card.
Every judge of the reference suite sees images that both sides were brought to first: 512 x 512 px under the protocol
`sal512`, 256 x 256 px under `me256`, bilinear, antialiased. The micro suite has small networks in the judges' places;
its numbers are comparable with no paper.
"""


def pages() -> dict[str, str]:
    """Text by file name."""
    return {"metrics.md": "\n".join([HEAD, *map(render, METRICS.values())])}


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
