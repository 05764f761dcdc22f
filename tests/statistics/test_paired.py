"""Two methods on the same stimuli: the test, its interval, and the correction for many."""

import math

import numpy as np
import pytest
from scipy import stats

from eegbench import statistics
from eegbench.errors import InputError

VALUES = np.random.default_rng(0).normal(size=40)


def test_differences_stand_on_items_that_both_have() -> None:
    found = statistics.differences([1.0, np.nan, 3.0, np.inf], [0.0, 5.0, 1.0, np.inf])
    assert found.tolist() == pytest.approx([1.0, math.nan, 2.0, math.nan], nan_ok=True)
    with pytest.raises(InputError, match="2 and 3 items"):
        statistics.differences([1, 2], [1, 2, 3])


def test_test_of_opposite_differences_is_the_mirror_image() -> None:
    a, b = (statistics.paired_test(sign * (VALUES + 0.3), seed=1) for sign in (1, -1))
    assert a.ci is not None and b.ci is not None
    assert (b.mean, b.p) == (-a.mean, a.p)
    assert b.ci == pytest.approx((-a.ci[1], -a.ci[0]), abs=1e-12)


def test_missing_differences_are_left_out() -> None:
    # The flips are drawn for as many items as there are, so that p is the same to the bit.
    assert statistics.paired_test([*VALUES, np.nan], seed=1) == statistics.paired_test(VALUES, seed=1)


@pytest.mark.parametrize(("values", "p"), [([0.0] * 20, 1.0), ([0.5], 1.0), ([0.5] * 8, 2 / 2**8), ([], math.nan)])
def test_differences_without_a_spread_have_a_p_and_no_interval(values: list[float], p: float) -> None:
    tested = statistics.paired_test(values, seed=1)
    assert tested.ci is None
    assert tested.p == pytest.approx(p, nan_ok=True)


def test_p_goes_on_where_no_resample_reaches() -> None:
    # 2000 resamples alone could give no p below 1 / 2001, so that no correction for a hundred tests could be passed.
    assert statistics.paired_test(VALUES + 3, seed=1, permutations=100_000).p < 1e-4


def test_p_and_interval_never_contradict_each_other() -> None:
    rng = np.random.default_rng(8)
    for seed in range(150):
        tested = statistics.paired_test(rng.exponential(size=20) - 1.4, seed=seed, permutations=400)
        assert tested.ci is not None
        assert (tested.ci[0] <= 0 <= tested.ci[1]) == (tested.p > 0.05)


def test_level_holds_for_skewed_differences_where_sign_flips_alone_reject_too_often() -> None:
    rng = np.random.default_rng(3)
    rows = rng.uniform(size=(500, 20)) ** 14 - 1 / 15
    p = [statistics.paired_test(row, seed=i, permutations=300).p for i, row in enumerate(rows)]
    flips = [statistics.sign_flip_p(row, seed=i, permutations=300) for i, row in enumerate(rows)]
    assert np.mean(np.array(p) <= 0.05) <= 0.065 + 3 * math.sqrt(0.065 * 0.935 / 500)  # three standard errors
    assert np.mean(np.array(flips) <= 0.05) > 0.13


def test_sign_flip_p_agrees_with_scipy_where_all_flips_are_tried() -> None:
    differences = VALUES[:9] + 0.4
    expected = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert statistics.sign_flip_p(differences, seed=1) == pytest.approx(expected, abs=1e-12)  # counts over 512


def test_random_sign_flips_agree_with_all_of_them() -> None:
    differences = VALUES[:13] + 0.2
    exact = statistics.sign_flip_p(differences, seed=1)
    random = statistics.sign_flip_p(differences, seed=1, permutations=8000)
    assert random == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 8000))  # four standard errors


def test_sign_flip_rejects_five_percent_of_null_pairs() -> None:
    rng = np.random.default_rng(3)
    p = [statistics.sign_flip_p(rng.normal(size=30), seed=i, permutations=400) for i in range(1000)]
    # 1000 cases at 5 % have a standard deviation of 0.7 points; two of them.
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(("differences", "p"), [([0.0] * 30, 1.0), ([1.0] * 60, 1 / 10001), ([0.5], 1.0)])
def test_sign_flip_p_at_its_ends(differences: list[float], p: float) -> None:
    assert statistics.sign_flip_p(differences, seed=1) == p


@pytest.mark.parametrize("n", [1, 2, 6, 10])
def test_the_least_p_is_that_of_differences_of_one_sign(n: int) -> None:
    assert statistics.least_p(n) == statistics.sign_flip_p(np.arange(1.0, n + 1), seed=0)


def test_sign_flip_p_of_nothing_is_nan() -> None:
    assert math.isnan(statistics.sign_flip_p([np.nan], seed=1))


def test_minimum_detectable_difference_is_found_in_four_of_five_cases() -> None:
    rng = np.random.default_rng(4)
    effect = np.mean([statistics.minimum_detectable(rng.normal(size=40)) for _ in range(300)])
    p = [statistics.paired_test(rng.normal(effect, 1, 40), seed=i, permutations=300).p for i in range(400)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.8, abs=0.06)  # three standard deviations of 400 cases
    assert math.isnan(statistics.minimum_detectable([1.0]))


def test_holm_adjusts_as_its_paper_does() -> None:
    # By hand: sorted .005 .01 .03 .04 times 4 3 2 1, each no less than the one before.
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-15)
    assert statistics.holm([0.6, np.nan, 0.7]).tolist() == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)
    assert statistics.holm([]).shape == (0,)


def test_holm_refuses_what_is_no_p_value() -> None:
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        statistics.holm([0.5, 1.5])
