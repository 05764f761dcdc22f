"""Metrics over two joined sets of images: per item, as a set, and what chance gives."""

import functools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eegbench.benchmark.all_pairs import AllPairs, by_id, chance
from eegbench.benchmark.features import Features, embed, portions
from eegbench.benchmark.images import ImageSet
from eegbench.contracts import PIXELS, Backbone, Metric, Progress
from eegbench.errors import EegbenchError, InputError
from eegbench.plugins import entering

EMBEDDING, TEXT_EMBEDDING = "embedding", "text_embedding"  # of true images, and of the concepts that they show
OF_METHODS = (EMBEDDING, TEXT_EMBEDDING)  # what the method brings, and no judge: the decoded embedding aims at it
PIXEL_PORTION = 8  # pairs of 425 x 425 images in work at once, for each thread
THREADS = min(4, os.cpu_count() or 1)

Array = NDArray[np.float64]
PixelArrays = NDArray[np.generic]


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
class ComparedImages:
    """What a metric compares: reconstructions of each sample, and truths, as features and as images."""

    reconstructions: Sequence[Features]  # one for each sample
    truths: Features
    images: Sequence[ImageSet]  # one for each sample
    true_images: ImageSet
    contents: Sequence[str]  # one for each stimulus, equal where the same picture was shown
    missing: Mapping[str, str] = field(default_factory=dict)  # feature to the reason why it is not there
    concepts: Sequence[str] = ()  # one for each stimulus, where the text embeddings are there

    @property
    def n(self) -> int:
        return len(self.true_images.stimuli)

    def shown(self, metric: Metric) -> Sequence[str]:
        """What each stimulus shows, equal where a metric is to tell no difference: its picture, or its concept."""
        return self.concepts if metric.needs == TEXT_EMBEDDING else self.contents


def measure(
    metrics: Sequence[Metric],
    pair: ComparedImages,
    pixel_judge: Backbone | None,
    *,
    floors: bool,
    pairs: bool = False,
    progress: Progress,
) -> dict[str, Measured]:
    """The result of every metric, by id; one that cannot be computed has its reason.

    floors: what chance gives is computed too. pairs: the scores of all pairs are computed too, where the metric can.
    """
    pixel = [m for m in metrics if m.needs == PIXELS and pixel_judge is not None]
    by_id: dict[str, Measured] = {}
    if pixel and pixel_judge is not None:
        by_id = _measure_pixels(pixel, pair, pixel_judge, floors, pairs, progress)
    for metric in metrics:
        if metric.id not in by_id:
            by_id[metric.id] = _measure_features(metric, pair, floors, pairs)
    return {metric.id: by_id[metric.id] for metric in metrics}


def _measure_features(metric: Metric, pair: ComparedImages, floors: bool, pairs: bool) -> Measured:
    if metric.needs in pair.missing:
        return Measured(metric, reason=pair.missing[metric.needs])
    truths = pair.truths[metric.needs]
    sides = [features[metric.needs] for features in pair.reconstructions]
    try:
        if not metric.per_item:
            floor = chance(metric, pair.shown(metric)) if floors else None
            return Measured(metric, over=_over(metric, sides, truths), floor=floor)
        items = np.stack([entering.compute(metric, side, truths, _repeated(metric, pair)) for side in sides])
        all_pairs = _all_pairs(metric, pair, floors, pairs)
        if all_pairs.wanted:
            reduced = entering.reduced(metric, truths[all_pairs.truths])
            for side in sides:
                all_pairs.add(entering.reduced(metric, side[all_pairs.part]), reduced)
    except EegbenchError as error:
        return Measured(metric, reason=str(error))
    return _measured(items, all_pairs, floors)


def _measured(items: Array, all_pairs: AllPairs, floors: bool, shifted: Array | None = None) -> Measured:
    floor = chance(all_pairs.metric, all_pairs.contents) if floors else None
    if all_pairs.wants_floor:
        floor = all_pairs.floor
    elif shifted is not None and np.isfinite(shifted).any():
        floor = float(shifted[np.isfinite(shifted)].mean())
    return Measured(all_pairs.metric, items=items, floor=floor, pairs=all_pairs.scores)


def _all_pairs(metric: Metric, pair: ComparedImages, floors: bool, pairs: bool) -> AllPairs:
    return AllPairs.of(metric, pair.true_images.stimuli, pair.shown(metric), floor=floors, scores=pairs)


def _repeated(metric: Metric, pair: ComparedImages) -> Sequence[str] | None:
    """What each stimulus shows, for a metric with rivals where several stimuli show the same; else None."""
    shown = pair.shown(metric)
    return shown if metric.rivals and len(set(shown)) < pair.n else None


