"""The field's metrics as numpy formulas: METRICS, by id, in the order in which they are shown."""

from eegbench.contracts import Metric
from eegbench.metrics.classification import InceptionScore, NWay
from eegbench.metrics.distribution import FrechetDistance, KernelInceptionDistance, PublishedKernelInceptionDistance
from eegbench.metrics.identification import CorrelationDistance, TwoWay
from eegbench.metrics.pixel import ColumnSimilarity, PixelCorrelation, StructuralSimilarity
from eegbench.metrics.retrieval import Retrieval
from eegbench.metrics.saliency import MapCorrelation, MapDivergence, MapSimilarity, ReversedMapDivergence

__all__ = ["METRICS", "VARIANTS"]

VARIANTS = ("nway50_top1_vit_b_16",)  # by another judge than the published one, so another number: on request alone
METRICS: dict[str, Metric] = {
    "pixcorr": PixelCorrelation(),
    "ssim": StructuralSimilarity(),
    "ssim_columns": ColumnSimilarity(),
    "alexnet2": TwoWay("alexnet2", needs="alexnet2"),
    "alexnet5": TwoWay("alexnet5", needs="alexnet5"),
    "inception": TwoWay("inception", needs="inception"),
    "clip": TwoWay("clip", needs="clip"),
    "swav": CorrelationDistance("swav", needs="swav"),
    "effnet": CorrelationDistance("effnet", needs="effnet"),
    "nway50_top1": NWay("nway50_top1", ways=50),
    "nway50_top1_vit_b_16": NWay("nway50_top1_vit_b_16", ways=50, needs="probabilities_vit_b_16"),
    "is": InceptionScore("is", splits=1),
    "is_10split": InceptionScore("is_10split", splits=10, jackknife=None),
    "kid": KernelInceptionDistance(),
    "kid_published": PublishedKernelInceptionDistance(),
    "fid": FrechetDistance(),
    "cc": MapCorrelation(),
    "sim": MapSimilarity(),
    "kl": MapDivergence(),
    "kl_reversed": ReversedMapDivergence(),
    "retrieval_top1": Retrieval("retrieval_top1", top=1, chance="1/N"),
    "retrieval_top5": Retrieval("retrieval_top5", top=5, chance="5/N"),
}
