"""Differences between a run's scores.json and scores.csv and what its images give when they are scored again."""

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


def scores(stored: ScoreSheet, recomputed: ScoreSheet, computed: Mapping[str, Score]) -> Iterator[str]:
    """The differences of a stored sheet from the recomputed one. computed: the scores that could be computed again."""
    for name in ("n", "subset", *(("truths",) if stored.truths else ())):
        if getattr(stored, name) != getattr(recomputed, name):
            yield f"{layout.SHEET}: {name} is {getattr(stored, name)!r}; computed again {getattr(recomputed, name)!r}"
    for judge in sorted(stored.judges.keys() | recomputed.judges.keys()):
        if stored.judges.get(judge) != recomputed.judges.get(judge):
            yield f"{layout.SHEET}: the judge {judge} here has other weights than the one that scored the run"
    for name, score in computed.items():
        yield from _score(score, recomputed.metrics[name], stored.n)
    if stored.statistics == STATISTICS:
        for name, score in computed.items():
            yield from _statistics(score, recomputed.metrics[name], stored.n)
        yield from _audit(stored, recomputed, whole=computed.keys() == stored.metrics.keys())


def _audit(stored: ScoreSheet, recomputed: ScoreSheet, *, whole: bool) -> Iterator[str]:
    """The differences of the audit. whole: all metrics were computed again, which the audit's numbers depend on."""
    words = verdicts.verdict(stored.audit) if stored.audit else recomputed.verdict
    if stored.verdict != words and (stored.audit or whole or not stored.verdict.startswith(verdicts.OPEN)):
        yield f"{layout.SHEET}: verdict is {stored.verdict!r}; wanted {words!r}"
    adjusted = {name: score.contribution_p for name, score in stored.metrics.items()}
    carrying = {name for name, p in adjusted.items() if p is not None and p <= LEVEL}
    if stored.audit and set(stored.audit.carried_by) != carrying:
        yield f"{layout.SHEET}: carried_by of the audit is not where contribution_p is {LEVEL} or less"
    if not whole:
        return
    a, b = stored.audit, recomputed.audit
    if a is None or b is None or (a.rule, a.stimuli, a.visible.keys()) != (b.rule, b.stimuli, b.visible.keys()):
        if a != b:
            yield f"{layout.SHEET}: audit is {a!r}; computed again {b!r}"
        return
    for name in ("p", "leak_p"):
        if not _close(getattr(a, name), getattr(b, name), tolerances.P):
            yield f"{layout.SHEET}: {name} of the audit is {getattr(a, name)!r}; computed again {getattr(b, name)!r}"
    for name, least in a.visible.items():
        if not _close(least, b.visible[name], 3 * tolerances.identical(recomputed.metrics[name], stored.n)):
            yield _unequal(name, "visible", least, b.visible[name])
    for name, score in stored.metrics.items():
        if not _close(score.contribution_p, recomputed.metrics[name].contribution_p, tolerances.P):
            yield _unequal(name, "contribution_p", score.contribution_p, recomputed.metrics[name].contribution_p)


def _score(stored: Score, recomputed: Score, n: int) -> Iterator[str]:
    tolerance = tolerances.identical(recomputed, n)
    for name in NUMBERS:
        if not _close(getattr(stored, name), getattr(recomputed, name), tolerance):
            yield _unequal(stored.metric, name, getattr(stored, name), getattr(recomputed, name))
    if stored.bounds is not None and stored.bounds != recomputed.bounds:  # older sheets have none
        yield _unequal(stored.metric, "bounds", stored.bounds, recomputed.bounds)
    if stored.facts is not None and stored.facts != recomputed.facts:  # scores of older releases declare none
        yield _unequal(stored.metric, "facts", stored.facts, recomputed.facts)
    for name in WORDS:
        if getattr(stored, name) != getattr(recomputed, name):
            yield _unequal(stored.metric, name, getattr(stored, name), getattr(recomputed, name))


def _statistics(stored: Score, recomputed: Score, n: int) -> Iterator[str]:
    """The differences of a score in what depends on the edition of the statistics: chance and intervals."""
    tolerance = tolerances.identical(recomputed, n)
    if not _close(stored.floor, recomputed.floor, tolerance):
        yield _unequal(stored.metric, "floor", stored.floor, recomputed.floor)
    for name in INTERVALS:
        a, b = (getattr(score, name) or (None, None) for score in (stored, recomputed))
        if not all(_close(x, y, 3 * tolerance) for x, y in zip(a, b, strict=True)):  # an end moves more than the mean
            yield _unequal(stored.metric, name, a, b)


def items(folder: Path, table: str, computed: Set[str]) -> Iterator[str]:
    """The differences of scores.csv. A near-tie may tip a stimulus over, which moves its value by a whole step."""
    stored = read_values(folder / layout.TABLE)
    recomputed = parse_values(table)
    wanted = {key for key in recomputed.metrics if key[0] in computed}
    if stored.stimuli != recomputed.stimuli or wanted != {key for key in stored.metrics if key[0] in computed}:
        yield f"{layout.TABLE}: has other stimuli or metrics than these images give"
        return
    for key in sorted(wanted):
        pairs = list(zip(stored.metrics[key], recomputed.metrics[key], strict=True))
        near = [_close(a, b, 1e-3 * max(1.0, abs(b))) for a, b in pairs]
        tipped = all(_close(a, b, 1.0) for a, b in pairs)  # a hit for a miss is the largest step of a near-tie
        if near.count(False) > tolerances.NEAR_TIES or not tipped:
            yield f"{layout.TABLE}: {key[0]} of {stored.stimuli[near.index(False)]!r} is not what its image gives"


def _close(a: float | None, b: float | None, tolerance: float) -> bool:
    if a is None or b is None:
        return a is b
    return (math.isnan(a) and math.isnan(b)) or abs(a - b) <= tolerance


def _unequal(metric: str, name: str, stored: object, recomputed: object) -> str:
    return f"{layout.SHEET}: {name} of {metric} is {stored!r}; computed again {recomputed!r}"
