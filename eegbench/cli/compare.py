"""The verb that compares two runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.cli.options import AsJson
from eegbench.cli.output import kind, say
from eegbench.cli.screen import width
from eegbench.cli.verbs import SCORE, app
from eegbench.tables import Column, laid, line, wrapped

LEGEND = """\
p: of no difference, paired by stimulus: the larger of sign flips, which are exact for interchangeable methods \
only, and of the studentised bootstrap; above .05 wherever the interval holds zero. Holm p: corrected for {tests} \
metrics; what is called better is so at .05 by it. Visible: the smallest true difference that this many stimuli \
show in 4 of 5 cases, at .05 before correction. {whole}All of it speaks of these images on these stimuli: \
another seed, fit or subject may differ by more."""
WHOLE = "At this n: a metric of the whole set, whose value depends on the number of stimuli, untested. "


@app.command(group=SCORE)
def compare(
    run_a: Annotated[
        Path, typer.Argument(metavar="RUN_A", help="A run's folder, as runs/sim-things/eeg/atm/sub-08/seed-0.")
    ],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="Another, on the same stimuli.")],
    as_json: AsJson = False,
) -> None:
    """Compare two runs metric by metric: difference, interval, test, and what could have been seen."""
    from eegbench.api.comparison import compare as compare_runs

    comparison = compare_runs(run_a, run_b)
    if as_json:
        sys.stdout.write(comparison.to_json())
        return
    say(text(comparison.record, width()))


def text(comparison: Any, columns: int) -> str:
    """The comparison as text: heading, table, what is left out and why, and how to read the table."""
    lines = [kind(comparison.simulated, comparison.caution, columns)]
    for name, side in (("A", comparison.a), ("B", comparison.b)):
        samples = f", mean of {side.samples} samples" if side.samples > 1 else ""
        role = "" if side.role == "method" else f" ({side.role})"
        role += " (uses all test trials at once: transductive)" if side.transductive else ""
        lines.append(line(f"{name}: {side.method}{role}, track {side.track}, seed {side.seed}{samples}: {side.folder}"))
    judged = ", whose judges no paper uses" if comparison.suite == "micro" else ""
    scored = f"{comparison.stimuli} stimuli, suite {comparison.suite}{judged}, protocol {comparison.protocol}"
    lines += [
        line(f"{comparison.dataset}, subject {comparison.subject}, {scored}"),
        "",
        table(comparison, columns).rstrip("\n"),
    ]
    return "\n".join([*lines, *map(line, remarks(comparison)), "", wrapped(legend(comparison), columns)])


def legend(comparison: Any) -> str:
    """The sentences on how to read the table."""
    whole = any(metric.paired is None for metric in comparison.metrics.values())
    return LEGEND.format(tests=comparison.tests, whole=WHOLE if whole else "")


def remarks(comparison: Any) -> list[str]:
    """Metrics that are left out, stand on fewer stimuli, or are unverified or untested; one line for each reason."""
    from eegbench.api.report import UNVERIFIED

    by_reason: dict[str, list[str]] = {}
    for name, metric in comparison.metrics.items():
        if metric.unverified:
            by_reason.setdefault(UNVERIFIED, []).append(name)
        if metric.paired and metric.paired.pairs < comparison.stimuli:
            by_reason.setdefault(
                f"{metric.paired.pairs} of {comparison.stimuli} stimuli have a value in both", []
            ).append(name)
        if metric.paired and metric.paired.detectable is None and metric.difference and not metric.better:
            reason = (
                f"{metric.paired.pairs} pairs are too few for any difference to be significant "
                f"in {comparison.tests} tests"
            )
            by_reason.setdefault(reason, []).append(name)
    for name, reason in comparison.left_out.items():
        by_reason.setdefault(f"left out ({reason})", []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def table(comparison: Any, columns: int) -> str:
    """The table: a row for each metric; a metric without pairs has no interval and no p."""
    from eegbench.api.report import arrow, named
    from eegbench.tables import interval, number

    rows = []
    for name, metric in comparison.metrics.items():
        row = [
            f"{named(name, metric)} {arrow(metric)}",
            number(metric.a, metric.bounds),
            number(metric.b, metric.bounds),
        ]
        if metric.paired is None:
            row += [number(metric.difference), "-", "-", "-", "at this n"]
        else:
            pair = metric.paired
            row += [interval(pair.difference, pair.ci, apart(metric.bounds)), number(pair.p), number(pair.p_holm)]
            row += [number(pair.detectable), metric.better if metric.significant else "-"]
        rows.append(row)
    heads = ("metric", "A", "B", "A − B [95 %]", "p", "Holm p", "visible", "better")
    cells = zip(*rows, strict=True)
    shown = [Column(head, list(column), right=head != "metric") for head, column in zip(heads, cells, strict=True)]
    return laid(shown, columns, elsewhere="--json")


def apart(bounds: Any) -> Any:
    """The bounds of the difference of two values that each have these bounds; None where one of them is open."""
    if bounds is None or None in bounds:
        return None
    return bounds[0] - bounds[1], bounds[1] - bounds[0]
