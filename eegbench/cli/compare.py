"""The verb that sets two runs side by side."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.cli.options import AsJson
from eegbench.cli.output import console, kind
from eegbench.cli.verbs import app

LEGEND = """\
p: sign-flip test of the differences, which are paired by stimulus. Holm p: corrected for {tests} metrics;
what is called better is so at .05 by it. Visible: the smallest true difference that this many stimuli
show in 4 of 5 cases, at .05 before correction. All of it speaks of these images on these stimuli:
another seed, fit or subject may differ by more."""


@app.command()
def compare(
    run_a: Annotated[Path, typer.Argument(help="A run's folder, as runs/sim-things/eeg/atm/sub-08/seed-0.")],
    run_b: Annotated[Path, typer.Argument(help="Another, on the same stimuli.")],
    as_json: AsJson = False,
) -> None:
    """Compare two runs metric by metric: difference, interval, test, and what could have been seen."""
    from eegbench.benchmark.compare import compare as compare_runs

    found = compare_runs(run_a, run_b)
    if as_json:
        sys.stdout.write(found.to_json())
        return
    show(found)


def show(found: Any) -> None:
    """Print heading, table, what is left out and why, and how to read it."""
    print(kind(found.simulated, found.caution))
    for name, side in (("A", found.a), ("B", found.b)):
        samples = f", mean of {side.samples} samples" if side.samples > 1 else ""
        role = "" if side.role == "method" else f" ({side.role})"
        role += " (uses all test trials at once: transductive)" if side.transductive else ""
        print(f"{name}: {side.method}{role}, track {side.track}, seed {side.seed}{samples}: {side.folder}")
    judged = ", whose judges no paper uses" if found.suite == "micro" else ""
    scored = f"{found.stimuli} stimuli, suite {found.suite}{judged}, protocol {found.protocol}"
    print(f"{found.dataset}, subject {found.subject}, {scored}\n")
    console().print(table(found), highlight=False)
    for line in remarks(found):
        print(line)
    print("\n" + LEGEND.format(tests=found.tests))


def remarks(found: Any) -> list[str]:
    """What is left out, or stands on fewer stimuli, or is to be doubted; one line for each reason."""
    from eegbench.report import UNVERIFIED

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


def table(found: Any) -> Any:
    """A row for each metric; what has no pairs has no interval and no p."""
    from rich.markup import escape
    from rich.table import Table

    from eegbench.report import interval, number

    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    grid.add_column("metric", no_wrap=True)
    for head in ("A", "B", "A − B [95 %]", "p", "Holm p", "visible", "better"):
        grid.add_column(escape(head), justify="right", no_wrap=True)
    for name, one in found.metrics.items():
        shown = f"{name}-{one.variant}" if one.variant else name
        row = [f"{shown} {'↑' if one.higher_is_better else '↓'}", number(one.a), number(one.b)]
        if one.paired is None:
            row += [number(one.difference), "-", "-", "-", "no pairs"]
        else:
            pair = one.paired
            row += [interval(pair.difference, pair.ci), number(pair.p), number(pair.p_holm), number(pair.detectable)]
            row += [one.better if one.significant else "-"]
        grid.add_row(*map(escape, row))
    return grid
