"""The figures of a curve, as SVG and PNG: a panel a metric, and scalp maps. matplotlib and MNE-Python open late."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eegbench.arrays import EEGInfo
from eegbench.datasets.regions import REGIONS, regions_of
from eegbench.errors import UsageError, unknown
from eegbench.files import writing
from eegbench.studies.curve import Curve, Point, value_at
from eegbench.studies.explain_pictures import FEWEST, NAMED, standard_montage

SHOWN = ("clip", "alexnet5", "pixcorr", "retrieval_top1")  # the panels where none are named: the first that have values
WIDE = 2  # panels side by side
GREY = "#6b7280"
WIDE_SPAN = 8.0  # the largest over the smallest place, from which the axis is logarithmic


def panels(result: Curve, names: Sequence[str] | None) -> tuple[str, ...]:
    """The metrics to draw; raises UsageError for one without a value."""
    if names is None:
        usual = tuple(name for name in SHOWN if name in result.metrics)
        return usual or result.metrics[: len(SHOWN)]
    for name in names:
        if name not in result.metrics:
            raise unknown("metric with a value", name, result.metrics)
    return tuple(names)


def draw(result: Curve, metrics: Sequence[str], title: str, folder: Path) -> list[Path]:
    """The paths of curve.svg and curve.png, written to `folder`: value and 95 % interval of each method over the axis,
    its permuted EEG dashed, floor dotted, ceiling dash-dotted."""
    if not metrics:
        raise UsageError("no metric has a value at any point; there is nothing to draw")
    rows = -(-len(metrics) // WIDE)
    figure = _figure(4.2 * min(WIDE, len(metrics)), 2.9 * rows + 0.9, title)
    axes_of = [figure.add_subplot(rows, min(WIDE, len(metrics)), place + 1) for place in range(len(metrics))]
    for axes, metric in zip(axes_of, metrics, strict=True):
        _panel(axes, result, metric)
    handles, labels = axes_of[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7, frameon=False)
    return _saved(figure, folder, "curve")


def scalp(result: Curve, metric: str, info: EEGInfo, title: str, folder: Path) -> list[Path]:
    """The paths of scalp.svg and scalp.png: on each method's head, around every electrode the colour of what its region
    alone reaches; none where no value is a region, or fewer than FEWEST electrodes have a known place."""
    import mne

    montage, regions = standard_montage(), dict(zip(info.channels, regions_of(info.channels), strict=True))
    names = [name for name in info.channels if name in montage.ch_names and regions[name] in result.values]
    points = [point for point in result.points if point.value in REGIONS]
    scores = [score for point in points if (score := point.sheet.metrics[metric]).value is not None]
    known = [end for score in scores for end in (score.value, *(score.ci or ())) if end is not None]
    if len(names) < FEWEST or not known:
        return []
    places = mne.create_info(names, 1.0, "eeg", verbose="ERROR").set_montage(montage, verbose="ERROR")
    figure = _figure(3.6 * len(result.methods), 4.0, title)
    for place, method in enumerate(result.methods):
        reached = {point.value: point.sheet.metrics[metric].value for point in result.of(method)}
        axes = figure.add_subplot(1, len(result.methods), place + 1)
        image, _ = mne.viz.plot_topomap(
            np.array([np.nan if (value := reached[regions[name]]) is None else value for name in names]),
            places,
            axes=axes,
            vlim=(min(known), max(known)),  # of the intervals too: regions that do not differ look alike
            cmap="Wistia",  # light throughout, under black names
            extrapolate="local",
            image_interp="nearest",
            contours=0,
            names=names if len(names) <= NAMED else None,
            show=False,
        )
        for label in axes.texts:
            label.set_fontsize(6)
        axes.set_title(method, fontsize=9)
        figure.colorbar(image, ax=axes, shrink=0.6).set_label(f"{metric}, from this region alone", fontsize=7)
    return _saved(figure, folder, "scalp")


def _panel(axes: Any, result: Curve, metric: str) -> None:
    numeric = all(point.place is not None for point in result.points)
    position = {value: float(i) for i, value in enumerate(result.values)}
    for number, method in enumerate(result.methods):
        points = [point for point in result.of(method) if value_at(point, metric) is not None]
        at = [p.place if numeric and p.place is not None else position[p.value] for p in points]
        _method(axes, method, f"C{number}", at, points, metric, joined=numeric or result.axis.name != "channels")
    better = "↑" if result.points[0].sheet.metrics[metric].higher_is_better else "↓"
    axes.set_title(f"{metric} {better}", fontsize=9)
    axes.set_xlabel(result.axis.label, fontsize=8)
    axes.tick_params(labelsize=7)
    if numeric:
        places = sorted({point.place for point in result.points if point.place is not None})
        if places[0] > 0 and places[-1] / places[0] >= WIDE_SPAN:
            axes.set_xscale("log")
            axes.minorticks_off()
        if len(places) <= 8:
            axes.set_xticks(places, [f"{place:g}" for place in places])
    else:
        axes.set_xticks(list(position.values()), list(position))


def _method(
    axes: Any, method: str, colour: str, at: Sequence[float], points: Sequence[Point], metric: str, *, joined: bool
) -> None:
    scores = [point.sheet.metrics[metric] for point in points]
    values = [score.value for score in scores]
    line = "-" if joined else "none"
    axes.plot(at, values, linestyle=line, marker="o", markersize=3.5, color=colour, label=method)
    banded = [(x, *score.ci) for x, score in zip(at, scores, strict=True) if score.ci]
    if joined:
        axes.fill_between(*(list(side) for side in zip(*banded, strict=True)), alpha=0.2, color=colour, linewidth=0)
    else:
        for x, low, high in banded:
            axes.plot([x, x], [low, high], color=colour, linewidth=1.5)
    lines = {
        f"{method}, permuted EEG": ("--", colour, [score.permuted for score in scores]),
        "floor": (":", GREY, [point.best(metric, point.floors) for point in points]),
        "ceiling": ("-.", GREY, [point.best(metric, point.ceilings) for point in points]),
    }
    labelled = set(axes.get_legend_handles_labels()[1])
    for label, (style, own, line_values) in lines.items():
        kept = [(x, value) for x, value in zip(at, line_values, strict=True) if value is not None]
        if kept and not (label in labelled and own == GREY):
            alone = "_" if len(kept) == 1 else None  # a line of one point would not be seen
            axes.plot(*zip(*kept, strict=True), style, marker=alone, color=own, linewidth=1, label=label)


def _figure(width: float, height: float, title: str) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=9)
    return figure


def _saved(figure: Any, folder: Path, name: str) -> list[Path]:
    """Both files; text stays text in the SVG, and no date is in it, so that the same points give the same bytes."""
    import matplotlib

    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    with writing(folder, mend="choose another folder with --output"):
        folder.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "eegbench"}):
            figure.savefig(paths[0], metadata={"Date": None})
        figure.savefig(paths[1], dpi=150)
    return paths
