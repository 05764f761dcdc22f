"""Metrics on class probabilities: n-way accuracy in closed form and the inception score."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import Values
from eegbench.contracts import Card, Laws, Metric
from eegbench.errors import InputError
from eegbench.metrics.cards import EXACT, FIDELITY_WEIGHTS, LOGITS
from eegbench.metrics.checks import Array, Floats, check_features, check_pairs, check_probabilities


@dataclass(frozen=True)
class NWay(Metric):
    """The probability that the truth's class wins among itself and `ways` - 1 other classes at random, shape (n,).

    Probabilities (n, K) of a classifier; the class is the argmax on the truth (the first, if several). Published
    code draws the other classes some times; this is the value that those draws estimate. With r classes strictly
    below the truth's class in the reconstruction it is C(r, ways - 1) / C(K - 1, ways - 1): a tie is a failure.
    Not symmetric. Chance is 1 / `ways` where all classes are equally frequent among truths and reconstructions alike,
    and above it where both favour the same few. Raises InputError for shapes that differ, for K below `ways`, and for
    NaN or infinite values.
    Source: Chen et al. 2023 (MinD-Vis), without the sampling.
    """

    id: str
    ways: int
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (0.0, 1.0)
    needs: str = "probabilities"
    per_item: bool = True
    on_request: bool = False
    column: int | None = None
    laws: Laws | None = Laws(identical=1, symmetric=False)
    card: Card | None = None

    most_paired: ClassVar[int] = 10_000
    grain: ClassVar[str] = "classes"

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        check_pairs(self.id, reconstructions, truths, ndim=2)
        classes = truths.shape[1]
        if classes < self.ways:
            raise InputError(f"{self.id}: the judge knows {classes} classes; wanted at least {self.ways}")
        shown = check_features(self.id, "truths", truths, least=1).argmax(axis=1)
        given = check_features(self.id, "reconstructions", reconstructions, least=1)
        below = (given < given[np.arange(len(given)), shown, None]).sum(axis=1)
        return _all_drawn_below(below, classes - 1, self.ways - 1)

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        classes, shown = truths.shape[1], truths.argmax(axis=1)
        accuracy = _all_drawn_below(np.arange(classes), classes - 1, self.ways - 1)  # by how many classes lie below
        given = np.asarray(reconstructions, dtype=np.float64)
        return np.stack([accuracy[np.searchsorted(np.sort(row), row)][shown] for row in given])


@dataclass(frozen=True)
class InceptionScore(Metric):
    """exp of the mean KL divergence between each image's class probabilities and their mean, shape ().

    Probabilities (n, K) of the reconstructions; the truths are not looked at. With one split the order of items
    does not matter. With more, items are shuffled as torch-fidelity does, cut into contiguous splits, and the
    splits' scores averaged: no split can exceed its number of images. Chance 1 is what images without any
    information get. NaN for fewer images than splits. Raises InputError for rows that are no probabilities.
    The score grows with the number of images, so that subsamples which leave out a tenth spread as the whole does and
    halves do not; the mean over splits, whose size sets its value, has no honest interval.
    Source: Salimans et al. 2016; Obukhov et al. 2020 (torch-fidelity).
    """

    id: str
    splits: int
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = 1.0
    bounds: tuple[float, float] = (1.0, float("inf"))
    needs: str = "inception_probabilities"
    per_item: bool = False
    jackknife: float | None = 0.1
    column: int | None = None
    laws: Laws | None = Laws(identical=None, symmetric=False, one_sided=True)
    card: Card | None = None

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        p = check_probabilities(self.id, "reconstructions", reconstructions, least=1)
        if len(p) < self.splits:
            return np.array(np.nan)
        if self.splits > 1:
            # Part of the published definition, not a choice of ours: the legacy generator, with this seed.
            p = p[np.random.RandomState(2020).permutation(len(p))]
        edges = [i * len(p) // self.splits for i in range(self.splits + 1)]
        scores = [_inception_score(p[start:stop]) for start, stop in itertools.pairwise(edges)]
        return np.array(np.mean(scores))


def _all_drawn_below(below: NDArray[np.int64], others: int, drawn: int) -> Floats:
    """C(below, drawn) / C(others, drawn) as a product of `drawn` ratios: 0 and 1 are exact, nothing overflows."""
    steps = np.arange(drawn)
    ratios = np.maximum(below[:, None] - steps, 0) / (others - steps)
    product: Floats = ratios.prod(axis=1)
    return product


def _inception_score(p: Floats) -> float:
    """One split's score; a class of probability 0 adds nothing. Rounding may not push it below 1."""
    mean = np.broadcast_to(p.mean(axis=0), p.shape)
    seen = p > 0
    information = (p[seen] * np.log(p[seen] / mean[seen])).sum() / len(p)
    return max(1.0, float(np.exp(information)))


NWAY_TRAPS = (
    "The class is the judge's argmax on the true image, not the image's label.",
    "Published code draws the 49 other classes some 50 to 1000 times; this is the value those draws estimate.",
    "A `max` over samples, which some papers print beside it, is not this number.",
    "Chance is 1/50 only where all classes are equally frequent: where a few are popular among truths and "
    "reconstructions alike it is far above, so it is estimated.",
)
SAMPLED = {"features": "1e-6 relative", "value": "three standard errors of the sampled value"}
METRICS: tuple[Metric, ...] = (
    NWay(
        "nway50_top1",
        ways=50,
        column=100,
        card=Card(
            "50-way top-1",
            "mean over pairs of C(r, 49) / C(K - 1, 49); r classes lie strictly below the truth's class",
            "Chen et al. 2023 (MinD-Vis), in closed form",
            "uint8, the weights' own transform (518 px, bicubic, PIL); softmax of ViT-H/14, SWAG end to end",
            ("vit_h_14_swag-80465313.pth",),
            NWAY_TRAPS,
            SAMPLED,
        ),
    ),
    NWay(
        "nway50_top1_vit_b_16",
        ways=50,
        needs="probabilities_vit_b_16",
        on_request=True,
        column=110,
        card=Card(
            "50-way top-1 by ViT-B/16",
            "as nway50_top1",
            "this benchmark, for machines without a GPU",
            "uint8, the weights' own transform (256, crop 224, PIL); softmax of ViT-B/16, IMAGENET1K_V1",
            ("vit_b_16-c867db91.pth",),
            ("Not comparable with published 50-way accuracies: another judge.", *NWAY_TRAPS),
            SAMPLED,
        ),
    ),
    InceptionScore(
        "is",
        splits=1,
        column=120,
        card=Card(
            "Inception score",
            "exp of the mean KL(p(class | image) || mean p), the whole sample as one split",
            "Salimans et al. 2016",
            LOGITS,
            FIDELITY_WEIGHTS,
            ("The truths are not looked at: class-pure invention is rewarded.", "Cannot exceed the number of images."),
            EXACT,
        ),
    ),
    InceptionScore(
        "is_10split",
        splits=10,
        jackknife=None,
        laws=Laws(identical=None, symmetric=False, one_sided=True, ordered=True),
        column=130,
        card=Card(
            "Inception score, ten splits",
            "mean of the scores of 10 contiguous splits of the shuffled sample (seed 2020)",
            "Salimans et al. 2016; Obukhov et al. 2020 (torch-fidelity)",
            LOGITS,
            FIDELITY_WEIGHTS,
            ("With 200 images it cannot exceed 20.", "The printed std is over splits: no error of the estimate."),
            EXACT,
        ),
    ),
)
