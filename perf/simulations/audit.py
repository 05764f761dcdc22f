"""The audit: does the EEG contribute? Level, power, time."""

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from eegbench import metrics, seeds, statistics
from eegbench.contracts import PIXELS, Metric
from eegbench.statistics.audit import judged, permuted_z
from perf.simulations import before
from perf.simulations.table import LEVEL, TEST, Row

METRICS = 15  # per item
SETS = 4
SALIENCY = "saliency"  # what metrics of maps need
FEATURES = 8
SHARED = 0.5  # of the features of two metrics, so that their scores correlate by .25

Array = NDArray[np.float64]
Positions = NDArray[np.int64]


def features(rng: np.random.Generator, n: int) -> Array:
    """What the metrics see of n images, (METRICS, n, FEATURES)."""
    own = rng.normal(size=(METRICS, n, FEATURES))
    return np.asarray(np.sqrt(SHARED) * rng.normal(size=(n, FEATURES)) + np.sqrt(1 - SHARED) * own)


class Case:
    """One method's audit. strength: by metric, the correlation of the features of reconstruction and truth.

    Images depend on the EEG alone, so that those from permuted EEG are the same ones in another order.
    """

    def __init__(self, rng: np.random.Generator, n: int, strength: float | Array) -> None:
        weights = np.broadcast_to(np.asarray(strength), (METRICS,))[:, None, None]
        truths = features(rng, n)
        images = weights * truths + features(rng, n)
        good = 0.5 * rng.normal(size=(METRICS, n, 1))  # of images that are better or worse, whatever the truth
        self.n = n
        self.pairs = images @ truths.transpose(0, 2, 1) / np.sqrt(FEATURES) + good
        self.partners = seeds.derangement(n, rng)
        self.of_sets = rng.normal(size=SETS)  # kid, fid, is do not know which image belongs to which truth

    def contributions(self, partners: Positions | None = None) -> Array:
        """By item and metric, the score on the true EEG minus that on permuted EEG, (n, METRICS)."""
        items = np.arange(self.n)
        other: Positions = self.partners if partners is None else partners
        return np.asarray(self.pairs[:, items, items] - self.pairs[:, other, items]).T

    def counted(self, *, sets: bool = True, partners: Positions | None = None) -> str:
        """The old verdict."""
        low, high = before.percentiles(self.contributions(partners))
        if sets:
            low, high = np.append(low, self.of_sets - 1.96), np.append(high, self.of_sets + 1.96)
        return before.counted_verdict(low, high)

    def flipped(self, *, seed: int) -> float:
        """p of the test of the track `oracle`, on the track `eeg`."""
        values = dict(enumerate(self.contributions().T))
        return statistics.one_sided_sign_flip({str(k): v for k, v in values.items()}, seed=seed, permutations=999)

    def paired(self, *, seed: int) -> dict[str, float]:
        """p by statistic: both (the package's), the mean of z alone, the largest alone, halves of both."""
        scores = {str(place): table for place, table in enumerate(self.pairs)}
        z = permuted_z(scores, seeds.generator("pairing", seed), 999)  # as `statistics.pairing` does
        result = judged(z, list(scores))
        mean = float((z.mean(axis=1) >= z[0].mean() - 1e-9).mean())
        largest = min(result.by_metric.values())
        return {"both": result.p, "mean": mean, "largest": largest, "halves": min(1.0, 2 * min(mean, largest))}


ONE = np.where(np.arange(METRICS) == 3, 0.45, 0.0)  # a signal that one judge alone sees
SCENES: dict[str, tuple[int, float | Array, float]] = {  # stimuli, strength, the least power that is wanted
    "50 stimuli, a = .10": (50, 0.10, 0.95),
    "50 stimuli, a signal in one judge alone": (50, 2 * ONE, 0.95),
    "200 stimuli, a = .05": (200, 0.05, 0.95),
    "200 stimuli, a = .10": (200, 0.10, 0.99),
    "200 stimuli, a signal in one judge alone": (200, ONE, 0.95),
}


def audit(short: bool) -> Iterator[Row]:
    """Power and level on the track `eeg`."""
    for what, (n, strength, least) in SCENES.items():
        if n == 50 or not short:
            yield from _power(what, n, strength, least, 40 if short else 200)
    yield from _level(50, 200 if short else 1900)
    if not short:
        yield from _level(200, 1900)


