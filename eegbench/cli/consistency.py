"""The verb that says how alike different brains' pictures of one stimulus are."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.cli.options import AsJson, Device, Offline, Unverified, go_offline, metric_names
from eegbench.cli.output import kind, note, say, terminal
from eegbench.cli.screen import width
from eegbench.cli.verbs import SCORE, app
from eegbench.tables import Column, laid, line, wrapped

LEGEND = """\
Same: how alike two people's pictures of one stimulus are, the mean over stimuli and pairs of people; other: of \
different stimuli. It is the metric, and for two-way metrics Pearson's r of the features. More alike: same less other, \
up for more. Two-way: how often a picture is more like the other person's of the same stimulus than like one of \
another; chance is .5. Intervals speak of new stimuli; of these people and fits alone.
Alike is not yet of the brain: an image has a seed that depends on its stimulus, so that a method which ignores the \
EEG gives everybody the same picture. Permuted: one person's picture, and the other's from EEG of another stimulus, \
under the same seed (on the track oracle with the same hint). Only what the EEG adds to that speaks of the brains."""


@app.command(group=SCORE)
def consistency(
    runs: Annotated[Path, typer.Argument(metavar="RUNS", help="A folder of runs.")] = Path("runs"),
    metrics: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME", help="By what pictures are compared; pixcorr, ssim, alexnet5 and clip."),
    ] = None,
    device: Device = "auto",
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
    as_json: AsJson = False,
) -> None:
    """Say how alike the pictures are that different brains give of one stimulus, from runs that are there."""
    go_offline(offline)
    from eegbench.backbones.environment import resolve_device
    from eegbench.studies import consistency as study
    from eegbench.studies.likened import Judging

    judging = Judging(terminal(), resolve_device(device), metric_names(metrics) or (), allow_unverified_weights)
    found = study.consistency(runs, judging)
    for remark in found.notes:
        note(remark)
    if as_json:
        sys.stdout.write(found.to_json())
    else:
        columns = width()
        say("\n".join([*(text(group, columns) for group in found.groups), wrapped(LEGEND, columns)]))
    found.check_whole()


def text(group: Any, columns: int) -> str:
    """One group as text: heading, table, remarks."""
    people = f"subjects {', '.join(map(str, group.subjects))} ({group.pairs} pair{'s' if group.pairs > 1 else ''})"
    judged = ", whose judges no paper uses" if group.suite == "micro" else ""
    samples = f", mean of {group.samples} samples" if group.samples > 1 else ""
    protocol = "".join(f", {words}" for words in group.trained)
    lines = [
        line(f"{group.method}, {group.dataset}, track {group.track}{protocol}, seed {group.seed}{samples}"),
        line(f"{people}, {group.stimuli} stimuli, suite {group.suite}{judged}, protocol {group.protocol}"),
        "",
        table(group, columns).rstrip("\n"),
        *map(line, group.notes),
    ]
    return "\n".join([kind(group.simulated, group.caution, columns), *lines, ""])


def table(group: Any, columns: int) -> str:
    """The table: for each metric both true, one permuted, and what the EEG adds."""
    from eegbench.tables import interval, number

    rows = []
    for name, metric in group.metrics.items():
        head = f"{name}@{metric.version} {'↑' if metric.higher_is_better else '↓'}"
        far = metric.bounds[1] - metric.bounds[0]
        for label, alike in (("EEG", metric.eeg), ("permuted", metric.permuted), ("EEG adds", metric.added)):
            if alike is not None:
                sides = [number(getattr(alike, side, None), metric.bounds) for side in ("same", "other")]
                between = interval(alike.difference, alike.ci, (-far, far) if label != "EEG adds" else None)
                bounds = (0.0, 1.0) if label != "EEG adds" else (-1.0, 1.0)
                rows.append([head, label, *sides, between, interval(alike.two_way, alike.two_way_ci, bounds)])
                head = ""
    heads = ("metric", "images", "same", "other", "more alike [95 %]", "two-way [95 %]")
    cells = zip(*rows, strict=True) if rows else [()] * len(heads)
    shown = [
        Column(title, list(column), right=title not in ("metric", "images"))
        for title, column in zip(heads, cells, strict=True)
    ]
    return laid(shown, columns, elsewhere="--json")
