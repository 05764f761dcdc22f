"""How often `eegbench compare` is wrong: comparisons of equals that it calls different, and intervals that miss.

usage: python perf/compare.py [--comparisons 1000] [--cases 2000]

- Equals: two methods whose values have the same distribution, on stimuli that are easy or hard for both. Six metrics
  share what a method happens to hit: two that are bell-shaped, a skewed one, a share, a hit or miss, a rare hit.
- Two-way identification of equals, where every stimulus is the others' distractor.
- Coverage: differences of known mean, bell-shaped, skewed, heavy-tailed, and of hits.
- Power: how often a difference of the size that is called visible is seen.
"""

import argparse
import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.benchmark.compare import LEVEL, paired

SIZES = (20, 50, 200)
KINDS = ("bell-shaped", "another", "skewed", "share", "hit", "rare hit")
Array = NDArray[np.float64]


def equals(rng: np.random.Generator, n: int) -> dict[str, tuple[Array, Array]]:
    """Six metrics of two methods that are interchangeable, each a pair of shape (n,)."""
    hard = rng.normal(size=n)
    sides = []
    for _ in range(2):
        z = 0.6 * hard + 0.5 * rng.normal(size=n) + 0.6 * rng.normal(size=(6, n))
        sides.append([z[0], -z[1], np.exp(z[2]), 1 / (1 + np.exp(-2 * z[3])), z[4] > 0, z[5] > 1.3])
    return {
        name: (np.asarray(a, float), np.asarray(b, float)) for name, a, b in zip(KINDS, sides[0], sides[1], strict=True)
    }


def two_way(rng: np.random.Generator, n: int) -> dict[str, tuple[Array, Array]]:
    """Two-way identification by two methods that are interchangeable."""
    truths = rng.normal(size=(n, 16))
    scores = []
    for _ in range(2):
        similarity = np.corrcoef(0.4 * truths + rng.normal(size=(n, 16)), truths)[:n, n:]
        scores.append((similarity < np.diag(similarity)[:, None]).sum(axis=1) / (n - 1))
    return {"two-way": (scores[0], scores[1])}


def rejections(
    draw: Callable[[np.random.Generator, int], dict[str, tuple[Array, Array]]], n: int, comparisons: int
) -> str:
    """Of comparisons of equals: each metric's share of p <= .05, the share with any by Holm, intervals without 0."""
    rng = np.random.default_rng(n)
    single, family, missed = [], [], []
    for _ in range(comparisons):
        found = paired(draw(rng, n))
        single.append([one.p <= LEVEL for one in found.values()])
        family.append(any(one.significant for one in found.values()))
        missed += [not one.ci[0] <= 0 <= one.ci[1] for one in found.values() if one.ci]
    rates = ", ".join(f"{name} {rate:.3f}" for name, rate in zip(found, np.mean(single, axis=0), strict=True))
    all_of_them = f"all {np.mean(single):.3f}, any by Holm {np.mean(family):.3f}, interval off 0 {np.mean(missed):.3f}"
    return f"p <= .05 in: {rates}; {all_of_them}"


DIFFERENCES: dict[str, tuple[float, Callable[[np.random.Generator, int], Array]]] = {
    "bell-shaped": (0.0, lambda rng, n: rng.normal(size=n)),
    "skewed (gamma 4, skew 1)": (4.0, lambda rng, n: rng.gamma(4, size=n)),
    "log-normal (.5, skew 1.75)": (math.exp(0.125), lambda rng, n: np.exp(0.5 * rng.normal(size=n))),
    "exponential (skew 2)": (1.0, lambda rng, n: rng.exponential(size=n)),
    "heavy-tailed (t, 3)": (0.0, lambda rng, n: rng.standard_t(3, size=n)),
    "hits (.2 up, .1 down)": (0.1, lambda rng, n: rng.choice([-1.0, 0.0, 1.0], size=n, p=[0.1, 0.7, 0.2])),
}


def coverage(mean: float, draw: Callable[[np.random.Generator, int], Array], n: int, cases: int) -> tuple[float, float]:
    """Share of intervals that hold the mean, and of p <= .05 where that mean is what is tested for."""
    rng = np.random.default_rng(n)
    inside, rejected = 0, 0
    for case in range(cases):
        values = draw(rng, n)
        test = statistics.paired_test(values - mean, seed=case, permutations=1000)
        inside += test.ci is not None and test.ci[0] <= 0 <= test.ci[1]
        rejected += test.p <= LEVEL
    return inside / cases, rejected / cases


def power(n: int, cases: int) -> float:
    """How often a true difference is seen that is as large as is called visible for differences of spread 1."""
    rng = np.random.default_rng(n)
    normal = NormalDist()
    effect = (normal.inv_cdf(0.975) + normal.inv_cdf(0.8)) / math.sqrt(n)
    seen = [statistics.paired_test(rng.normal(effect, 1, n), seed=i, permutations=1000).p for i in range(cases)]
    return float(np.mean(np.array(seen) <= LEVEL))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=1000)
    parser.add_argument("--cases", type=int, default=2000)
    options = parser.parse_args()
    for name, draw in (("equals", equals), ("two-way of equals", two_way)):
        for n in SIZES:
            print(f"{name}, n {n}: {rejections(draw, n, options.comparisons)}", flush=True)
    for name, (mean, sample) in DIFFERENCES.items():
        for n in SIZES:
            inside, rejected = coverage(mean, sample, n, options.cases)
            print(f"{name}, n {n}: interval covers {inside:.3f}, p <= .05 at the true mean {rejected:.3f}", flush=True)
    for n in SIZES:
        print(f"visible difference, n {n}: seen in {power(n, options.cases):.3f}", flush=True)


if __name__ == "__main__":
    main()
