"""Images as callers give them: folders, arrays, PIL images, torch tensors, or any of these by stimulus id.

torch is never imported for this: a tensor is recognised by the module of its class.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eegbench.api.arguments import place
from eegbench.benchmark.images import ImageSet
from eegbench.datasets.images import EXACT, LEAST_SIDE, MAX_PIXELS, OPAQUE, UNREADABLE, Picture, rgb
from eegbench.errors import InputError, short
from eegbench.files import is_inside
from eegbench.pairs.folders import count_samples
from eegbench.runs.layout import SAMPLE

Images = str | os.PathLike[str] | Mapping[str, Any] | Sequence[Any] | Any
WANTED = (
    "a uint8 array (n, h, w, 3), a torch uint8 tensor (n, 3, h, w), a list of PIL images, {stimulus id: image}, or a "
    "folder"
)
ARRAY, TENSOR = "uint8 (h, w, 3)", "uint8 (3, h, w)"


@dataclass(frozen=True)
class Given:
    """Images that a caller gave: a folder, or pictures uint8 (h, w, 3). ids: their stimulus ids, None without ids."""

    folder: Path | None = None
    pictures: tuple[Picture, ...] = ()
    ids: tuple[str, ...] | None = None

    def sets(self, order: Sequence[str] | None = None) -> list[ImageSet]:
        """A set of images for each sample. order: ids for images without ids, which by default are 00000, 00001, ...

        Raises InputError for another number of images than there are ids, and for a stimulus that lacks a sample.
        """
        ids = self.ids
        if ids is None:
            ids = tuple(f"{i:05d}" for i in range(len(self.pictures))) if order is None else tuple(order)
            if len(ids) != len(self.pictures):
                raise InputError(f"{len(self.pictures)} images came; wanted {len(ids)}, one for each true image")
            return [_in_memory(ids, self.pictures)]
        numbered: dict[str, dict[int, int]] = {}
        for number, name in enumerate(ids):
            match = SAMPLE.match(name)
            stimulus, sample = (match["stimulus"], int(match["sample"])) if match else (name, 0)
            numbered.setdefault(stimulus, {})[sample] = number
        if all(set(samples) == {0} for samples in numbered.values()):
            return [_in_memory(ids, self.pictures)]
        stimuli, count = sorted(numbered), count_samples("images", numbered)
        return [_in_memory(stimuli, [self.pictures[numbered[s][sample]] for s in stimuli]) for sample in range(count)]


def images_of(label: str, images: object, *, copy: bool = False) -> Given:
    """The images that a caller gave, checked. label: their name in messages. copy: keep a copy of the pixels.

    Raises InputError for anything else; the message says how floats and other shapes are converted.
    """
    if isinstance(images, str | os.PathLike):
        return Given(folder=place(label, images))
    if isinstance(images, Mapping):
        pictures = [_picture(f"{label}, {short(name)}", image) for name, image in images.items()]
        given = Given(pictures=tuple(pictures), ids=tuple(_id(label, name) for name in images))
    elif _is_tensor(images) or isinstance(images, np.ndarray):
        given = Given(pictures=tuple(_array(label, images)))
    elif isinstance(images, Sequence) and not isinstance(images, bytes | bytearray):
        given = Given(pictures=tuple(_picture(f"{label}, image {i}", image) for i, image in enumerate(images)))
    else:
        raise InputError(f"{label} are {_kind_of(images)}; wanted {WANTED}")
    if not given.pictures:
        raise InputError(f"{label}: no image came; wanted {WANTED}")
    for number, picture in enumerate(given.pictures):
        _check_size(f"{label}, image {number if given.ids is None else repr(given.ids[number])}", picture)
    return Given(pictures=tuple(p.copy() for p in given.pictures), ids=given.ids) if copy else given


def _in_memory(stimuli: Sequence[str], pictures: Sequence[Picture]) -> ImageSet:
    return ImageSet(tuple(stimuli), lambda items: [pictures[i] for i in items])


def _id(label: str, name: object) -> str:
    if not (isinstance(name, str) and is_inside(name)):
        raise InputError(f"{label}: the stimulus id {short(name)} names no file; wanted a path below a folder")
    return name


def _is_tensor(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach")


def _array(label: str, images: Any) -> Any:
    """The images of one array or tensor, as uint8 (n, h, w, 3)."""
    tensor = _is_tensor(images)
    wanted = "uint8 (n, 3, h, w)" if tensor else "uint8 (n, h, w, 3)"
    _check_type(label, images, wanted)
    shape = tuple(images.shape)
    if len(shape) == 3 and shape[0 if tensor else -1] == 3:
        _refuse(label, images, wanted, "one image goes in a list, [image]")
    if len(shape) == 3:
        remedy = "images[:, None].expand(-1, 3, -1, -1)" if tensor else "np.stack([images] * 3, axis=-1)"
        _refuse(label, images, wanted, f"{remedy} makes them of grey ones")
    if len(shape) != 4 or shape[1 if tensor else 3] != 3:
        swapped = len(shape) == 4 and shape[3 if tensor else 1] == 3
        remedy = "images.permute(0, 3, 1, 2)" if tensor else "images.transpose(0, 2, 3, 1)"
        _refuse(label, images, wanted, f"{remedy} brings them there" if swapped else "")
    return images.detach().cpu().permute(0, 2, 3, 1).numpy() if tensor else np.asarray(images)


def _picture(label: str, image: Any) -> Picture:
    """One image as uint8 (h, w, 3)."""
    if type(image).__module__.partition(".")[0] == "PIL" and hasattr(image, "getbands"):
        return _of_pil(label, image)
    tensor = _is_tensor(image)
    if not (tensor or isinstance(image, np.ndarray)):
        raise InputError(f"{label} is {_kind_of(image)}; wanted a PIL image, {ARRAY}, or torch {TENSOR}")
    wanted = TENSOR if tensor else ARRAY
    _check_type(label, image, wanted)
    if len(image.shape) != 3 or image.shape[0 if tensor else 2] != 3:
        _refuse(label, image, wanted, "")
    picture: Picture = image.detach().cpu().permute(1, 2, 0).numpy() if tensor else np.asarray(image)
    return picture


def _of_pil(label: str, image: Any) -> Picture:
    if image.mode not in (*EXACT, *OPAQUE):
        raise InputError(f'{label} has the mode {image.mode}; wanted 8-bit RGB: image.convert("RGB") makes it')
    try:
        return rgb(label, image)
    except UNREADABLE as error:  # a file that is read only now
        raise InputError(f"{label} cannot be read as an image ({str(error) or type(error).__name__})") from None


def _check_type(label: str, images: Any, wanted: str) -> None:
    kind = str(images.dtype).removeprefix("torch.")
    if kind == "uint8":
        return
    remedy = ""
    if "float" in kind:
        line = (
            "images.clamp(0, 1).mul(255).round().byte()"
            if _is_tensor(images)
            else '(images.clip(0, 1) * 255).round().astype("uint8")'
        )
        remedy = f"{line} converts values from 0 to 1"
    _refuse(label, images, wanted, remedy)


def _refuse(label: str, images: Any, wanted: str, remedy: str) -> None:
    kind, shape = str(images.dtype).removeprefix("torch."), tuple(images.shape)
    message = f"{label}: {'torch ' if _is_tensor(images) else ''}{kind} of shape {shape} came; wanted {wanted}"
    raise InputError(f"{message}: {remedy}" if remedy else message)


def _check_size(label: str, picture: Picture) -> None:
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise InputError(f"{label} has {width} x {height} pixels; at least {LEAST_SIDE} a side are wanted")
    if height * width > MAX_PIXELS:
        raise InputError(f"{label} has {width} x {height} pixels; at most {MAX_PIXELS} are taken")


def _kind_of(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
