"""Intervals for metrics of a whole set of images: inception score, KID, FID. They speak of the value at this n."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from eegbench import seeds
from eegbench.statistics.intervals import Estimate, Limits, inside


def interval_of_set(
    compute: Callable[[NDArray[np.int64]], float],
    n: int,
    *,
    seed: int,
    left_out: float | None = 0.5,
    limits: Limits = (None, None),
    level: float = 0.95,
    resamples: int = 100,
) -> Estimate:
    """`compute` on all n items, and its interval by a jackknife that leaves out a share of the items each time.

    `compute` takes the indices of the items to score. The bootstrap repeats items, and repeated items look like
    agreement between kernels and like lost rank to a covariance: it moved KID and FID off their value, and its
    interval covered the truth in 2 % and 0 % of simulations where both sets nearly agree. A subsample repeats none. The
    standard deviation over subsamples times sqrt(m / (n - m)), for m items kept, estimates the standard error; the
    normal quantile makes the interval, since a hundred subsamples give a spread to 7 % but no tail.
    left_out: half for KID and FID; a tenth for the inception score, whose value changes with n so that halves spread
    otherwise than the whole; None where no interval is honest. It is centred on the full value, and the bias that FID
    and the inception score have at small n is not removed.
    Shao and Wu, A general theory for jackknife variance estimation, 1989.
    Measured with 200 images: inception scores of 6, 24 and 83 are covered in .963, .932 and .945 where a tenth is left
    out, in .963, .853 and .632 where half is (400 cases each). The unpaired KID of two sets of one distribution is
    covered in all of 200 cases: near 0 the interval is too wide.

    No interval below four items, or where a subsample gives no finite value.
    """
    value = float(compute(np.arange(n)))
    if left_out is None or n < 4 or not math.isfinite(value):
        return value, None
    kept = n - max(1, round(n * left_out))
    rng = seeds.generator("jackknife", seed)
    parts = np.array([float(compute(np.sort(rng.permutation(n)[:kept]))) for _ in range(resamples)])
    if not np.isfinite(parts).all():
        return value, None
    error = parts.std(ddof=1) * math.sqrt(kept / (n - kept))
    reach = float(NormalDist().inv_cdf((1 + level) / 2) * error)
    return value, inside((value - reach, value + reach), limits)
