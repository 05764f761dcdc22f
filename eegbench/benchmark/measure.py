"""Metrics over two joined sets of images: per item, as a set, and what chance gives."""

import functools
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eegbench import seeds
from eegbench.benchmark import entering
from eegbench.benchmark.features import Features, embed
from eegbench.benchmark.images import ImageSet
from eegbench.contracts import PIXELS, Backbone, Metric, Progress
from eegbench.errors import EegbenchError
from eegbench.metrics.identification import TwoWay

EMBEDDING = "embedding"
PIXEL_PORTION = 8  # pairs of 425 x 425 images in work at once, for each thread
THREADS = min(4, os.cpu_count() or 1)

Array = NDArray[np.float64]
Pixels = NDArray[np.generic]


@dataclass(frozen=True)
class Measured:
    """One metric of one run. Either `items` (samples, n), or `over`: a set's value on a choice of stimuli.

    floor: what chance gives, None where the metric has no chance or it was not asked for. pairs: (n, n), the score of
    reconstruction i against truth j, the mean over samples, for the audit; None where it was not asked for or the
    metric has none. `reason` says why there is no value.
    """

    metric: Metric
    items: Array | None = None
    over: Callable[[NDArray[np.int64]], float] | None = None
    floor: float | None = None
    pairs: Array | None = None
    reason: str = ""


@dataclass(frozen=True)
class Pair:
    """What a metric compares: reconstructions of each sample, and truths, as features and as images."""

    reconstructions: Sequence[Features]  # one for each sample
    truths: Features
    images: Sequence[ImageSet]  # one for each sample
    true_images: ImageSet
    contents: Sequence[str]  # one for each stimulus, equal where the same picture was shown
    missing: Mapping[str, str] = field(default_factory=dict)  # feature to the reason why it is not there

    @property
    def n(self) -> int:
        return len(self.true_images.stimuli)


def measure(
    metrics: Sequence[Metric], pair: Pair, pixel_judge: Backbone | None, *, floors: bool, progress: Progress
) -> dict[str, Measured]:
    """Every metric of a pair, by id; one that cannot be computed comes with its reason."""
    partner = partners(pair.true_images.stimuli) if floors and pair.n > 1 else None
    pixel = [m for m in metrics if m.needs == PIXELS and pixel_judge is not None]
    found: dict[str, Measured] = {}
    if pixel and pixel_judge is not None:
        found = _measure_pixels(pixel, pair, pixel_judge, partner, progress)
    for metric in metrics:
        if metric.id not in found:
            found[metric.id] = _measure_features(metric, pair, partner, floors)
    return {metric.id: found[metric.id] for metric in metrics}


def partners(stimuli: Sequence[str]) -> NDArray[np.int64]:
    """For each stimulus the position of another, whose truth it is compared with to see what chance gives.

    It depends on the ids alone, not on their order.
    """
    ordered = np.array(sorted(range(len(stimuli)), key=lambda i: stimuli[i]), dtype=np.int64)
    permuted = np.empty_like(ordered)
    permuted[ordered] = ordered[seeds.derangement(len(stimuli), seeds.generator("floor", len(stimuli)))]
    return permuted


def chance(metric: Metric, n: int) -> float | None:
    """The number that a metric's chance is among n stimuli; None where it has to be estimated, or there is none."""
    if isinstance(metric.chance, str):
        top, _, among = metric.chance.partition("/")
        return min(1.0, float(top) / n) if among == "N" else None
    return metric.chance


def _measure_features(metric: Metric, pair: Pair, partner: NDArray[np.int64] | None, floors: bool) -> Measured:
    if metric.needs in pair.missing:
        return Measured(metric, reason=pair.missing[metric.needs])
    truths = pair.truths[metric.needs]
    sides = [features[metric.needs] for features in pair.reconstructions]
    floor = chance(metric, pair.n) if floors else None
    compute: entering.Compute | None = None
    if isinstance(metric, TwoWay) and len(set(pair.contents)) < pair.n:  # one picture stands behind several stimuli
        compute = functools.partial(metric.compute, stimuli=pair.contents)
    try:
        if not metric.per_item:
            return Measured(metric, over=_over(metric, sides, truths), floor=floor)
        items = np.stack([entering.compute(metric, side, truths, compute) for side in sides])
        if metric.chance == "permuted" and partner is not None:
            floor = _mean([entering.compute(metric, side, truths[partner]) for side in sides])
    except EegbenchError as error:
        return Measured(metric, reason=str(error))
    return Measured(metric, items=items, floor=floor)


