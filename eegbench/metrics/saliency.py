"""Agreement of predicted saliency maps, as pysaliency computes it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from eegbench.arrays import Values
from eegbench.contracts import Card, Laws, Metric
from eegbench.metrics.cards import EXACT
from eegbench.metrics.checks import Array, Floats, check_maps
from eegbench.metrics.correlation import NARROWEST, PIECE, all_similarities, paired_correlation

MIT_EPSILON = 2.2204e-16  # of the MIT/Tuebingen saliency benchmark, in the logarithm and in the quotient
MINIMUM = 1e-20  # what pysaliency's image_based_kl_divergence adds to every pixel
PLACES = 2**14  # pixels of a map that are enough where all pairs are compared by similarity
EML = (
    "uint8, PIL bilinear to 480 x 640, [0, 1]; EML-Net's two streams; gaussian of 5 px, stretched to 0..255, "
    "cut off to uint8"
)
EML_WEIGHTS = ("res_imagenet.pth", "res_places.pth", "res_decoder.pth")
CIRCULAR = "On the track oracle the map that guides the method and the map that scores it come from one network."


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
    column: int | None = 170
    laws: Laws | None = Laws(identical=1, symmetric=True)
    card: Card | None = Card(
        "Saliency correlation",
        "mean over pairs of Pearson's r of the two saliency maps",
        "pysaliency, CC",
        EML,
        EML_WEIGHTS,
        (CIRCULAR, "EML-Net's map is a density-like map, no probability."),
        EXACT,
    )

    most_paired: ClassVar[int] = 1000

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """(n,) from uint8 maps (n, h, w); raises InputError for other input."""
        check_maps(self.id, reconstructions, truths)
        blank = _constant(reconstructions) & ~_constant(truths)
        return np.where(blank, 0.0, paired_correlation(reconstructions, truths))

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        blank = _constant(reconstructions)[:, None] & ~_constant(truths)
        return np.where(blank, 0.0, all_similarities(reconstructions, truths, centre=True))


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
    column: int | None = 180
    laws: Laws | None = Laws(identical=1, symmetric=True)
    card: Card | None = Card(
        "Saliency similarity",
        "mean over pairs of the sum of the lesser of two maps that each sum to 1",
        "pysaliency, SIM",
        EML,
        EML_WEIGHTS,
        (CIRCULAR,),
        EXACT,
    )

    most_paired: ClassVar[int] = 500

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """(n,) from uint8 maps (n, h, w); raises InputError for other input."""
        check_maps(self.id, reconstructions, truths)
        pairs = zip(reconstructions, truths, strict=True)
        return np.array([np.minimum(_density(a), _density(b)).sum() for a, b in pairs], dtype=np.float64)

    def reduced(self, features: Array) -> Array:
        """Maps of no more than PLACES pixels as they are; of larger ones every k-th pixel in both directions."""
        step = math.ceil(math.sqrt(max(1.0, features[0].size / PLACES)))
        return features[:, ::step, ::step]

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        """By the sum of absolute differences: min(a, b) = (a + b - |a - b|) / 2, and both maps sum to 1."""
        sides = (np.stack([_density(saliency).ravel() for saliency in side]) for side in (reconstructions, truths))
        distances: Floats = cdist(*sides, metric="cityblock")
        return np.maximum(0.0, 1.0 - distances / 2)


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
    column: int | None = 190
    laws: Laws | None = Laws(identical=0, symmetric=False)
    card: Card | None = Card(
        "Saliency divergence",
        "mean over pairs of KL(truth || reconstruction) in nats, epsilon 2.2e-16",
        "pysaliency, MIT_KLDiv(reconstruction, truth)",
        EML,
        EML_WEIGHTS,
        (CIRCULAR, "The direction, the epsilon and zeros of uint8 maps each move it by large factors."),
        EXACT,
    )

    most_paired: ClassVar[int] = 1000

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """(n,) from uint8 maps (n, h, w); raises InputError for other input."""
        check_maps(self.id, reconstructions, truths)
        pairs = zip(reconstructions, truths, strict=True)
        return np.array([_mit_divergence(_density(b), _density(a)) for a, b in pairs], dtype=np.float64)

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        """As the difference of two logarithms, so that a matrix product gives the part that depends on both maps.

        log(eps + e / (m + eps)) = log(e + eps (m + eps)) - log(m + eps). Without the second term of the first logarithm
        a divergence is less by at most the sum of eps (m + eps) over pixels: 2.3e-16 nats.
        """
        return _divergences(truths, reconstructions, minimum=0.0, epsilon=MIT_EPSILON).T


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
    column: int | None = 200
    laws: Laws | None = Laws(identical=0, symmetric=False)
    card: Card | None = Card(
        "Saliency divergence, reversed",
        "mean over pairs of KL(reconstruction || truth) in nats, 1e-20 added",
        "Abramov and Makarov's call of pysaliency's image_based_kl_divergence",
        EML,
        EML_WEIGHTS,
        (CIRCULAR, "A zero of the truth's map costs about 46 nats times the reconstruction's share there."),
        EXACT,
    )

    most_paired: ClassVar[int] = 1000

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """(n,) from uint8 maps (n, h, w); raises InputError for other input."""
        check_maps(self.id, reconstructions, truths)
        pairs = zip(reconstructions, truths, strict=True)
        return np.array([_divergence(_density(a, MINIMUM), _density(b, MINIMUM)) for a, b in pairs], dtype=np.float64)

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        return _divergences(reconstructions, truths, minimum=MINIMUM, epsilon=0.0)


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


def _divergences(empirical: Array, models: Array, *, minimum: float, epsilon: float) -> Floats:
    """sum e log e - e log(m + epsilon) of each empirical map (n, h, w) and each model (m, h, w), (n, m): in pieces."""
    sides = [side.reshape(len(side), -1) for side in (empirical, models)]
    totals = [np.array([(row.astype(np.float64) / 255 + minimum).sum() for row in side])[:, None] for side in sides]
    width = sides[0].shape[1]
    step = max(NARROWEST, PIECE // (len(empirical) + len(models)))

    def piece(side: Array, total: Floats, pixels: slice) -> Floats:
        """Of each map some pixels of its `_density`."""
        uniform = np.full((len(side), 1), 1 / width)
        known = total > 0
        values = side[:, pixels].astype(np.float64) / 255 + minimum
        return np.where(known, values / np.where(known, total, 1.0), uniform)

    divergences = np.zeros((len(empirical), len(models)))
    for start in range(0, width, step):
        e, m = (piece(side, total, slice(start, start + step)) for side, total in zip(sides, totals, strict=True))
        own = (e * np.log(np.where(e > 0, e, 1.0))).sum(axis=1, keepdims=True)
        divergences += own - e @ np.log(m + epsilon).T
    return divergences


def _mit_divergence(empirical: Floats, model: Floats) -> float:
    return float((empirical * np.log(MIT_EPSILON + empirical / (model + MIT_EPSILON))).sum())


def _divergence(empirical: Floats, model: Floats) -> float:
    return float((empirical * (np.log(empirical) - np.log(model))).sum())


METRICS: tuple[Metric, ...] = (
    MapCorrelation(),
    MapSimilarity(),
    MapDivergence(),
    ReversedMapDivergence(),
)
