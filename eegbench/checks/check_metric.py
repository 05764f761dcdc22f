"""Checks that a metric keeps its contract, on seeded pictures as the judges of the micro suite see them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegbench import backbones, seeds
from eegbench.arrays import Images
from eegbench.backbones.reference.judges import JUDGES
from eegbench.benchmark.all_pairs import compares
from eegbench.benchmark.features import judge_of
from eegbench.benchmark.measure import OF_METHODS
from eegbench.checks.findings import Finding, Findings
from eegbench.contracts import PIXELS, Laws, Metric, Progress
from eegbench.errors import EegbenchError, unknown
from eegbench.plugins import entering, registry

ITEMS, SIDE = 16, 64  # pictures, pixels
EMBEDDINGS = 104  # of which some metrics draw 100
NEAR = 1e-6  # relative: sums in another order differ by less, another definition by far more
FEWER = 0.1  # of the range of scores: how far, on average, those of pixels at fewer places may lie from those of all

Array = NDArray[np.generic]


def check(name: str, *, progress: Progress) -> list[Finding]:
    """The findings on every clause, in order.

    Raises UsageError for an unknown name, MissingError where the judges are not here.
    """
    findings, loaded = Findings(), list[Metric]()
    if name not in registry.names("metric"):
        registry.find("metric", name)

    def load() -> None:
        loaded.append(registry.find("metric", name))

    if not findings.take("id, version, direction, chance, bounds, needs and per_item are of their kinds", load):
        return findings
    metric = loaded[0]
    features = _judged_features()
    if not findings.take("needs is what a judge provides", lambda: _unless_known(metric.needs, features)):
        return findings
    with progress.bar("pictures", 1) as advance:
        sides = _sides(metric)
        advance(1)
    if sides is None:
        findings.warn(
            f"a judge provides {metric.needs!r}", lambda: "none of the micro suite does; seeded numbers stood in"
        )
        sides = _numbers()
    clauses = _Clauses(metric, *sides)
    if not findings.take(
        "values are float64, (n,) per item or () for a set, finite or NaN, inside the bounds", clauses.form
    ):
        return findings
    findings.take("the same input gives the same values, whatever the global random state", clauses.repeats)
    findings.take("both sides are left as they came", clauses.untouched)
    duty = findings.take if metric.per_item else findings.warn
    duty("the order of the items does not matter", clauses.order)
    if metric.per_item:
        chunks = (
            findings.take if metric.needs == PIXELS else findings.warn
        )  # pixels are never in memory for a whole set
        chunks("an item's value does not depend on the other items", clauses.chunks)
    if metric.per_item and compares(metric):
        findings.take("pairs gives each reconstruction and each truth the score that compute gives them", clauses.pairs)
    if clauses.truths_matter():
        findings.take("identical pairs are never worse than others", clauses.identical)
        findings.warn("identical pairs reach the better of the two bounds", clauses.best)
        worse = "permuted pairs" if metric.per_item else "a set of other truths"
        findings.take(f"{worse} do worse than identical ones", clauses.permuted)
    else:
        findings.warn("the truths matter", lambda: "values are the same whatever the truths")
    if (laws := metric.laws) is not None:
        findings.take("the laws that it declares hold", lambda: clauses.laws(laws))
    findings.take("flat pictures and NaN give a value, NaN, or an error in words", clauses.undefined)
    return findings


def _judged_features() -> list[str]:
    """The features that judges of the micro and the reference suite provide, and a method's embeddings."""
    here = [feature for judge in backbones.suite("micro", "sal512").judges for feature in judge.provides]
    return [*here, *(feature for judge in JUDGES.values() for feature in judge.provides), *OF_METHODS]


def _unless_known(needs: str, features: Sequence[str]) -> None:
    if needs not in features:
        raise unknown("feature", needs, dict.fromkeys(features))


