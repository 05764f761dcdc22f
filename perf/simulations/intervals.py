"""Intervals of a mean over stimuli, and two methods on the same stimuli."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.statistics.intervals import Limits
from perf.simulations import before
from perf.simulations.table import COVERAGE, COVERS, LEVEL, POWER, TEST, Row

Array = NDArray[np.float64]
SIZES = (20, 50, 200)


@dataclass(frozen=True)
class Kind:
    """Values by stimulus of one kind of metric."""

    draw: Callable[[np.random.Generator, int], Array]
    limits: Limits = (0.0, 1.0)

    def mean(self) -> float:
        """The expected value."""
        return float(self.draw(np.random.default_rng(99), 4_000_000).mean())


def nway(rng: np.random.Generator, n: int) -> Array:
    """Like the closed form of n-way accuracy: most near 0, some near 1."""
    return np.asarray(rng.uniform(size=n) ** 14)


def two_way(rng: np.random.Generator, n: int) -> Array:
    """Two-way identification near .98: most stimuli beat all rivals."""
    return np.asarray(np.where(rng.uniform(size=n) < 0.85, 1.0, 1 - rng.beta(0.5, 3.0, size=n)))


def hits(rng: np.random.Generator, n: int) -> Array:
    """Hits at a rate of .05."""
    return np.asarray(rng.uniform(size=n) < 0.05, dtype=np.float64)


KINDS = {
    "normal": Kind(lambda rng, n: rng.normal(size=n), (None, None)),
    "n-way": Kind(nway),
    "two-way near .98": Kind(two_way),
    "hit rate .05": Kind(hits),
}


def coverage(short: bool) -> Iterator[Row]:
    """Coverage of `mean_interval` by kind and number of stimuli."""
    cases = 300 if short else 3000
    for name, kind in KINDS.items():
        truth = 0.05 if name.startswith("hit") else kind.mean()
        for n in SIZES[:1] if short else SIZES:
            rng = np.random.default_rng(n)
            old, new, widths = 0, 0, []
            for _ in range(cases):
                values = kind.draw(rng, n)
                bounds = before.percentile(values)
                _, ci = statistics.mean_interval(values, limits=kind.limits)
                old, new = old + before.holds(bounds, truth), new + before.holds(ci, truth)
                widths.append((bounds[1] - bounds[0], np.nan if ci is None else ci[1] - ci[0]))
            wanted = COVERS if name != "normal" else COVERAGE
            yield Row(
                f"{name}, {n} stimuli: coverage", old / cases, new / cases, wanted, cases, n == 20 and name != "normal"
            )
            if not short:
                narrow, wide = np.nanmean(widths, axis=0).tolist()
                yield Row("    mean width", narrow, wide, None, cases)


def skewed_nway(rng: np.random.Generator, n: int) -> Array:
    """n-way values less their mean."""
    return nway(rng, n) - 1 / 15


SKEWS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n) - 1,
    "n-way": skewed_nway,
    "hits up .15, down .15": lambda rng, n: rng.choice([-1.0, 0.0, 1.0], size=n, p=[0.15, 0.7, 0.15]),
}


def paired(short: bool) -> Iterator[Row]:
    """Level of `paired_test` for differences whose mean is 0, and whether p and interval contradict each other."""
    cases, flips = (300, 500) if short else (2000, 1000)
    for name, draw in SKEWS.items():
        for n in SIZES[:1] if short else SIZES:
            rng = np.random.default_rng(n)
            rows = []
            for seed in range(cases):
                values = draw(rng, n)
                tested = statistics.paired_test(values, seed=seed, permutations=flips)
                flip = statistics.sign_flip_p(values, seed=seed, permutations=flips) <= 0.05
                zero = before.holds(before.percentile(values), 0.0)
                holds, rejects = tested.ci is None or before.holds(tested.ci, 0.0), tested.p <= 0.05
                rows.append((flip, rejects, flip == zero, rejects and holds, not rejects and not holds))
            old, new, apart, contrary, other = np.mean(rows, axis=0).tolist()
            skewed = n == 20 and name == "n-way"
            wanted = LEVEL if name == "normal" else TEST
            yield Row(f"{name}, {n} differences: level", old, new, wanted, cases, fault=skewed)
            yield Row(
                "    p <= .05 beside an interval that holds 0 (before: either way)",
                apart,
                contrary,
                (0.0, 0.0),
                cases,
                skewed,
            )
            yield Row("    p > .05 beside an interval without 0", None, other, (0.0, 0.0), cases)
    yield from _visible(300 if short else 2000)


def _visible(cases: int) -> Iterator[Row]:
    for n in (20, 200):
        rng = np.random.default_rng([5, n])
        effect = np.mean([statistics.minimum_detectable(rng.normal(size=n)) for _ in range(cases)])
        shifted = [rng.normal(effect, 1, n) for _ in range(cases)]
        seen = [statistics.paired_test(one, seed=i, permutations=500).p <= 0.05 for i, one in enumerate(shifted)]
        yield Row(f"the smallest visible difference, {n} stimuli: seen", None, float(np.mean(seen)), POWER, cases)
