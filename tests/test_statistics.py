"""What an interval, a test and a verdict promise, checked by exact cases and small simulations."""

import functools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from eegbench import statistics
from eegbench.errors import InputError

VALUES = np.random.default_rng(0).normal(size=40)


def test_interval_is_around_the_mean_and_depends_on_the_seed_alone() -> None:
    value, bounds = statistics.interval(VALUES, seed=1)
    assert bounds is not None
    assert value == VALUES.mean()
    assert bounds[0] < value < bounds[1]
    assert statistics.interval(VALUES, seed=1) == (value, bounds)
    assert statistics.interval(VALUES, seed=2)[1] != bounds


def test_interval_covers_the_mean_in_nearly_95_of_100_cases() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(400):
        _, bounds = statistics.interval(rng.normal(size=60), seed=seed, resamples=500)
        hits += bounds is not None and bounds[0] <= 0 <= bounds[1]
    # 400 cases at 94 % have a standard deviation of 1.2 points: three of them on either side.
    assert 0.90 <= hits / 400 <= 0.98


def test_interval_of_two_way_scores_is_close_to_their_true_spread() -> None:
    rng = np.random.default_rng(2)
    means, errors = [], []
    for seed in range(150):
        scores = _two_way(rng, 100)
        value, bounds = statistics.interval(scores, seed=seed, resamples=300)
        assert bounds is not None
        means.append(value)
        errors.append((bounds[1] - bounds[0]) / 3.92)
    # The scores depend on one another, so a bootstrap over items is a little narrow; 150 cases know a spread to 6 %.
    assert 0.75 < np.mean(errors) / np.std(means) < 1.15


def _two_way(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    truths = rng.normal(size=(n, 16))
    features = 0.4 * truths + rng.normal(size=(n, 16))
    similarity = np.corrcoef(features, truths)[:n, n:]
    hits: NDArray[np.int64] = (similarity < np.diag(similarity)[:, None]).sum(axis=1)
    return hits / (n - 1)


def test_interval_does_not_depend_on_how_many_resamples_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = statistics.interval(VALUES, seed=1)
    monkeypatch.setattr(statistics, "_CHUNK", 40 * 300)
    assert statistics.interval(VALUES, seed=1) == whole


def test_items_that_are_not_finite_are_left_out_and_counted() -> None:
    holed = np.concatenate([VALUES, [np.nan, np.inf]])
    assert statistics.interval(holed, seed=1) == statistics.interval(VALUES, seed=1)
    assert statistics.count_finite(holed) == len(VALUES)


def test_too_few_items_have_no_interval() -> None:
    nothing, bounds = statistics.interval([np.nan], seed=1)
    assert math.isnan(nothing) and bounds is None
    assert statistics.interval([2.0], seed=1) == (2.0, None)


def test_values_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(2, 2\)"):
        statistics.interval(np.zeros((2, 2)), seed=1)


def test_paired_difference_removes_what_both_share() -> None:
    value, bounds = statistics.paired_difference(VALUES + 0.25, VALUES, seed=1)
    assert bounds is not None
    # Subtracting rounds at 1e-16 of values near 1.
    assert [value, *bounds] == pytest.approx([0.25] * 3, abs=1e-12)


def test_paired_difference_stands_on_items_that_both_have() -> None:
    value, _ = statistics.paired_difference([1.0, np.nan, 3.0, np.inf], [0.0, 5.0, 1.0, np.inf], seed=1)
    assert value == 1.5
    with pytest.raises(InputError, match="2 and 3 items"):
        statistics.paired_difference([1, 2], [1, 2, 3], seed=1)


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
    effect = statistics.minimum_detectable(rng.normal(size=5000)) * math.sqrt(5000 / 40)  # for 40 items
    found = [statistics.sign_flip_p(rng.normal(effect, 1, 40), seed=i, permutations=300) <= 0.05 for i in range(400)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)  # three standard deviations of 400 cases
    assert math.isnan(statistics.minimum_detectable([1.0]))


def test_interval_of_set_gives_a_mean_its_standard_error() -> None:
    value, bounds = statistics.interval_of_set(lambda i: float(VALUES[i].mean()), len(VALUES), seed=1, resamples=1000)
    assert bounds is not None
    assert value == pytest.approx(VALUES.mean(), abs=1e-15)
    # A spread from 1000 subsamples is known to 2.2 %: three times that.
    error = VALUES.std(ddof=1) / math.sqrt(len(VALUES))
    assert (bounds[1] - bounds[0]) / 3.92 == pytest.approx(error, rel=0.07)


def test_interval_of_set_never_repeats_an_item() -> None:
    seen = []

    def compute(chosen: NDArray[np.int64]) -> float:
        seen.append(len(chosen) - len(np.unique(chosen)))
        return float(VALUES[chosen].var())

    statistics.interval_of_set(compute, 40, seed=1, resamples=20)
    assert seen == [0] * 21


def test_interval_of_set_covers_an_unbiased_distance_between_close_sets() -> None:
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
def test_interval_of_set_without_ground_to_stand_on_is_none(n: int, result: float) -> None:
    assert statistics.interval_of_set(lambda i: result, n, seed=1)[1] is None


def test_holm_adjusts_as_its_paper_does() -> None:
    # By hand: sorted .005 .01 .03 .04 times 4 3 2 1, each no less than the one before.
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-15)
    assert statistics.holm([0.6, np.nan, 0.7]).tolist() == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)
    assert statistics.holm([]).shape == (0,)


def test_holm_refuses_what_is_no_p_value() -> None:
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        statistics.holm([0.5, 1.5])


UP, NONE, DOWN = (0.1, (0.05, 0.15)), (0.0, (-0.1, 0.1)), (-0.1, (-0.2, -0.05))


@pytest.mark.parametrize(
    ("contributions", "words"),
    [
        ([UP] * 9 + [NONE] * 3, "EEG contributes: 9 of 12 metrics clear of the permuted EEG"),
        ([UP] * 6 + [NONE] * 6, "EEG contributes: 6 of 12 metrics clear of the permuted EEG"),
        ([UP] * 5 + [NONE] * 7, "mixed: 5 of 12 metrics clear of the permuted EEG"),
        ([UP] * 9 + [DOWN], "mixed: 9 of 10 metrics clear of the permuted EEG, 1 worse"),
        ([UP] + [NONE] * 11, "no sign that the EEG contributes: 1 of 12 metrics clear of the permuted EEG"),
        ([DOWN] * 4, "no sign that the EEG contributes: 0 of 4 metrics clear of the permuted EEG, 4 worse"),
        ([UP], "EEG contributes: 1 of 1 metrics clear of the permuted EEG"),
        ([UP, (0.1, None), (math.nan, None)], "EEG contributes: 1 of 1 metrics clear of the permuted EEG"),
        ([(0.1, None)], "no verdict: no metric has an interval"),
        ([], "no verdict: no metric has an interval"),
    ],
)
def test_verdict_says(contributions: list[statistics.Estimate], words: str) -> None:
    assert statistics.verdict({str(i): estimate for i, estimate in enumerate(contributions)}) == words


@pytest.mark.parametrize("shared", [0.0, 0.7, 1.0])
def test_verdict_on_useless_eeg_seldom_says_that_it_contributes(shared: float) -> None:
    rng = np.random.default_rng(6)
    common, own = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 12))
    audits = math.sqrt(shared) * common + math.sqrt(1 - shared) * own
    said = [statistics.verdict({str(i): (z, (z - 1.96, z + 1.96)) for i, z in enumerate(row)}) for row in audits]
    assert np.mean([words.startswith("EEG") for words in said]) <= 0.05