def _power(what: str, n: int, strength: float | Array, least: float, cases: int) -> Iterator[Row]:
    rng = np.random.default_rng([n, int(1000 * np.max(strength))])
    rows = []
    for seed in range(cases):
        case = Case(rng, n, strength)
        p = case.paired(seed=seed)
        verdicts = [case.counted() == "contributes", case.counted(sets=False) == "contributes"]
        rows.append([*verdicts, case.flipped(seed=seed) <= 0.05, *(p[kind] <= 0.05 for kind in p)])
    old, old_items, flip, both, mean, largest, halves = np.mean(rows, axis=0).tolist()
    yield Row(f"power, {what}: pairing", old, both, (least, 1.0), cases, fault=True)
    yield Row("    mean of z alone (before: the old rule without metrics of sets)", old_items, mean, None, cases)
    yield Row("    largest z alone (before: sign flip of the differences)", flip, largest, None, cases)
    yield Row("    half the level for either", None, halves, None, cases)


def _level(n: int, cases: int) -> Iterator[Row]:
    rng = np.random.default_rng(n)
    p, verdicts = [], []
    for seed in range(cases):
        case = Case(rng, n, 0.0)
        p.append(case.paired(seed=seed))
        verdicts.append(case.counted())
    contributes = float(np.mean([one == "contributes" for one in verdicts]))
    for kind, name in (("both", "pairing"), ("mean", "mean of z"), ("largest", "largest z"), ("halves", "halves")):
        level = float(np.mean([one[kind] <= 0.05 for one in p]))
        old, wanted = (contributes if kind == "both" else None), (TEST if kind == "halves" else LEVEL)
        yield Row(f"level, {n} stimuli: {name}", old, level, wanted, cases)
    mixed = float(np.mean([one == "mixed" for one in verdicts]))
    yield Row(f"no contribution, {n} stimuli: the old verdict is 'mixed'", mixed, None, None, cases)
    yield _changed(rng, n, min(cases // 2, 300))


def _changed(rng: np.random.Generator, n: int, cases: int) -> Row:
    """How often the answer hangs on which permutations are drawn; nothing contributes."""
    old, new = [], []
    for seed in range(cases):
        case = Case(rng, n, 0.0)
        old.append(case.counted() != case.counted(partners=seeds.derangement(n, rng)))
        scores = {str(place): table for place, table in enumerate(case.pairs)}
        once, again = (statistics.pairing(scores, seed=one).p <= 0.05 for one in (seed, cases + seed))
        new.append(once != again)
    what = f"no contribution, {n} stimuli: other permutations, another answer"
    return Row(what, float(np.mean(old)), float(np.mean(new)), (0.0, 0.03), cases, fault=cases > 200)


def oracle(short: bool) -> Iterator[Row]:
    """The test of the track `oracle`: hints make pairs, the EEG contributes nothing."""
    cases = 400 if short else 2000
    for n in (20, 50, 200):
        rng = np.random.default_rng([7, n])
        hits, pairs = [], []
        for seed in range(cases):
            truths = features(rng, n)
            hard = 0.5 * rng.normal(size=n)
            sides = [0.5 * truths + features(rng, n) for _ in range(2)]
            values = {
                str(k): np.exp(a) - np.exp(b)
                for k, (a, b) in enumerate(zip(*(_own(side, truths, hard) for side in sides), strict=True))
            }
            hits.append(statistics.one_sided_sign_flip(values, seed=seed, permutations=999) <= 0.05)
            if seed < cases // 20:
                scores = {str(k): side @ truth.T for k, (side, truth) in enumerate(zip(sides[0], truths, strict=True))}
                pairs.append(statistics.pairing(scores, seed=seed).p <= 0.05)
        yield Row(
            f"level on track oracle, {n} stimuli: sign flip (before: pairing, not valid)",
            float(np.mean(pairs)),
            float(np.mean(hits)),
            (0.03, 0.065),
            cases,
            fault=True,
        )


def _own(images: Array, truths: Array, hard: Array) -> Array:
    """The metrics' values of each image, skewed, (METRICS, n)."""
    return np.asarray(0.3 * ((images * truths).sum(axis=2) / np.sqrt(FEATURES) + hard))


def joined(short: bool) -> Iterator[Row]:
    """Several runs: one p; and how much a set of stimuli would have shown."""
    cases = 1000 if short else 10000
    rng = np.random.default_rng(11)
    for subjects, fits in ((1, 3), (5, 1), (5, 3), (10, 2)):
        shapes = (cases, subjects, 1), (cases, subjects, fits)
        z = np.sqrt(0.7) * rng.normal(size=shapes[0]) + np.sqrt(0.3) * rng.normal(size=shapes[1])
        for what, shift in (("level", 0.0), ("power at z = 1 for each run", 1.0)):
            tables = np.asarray(ndtr(-z - shift))
            old = [doubled_means(case) <= 0.05 for case in tables]
            new = [statistics.combined_p(case.tolist()) <= 0.05 for case in tables]
            wanted = (0.0, 0.055) if shift == 0 else None
            name = f"one p for {subjects} subjects with {fits} seeds each: {what}"
            yield Row(name, float(np.mean(old)), float(np.mean(new)), wanted, cases)
    yield from _smallest(100 if short else 400)


def doubled_means(p: Array) -> float:
    """Of each subject twice the mean of its p (Rueschendorf 1982), which are joined as independent ones."""
    joined = np.minimum(2 * p.mean(axis=1), 1 - 1e-12) if p.shape[1] > 1 else p[:, 0]
    return float(ndtr(ndtri(joined).sum() / np.sqrt(len(joined))))


def _smallest(cases: int) -> Iterator[Row]:
    """How often the smallest contribution to one of 15 metrics is seen, and on the track oracle one to all of them."""
    for n in (50, 200):
        rng = np.random.default_rng([3, n])
        alone, joint = [], []
        for seed in range(cases):
            truths, shared = rng.normal(size=(2, n, FEATURES))
            noise = (shared + rng.normal(size=(METRICS, n, FEATURES))) / np.sqrt(2)
            scores = {str(place): own @ truths.T / np.sqrt(FEATURES) for place, own in enumerate(noise)}
            gain = statistics.smallest_contribution(scores["0"], statistics.pairing(scores, seed=seed).critical)
            scores["0"] += gain * n / (n - 1) * np.eye(n)
            alone.append(statistics.pairing(scores, seed=seed + 1).p <= 0.05)
            pilot, again = rng.normal(size=(2, METRICS, n)) + rng.normal(size=(2, 1, n))
            gains = statistics.smallest_joint_contribution({str(k): one for k, one in enumerate(pilot)})
            differences = {str(k): one + gains[str(k)] for k, one in enumerate(again)}
            joint.append(statistics.one_sided_sign_flip(differences, seed=seed, permutations=999) <= 0.05)
        for what, seen in (("to one of 15 metrics", alone), ("to all, track oracle", joint)):
            told = f"the smallest contribution that {n} stimuli show, {what}: seen"
            yield Row(told, None, float(np.mean(seen)), POWER_OF_CONTRIBUTION, cases)


POWER_OF_CONTRIBUTION = (0.74, 0.86)


def speed(short: bool) -> Iterator[Row]:
    """Seconds of a processor for one p, and for the scores of all pairs that it stands on."""
    for n, most in ((200, 0.5), (1000, 5.0)) if not short else ((200, 0.5),):
        tables = np.random.default_rng(0).normal(size=(METRICS, n, n))
        began = time.process_time()
        statistics.pairing({str(place): table for place, table in enumerate(tables)}, seed=0)
        what = f"seconds for the p of {METRICS} metrics, {n} stimuli"
        yield Row(what, None, time.process_time() - began, (0.0, most), 1, error=0.0)
    if not short:
        seconds = sum(_seconds_of_pairs(metric) for metric in metrics.METRICS.values() if metric.per_item)
        yield Row("seconds for all pairs of all metrics, 200 stimuli", None, seconds, (0.0, 5.0), 1, error=0.0)


def _seconds_of_pairs(metric: Metric) -> float:
    """For the scores of 200 images against 200, all of them random, as wide as the small judges' features."""
    rng, ids = np.random.default_rng(1), list(map(str, range(200)))
    if metric.needs == PIXELS:
        images = rng.uniform(size=(200, 425, 425, 3)).astype(np.float32)
        began = time.process_time()
        kept = np.concatenate([metric.reduced(images[start : start + 8]) for start in range(0, 200, 8)])
        metric.pairs(kept, kept, stimuli=ids)
        return time.process_time() - began
    drawn = rng.uniform(size=(2, 200, 128, 128) if metric.needs == SALIENCY else (2, 200, 2048))
    drawn /= 1.0 if metric.needs == SALIENCY else drawn.sum(axis=2, keepdims=True)
    began = time.process_time()
    metric.pairs(drawn[0], drawn[1], stimuli=ids)
    return time.process_time() - began
