"""Several subjects on the same stimuli, or several fits: what holds for other subjects (fits) and other stimuli."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from eegbench.errors import InputError
from eegbench.statistics.intervals import Bounds

SHARED = 0.5  # of the stimuli: where all subjects have fewer in common, they count as having seen others

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Crossed:
    """A mean over rows (subjects, or fits of one) and stimuli, its variance and degrees of freedom.

    rows, stimuli: what of its variance comes from the choice of rows, and from that of stimuli (0 where the rows do not
    share them).
    """

    mean: float
    variance: float
    freedom: float
    rows: float
    stimuli: float

    def interval(self, level: float = 0.95) -> Bounds | None:
        """mean +- t sqrt(variance); None where nothing varies."""
        if not self.variance > 0:
            return None
        reach = float(stdtrit(self.freedom, (1 + level) / 2)) * math.sqrt(self.variance)
        return self.mean - reach, self.mean + reach

    @property
    def p(self) -> float:
        """Two-sided p of a mean of zero: the test that the interval inverts."""
        if not self.variance > 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * stdtr(self.freedom, -abs(self.mean) / math.sqrt(self.variance)))

    def visible(self, *, level: float = 0.95, power: float = 0.8) -> float:
        """The smallest true mean other than zero that as many rows and stimuli show with probability `power`."""
        reach = stdtrit(self.freedom, (1 + level) / 2) + stdtrit(self.freedom, power)
        return float(reach) * math.sqrt(self.variance)


def crossed(table: ArrayLike, *, shared_training: bool = False) -> Crossed:
    """The mean of `table`, shape (rows, stimuli), two rows or more, with a variance that holds for others of both.

    Rows are subjects (samples and seeds averaged within each), or the fits of one subject. With row means a, stimulus
    means b, their mean m and residuals r, for S rows and n stimuli:

        A = Var(a) / S,  B = Var(b) / n,  E = sum r^2 / ((S - 1)(n - 1) S n),  V = max(A, B, A + B - E)
        freedom = max(S - 1, V^2 / (A^2 / (S - 1) + B^2 / (n - 1) + E^2 / ((S - 1)(n - 1))))

    A and B both hold the noise of single values, which E takes out once (two-way random effects; freedom after
    Satterthwaite 1946). NaN is a value that is not there. B and E stand on the stimuli that all rows have; where these
    are less than half of what a row has, the rows have seen other stimuli: V = A, freedom S - 1.
    shared_training: the rows are folds that leave one subject out, whose training subjects are mostly the same; A is
    then A (1 + S / (S - 1)).
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
        return Crossed(mean, rows, count - 1, rows, 0.0)
    of_stimuli = common.mean(axis=0)
    rest = common - common.mean(axis=1, keepdims=True) - of_stimuli + of_stimuli.mean()
    stimuli = float(of_stimuli.var(ddof=1)) / n
    noise = float((rest * rest).sum()) / ((count - 1) * (n - 1) * count * n)
    return Crossed(mean, *combined(rows, stimuli, noise, count, n), rows, stimuli)


def combined(rows: float, stimuli: float, noise: float, count: int, n: int) -> tuple[float, float]:
    """The variance V and the degrees of freedom of `crossed`, from its A, B and E, for `count` rows and n stimuli."""
    variance = max(rows, stimuli, rows + stimuli - noise)
    spread = rows**2 / (count - 1) + stimuli**2 / (n - 1) + noise**2 / ((count - 1) * (n - 1))
    return variance, max(count - 1.0, variance**2 / spread) if spread > 0 else count - 1.0
