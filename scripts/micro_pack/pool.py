"""Scenes to train on and scenes to measure on, drawn from seeds that sim-things itself never uses."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.datasets.sim_things.concepts import Concept
from eegbench.datasets.sim_things.scenes import draw_scene

STREAM = 7_001  # first word of every seed here; sim-things seeds with its own name


@dataclass(frozen=True)
class Pool:
    """images (n, 64, 64, 3) uint8; masks (n, 64, 64) uint8; concepts (n,) in 0..299; ten captions each."""

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    concepts: NDArray[np.int64]
    captions: list[tuple[str, ...]]

    def batch(self, rng: np.random.Generator, size: int) -> tuple[NDArray[np.int64], torch.Tensor]:
        """Indices and images in [-1, 1], shape (size, 3, 64, 64)."""
        chosen = rng.integers(len(self.images), size=size)
        return chosen, to_tensor(self.images[chosen])


def to_tensor(images: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


def draw_pool(concepts: tuple[Concept, ...], each: int, purpose: int) -> Pool:
    """`each` scenes of every concept; another `purpose`, other scenes."""
    scenes = [
        draw_scene(concept, np.random.default_rng([STREAM, purpose, concept.index, i]))
        for concept in concepts
        for i in range(each)
    ]
    return Pool(
        np.stack([s.image for s in scenes]),
        np.stack([np.rint(255 * s.mask).astype(np.uint8) for s in scenes]),
        np.array([s.concept.index for s in scenes]),
        [s.captions for s in scenes],
    )
