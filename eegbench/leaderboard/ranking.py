"""Which value of a column is best, and which others cannot be told apart from it.

Compared are the methods that `sharing.compared` names, over what all of them share. Each other one is compared with the
best, by the differences on the same stimuli, and what is found speaks of what varies between the runs:

| the runs of a method | test | it speaks of |
|---|---|---|
| one | `statistics.paired_ps` | new stimuli; this person and these fits |
| several seeds of one subject | `statistics.crossed`, seeds x stimuli | new stimuli and new fits; this person |
| several subjects | `statistics.crossed`, subjects x stimuli, seeds averaged | new people and new stimuli |

One column is primary, by a choice that no result enters: its p are corrected over its own comparisons (Holm), those of
all other columns over all of theirs together. What has p above .05 is tied. Where the stimuli are so few that no p can
fall to .05, or all values are equal, nothing is best and nothing tied. Metrics of whole sets are not ranked.

What that promises (`perf/statistics.py`): the best and the tied together hold the truly best method in 95 % of boards
or more (one named beforehand among equals is called worse in 1 % to 3 %). It does not promise that no equal is called
worse, for the best was picked by looking: of two equals that happens in 4 % to 5 % of boards, of five in 6 % to 8 %, of
ten in 7 % to 16 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegbench import seeds, statistics
from eegbench.leaderboard.average import Scored, rows_of, stimuli_of
from eegbench.leaderboard.cells import Column

LEVEL = 0.05
EQUAL = "all values are equal"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Contest:
    """The comparisons in one column: places of the best, of the others, and of each other the p of no difference.

    p: NaN where there is no test, for want of values by stimulus. least: the smallest p that the test can give.
    stimuli: on how many it stands. visible: the smallest true difference that it shows in 4 of 5 cases, at .05 before
    correction; the root of the mean square over the comparisons. reason: why nothing can be best.
    """

    best: frozenset[int] = frozenset()
    others: tuple[int, ...] = ()
    p: tuple[float, ...] = ()
    least: float = 0.0
    stimuli: int = 0
    visible: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Marks:
    """The places of the best and of the tied rows; `reason` says why none is.

    untested: whether ties could not be sought, for want of values by stimulus.
    """

    best: frozenset[int] = frozenset()
    tied: frozenset[int] = frozenset()
    reason: str = ""
    untested: bool = False


def contest(
    column: Column, values: Sequence[float], scores: Sequence[Sequence[Scored]], *, comparisons: int
) -> Contest:
    """The best of methods that are compared, and how each other one differs from it.

    values: the methods' means; scores: what these are means of; comparisons: how many the table has in all.
    """
    if len(values) < 2:
        return Contest()
    sign = 1 if column.higher_is_better else -1
    top = max(sign * value for value in values)
    best = [place for place, value in enumerate(values) if _equal(sign * value, top)]
    others = tuple(place for place in range(len(values)) if place not in best)
    if not others:
        return Contest(reason=EQUAL)
    stimuli = stimuli_of([score for place in (best[0], *others) for score in scores[place]])
    tables = [rows_of(scores[place], stimuli) for place in (best[0], *others)]
    differences = _differences(tables)
    if differences is None:
        fewest = min(score.n for own in scores for score in own)
        single = all(len(own) == 1 for own in scores)
        least = statistics.least_p(fewest) if single else 0.0
        return Contest(frozenset(best), others, (math.nan,) * len(others), least, fewest)
    p, least, visible = _tested(column.metric, differences, comparisons)
    known = int(np.isfinite(differences).all(axis=(0, 1)).sum())
    return Contest(frozenset(best), others, tuple(p), least, known, visible)


def mark(contests: Sequence[Contest], primary: int | None) -> list[Marks]:
    """The best and the tied of each column; `primary` is the place of the one whose p are corrected by themselves."""
    families = [[place] for place in range(len(contests)) if place == primary]
    families.append([place for place in range(len(contests)) if place != primary])
    marks = [Marks()] * len(contests)
    for family in families:
        own = [contests[place] for place in family]
        p = _corrected([contest.p for contest in own])
        least = _corrected([(contest.least,) * len(contest.others) for contest in own])
        for place, adjusted, reachable in zip(family, p, least, strict=True):
            columns = sum(bool(contest.others) for contest in own)
            marks[place] = _marks(contests[place], adjusted, min(reachable, default=0.0), columns)
    return marks


def _marks(contest: Contest, p: Sequence[float], least: float, columns: int) -> Marks:
    if contest.reason or not contest.others:
        return Marks(reason=contest.reason)
    if least > LEVEL:
        reason = f"{contest.stimuli} {'stimulus is' if contest.stimuli == 1 else 'stimuli are'} too few to tell "
        methods = len(contest.best) + len(contest.others)
        return Marks(reason=f"{reason}{methods} methods apart{f' in {columns} columns' if columns > 1 else ''}")
    tied = frozenset(place for place, value in zip(contest.others, p, strict=True) if value > LEVEL)
    return Marks(contest.best, tied, untested=any(map(math.isnan, p)))


def _corrected(by_column: Sequence[Sequence[float]]) -> list[list[float]]:
    """p-values corrected over all columns together (Holm), by column."""
    adjusted = iter(statistics.holm([p for own in by_column for p in own]).tolist())
    return [[next(adjusted) for _ in own] for own in by_column]


def _equal(a: float, b: float) -> bool:
    """Up to the rounding of a mean of numbers that are kept with twelve digits."""
    return math.isclose(a, b, rel_tol=1e-11, abs_tol=1e-12)


def _differences(tables: Sequence[Array | None]) -> Array | None:
    """The first less each other one, (others, rows, stimuli); None where one has no values, or they share none."""
    known = [table for table in tables if table is not None]
    if len(known) < len(tables) or len({table.shape for table in known}) > 1:
        return None
    differences = known[0] - np.array(known[1:])
    return differences if np.isfinite(differences).any(axis=2).all() else None


def _tested(metric: str, differences: Array, comparisons: int) -> tuple[list[float], float, float | None]:
    """Of each comparison its p; the smallest p that it could have; the smallest visible difference."""
    if differences.shape[1] > 1:
        crossed = [statistics.crossed(test) for test in differences]
        return [test.p for test in crossed], 0.0, _typical([test.visible() for test in crossed])
    rows = differences[:, 0]
    seed, flips = seeds.seed("leaderboard", metric), max(10_000, 25 * comparisons)  # p can fall below .05 / m
    p = statistics.paired_ps(rows, seed=seed, permutations=flips)
    used = int(np.isfinite(rows).any(axis=0).sum())
    visible = _typical([statistics.minimum_detectable(row) for row in rows])
    return p.tolist(), statistics.least_p(used), visible


def _typical(reaches: Sequence[float]) -> float | None:
    """The root of the mean square; None for nothing that varies."""
    known = [reach for reach in reaches if math.isfinite(reach)]
    typical = math.sqrt(math.fsum(reach * reach for reach in known) / len(known)) if known else 0.0
    return typical if typical > 0 else None
