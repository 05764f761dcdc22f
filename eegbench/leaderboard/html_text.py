"""Text and addresses as HTML may hold them, whoever wrote them: nothing in them is markup, and no link leaves."""

import html
import os
from pathlib import Path
from urllib.parse import quote

from eegbench.leaderboard.wording import LONGEST, visible


def text(words: str, longest: int = LONGEST) -> str:
    """`words` on one line, cut, safe between tags and inside the quotes of an attribute."""
    return html.escape(visible(words, longest))


def breakable(words: str) -> str:
    """`text` that may go on in the next line behind an underscore, as long names of methods must."""
    return text(words).replace("_", "_<wbr>")


def home_of(runs: Path, output: Path) -> str:
    """The address of the folder of runs as seen from the folder of `output`: "./" or "../runs/"; "" if there is none.

    There is none between two drives of Windows.
    """
    try:
        way = os.path.relpath(runs, output.parent)
    except ValueError:
        return ""
    parts = [quote(os.fsencode(part), safe="") for part in Path(way).parts]
    return "/".join([*([] if parts[:1] == [".."] else ["."]), *parts, ""])


def address(home: str, path: str, file: str) -> str:
    """The address of a file of the run at `path` below the folder of runs, percent-encoded: never with a scheme."""
    return f"{home}{quote(os.fsencode(path), safe='/')}/{file}"