@dataclass
class _Clauses:
    """The clauses on a metric, tried on truths, on reconstructions halfway near them, and on flat pictures."""

    metric: Metric
    truths: Array
    near: Array
    flat: Array

    def value(self, reconstructions: Array, truths: Array) -> NDArray[np.float64]:
        return entering.compute(self.metric, reconstructions, truths)

    def mean(self, reconstructions: Array, truths: Array) -> float:
        """The mean value over items that are not NaN, with the sign by which more is better."""
        values = self.value(reconstructions, truths)
        sign = 1.0 if self.metric.higher_is_better else -1.0
        return sign * float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")

    def form(self) -> str | None:
        for side in (self.near, self.truths, self.truths[::-1]):
            if np.isnan(self.value(side, self.truths)).all():
                return "all values are NaN for pictures that differ"
        return None

    def repeats(self) -> str | None:
        first = self.value(self.near, self.truths)
        np.random.seed(1)  # noqa: NPY002 - the global generator is what is tried
        second = self.value(self.near, self.truths)
        return (
            None
            if np.array_equal(first, second, equal_nan=True)
            else f"{first.ravel()[0]} and then {second.ravel()[0]}"
        )

    def untouched(self) -> str | None:
        near, truths = self.near.copy(), self.truths.copy()
        self.metric.compute(near, truths)
        kept = np.array_equal(near, self.near) and np.array_equal(truths, self.truths)
        return None if kept else "compute wrote into what it was given; other metrics read the same arrays"

    def order(self) -> str | None:
        reordered = seeds.generator("check-metric", "order").permutation(len(self.truths))
        values, again = self.value(self.near, self.truths), self.value(self.near[reordered], self.truths[reordered])
        return _differ(values[reordered] if self.metric.per_item else values, again, "in another order")

    def chunks(self) -> str | None:
        half = len(self.truths) // 2
        parts = [self.value(self.near[items], self.truths[items]) for items in (slice(half), slice(half, None))]
        return _differ(self.value(self.near, self.truths), np.concatenate(parts), "in two halves")

    def pairs(self) -> str | None:
        """Compare `pairs` with `compute` on the true pairs and on three other pairings.

        For PIXELS the scores may differ a little, because `pairs` may look at fewer places.
        """
        n = len(self.truths)
        near, truths = (entering.reduced(self.metric, side) for side in (self.near, self.truths))
        scores = entering.pairs(self.metric, near, truths, [str(i) for i in range(n)])
        places = [(np.arange(n) + shift) % n for shift in (0, 1, 3, n // 2)]
        paired = np.concatenate([scores[np.arange(n), order] for order in places])
        expected = np.concatenate([self.value(self.near, self.truths[order]) for order in places])
        if self.metric.needs != PIXELS:
            return _differ(expected, paired, "as one of all pairs")
        error, spread = float(np.nanmean(np.abs(paired - expected))), float(np.nanmax(expected) - np.nanmin(expected))
        return (
            None
            if error <= FEWER * spread
            else f"they differ by {error:g} on average, where scores range over {spread:g}"
        )

    def truths_matter(self) -> bool:
        values = self.value(self.near, self.truths), self.value(self.near, self.flat)
        return not np.allclose(*values, rtol=NEAR, atol=NEAR, equal_nan=True)

    def identical(self) -> str | None:
        best = self.mean(self.truths, self.truths)
        worse = {"near": self.near} | ({"other": self.truths[::-1]} if self.metric.per_item else {})
        for name, side in worse.items():
            if (mean := self.mean(side, self.truths)) > best + NEAR:
                return f"{name} pairs get {abs(mean):g}, identical ones {abs(best):g}: is higher_is_better right?"
        return None

    def best(self) -> str | None:
        low, high = self.metric.bounds
        bound = high if self.metric.higher_is_better else low
        mean = abs(self.mean(self.truths, self.truths)) * np.sign(bound or 1.0)
        far = np.isfinite(bound) and abs(mean - bound) > NEAR * max(1.0, abs(bound))
        return f"they get {mean:g}, and the bound is {bound:g}" if far else None

    def permuted(self) -> str | None:
        other = self.truths[np.roll(np.arange(len(self.truths)), 1)] if self.metric.per_item else self.flat
        best, mean = self.mean(self.truths, self.truths), self.mean(self.truths, other)
        return None if mean < best else f"they get {abs(mean):g}, as good as {abs(best):g} of identical pairs"

    def laws(self, laws: Laws) -> str | None:
        """Check the laws that one set can refute; that a metric is not symmetric, for instance, not every set shows."""
        value = self.value(self.near, self.truths)
        if laws.one_sided and self.truths_matter():
            return "one_sided is declared, and values depend on the truths"
        if laws.symmetric and (
            problem := _differ(value, self.value(self.truths, self.near), "with the sides exchanged")
        ):
            return problem
        alike = np.nanmean(self.value(self.truths, self.truths))
        if laws.identical is not None and abs(alike - laws.identical) > NEAR * max(1.0, abs(laws.identical)):
            return f"identical sides get {alike:g}; declared is {laws.identical:g}"
        if not (self.metric.per_item or laws.paired):
            return _differ(value, self.value(self.near, np.roll(self.truths, 1, axis=0)), "with the truths in a circle")
        return None

    def undefined(self) -> str | None:
        holes = self.near.copy()
        if holes.dtype.kind == "f":
            holes[0] = np.nan
        for side, truths in ((self.flat, self.truths), (self.truths, self.flat), (holes, self.truths)):
            try:
                self.metric.compute(side, truths)
            except EegbenchError:  # it said why
                continue
            self.value(side, truths)
        return None


def _differ(a: NDArray[np.float64], b: NDArray[np.float64], how: str) -> str | None:
    if np.allclose(a, b, rtol=NEAR, atol=NEAR, equal_nan=True):
        return None
    first = int(np.flatnonzero(~np.isclose(a, b, rtol=NEAR, atol=NEAR, equal_nan=True).ravel())[0])
    return f"{how}, a value is {b.ravel()[first]:g}, before {a.ravel()[first]:g}"


def _sides(metric: Metric) -> tuple[Array, Array, Array] | None:
    """Truths, noisy copies and flat pictures as the micro suite's judge of the metric sees them; None without one."""
    if metric.needs in OF_METHODS:
        return _numbers()
    suite = backbones.suite("micro", "sal512", features={metric.needs})
    judge = judge_of(suite.judges, metric.needs)
    if judge is None:
        return None
    truths, near, flat = (entering.features(judge, pictures)[metric.needs] for pictures in _pictures())
    return truths, near, flat


def _pictures() -> tuple[Images, Images, Images]:
    rng = seeds.generator("check-metric", "pictures")
    coarse = rng.integers(256, size=(ITEMS, 8, 8, 3)).repeat(SIDE // 8, 1).repeat(SIDE // 8, 2)
    mixed = (coarse + np.roll(coarse, 3, axis=0)) / 2  # so near to another truth that some metrics take it for that
    noisy = np.clip(mixed + rng.normal(0, 30, coarse.shape), 0, 255)
    flat = np.full(coarse.shape, 128)
    return coarse.astype(np.uint8), noisy.astype(np.uint8), flat.astype(np.uint8)


def _numbers() -> tuple[Array, Array, Array]:
    rng = seeds.generator("check-metric", "numbers")
    truths = rng.normal(size=(EMBEDDINGS, 64)).astype(np.float32)
    near = (truths + np.roll(truths, 3, axis=0)) / 2 + rng.normal(0, 0.3, truths.shape)
    return truths, near.astype(np.float32), np.ones_like(truths)
