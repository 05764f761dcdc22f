"""How far a metric may move without its definition having moved.

- Identical images, another machine: judges round otherwise on another processor, with other threads or another build.
  `perf/rounding.py` measures it: with threads, kernels and batches of one CPU no metric of 200 images moved by more
  than 2.5e-7 relative, and no comparison tipped over. The bounds are ten times that, or what two near-ties can do.
- New images of the same specification: another machine's rounding grows through a diffusion, and a fit made anew is
  another fit. Half the width of the metric's own 95 % interval: what another choice of stimuli could do as well.
"""

from collections.abc import Callable, Mapping

from eegbench.runs.metric_facts import facts_of
from eegbench.runs.sheet import Score

NEAR_TIES = 2  # how many comparisons or stimuli may tip over
PASSED = 0.2  # what one class that passes another does to an image's 50-way accuracy: at most 49 of 299 classes
RELATIVE = 2.5e-6
# By grain of a metric how far one near-tie that tips over moves the value of n stimuli.
GRAINS: Mapping[str, Callable[[int], float]] = {
    "comparisons": lambda n: 1 / (n * (n - 1)) if n > 1 else 0.0,
    "stimuli": lambda n: 1 / max(n, 1),
    "classes": lambda n: PASSED / max(n, 1),
}
P = 0.005  # of a p by 999 permutations: rounding moves it by .001, two comparisons of each metric that tip by .005


def identical(score: Score, n: int) -> float:
    """The largest difference, in the metric's own unit, that is no drift where n images are the same to the byte."""
    facts = facts_of(score.metric, score.facts)
    if facts and facts.grain:
        return NEAR_TIES * GRAINS[facts.grain](n)
    return RELATIVE * max(abs(score.value or 0.0), 0.1)


def generated(score: Score, n: int) -> float:
    """The largest difference, in the metric's own unit, that is no drift where n images were made anew."""
    half = (score.ci[1] - score.ci[0]) / 2 if score.ci else 0.0
    return max(half, identical(score, n))
