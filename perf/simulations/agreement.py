"""Published numbers beside our own: what is contradicted, by repetitions of one experiment and by one that differs."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.statistics import Agreement
from perf.simulations.table import LEVEL, Row

STIMULI = 200
FIT = 0.448  # the noise of a fit in standard errors over stimuli: two fits then differ by .634 of one
FITS = (2, 3, 5, 10)
FEWEST = {2: 0.15, 3: 0.45, 5: 0.8, 10: 0.9}  # by own fits: how often another truth must be contradicted at least
KINDS = ("normal", "skewed", "two-way")

Array = NDArray[np.float64]


def agreement(short: bool) -> Iterator[Row]:
    """Contradicted and agreeing numbers, on other stimuli and on the same; `before` is the interval over stimuli alone.

    On the same stimuli, 2 to 10 own fits and one published, whose truth is 0 or 2 standard errors over stimuli away.
    """
    cases = 2000 if short else 10000
    for kind in KINDS[:1] if short else KINDS:
        found, alone = other_stimuli(kind, cases)
        yield Row(f"{kind}, repeated on other stimuli: contradicted", alone, found, LEVEL, cases, fault=True)
    missed = {apart: outside(apart, cases) for apart in (0, 2)}
    one_fit = np.mean([one.contradicted for one in same_stimuli(1, 2, cases)])
    yield Row("the same stimuli, one fit, truth 2 away: contradicted", missed[2], float(one_fit), None, cases)
    for fits in FITS[::2] if short else FITS:
        of = f"the same stimuli, {fits} fits"
        rates = {a: float(np.mean([one.contradicted for one in same_stimuli(fits, a, cases)])) for a in (0, 2)}
        yield Row(f"{of}, one truth: contradicted", missed[0], rates[0], LEVEL, cases, fault=True)
        wanted = (FEWEST[fits], 1.0)
        yield Row(f"{of}, truth 2 away: contradicted", missed[2], rates[2], wanted, cases, fault=fits > 3)
        margin = 2 / math.sqrt(STIMULI)
        agrees = {a: float(np.mean([one.within(margin) for one in same_stimuli(fits, a, cases)])) for a in (0, 2)}
        yield Row(f"{of}, truth at the margin: agrees", None, agrees[2], LEVEL, cases)
        yield Row(f"{of}, one truth, margin of 2: agrees", None, agrees[0], None, cases)


def values(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Array:
    """Scores by stimulus of standard deviation 1: bell-shaped, exponential, or a share that is mostly near 1."""
    if kind == "skewed":
        return rng.exponential(size=shape)
    if kind == "two-way":
        return rng.beta(4, 0.7, size=shape) / math.sqrt(4 * 0.7 / (4.7**2 * 5.7))
    return rng.normal(size=shape)


def other_stimuli(kind: str, cases: int) -> tuple[float, float]:
    """Repetitions on stimuli of their own: contradicted, and outside the interval of the measured value alone."""
    rng = np.random.default_rng(1)
    found, outside = 0, 0
    for _ in range(cases):
        own, theirs = values(rng, kind, (2, STIMULI))
        error = float(own.std(ddof=1)) / math.sqrt(STIMULI)
        found += statistics.on_other_stimuli(float(own.mean()), error, float(theirs.mean())).contradicted
        outside += abs(own.mean() - theirs.mean()) > 1.96 * error
    return found / cases, outside / cases


def same_stimuli(fits: int, apart: float, cases: int) -> Iterator[Agreement]:
    """Own fits and a published one, whose truth is `apart` standard errors away, on the same stimuli."""
    rng = np.random.default_rng(fits)
    error = 1 / math.sqrt(STIMULI)
    for _ in range(cases):
        hard = rng.normal(size=STIMULI)
        scores = (hard + FIT * rng.normal(size=(fits + 1, STIMULI))).mean(axis=1)
        published = float(scores[0]) + apart * error
        if fits > 1:
            yield statistics.on_the_same_stimuli(scores[1:], published)
        else:
            yield statistics.on_other_stimuli(float(scores[1]), math.hypot(1, FIT) * error, published)


def outside(apart: float, cases: int) -> float:
    """How often the published number lies outside the interval over stimuli of one own fit."""
    alone = (one.resolution / math.sqrt(2) for one in same_stimuli(1, apart, cases))  # without the other's error
    found = (abs(one.difference) for one in same_stimuli(1, apart, cases))
    return float(np.mean([far > reach for far, reach in zip(found, alone, strict=True)]))