def _over(metric: Metric, sides: Sequence[Pixels], truths: Pixels) -> Callable[[NDArray[np.int64]], float]:
    def over(chosen: NDArray[np.int64]) -> float:
        try:
            return value(chosen)
        except EegbenchError:  # a part that is too small for it, say: then there is no interval
            return math.nan

    def value(chosen: NDArray[np.int64]) -> float:
        return float(np.mean([entering.compute(metric, side[chosen], truths[chosen]) for side in sides]))

    value(np.arange(len(truths)))  # a set that the metric refuses is found here, where its reason is kept
    return over


@dataclass(frozen=True)
class _Portion:
    """A stretch of the circle of partners: each item's partner is the next, so that one truth more is enough."""

    sample: int
    items: NDArray[np.int64]
    truths: NDArray[np.int64]  # those of `items`, and behind them the partner of the last


def _measure_pixels(
    metrics: Sequence[Metric],
    pair: Pair,
    judge: Backbone,
    partner: NDArray[np.int64] | None,
    progress: Progress,
) -> dict[str, Measured]:
    samples = range(len(pair.images))
    values = {m.id: np.full((len(samples), pair.n), np.nan) for m in metrics}
    permuted = {m.id: np.full((len(samples), pair.n), np.nan) for m in metrics}
    reasons: dict[str, str] = {}

    def work(portion: _Portion) -> tuple[int, dict[str, str]]:
        refused: dict[str, str] = {}
        own = embed(judge, pair.images[portion.sample].load(portion.items.tolist()))[PIXELS]
        true = embed(judge, pair.true_images.load(portion.truths.tolist()))[PIXELS]
        place = (portion.sample, portion.items)
        for metric in metrics:
            try:
                values[metric.id][place] = entering.compute(metric, own, true[: len(own)])
                if metric.chance == "permuted" and partner is not None:
                    permuted[metric.id][place] = entering.compute(metric, own, true[1:])
            except EegbenchError as error:
                refused[metric.id] = str(error)
        return len(own), refused

    with progress.bar("pixels", pair.n * len(samples)) as advance, ThreadPoolExecutor(THREADS) as pool:
        for done, refused in pool.map(work, _around(samples, pair.n, partner)):
            advance(done)
            reasons = refused | reasons  # the first portion's, however the threads took turns
    return {
        m.id: Measured(m, reason=reasons[m.id])
        if m.id in reasons
        else Measured(m, items=values[m.id], floor=_floor(m, pair.n, permuted[m.id], partner))
        for m in metrics
    }


def _around(samples: range, n: int, partner: NDArray[np.int64] | None) -> Iterator[_Portion]:
    """All items of all samples in portions, in the order of the circle that the partners make."""
    circle = np.arange(n)
    if partner is not None:
        for place in range(1, n):
            circle[place] = partner[circle[place - 1]]
    for sample in samples:
        for start in range(0, n, PIXEL_PORTION):
            items = circle[start : start + PIXEL_PORTION]
            truths = items if partner is None else np.append(items, partner[items[-1]])
            yield _Portion(sample, items, truths)


def _floor(metric: Metric, n: int, permuted: Array, partner: NDArray[np.int64] | None) -> float | None:
    if metric.chance == "permuted":
        return _mean(list(permuted)) if partner is not None else None
    return chance(metric, n) if partner is not None else None


def _mean(values: Sequence[Array]) -> float | None:
    finite = np.concatenate(values)
    finite = finite[np.isfinite(finite)]
    return float(finite.mean()) if len(finite) else None
