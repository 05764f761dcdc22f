"""Shares of the way from floor to ceiling by `statistics.share`, for one subject and for several."""

import itertools
from collections.abc import Iterator

import numpy as np

from eegbench import statistics
from perf.simulations import before
from perf.simulations.table import COVERS, Row

STIMULI = 200
CHANCE = 0.5
WAYS = {  # what floors, a method and ceilings truly reach
    "a long way": ((0.52, 0.4), 0.62, (0.9, 0.8)),
    "three equal floors": ((0.55, 0.55, 0.55), 0.6, (0.85,)),
    "a short way": ((0.5, 0.55), 0.56, (0.65, 0.66)),
    "no gain": ((0.52, 0.5), 0.52, (0.9,)),
}
FAULT = "three equal floors"  # where floor and ceiling can least be taken as known
Way = tuple[tuple[float, ...], float, tuple[float, ...]]


def shares(short: bool) -> Iterator[Row]:
    """How often the interval holds the true share; chance is among the floors, and the best floor is picked by looking.

    Methods, floors and ceilings differ from subject to subject by .02.
    """
    cases = 300 if short else 2000
    for subjects, (name, way) in itertools.product((1, 3) if short else (1, 3, 5, 10), WAYS.items()):
        old, new = coverage(subjects, way, cases)
        what = f"share of {name}, {subjects} subject{'s' if subjects > 1 else ''}: coverage"
        yield Row(what, old if subjects == 1 else None, new, COVERS, cases, fault=subjects == 1 and name == FAULT)
    yield _no_way(cases)


def coverage(subjects: int, way: Way, cases: int) -> tuple[float, float]:
    """The shares of cases whose interval holds the true share: with floor and ceiling as known, and as they are."""
    floors, method, ceilings = way
    rng = np.random.default_rng([subjects, len(floors), len(ceilings)])
    every, edge = np.array([method, *floors, *ceilings]), 1 + len(floors)
    low, high = max(*floors, CHANCE), max(ceilings)
    truth = (method - low) / (high - low)
    old = new = 0
    for _ in range(cases):
        able = rng.normal(0, 0.02, (len(every), subjects, 1)) * (subjects > 1)
        noise = rng.normal(0, 0.2, (len(every), subjects, STIMULI))
        tables = every[:, None, None] + able + rng.normal(0, 0.1, STIMULI) + noise
        means, drawn = tables.mean(axis=(1, 2)).tolist(), [statistics.resampled_means(one) for one in tables]
        joint = drawn[0], [*drawn[1:edge], statistics.not_resampled(CHANCE)], drawn[edge:]
        ends = max(*means[1:edge], CHANCE), max(means[edge:])
        old += before.holds(before.fixed_share(before.percentile(tables[0, 0]), *ends), truth)
        found = statistics.share((means[0], [*means[1:edge], CHANCE], means[edge:]), joint, subjects=subjects)
        new += before.holds(found.ci, truth)
    return old / cases, new / cases


def _no_way(cases: int) -> Row:
    """How often a share is refused whose ceiling is truly no better than its floor."""
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(cases):
        method, floor, ceiling = rng.normal(0.5, 0.2, (3, 1, STIMULI))
        joint = (
            statistics.resampled_means(method),
            [statistics.resampled_means(floor)],
            [statistics.resampled_means(ceiling)],
        )
        found = statistics.share((method.mean(), [float(floor.mean())], [float(ceiling.mean())]), joint)
        refused += found.value is None
    return Row("ceiling no better than the floor: share refused", None, refused / cases, (0.95, 1.0), cases)
