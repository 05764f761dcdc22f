"""A published number beside one's own, and the share of the way from floor to ceiling."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from eegbench.statistics.intervals import resamples
from perf.simulations import before
from perf.simulations.table import COVERAGE, LEVEL, Row

STIMULI = 200
FIT = 0.45  # how far fits differ, in standard errors over stimuli

Array = NDArray[np.float64]


def contradicts_on_others(ours: float, error: float, published: float) -> bool:
    """Whether a value published on other stimuli, its error unknown, is contradicted."""
    return abs(ours - published) > 1.96 * math.sqrt(2) * error


def contradicts_on_same(fits: Array, published: float) -> bool:
    """Whether a value published on the same stimuli is contradicted by the own fits, (k,)."""
    k = len(fits)
    error = float(fits.std(ddof=1)) * math.sqrt(1 + 1 / k)
    return abs(float(fits.mean()) - published) > float(stdtrit(k - 1, 0.975)) * error


def claims(short: bool) -> Iterator[Row]:
    """How often one experiment contradicts its own repetition, and whether it sees another truth."""
    cases = 2000 if short else 20000
    rng = np.random.default_rng(2)
    old, new = 0, 0
    for ours, theirs in rng.normal(size=(cases, 2, STIMULI)):
        error = before.spread_of(ours)
        old += not before.inside_claim(ours.mean(), error, theirs.mean())
        new += contradicts_on_others(ours.mean(), error, theirs.mean())
    yield Row("the same experiment on other stimuli: contradicted", old / cases, new / cases, LEVEL, cases, fault=True)
    for k in (2, 5):
        for apart, wanted in ((0.0, LEVEL), (2.0, (0.15 if k == 2 else 0.8, 1.0))):
            common, fits, theirs = rng.normal(size=cases), rng.normal(size=(cases, k)), rng.normal(size=cases)
            ours, published = common[:, None] + FIT * fits, common + FIT * theirs + apart
            hit = float(np.mean([contradicts_on_same(a, b) for a, b in zip(ours, published, strict=True)]))
            missed = float(
                np.mean([not before.inside_claim(a.mean(), 1.0, b) for a, b in zip(ours, published, strict=True)])
            )
            what = f"the same stimuli, {k} fits, truths {apart:.0f} standard errors apart: contradicted"
            yield Row(what, missed, hit, wanted, cases, fault=apart == 0 or k == 5)


def resampled_share(value: Array, lows: list[Array], ceiling: Array) -> tuple[float, float] | None:
    """The basic bootstrap interval of a share: value, the best floor and ceiling resampled together, each (n,)."""
    [counts] = resamples(len(value))
    method, top = counts @ value / len(value), counts @ ceiling / len(value)
    low = np.max([counts @ one / len(value) for one in lows], axis=0)
    way = top - low
    if not np.quantile(way, 0.025) > 0:
        return None
    floor = max(float(one.mean()) for one in lows)
    centre = (float(value.mean()) - floor) / (float(ceiling.mean()) - floor)
    a, b = np.quantile((method - low)[way > 0] / way[way > 0], [0.025, 0.975])
    return 2 * centre - float(b), 2 * centre - float(a)


def shares(short: bool) -> Iterator[Row]:
    """Coverage of the interval of a share; the best of three equal floors is chosen by looking."""
    cases = 600 if short else 2000
    for floors, way in ((1, 0.5), (3, 0.5), (1, 0.2)):
        rng = np.random.default_rng([floors, int(10 * way)])
        old, new = 0, 0
        for _ in range(cases):
            ease = 0.03 * rng.normal(size=STIMULI)
            lows = [ease + 0.2 * rng.normal(size=STIMULI) for _ in range(floors)]
            value, top = (mean * way + ease + 0.2 * rng.normal(size=STIMULI) for mean in (0.5, 1.0))
            floor, ceiling = max(float(one.mean()) for one in lows), float(top.mean())
            old += before.holds(before.fixed_share(before.percentile(value), floor, ceiling), 0.5)
            new += before.holds(resampled_share(value, lows, top), 0.5)
        what = f"share of a way of {way}, best of {floors} floors: coverage"
        yield Row(what, old / cases, new / cases, COVERAGE, cases, fault=floors == 3 or way < 0.3)
    yield from _no_way(cases)


def _no_way(cases: int) -> Iterator[Row]:
    rng = np.random.default_rng(3)
    old, refused = [], 0
    for _ in range(cases):
        value, floor, ceiling = rng.normal(0.5, 0.2, (3, STIMULI))
        old.append((value.mean() - floor.mean()) / (ceiling.mean() - floor.mean()))
        refused += resampled_share(value, [floor], ceiling) is None
    low, high = np.quantile(old, [0.25, 0.75])
    yield Row(
        "ceiling no better than the floor: share refused (before: half lie this far apart)",
        float(high - low),
        refused / cases,
        (0.95, 1.0),
        cases,
    )
