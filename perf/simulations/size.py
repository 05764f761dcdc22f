"""Do the designs that `eegbench plan-size` proposes find the difference in 80 % of cases, by the tests of boards?"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from eegbench import statistics
from eegbench.statistics import Components, Design
from perf.simulations.table import TEST, Row

SPREADS = {  # standard deviations of stimuli, people, fits, person_stimulus, rest
    "stimuli alone": (0.2, 0.0, 0.0, 0.0, 0.0),
    "mixed": (0.15, 0.01, 0.01, 0.2, 0.15),
    "people differ": (0.1, 0.02, 0.005, 0.2, 0.1),
    "fits differ": (0.1, 0.005, 0.015, 0.1, 0.2),
}
DESIGNS = ((1, 1), (1, 5), (3, 1), (5, 2), (10, 1), (10, 3))
DIFFERENCE, POWER = 0.03, (0.77, 0.83)

Array = NDArray[np.float64]


def planned(short: bool) -> Iterator[Row]:
    """Power of each design with as many stimuli as were computed for .8, and its level where there is no difference."""
    cases = 300 if short else 2000
    for name, spreads in list(SPREADS.items())[1:2] if short else SPREADS.items():
        parts = Components(*(spread**2 for spread in spreads))
        for subjects, fits in DESIGNS:
            n = statistics.stimuli_needed(parts, DIFFERENCE, subjects, fits)
            if n is None:
                continue  # people or fits differ by too much for any number
            what = f"{name}: {subjects} subjects, {fits} fits, {n} stimuli"
            design = Design(subjects, fits, n)
            yield Row(f"{what}: power", None, rejected(parts, design, DIFFERENCE, cases), POWER, cases)
            yield Row(f"{what}: level", None, rejected(parts, design, 0.0, cases), TEST, cases)
    yield from by_pilot(40 if short else 200)


def by_pilot(pilots: int) -> Iterator[Row]:
    """The true power of 10 subjects where the variances come from a pilot of 5 subjects, 2 fits and 200 stimuli."""
    rng = np.random.default_rng(2)
    for name, spreads in SPREADS.items():
        parts = Components(*(spread**2 for spread in spreads))
        found = [statistics.variance_components(draw(rng, parts, Design(5, 2, 200), 0.0)[None]) for _ in range(pilots)]
        needs = [n for pilot in found if (n := statistics.stimuli_needed(pilot, DIFFERENCE, 10, 1))]
        power = float(np.mean([statistics.power_of(parts, Design(10, 1, n), DIFFERENCE) for n in needs]))
        yield Row(f"{name}: power after a pilot", None, power, None, len(needs))
        yield Row(f"{name}: pilots that call it out of reach", None, 1 - len(needs) / pilots, None, pilots)


def draw(rng: np.random.Generator, parts: Components, design: Design, difference: float) -> Array:
    """Differences, shape (subjects, fits, stimuli); of one subject, or one fit, the test speaks alone: it is fixed."""
    shape = (design.subjects, design.fits, design.stimuli)

    def source(variance: float | None, *shape: int) -> Array:
        return float(np.sqrt(variance or 0.0)) * rng.normal(size=shape)

    d = difference + source(parts.stimuli, 1, 1, shape[2]) + source(parts.person_stimulus, shape[0], 1, shape[2])
    if design.subjects > 1:
        d = d + source(parts.people, shape[0], 1, 1)
    if design.subjects > 1 or design.fits > 1:
        d = d + source(parts.fits, shape[0], shape[1], 1)
    return d + source(parts.rest, *shape)


def p_of(d: Array) -> float:
    """The p of no difference by the test that fits the design."""
    if len(d) > 1 or d.shape[1] > 1:
        return statistics.crossed(d.mean(axis=1) if len(d) > 1 else d[0]).p
    n = d.size
    return float(2 * stdtr(n - 1, -abs(d.mean()) / (d.std(ddof=1) / np.sqrt(n))))


def rejected(parts: Components, design: Design, difference: float, cases: int) -> float:
    rng = np.random.default_rng(1)
    return float(np.mean([p_of(draw(rng, parts, design, difference)) <= 0.05 for _ in range(cases)]))
