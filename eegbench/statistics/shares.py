"""Which share of the way from a floor to a ceiling is a mean, and how sure is that where all three are estimates?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from eegbench.errors import InputError
from eegbench.statistics.intervals import RESAMPLES, Bounds, resamples

FEWEST_SUBJECTS = 3  # two say next to nothing of others

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """A share of the way and its 95 % interval; value is None where the ceiling is not clear of the floor."""

    value: float | None
    ci: Bounds | None = None


@dataclass(frozen=True)
class Drawn:
    """Means of one method, floor or ceiling over resampled stimuli, and over resampled subjects, (RESAMPLES,) each.

    Below three subjects the second is empty: the means over stimuli then speak of these people.
    """

    stimuli: Array
    subjects: Array


Joint = tuple[Drawn, Sequence[Drawn], Sequence[Drawn]]  # of a method, of floors, of ceilings: drawn together


def resampled_means(table: Array) -> Drawn:
    """`Drawn` of a table of values, (subjects, stimuli); NaN is left out.

    Each mean is the mean over subjects of the mean over stimuli. The draws depend on the shape alone, so that tables of
    one shape are resampled together. Raises InputError for another shape.
    """
    if table.ndim != 2 or not table.size:
        raise InputError(f"values have shape {table.shape}; wanted (subjects, stimuli)")
    known = np.isfinite(table)
    filled, whole = np.where(known, table, 0.0), bool(known.all())
    rows, n = table.shape
    parts = []
    for counts in resamples(n):
        drawn = n if whole else counts @ known.T.astype(np.float64)
        with np.errstate(invalid="ignore"):
            parts.append((counts @ filled.T / drawn).mean(axis=1))
    if rows < FEWEST_SUBJECTS:
        return Drawn(np.concatenate(parts), np.empty(0))
    [people] = resamples(rows)
    with np.errstate(invalid="ignore"):
        return Drawn(np.concatenate(parts), people @ (filled.sum(axis=1) / known.sum(axis=1)) / rows)


def share(
    means: tuple[float, Sequence[float], Sequence[float]],
    drawn: Joint | None,
    *,
    subjects: int = 1,
    between_fits: float = 0.0,
    higher_is_better: bool = True,
    level: float = 0.95,
) -> Share:
    """(method - floor) / (ceiling - floor), from the best floor, chance among them, to the best ceiling.

    means: of the method, of the floors, of the ceilings; drawn: the same as `Drawn`, of the same stimuli and subjects.
    In each resample the best floor and the best ceiling are chosen anew, so that their choice is part of the interval:
    the quantiles of the resampled shares (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13),
    moved so that their mean lies on the share. They lie beside it, since the best of several floors is higher in a
    resample than in the sample; left there, they covered in .87 where three floors are equal. Of one subject the
    interval reaches, at either end, as far as the quantiles turned round the share too, if that is further.
    Of three subjects or more one over stimuli and one over subjects, whose distances from the share are stretched by
    sqrt(k / (k - 1)) and by Student's over the normal quantile for k subjects: a resample spreads less than the sample,
    and its spread is itself estimated. At either end the root of both squared distances. No interval for two subjects,
    or where no resample changes the share.
    between_fits: the half width, in the metric's unit, that other fits of the method add where there are several of
    one subject; joined in the same way.
    There is no share unless the ceiling is clear of the floor: above it, and in 97.5 % of the resamples of stimuli;
    else it would be the noise of a denominator near zero. With drawn=None there is a share without an interval.
    In simulations of 200 stimuli of one subject, 2,000 cases of each kind, it covered the true share in 95.9 % (no
    gain) to 97.0 % (a short way; three equal floors: 96.9 %); of 3, 5 and 10 subjects, a thousand cases
    of each kind, in 96.6 % to 98.5 % (`perf/statistics.py`, section shares).
    Assumed: stimuli and subjects are independent draws. It says nothing of other floors or ceilings than these.
    """
    if not means[1] or not means[2]:
        raise InputError("a share needs a floor and a ceiling")
    sign, tail = 1.0 if higher_is_better else -1.0, (1 - level) / 2
    floor, ceiling = (max(sign * mean for mean in side) for side in means[1:])
    if not ceiling > floor:
        return Share(None)
    value = (sign * means[0] - floor) / (ceiling - floor)
    if drawn is None:
        return Share(value)
    way, shares = _resampled(sign, drawn, lambda reference: reference.stimuli)
    if not np.nanquantile(way, tail) > 0:
        return Share(None)
    if subjects == FEWEST_SUBJECTS - 1 or np.ptp(shares) == 0:
        return Share(value)
    below, above = _distances(shares, tail)
    if subjects == 1:
        shift = float(shares.mean()) - value
        below, above = max(below, above + shift), max(above, below - shift)
    if subjects >= FEWEST_SUBJECTS:
        _, shares = _resampled(sign, drawn, lambda reference: reference.subjects)
        normal, student = (float(stdtrit(freedom, 1 - tail)) for freedom in (math.inf, subjects - 1))
        stretch = math.sqrt(subjects / (subjects - 1)) * student / normal
        below, above = map(math.hypot, (below, above), [stretch * distance for distance in _distances(shares, tail)])
    fits = between_fits / (ceiling - floor)
    return Share(value, (value - math.hypot(below, fits), value + math.hypot(above, fits)))


def _resampled(sign: float, drawn: Joint, over: Callable[[Drawn], Array]) -> tuple[Array, Array]:
    """By resample the way from the best floor to the best ceiling, and the method's share of it where there is one."""
    method, floors, ceilings = drawn
    lows, highs = (np.max([sign * over(reference) for reference in side], axis=0) for side in (floors, ceilings))
    way = highs - lows
    shares = (sign * over(method) - lows)[way > 0] / way[way > 0]
    return way, shares[np.isfinite(shares)]


def _distances(shares: Array, tail: float) -> tuple[float, float]:
    """How far the tails of the resampled shares lie below and above their mean."""
    low, high = np.quantile(shares, [tail, 1 - tail])
    middle = float(shares.mean())
    return middle - float(low), float(high) - middle


def not_resampled(value: float) -> Drawn:
    """What has no values to resample, and is taken as exact: chance."""
    same = np.full(RESAMPLES, value)
    return Drawn(same, same)
