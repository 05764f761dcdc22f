"""Many methods on the same stimuli: the p of every difference at once, small enough to be corrected for all of them."""

import math

import numpy as np
from numpy.typing import NDArray

from eegbench.statistics.intervals import finite
from eegbench.statistics.paired import sign_flip_ps, symmetric

Array = NDArray[np.float64]


def paired_ps(differences: Array, *, seed: int, permutations: int = 10000) -> Array:
    """Two-sided p-values of mean differences of zero; paired differences (m, n), NaN left out, give (m,).

    Each is the largest of three, as of `paired_test`: flipped signs, which all rows share; the share of resamples of
    the centred differences that lie as far from zero as the mean, in standard errors; and Student's. A p that is to be
    corrected for a hundred comparisons must fall far below what 2,000 resamples can tell: where none of them comes so
    far, the other two stand. A row of nothing but NaN has p NaN.
    """
    flipped = sign_flip_ps(differences, seed=seed, permutations=permutations)
    return np.asarray(np.fmax(flipped, [_studentised_p(row) for row in differences]))


def _studentised_p(row: Array) -> float:
    """The larger of the bootstrap's and Student's; 0 where it is not known, and the flips decide."""
    items = finite(row)
    n = len(items)
    if n < 2 or np.ptp(items) == 0:
        return 0.0 if n else math.nan
    return symmetric(items)[1]
