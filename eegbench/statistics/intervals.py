"""Intervals of a mean over stimuli. They speak of other stimuli of the same kind, and of nothing else."""

import functools
import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from eegbench import seeds
from eegbench.errors import InputError

Bounds = tuple[float, float]
Estimate = tuple[float, Bounds | None]  # a value and its interval; None where there is no honest one
Limits = tuple[float | None, float | None]  # the least and the greatest value of a metric; None for no limit

RESAMPLES = 2000
NORMAL = NormalDist().inv_cdf(0.975)  # by which half a 95 % interval is longer than a standard error
FEW = 6  # values off the limit at which the others lie: fewer say too little of their spread
CACHED = 1000  # stimuli up to which the resamples are kept: 16 MB
CHUNK = 2_000_000  # resampled numbers held at once: 16 MB

Array = NDArray[np.float64]


def mean_interval(values: ArrayLike, *, limits: Limits = (None, None), level: float = 0.95) -> Estimate:
    """The mean of the finite `values`, shape (n,), and the interval that is honest for their kind.

    Of hits and misses (0 and 1) of a metric from 0 to 1 it is `wilson_interval`, of others `studentised_interval`, cut
    off at the metric's `limits`. Where fewer than FEW values of a metric from 0 to 1 differ from the limit at which the
    others lie, their spread says too little, and the interval also holds Wilson's of as many hits: values between 0 and
    1 spread no more than hits of the same mean do. The mean is NaN where no value is finite. Raises InputError for
    another shape.

    Measured coverage of 95 % intervals at 20, 50 and 200 stimuli, 3,000 cases each: bell-shaped .962, .953, .951; like
    n-way accuracy .967, .975, .971; two-way near .98 .999, .991, .976; hits at a rate of .05 .929, .952, .966. The
    percentile bootstrap covers .927, .943, .947; .825, .898, .944; .723, .848, .925; .633, .901, .958.
    """
    items = finite(values)
    mean, ci = studentised_interval(items, level=level)
    if limits != (0.0, 1.0) or len(items) == 0:
        return mean, inside(ci, limits)
    low, high = wilson_interval(float(items.sum()), len(items), level=level)
    if np.isin(items, limits).all():
        return mean, (low, high)
    if min((items != limit).sum() for limit in limits) < FEW:
        ci = (low, high) if ci is None else (min(low, ci[0]), max(high, ci[1]))
    return mean, inside(ci, limits)


def studentised_interval(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    """The mean of the finite `values`, shape (n,), and an interval that also covers when they are few or skewed.

    Two intervals, and at either end the one that reaches further: the studentised bootstrap over items (Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993, chapter 12), which follows a skew, and Student's, which holds
    for heavy tails and for differences that are mostly zero, where the bootstrap has too little to draw from.
    Assumed: the items are independent. With one item, or items that are all equal, there is no interval.
    """
    items = finite(values)
    n = len(items)
    if n < 2 or np.ptp(items) == 0:
        return (float(items.mean()) if n else math.nan), None
    mean, error = float(items.mean()), float(items.std(ddof=1)) / math.sqrt(n)
    low, high = np.quantile(studentised(items), [(1 - level) / 2, (1 + level) / 2])
    student = float(stdtrit(n - 1, (1 + level) / 2))
    return mean, (mean - error * max(float(high), student), mean - error * min(float(low), -student))


def wilson_interval(hits: float, n: int, *, level: float = 0.95) -> Bounds:
    """Wilson's interval of a share of hits among n >= 1 independent tries, inside [0, 1]. Wilson 1927.

    hits: their number, or the sum of values between 0 and 1, for which the interval is wide enough but not narrow.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, shrink = min(max(hits / n, 0.0), 1.0), 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    reach = z / shrink * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if share == 0 else max(0.0, centre - reach)
    return low, 1.0 if share == 1 else min(1.0, centre + reach)


def inside(ci: Bounds | None, limits: Limits) -> Bounds | None:
    """The interval without what lies beyond the metric's limits."""
    if ci is None:
        return None
    low, high = (-math.inf if limits[0] is None else limits[0]), (math.inf if limits[1] is None else limits[1])
    return min(max(ci[0], low), high), min(max(ci[1], low), high)


def finite(values: ArrayLike) -> Array:
    """The finite ones of `values`; raises InputError where they are not of shape (n,)."""
    items = np.asarray(values, dtype=np.float64)
    if items.ndim != 1:
        raise InputError(f"values per item have shape {items.shape}; wanted (n,)")
    return items[np.isfinite(items)]


def studentised(items: Array) -> Array:
    """Resampled means in their own standard errors, (RESAMPLES,), less resamples without a spread."""
    n = len(items)
    centred = items - items.mean()
    squares = centred * centred
    scaled = []
    for counts in resamples(n):
        mean, square = counts @ centred / n, counts @ squares / n
        variance = square - mean * mean
        varied = variance > 1e-12 * squares.mean()
        scaled.append(mean[varied] / np.sqrt(variance[varied] / (n - 1)))
    return np.concatenate(scaled)


def resamples(n: int) -> Iterator[Array]:
    """How often each of n items is drawn in each of RESAMPLES resamples, in parts of shape (m, n): always the same."""
    if n <= CACHED:
        yield _kept(n)
        return
    rng, step = seeds.generator("resamples", n), max(1, CHUNK // n)
    for start in range(0, RESAMPLES, step):
        yield _draw(rng, n, min(step, RESAMPLES - start))


@functools.lru_cache(maxsize=4)
def _kept(n: int) -> Array:
    return _draw(seeds.generator("resamples", n), n, RESAMPLES)


def _draw(rng: np.random.Generator, n: int, times: int) -> Array:
    return rng.multinomial(n, np.full(n, 1 / n), size=times).astype(np.float64)
