"""One cell's value and interval from the scores of its runs."""

import functools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from eegbench import statistics
from eegbench.leaderboard.cells import Bounds
from eegbench.runs.metric_facts import Limits

FEWEST_SUBJECTS = 3  # below, the spread between subjects says next to nothing

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """One run's score on one metric; `items` (n,) has its values in the order of `stimuli`, where it has any.

    n: how many stimuli were scored. chance: what chance gives. own: whether `ci` is made by the statistics of today;
    else it is made from the values by stimulus, where there are some.
    """

    subject: int
    value: float
    ci: Bounds | None = None
    stimuli: tuple[str, ...] = ()
    items: Array | None = None
    n: int = 0
    chance: float | None = None
    seed: int = 0
    own: bool = False

    @functools.cached_property
    def defined(self) -> int:
        """On how many stimuli it has a value."""
        return self.n if self.items is None else int(np.isfinite(self.items).sum())


def average(scores: Sequence[Scored], limits: Limits = (None, None)) -> tuple[float, Bounds | None]:
    """The mean over subjects of the mean over each one's seeds, and its 95 % interval.

    - One run: its own interval, or `statistics.mean_interval` of its values by stimulus.
    - Several seeds of one subject: `statistics.crossed`, seeds x stimuli. Three subjects or more: the same with
      subjects, each one's seeds averaged. Two subjects: none.
    - Without values by stimulus, as of metrics of whole sets: `_of_sets`.
    """
    means = _means([(score.subject, score.value) for score in scores])
    mean = math.fsum(means.values()) / len(means)
    if len(scores) == 1:
        [score] = scores
        if score.own or score.items is None:
            return mean, score.ci
        return mean, statistics.mean_interval(score.items, limits=limits)[1]
    if 1 < len(means) < FEWEST_SUBJECTS:
        return mean, None
    rows = rows_of(scores)
    if rows is None:
        return mean, _of_sets(
            mean, list(means.values()) if len(means) > 1 else [score.value for score in scores], scores
        )
    crossed = statistics.crossed(rows)
    ci = crossed.interval()
    shift = mean - crossed.mean  # not quite zero where a run lacks a stimulus
    return mean, ci and (ci[0] + shift, ci[1] + shift)


def mean_over_subjects(values: Sequence[tuple[int, float]]) -> float:
    """The mean over subjects of the mean over each one's values, from pairs of subject and value."""
    means = _means(values)
    return math.fsum(means.values()) / len(means)


def seeds_sd(scores: Sequence[Scored]) -> float | None:
    """The standard deviation between seeds of one subject, the root of its mean square over subjects; None for none."""
    by_subject = _by_subject([(score.subject, score.value) for score in scores])
    variances = [float(np.var(values, ddof=1)) for values in by_subject.values() if values[1:]]
    return math.sqrt(math.fsum(variances) / len(variances)) if variances else None


def rows_of(scores: Sequence[Scored], stimuli: tuple[str, ...] | None = None) -> Array | None:
    """Values by row and stimulus, NaN where there is none; None where a row has no values.

    A row is a subject, its seeds averaged; of one subject alone it is a seed. Rows are in the order of their numbers,
    columns in that of `stimuli`, which are by default `stimuli_of`.
    """
    if not scores or any(score.items is None for score in scores):
        return None
    stimuli = stimuli_of(scores) if stimuli is None else stimuli
    ordered = sorted(scores, key=lambda score: (score.subject, score.seed))
    several = len({score.subject for score in scores}) > 1
    members: dict[int, list[Array]] = defaultdict(list)
    for place, score in enumerate(ordered):
        members[score.subject if several else place].append(_spread(score, stimuli))
    table = np.array([np.mean(rows, axis=0) for rows in members.values()])  # NaN in a seed is NaN of the subject
    return table if np.isfinite(table).any(axis=1).all() else None


def stimuli_of(scores: Sequence[Scored]) -> tuple[str, ...]:
    """The stimuli that any of the scores has: in its own order where all have the same."""
    first = scores[0].stimuli
    same = all(score.stimuli is first or score.stimuli == first for score in scores)
    return first if same else tuple(sorted(set().union(*(score.stimuli for score in scores))))


def _by_subject(values: Sequence[tuple[int, float]]) -> Mapping[int, list[float]]:
    """By subject, in their order, its values."""
    seeds_of: dict[int, list[float]] = defaultdict(list)
    for subject, value in values:
        seeds_of[subject].append(value)
    return dict(sorted(seeds_of.items()))


def _means(values: Sequence[tuple[int, float]]) -> dict[int, float]:
    """By subject, in their order, the mean over its values."""
    return {subject: math.fsum(own) / len(own) for subject, own in _by_subject(values).items()}


def _of_sets(mean: float, rows: Sequence[float], scores: Sequence[Scored]) -> Bounds | None:
    """Student's interval over rows, joined with the runs' typical one: the root of both squared distances at each end.

    The first speaks of other subjects, or other fits, and holds the noise that is a row's own; what all rows share,
    their stimuli, is in the second alone. Where a run has none, subjects have the first alone, and seeds none: how they
    spread says nothing of other stimuli.
    """
    reach = float(stdtrit(len(rows) - 1, 0.975)) * float(np.std(rows, ddof=1)) / math.sqrt(len(rows))
    typical = _typical(scores)
    if typical is None:
        return (mean - reach, mean + reach) if len({score.subject for score in scores}) > 1 and reach > 0 else None
    low, high = (math.hypot(reach, side) for side in typical)
    return mean - low, mean + high


def _typical(scores: Sequence[Scored]) -> tuple[float, float] | None:
    """The mean distances of the ends of the runs' intervals from their values; None where a run has none."""
    reaches = [(score.value - score.ci[0], score.ci[1] - score.value) for score in scores if score.ci is not None]
    if len(reaches) < len(scores):
        return None
    low, high = (math.fsum(side) / len(side) for side in zip(*reaches, strict=True))
    return low, high


def _spread(score: Scored, stimuli: tuple[str, ...]) -> Array:
    """A run's values in the order of `stimuli`, NaN where it has none."""
    assert score.items is not None
    if score.stimuli is stimuli or score.stimuli == stimuli:
        return score.items
    known = dict(zip(score.stimuli, score.items.tolist(), strict=True))
    return np.array([known.get(stimulus, math.nan) for stimulus in stimuli])
