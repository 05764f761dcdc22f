"""The verb that says how large an experiment must be."""

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
    from eegbench.studies.plan_size import plan_size as plan

    found = plan(runs, difference, metric=metric, power=power, methods=words(methods))
    for one in found.notes:
        note(one)
    if as_json:
        sys.stdout.write(found.to_json())
    else:
        say(text(found, width()))
    found.check_whole()


def text(found: Any, columns: int) -> str:
    """Heading, where the differences come from, what the runs show, and what others need."""
    from eegbench.tables import number

    judged = ", whose judges no paper uses" if found.suite == "micro" else ""
    metric = f"{found.metric}-{found.variant}" if found.variant else found.metric
    pairs = len(found.methods) * (len(found.methods) - 1) // 2
    many = f" ({number(found.by_pair[0])} to {number(found.by_pair[1])} by pair)" if pairs > 1 else ""
    size = f"{_count(found.subjects, 'subject')}, {_count(found.seeds, 'seed')}, {_count(found.stimuli, 'stimulus')}"
    only = "" if found.subjects > 1 else " alone"
    share = f"{100 * found.power:.3g} % of cases at {_plain(found.level)}"
    lines = [
        kind(found.simulated, found.caution, columns),
        f"{found.dataset}, track {found.track}, suite {found.suite}{judged}, protocol {found.protocol}",
        f"{metric}, {_count(pairs, 'pair')} of {', '.join(found.methods)}",
        size,
        "",
        spreads(found, columns).rstrip("\n"),
        "",
        f"These runs show a difference of {number(found.visible)}{many} in {share}; that speaks of "
        f"{found.speaks_of}{only}.",
        "",
        f"To find a difference of {_plain(found.difference)} in {share}:",
        needs(found, columns).rstrip("\n"),
        *remarks(found),
        "",
        LEGEND,
    ]
    return wrapped("\n".join(lines), columns)


def spreads(found: Any, columns: int) -> str:
    """A row for each source: its standard deviation, or why it is not known."""
    from eegbench.tables import number

    parts, several = found.components, found.subjects > 1
    rows = {
        "from stimulus to stimulus": (parts.stimuli, ""),
        "from person to person": (parts.people, "one subject"),
        "from fit to fit": (parts.fits, "one seed" + ("; part of that of people" if several else "")),
        "of a person on a stimulus": (parts.person_stimulus, "one subject; part of that of stimuli"),
        "the rest": (parts.rest, f"one seed; part of {'the line above' if several else 'that of stimuli'}"),
    }
    made = [
        Column("differences vary", list(rows), False),
        Column("spread", ["unknown" if value is None else number(value**0.5) for value, _ in rows.values()]),
    ]
    if any(value is None for value, _ in rows.values()):
        made.append(Column("for", [why if value is None else "" for value, why in rows.values()], False))
    return laid(made, columns, gap=2, elsewhere="--json")


def needs(found: Any, columns: int) -> str:
    """A row for each design."""
    made = [
        Column("subjects", [str(need.subjects) for need in found.needs]),
        Column("seeds", [str(need.seeds) for need in found.needs]),
        Column("stimuli", [f"{need.stimuli:,}" if need.stimuli else "none" for need in found.needs]),
        Column("speaks of", [_about(need) for need in found.needs], False),
    ]
    return laid(made, columns, gap=2, elsewhere="--json")


def remarks(found: Any) -> list[str]:
    """What is not reachable, how many people the stimuli that are there want, and which runs would tell more."""
    from eegbench.tables import number

    lines = []
    if any(need.stimuli is None for need in found.needs):
        lines.append("none: not reachable with any number of stimuli, for people or fits differ by that much")
    enough = [
        f"{need.subjects:,} subjects of {_count(need.seeds, 'seed')}" for need in found.more_people if need.subjects
    ]
    if enough:
        lines.append(f"With the {found.stimuli:,} stimuli that are there: {' or '.join(enough)}.")
    elif found.more_people:
        spread = number(found.components.stimuli**0.5)
        lines.append(
            f"With the {found.stimuli:,} stimuli that are there no number of subjects suffices, for stimuli differ by "
            f"{spread}."
        )
    parts = found.components
    if parts.people is None:
        lines.append("Run the methods on other subjects to know what other people need.")
    if parts.fits is None:
        lines.append("Run the methods with other seeds (--seed 1) to know what other fits need.")
    return lines


def _about(need: Any) -> str:
    """What a design speaks of; where no number of stimuli suffices also why."""
    from eegbench.tables import number

    if need.stimuli is not None:
        return str(need.speaks_of)
    return f"{need.speaks_of}, {'who' if need.subjects > 1 else 'whose fits'} differ by {number(need.spread)}"


def _plain(value: float) -> str:
    """As it was given, without the zero before the point."""
    return f"{value:g}".replace("0.", ".", 1) if value < 1 else f"{value:g}"


def _count(number: int, what: str) -> str:
    plural = {"stimulus": "stimuli"}.get(what, f"{what}s")
    return f"{number} {what if number == 1 else plural}"
