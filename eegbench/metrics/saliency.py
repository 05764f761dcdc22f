"""Agreement of predicted saliency maps, as pysaliency computes it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import Values
from eegbench.contracts import Metric
from eegbench.metrics.checks import Array, Floats, check_maps
from eegbench.metrics.correlation import paired_correlation

MIT_EPSILON = 2.2204e-16  # of the MIT/Tuebingen saliency benchmark, in the logarithm and in the quotient
MINIMUM = 1e-20  # what pysaliency's image_based_kl_divergence adds to every pixel


@dataclass(frozen=True)
class MapCorrelation(Metric):
    """Pearson's r of two maps (CC).

    As in pysaliency with the reconstruction as the model: 0 where its map alone is constant, since it predicts nothing;
    NaN where the truth's map is constant.
    """

    id: str = "cc"
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (-1.0, 1.0)
    needs: str = "saliency"
    per_item: bool = True

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """(n,) from uint8 maps (n, h, w); raises InputError for other input."""
        check_maps(self.id, reconstructions, truths)
        blank = _constant(reconstructions) & ~_constant(truths)
        return np.where(blank, 0.0, paired_correlation(reconstructions, truths))


@dataclass(frozen=True)
class MapSimilarity(Metric):
    """Sum over pixels of the lesser of two maps that each sum to 1 (SIM). A map of zeros counts as uniform."""

    id: str = "sim"
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (0.0, 1.0)
    needs: str = "saliency"
    per_item: bool = True

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """(n,) from uint8 maps (n, h, w); raises InputError for other input."""
        check_maps(self.id, reconstructions, truths)
        pairs = zip(reconstructions, truths, strict=True)
        return np.array([np.minimum(_density(a), _density(b)).sum() for a, b in pairs], dtype=np.float64)


@dataclass(frozen=True)
class MapDivergence(Metric):
    """KL(truth || reconstruction) in nats with the MIT epsilon: the truth is the empirical distribution.

    Equal maps give 0 up to 1e-9, from the epsilon. A map of zeros counts as uniform. pysaliency's
    MIT_KLDiv(reconstruction, truth).
    """

    id: str = "kl"
    version: int = 1
    higher_is_better: bool = False
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (0.0, float("inf"))
    needs: str = "saliency"
    per_item: bool = True

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """(n,) from uint8 maps (n, h, w); raises InputError for other input."""
        check_maps(self.id, reconstructions, truths)
        pairs = zip(reconstructions, truths, strict=True)
        return np.array([_mit_divergence(_density(b), _density(a)) for a, b in pairs], dtype=np.float64)


@dataclass(frozen=True)
class ReversedMapDivergence(Metric):
    """KL(reconstruction || truth) in nats, 1e-20 added to every pixel: what the saliency-guided paper's call computes.

    pysaliency's image_based_kl_divergence(truth, reconstruction), whose second map is the empirical one. A pixel where
    the truth is 0 and the reconstruction is not costs about 46 nats times its share.
    """

    id: str = "kl_reversed"
    version: int = 1
    higher_is_better: bool = False
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (0.0, float("inf"))
    needs: str = "saliency"
    per_item: bool = True

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """(n,) from uint8 maps (n, h, w); raises InputError for other input."""
        check_maps(self.id, reconstructions, truths)
        pairs = zip(reconstructions, truths, strict=True)
        return np.array([_divergence(_density(a, MINIMUM), _density(b, MINIMUM)) for a, b in pairs], dtype=np.float64)


def _constant(maps: Array) -> NDArray[np.bool_]:
    constant: NDArray[np.bool_] = np.ptp(maps.reshape(len(maps), -1), axis=1) == 0
    return constant


def _density(saliency: Array, minimum: float = 0.0) -> Floats:
    """A map as a distribution over its pixels; uniform where it is 0 throughout.

    Bytes become [0, 1] first: `minimum` is small against that range, and KL depends on how small.
    """
    values = saliency.astype(np.float64) / 255 + minimum
    total = values.sum()
    return values / total if total > 0 else np.full(values.shape, 1 / values.size)


def _mit_divergence(empirical: Floats, model: Floats) -> float:
    return float((empirical * np.log(MIT_EPSILON + empirical / (model + MIT_EPSILON))).sum())


def _divergence(empirical: Floats, model: Floats) -> float:
    return float((empirical * (np.log(empirical) - np.log(model))).sum())
