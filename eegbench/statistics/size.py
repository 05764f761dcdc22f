"""How many subjects, fits and stimuli does a true difference of two methods need? From variances by source.

A difference on subject s, by fit k, on stimulus i is taken as

    d = mean + people_s + fits_sk + stimuli_i + person_stimulus_si + rest_ski

with independent sources, each drawn anew by another experiment. Two methods are fitted apart, so that `fits` holds the
spread of both. Assumed: each subject has fits of its own, and all see the same stimuli.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import nctdtr

from eegbench.errors import InputError
from eegbench.statistics.crossing import Crossed

MOST, MOST_SUBJECTS = 10_000_000, 10_000  # stimuli, and subjects, that are thought of
STEP = 1.02  # from one number that is tried to the next

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """Variances of the difference of two methods, by source; None where one subject or one fit cannot show it.

    Of one subject `stimuli` holds person_stimulus too; of one fit per subject `people` holds fits, and the source of
    the single value that is there (person_stimulus, or stimuli of one subject) holds the rest.
    """

    stimuli: float
    people: float | None = None
    fits: float | None = None
    person_stimulus: float | None = None
    rest: float | None = None


@dataclass(frozen=True)
class Design:
    """An experiment: so many subjects, fits of each, and stimuli, which all subjects see."""

    subjects: int
    fits: int
    stimuli: int


def variance_components(tables: ArrayLike) -> Components:
    """Components from differences of shape (pairs of methods, subjects, fits, stimuli): their mean over the pairs.

    Each from mean squares (method of moments; Searle, Casella and McCulloch, Variance Components, 1992, chapter 4):
    subjects and stimuli crossed, fits within subjects. What comes out below 0 is set to 0. A variance from k subjects
    or fits has itself a relative standard deviation of about sqrt(2 / (k - 1)): from three it is a rough guess.
    Raises InputError for another shape, for values that are not finite, and for fewer than two stimuli.
    """
    d = np.asarray(tables, dtype=np.float64)
    if d.ndim != 4 or not d.size or d.shape[3] < 2 or not np.isfinite(d).all():
        raise InputError(
            f"differences of shape {d.shape}; wanted finite ones, (pairs, subjects, fits, stimuli), of two stimuli"
        )
    _, subjects, fits, n = d.shape
    of_fit, of_pair = d.mean(axis=3, keepdims=True), d.mean(axis=2, keepdims=True)
    of_subject, of_stimulus = d.mean(axis=(2, 3), keepdims=True), d.mean(axis=(1, 2), keepdims=True)
    mean = d.mean(axis=(1, 2, 3), keepdims=True)

    def square(effect: Array, times: int, freedom: int) -> float:
        return float(np.square(effect).sum()) / len(d) * times / freedom if freedom else 0.0

    rest = square(d - of_fit - of_pair + of_subject, 1, subjects * (fits - 1) * (n - 1))
    person = square(of_pair - of_subject - of_stimulus + mean, fits, (subjects - 1) * (n - 1))
    stimulus = square(of_stimulus - mean, subjects * fits, n - 1)
    fit = square(of_fit - of_subject, n, subjects * (fits - 1))
    people = square(of_subject - mean, fits * n, subjects - 1)
    several, repeated = subjects > 1, fits > 1
    return Components(
        stimuli=max(0.0, (stimulus - (person if several else rest)) / (subjects * fits)),
        people=max(0.0, (people - fit - person + rest) / (fits * n)) if several else None,
        fits=max(0.0, (fit - rest) / n) if repeated else None,
        person_stimulus=max(0.0, (person - rest) / fits) if several else None,
        rest=rest if repeated else None,
    )


def expected(parts: Components, design: Design) -> Crossed:
    """What the test of a design has to do with, on average, where there is no difference.

    Several subjects: `crossed`, with fits averaged within each; it speaks of other people. One subject and several
    fits: `crossed` over fits; it speaks of this person. One of both: Student's over stimuli; of these fits alone.
    Raises InputError where a component is wanted that is not known.
    """
    of_values, rest = parts.person_stimulus or 0.0, parts.rest or 0.0
    if design.subjects > 1:
        if parts.people is None:
            raise InputError("how much people differ is not known from one subject; run the methods on others, too")
        rows = parts.people + (parts.fits or 0.0) / design.fits
        return _crossed(rows, parts.stimuli, of_values + rest / design.fits, design.subjects, design.stimuli)
    if design.fits > 1:
        if parts.fits is None:
            raise InputError("how much fits differ is not known from one seed; run the methods with others, too")
        return _crossed(parts.fits, parts.stimuli + of_values, rest, design.fits, design.stimuli)
    variance = (parts.stimuli + of_values + rest) / design.stimuli
    return Crossed(0.0, variance, 0.0, variance, (1, design.stimuli))


def smallest_difference(parts: Components, design: Design, *, level: float = 0.05, power: float = 0.8) -> float:
    """The smallest true difference that a design finds with probability `power`; InputError as `expected`."""
    return expected(parts, design).visible(level=1 - level, power=power)


def power_of(parts: Components, design: Design, difference: float, *, level: float = 0.05) -> float:
    """The probability that a design finds a true difference at `level`; InputError as `expected`."""
    test = expected(parts, design)
    if not test.variance > 0:
        return 1.0
    return 1 - float(nctdtr(test.freedom, abs(difference) / math.sqrt(test.variance), test.reach(level / 2)))


def stimuli_needed(
    parts: Components, difference: float, subjects: int, fits: int, *, level: float = 0.05, power: float = 0.8
) -> int | None:
    """The fewest stimuli with which so many subjects and fits find a true difference with probability `power`.

    None where no number up to MOST does, for people or fits differ by too much; InputError as `expected`.
    Measured by `perf/statistics.py` with known variances of four kinds and designs of 1 to 10 subjects and 1 to 5 fits:
    the difference is found in .790 to .817 of cases, an absent one in .026 to .061. With variances from a pilot of 5
    subjects, 2 fits and 200 stimuli the power is .753 to .820 on average, and what 10 subjects can reach is called out
    of reach in 0 to .10 of pilots.
    """
    return _fewest(
        lambda n: smallest_difference(parts, Design(subjects, fits, n), level=level, power=power) <= abs(difference),
        MOST,
    )


def subjects_needed(
    parts: Components, difference: float, fits: int, stimuli: int, *, level: float = 0.05, power: float = 0.8
) -> int | None:
    """The fewest subjects, two or more, who find a true difference on so many stimuli, as `stimuli_needed`.

    None where no number up to MOST_SUBJECTS does, for the stimuli differ by too much.
    """
    return _fewest(
        lambda n: smallest_difference(parts, Design(n, fits, stimuli), level=level, power=power) <= abs(difference),
        MOST_SUBJECTS,
    )


def _fewest(enough: Callable[[int], bool], most: int) -> int | None:
    """The least number from 2 that is enough; freedom falls while variance does, so more need not always be enough."""
    low, high = 2, 2
    while not enough(high):
        if high >= most:
            return None
        low, high = high + 1, min(most, math.ceil(high * STEP) + 1)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high


def _crossed(rows: float, stimuli: float, rest: float, count: int, n: int) -> Crossed:
    """From the variances of a row, a stimulus and a value; `crossed` finds the noise in its rows and stimuli, too."""
    noise = rest / (count * n)
    of_rows, of_stimuli = rows / count + noise, stimuli / n + noise
    return Crossed(0.0, of_rows + of_stimuli - noise, of_rows, of_stimuli, (count, n))