def _over(metric: Metric, sides: Sequence[PixelArrays], truths: PixelArrays) -> Callable[[NDArray[np.int64]], float]:
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
class _Passing:
    """The values so far of one metric of pixels, which gets a few images at a time; `see` runs in several threads."""

    metric: Metric
    contents: Sequence[str]
    order: NDArray[np.int64]  # of the stimuli, those that take part in all pairs first
    all_pairs: AllPairs
    values: Array  # (samples, n)
    shifted: Array | None  # the same of images that were paired anew, where all pairs cannot be had
    kept: dict[str, PixelArrays] = field(
        default_factory=dict
    )  # what all pairs need of the sample's images, and of truths
    reasons: dict[tuple[int, int], str] = field(default_factory=dict)

    def see(self, sample: int, start: int, reconstructions: PixelArrays, truths: PixelArrays) -> None:
        items = self.order[start : start + len(reconstructions)]
        try:
            self.values[sample, items] = entering.compute(self.metric, reconstructions, truths)
            if self.all_pairs.wanted:
                self._keep("own", start, reconstructions)
            if self.all_pairs.wanted and sample == 0:
                self._keep("true", start, truths)
            if self.shifted is not None:
                self.shifted[sample, items] = _shifted(
                    self.metric, reconstructions, truths, [self.contents[i] for i in items]
                )
        except EegbenchError as error:
            self.reasons[sample, start] = str(error)

    def _keep(self, side: str, start: int, pixels: PixelArrays) -> None:
        stop = min(len(self.all_pairs.part), start + len(pixels))
        if start < stop:
            rows = entering.reduced(self.metric, pixels[: stop - start])
            whole = self.kept.setdefault(side, np.empty((len(self.all_pairs.part), *rows.shape[1:]), rows.dtype))
            if whole.shape[1:] != rows.shape[1:]:
                raise InputError(f"metric {self.metric.id!r}: reduced gave {whole.shape[1:]} and then {rows.shape[1:]}")
            whole[start:stop] = rows

    def pair(self, sample: int) -> None:
        """Add the scores of all pairs of a sample, after its last image."""
        try:
            if self.all_pairs.wanted and not self.reasons:
                self.all_pairs.add(self.kept["own"], self.kept["true"])
        except EegbenchError as error:
            self.reasons[sample, len(self.order)] = str(error)

    def measured(self, floors: bool) -> Measured:
        if self.reasons:  # the first portion's, however the threads took turns
            return Measured(self.metric, reason=self.reasons[min(self.reasons)])
        return _measured(self.values, self.all_pairs, floors, self.shifted)


def _measure_pixels(
    metrics: Sequence[Metric], pair: ComparedImages, judge: Backbone, floors: bool, pairs: bool, progress: Progress
) -> dict[str, Measured]:
    order, samples = by_id(pair.true_images.stimuli), len(pair.images)

    def begin(metric: Metric) -> _Passing:
        every, values = _all_pairs(metric, pair, floors, pairs), np.full((samples, pair.n), np.nan)
        alone = floors and metric.chance == "permuted" and not every.wanted
        return _Passing(metric, pair.contents, order, every, values, np.full_like(values, np.nan) if alone else None)

    passing = [begin(metric) for metric in metrics]

    def work(sample: int, portion: range) -> int:
        items = order[portion.start : portion.stop].tolist()
        reconstructions = embed(judge, pair.images[sample].load(items))[PIXELS]
        kept = pair.truths.get(PIXELS)  # of few truths that are scored against again and again
        truths = embed(judge, pair.true_images.load(items))[PIXELS] if kept is None else kept[items]
        for state in passing:
            state.see(sample, portion.start, reconstructions, truths)
        return len(reconstructions)

    with progress.bar("pixels", pair.n * samples) as advance, ThreadPoolExecutor(THREADS) as pool:
        for sample in range(samples):
            for done in pool.map(functools.partial(work, sample), portions(pair.n, PIXEL_PORTION)):
                advance(done)
            for state in passing:
                state.pair(sample)
    return {state.metric.id: state.measured(floors) for state in passing}


def _shifted(metric: Metric, reconstructions: PixelArrays, truths: PixelArrays, contents: Sequence[str]) -> Array:
    """The values against the next truth, in a circle, that shows another picture, (n,); NaN where none does."""
    n, values = len(contents), np.full(len(contents), np.nan)
    rivals = [[j % n for j in range(i + 1, i + n) if contents[j % n] != contents[i]] for i in range(n)]
    if places := [i for i in range(n) if rivals[i]]:
        values[places] = entering.compute(metric, reconstructions[places], truths[[rivals[i][0] for i in places]])
    return values
