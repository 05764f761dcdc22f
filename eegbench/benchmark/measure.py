"""Metrics over two joined sets of images: per item, as a set, and what chance gives."""

import functools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eegbench.benchmark import entering
from eegbench.benchmark.all_pairs import AllPairs, by_id, chance
from eegbench.benchmark.features import Features, embed, portions
from eegbench.benchmark.images import ImageSet
from eegbench.contracts import PIXELS, Backbone, Metric, Progress
from eegbench.errors import EegbenchError

EMBEDDING = "embedding"
PIXEL_PORTION = 8  # pairs of 425 x 425 images in work at once, for each thread
THREADS = min(4, os.cpu_count() or 1)

Array = NDArray[np.float64]
Pixels = NDArray[np.generic]


@dataclass(frozen=True)
class Measured:
    """One metric of one run. Either `items` (samples, n), or `over`: a set's value on a choice of stimuli.

    floor: what chance gives, None where the metric has no chance or it was not asked for. pairs: (n, n), the score of
    reconstruction i against truth j, the mean over samples, for the audit; None where it was not asked for, above
    `all_pairs.KEPT` stimuli, above the metric's `most_paired`, and where the metric has none. `reason` says why there
    is no value.
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
    metrics: Sequence[Metric],
    pair: Pair,
    pixel_judge: Backbone | None,
    *,
    floors: bool,
    pairs: bool = False,
    progress: Progress,
) -> dict[str, Measured]:
    """Every metric of a pair, by id; one that cannot be computed comes with its reason.

    floors: with what chance gives. pairs: with the scores of all pairs, where the metric affords them.
    """
    pixel = [m for m in metrics if m.needs == PIXELS and pixel_judge is not None]
    found: dict[str, Measured] = {}
    if pixel and pixel_judge is not None:
        found = _measure_pixels(pixel, pair, pixel_judge, floors, pairs, progress)
    for metric in metrics:
        if metric.id not in found:
            found[metric.id] = _measure_features(metric, pair, floors, pairs)
    return {metric.id: found[metric.id] for metric in metrics}


def _measure_features(metric: Metric, pair: Pair, floors: bool, pairs: bool) -> Measured:
    if metric.needs in pair.missing:
        return Measured(metric, reason=pair.missing[metric.needs])
    truths = pair.truths[metric.needs]
    sides = [features[metric.needs] for features in pair.reconstructions]
    try:
        if not metric.per_item:
            floor = chance(metric, pair.contents) if floors else None
            return Measured(metric, over=_over(metric, sides, truths), floor=floor)
        items = np.stack([entering.compute(metric, side, truths, _told(metric, pair)) for side in sides])
        all_pairs = _all_pairs(metric, pair, floors, pairs)
        if all_pairs.wanted:
            reduced = entering.reduced(metric, truths[all_pairs.truths])
            for side in sides:
                all_pairs.add(entering.reduced(metric, side[all_pairs.part]), reduced)
    except EegbenchError as error:
        return Measured(metric, reason=str(error))
    return _measured(items, all_pairs, floors)


def _measured(items: Array, all_pairs: AllPairs, floors: bool, shifted: Sequence[Array] = ()) -> Measured:
    """shifted: values of re-paired images, where not all pairs can be asked for."""
    metric = all_pairs.metric
    floor = chance(metric, all_pairs.contents) if floors else None
    if floors and metric.chance == "permuted":
        floor = _mean(shifted) if shifted else all_pairs.floor
    return Measured(metric, items=items, floor=floor, pairs=all_pairs.scores)


def _all_pairs(metric: Metric, pair: Pair, floors: bool, pairs: bool) -> AllPairs:
    return AllPairs.of(metric, pair.true_images.stimuli, pair.contents, floor=floors, scores=pairs)


def _told(metric: Metric, pair: Pair) -> Sequence[str] | None:
    """What the stimuli show, for a metric with rivals, where one picture stands behind several of them."""
    return pair.contents if metric.rivals and len(set(pair.contents)) < pair.n else None


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


@dataclass
class _Seen:
    """What a few pairs of images give, by metric: values, what all pairs need of each side, floors, and why not."""

    items: NDArray[np.int64]
    values: dict[str, Array] = field(default_factory=dict)
    own: dict[str, Pixels] = field(default_factory=dict)
    true: dict[str, Pixels] = field(default_factory=dict)
    shifted: dict[str, Array] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def _measure_pixels(
    metrics: Sequence[Metric], pair: Pair, judge: Backbone, floors: bool, pairs: bool, progress: Progress
) -> dict[str, Measured]:
    """Images go by a few at a time, in the order in which stimuli take part in all pairs."""
    order, samples = by_id(pair.true_images.stimuli), len(pair.images)
    all_pairs = {m.id: _all_pairs(m, pair, floors, pairs) for m in metrics}
    values = {m.id: np.full((samples, pair.n), np.nan) for m in metrics}
    shifted: dict[str, list[Array]] = {m.id: [] for m in metrics}
    truths: dict[str, Pixels] = {}
    reasons: dict[str, str] = {}

    def work(sample: int, portion: range) -> _Seen:
        items = order[portion.start : portion.stop]
        own = embed(judge, pair.images[sample].load(items.tolist()))[PIXELS]
        true = embed(judge, pair.true_images.load(items.tolist()))[PIXELS]
        seen = _Seen(items)
        for metric in metrics:
            every = all_pairs[metric.id]
            kept = max(0, len(every.part) - portion.start) if every.wanted else 0
            try:
                seen.values[metric.id] = entering.compute(metric, own, true)
                if kept:
                    seen.own[metric.id] = np.array(entering.reduced(metric, own[:kept]))
                if kept and sample == 0:
                    seen.true[metric.id] = np.array(entering.reduced(metric, true[:kept]))
                if floors and metric.chance == "permuted" and not every.wanted:
                    seen.shifted[metric.id] = _shifted(metric, own, true, [pair.contents[i] for i in items])
            except EegbenchError as error:
                seen.reasons[metric.id] = str(error)
        return seen

    with progress.bar("pixels", pair.n * samples) as advance, ThreadPoolExecutor(THREADS) as pool:
        for sample in range(samples):
            parts = list[_Seen]()
            for seen in pool.map(functools.partial(work, sample), portions(pair.n, PIXEL_PORTION)):
                advance(len(seen.items))
                reasons = seen.reasons | reasons  # the first portion's, however the threads took turns
                for name, some in seen.values.items():
                    values[name][sample, seen.items] = some
                for name, some in seen.shifted.items():
                    shifted[name].append(some)
                parts.append(seen)
            for name in [m.id for m in metrics if all_pairs[m.id].wanted and m.id not in reasons]:
                own = np.concatenate([seen.own.pop(name) for seen in parts if name in seen.own])
                if sample == 0:
                    truths[name] = np.concatenate([seen.true.pop(name) for seen in parts if name in seen.true])
                try:
                    all_pairs[name].add(own, truths[name])
                except EegbenchError as error:
                    reasons[name] = str(error)
    return {
        m.id: Measured(m, reason=reasons[m.id])
        if m.id in reasons
        else _measured(values[m.id], all_pairs[m.id], floors, shifted[m.id])
        for m in metrics
    }


def _shifted(metric: Metric, own: Pixels, true: Pixels, contents: Sequence[str]) -> Array:
    """Each reconstruction against the next truth of these few, in a circle, that shows another picture."""
    n = len(contents)
    other = [[j % n for j in range(i + 1, i + n) if contents[j % n] != contents[i]] for i in range(n)]
    places = [i for i in range(n) if other[i]]
    if not places:
        return np.empty(0)
    return entering.compute(metric, own[places], true[[other[i][0] for i in places]])


def _mean(values: Sequence[Array]) -> float | None:
    finite = np.concatenate(values)
    finite = finite[np.isfinite(finite)]
    return float(finite.mean()) if len(finite) else None
