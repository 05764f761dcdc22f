"""Intervals of a mean over stimuli: exact cases, and how often they hold the truth."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.errors import InputError
from eegbench.statistics import intervals

VALUES = np.random.default_rng(0).normal(size=40)


def test_interval_lies_around_the_mean_and_is_the_same_each_time() -> None:
    value, bounds = statistics.mean_interval(VALUES)
    assert bounds is not None
    assert value == VALUES.mean()
    assert bounds[0] < value < bounds[1]
    assert statistics.mean_interval(VALUES) == (value, bounds)


def test_interval_follows_scale_and_shift() -> None:
    _, bounds = statistics.mean_interval(VALUES)
    _, moved = statistics.mean_interval(3 * VALUES + 2)
    assert bounds is not None and moved is not None
    assert moved == pytest.approx([3 * end + 2 for end in bounds], abs=1e-12)  # sums of numbers near 1


def test_interval_follows_a_skew() -> None:
    skewed = np.exp(VALUES)
    mean, bounds = statistics.mean_interval(skewed)
    assert bounds is not None
    assert bounds[1] - mean > 1.3 * (mean - bounds[0])


def test_resamples_do_not_depend_on_how_many_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "CACHED", 10)
    whole = statistics.studentised_interval(VALUES)
    monkeypatch.setattr(intervals, "CHUNK", 40 * 300)
    assert statistics.studentised_interval(VALUES) == whole


def test_items_that_are_not_finite_are_left_out() -> None:
    assert statistics.mean_interval([*VALUES, np.nan, np.inf]) == statistics.mean_interval(VALUES)


@pytest.mark.parametrize("values", [[2.0], [2.0, 2.0, 2.0], [2.0, np.nan]])
def test_items_without_a_spread_have_no_interval(values: list[float]) -> None:
    assert statistics.mean_interval(values) == (2.0, None)


def test_nothing_has_no_mean() -> None:
    mean, bounds = statistics.mean_interval([np.nan], limits=(0.0, 1.0))
    assert math.isnan(mean) and bounds is None


def test_values_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(2, 2\)"):
        statistics.mean_interval(np.zeros((2, 2)))


def test_interval_is_cut_off_at_the_limits_of_the_metric() -> None:
    values = [0.9, 0.99, 0.98, 0.97, 0.999, 0.95, 0.7, 0.2]
    _, bounds = statistics.mean_interval(values, limits=(0.0, 1.0))
    assert bounds is not None and bounds[1] == 1.0
    _, free = statistics.mean_interval(values)
    assert free is not None and free[1] > 1.0


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (5, 10, 0.23659, 0.76341), (1, 20, 0.00888, 0.23613)],
)
def test_wilson_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    assert statistics.wilson_interval(hits, n) == pytest.approx((low, high), abs=1e-5)  # printed with five decimals
    items = np.arange(n) < hits
    assert statistics.mean_interval(items, limits=(0.0, 1.0))[1] == statistics.wilson_interval(hits, n)


def test_a_perfect_score_of_a_few_stimuli_is_not_certain() -> None:
    _, bounds = statistics.mean_interval(np.ones(20), limits=(0.0, 1.0))
    assert bounds is not None and bounds[0] < 0.85


def _two_way(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.where(rng.uniform(size=20) < 0.85, 1.0, 1 - rng.beta(0.5, 3.0, size=20))


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng: rng.uniform(size=20) ** 14, 1 / 15),  # like n-way; a percentile interval covers .82
        (_two_way, 1 - 0.15 * 0.5 / 3.5),  # near the ceiling; .72
        (lambda rng: rng.uniform(size=20) < 0.05, 0.05),  # rare hits; .64
    ],
)
def test_intervals_of_twenty_skewed_values_hold_their_mean(
    draw: Callable[[np.random.Generator], NDArray[np.float64]], truth: float
) -> None:
    rng = np.random.default_rng(1)
    ends = [statistics.mean_interval(draw(rng), limits=(0.0, 1.0))[1] for _ in range(400)]
    holds = [ci is not None and ci[0] <= truth <= ci[1] for ci in ends]
    assert np.mean(holds) >= 0.925 - 3 * math.sqrt(0.925 * 0.075 / 400)  # three standard errors of 400 cases
