"""Images from files nobody vouches for, and sets of images joined by stimulus id.

Every image becomes uint8 RGB: grey, palettes and alpha that hides nothing lose nothing by it. What would be a matter
of taste is refused: see-through parts (over which colour?), CMYK (by which profile?), more than 8 bits. Colour
profiles and EXIF orientation are not applied, as in the field's own evaluation scripts.
"""

import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from eegbench.arrays import Images
from eegbench.benchmark.store import SAMPLE
from eegbench.errors import InputError

MAX_PIXELS = 2**26  # 8192 x 8192, 192 MiB as RGB: far above any reconstruction, far below what exhausts memory
LEAST_SIDE = 2  # px: one pixel is no picture
FIRST = 3  # images named in an error before the rest are counted
EXACT = ("1", "L", "P", "RGB")  # Pillow's modes that become RGB without a choice
OPAQUE = ("LA", "PA", "RGBA")  # if no part is see-through
SUFFIXES = (".png", ".jpg", ".jpeg")
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)

Picture = NDArray[np.uint8]  # (h, w, 3)


@dataclass(frozen=True)
class ImageSet:
    """Images by stimulus id, loaded in portions; sizes may differ. `load` takes positions in `stimuli`."""

    stimuli: tuple[str, ...]
    load: Callable[[Sequence[int]], list[Picture]]

    def ordered(self, stimuli: Sequence[str]) -> "ImageSet":
        """The same images in the order of `stimuli`; raises InputError naming a missing, extra or repeated one."""
        position = _positions(self.stimuli)
        missing = [s for s in stimuli if s not in position]
        if missing:
            raise InputError(f"no image of stimulus {missing[0]!r}{_more(missing)}; {len(stimuli)} were wanted")
        extra = sorted(set(position) - set(stimuli))
        if extra:
            raise InputError(
                f"an image of stimulus {extra[0]!r}{_more(extra)}, which is not among the {len(stimuli)} wanted"
            )
        order = [position[s] for s in stimuli]
        return ImageSet(tuple(stimuli), lambda items: self.load([order[i] for i in items]))


def from_array(stimuli: Sequence[str], images: Images) -> ImageSet:
    """A set of images in memory, (n, h, w, 3)."""
    return ImageSet(tuple(stimuli), lambda items: [images[i] for i in items])


def from_files(stimuli: Sequence[str], files: Sequence[Path]) -> ImageSet:
    """A set of images on disk, read when asked for."""
    return ImageSet(tuple(stimuli), lambda items: [read_image(files[i]) for i in items])


def from_folder(folder: Path) -> list[ImageSet]:
    """All PNG and JPEG files below `folder`, one set for each sample; the id is the path without its suffix.

    Files of other kinds are passed over. Raises InputError: no folder, no images, images that cannot be used (the
    first few by name, and how many), two files of one id, or a stimulus that lacks a sample that others have.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a folder of PNG or JPEG images")
    found: dict[tuple[int, str], Path] = {}
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES)
    _check_usable(files)
    for file in files:
        name = file.relative_to(folder).with_suffix("").as_posix()
        match = SAMPLE.match(name)
        key = (int(match["sample"]), match["stimulus"]) if match else (0, name)
        if key in found:
            raise InputError(f"{file} and {found[key].name} are both stimulus {name!r}; keep one of them")
        found[key] = file
    if not found:
        raise InputError(f"{folder}: holds no PNG or JPEG image, at any depth")
    stimuli = sorted(stimulus for sample, stimulus in found if sample == 0)
    last = max(sample for sample, _ in found)
    if last >= len(found):
        raise InputError(f"{folder}: sample {last} of {len(found)} images; samples are counted from 1 on without gaps")
    sets = [{s: file for (k, s), file in found.items() if k == sample} for sample in range(last + 1)]
    return [from_files(tuple(files), list(files.values())).ordered(stimuli) for files in sets]


def read_image(path: Path) -> Picture:
    """uint8 (h, w, 3) by the rule at the head of this file; raises InputError naming the file."""
    if path.is_dir():
        raise InputError(f"{path}: a folder with the name of an image; rename it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is the lower one
            with Image.open(path, formats=("PNG", "JPEG")) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InputError(f"{path}: {image.width} x {image.height} pixels; at most {MAX_PIXELS} are read")
                if (frames := getattr(image, "n_frames", 1)) > 1:
                    raise InputError(f"{path}: an animation of {frames} frames; wanted one still image")
                image.load()
                return _rgb(path, image)
    except UNREADABLE as error:
        reason = "not a PNG or JPEG image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise InputError(f"{path}: cannot be read as an image ({reason}); write it again") from None


def _check_usable(files: Sequence[Path]) -> None:
    problems = []
    for file in files:
        try:
            read_image(file)
        except InputError as error:
            problems.append(str(error))
    if problems:
        more = f"; and {len(problems) - FIRST} more" if len(problems) > FIRST else ""
        raise InputError(
            f"{len(problems)} of {len(files)} images cannot be used: {'; '.join(problems[:FIRST])}{more}"
            if len(files) > 1
            else problems[0]
        )


def intact(path: Path) -> bool:
    """Whether a file is there and decodes."""
    try:
        read_image(path)
    except InputError:
        return False
    return True


def _rgb(path: Path, image: Image.Image) -> Picture:
    if min(image.size) < LEAST_SIDE:
        raise InputError(f"{path}: {image.width} x {image.height} pixels; at least {LEAST_SIDE} a side are wanted")
    if "transparency" in image.info or image.mode in OPAQUE:
        pixels = np.asarray(image.convert("RGBA"))
        if pixels[..., 3].min() < 255:
            raise InputError(f"{path}: is see-through in parts; lay it over a colour and save it as RGB")
        return np.ascontiguousarray(pixels[..., :3])
    if image.mode not in EXACT:
        raise InputError(f"{path}: has the mode {image.mode}; wanted 8-bit RGB or grey: convert it")
    return np.asarray(image.convert("RGB"))


def _positions(stimuli: Sequence[str]) -> dict[str, int]:
    position: dict[str, int] = {}
    for i, stimulus in enumerate(stimuli):
        if stimulus in position:
            raise InputError(f"stimulus {stimulus!r} comes twice; ids must be unique")
        position[stimulus] = i
    return position


def _more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
