"""Images from files nobody vouches for.

Every image becomes uint8 RGB: grey, palettes and alpha that hides nothing lose nothing by it. What would be a matter
of taste is refused: see-through parts (over which colour?), CMYK (by which profile?), more than 8 bits. Colour
profiles and EXIF orientation are not applied, as in the field's own evaluation scripts.
"""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from eegbench.errors import InputError

MAX_PIXELS = 2**26  # 8192 x 8192, 192 MiB as RGB: far above any reconstruction, far below what exhausts memory
LEAST_SIDE = 2  # px: one pixel is no picture
EXACT = ("1", "L", "P", "RGB")  # Pillow's modes that become RGB without a choice
OPAQUE = ("LA", "PA", "RGBA")  # if no part is see-through
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)

Picture = NDArray[np.uint8]  # (h, w, 3)


def read_image(path: Path, *, cmyk: bool = False) -> Picture:
    """uint8 (h, w, 3) by the rule at the head of this file; raises InputError naming the file.

    `cmyk`: take CMYK by Pillow's own formula, as those who train on ImageNet do, of which some files are so.
    """
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
                return _rgb(path, image, cmyk)
    except UNREADABLE as error:
        reason = "not a PNG or JPEG image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise InputError(f"{path}: cannot be read as an image ({reason}); write it again") from None


def _rgb(path: Path, image: Image.Image, cmyk: bool) -> Picture:
    if min(image.size) < LEAST_SIDE:
        raise InputError(f"{path}: {image.width} x {image.height} pixels; at least {LEAST_SIDE} a side are wanted")
    if "transparency" in image.info or image.mode in OPAQUE:
        pixels = np.asarray(image.convert("RGBA"))
        if pixels[..., 3].min() < 255:
            raise InputError(f"{path}: is see-through in parts; lay it over a colour and save it as RGB")
        return np.ascontiguousarray(pixels[..., :3])
    if image.mode not in EXACT and not (cmyk and image.mode == "CMYK"):
        raise InputError(f"{path}: has the mode {image.mode}; wanted 8-bit RGB or grey: convert it")
    return np.asarray(image.convert("RGB"))
