"""Several subjects on the same stimuli, or several fits: what holds for other subjects (fits) and other stimuli."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import nctdtrinc, stdtr, stdtridf, stdtrit

from eegbench.errors import InputError
from eegbench.statistics.intervals import Bounds

SHARED = 0.5  # of the stimuli: where all subjects have fewer in common, they count as having seen others
HALVINGS = 50  # of the range in which p lies: to the last bits

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Crossed:
    """A mean over rows (subjects, or fits of one) and stimuli, and its variance.

    rows, stimuli: what of its variance comes from the choice of rows, and from that of stimuli (0 where the rows do not
    share them). counts: how many rows there are, and how many stimuli that all have (1 where they do not share them).
    """

    mean: float
    variance: float
    rows: float
    stimuli: float
    counts: tuple[int, int]

    def interval(self, level: float = 0.95) -> Bounds | None:
        """mean +- `reach` sqrt(variance); None where nothing varies."""
        if not self.variance > 0:
            return None
        far = self.reach((1 - level) / 2) * math.sqrt(self.variance)
        return self.mean - far, self.mean + far

    def reach(self, tail: float) -> float:
        """Which distance from the mean, in standard errors, has `tail` of probability beyond it. See `cochran`."""
        return cochran(tail, self.rows / self.variance, self.counts)

    @property
    def freedom(self) -> float:
        """The degrees of freedom of Student's distribution that has the same 95 % interval."""
        return float(stdtridf(0.975, self.reach(0.025))) if self.variance > 0 else math.inf

    @functools.cached_property
    def p(self) -> float:
        """Two-sided p of a mean of zero: the test that the interval inverts."""
        if not self.variance > 0:
            return 1.0 if self.mean == 0 else 0.0
        t = abs(self.mean) / math.sqrt(self.variance)
        bounds = sorted(float(2 * stdtr(max(count - 1, 1), -t)) for count in self.counts)
        low, high = (math.log(max(bound, 1e-300)) for bound in bounds)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.reach(math.exp(middle) / 2) > t else (low, middle)
        return math.exp(high)

    def visible(self, *, level: float = 0.95, power: float = 0.8) -> float:
        """The smallest true mean other than zero that as many rows and stimuli show with probability `power`.

        Few rows tell their own variance badly: what is visible on average for 2, 3, 5 and 10 of them is seen in .68,
        .74, .75 and .77 of 2,000 cases where .80 is asked for.
        """
        if not self.variance > 0:
            return 0.0
        return float(nctdtrinc(self.freedom, 1 - power, self.reach((1 - level) / 2))) * math.sqrt(self.variance)


def cochran(tail: float, rows: float, counts: tuple[int, int]) -> float:
    """The mean of Student's points for rows and for stimuli, weighed by what of the variance each explains.

    rows: the share of the variance, from 0 to 1, that is estimated from counts[0] rows; the rest is estimated from
    counts[1] stimuli. Cochran 1964, Approximate significance levels of the Behrens-Fisher test.
    """
    points = [-float(stdtrit(count - 1, tail)) if count > 1 else 0.0 for count in counts]
    return rows * points[0] + (1 - rows) * points[1]


def crossed(table: ArrayLike, *, shared_training: bool = False) -> Crossed:
    """The mean of `table`, shape (rows, stimuli), two rows or more, with a variance that holds for others of both.

    Rows are subjects (samples and seeds averaged within each), or the fits of one subject. With row means a, stimulus
    means b, their mean m and residuals r, for S rows and n stimuli:

        A = Var(a) / S,  B = Var(b) / n,  E = sum r^2 / ((S - 1)(n - 1) S n),  V = max(A, B, A + B - E)

    A and B both hold the noise of single values, which E takes out once (two-way random effects). A stands on S - 1
    degrees of freedom, the rest of V on n - 1: interval and p take the mean of Student's points, weighed by A / V and
    1 - A / V (`cochran`). Satterthwaite's freedom in their place let two rows reject at .127 and three at .077 where
    the rows differ much, and at .076 and .035 where .01 is wanted. NaN is a value that is not there. B and E stand on
    the stimuli that all rows have; where these are less than half of what a row has, the rows have seen other stimuli:
    V = A, freedom S - 1.
    shared_training: the rows are folds that leave one subject out, whose training subjects are mostly the same; A is
    then A (1 + S / (S - 1)).
    Measured, 3,000 cases each: two methods that are equal on average and differ by .02 or .04 from subject to subject
    have p <= .05 in .026 to .040 for 2 and 3 subjects, .040 to .054 for 5 and 10 (flipping the signs of means over
    subjects: .21 to .46). It errs to the safe side where rows differ little: .008 for 2 and 3 that do not differ. Means
    over 2, 3, 5 and 10 fits of one subject are covered in .981, .977, .961 and .963.
    Assumed: rows and stimuli are drawn each from a population, independently. It says nothing of other methods' fits
    where each has been fitted once. Raises InputError for another shape, or a row without a value.
    """
    values = np.asarray(table, dtype=np.float64)
    known = np.isfinite(values)
    if values.ndim != 2 or len(values) < 2 or not known.any(axis=1).all():
        raise InputError(f"values of shape {values.shape}; wanted two rows or more, each with a finite value")
    count = len(values)
    means = np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1)
    mean = math.fsum(means) / count
    rows = float(means.var(ddof=1)) / count
    if shared_training:
        rows *= 1 + count / (count - 1)
    common = values[:, known.all(axis=0)]
    n = common.shape[1]
    if n < 2 or n < SHARED * known.sum(axis=1).min():
        return Crossed(mean, rows, rows, 0.0, (count, 1))
    of_stimuli = common.mean(axis=0)
    rest = common - common.mean(axis=1, keepdims=True) - of_stimuli + of_stimuli.mean()
    stimuli = float(of_stimuli.var(ddof=1)) / n
    noise = float((rest * rest).sum()) / ((count - 1) * (n - 1) * count * n)
    variance = max(rows, stimuli, rows + stimuli - noise)
    return Crossed(mean, variance, rows, stimuli, (count, n))
