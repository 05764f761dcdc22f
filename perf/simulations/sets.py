"""Metrics of whole sets of images: coverage of the inception score's interval, bias and coverage of KID, FID at n."""

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.metrics.distribution import FrechetDistance, KernelInceptionDistance, PublishedKernelInceptionDistance
from perf.simulations import before
from perf.simulations.table import COVERAGE, COVERS, Row

IMAGES = 200
SCALE = 0.25  # of a feature: its standard deviation

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


def inception_score(p: Array) -> float:
    """exp of the mean divergence of rows of class probabilities from their mean."""
    mean = p.mean(axis=0)
    information = (p * np.log(p)).sum(axis=1).mean() - (mean * np.log(mean)).sum()
    return float(np.exp(information))


def score_of_some(p: Array, chosen: Indices) -> float:
    """The inception score of some of the images."""
    return inception_score(p[chosen])


def probabilities(rng: np.random.Generator, classes: int, confidence: float) -> Array:
    """Of IMAGES images a judge's class probabilities, each image of one class at random."""
    logits = rng.normal(size=(IMAGES, classes))
    logits[np.arange(IMAGES), rng.integers(classes, size=IMAGES)] += confidence
    p = np.exp(logits)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


JUDGES = {6: (10, 5.3), 23: (200, 6.9), 83: (1000, 9.5)}  # near which score: classes, confidence


def inception(short: bool) -> Iterator[Row]:
    """Coverage of the expected score of as many images."""
    cases = 50 if short else 400
    for near, (classes, confidence) in JUDGES.items():
        if short and near != 83:
            continue
        rng = np.random.default_rng(classes)
        truth = float(
            np.mean([inception_score(probabilities(rng, classes, confidence)) for _ in range(200 if short else 1000)])
        )
        old, new = [], []
        for seed in range(cases):
            p = probabilities(rng, classes, confidence)
            compute = functools.partial(score_of_some, p)
            old.append(before.holds(before.half_jackknife(compute, IMAGES, seed=seed), truth))
            _, ci = statistics.interval_of_set(compute, IMAGES, seed=seed, left_out=0.1)
            new.append(before.holds(ci, truth))
        what = f"inception score of {truth:.1f}, {IMAGES} images: coverage"
        yield Row(what, float(np.mean(old)), float(np.mean(new)), COVERAGE, cases, fault=near > 20)


def pairs_of_sets(rng: np.random.Generator, width: int, correlation: float) -> tuple[Array, Array]:
    """Features of reconstructions and truths, each (IMAGES, width): both sets have one distribution."""
    truths, noise = rng.normal(size=(2, IMAGES, width))
    return SCALE * (correlation * truths + np.sqrt(1 - correlation**2) * noise), SCALE * truths


def kernel(x: Array, y: Array) -> Array:
    """(x.y / d + 1)^3 of all pairs."""
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)


class Kernels:
    """KID of any part of two paired sets, by both estimators, from kernels that are computed once."""

    def __init__(self, x: Array, y: Array) -> None:
        self.within = kernel(x, x) + kernel(y, y)
        self.cross = kernel(x, y)

    def unpaired(self, chosen: Indices) -> float:
        """kid@2: no pair is compared with itself."""
        both = self.within[np.ix_(chosen, chosen)] - 2 * self.cross[np.ix_(chosen, chosen)]
        n = len(chosen)
        return float((both.sum() - np.trace(both)) / (n * (n - 1)))

    def published(self, chosen: Indices) -> float:
        """kid@1: the cross term holds the pairs."""
        within, n = self.within[np.ix_(chosen, chosen)], len(chosen)
        part = self.cross[np.ix_(chosen, chosen)]
        return before.published_kid(float((within.sum() - np.trace(within)) / (n * (n - 1))), part)


def distances(short: bool) -> Iterator[Row]:
    """KID, and FID beside it."""
    yield from kernel_distance(short)
    yield from frechet(short)


def kernel_distance(short: bool) -> Iterator[Row]:
    """KID of sets of one distribution, whose population value is 0, pair by pair correlated by .6."""
    cases = 40 if short else 200
    for width in (64, 512):
        rng = np.random.default_rng(width)
        values, holds = [], []
        for seed in range(cases):
            x, y = pairs_of_sets(rng, width, 0.6)
            both = Kernels(x, y)
            whole = PublishedKernelInceptionDistance(), KernelInceptionDistance()
            values.append([float(metric.compute(x, y)) for metric in whole])
            old = before.half_jackknife(both.published, IMAGES, seed=seed)
            _, ci = statistics.interval_of_set(both.unpaired, IMAGES, seed=seed, left_out=0.5)
            holds.append((before.holds(old, 0.0), before.holds(ci, 0.0)))
        old_mean, new_mean = np.mean(values, axis=0).tolist()
        error = float(np.std(values, axis=0)[1]) / np.sqrt(cases)
        yield Row(
            f"KID, d = {width}: mean where the population has 0", old_mean, new_mean, (0.0, 0.0), cases, True, error
        )
        below = np.mean(np.array(values) < 0, axis=0).tolist()
        yield Row(f"KID, d = {width}: share below 0", below[0], below[1], (0.3, 0.75), cases, fault=True)
        old_cover, new_cover = np.mean(holds, axis=0).tolist()
        yield Row(f"KID, d = {width}: the interval holds 0", old_cover, new_cover, COVERS, cases, fault=True)


def frechet(short: bool) -> Iterator[Row]:
    """FID of two sets of one distribution: how far it lies above 0 at this n."""
    rng = np.random.default_rng(1)
    for width in (64, 512) if short else (64, 512, 2048):
        apart, paired = (float(FrechetDistance().compute(*pairs_of_sets(rng, width, r))) for r in (0.0, 0.6))
        yield Row(f"FID, d = {width}, where the population has 0 (unpaired | paired)", apart, paired, None, 1)
