"""The rules that stood before, kept to measure them beside the new: none is part of the package."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.statistics.intervals import resamples

Array = NDArray[np.float64]
Bounds = tuple[float, float]


def percentile(items: Array) -> Bounds:
    """The percentile bootstrap interval of the mean of items (n,)."""
    low, high = percentiles(items[:, None])
    return float(low[0]), float(high[0])


def percentiles(items: Array) -> tuple[Array, Array]:
    """The ends of `percentile` of each column of items (n, m): two of (m,)."""
    means = np.concatenate([counts @ items / len(items) for counts in resamples(len(items))])
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return low, high


def holds(ci: Bounds | None, truth: float) -> bool:
    """Whether an interval holds a value. Values without spread had the interval [value, value]; no interval, none."""
    return ci is not None and bool(ci[0] <= truth <= ci[1])


def counted_verdict(low: Array, high: Array) -> str:
    """The audit's verdict by counting metrics whose intervals of the contribution, ends (m,), lie above or below 0."""
    clear, worse, counted = int((low > 0).sum()), int((high < 0).sum()), len(low)
    if 2 * clear >= counted and not worse:
        return "contributes"
    return "no sign" if clear == 0 or (clear == 1 and counted > 2) else "mixed"


def half_jackknife(compute: Callable[[NDArray[np.int64]], float], n: int, *, seed: int) -> Bounds | None:
    """The interval of every metric of a set: a jackknife that leaves out half, a hundred times."""
    return statistics.interval_of_set(compute, n, seed=seed, left_out=0.5)[1]


def published_kid(within: float, kernel: Array) -> float:
    """KID from what both sets hold within, and the kernel between them, (n, n), whose diagonal holds the pairs."""
    return within - 2 * float(kernel.mean())


def pooled_sign_flip(tables: Array, *, seed: int, permutations: int) -> float:
    """p of two methods whose differences are (subjects, stimuli): signs flipped over stimuli, subjects pooled."""
    return statistics.sign_flip_p(tables.mean(axis=0), seed=seed, permutations=permutations)


def rows_by_stimuli(table: Array) -> Bounds:
    """The interval of several seeds of one subject: a bootstrap over stimuli of the mean over seeds."""
    return percentile(table.mean(axis=0))


def beaten_by_all(similarity: Array) -> Array:
    """Retrieval top-1 by similarity (n, n) of reconstruction and truth where every other truth is a rival, (n,)."""
    own = np.diag(similarity)[:, None]
    return np.asarray((similarity >= own).sum(axis=1) - 1 < 1, dtype=np.float64)


def inside_claim(ours: float, error: float, published: float) -> bool:
    """A published value was confirmed where the interval of our own held it."""
    return abs(ours - published) <= 1.96 * error


def fixed_share(value: Bounds, floor: float, ceiling: float) -> Bounds:
    """The interval of a share of the way from floor to ceiling, both taken as known."""
    return (value[0] - floor) / (ceiling - floor), (value[1] - floor) / (ceiling - floor)


def spread_of(values: Array) -> float:
    """The standard error of a mean."""
    return float(values.std(ddof=1)) / math.sqrt(len(values))
