"""Write what is made from the code: the pages below docs/, and what boards know of the metrics.

usage: python scripts/write_docs.py [FOLDER]
"""

import dataclasses
import inspect
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from eegbench.configuration import keys, shipped_files
from eegbench.contracts import Metric
from eegbench.methods import METHODS as METHOD_NAMES
from eegbench.methods import REFERENCES
from eegbench.metrics import METRICS
from eegbench.metrics.cards import render
from eegbench.plugins import registry
from eegbench.plugins.facts import declared_facts
from eegbench.runs import metric_facts

METRICS_HEAD = """# The metrics

Written by `scripts/write_docs.py` from `eegbench/metrics/`; `eegbench list metrics --card ID` prints one card.
Every judge of the reference suite sees images that both sides were brought to first: 512 x 512 px under the protocol
`sal512`, 256 x 256 px under `me256`, bilinear, antialiased. The micro suite has small networks in the judges' places;
its numbers are comparable with no paper.
"""
METHODS_HEAD = """# The methods

Written by `scripts/write_docs.py` from the methods themselves. All four published methods run behind one interface:
`fit` sees a subject's training EEG, images, concepts and captions; `reconstruct` sees test EEG, and on the track
`oracle` a hint. None of them ever sees a test image.

    eegbench list methods
    eegbench list methods --card atm

The card has in full what stands here in short: every value of both configurations, with `# choice` at each that
neither the paper nor its code gives. Captions come with `sim-things`; the recorded data sets have none, so what learns
from captions there wants `--captions FILE`, or for `neuroimagen` the concepts alone with `--set captions=label`.

| method | learns from |
|---|---|
| `saliency_controlnet` | EEG; CLIP embeddings and saliency maps of training images |
| `atm` | EEG; CLIP embeddings and autoencoder latents of training images; concepts with `encoder.text` above 0 |
| `neuroimagen` | EEG; training images, their concepts, and one caption of each or the concept's name |
| `llm_caption` | EEG; ten captions of each training image, in three levels |
| `nearest_train_image` | EEG; CLIP embeddings of training images |
"""
FLOORS_HEAD = """## Floors

What a method reaches that does not look at the EEG. `random_train_image` stands in every table; the others run like
any method. They are never ranked.
"""
CEILINGS_HEAD = """## Ceilings

What the generator gives when it is told the answer. They are computed from the test images beside every run, stand
apart in every table, and are never ranked.
"""


def pages() -> dict[str, str]:
    """Text by file name."""
    return {
        "metrics.md": "\n".join([METRICS_HEAD, _overview(), *map(render, METRICS.values())]),
        "methods.md": _methods(),
    }


def _overview() -> str:
    """A line for each metric, which leads to its card."""
    return (
        "\n".join(["| metric | | better | chance | bounds |", "|---|---|---|---|---|", *map(_row, METRICS.values())])
        + "\n"
    )


def _row(metric: Metric) -> str:
    title = metric.card.title if metric.card else metric.id
    chance = {"None": "none", "permuted": "the mean over other pairs"}.get(str(metric.chance), metric.chance)
    anchor = re.sub(r"[^\w -]", "", f"{metric.id}: {title}").lower().replace(" ", "-")
    better = "↑" if metric.higher_is_better else "↓"
    low, high = metric.bounds
    return f"| [`{metric.id}`](#{anchor}) | {title} | {better} | {chance} | {low:g} to {high:g} |"


def known_metrics() -> str:
    """The text of the table of `eegbench.runs.metric_facts`."""
    table = {}
    for name, metric in METRICS.items():
        low, high = (end if math.isfinite(end) else None for end in metric.bounds)
        table[name] = dataclasses.asdict(declared_facts(metric)) | {"bounds": [low, high]}
    return json.dumps(table, indent=1) + "\n"


def _methods() -> str:
    found = [registry.find("method", name) for name in METHOD_NAMES]
    references = [registry.find("reference", name) for name in REFERENCES]
    parts = [METHODS_HEAD, *(_method(one) for one in found if one.role == "method")]
    parts += [FLOORS_HEAD, *(_control(one) for one in found if one.role == "floor")]
    parts += [CEILINGS_HEAD, *(_ceiling(one) for one in references)]
    return "\n".join(parts)


def _method(found: Any) -> str:
    """What a method and its module say of themselves, its facts, and where its values stand."""
    files = [f"`eegbench/configurations/{path.name}`" for path in shipped_files(found.name).values()]
    texts = [inspect.getdoc(sys.modules[found.__module__]) or ""] if files else []
    facts = {
        "paper": found.paper,
        "public code": found.reference or "none",
        "tracks": ", ".join(f"`{track}`" for track in found.tracks),
        "hints on the track `oracle`": ", ".join(found.hints) or "none",
        "its paper's ablation (`eegbench ablate`)": "; ".join(found.ablation) or "none",
        "configurations": ", ".join(files) or "none beside the defaults",
    }
    texts += ["\n".join(f"- {key}: {value}" for key, value in facts.items()), inspect.cleandoc(found.__doc__ or "")]
    return f"## {found.name}\n\n" + "\n\n".join(texts) + "\n"


def _control(found: Any) -> str:
    settings = ", ".join(f"`{key}`" for key in keys(found))
    return f"### {found.name}\n\n{inspect.cleandoc(found.__doc__ or '')}\n\n- settings: {settings or 'none'}\n"


def _ceiling(found: Any) -> str:
    return f"### {found.name}\n\n{inspect.cleandoc(found.__doc__ or '')}\n\n- what it shows: {found.about}\n"


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)
    metric_facts.TABLE.write_text(known_metrics())


if __name__ == "__main__":
    main()
