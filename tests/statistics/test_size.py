"""Where differences vary, and how large an experiment must be to see one."""

import numpy as np
import pytest
from scipy.special import stdtr

from eegbench import statistics
from eegbench.errors import InputError
from eegbench.statistics import Components, Design
from eegbench.statistics.size import expected

MIXED = Components(stimuli=0.15**2, people=0.01**2, fits=0.01**2, person_stimulus=0.2**2, rest=0.15**2)


def drawn(parts: Components, design: Design, seed: int = 1) -> np.ndarray:
    """Differences, (subjects, fits, stimuli), of the mean 0."""
    rng = np.random.default_rng(seed)
    s, k, n = design.subjects, design.fits, design.stimuli
    shapes = ((1, 1, n), (s, 1, 1), (s, k, 1), (s, 1, n), (s, k, n))
    variances = (parts.stimuli, parts.people, parts.fits, parts.person_stimulus, parts.rest)
    table = np.zeros((s, k, n))
    for variance, shape in zip(variances, shapes, strict=True):
        table += np.sqrt(variance or 0.0) * rng.normal(size=shape)
    return table


def test_variances_by_source_are_recovered() -> None:
    parts = Components(0.04, 0.01, 0.02, 0.09, 0.05)
    table = np.array([drawn(parts, Design(40, 4, 60), seed) for seed in range(20)])
    found = statistics.variance_components(table)
    # 20 tables of 40 people: a variance is known to about 5 %, that of people to 8 %.
    assert [found.stimuli, found.people, found.fits, found.person_stimulus, found.rest] == pytest.approx(
        [0.04, 0.01, 0.02, 0.09, 0.05], rel=0.25
    )
    assert found.rest == pytest.approx(0.05, rel=0.02)


def test_what_one_subject_or_one_seed_cannot_show_is_unknown_and_part_of_what_is_there() -> None:
    table = drawn(MIXED, Design(5, 3, 200))
    alone, once = statistics.variance_components(table[None, :1]), statistics.variance_components(table[None, :, :1])
    assert (alone.people, alone.person_stimulus) == (None, None) and alone.fits is not None
    assert (once.fits, once.rest) == (None, None) and once.people is not None
    single = statistics.variance_components(table[None, :1, :1])
    assert single == Components(single.stimuli)
    assert single.stimuli == pytest.approx(float(table[0, 0].var(ddof=1)))


def test_the_error_of_the_design_that_is_there_is_that_of_its_test() -> None:
    table = drawn(Components(0.02, 0.01, 0.01, 0.04, 0.02), Design(6, 2, 100))
    planned = expected(statistics.variance_components(table[None]), Design(6, 2, 100))
    test = statistics.crossed(table.mean(axis=1))
    for one in ("variance", "rows", "stimuli", "freedom"):
        assert getattr(planned, one) == pytest.approx(getattr(test, one), rel=1e-9)  # sums in another order
    assert planned.visible() == pytest.approx(test.visible(), rel=1e-9)


@pytest.mark.parametrize(
    ("spread", "visible", "power", "needed"), [(0.1433, 0.0285, 0.50, 405), (0.289, 0.0575, 0.16, 1641)]
)
def test_eighty_against_eighty_two_per_cent_on_one_person(
    spread: float, visible: float, power: float, needed: int
) -> None:
    """Two-way identification on 200 stimuli: between these spreads of the difference lie pairs of methods."""
    parts, there = Components(spread**2), Design(1, 1, 200)
    assert statistics.smallest_difference(parts, there) == pytest.approx(visible, abs=0.0001)
    assert statistics.power_of(parts, there, 0.02) == pytest.approx(power, abs=0.005)
    assert statistics.stimuli_needed(parts, 0.02, 1, 1) == needed


@pytest.mark.parametrize(("subjects", "fits"), [(1, 1), (1, 5), (10, 1), (10, 3)])
def test_a_proposed_design_finds_the_difference_in_four_of_five_cases(subjects: int, fits: int) -> None:
    parts = MIXED if subjects > 1 else Components(MIXED.stimuli, None, MIXED.fits, None, MIXED.rest)
    n = statistics.stimuli_needed(parts, 0.03, subjects, fits)
    assert n is not None
    design = Design(subjects, fits, n)
    drawn_from = parts if subjects > 1 or fits > 1 else Components(parts.stimuli, rest=parts.rest)  # its fit is fixed
    found = [p_of(0.03 + drawn(drawn_from, design, seed)) <= 0.05 for seed in range(400)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.055)  # 400 cases have a standard deviation of .02


def p_of(table: np.ndarray) -> float:
    rows = table.mean(axis=1) if len(table) > 1 else table[0]
    if len(rows) > 1:
        return statistics.crossed(rows).p
    items = rows[0]
    return float(2 * stdtr(items.size - 1, -abs(items.mean()) / (items.std(ddof=1) / np.sqrt(items.size))))


def test_no_number_of_stimuli_makes_up_for_few_people_who_differ() -> None:
    parts = Components(0.01, people=0.03**2, person_stimulus=0.01)
    assert statistics.stimuli_needed(parts, 0.02, 3, 1) is None
    assert statistics.stimuli_needed(parts, 0.02, 30, 1) is not None


def test_no_number_of_people_makes_up_for_few_stimuli_that_differ() -> None:
    parts = Components(0.2**2, people=0.01**2, person_stimulus=0.01)
    assert statistics.subjects_needed(parts, 0.02, 1, 200) is None
    count = statistics.subjects_needed(parts, 0.02, 1, 2000)
    assert count is not None
    enough, fewer = (statistics.smallest_difference(parts, Design(n, 1, 2000)) for n in (count, count - 1))
    assert enough <= 0.02 < fewer


def test_a_design_whose_components_are_unknown_is_refused() -> None:
    with pytest.raises(InputError, match="run the methods on others"):
        statistics.stimuli_needed(Components(0.01), 0.02, 10, 1)
    with pytest.raises(InputError, match="from one seed"):
        statistics.stimuli_needed(Components(0.01), 0.02, 1, 3)


@pytest.mark.parametrize("table", [np.zeros((3, 4)), np.zeros((1, 1, 1, 1)), np.full((1, 1, 1, 5), np.nan)])
def test_differences_of_another_shape_or_without_a_value_are_refused(table: np.ndarray) -> None:
    with pytest.raises(InputError, match="wanted finite ones"):
        statistics.variance_components(table)
