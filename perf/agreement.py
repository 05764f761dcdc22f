"""How often a published number is contradicted: by repetitions of the same experiment, and by one that truly differs.

usage: python perf/agreement.py [--cases 10000]

- Other stimuli: both experiments draw 200 stimuli of their own. One own fit, whose standard error is of its stimuli.
- The same stimuli: two to ten own fits and one published fit. Fits spread by .448 standard errors over stimuli (a fit's
  values differ from the stimulus's own by noise), and the published truth is 0 or 2 such standard errors away.
- Equivalence: a true difference as large as the margin, where "agrees" would be wrong, and none, where it is right.
"""

import argparse
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from eegbench import statistics

STIMULI, FIT = 200, 0.448  # the noise of a fit in standard errors over stimuli: two fits then differ by .634 of it
FITS = (1, 2, 3, 5, 10)
KINDS = ("normal", "skewed", "two-way")
Array = NDArray[np.float64]


def values(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Array:
    """Scores by stimulus of standard deviation 1: bell-shaped, exponential, or a share that is mostly near 1."""
    if kind == "skewed":
        return rng.exponential(size=shape)
    if kind == "two-way":
        return rng.beta(4, 0.7, size=shape) / math.sqrt(4 * 0.7 / (4.7**2 * 5.7))
    return rng.normal(size=shape)


def other_stimuli(kind: str, cases: int) -> tuple[float, float]:
    """Repetitions on other stimuli: not contradicted, and inside the interval of the measured value alone."""
    rng = np.random.default_rng(1)
    kept, inside = 0, 0
    for _ in range(cases):
        own, theirs = values(rng, kind, (2, STIMULI))
        error = float(own.std(ddof=1)) / math.sqrt(STIMULI)
        kept += not statistics.on_other_stimuli(float(own.mean()), error, float(theirs.mean())).contradicted
        inside += abs(own.mean() - theirs.mean()) <= 1.96 * error
    return kept / cases, inside / cases


def same_stimuli(fits: int, apart: float, cases: int) -> Iterator[statistics.Agreement]:
    """Own fits and a published one, whose truth is `apart` standard errors away, on the same stimuli."""
    rng = np.random.default_rng(fits)
    for _ in range(cases):
        hard = rng.normal(size=STIMULI)
        error = 1 / math.sqrt(STIMULI)
        scores = (hard + FIT * rng.normal(size=(fits + 1, STIMULI))).mean(axis=1)
        published = float(scores[0]) + apart * error
        if fits > 1:
            yield statistics.on_the_same_stimuli(scores[1:], published)
        else:
            yield statistics.on_other_stimuli(float(scores[1]), math.hypot(1, FIT) * error, published)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10000)
    cases = parser.parse_args().cases
    for kind in KINDS:
        kept, inside = other_stimuli(kind, cases)
        print(f"other stimuli, {kind}: not contradicted {kept:.3f}, inside the interval alone {inside:.3f}", flush=True)
    for apart in (0, 2):
        one_fit = same_stimuli(1, apart, cases)  # its error is that of two experiments
        outside = np.mean([abs(one.difference) > one.resolution / math.sqrt(2) for one in one_fit])
        print(f"same stimuli, truth {apart} se away: outside the interval over stimuli alone {outside:.3f}", flush=True)
    for fits in FITS:
        of = f"same stimuli, own fits {fits}"
        rates = [np.mean([one.contradicted for one in same_stimuli(fits, apart, cases)]) for apart in (0, 2, 4)]
        print(f"{of}: contradicted {rates[0]:.3f}, truth 2 se away {rates[1]:.3f}, 4 se {rates[2]:.3f}", flush=True)
        margin = 2 / math.sqrt(STIMULI)
        agrees = [np.mean([one.within(margin) for one in same_stimuli(fits, apart, cases)]) for apart in (2, 0)]
        print(f"{of}: agrees within 2 se, truth 2 se away {agrees[0]:.3f}, equal {agrees[1]:.3f}", flush=True)


if __name__ == "__main__":
    main()
