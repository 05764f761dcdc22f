"""Images from files of unknown origin.

Every image becomes uint8 RGB: grey, palettes and alpha that hides nothing lose nothing by it. What would need a choice
is refused: see-through parts (over which colour?), CMYK (by which profile?), more than 8 bits, several images in one
file (which?). Colour profiles and EXIF orientation are not applied, as in the field's own evaluation scripts; a TIFF
that says it is stored turned is refused, for readers of TIFF differ in that.
"""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from eegbench.datasets import image_files
from eegbench.errors import InputError
from eegbench.files import write_bytes
from eegbench.guards.budget import Budget

MAX_PIXELS = 2**26  # 8192 x 8192, 192 MiB as RGB: far above any reconstruction, far below what exhausts memory
BAND = 2**22  # pixels
LEAST_SIDE = 2  # px: one pixel is no picture
EXACT = ("1", "L", "P", "RGB")  # Pillow's modes that become RGB without a choice
OPAQUE = ("LA", "PA", "RGBA")  # if no part is see-through
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff")  # of such files, in any case
KINDS = "PNG, JPEG, WebP, BMP or TIFF"
BITS, ORIENTATION, TILE_WIDTH, TILE_LENGTH = 258, 274, 322, 323  # tags of TIFF
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError),
    *(ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError),  # from a TIFF's broken tags
)

Picture = NDArray[np.uint8]  # (h, w, 3)


def read_image(path: Path, *, cmyk: bool = False) -> Picture:
    """uint8 (h, w, 3) by the rule at the head of this file; raises InputError naming the file.

    `cmyk`: take CMYK by Pillow's own formula, as those who train on ImageNet do, of which some files are so.
    """
    if path.is_dir():
        raise InputError(f"{path}: a folder with the name of an image; rename it")
    if not path.is_file():  # a pipe would never end
        what = "no file, but a pipe, a socket or a device; wanted an image" if path.exists() else "no such file"
        raise InputError(f"{path}: {what}")
    try:
        image_files.spend(path, Budget.of(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pixels, whose limit below is the lower one, and of odd tags
            with Image.open(path, formats=FORMATS) as image:
                _check_header(path, image)
                image.load()
                return rgb(path, image, cmyk=cmyk)
    except UNREADABLE as error:
        unknown = isinstance(error, UnidentifiedImageError)
        reason = f"not a {KINDS} image" if unknown else str(error) or type(error).__name__
        raise InputError(f"{path}: cannot be read as an image ({reason}); write it again") from None


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """A uint8 image (h, w, 3), or map (h, w), as PNG; the same pixels always give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    write_bytes(path, buffer.getvalue())


def _check_header(path: Path, image: Image.Image) -> None:
    """All that is refused before a pixel is decoded."""
    _check_size(path, "", image.width, image.height)
    if isinstance(image, TiffImageFile):
        _check_tags(path, image)
    elif (frames := getattr(image, "n_frames", 1)) > 1:
        raise InputError(f"{path}: an animation of {frames} frames; wanted one still image")
    elif any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())):  # [3]: what its decoder is told
        _refuse_deep(path, image, 16)


def _check_tags(path: Path, image: TiffImageFile) -> None:
    """What a TIFF says beside its size. Its images are not counted: there may be millions."""
    tags = image.tag_v2
    _check_size(path, "tiles of ", *(int(tags.get(tag, 1)) for tag in (TILE_WIDTH, TILE_LENGTH)))
    if (turn := tags.get(ORIENTATION, 1)) != 1:
        raise InputError(f"{path}: is stored turned (orientation {turn!r}); turn it and save it again")
    _refuse_deep(path, image, max(tags.get(BITS, (1,))))
    try:
        image.seek(1)
    except EOFError:
        return
    raise InputError(f"{path}: several images in one file; wanted one still image")


def _check_size(path: object, what: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(f"{path}: {what}{width} x {height} pixels; at most {MAX_PIXELS} are read")


def _refuse_deep(path: Path, image: Image.Image, bits: int) -> None:
    """Where Pillow would cut bits off; other modes of many bits are refused by their name."""
    if bits > 8 and image.mode in (*EXACT, *OPAQUE):
        raise InputError(f"{path}: has {bits} bits a colour; wanted 8-bit RGB or grey: convert it")


def rgb(path: object, image: Image.Image, *, cmyk: bool = False) -> Picture:
    """The pixels of a loaded image, by the rule at the head of this file; `path` names it where it is refused."""
    if min(image.size) < LEAST_SIDE:
        raise InputError(f"{path}: {image.width} x {image.height} pixels; at least {LEAST_SIDE} a side are wanted")
    if image.mode not in (*EXACT, *OPAQUE) and not (cmyk and image.mode == "CMYK"):
        raise InputError(f"{path}: has the mode {image.mode}; wanted 8-bit RGB or grey: convert it")
    see_through = "transparency" in image.info or image.mode in OPAQUE
    rows = max(1, BAND // image.width)  # converted at once: Pillow's copies are those of a band alone
    picture = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height))) if rows < image.height else image
        pixels = np.asarray(band.convert("RGBA" if see_through else "RGB"))
        if see_through and pixels[..., 3].min() < 255:
            raise InputError(f"{path}: is see-through in parts; lay it over a colour and save it as RGB")
        picture[top : top + rows] = pixels[..., :3]
    return picture
