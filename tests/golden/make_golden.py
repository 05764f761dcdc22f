"""Writes golden.npz: small seeded inputs of every metric, and what other libraries or plain loops make of them.

usage: PYTHONPATH=tests/files python tests/golden/make_golden.py [FILE]

Nothing of eegbench is imported here. The sources: scikit-image (both SSIMs), pysaliency (the four map metrics),
scipy (correlation distance; the hypergeometric distribution of retrieval among some), exact fractions (n-way accuracy),
and loops written from the definitions (the rest).
The inputs are stored beside the values, so that a change of numpy's generators cannot move a golden value.
"""

import sys
from collections.abc import Callable
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from scipy.spatial.distance import correlation
from scipy.stats import hypergeom
from skimage.color import rgb2gray
from skimage.metrics import structural_similarity

from pysaliency_metrics import CC, SIM, MIT_KLDiv, image_based_kl_divergence

Floats = NDArray[np.float64]
Sides = tuple[NDArray[Any], NDArray[Any]]  # reconstructions, truths


def draw() -> dict[str, Sides]:
    """For each input name a pair (reconstructions, truths) that are related, but not equal."""
    rng = np.random.Generator(np.random.PCG64(20240917))

    def mixed(shape: tuple[int, ...], own: float) -> tuple[Floats, Floats]:
        truths = rng.standard_normal(shape)
        return own * truths + rng.standard_normal(shape), truths

    def softmax(logits: Floats) -> Floats:
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: Floats = powers / powers.sum(axis=1, keepdims=True)
        return probabilities

    def bytes_of(values: Floats) -> NDArray[np.uint8]:
        return np.clip(np.round(110 + 60 * values), 0, 255).astype(np.uint8)

    pixels = mixed((4, 20, 26, 3), 0.7)
    maps = mixed((5, 18, 24), 0.7)
    features = mixed((14, 6, 5), 0.25)
    probabilities = mixed((12, 70), 1.5)
    pool = mixed((20, 16), 0.8)
    embedding = mixed((120, 9), 0.5)
    return {
        "pixels": (bytes_of(pixels[0]), bytes_of(pixels[1])),
        "features": (features[0].astype(np.float32), features[1].astype(np.float32)),
        "probabilities": (softmax(2 * probabilities[0]), softmax(2 * probabilities[1])),
        "pool": (np.abs(pool[0]), np.abs(pool[1])),
        "maps": (bytes_of(maps[0]), bytes_of(maps[1])),
        "embedding": embedding,
    }


def as_fractions(sides: Sides) -> Sides:
    return sides[0] / 255, sides[1] / 255


def each(function: Callable[..., object], sides: Sides) -> Floats:
    return np.array([function(*pair) for pair in zip(*sides, strict=True)], dtype=np.float64)


def ssim(channel_axis: int | None) -> Callable[..., object]:
    def one(reconstruction: Floats, truth: Floats) -> object:
        return structural_similarity(
            rgb2gray(truth),
            rgb2gray(reconstruction),
            channel_axis=channel_axis,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1.0,
        )

    return one


def two_way(reconstructions: Floats, truths: Floats) -> Floats:
    n = len(truths)
    x, y = truths.reshape(n, -1), reconstructions.reshape(n, -1)
    r = [[np.corrcoef(x[i], y[j])[0, 1] for j in range(n)] for i in range(n)]
    return np.array([sum(r[i][j] < r[j][j] for i in range(n) if i != j) / (n - 1) for j in range(n)])


def retrieval(reconstructions: Floats, truths: Floats, top: int, ways: int | None = None) -> Floats:
    """Among all, or the expected value among `ways` of them."""

    def cosine(a: Floats, b: Floats) -> float:
        return float(a @ b) / float(np.sqrt(a @ a) * np.sqrt(b @ b))

    hits = []
    for j, decoded in enumerate(reconstructions):
        nearness = np.array([cosine(truth, decoded) for truth in truths])
        nearer = list(np.argsort(-nearness)).index(j)
        drawn = len(truths) - 1 if ways is None else ways - 1
        hits.append(hypergeom(len(truths) - 1, nearer, drawn).cdf(top - 1))
    return np.array(hits)


