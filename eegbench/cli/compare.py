"""The verb that sets two runs side by side."""

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

    found = compare_runs(run_a, run_b)
    if as_json:
        sys.stdout.write(found.to_json())
        return
    say(text(found.record, width()))


def text(found: Any, columns: int) -> str:
    """Heading, table, what is left out and why, and how to read it."""
    lines = [kind(found.simulated, found.caution, columns)]
    for name, side in (("A", found.a), ("B", found.b)):
        samples = f", mean of {side.samples} samples" if side.samples > 1 else ""
        role = "" if side.role == "method" else f" ({side.role})"
        role += " (uses all test trials at once: transductive)" if side.transductive else ""
        lines.append(line(f"{name}: {side.method}{role}, track {side.track}, seed {side.seed}{samples}: {side.folder}"))
    judged = ", whose judges no paper uses" if found.suite == "micro" else ""
    scored = f"{found.stimuli} stimuli, suite {found.suite}{judged}, protocol {found.protocol}"
    lines += [line(f"{found.dataset}, subject {found.subject}, {scored}"), "", table(found, columns).rstrip("\n")]
    return "\n".join([*lines, *map(line, remarks(found)), "", wrapped(legend(found), columns)])


def legend(found: Any) -> str:
    """How to read the table."""
    whole = any(one.paired is None for one in found.metrics.values())
    return LEGEND.format(tests=found.tests, whole=WHOLE if whole else "")


def remarks(found: Any) -> list[str]:
    """What is left out, or stands on fewer stimuli, or is to be doubted; one line for each reason."""
    from eegbench.api.report import UNVERIFIED

    by_reason: dict[str, list[str]] = {}
    for name, one in found.metrics.items():
        if one.unverified:
            by_reason.setdefault(UNVERIFIED, []).append(name)
        if one.paired and one.paired.pairs < found.stimuli:
            by_reason.setdefault(f"{one.paired.pairs} of {found.stimuli} stimuli have a value in both", []).append(name)
        if one.paired and one.paired.detectable is None and one.difference and not one.better:
            reason = f"{one.paired.pairs} pairs are too few for any difference to be significant in {found.tests} tests"
            by_reason.setdefault(reason, []).append(name)
    for name, reason in found.left_out.items():
        by_reason.setdefault(f"left out ({reason})", []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def table(found: Any, columns: int) -> str:
    """A row for each metric; what has no pairs has no interval and no p."""
    from eegbench.api.report import arrow, named
    from eegbench.tables import interval, number

    rows = []
    for name, one in found.metrics.items():
        row = [f"{named(name, one)} {arrow(one)}", number(one.a, one.bounds), number(one.b, one.bounds)]
        if one.paired is None:
            row += [number(one.difference), "-", "-", "-", "at this n"]
        else:
            pair = one.paired
            row += [interval(pair.difference, pair.ci, apart(one.bounds)), number(pair.p), number(pair.p_holm)]
            row += [number(pair.detectable), one.better if one.significant else "-"]
        rows.append(row)
    heads = ("metric", "A", "B", "A − B [95 %]", "p", "Holm p", "visible", "better")
    cells = zip(*rows, strict=True)
    made = [Column(head, list(column), right=head != "metric") for head, column in zip(heads, cells, strict=True)]
    return laid(made, columns, elsewhere="--json")


def apart(bounds: Any) -> Any:
    """The bounds of the difference of two values that have these."""
    if bounds is None or None in bounds:
        return None
    return bounds[0] - bounds[1], bounds[1] - bounds[0]
