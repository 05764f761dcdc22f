"""Where a run's scores.json and scores.csv say something else than its images give when they are scored again."""

import math
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from eegbench.benchmark import verdicts
from eegbench.checks import tolerances
from eegbench.runs import layout
from eegbench.runs.items import parse_values, read_values
from eegbench.runs.sheet import LEVEL, STATISTICS, Score, ScoreSheet

NUMBERS = ("value", "permuted", "contribution")
INTERVALS = ("ci", "contribution_ci")
WORDS = ("version", "higher_is_better", "items", "variant", "unverified", "reason")


def scores(told: ScoreSheet, found: ScoreSheet, computed: Mapping[str, Score]) -> Iterator[str]:
    """Where a sheet says something else than these images give; `computed` are the scores that could be computed."""
    for name in ("n", "subset", *(("truths",) if told.truths else ())):
        if getattr(told, name) != getattr(found, name):
            yield f"{layout.SHEET}: {name} is {getattr(told, name)!r}; computed again {getattr(found, name)!r}"
    for judge in sorted(told.judges.keys() | found.judges.keys()):
        if told.judges.get(judge) != found.judges.get(judge):
            yield f"{layout.SHEET}: the judge {judge} here has other weights than the one that scored the run"
    for name, score_ in computed.items():
        yield from _score(score_, found.metrics[name], told.n)
    if told.statistics == STATISTICS:
        for name, score_ in computed.items():
            yield from _statistics(score_, found.metrics[name], told.n)
        yield from _audit(told, found, whole=computed.keys() == told.metrics.keys())


def _audit(told: ScoreSheet, found: ScoreSheet, *, whole: bool) -> Iterator[str]:
    """Where the audit says something else. `whole`: all metrics were computed again, else it stands on others."""
    words = verdicts.verdict(told.audit) if told.audit else found.verdict
    if told.verdict != words and (told.audit or whole or not told.verdict.startswith(verdicts.OPEN)):
        yield f"{layout.SHEET}: verdict is {told.verdict!r}; wanted {words!r}"
    adjusted = {name: one.contribution_p for name, one in told.metrics.items()}
    seen = {name for name, p in adjusted.items() if p is not None and p <= LEVEL}
    if told.audit and set(told.audit.carried_by) != seen:
        yield f"{layout.SHEET}: carried_by of the audit is not where contribution_p is {LEVEL} or less"
    if not whole:
        return
    a, b = told.audit, found.audit
    if a is None or b is None or (a.rule, a.stimuli, a.visible.keys()) != (b.rule, b.stimuli, b.visible.keys()):
        if a != b:
            yield f"{layout.SHEET}: audit is {a!r}; computed again {b!r}"
        return
    for name in ("p", "leak_p"):
        if not _close(getattr(a, name), getattr(b, name), tolerances.P):
            yield f"{layout.SHEET}: {name} of the audit is {getattr(a, name)!r}; computed again {getattr(b, name)!r}"
    for name, least in a.visible.items():
        if not _close(least, b.visible[name], 3 * tolerances.identical(found.metrics[name], told.n)):
            yield _unequal(name, "visible", least, b.visible[name])
    for name, one in told.metrics.items():
        if not _close(one.contribution_p, found.metrics[name].contribution_p, tolerances.P):
            yield _unequal(name, "contribution_p", one.contribution_p, found.metrics[name].contribution_p)


def _score(told: Score, found: Score, n: int) -> Iterator[str]:
    near = tolerances.identical(found, n)
    for name in NUMBERS:
        if not _close(getattr(told, name), getattr(found, name), near):
            yield _unequal(told.metric, name, getattr(told, name), getattr(found, name))
    if told.bounds is not None and told.bounds != found.bounds:  # older sheets have none
        yield _unequal(told.metric, "bounds", told.bounds, found.bounds)
    if told.facts is not None and told.facts != found.facts:  # scores of older releases declare none
        yield _unequal(told.metric, "facts", told.facts, found.facts)
    for name in WORDS:
        if getattr(told, name) != getattr(found, name):
            yield _unequal(told.metric, name, getattr(told, name), getattr(found, name))


def _statistics(told: Score, found: Score, n: int) -> Iterator[str]:
    """Where a score says something else that an edition of the statistics makes."""
    near = tolerances.identical(found, n)
    if not _close(told.floor, found.floor, near):
        yield _unequal(told.metric, "floor", told.floor, found.floor)
    for name in INTERVALS:
        a, b = (getattr(one, name) or (None, None) for one in (told, found))
        if not all(_close(x, y, 3 * near) for x, y in zip(a, b, strict=True)):  # an end moves more than the mean
            yield _unequal(told.metric, name, a, b)


def items(folder: Path, table: str, computed: Set[str]) -> Iterator[str]:
    """Where scores.csv says something else; a near-tie may tip a stimulus over, which moves it by a whole step."""
    told = read_values(folder / layout.TABLE)
    found = parse_values(table)
    wanted = {key for key in found.metrics if key[0] in computed}
    if told.stimuli != found.stimuli or wanted != {key for key in told.metrics if key[0] in computed}:
        yield f"{layout.TABLE}: has other stimuli or metrics than these images give"
        return
    for key in sorted(wanted):
        pairs = list(zip(told.metrics[key], found.metrics[key], strict=True))
        near = [_close(a, b, 1e-3 * max(1.0, abs(b))) for a, b in pairs]
        tipped = all(_close(a, b, 1.0) for a, b in pairs)  # a hit for a miss is the largest step of a near-tie
        if near.count(False) > tolerances.NEAR_TIES or not tipped:
            yield f"{layout.TABLE}: {key[0]} of {told.stimuli[near.index(False)]!r} is not what its image gives"


def _close(a: float | None, b: float | None, near: float) -> bool:
    if a is None or b is None:
        return a is b
    return (math.isnan(a) and math.isnan(b)) or abs(a - b) <= near


def _unequal(metric: str, name: str, told: object, found: object) -> str:
    return f"{layout.SHEET}: {name} of {metric} is {told!r}; computed again {found!r}"
