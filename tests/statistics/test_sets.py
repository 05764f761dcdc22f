"""Intervals of metrics of a whole set of images."""

import functools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench import statistics

VALUES = np.random.default_rng(0).normal(size=40)


@pytest.mark.parametrize("left_out", [0.5, 0.1])
def test_a_mean_has_its_standard_error(left_out: float) -> None:
    value, bounds = statistics.interval_of_set(
        lambda i: float(VALUES[i].mean()), len(VALUES), seed=1, left_out=left_out, resamples=1000
    )
    assert bounds is not None
    assert value == pytest.approx(VALUES.mean(), abs=1e-15)
    # A spread from 1000 subsamples is known to 2.2 %: three times that.
    error = VALUES.std(ddof=1) / math.sqrt(len(VALUES))
    assert (bounds[1] - bounds[0]) / 3.92 == pytest.approx(error, rel=0.07)


@pytest.mark.parametrize(("left_out", "kept"), [(0.5, 20), (0.1, 36), (0.001, 39)])
def test_a_subsample_leaves_out_its_share_and_repeats_no_item(left_out: float, kept: int) -> None:
    seen = []

    def compute(chosen: NDArray[np.int64]) -> float:
        seen.append((len(chosen), len(np.unique(chosen))))
        return float(VALUES[chosen].var())

    statistics.interval_of_set(compute, 40, seed=1, left_out=left_out, resamples=20)
    assert seen == [(40, 40)] + [(kept, kept)] * 20


def test_interval_covers_an_unbiased_distance_between_close_sets() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for seed in range(100):
        x, y = rng.normal(0.1, 1, (80, 64)), rng.normal(0, 1, (80, 64))
        compute = functools.partial(_distance_of_some, x, y)
        _, bounds = statistics.interval_of_set(compute, 80, seed=seed, resamples=40)
        hits += bounds is not None and bounds[0] <= 64 * 0.1**2 <= bounds[1]
    # Measured: 992 of 1000, where a bootstrap that repeats items covers 30. 95 are meant, give or take 3 x 2.2.
    assert hits >= 88


def _distance_of_some(x: NDArray[np.float64], y: NDArray[np.float64], chosen: NDArray[np.int64]) -> float:
    """Unbiased MMD^2 with a linear kernel."""
    x, y, n = x[chosen], y[chosen], len(chosen)
    within = [(np.square(a.sum(0)).sum() - np.square(a).sum()) / (n * (n - 1)) for a in (x, y)]
    return float(within[0] + within[1] - 2 * x.mean(0) @ y.mean(0))


@pytest.mark.parametrize(("n", "result"), [(3, 1.0), (40, math.nan)])
def test_without_ground_to_stand_on_there_is_no_interval(n: int, result: float) -> None:
    assert statistics.interval_of_set(lambda i: result, n, seed=1)[1] is None


def test_a_metric_without_an_honest_interval_has_none() -> None:
    assert statistics.interval_of_set(lambda i: float(len(i)), 40, seed=1, left_out=None) == (40.0, None)


def test_interval_stays_inside_the_limits() -> None:
    _, bounds = statistics.interval_of_set(
        lambda i: float(np.abs(VALUES[i].mean())), 40, seed=1, limits=(0.0, None), resamples=50
    )
    assert bounds is not None and bounds[0] == 0.0
