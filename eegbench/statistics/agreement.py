"""Does a published number agree with our own, and how large a difference could have been seen?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from eegbench.errors import InputError


@dataclass(frozen=True)
class Agreement:
    """The difference of a measured and a published number, its standard error, and the degrees of freedom of that.

    rounding: by how much the published number may be off for being printed with so many decimals.
    """

    difference: float
    error: float
    freedom: float
    rounding: float = 0.0

    @property
    def resolution(self) -> float:
        """t_.975 times the error, and the rounding: in 95 of 100 repetitions of one experiment they differ by less."""
        return float(stdtrit(self.freedom, 0.975)) * self.error + self.rounding

    @property
    def contradicted(self) -> bool:
        """Whether the numbers differ by more than the resolution. If not, smaller true differences remain possible."""
        return abs(self.difference) > self.resolution

    def within(self, margin: float) -> bool:
        """Whether the true values differ by less than `margin`, by two one-sided tests at .05: they agree.

        |difference| + t_.95 error + rounding <= margin. Schuirmann 1987. Numbers that are not contradicted are
        not shown to be close by that: few fits or stimuli contradict nothing.
        """
        return abs(self.difference) + float(stdtrit(self.freedom, 0.95)) * self.error + self.rounding <= margin


def on_the_same_stimuli(fits: ArrayLike, published: float, *, rounding: float = 0.0) -> Agreement:
    """The mean of own `fits`, shape (k,), two or more, against one published fit on the same stimuli.

    fits: the score of each, over the same subjects and stimuli. The published number is as one more fit, so that the
    error is s sqrt(1 + 1/k) with the spread s of the fits and k - 1 degrees of freedom: a prediction interval.
    Stimuli are no part of it, for they are the same. Measured by `perf/statistics.py` with fits that spread by .45
    standard errors over stimuli, and 2, 3, 5 and 10 of them: one experiment contradicts itself in .049 to .053, and a
    truth 2 standard errors away is contradicted in .23, .54, .86 and .96. The interval over stimuli leaves the two out
    in .001 and .41.
    Assumed: fits are independent and nearly normal, and the published experiment spreads as ours does. It does not say
    that a difference is the method's: other data, judges or code differ too. Raises InputError below two fits.
    """
    own = np.asarray(fits, dtype=np.float64)
    if own.ndim != 1 or len(own) < 2 or not np.isfinite(own).all():
        raise InputError(f"fits of shape {own.shape}; wanted two or more finite scores")
    k = len(own)
    error = float(own.std(ddof=1)) * math.sqrt(1 + 1 / k)
    return Agreement(float(own.mean()) - published, error, k - 1, rounding)


def on_other_stimuli(
    value: float, error: float, published: float, *, published_error: float | None = None, rounding: float = 0.0
) -> Agreement:
    """A measured value with its standard error over stimuli, against one published as if on other stimuli.

    The error is sqrt(se^2 + se_p^2), with se_p = se where it is unknown, and the normal quantile. Of repetitions on
    200 other stimuli .945 to .947 are not contradicted; the interval of the measured value alone, which leaves the
    published one's own error out, holds .83 of them (`perf/statistics.py`).
    It is for one fit, whose spread nobody knows. On the same stimuli it holds as long as fits spread by no more than
    the standard error over stimuli, and sees little: where they spread by .45 of it, a truth 2 standard errors away
    is contradicted in .05.
    """
    other = error if published_error is None else published_error
    return Agreement(value - published, math.hypot(error, other), math.inf, rounding)
