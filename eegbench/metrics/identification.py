"""Metrics on a judge's features: two-way identification and correlation distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from eegbench.arrays import Values
from eegbench.contracts import Card, Laws, Metric
from eegbench.errors import InputError
from eegbench.metrics.cards import BRAIN_DIFFUSER
from eegbench.metrics.checks import Array, check_pairs
from eegbench.metrics.correlation import (
    all_similarities,
    paired_correlation,
    rivals_beaten,
    rivals_beaten_in_pairs,
)


@dataclass(frozen=True)
class TwoWay(Metric):
    """For each reconstruction the share of other truths that correlate less with it than its own, shape (n,).

    Features (n, ...), flattened; Pearson's r. Distractors are truths, all of them, each once. A tie is a failure,
    and so is an undefined r (constant or non-finite features). Not symmetric. `block` reconstructions are compared
    at once; it bounds memory and changes no value. Raises InputError for shapes that differ, for fewer than 2 items,
    and where no other stimulus is left to compare with.
    Source: Ozcelik and VanRullen 2023; Scotti et al. 2023 (MindEye).
    """

    id: str
    needs: str
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = 0.5
    bounds: tuple[float, float] = (0.0, 1.0)
    per_item: bool = True
    column: int | None = None
    laws: Laws | None = Laws(identical=1, symmetric=False)
    card: Card | None = None
    block: int = 512

    rivals: ClassVar[bool] = True
    grain: ClassVar[str] = "comparisons"
    most_paired: ClassVar[int] = 10_000

    def compute(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str] | None = None) -> Values:
        """`stimuli`: one id for each item. Truths of the same stimulus are then no distractors; without it, a
        stimulus that comes more than once ties with itself and counts as a failure, as in the published code."""
        check_pairs(self.id, reconstructions, truths, least=2)
        if stimuli is not None and len(stimuli) != len(truths):
            raise InputError(f"{self.id}: {len(stimuli)} stimulus ids for {len(truths)} items; wanted one for each")
        if stimuli is not None:
            self._check_rivals(stimuli)
        beaten, rivals = rivals_beaten(reconstructions, truths, centre=True, block=self.block, stimuli=stimuli)
        return beaten / rivals

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        self._check_rivals(stimuli)
        beaten, rivals = rivals_beaten_in_pairs(reconstructions, truths, centre=True, stimuli=stimuli)
        return beaten / rivals

    def _check_rivals(self, stimuli: Sequence[str]) -> None:
        if len(set(stimuli)) < 2:
            raise InputError(f"{self.id}: all items show the stimulus {stimuli[0]!r}; wanted at least 2 stimuli")


@dataclass(frozen=True)
class CorrelationDistance(Metric):
    """1 - Pearson's r between the features of each pair, shape (n,); NaN where either side's are constant.

    Features (n, ...), flattened; shapes that differ raise InputError. Symmetric.
    Source: Ozcelik and VanRullen 2023 (SwAV and EffNet-B rows).
    """

    id: str
    needs: str
    version: int = 1
    higher_is_better: bool = False
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (0.0, 2.0)
    per_item: bool = True
    column: int | None = None
    laws: Laws | None = Laws(identical=0, symmetric=True)
    card: Card | None = None

    most_paired: ClassVar[int] = 10_000

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        check_pairs(self.id, reconstructions, truths)
        return 1.0 - paired_correlation(reconstructions, truths)

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        return 1.0 - all_similarities(reconstructions, truths, centre=True)


COMPARISONS = {"features": "1e-6 relative", "value": "one comparison"}
DISTANCES = {
    "features": "1e-6 relative",
    "value": "1e-4 relative: published code takes 1 - r in float32 where r is nearly 1",
}
TWO_WAY = "mean over reconstructions j of #{i != j : r(truth i, rec j) < r(truth j, rec j)} / (n - 1), Pearson's r"
TWO_WAY_TRAPS = (
    "A tie or an undefined r is a failure, as in the published code.",
    "The value depends on the distractors: 200 concepts and 982 scenes give different numbers for one model.",
    "Where one picture stands behind several items, the other copies are left out as distractors; published code "
    "counts each of them as a failure.",
    "Mispaired images give about .5 on every judge at once.",
)
METRICS: tuple[Metric, ...] = (
    TwoWay(
        "alexnet2",
        needs="alexnet2",
        column=40,
        card=Card(
            "Two-way identification, AlexNet(2)",
            TWO_WAY,
            BRAIN_DIFFUSER,
            "bilinear to 256 px, ImageNet's mean and std, no crop; features.4 of AlexNet, after ReLU",
            ("alexnet-owt-7be5be79.pth",),
            ("Some re-implementations count pooling layers and take features.2.", *TWO_WAY_TRAPS),
            COMPARISONS,
        ),
    ),
    TwoWay(
        "alexnet5",
        needs="alexnet5",
        column=50,
        card=Card(
            "Two-way identification, AlexNet(5)",
            TWO_WAY,
            BRAIN_DIFFUSER,
            "bilinear to 256 px, ImageNet's mean and std, no crop; features.11 of AlexNet, after ReLU",
            ("alexnet-owt-7be5be79.pth",),
            ("Some re-implementations count pooling layers and take features.5.", *TWO_WAY_TRAPS),
            COMPARISONS,
        ),
    ),
    TwoWay(
        "inception",
        needs="inception",
        column=60,
        card=Card(
            "Two-way identification, Inception-v3",
            TWO_WAY,
            BRAIN_DIFFUSER,
            "bilinear to 342 px, ImageNet's mean and std, no crop; the pooled 2048 values of Inception-v3",
            ("inception_v3_google-0cc3c7bd.pth",),
            (
                "With its published weights torchvision re-maps the normalisation; a bare network does not.",
                *TWO_WAY_TRAPS,
            ),
            COMPARISONS,
        ),
    ),
    TwoWay(
        "clip",
        needs="clip",
        column=70,
        card=Card(
            "Two-way identification, CLIP",
            TWO_WAY,
            BRAIN_DIFFUSER,
            "bilinear to 224 px, OpenAI's mean and std, no crop; image embedding of ViT-L/14 in float32, un-normalised",
            ("timm/vit_large_patch14_clip_224.openai",),
            (
                "OpenAI's weights need QuickGELU: plain GELU moves coordinates by up to 1.3.",
                "MindEye ran it in half precision on a GPU.",
                "Methods guided by a CLIP are favoured by it.",
                "Not the `CLIP score` (mean cosine) that some papers print.",
                *TWO_WAY_TRAPS,
            ),
            COMPARISONS,
        ),
    ),
    CorrelationDistance(
        "swav",
        needs="swav",
        column=90,
        card=Card(
            "SwAV distance",
            "mean over pairs of 1 - Pearson's r of the features",
            BRAIN_DIFFUSER,
            "bilinear to 224 px, ImageNet's mean and std, no crop; the pooled 2048 values of SwAV's ResNet-50",
            ("swav_800ep_pretrain.pth.tar",),
            ("Down is better.",),
            DISTANCES,
        ),
    ),
    CorrelationDistance(
        "effnet",
        needs="effnet",
        column=80,
        card=Card(
            "EfficientNet distance",
            "mean over pairs of 1 - Pearson's r of the features",
            BRAIN_DIFFUSER,
            "bilinear to 255 px, ImageNet's mean and std, no crop; the pooled 1280 values of EfficientNet-B1, "
            "V2 weights",
            ("efficientnet_b1-c27df63c.pth",),
            ("Brain-Diffuser has the V1 weights, MindEye and its followers V2: other distances.", "Down is better."),
            DISTANCES,
        ),
    ),
)
