"""True images and reconstructions for tests of the Python door."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pictures = Mapping[str, NDArray[np.uint8]]


def pictures(seed: int, count: int = 6) -> dict[str, NDArray[np.uint8]]:
    """Noise by stimulus id."""
    rng = np.random.default_rng(seed)
    return {f"{i:02d}_thing/thing_{i}": rng.integers(256, size=(8, 8, 3)).astype(np.uint8) for i in range(count)}


def write(folder: Path, images: Pictures) -> Path:
    for name, image in images.items():
        file = folder / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    return folder
