"""Do the designs that `eegbench plan-size` proposes find the difference in 80 % of cases, by the tests that boards use?

usage: python perf/plan_size.py [--cases 2000]

Differences of two methods are drawn from known variances by source. For each design the fewest stimuli are computed
for a power of .8, and a true difference of .03 is drawn and tested: over subjects, or over the fits of one subject, by
`crossed`; of one fit by Student's test over stimuli. The level is measured beside it, at a difference of 0. Last, the
variances themselves come from a pilot, as in use.
"""

import argparse
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from eegbench import statistics
from eegbench.statistics import Components, Design

Array = NDArray[np.float64]
SPREADS = {  # standard deviations of stimuli, people, fits, person_stimulus, rest
    "stimuli alone": (0.2, 0.0, 0.0, 0.0, 0.0),
    "mixed": (0.15, 0.01, 0.01, 0.2, 0.15),
    "people differ": (0.1, 0.02, 0.005, 0.2, 0.1),
    "fits differ": (0.1, 0.005, 0.015, 0.1, 0.2),
}
DESIGNS = ((1, 1), (1, 5), (3, 1), (5, 2), (10, 1), (10, 3))
DIFFERENCE = 0.03


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
    if len(d) > 1:
        return statistics.crossed(d.mean(axis=1)).p
    if d.shape[1] > 1:
        return statistics.crossed(d[0]).p
    n = d.size
    return float(2 * stdtr(n - 1, -abs(d.mean()) / (d.std(ddof=1) / np.sqrt(n))))


def rejected(parts: Components, design: Design, difference: float, cases: int) -> float:
    rng = np.random.default_rng(1)
    return float(np.mean([p_of(draw(rng, parts, design, difference)) <= 0.05 for _ in range(cases)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    cases = parser.parse_args().cases
    for name, spreads in SPREADS.items():
        parts = Components(*(spread**2 for spread in spreads))
        for subjects, fits in DESIGNS:
            n = statistics.stimuli_needed(parts, DIFFERENCE, subjects, fits)
            said = f"{name}, subjects {subjects}, fits {fits}"
            if n is None:
                print(f"{said}: not reachable", flush=True)
                continue
            found, level = (rejected(parts, Design(subjects, fits, n), d, cases) for d in (DIFFERENCE, 0.0))
            print(f"{said}, stimuli {n}: power {found:.3f}, level {level:.3f}", flush=True)
    rng = np.random.default_rng(2)
    for name, spreads in SPREADS.items():
        parts = Components(*(spread**2 for spread in spreads))
        pilots = [statistics.variance_components(draw(rng, parts, Design(5, 2, 200), 0.0)[None]) for _ in range(200)]
        needs = [statistics.stimuli_needed(pilot, DIFFERENCE, 10, 1) for pilot in pilots]
        powers = [statistics.power_of(parts, Design(10, 1, n), DIFFERENCE) for n in needs if n]
        print(
            f"{name}, 10 subjects by a pilot of 5 subjects, 2 fits and 200 stimuli: reachable in "
            f"{len(powers) / 200:.2f}, then power {np.mean(powers):.3f}, stimuli {median(n for n in needs if n):.0f}"
        )


if __name__ == "__main__":
    main()
