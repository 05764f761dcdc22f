"""One method under several settings: a curve over one key, or a paper's own table of ablations."""

import csv
import dataclasses
import io
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eegbench.benchmark.evaluate import evaluate
from eegbench.benchmark.options import Options
from eegbench.configuration import keys
from eegbench.contracts import Named, Progress
from eegbench.errors import UsageError, unknown
from eegbench.files import write_text, writing
from eegbench.plugins import registry
from eegbench.runs.sheet import ScoreSheet

SHARES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)  # of a number's default, where a curve is given no values


@dataclass(frozen=True)
class Point:
    """One setting and its scores. label: the value of the key, or the name of the ablation's row."""

    label: str
    sheet: ScoreSheet
    simulated: bool  # its EEG

    @property
    def caution(self) -> str:
        """The data set's caution."""
        return self.sheet.caution


def curve(
    method: str, subject: int, key: str, values: Sequence[str], options: Options, progress: Progress
) -> list[Point]:
    """The method's scores at each value of `key`, which is a key of the data set or the method; runs are not audited.

    values: by default SHARES of the key's own value.
    """
    table, name = _table_of(method, options.dataset, key)
    chosen = list(values) or [f"{share * _configured(method, options, table, name):g}" for share in SHARES]
    for value in chosen:  # an impossible value raises before hours are spent on the others
        _built(method, options, table, {name: value})
    return [_scored(value, method, subject, options, {table: {name: value}}, progress) for value in chosen]


def ablate(method: str, subject: int, options: Options, progress: Progress) -> list[Point]:
    """The scores of each row of the paper's own ablation; UsageError for a method that names none."""
    rows: Mapping[str, Mapping[str, object]] = registry.find("method", method).ablation
    if not rows:
        ablating = [name for name, kind in registry.every("method").items() if kind.ablation]
        raise UsageError(f"method {method!r} names no ablation; these do: {', '.join(ablating)}")
    return [
        _scored(label, method, subject, options, {"method_table": dict(changes)}, progress)
        for label, changes in rows.items()
    ]


def _scored(
    label: str,
    method: str,
    subject: int,
    options: Options,
    changes: Mapping[str, Mapping[str, object]],
    progress: Progress,
) -> Point:
    alone = dataclasses.replace(
        options,
        audit=False,
        companions=False,
        method_table={**options.method_table, **changes.get("method_table", {})},
        dataset_table={**options.dataset_table, **changes.get("dataset_table", {})},
    )
    outcome = evaluate(method, subject, alone, Named(progress, label))
    return Point(label, outcome.sheet, outcome.simulated)


def _table_of(method: str, dataset: str, key: str) -> tuple[str, str]:
    """The table that has the key, and the key's name in it: "dataset.snr" and "snr" are the data set's."""
    tables = {"dataset_table": list(keys(registry.find("dataset", dataset)))}
    tables["method_table"] = list(keys(registry.find("method", method)))
    prefix, _, rest = key.partition(".")
    for table, names in tables.items():
        if prefix == table.removesuffix("_table") and rest in names:
            return table, rest
        if key in names:
            return table, key
    raise unknown("key", key, [*(f"dataset.{name}" for name in tables["dataset_table"]), *tables["method_table"]])


def _built(method: str, options: Options, table: str, changes: Mapping[str, object]) -> Any:
    """The method, or the data set where its key is varied, as it is configured, with `changes`."""
    kind, which = ("dataset", options.dataset) if table == "dataset_table" else ("method", method)
    given = {key: value for key, value in getattr(options, table).items() if key != "embeddings"}
    try:
        return registry.built(kind, which, {**given, **changes})
    except UsageError as error:
        raise UsageError(f"{error}; give others with --values") from None


def _configured(method: str, options: Options, table: str, name: str) -> float:
    """The key's value where it is not varied: that of the given configuration, or else the default of the class."""
    value = _built(method, options, table, {})
    for part in name.split("."):
        value = getattr(value, part)
    if not isinstance(value, int | float) or not value:
        raise UsageError(f"{name} is {value!r}, which has no multiples; give --values")
    return float(value)


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


def falls(points: Sequence[Point]) -> list[str]:
    """Metrics that get worse from one value to the next by more than their two intervals allow."""
    worse = []
    for name in points[0].sheet.metrics:
        scores = [point.sheet.metrics[name] for point in points]
        for before, after in itertools.pairwise(scores):
            if before.ci is None or after.ci is None:
                continue
            apart = after.ci[1] < before.ci[0] if before.higher_is_better else after.ci[0] > before.ci[1]
            if apart:
                worse.append(name)
                break
    return worse


def write(points: Sequence[Point], key: str, folder: Path, *, title: str) -> tuple[Path, Path]:
    """The paths of curve.csv and curve.png, written to `folder`; the picture has `title` above it."""
    table, picture = folder / "curve.csv", folder / "curve.png"
    text = io.StringIO()
    lines = rows(points)
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    with writing(folder, mend="choose another folder with --output"):
        folder.mkdir(parents=True, exist_ok=True)
        write_text(table, text.getvalue())
        _draw(points, key, title, picture)
    return table, picture


def _draw(points: Sequence[Point], key: str, title: str, path: Path) -> None:
    """A small panel for each metric, its value and interval over the key's values."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [n for n, s in points[0].sheet.metrics.items() if s.value is not None]
    wide = 5
    figure = Figure(figsize=(2.6 * wide, 2.2 * math.ceil(len(names) / wide)), layout="constrained")
    FigureCanvasAgg(figure)
    for place, name in enumerate(names):
        axes = figure.add_subplot(math.ceil(len(names) / wide), wide, place + 1)
        scores = [point.sheet.metrics[name] for point in points]
        valued = [(i, s.value) for i, s in enumerate(scores) if s.value is not None]
        axes.plot([i for i, _ in valued], [value for _, value in valued], marker="o", markersize=3)
        banded = [(i, *s.ci) for i, s in enumerate(scores) if s.ci is not None]
        lows, highs = [low for _, low, _ in banded], [high for _, _, high in banded]
        axes.fill_between([i for i, _, _ in banded], lows, highs, alpha=0.25)
        axes.set_title(f"{name} {'↑' if scores[0].higher_is_better else '↓'}", fontsize=9)
        axes.set_xticks(range(len(points)), [point.label for point in points], fontsize=7)
        axes.tick_params(axis="y", labelsize=7)
    figure.suptitle(title, fontsize=10)
    figure.supxlabel(key, fontsize=9)
    figure.savefig(path, dpi=110)
