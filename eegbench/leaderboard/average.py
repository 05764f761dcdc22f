"""One cell's value and interval from the scores of its runs."""

import functools
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from eegbench import seeds
from eegbench.leaderboard.cells import Bounds

RESAMPLES = 2000
FEWEST_SUBJECTS = 3  # below, the spread between subjects says next to nothing

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """One run's score on one metric; `items` (n,) has its values in the order of `stimuli`, where it has any.

    n: how many stimuli were scored. chance: what chance gives.
    """

    subject: int
    value: float
    ci: Bounds | None = None
    stimuli: tuple[str, ...] = ()
    items: Array | None = None
    n: int = 0
    chance: float | None = None

    @functools.cached_property
    def defined(self) -> int:
        """On how many stimuli it has a value."""
        return self.n if self.items is None else int(np.isfinite(self.items).sum())


@dataclass(frozen=True)
class Shares:
    """What each stimulus gives to the mean over subjects, (n,): the mean of the finite ones is that mean."""

    stimuli: tuple[str, ...]
    values: Array


def average(scores: Sequence[Scored]) -> tuple[float, Bounds | None]:
    """The mean over subjects of the mean over each one's seeds, and its 95 % interval.

    - One run: its own interval, over items.
    - Several seeds of one subject: a bootstrap over stimuli of the mean over seeds. Without values by stimulus the
      mean of the intervals' ends: the seeds share their items, so this is no narrower.
    - Three subjects or more: `over_subjects`, `joined` with a bootstrap over stimuli. A metric of a whole set has no
      values by stimulus: then with the mean of the runs' own intervals. Two subjects: none.
    """
    means = np.array(_means([(one.subject, one.value) for one in scores]))
    mean = math.fsum(means) / len(means)
    if len(scores) == 1:
        return mean, scores[0].ci
    found = shares(scores)
    by_stimulus = _typical(mean, scores) if found is None else _around(mean, found.values)
    return mean, joined(mean, over_subjects(means), by_stimulus) if len(means) > 1 else by_stimulus


def mean_over_subjects(values: Sequence[tuple[int, float]]) -> float:
    """The mean over subjects of the mean over each one's values, from pairs of subject and value."""
    means = _means(values)
    return math.fsum(means) / len(means)


def _means(values: Sequence[tuple[int, float]]) -> list[float]:
    """By subject, in their order, the mean over its values."""
    seeds_of: dict[int, list[float]] = defaultdict(list)
    for subject, value in values:
        seeds_of[subject].append(value)
    return [math.fsum(v) / len(v) for _, v in sorted(seeds_of.items())]


def _around(mean: float, shares: Array) -> Bounds | None:
    """`over_stimuli` laid around `mean`, which is not quite that of the shares where a run lacks a stimulus."""
    bounds = over_stimuli(shares)
    shift = mean - float(np.nanmean(shares))
    return bounds and (bounds[0] + shift, bounds[1] + shift)


def _typical(mean: float, scores: Sequence[Scored]) -> Bounds | None:
    """The mean of the runs' intervals, laid around `mean`; None where a run has none."""
    reaches = [(one.value - one.ci[0], one.ci[1] - one.value) for one in scores if one.ci is not None]
    if len(reaches) < len(scores):
        return None
    low, high = (math.fsum(side) / len(side) for side in zip(*reaches, strict=True))
    return mean - low, mean + high


def shares(scores: Sequence[Scored]) -> Shares | None:
    """`Shares` of runs on subjects who may have seen the same stimuli or others; None where a run has no values."""
    if not scores or any(one.items is None for one in scores):
        return None
    stimuli = scores[0].stimuli
    if any(one.stimuli is not stimuli and one.stimuli != stimuli for one in scores):
        stimuli = tuple(sorted(set().union(*(one.stimuli for one in scores))))
    of_subject: dict[int, list[Array]] = defaultdict(list)
    for one in scores:
        of_subject[one.subject].append(_spread(one, stimuli))
    table = np.array([np.mean(rows, axis=0) for rows in of_subject.values()])  # NaN in a seed is NaN of the subject
    known = np.isfinite(table)
    if not known.any(axis=1).all():
        return None
    union = int(known.any(axis=0).sum())
    weighed = np.where(known, table, 0.0) / known.sum(axis=1, keepdims=True)
    return Shares(stimuli, np.where(known.any(axis=0), weighed.sum(axis=0) * (union / len(table)), np.nan))


def _spread(one: Scored, stimuli: tuple[str, ...]) -> Array:
    """A run's values in the order of `stimuli`, which holds its own; NaN where it has none."""
    assert one.items is not None
    if one.stimuli is stimuli or one.stimuli == stimuli:
        return one.items
    place = {stimulus: i for i, stimulus in enumerate(stimuli)}
    row = np.full(len(stimuli), np.nan)
    row[[place[stimulus] for stimulus in one.stimuli]] = one.items
    return row


def over_subjects(means: Array) -> Bounds | None:
    """A 95 % bootstrap interval of the mean of one value per subject, shape (k,); None below three subjects.

    Subjects are resampled whole, as clusters. A bootstrap over so few is too narrow: in simulations with normal
    subjects the plain one covered the truth in 75 % of cases with 3 subjects, 84 % with 5 and 91 % with 10. So its
    distances from the mean are stretched by sqrt(k / (k - 1)), since a resample spreads less than the sample
    did, and by Student's over the normal quantile, since the spread is itself estimated: 95 %, 94 % and 95 %.
    """
    k = len(means)
    if k < FEWEST_SUBJECTS:
        return None
    centre = float(means.mean())
    stretch = math.sqrt(k / (k - 1)) * float(stdtrit(k - 1, 0.975) / stdtrit(math.inf, 0.975))
    low, high = np.quantile(means[_draws(k)].mean(axis=1), [0.025, 0.975])
    return centre + stretch * (float(low) - centre), centre + stretch * (float(high) - centre)


def over_stimuli(values: Array) -> Bounds | None:
    """A 95 % percentile bootstrap interval of the mean of the finite values, shape (n,); None below two."""
    items = values[np.isfinite(values)]
    if len(items) < 2:
        return None
    low, high = np.quantile(_counts(len(items)) @ items / len(items), [0.025, 0.975])
    return float(low), float(high)


def joined(mean: float, subjects: Bounds | None, stimuli: Bounds | None) -> Bounds | None:
    """An interval that speaks of other subjects and other stimuli: at either end the root of both squared distances.

    The spread between subjects' means holds all that is a subject's own, also the noise of its stimuli. What all
    subjects share it cannot show: a stimulus that is easy for everybody moves every mean. The bootstrap over
    stimuli does. In simulations of 3 to 10 subjects and 200 stimuli, a thousand boards of each kind, it covered the
    true mean in 94.7 % to 98.4 % (`perf/board.py`).
    """
    if subjects is None or stimuli is None:
        return subjects
    low, high = (math.hypot(mean - a, mean - b) for a, b in zip(subjects, stimuli, strict=True))
    return mean - low, mean + high


@functools.lru_cache(maxsize=16)
def _draws(k: int) -> NDArray[np.int64]:
    """The same resamples for every cell with k subjects, shape (RESAMPLES, k)."""
    return seeds.generator("leaderboard", "subjects", k).integers(k, size=(RESAMPLES, k))


@functools.lru_cache(maxsize=2)
def _counts(n: int) -> NDArray[np.float64]:
    """How often each of n stimuli is drawn, the same for every cell, shape (RESAMPLES, n)."""
    rng = seeds.generator("leaderboard", "stimuli", n)
    return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)
