"""The facts of metrics that a board and `eegbench check` need: they read files alone and load no metric.

Those of the package's metrics are in `metric_facts.json`, which `scripts/write_docs.py` writes from the metrics and a
test compares with them. Those of a plug-in's metric are in the score itself.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from eegbench.files import read_json
from eegbench.guards import limits
from eegbench.guards.fields import read_fields
from eegbench.guards.limits import OneOf, Within

GRAINS = ("", "comparisons", "stimuli", "classes")  # of what a value may be a share
MAX_COLUMN = 10**6
Limits = tuple[float | None, float | None]  # the least and the greatest value; None for no limit on that side
TABLE = Path(__file__).with_name("metric_facts.json")


@dataclass(frozen=True)
class MetricFacts:
    """One metric's, as its class declares them: see `eegbench.contracts.Metric`."""

    per_item: bool
    rivals: bool = False
    grain: Annotated[str, OneOf(GRAINS)] = ""
    column: Annotated[int | None, Within(0, MAX_COLUMN)] = None

    def __post_init__(self) -> None:
        limits.check(self)

    @property
    def alone(self) -> bool:
        """Whether a value on one stimulus does not depend on which other stimuli there are."""
        return self.per_item and not self.rivals


@dataclass(frozen=True)
class KnownMetric(MetricFacts):
    """One of the package's metrics, with its bounds, which scores of older records do not carry."""

    bounds: Limits = (None, None)


@cache
def known() -> dict[str, KnownMetric]:
    """The package's metrics by id."""
    return {name: read_fields(KnownMetric, value, name) for name, value in read_json(TABLE).items()}


def facts_of(metric: str, declared: MetricFacts | None) -> MetricFacts | None:
    """The facts of a metric: the package's for its own, for others those that the score declares; None for none."""
    return known().get(metric, declared)
