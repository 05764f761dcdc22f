"""Several subjects or fits on the same stimuli."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from eegbench import statistics
from eegbench.errors import InputError

TABLE = np.random.default_rng(0).normal(size=(4, 30)) + np.random.default_rng(1).normal(size=(4, 1))


def test_variance_is_that_of_its_formula() -> None:
    # Two rows, two stimuli, by hand: row means 1 and 4, stimulus means 2 and 3, residuals of .5.
    found = statistics.crossed([[1.0, 1.0], [3.0, 5.0]])
    assert (found.mean, found.rows, found.stimuli) == (2.5, 4.5 / 2, 0.5 / 2)
    assert found.variance == 2.25 + 0.25 - 4 * 0.25 / 4
    assert found.counts == (2, 2)


def test_rows_that_saw_other_stimuli_give_students_test_of_their_means() -> None:
    table = np.full((4, 120), np.nan)
    for i, row in enumerate(TABLE):
        table[i, 30 * i : 30 * i + 30] = row
    found = statistics.crossed(table)
    expected = stats.ttest_1samp(TABLE.mean(axis=1), 0)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)  # 50 halvings and sums in another order
    assert found.interval() == pytest.approx(expected.confidence_interval(), rel=1e-9)
    assert found.freedom == pytest.approx(3, rel=1e-9)


def test_order_of_subjects_and_stimuli_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    found = statistics.crossed(TABLE[rng.permutation(4)][:, rng.permutation(30)])
    first = statistics.crossed(TABLE)
    assert found.interval() == pytest.approx(first.interval(), rel=1e-12)


def test_scaling_scales_the_interval_and_keeps_p() -> None:
    first, scaled = statistics.crossed(TABLE), statistics.crossed(10 * TABLE)
    ends = first.interval()
    assert ends is not None
    assert scaled.interval() == pytest.approx([10 * end for end in ends], rel=1e-12)
    assert scaled.p == pytest.approx(first.p, rel=1e-9)


def test_interval_ends_where_the_test_rejects() -> None:
    ends = statistics.crossed(TABLE).interval()
    assert ends is not None
    assert statistics.crossed(TABLE - ends[0]).p == pytest.approx(0.05, rel=1e-6)  # rounding of the table moves it


def test_a_stimulus_that_a_subject_lacks_stays_out_of_the_others_comparison() -> None:
    holed = TABLE.copy()
    holed[2, 7] = np.nan
    found = statistics.crossed(holed)
    assert found.counts == (4, 29)
    assert found.mean == pytest.approx(np.nanmean(holed, axis=1).mean(), rel=1e-12)


def test_folds_that_share_training_subjects_have_a_wider_interval() -> None:
    plain, shared = statistics.crossed(TABLE), statistics.crossed(TABLE, shared_training=True)
    assert shared.rows == pytest.approx(plain.rows * (1 + 4 / 3), rel=1e-12)
    assert shared.variance > plain.variance


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.5, 0.0)])
def test_what_never_varies_has_no_interval(value: float, p: float) -> None:
    found = statistics.crossed(np.full((3, 5), value))
    assert found.interval() is None and found.p == p and found.freedom == math.inf and found.visible() == 0.0


@pytest.mark.parametrize("table", [np.zeros((1, 5)), np.zeros(5), [[1.0, 2.0], [np.nan, np.nan]]])
def test_too_few_rows_are_refused(table: NDArray[np.float64]) -> None:
    with pytest.raises(InputError, match="two rows or more"):
        statistics.crossed(table)


@pytest.mark.parametrize("subjects", [2, 3, 10])
def test_equal_methods_are_seldom_called_different(subjects: int) -> None:
    # Pooling subjects and flipping signs rejects .45 at .05; with Satterthwaite's freedom two subjects reject .10 here.
    rng = np.random.default_rng(subjects)
    shape = (800, subjects, 50)
    tables = 0.04 * rng.normal(size=(800, subjects, 1)) + 0.11 * rng.normal(size=shape)
    p = np.array([statistics.crossed(one).p for one in tables])
    for level, most in ((0.05, 0.065), (0.005, 0.012)):
        assert (p <= level).mean() <= most + 3 * math.sqrt(most / 800)  # three standard errors


def test_a_visible_difference_is_seen_in_four_of_five_cases() -> None:
    rng = np.random.default_rng(5)
    shape = (400, 10, 40)
    tables = 0.04 * rng.normal(size=(400, 10, 1)) + 0.1 * rng.normal(size=shape)
    effect = np.mean([statistics.crossed(one).visible() for one in tables])
    assert np.mean([statistics.crossed(one + effect).p <= 0.05 for one in tables]) == pytest.approx(0.8, abs=0.06)
