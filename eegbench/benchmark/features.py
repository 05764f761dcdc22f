"""Features of a set of images by the judges: each image is seen once, a portion at a time."""

import contextlib
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from eegbench.backbones import Suite
from eegbench.benchmark.images import ImageSet
from eegbench.contracts import PIXELS, Backbone, Progress
from eegbench.datasets.images import Picture
from eegbench.errors import InputError, MissingError
from eegbench.files import digest, write_whole
from eegbench.guards import stored_tensors
from eegbench.plugins import entering

IN_MEMORY = 2**28  # bytes of images in memory at once
PORTION = 32  # images that a judge is shown at once
LARGEST = 2**16  # bytes of features an image that are worth a file

Features = dict[str, NDArray[np.float32]]


def judge_of(judges: Iterable[Backbone], feature: str) -> Backbone | None:
    """The judge that provides a feature."""
    return next((judge for judge in judges if feature in judge.provides), None)


def content(picture: Picture) -> str:
    """sha256 of a picture's shape and pixels."""
    return hashlib.sha256(f"{picture.shape}".encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()


@dataclass(frozen=True)
class FeatureCache:
    """Features of true images on disk, by the image's content, the judge and the protocol.

    Features of more than LARGEST bytes an image are not kept, and are computed each time. Where the folder cannot be
    written nothing is kept, and no error is raised.
    """

    folder: Path
    protocol: str

    def embed(self, judge: Backbone, pictures: Sequence[Picture], contents: Sequence[str]) -> Features:
        """A judge's features of pictures, (n, ...); the judge sees only those that are not in the cache.

        contents: each picture's `content`.
        """
        stored = {i: self._read(judge, image) for i, image in enumerate(contents)}
        known = {i: features for i, features in stored.items() if features is not None}
        new = [i for i in range(len(pictures)) if i not in known]
        if new:
            fresh = embed(judge, [pictures[i] for i in new])
            for place, i in enumerate(new):
                known[i] = {name: values[place] for name, values in fresh.items()}
                self._keep(judge, contents[i], known[i])
        return {name: np.stack([known[i][name] for i in range(len(pictures))]) for name in known[0]}

    def _file(self, judge: Backbone, image: str) -> Path:
        seen_by = digest([judge.name, judge.digest, judge.version, self.protocol])
        return self.folder / seen_by[:32] / f"{image}.safetensors"

    def _read(self, judge: Backbone, image: str) -> Features | None:
        try:
            with stored_tensors.opened(self._file(judge, image), "np") as file:
                features = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (InputError, MissingError):  # not there, or damaged: then it is made again
            return None
        sound = features.keys() == set(judge.provides) and all(
            np.isfinite(values).all() for values in features.values()
        )
        return features if sound else None

    def _keep(self, judge: Backbone, image: str, features: Features) -> None:
        if sum(values.nbytes for values in features.values()) > LARGEST or not judge.digest:
            return
        file = self._file(judge, image)
        with contextlib.suppress(OSError, SafetensorError):
            write_whole(file, save({name: np.ascontiguousarray(values) for name, values in features.items()}))


def embed(judge: Backbone, pictures: Sequence[Picture]) -> Features:
    """A judge's features of pictures of any sizes, (n, ...), in their order."""
    shapes = [picture.shape for picture in pictures]
    if len(set(shapes)) == 1:
        return entering.features(judge, np.stack(pictures))
    parts: dict[str, list[NDArray[np.float32]]] = {}
    order: list[int] = []
    for shape in sorted(set(shapes)):
        alike = [i for i, other in enumerate(shapes) if other == shape]
        order += alike
        for name, values in entering.features(judge, np.stack([pictures[i] for i in alike])).items():
            parts.setdefault(name, []).append(values)
    back = np.argsort(order)
    return {name: np.concatenate(values)[back] for name, values in parts.items()}


@dataclass(frozen=True)
class Extracted:
    """Features of a set of images, each (n, ...) in its order, and each image's `content`."""

    features: Features
    contents: tuple[str, ...]


def extract(
    images: ImageSet,
    judges: Sequence[Backbone],
    wanted: Collection[str],
    *,
    progress: Progress,
    label: str,
    cache: FeatureCache | None = None,
) -> Extracted:
    """The wanted features of all images, but for pixels, which are never kept for a whole set.

    Each judge sees each image once; with a `cache`, none that it has seen before. The judges take turns on the images
    in memory, so that one network at a time has to be there.
    """
    kept = [name for name in wanted if name != PIXELS]
    needed = [judge for judge in judges if set(judge.provides) & set(kept)]
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in kept}
    contents: list[str] = []
    with progress.bar(label, len(images.stimuli) * len(needed)) as advance:
        for loaded in _in_memory(images):
            known = [content(picture) for picture in loaded]
            for judge in needed:
                for items in portions(len(loaded)):
                    pictures = loaded[items.start : items.stop]
                    features_of = (
                        cache.embed(judge, pictures, known[items.start : items.stop])
                        if cache
                        else embed(judge, pictures)
                    )
                    for name in parts.keys() & features_of.keys():
                        parts[name].append(features_of[name])
                    advance(len(items))
                judge.rest()
            contents += known
    features = {name: np.concatenate(parts.pop(name)) for name in kept if parts[name]}
    return Extracted(features, tuple(contents))


def _in_memory(images: ImageSet) -> Iterator[list[Picture]]:
    """The images in their order, as many at a time as IN_MEMORY holds, and at least one."""
    held: list[Picture] = []
    room = IN_MEMORY
    for i in range(len(images.stimuli)):
        held += images.load([i])
        room -= held[-1].nbytes
        if room <= 0:
            yield held
            held, room = [], IN_MEMORY
    if held:
        yield held


def portions(n: int, size: int = PORTION) -> list[range]:
    """range(n) cut into consecutive pieces."""
    return [range(start, min(start + size, n)) for start in range(0, n, size)]


def hint_maps(images: ImageSet, judge: Backbone, *, progress: Progress) -> dict[str, NDArray[np.uint8]]:
    """Saliency maps of true images by stimulus id, uint8 (h, w), each map's own range stretched to 0..255."""
    maps = extract(images, [judge], ["saliency"], progress=progress, label="hints").features["saliency"]
    if maps.ndim != 3:
        raise InputError(f"judge {judge.name!r} gives saliency of shape {maps.shape}; wanted (n, h, w)")
    low = maps.min(axis=(1, 2), keepdims=True)
    width = maps.max(axis=(1, 2), keepdims=True) - low
    scaled = np.where(width > 0, (maps - low) / np.where(width > 0, width, 1), 0)
    return dict(zip(images.stimuli, (scaled * 255).round().astype(np.uint8), strict=True))


def saliency_judge(suite: Suite) -> Backbone:
    """The judge that makes the hint `saliency`; raises MissingError where the suite has none."""
    judge = judge_of(suite.judges, "saliency")
    if judge is None:
        reason = suite.missing.get("saliency", f"the suite {suite.name!r} has no saliency judge")
        raise MissingError(f"{reason}; the track 'oracle' needs it: use --track eeg")
    return judge
