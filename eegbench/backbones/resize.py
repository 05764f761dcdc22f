"""Resizing as the field's scripts do it: torchvision on float tensors, bilinear, antialiased."""

import functools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize as _resize

from eegbench.arrays import Images
from eegbench.backbones.batch import Batch

KEPT_SIZE = 64  # px


def to_float(images: Images) -> torch.Tensor:
    """uint8 (n, h, w, 3) to float32 (n, 3, h, w) in [0, 1]."""
    return torch.from_numpy(np.require(images, requirements=["C", "W"])).permute(0, 3, 1, 2).float() / 255


def to_uint8(pictures: torch.Tensor) -> Images:
    """float (n, 3, h, w) in [0, 1] to uint8 (n, h, w, 3), rounded."""
    grey = (pictures.detach().float().cpu() * 255).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(grey.permute(0, 2, 3, 1).numpy())


def resize(pictures: torch.Tensor, size: int) -> torch.Tensor:
    """(n, c, h, w) to (n, c, size, size)."""
    if pictures.shape[-2:] == (size, size):
        return pictures
    resized: torch.Tensor = _resize(pictures, [size, size], InterpolationMode.BILINEAR, antialias=True)
    return resized


def chunks(images: Images, size: int = 16) -> Iterator[Images]:
    for start in range(0, len(images), size):
        yield images[start : start + size]


def embed_in_chunks(
    images: Images,
    network: Callable[[torch.Tensor], dict[str, torch.Tensor]],
    *,
    base: int,
    size: int | None = None,
    device: str,
    batch: Batch | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Run `network` on `images` brought to `base` px and then to `size` px if given, a few at a time.

    `batch` says how many; without it there are 16.
    """
    parts: dict[str, list[NDArray[np.float32]]] = {}
    start = 0

    def look(count: int) -> dict[str, torch.Tensor]:
        return network(brought(images[start : start + count], base, size or base, device))

    with torch.inference_mode():
        while start < len(images):
            features, count = batch.run(look, len(images) - start) if batch else (look(16), 16)
            for name, value in features.items():
                whole = value if value.dtype == torch.uint8 else value.float()  # half precision stays in here
                parts.setdefault(name, []).append(whole.cpu().numpy())
            start += count
    return {name: np.concatenate(values) for name, values in parts.items()}


def brought(images: Images, base: int, size: int, device: str) -> torch.Tensor:
    """Images as float pictures at `base` px and then at `size` px.

    Small pictures are kept for the next judge that asks for the same ones: the way over `base` costs more than
    a small network does.
    """
    if size > KEPT_SIZE:
        return resize(resize(to_float(images).to(device), base), size)
    return _brought(images.tobytes(), images.shape, base, size, device)


@functools.lru_cache(maxsize=64)
def _brought(content: bytes, shape: tuple[int, ...], base: int, size: int, device: str) -> torch.Tensor:
    images = np.frombuffer(content, np.uint8).reshape(shape).copy()
    return resize(resize(to_float(images).to(device), base), size)
