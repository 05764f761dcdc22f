"""Two methods on the same stimuli: their mean difference, how sure it is, and which of many differences remain."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eegbench import seeds
from eegbench.errors import InputError
from eegbench.statistics.intervals import CHUNK, Bounds, finite, studentised_interval, studentised_p

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tested:
    """A mean difference, its 95 % interval, and the two-sided p of no difference."""

    mean: float
    ci: Bounds | None
    p: float


def paired_test(differences: ArrayLike, *, seed: int, permutations: int = 10000) -> Tested:
    """The mean of paired differences, shape (n,), NaN left out, with interval and p; it speaks of other stimuli.

    p is the larger of two: flipping the signs of the differences, which is exact where the two methods are
    interchangeable and counts too much where differences are skewed around zero; and the studentised bootstrap, which
    follows a skew and is inexact for few or heavy-tailed ones. p is above .05 wherever the interval holds zero.
    """
    mean, ci = studentised_interval(differences)
    flipped = sign_flip_p(differences, seed=seed, permutations=permutations)
    p = max((one for one in (flipped, studentised_p(differences)) if not math.isnan(one)), default=math.nan)
    return Tested(mean, ci, p)


def differences(values_a: ArrayLike, values_b: ArrayLike) -> Array:
    """a - b, shape (n,), NaN where either is not finite. Raises InputError if the lengths differ."""
    a, b = (np.asarray(values, dtype=np.float64) for values in (values_a, values_b))
    if a.shape != b.shape or a.ndim != 1:
        raise InputError(f"{len(a)} and {len(b)} items cannot be paired; score both runs on the same stimuli")
    both = np.isfinite(a) & np.isfinite(b)
    return np.where(both, np.where(both, a, 0.0) - np.where(both, b, 0.0), np.nan)


def sign_flip_p(differences: ArrayLike, *, seed: int, permutations: int = 10000) -> float:
    """`sign_flip_ps` of one row of differences, shape (n,)."""
    row = np.asarray(differences, dtype=np.float64)
    return float(sign_flip_ps(row[None], seed=seed, permutations=permutations)[0])


def sign_flip_ps(differences: Array, *, seed: int, permutations: int = 10000) -> Array:
    """Two-sided p-values of mean differences of zero, by flipping signs; paired differences (m, n) give (m,).

    Exact where the two methods are interchangeable, so that each difference is as likely to have the other sign
    (Fisher, The Design of Experiments, 1935, section 21). All 2^n flips are tried where they are no more than
    `permutations`; else that many random ones, and the observed one counts among them, so p is never 0. All rows share
    the flips. NaN items are left out; a row of nothing else has p NaN.
    """
    known = np.isfinite(differences)
    items = np.where(known, differences, 0.0)  # a difference of zero has no sign to flip
    rows, n = items.shape
    used = np.flatnonzero(known.any(axis=0))
    # Sums of the same numbers in another order differ in the last bits: these must count as equal.
    reached = np.abs(items.sum(axis=1)) - 1e-12 * np.abs(items).sum(axis=1)
    if len(used) < 63 and 2 ** len(used) <= permutations:
        patterns = (np.arange(2 ** len(used))[:, None] >> np.arange(len(used))) & 1
        p = (np.abs((1 - 2 * patterns) @ items[:, used].T) >= reached).mean(axis=0)
        return np.where(known.any(axis=1), p, np.nan)
    rng = seeds.generator("sign-flip", seed)
    hits = np.zeros(rows, dtype=np.int64)
    for m in _chunks(permutations, max(rows, n)):
        signs = 1.0 - 2.0 * rng.integers(2, size=(m, n))
        hits += (np.abs(signs @ items.T) >= reached).sum(axis=0)
    return np.where(known.any(axis=1), (1 + hits) / (1 + permutations), np.nan)


def least_p(n: int) -> float:
    """The smallest p that flipping the signs of n differences can give, 2 / 2^n: where all have the same sign."""
    return 2.0 ** (1 - n)


def minimum_detectable(differences: ArrayLike, *, level: float = 0.95, power: float = 0.8) -> float:
    """The smallest true mean difference that a paired test on as many items finds with probability `power`.

    From the spread of the observed differences, shape (n,), and the normal approximation; NaN below two items.
    """
    items = finite(differences)
    if len(items) < 2:
        return math.nan
    normal = NormalDist()
    reach = normal.inv_cdf((1 + level) / 2) + normal.inv_cdf(power)
    return float(reach * items.std(ddof=1) / math.sqrt(len(items)))


def holm(p_values: ArrayLike) -> Array:
    """p-values, shape (m,), adjusted for m tests: below a means significant at a family-wise rate of a.

    NaN stays NaN and counts for no test. Raises InputError outside [0, 1]. Holm, A simple sequentially rejective
    multiple test procedure, 1979.
    """
    p = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(p))
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise InputError("p-values must lie in [0, 1]")
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full_like(p, np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return adjusted


def _chunks(rows: int, columns: int) -> list[int]:
    """How many rows to draw at a time, so that a chunk of rows x columns stays small."""
    most = max(1, CHUNK // columns)
    return [most] * (rows // most) + ([rows % most] if rows % most else [])
