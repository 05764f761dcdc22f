"""Seeds for (run, item, purpose). Nobody else makes generators."""

import hashlib

import numpy as np


def seed(*words: object) -> int:
    """An integer in [0, 2^63) that depends on the words alone: the same on every machine, process and order."""
    text = "\x1f".join(str(word) for word in words)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*words: object) -> np.random.Generator:
    """A numpy generator seeded by the words."""
    return np.random.default_rng(seed(*words))


def derangement(n: int, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A permutation of range(n) without fixed points, shape (n,); n must be at least 2.

    One random cycle through all items (Sattolo's algorithm), so no item keeps its place.
    """
    if n < 2:
        raise ValueError(f"a derangement needs at least 2 items, got {n}")
    order = np.arange(n)
    for i in range(n - 1, 0, -1):
        j = int(rng.integers(i))
        order[i], order[j] = order[j], order[i]
    return order
