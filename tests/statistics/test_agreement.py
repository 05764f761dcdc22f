"""A published number beside our own: what contradicts it, what does not, and what makes it agree."""

import math

import numpy as np
import pytest

from eegbench import statistics
from eegbench.errors import InputError


def test_fits_on_the_same_stimuli_make_a_prediction_interval() -> None:
    found = statistics.on_the_same_stimuli([0.08, 0.09, 0.10], 0.12)
    assert found.difference == pytest.approx(-0.03)
    assert found.resolution == pytest.approx(4.302653 * 0.01 * math.sqrt(4 / 3), rel=1e-6)  # t_.975 of 2 degrees
    assert not found.contradicted
    assert statistics.on_the_same_stimuli([0.08, 0.09, 0.10], 0.15).contradicted


def test_one_fit_has_the_error_of_both_experiments() -> None:
    assert statistics.on_other_stimuli(0.5, 0.01, 0.5).resolution == pytest.approx(1.959964 * 0.01 * math.sqrt(2))
    known = statistics.on_other_stimuli(0.5, 0.03, 0.5, published_error=0.04)
    assert known.resolution == pytest.approx(1.959964 * 0.05, rel=1e-6)


def test_the_last_printed_digit_contradicts_nothing() -> None:
    equal = [0.4728, 0.4728]
    assert statistics.on_the_same_stimuli(equal, 0.473).contradicted
    assert not statistics.on_the_same_stimuli(equal, 0.473, rounding=0.0005).contradicted


def test_agreement_is_shown_only_by_two_one_sided_tests() -> None:
    found = statistics.on_the_same_stimuli([0.08, 0.09, 0.10], 0.10)
    reach = 0.01 + 2.919986 * 0.01 * math.sqrt(4 / 3)  # t_.95 of 2 degrees
    assert found.within(reach + 1e-6) and not found.within(reach - 1e-6)
    vague = statistics.on_the_same_stimuli([0.0, 0.2], 0.1)
    assert not vague.contradicted and not vague.within(0.1)


@pytest.mark.parametrize("fits", [[], [0.1], [0.1, math.nan], [[0.1, 0.2]]])
def test_fewer_than_two_fits_are_refused(fits: list[float]) -> None:
    with pytest.raises(InputError, match="two or more finite scores"):
        statistics.on_the_same_stimuli(fits, 0.1)


def test_repetitions_of_one_experiment_are_contradicted_in_one_of_twenty() -> None:
    rng = np.random.default_rng(1)
    fits = rng.normal(size=(2000, 4))
    same = np.mean([statistics.on_the_same_stimuli(own[1:], own[0]).contradicted for own in fits])
    means = rng.normal(size=(2000, 2))
    other = np.mean([statistics.on_other_stimuli(own, 1.0, theirs).contradicted for own, theirs in means])
    # 2,000 cases at .05 have a standard deviation of .005. The interval of one value alone contradicts in .166.
    assert [same, other] == pytest.approx([0.05, 0.05], abs=0.015)


def test_five_fits_contradict_what_differs_by_two_standard_errors_over_stimuli() -> None:
    rng = np.random.default_rng(2)
    fits = 0.448 * rng.normal(size=(500, 6))
    found = [statistics.on_the_same_stimuli(own[1:], own[0] + 2).contradicted for own in fits]
    assert np.mean(found) > 0.8  # .86; the interval over stimuli leaves .41 of them out
