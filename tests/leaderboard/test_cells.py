"""What the board says of the package's metrics agrees with the metrics, which it does not load."""

import math

from eegbench.leaderboard.cells import ALONE, BOUNDS, METRIC_ORDER
from eegbench.metrics import METRICS


def test_known_bounds_are_those_of_the_metrics() -> None:
    def limit(end: float) -> float | None:
        return None if math.isinf(end) else end

    assert {name: (limit(m.bounds[0]), limit(m.bounds[1])) for name, m in METRICS.items()} == dict(BOUNDS)
    assert set(METRIC_ORDER) == set(METRICS) and all(METRICS[name].per_item for name in ALONE)
