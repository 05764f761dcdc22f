"""How often `eegbench compare` calls equals different: by one metric, and by any of six after Holm's correction."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.studies.compare import LEVEL, paired
from perf.simulations.table import TEST, Row

SIZES = (20, 50, 200)
KINDS = ("bell-shaped", "another", "skewed", "share", "hit", "rare hit")

Array = NDArray[np.float64]
Values = dict[str, tuple[Array, Array]]


def equals(short: bool) -> Iterator[Row]:
    """Two methods that are interchangeable, on stimuli that are easy or hard for both; `before` is by sign flips."""
    cases = 100 if short else 500
    for name, draw in (("six metrics", six_metrics), ("two-way", two_way)):
        for n in SIZES[:1] if short else SIZES:
            yield from rejections(f"{name} of equals, {n} stimuli", draw, n, cases)


def six_metrics(rng: np.random.Generator, n: int) -> Values:
    """Six metrics that share what a method happens to hit, each a pair of shape (n,)."""
    hard = rng.normal(size=n)
    sides = []
    for _ in range(2):
        z = 0.6 * hard + 0.5 * rng.normal(size=n) + 0.6 * rng.normal(size=(6, n))
        sides.append([z[0], -z[1], np.exp(z[2]), 1 / (1 + np.exp(-2 * z[3])), z[4] > 0, z[5] > 1.3])
    return {
        name: (np.asarray(a, float), np.asarray(b, float)) for name, a, b in zip(KINDS, sides[0], sides[1], strict=True)
    }


def two_way(rng: np.random.Generator, n: int) -> Values:
    """Two-way identification, where every stimulus is the others' distractor."""
    truths = rng.normal(size=(n, 16))
    scores = []
    for _ in range(2):
        similarity = np.corrcoef(0.4 * truths + rng.normal(size=(n, 16)), truths)[:n, n:]
        scores.append((similarity < np.diag(similarity)[:, None]).sum(axis=1) / (n - 1))
    return {"two-way": (scores[0], scores[1])}


def rejections(what: str, draw: Callable[[np.random.Generator, int], Values], n: int, cases: int) -> Iterator[Row]:
    """Each metric's share of p <= .05, and how often any is called different by Holm's p."""
    rng = np.random.default_rng(n)
    single, flipped, family, old_family = [], [], [], []
    for _ in range(cases):
        values = draw(rng, n)
        found = paired(values)
        flips = [
            statistics.sign_flip_p(statistics.differences(a, b), seed=1, permutations=1000) for a, b in values.values()
        ]
        single.append([one.p <= LEVEL for one in found.values()])
        flipped.append([p <= LEVEL for p in flips])
        family.append(any(one.significant for one in found.values()))
        old_family.append(bool((statistics.holm(flips) <= LEVEL).any()))
    for place, name in enumerate(found):
        old, new = (float(np.mean([row[place] for row in rows])) for rows in (flipped, single))
        yield Row(f"{what}: {name}", old, new, TEST, cases)
    yield Row(f"{what}: any by Holm", float(np.mean(old_family)), float(np.mean(family)), TEST, cases)
