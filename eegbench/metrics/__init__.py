"""The field's metrics as numpy formulas: METRICS, by id, in the order in which they are listed."""

from collections.abc import Iterable

from eegbench.contracts import Metric
from eegbench.metrics import classification, distribution, identification, pixel, retrieval, saliency

__all__ = ["METRICS", "VARIANTS", "in_order"]

METRICS: dict[str, Metric] = {
    metric.id: metric
    for module in (pixel, identification, classification, distribution, saliency, retrieval)
    for metric in module.METRICS
}
VARIANTS = tuple(  # of 50-way accuracy: the same number by another judge
    metric.id for metric in classification.METRICS if metric.on_request
)


def in_order(names: Iterable[str]) -> list[str]:
    """Names of metrics as sheets show them: our own, then others by name."""
    every = set(names)
    return [*(name for name in METRICS if name in every), *sorted(every - METRICS.keys())]
