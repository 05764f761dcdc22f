"""`curve`: methods over one axis of their protocol, as a table and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eegbench.api.arguments import Place, place, progress_of, whole, word
from eegbench.api.border import own_errors
from eegbench.api.evaluate import options_of
from eegbench.api.report import origin
from eegbench.backbones.environment import disconnected, undisturbed
from eegbench.backbones.shared import let_go
from eegbench.benchmark.plan import dataset_of
from eegbench.contracts import Progress
from eegbench.errors import UsageError
from eegbench.plugins import entering
from eegbench.runs.protocol import words_of
from eegbench.studies import curve as curves
from eegbench.studies import curve_pictures
from eegbench.studies.axes import Windows
from eegbench.tables import line


@dataclass(frozen=True)
class Drawn:
    """A curve, the lines above its figures, and the files that were written."""

    result: curves.Curve
    title: str
    table: Path
    pictures: tuple[Path, ...]


@own_errors()
def curve(
    methods: Sequence[str],
    *,
    subject: int,
    over: str,
    output: Place,
    values: Sequence[str] = (),
    step: float = 0.1,
    width: float | None = None,
    panels: Sequence[str] | None = None,
    progress: bool | Progress = False,
    **chosen: Any,
) -> Drawn:
    """The methods at each value of `over`, as the command `eegbench curve`; `chosen` are arguments of `evaluate`.

    panels: the metrics that are drawn. Each point is an ordinary run. Raises UsageError for an impossible axis or value
    before anything is made.
    """
    if not methods:
        raise UsageError("--method names no method")
    options = [options_of(method, **chosen) for method in methods]
    reporter, whose = progress_of(progress), whole("subject", subject)
    with let_go(), undisturbed(), disconnected(options[0].offline):
        result = curves.curve(
            methods, whose, word("over", over), values, options, reporter, windows=Windows(step, width)
        )
    folder, title = place("output", output), _title(result, whose)
    drawn = curve_pictures.panels(result, panels)
    pictures = curve_pictures.draw(result, drawn, title, folder)
    if result.axis.name == "channels":
        info = entering.info(dataset_of(options[0]))
        pictures += curve_pictures.scalp(result, drawn[0], info, title, folder)
    return Drawn(result, title, curves.write(result, folder), tuple(pictures))


def _title(result: curves.Curve, subject: int) -> str:
    """Whether the EEG is simulated, the data set's caution, and what all points share."""
    point = result.points[0]
    spec = point.run.record.spec
    words = [
        f"{', '.join(result.methods)} on {spec.dataset}",
        f"subject {subject}, track {spec.track}, seed {spec.seed}",
        *words_of(result.axis.shared(spec)),
    ]
    lines = [origin(point.run.record.simulated), line(point.sheet.caution), line(", ".join(words))]
    return "\n".join(text for text in lines if text)
