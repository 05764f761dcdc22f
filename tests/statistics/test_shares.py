"""Shares of the way from floor to ceiling: their value, what they refuse, and how often their intervals are right."""

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.errors import InputError
from eegbench.statistics import Joint, Share, not_resampled, resampled_means, share

Array = NDArray[np.float64]
CHANCE = 0.5


def of(method: Array, floors: list[Array], ceilings: list[Array], **more: float) -> Share:
    """The share of tables of values, (subjects, stimuli)."""
    means = (method.mean(), [float(one.mean()) for one in floors], [float(one.mean()) for one in ceilings])
    drawn: Joint = (
        resampled_means(method),
        [resampled_means(one) for one in floors],
        [resampled_means(one) for one in ceilings],
    )
    return share(means, drawn, subjects=len(method), **more)  # type: ignore[arg-type]


def tables(rng: np.random.Generator, subjects: int, means: tuple[float, ...]) -> list[Array]:
    """Values around each mean, with what is easy for all and what differs between subjects."""
    ease = rng.normal(0, 0.1, 100)
    able = rng.normal(0, 0.02, (len(means), subjects, 1)) * (subjects > 1)
    return list(np.array(means)[:, None, None] + able + ease + rng.normal(0, 0.2, (len(means), subjects, 100)))


def test_a_share_counts_from_the_best_floor_to_the_best_ceiling() -> None:
    assert share((0.5, [0.1, 0.3], [0.7, 0.6]), None).value == pytest.approx(0.5)
    assert share((0.5, [0.9, 0.7], [0.3, 0.4]), None, higher_is_better=False).value == pytest.approx(0.5)


def test_a_floor_that_holds_a_share_back_is_resampled_with_it() -> None:
    rng = np.random.default_rng(0)
    floor, ceiling = rng.normal(0.3, 0.2, (1, 100)), rng.normal(0.9, 0.1, (1, 100))
    assert of(floor.copy(), [floor], [ceiling]) == Share(0.0)  # the method is the floor: nothing comes between them
    other = of(rng.permutation(floor, axis=1), [floor], [ceiling]).ci
    assert other is not None and other[0] < -0.05 and other[1] > 0.05


def test_there_is_no_share_of_a_way_that_may_be_none() -> None:
    rng = np.random.default_rng(1)
    method, floor, ceiling = tables(rng, 1, (0.5, 0.5, 0.51))
    assert of(method, [floor], [ceiling]) == Share(None)
    assert share((0.5, [0.4], [0.3]), None) == Share(None)


def test_two_subjects_have_a_share_without_an_interval() -> None:
    method, floor, ceiling = tables(np.random.default_rng(2), 2, (0.6, 0.5, 0.9))
    found = of(method, [floor], [ceiling])
    assert found.value is not None and found.ci is None


def test_what_differs_between_fits_widens_the_interval() -> None:
    method, floor, ceiling = tables(np.random.default_rng(3), 1, (0.6, 0.5, 0.9))
    plain, wider = of(method, [floor], [ceiling]).ci, of(method, [floor], [ceiling], between_fits=0.4).ci
    assert plain and wider and wider[1] - wider[0] > 2 * (plain[1] - plain[0])


def test_a_value_that_is_not_there_is_left_out() -> None:
    table = np.random.default_rng(4).normal(0.5, 0.1, (3, 60))
    table[1, :20] = np.nan
    found = resampled_means(table)
    assert np.isfinite(found.stimuli).all() and found.stimuli.mean() == pytest.approx(
        np.nanmean(table, axis=1).mean(), abs=0.005
    )
    assert resampled_means(np.ones((1, 3))).subjects.size == 0
    with pytest.raises(InputError, match=r"wanted \(subjects, stimuli\)"):
        resampled_means(np.ones(3))


@pytest.mark.parametrize("subjects", [1, 5])
@pytest.mark.parametrize("floors", [(0.55, 0.4), (0.55, 0.55, 0.55)])
def test_intervals_hold_the_true_share_though_the_floor_is_picked_by_looking(
    subjects: int, floors: tuple[float, ...]
) -> None:
    rng = np.random.default_rng([subjects, len(floors)])
    hits = 0
    for _ in range(150):
        method, ceiling, *below = tables(rng, subjects, (0.6, 0.9, *floors))
        means = (method.mean(), [*(float(one.mean()) for one in below), CHANCE], [float(ceiling.mean())])
        drawn = (
            resampled_means(method),
            [*map(resampled_means, below), not_resampled(CHANCE)],
            [resampled_means(ceiling)],
        )
        ci = share(means, drawn, subjects=subjects).ci
        hits += ci is not None and ci[0] <= (0.6 - 0.55) / (0.9 - 0.55) <= ci[1]
    assert hits / 150 >= 0.95 - 3 * 0.018  # three standard deviations of a share of 150
