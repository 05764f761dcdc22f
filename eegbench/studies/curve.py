"""Methods over one axis of their protocol: windows, channels, repetitions, people, amounts of data, or any key.

Each point is an ordinary run in the folder of runs, with its floors, its ceilings and its audit. A point that is there,
scored by the same judges, is read and not made again.
"""

import csv
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eegbench.backbones.environment import resolve_device
from eegbench.benchmark import companions, people
from eegbench.benchmark.evaluate import evaluate
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import Plan, plan
from eegbench.contracts import Named, Progress
from eegbench.errors import UsageError
from eegbench.files import write_text, writing
from eegbench.metrics import in_order
from eegbench.runs.folder import Run
from eegbench.runs.search import find_runs, read_found
from eegbench.runs.sheet import Score, ScoreSheet
from eegbench.studies.axes import Axis, Windows, axis_of
from eegbench.studies.found import serves

COLUMNS = (
    "method", "axis", "value", "metric", "version", "score", "low", "high", "permuted", "floor", "ceiling", "chance",
    "higher_is_better", "run", "simulated", "caution",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A method at one value of the axis. place: where it stands along the axis, None where values are names.

    floors, ceilings: the score sheets beside the run, by name.
    """

    method: str
    value: str
    place: float | None
    run: Run
    floors: dict[str, ScoreSheet]
    ceilings: dict[str, ScoreSheet]

    @property
    def sheet(self) -> ScoreSheet:
        return self.run.scores

    def best(self, metric: str, of: dict[str, ScoreSheet]) -> float | None:
        """The best value of a metric among floors or ceilings; None where there is none."""
        score = self.sheet.metrics[metric]
        values = [sheet.metrics[metric].value for sheet in of.values() if metric in sheet.metrics]
        known = [value for value in values if value is not None]
        return None if not known else max(known) if score.higher_is_better else min(known)


@dataclass(frozen=True)
class Curve:
    """All points of all methods, in the order of the values."""

    axis: Axis
    points: tuple[Point, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(point.method for point in self.points))

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(point.value for point in self.points))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that have a value at some point, in the order in which sheets show them."""
        every = {name for point in self.points for name in point.sheet.metrics}
        return tuple(name for name in in_order(every) if any(value_at(p, name) is not None for p in self.points))

    def of(self, method: str) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.method == method)

    def rows(self) -> list[dict[str, object]]:
        """A row of COLUMNS for each point and metric."""
        return [
            _row(self.axis, point, point.sheet.metrics[name])
            for point in self.points
            for name in in_order(point.sheet.metrics)
        ]

    def falls(self) -> dict[str, list[str]]:
        """By method the metrics that get worse from one value to the next by more than their intervals allow."""
        return {method: [m for m in self.metrics if _falls(self.of(method), m)] for method in self.methods}


def curve(
    methods: Sequence[str],
    subject: int,
    over: str,
    values: Sequence[str],
    options: Sequence[Options],
    progress: Progress,
    *,
    windows: Windows = Windows(),  # noqa: B008 - frozen
) -> Curve:
    """The methods at each value of the axis `over`; options: those of each method.

    values: by default those of the axis that the data set has. An impossible value raises before anything is made.
    """
    axes = [axis_of(over, method, subject, own, windows) for method, own in zip(methods, options, strict=True)]
    device = resolve_device(options[0].device)
    chosen = list(values) or _usual(axes[0], methods[0], subject, options[0], device)
    changed = [
        (method, value, axis, axis.at(own, value))
        for method, own, axis in zip(methods, options, axes, strict=True)
        for value in chosen
    ]
    plans = [_planned(method, subject, own, device) for method, _, _, own in changed]
    there = _there(options[0].runs)
    points = [
        _point(method, value, axis, own, planned, there, progress)
        for (method, value, axis, own), planned in zip(changed, plans, strict=True)
    ]
    return Curve(axes[0], tuple(points))


def write(result: Curve, folder: Path) -> Path:
    """The path of curve.csv, written to `folder`."""
    table = folder / "curve.csv"
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(result.rows())
    with writing(folder, mend="choose another folder with --output"):
        folder.mkdir(parents=True, exist_ok=True)
        write_text(table, text.getvalue())
    return table


def _usual(axis: Axis, method: str, subject: int, options: Options, device: str) -> list[str]:
    """The usual values that this data set has; raises what the last one raises where it has none."""
    kept, problem = [], None
    for value in axis.usual():
        try:
            _planned(method, subject, axis.at(options, value), device)
            kept.append(value)
        except UsageError as error:
            problem = error
    if problem is not None and not kept:
        raise problem
    return kept


def _planned(method: str, subject: int, options: Options, device: str) -> Plan:
    """The plan of a point; its test EEG is read, for a number of repetitions may be more than there are."""
    planned = plan(method, subject, options, device=device)
    people.check_amounts(planned.dataset, planned.spec)
    if options.average != "all":
        _ = planned.queries
    return planned


def _there(runs: Path) -> list[Run]:
    """The scored runs below a folder; those that cannot be read are made again beside them."""
    return [run for run in read_found(find_runs(runs))[0] if run.sheet is not None] if runs.is_dir() else []


def _point(
    method: str, value: str, axis: Axis, options: Options, planned: Plan, there: Sequence[Run], progress: Progress
) -> Point:
    """The run that is there, or one that is made now."""
    for run in there:
        if serves(run, planned, options):
            floors, ceilings = (
                {name: member.scores for name, member in members.items()} for members in companions.beside(run)
            )
            if (floors and ceilings) or not options.companions:
                return Point(method, value, axis.place(value), run, floors, ceilings)
    outcome = evaluate(method, planned.spec.subject, options, Named(progress, f"{axis.name} {value}"))
    return Point(method, value, axis.place(value), outcome.run, outcome.floors, outcome.ceilings)


def value_at(point: Point, metric: str) -> float | None:
    """A metric's value at a point; None where it has none."""
    score = point.sheet.metrics.get(metric)
    return None if score is None else score.value


def _row(axis: Axis, point: Point, score: Score) -> dict[str, object]:
    low, high = score.ci or (None, None)
    values = (
        point.method, axis.name, point.value, score.metric, score.version, score.value, low, high, score.permuted,
        point.best(score.metric, point.floors), point.best(score.metric, point.ceilings), score.floor,
        score.higher_is_better, point.run.folder.as_posix(), point.run.record.simulated,
        point.sheet.caution,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _falls(points: Sequence[Point], metric: str) -> bool:
    scores = [point.sheet.metrics.get(metric) for point in points]
    for before, after in itertools.pairwise(scores):
        if before is None or after is None or before.ci is None or after.ci is None:
            continue
        if after.ci[1] < before.ci[0] if before.higher_is_better else after.ci[0] > before.ci[1]:
            return True
    return False
