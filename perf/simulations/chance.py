"""What chance gives, and how well a floor is known: unequal classes, pictures shown twice, all pairs."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from eegbench import seeds
from eegbench.metrics import METRICS
from eegbench.metrics.retrieval import Retrieval
from perf.simulations import before
from perf.simulations.table import Row

CLASSES, WAYS, STIMULI = 300, 50, 200

Array = NDArray[np.float64]


def nway_pairs(rng: np.random.Generator, spread: float) -> Array:
    """50-way accuracy of each reconstruction against each truth, (STIMULI, STIMULI), where neither knows the other.

    spread: standard deviation of the logarithm of how popular the classes are, with judge and pictures alike.
    """
    popular = spread * rng.normal(size=CLASSES)
    share = np.exp(popular) / np.exp(popular).sum()
    truths = rng.choice(CLASSES, size=STIMULI, p=share)
    logits = popular + 1.4 * rng.normal(size=(STIMULI, CLASSES))
    shown = np.eye(CLASSES)[truths]
    return METRICS["nway50_top1"].pairs(np.exp(logits), shown, stimuli=list(map(str, range(STIMULI))))


def of_all_pairs(scores: Array) -> float:
    """The mean over all pairs that do not belong together."""
    n = len(scores)
    return float((scores.sum() - np.trace(scores)) / (n * (n - 1)))


def chance(short: bool) -> Iterator[Row]:
    """Floors, and retrieval where pictures occur twice."""
    yield from floors(short)
    yield from twice(short)


def floors(short: bool) -> Iterator[Row]:
    """n-way: what methods without information score, beside the floor: .02 before, from all pairs now."""
    cases = 10 if short else 60
    for spread in (1.0,) if short else (0.0, 0.5, 1.0, 2.0):
        rng = np.random.default_rng(int(10 * spread))
        tables = [nway_pairs(rng, spread) for _ in range(cases)]
        apart = [float(np.diag(one).mean()) - of_all_pairs(one) for one in tables]
        scored = float(np.mean([np.diag(one).mean() for one in tables]))
        error = float(np.std(apart)) / np.sqrt(cases)
        what = f"n-way of no information, log-popularity {spread}: scores {scored:.3f}, less its floor"
        yield Row(what, scored - 1 / WAYS, float(np.mean(apart)), (0.0, 0.0), cases, spread > 0, error)
    yield _spread(200 if short else 1000)


def _spread(cases: int) -> Row:
    rng = np.random.default_rng(4)
    single, every = [], []
    for _ in range(cases):
        images, truths = rng.normal(size=(2, STIMULI, 8))
        scores = 0.2 * images @ truths.T / np.sqrt(8) + 0.05 * rng.normal(size=(1, STIMULI))
        other = seeds.derangement(STIMULI, rng)
        single.append(float(scores[other, np.arange(STIMULI)].mean()))
        every.append(of_all_pairs(scores))
    # The truths are the same for both, so that what remains for all pairs is the spread of the truths themselves.
    return Row(
        "standard deviation of a floor: one derangement, all pairs",
        float(np.std(single)),
        float(np.std(every)),
        (0.0, 0.008),
        cases,
        True,
        0.0,
    )


def retrieved(decoded: Array, pictures: Array, shows: list[str]) -> float:
    """Retrieval top-1 where each stimulus shows the picture of that name."""
    metric = METRICS["retrieval_top1"]
    assert isinstance(metric, Retrieval)
    return float(metric.compute(decoded, pictures, stimuli=shows).mean())


def twice(short: bool) -> Iterator[Row]:
    """Retrieval where each picture occurs twice: a perfect decoder, and one that knows nothing against its chance."""
    rng = np.random.default_rng(6)
    places = np.arange(STIMULI) // 2
    shows = list(map(str, places))
    pictures = rng.normal(size=(STIMULI // 2, 16))
    pictures = (pictures / np.linalg.norm(pictures, axis=1, keepdims=True))[places]
    old, new = before.beaten_by_all(pictures @ pictures.T).mean(), retrieved(pictures, pictures, shows)
    yield Row(
        "retrieval top-1 of a perfect decoder, each picture twice", float(old), float(new), (1.0, 1.0), STIMULI, True
    )
    cases = 100 if short else 1000
    blind = [retrieved(rng.normal(size=(STIMULI, 16)), pictures, shows) for _ in range(cases)]
    chance = 1 / (STIMULI // 2)  # its own among the pictures: rivals that are shown twice win together
    error = float(np.std(blind)) / np.sqrt(cases)
    yield Row(
        "    of a decoder that knows nothing, less 1 / pictures",
        None,
        float(np.mean(blind)) - chance,
        (0.0, 0.0),
        cases,
        False,
        error,
    )
