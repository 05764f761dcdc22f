"""One method under the settings of its paper's own table of ablations."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eegbench.benchmark.evaluate import evaluate
from eegbench.benchmark.options import Options
from eegbench.contracts import Named, Progress
from eegbench.errors import UsageError
from eegbench.plugins import registry
from eegbench.runs.sheet import ScoreSheet


@dataclass(frozen=True)
class Point:
    """One setting and its scores. label: the name of the row."""

    label: str
    sheet: ScoreSheet
    simulated: bool  # its EEG

    @property
    def caution(self) -> str:
        """The data set's caution."""
        return self.sheet.caution


def ablate(method: str, subject: int, options: Options, progress: Progress) -> list[Point]:
    """The scores of each row of the paper's own ablation; UsageError for a method that names none."""
    rows: Mapping[str, Mapping[str, object]] = registry.find("method", method).ablation
    if not rows:
        ablating = [name for name, kind in registry.every("method").items() if kind.ablation]
        raise UsageError(f"method {method!r} names no ablation; these do: {', '.join(ablating)}")
    return [_scored(label, method, subject, options, changes, progress) for label, changes in rows.items()]


def _scored(
    label: str, method: str, subject: int, options: Options, changes: Mapping[str, object], progress: Progress
) -> Point:
    alone = dataclasses.replace(
        options, audit=False, companions=False, method_table={**options.method_table, **changes}
    )
    outcome = evaluate(method, subject, alone, Named(progress, label))
    return Point(label, outcome.sheet, outcome.simulated)


def rows(points: Sequence[Point]) -> list[dict[str, object]]:
    """One row for each value and metric."""
    return [
        {
            "value": point.label,
            "metric": name,
            "score": score.value,
            "low": score.ci[0] if score.ci else None,
            "high": score.ci[1] if score.ci else None,
            "higher_is_better": score.higher_is_better,
            "simulated": point.simulated,
            "caution": point.caution,
        }
        for point in points
        for name, score in point.sheet.metrics.items()
    ]
