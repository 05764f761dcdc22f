"""What the judges make of a set of images: each image seen once, a portion at a time."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from eegbench.benchmark.images import ImageSet, Picture
from eegbench.contracts import Backbone, Progress
from eegbench.errors import InputError, MissingError

PORTION = 32  # images in memory at once
PIXELS = "pixels425"  # 2 MB an image: never kept for a whole set

Features = dict[str, NDArray[np.float32]]


def judge_of(judges: Iterable[Backbone], feature: str) -> Backbone | None:
    """The judge that provides a feature."""
    return next((judge for judge in judges if feature in judge.provides), None)


def extract(
    images: ImageSet, judges: Sequence[Backbone], wanted: Collection[str], *, progress: Progress, label: str
) -> Features:
    """The wanted features of all images, each (n, ...) in the order of `images`; pixels are left to `portion`."""
    kept = [name for name in wanted if name != PIXELS]
    needed = [judge for judge in judges if set(judge.provides) & set(kept)]
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in kept}
    if not needed:
        return {}
    with progress.bar(label, len(images.stimuli)) as advance:
        for items in portions(len(images.stimuli)):
            loaded = images.load(items)
            for judge in needed:
                for name, values in embed(judge, loaded).items():
                    if name in parts:
                        parts[name].append(values)
            advance(len(items))
    return {name: np.concatenate(values) for name, values in parts.items() if values}


def embed(judge: Backbone, pictures: Sequence[Picture]) -> Features:
    """A judge's features of pictures of any sizes, (n, ...), in their order."""
    shapes = [picture.shape for picture in pictures]
    if len(set(shapes)) == 1:
        return judge.embed(np.stack(pictures))
    found: dict[str, list[NDArray[np.float32]]] = {}
    order: list[int] = []
    for shape in sorted(set(shapes)):
        alike = [i for i, other in enumerate(shapes) if other == shape]
        order += alike
        for name, values in judge.embed(np.stack([pictures[i] for i in alike])).items():
            found.setdefault(name, []).append(values)
    back = np.argsort(order)
    return {name: np.concatenate(values)[back] for name, values in found.items()}


def portions(n: int, size: int = PORTION) -> list[range]:
    """range(n) cut into consecutive pieces."""
    return [range(start, min(start + size, n)) for start in range(0, n, size)]


def hint_maps(images: ImageSet, judge: Backbone, *, progress: Progress) -> dict[str, NDArray[np.uint8]]:
    """Saliency maps of true images by stimulus id, uint8 (h, w), each map's own range stretched to 0..255."""
    maps = extract(images, [judge], ["saliency"], progress=progress, label="hints")["saliency"]
    if maps.ndim != 3:
        raise InputError(f"judge {judge.name!r} gives saliency of shape {maps.shape}; wanted (n, h, w)")
    low = maps.min(axis=(1, 2), keepdims=True)
    width = maps.max(axis=(1, 2), keepdims=True) - low
    scaled = np.where(width > 0, (maps - low) / np.where(width > 0, width, 1), 0)
    return dict(zip(images.stimuli, (scaled * 255).round().astype(np.uint8), strict=True))


def saliency_judge(judges: Iterable[Backbone], suite: str) -> Backbone:
    """The judge that makes the hint `saliency`; raises MissingError where the suite has none."""
    judge = judge_of(judges, "saliency")
    if judge is None:
        raise MissingError(
            f"the suite {suite!r} has no saliency judge, which the track 'oracle' needs; use --track eeg"
        )
    return judge