def nway(reconstruction: Floats, truth: Floats) -> float:
    shown = int(truth.argmax())
    below = sum(bool(p < reconstruction[shown]) for p in reconstruction)
    return float(Fraction(comb(below, 49), comb(len(truth) - 1, 49)))


def inception_score(probabilities: Floats, splits: int) -> float:
    n, classes = probabilities.shape
    order = np.random.RandomState(2020).permutation(n) if splits > 1 else np.arange(n)
    scores = []
    for i in range(splits):
        part = probabilities[order][i * n // splits : (i + 1) * n // splits]
        mean = [float(np.mean(part[:, k])) for k in range(classes)]
        divergences = [sum(p * np.log(p / q) for p, q in zip(row, mean, strict=True)) for row in part]
        scores.append(np.exp(np.mean(divergences)))
    return float(np.mean(scores))


def kid(x: Floats, y: Floats, *, own: bool) -> float:
    """Own pairs count among those of both sides, or not."""

    def kernel(a: Floats, b: Floats) -> float:
        return (float(a @ b) / len(a) + 1) ** 3

    def within(z: Floats) -> float:
        return float(np.mean([kernel(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if i != j]))

    across = [kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(y) if own or i != j]
    return within(x) + within(y) - 2 * float(np.mean(across))


def fid(x: Floats, y: Floats) -> float:
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    difference = x.mean(axis=0) - y.mean(axis=0)
    return float(difference @ difference + np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(a @ b)).real)


def values(inputs: dict[str, Sides]) -> dict[str, Floats]:
    pixels, maps = as_fractions(inputs["pixels"]), as_fractions(inputs["maps"])
    features, probabilities = inputs["features"], inputs["probabilities"]
    pool, embedding = inputs["pool"], inputs["embedding"]
    judged = two_way(*features)
    distance = each(lambda a, b: correlation(a.ravel().astype(float), b.ravel().astype(float)), features)
    return {
        "pixcorr": each(lambda a, b: np.corrcoef(a.ravel(), b.ravel())[0, 1], pixels),
        "ssim": each(ssim(None), pixels),
        "ssim_columns": each(ssim(-1), pixels),
        **dict.fromkeys(("alexnet2", "alexnet5", "inception", "clip"), judged),
        **dict.fromkeys(("swav", "effnet"), distance),
        "nway50_top1": each(nway, probabilities),
        "is": np.array(inception_score(probabilities[0], 1)),
        "is_10split": np.array(inception_score(probabilities[0], 10)),
        "kid": np.array(kid(*pool, own=False)),
        "kid_published": np.array(kid(*pool, own=True)),
        "fid": np.array(fid(*pool)),
        "cc": each(CC, maps),
        "sim": each(SIM, maps),
        "kl": each(MIT_KLDiv, maps),
        "kl_reversed": each(lambda reconstruction, truth: image_based_kl_divergence(truth, reconstruction), maps),
        "retrieval_top1": retrieval(*embedding, top=1),
        "retrieval_top5": retrieval(*embedding, top=5),
        **{f"retrieval{ways}_top1": retrieval(*embedding, 1, ways) for ways in (2, 4, 10, 50, 100)},
        **{f"retrieval{ways}_top5": retrieval(*embedding, 5, ways) for ways in (10, 50, 100)},
    }


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("golden.npz")
    inputs = draw()
    arrays: dict[str, NDArray[Any]] = {f"value.{name}": value for name, value in values(inputs).items()}
    for name, (reconstructions, truths) in inputs.items():
        arrays |= {f"reconstructions.{name}": reconstructions, f"truths.{name}": truths}
    np.savez_compressed(path, allow_pickle=False, **arrays)
    print(f"{path}: {path.stat().st_size} bytes, {len(arrays)} arrays")


if __name__ == "__main__":
    main()
