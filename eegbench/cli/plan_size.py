"""The verb that plans the size of an experiment."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.cli.options import AsJson, words
from eegbench.cli.output import kind, note, say
from eegbench.cli.screen import width
from eegbench.cli.verbs import SCORE, app
from eegbench.tables import Column, laid, wrapped

LEGEND = """\
Spread: the standard deviation of the difference of two methods on one stimulus, by where it comes from, a mean over \
all pairs; from few people or seeds it is a rough guess. Stimuli: the fewest with which the test of such an experiment \
finds the difference. All subjects see the same ones, which are taken to be of the kind that is there."""


@app.command("plan-size", group=SCORE)
def plan_size(
    difference: Annotated[
        float, typer.Option(metavar="X", help="The true difference that is to be found, in the metric's own unit.")
    ],
    runs: Annotated[Path, typer.Argument(metavar="RUNS", help="A folder of runs.")] = Path("runs"),
    metric: Annotated[str, typer.Option(metavar="NAME", help="A metric that has values by stimulus.")] = "clip",
    power: Annotated[float, typer.Option(metavar="SHARE", help="In what share of cases it is to be found.")] = 0.8,
    methods: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="Pair these; all but floors and ceilings if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how many stimuli, subjects and seeds a true difference needs, from the spread in runs that are there.

    For example: eegbench plan-size runs --difference .02 --methods atm,neuroimagen
    """
    from eegbench.studies.plan_size import plan_size as plan_runs

    plan = plan_runs(runs, difference, metric=metric, power=power, methods=words(methods))
    for remark in plan.notes:
        note(remark)
    if as_json:
        sys.stdout.write(plan.to_json())
    else:
        say(text(plan, width()))
    plan.check_whole()


def text(plan: Any, columns: int) -> str:
    """The plan as text: heading, sources of the differences, what the runs show, and what other designs need."""
    from eegbench.tables import number

    judged = ", whose judges no paper uses" if plan.suite == "micro" else ""
    metric = f"{plan.metric}-{plan.variant}" if plan.variant else plan.metric
    pairs = len(plan.methods) * (len(plan.methods) - 1) // 2
    range_of_pairs = f" ({number(plan.by_pair[0])} to {number(plan.by_pair[1])} by pair)" if pairs > 1 else ""
    size = f"{_count(plan.subjects, 'subject')}, {_count(plan.seeds, 'seed')}, {_count(plan.stimuli, 'stimulus')}"
    only = "" if plan.subjects > 1 else " alone"
    share = f"{100 * plan.power:.3g} % of cases at {_plain(plan.level)}"
    lines = [
        kind(plan.simulated, plan.caution, columns),
        f"{plan.dataset}, track {plan.track}, suite {plan.suite}{judged}, protocol {plan.protocol}",
        f"{metric}, {_count(pairs, 'pair')} of {', '.join(plan.methods)}",
        size,
        "",
        spreads(plan, columns).rstrip("\n"),
        "",
        f"These runs show a difference of {number(plan.visible)}{range_of_pairs} in {share}; that speaks of "
        f"{plan.speaks_of}{only}.",
        "",
        f"To find a difference of {_plain(plan.difference)} in {share}:",
        needs(plan, columns).rstrip("\n"),
        *remarks(plan),
        "",
        LEGEND,
    ]
    return wrapped("\n".join(lines), columns)


def spreads(plan: Any, columns: int) -> str:
    """The table of sources: for each its standard deviation, or why it is not known."""
    from eegbench.tables import number

    parts, several = plan.components, plan.subjects > 1
    rows = {
        "from stimulus to stimulus": (parts.stimuli, ""),
        "from person to person": (parts.people, "one subject"),
        "from fit to fit": (parts.fits, "one seed" + ("; part of that of people" if several else "")),
        "of a person on a stimulus": (parts.person_stimulus, "one subject; part of that of stimuli"),
        "the rest": (parts.rest, f"one seed; part of {'the line above' if several else 'that of stimuli'}"),
    }
    shown = [
        Column("differences vary", list(rows), False),
        Column("spread", ["unknown" if value is None else number(value**0.5) for value, _ in rows.values()]),
    ]
    if any(value is None for value, _ in rows.values()):
        shown.append(Column("for", [why if value is None else "" for value, why in rows.values()], False))
    return laid(shown, columns, gap=2, elsewhere="--json")


def needs(plan: Any, columns: int) -> str:
    """The table of designs, a row for each."""
    shown = [
        Column("subjects", [str(need.subjects) for need in plan.needs]),
        Column("seeds", [str(need.seeds) for need in plan.needs]),
        Column("stimuli", [f"{need.stimuli:,}" if need.stimuli else "none" for need in plan.needs]),
        Column("speaks of", [_about(need) for need in plan.needs], False),
    ]
    return laid(shown, columns, gap=2, elsewhere="--json")


def remarks(plan: Any) -> list[str]:
    """Remarks: designs that no number reaches, subjects needed with the present stimuli, and which runs to add."""
    from eegbench.tables import number

    lines = []
    if any(need.stimuli is None for need in plan.needs):
        lines.append("none: not reachable with any number of stimuli, for people or fits differ by that much")
    enough = [
        f"{need.subjects:,} subjects of {_count(need.seeds, 'seed')}" for need in plan.more_people if need.subjects
    ]
    if enough:
        lines.append(f"With the {plan.stimuli:,} stimuli that are there: {' or '.join(enough)}.")
    elif plan.more_people:
        spread = number(plan.components.stimuli**0.5)
        lines.append(
            f"With the {plan.stimuli:,} stimuli that are there no number of subjects suffices, for stimuli differ by "
            f"{spread}."
        )
    parts = plan.components
    if parts.people is None:
        lines.append("Run the methods on other subjects to know what other people need.")
    if parts.fits is None:
        lines.append("Run the methods with other seeds (--seed 1) to know what other fits need.")
    return lines


def _about(need: Any) -> str:
    """What a design's test holds for; where no number of stimuli suffices, also why."""
    from eegbench.tables import number

    if need.stimuli is not None:
        return str(need.speaks_of)
    return f"{need.speaks_of}, {'who' if need.subjects > 1 else 'whose fits'} differ by {number(need.spread)}"


def _plain(value: float) -> str:
    """A number as it was given, without the zero before the point."""
    return f"{value:g}".replace("0.", ".", 1) if value < 1 else f"{value:g}"


def _count(number: int, noun: str) -> str:
    plural = {"stimulus": "stimuli"}.get(noun, f"{noun}s")
    return f"{number} {noun if number == 1 else plural}"
