"""Which value of a column is best, and which others cannot be told apart from it.

Compared are the methods that `sharing.compared` names, over what all of them share. Each other one is compared with the
best: on each stimulus either gives a share to the mean over subjects, and the signs of the differences are flipped
(`statistics.sign_flip_ps`); p is corrected over the comparisons in the column (Holm). What has p above .05 is tied.
Where the stimuli are so few that no p can fall to .05, or all values are equal, nothing is best and nothing tied.

What that promises (`perf/board.py`): the best and the tied together hold the truly best method in 95 % of boards or
more (one named beforehand among equals is called worse in 1.5 % to 2.3 %). It does not promise that no equal is called
worse: the best was picked by looking, and of ten equals some one is called worse in 16 % of boards, of five in 9 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eegbench import seeds, statistics
from eegbench.leaderboard.average import Scored, Shares, shares
from eegbench.leaderboard.cells import Column

LEVEL = 0.05
EQUAL = "all values are equal"


@dataclass(frozen=True)
class Marks:
    """The places of the best and of the tied rows; `reason` says why none is.

    untested: whether ties could not be sought, for want of values by stimulus.
    """

    best: frozenset[int] = frozenset()
    tied: frozenset[int] = frozenset()
    reason: str = ""
    untested: bool = False


def mark(column: Column, values: Sequence[float], scores: Sequence[Sequence[Scored]]) -> Marks:
    """The best and the tied among methods that are compared: their values, and the scores that these are means of."""
    if len(values) < 2:
        return Marks()
    sign = 1 if column.higher_is_better else -1
    top = max(sign * value for value in values)
    best = [place for place, value in enumerate(values) if _equal(sign * value, top)]
    others = [place for place in range(len(values)) if place not in best]
    if not others:
        return Marks(reason=EQUAL)
    pooled = [shares(scores[place]) for place in (best[0], *others)]
    stimuli = _stimuli(pooled, scores)
    if len(others) * statistics.least_p(stimuli) > LEVEL:
        return Marks(reason=f"{stimuli} {_stimulus(stimuli)} too few to tell {len(values)} methods apart")
    tied = _tied(column.metric, pooled)
    if tied is None:
        return Marks(frozenset(best), untested=not _of_a_set([one for own in scores for one in own]))
    return Marks(frozenset(best), frozenset(place for place, yes in zip(others, tied, strict=True) if yes))


def _equal(a: float, b: float) -> bool:
    """Up to the rounding of a mean of numbers that are kept with twelve digits."""
    return math.isclose(a, b, rel_tol=1e-11, abs_tol=1e-12)


def _stimulus(count: int) -> str:
    return "stimulus is" if count == 1 else "stimuli are"


def _stimuli(pooled: Sequence[Shares | None], scores: Sequence[Sequence[Scored]]) -> int:
    """On how many stimuli the methods are compared; of a metric of a whole set, how many were scored."""
    known = [np.isfinite(one.values) for one in pooled if one is not None]
    if len(known) == len(pooled) and len({len(one) for one in known}) == 1:
        return int(np.logical_and.reduce(known).sum())
    return min(one.n for own in scores for one in own)


def _of_a_set(scores: Sequence[Scored]) -> bool:
    """Whether the metric is one of whole sets: the runs have values by stimulus, and none of this metric."""
    return all(one.stimuli and one.items is None for one in scores)


def _tied(metric: str, pooled: Sequence[Shares | None]) -> list[bool] | None:
    """Of each but the first whether it is tied with the first; None where they are not on the same stimuli."""
    first = pooled[0]
    known = [one for one in pooled if one is not None and first is not None and one.stimuli == first.stimuli]
    if first is None or len(known) < len(pooled):
        return None
    differences = np.array([first.values - one.values for one in known[1:]])
    seed, flips = seeds.seed("leaderboard", metric), max(10_000, 40 * len(differences))  # p can fall below .05 / 2 m
    p = statistics.holm(statistics.sign_flip_ps(differences, seed=seed, permutations=flips))
    return [bool(one > LEVEL) for one in p]
