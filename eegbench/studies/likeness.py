"""How alike two brains' pictures of one stimulus are, against pictures of different stimuli: from matrices to numbers.

A matrix holds how alike picture i of one person and picture j of another are, for the same stimuli in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.metrics.correlation import TIE
from eegbench.statistics import Bounds

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Likeness:
    """A matrix (n, n) of two people. rivals: the pairs whose pictures are of different stimuli, and of different seeds;
    boolean, (n, n), False on the diagonal."""

    matrix: Array
    rivals: NDArray[np.bool_]


@dataclass(frozen=True)
class Alike:
    """A mean over stimuli and pairs of people. same, other: of pictures of one stimulus, and of different ones.

    difference: same less other, signed so that more alike is positive, with its 95 % interval over stimuli. two_way:
    how often a picture is more like the other brain's picture of the same stimulus than like one of another; chance is
    .5. An interval is None where there is no honest one.
    """

    same: float
    other: float
    difference: float
    ci: Bounds | None
    two_way: float
    two_way_ci: Bounds | None


@dataclass(frozen=True)
class Added:
    """What one `Alike` has more than another, paired by stimulus: difference of the differences, and of two_way."""

    difference: float
    ci: Bounds | None
    two_way: float
    two_way_ci: Bounds | None


@dataclass(frozen=True)
class ByStimulus:
    """A mean over pairs of people by stimulus, (n,): NaN where one has no value. sign: 1 where more is more alike."""

    same: Array
    other: Array
    two_way: Array
    sign: float

    @classmethod
    def of(cls, pairs: Sequence[Likeness], *, higher_is_better: bool) -> "ByStimulus":
        sign = 1.0 if higher_is_better else -1.0
        every = [(pair.matrix.diagonal(), _others(pair), _two_way(sign * pair.matrix, pair.rivals)) for pair in pairs]
        same, other, two_way = (np.mean(part, axis=0) for part in zip(*every, strict=True))
        return cls(same, other, two_way, sign)

    @property
    def known(self) -> NDArray[np.bool_]:
        """On which stimuli both similarities have a value."""
        return np.isfinite(self.same) & np.isfinite(self.other)

    @property
    def more_alike(self) -> Array:
        """Values by stimulus, (n,), whose mean is same less other, and whose spread is that of this mean.

        The mean over different stimuli holds each stimulus twice, on either side of a pair, so that one stimulus moves
        it by twice its own part.
        """
        other = self.other - self.other[self.known].mean() if self.known.any() else self.other
        return self.sign * (self.same - self.other - other)

    def alike(self) -> Alike:
        """The numbers of all stimuli that have a value; NaN where none has."""
        same, other = (
            float(x[self.known].mean()) if self.known.any() else float("nan") for x in (self.same, self.other)
        )
        difference, ci = statistics.studentised_interval(self.more_alike)
        two_way, two_way_ci = statistics.mean_interval(self.two_way, limits=(0.0, 1.0))
        return Alike(same, other, difference, ci, two_way, two_way_ci)

    def beyond(self, control: "ByStimulus") -> Added:
        """What these have more than a control."""
        difference, ci = statistics.studentised_interval(self.more_alike - control.more_alike)
        two_way, two_way_ci = statistics.mean_interval(self.two_way - control.two_way, limits=(-1.0, 1.0))
        return Added(difference, ci, two_way, two_way_ci)


def _others(pair: Likeness) -> Array:
    """By stimulus the mean over its rivals, its picture taken from either person, (n,)."""
    counted = pair.rivals & np.isfinite(pair.matrix)
    values = np.where(counted, pair.matrix, 0.0)
    with np.errstate(invalid="ignore"):  # a picture without a value has none with any rival
        rows, columns = (values.sum(axis=axis) / counted.sum(axis=axis) for axis in (1, 0))
    mean: Array = (rows + columns) / 2
    return mean


def _two_way(matrix: Array, rivals: NDArray[np.bool_]) -> Array:
    """By stimulus the share of rivals that are less alike, its picture taken from either person, (n,).

    A tie is a failure, and so is a similarity without a value, as in two-way identification against true pictures.
    """
    own = matrix.diagonal()
    rows = ((matrix < own[:, None] - TIE) & rivals).sum(axis=1) / rivals.sum(axis=1)
    columns = ((matrix < own - TIE) & rivals).sum(axis=0) / rivals.sum(axis=0)
    share: Array = (rows + columns) / 2
    return share
