"""Images: PNG, JPEG, WebP, BMP and TIFF."""

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from attack.cases import Generator, Maker, count, of_files
from eegbench.datasets.images import MAX_PIXELS, read_image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FORMS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("RGB", "PNG", {}), ("L", "PNG", {}), ("P", "PNG", {}), ("1", "PNG", {}), ("LA", "PNG", {}),
    ("RGB", "JPEG", {}), ("RGB", "JPEG", {"progressive": True}), ("L", "JPEG", {"progressive": True}),
    ("RGB", "WEBP", {}), ("RGB", "WEBP", {"lossless": True}), ("RGB", "BMP", {}), ("P", "BMP", {}),
    ("RGB", "TIFF", {}), ("RGB", "TIFF", {"compression": "tiff_lzw"}), ("L", "TIFF", {"compression": "tiff_deflate"}),
    ("RGB", "TIFF", {"compression": "jpeg"}), ("1", "TIFF", {"compression": "group4"}),
)  # fmt: skip


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    wholes = [encoded(_picture(20, 30).convert(mode), form, **options) for mode, form, options in FORMS]
    return of_files(shared, "image", wholes, read_image, MADE, lambda found: check(shared, found))


def check(folder: Path, found: NDArray[np.uint8]) -> None:
    """Colours within the limits, which a PNG of them gives again."""
    assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3
    assert found.shape[0] * found.shape[1] <= MAX_PIXELS
    if found.size < 2**16:
        Image.fromarray(found).save(folder / "again.png")
        assert np.array_equal(read_image(folder / "again.png"), found)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def _picture(width: int, height: int) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * 7 % 256, y * 5 % 256, (x + y) % 256], -1).astype(np.uint8))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(
    width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2, before: bytes = b"", laced: int = 0
) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, laced)
    return SIGNATURE + _chunk(b"IHDR", head) + before + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _scans(rng: random.Random) -> bytes:
    """A progressive JPEG with one scan again and again, of a picture on which each costs time and few bytes."""
    side = count(rng, 16, 3000)
    whole = encoded(Image.new("RGB", (side, side)), "JPEG", progressive=True)
    starts = [place for place in range(len(whole) - 1) if whole[place : place + 2] == b"\xff\xda"]
    place = rng.choice(starts[:-1] or starts)
    ends = [other for other in (*starts, len(whole) - 2) if other > place]
    following = whole[place : ends[0]]
    cut = following.rfind(b"\xff\xc4")  # a table of codes that belongs to the next scan
    scan = following if cut < 0 else following[:cut]
    return whole[:place] + scan * count(rng, 1, 3_000) + whole[place:]


def _dimensions(rng: random.Random) -> bytes:
    """Sizes that the pixels behind them do not have, in each format."""
    width, height = (rng.choice((0, 1, 2**15, 8192, 8193, 2**16 - 1, 2**24, 2**31 - 1, 2**32 - 1)) for _ in "wh")
    if rng.random() < 0.4:
        return _png(
            width,
            height,
            bytes(100),
            depth=rng.choice((1, 8, 16)),
            colour=rng.choice((0, 2, 3, 4, 6)),
            laced=rng.randint(0, 1),
        )
    if rng.random() < 0.5:
        head = struct.pack(
            "<IiiHHIIiiII",
            40,
            width & 0x7FFFFFFF,
            height & 0x7FFFFFFF,
            1,
            rng.choice((1, 8, 24, 32)),
            rng.randint(0, 3),
            0,
            0,
            0,
            0,
            0,
        )
        return b"BM" + struct.pack("<IHHI", 154, 0, 0, 54) + head + bytes(100)
    whole = bytearray(encoded(_picture(20, 30), "JPEG", progressive=rng.random() < 0.5))
    place = whole.index(b"\xff\xc2" if b"\xff\xc2" in whole else b"\xff\xc0")
    whole[place + 5 : place + 9] = struct.pack(">HH", height & 0xFFFF, width & 0xFFFF)
    return bytes(whole)


def _one_colour(rng: random.Random) -> bytes:
    """Many pixels in few bytes."""
    side = count(rng, 100, 9000)
    form = rng.choice(
        (("PNG", {}), ("WEBP", {"lossless": True, "method": 0}), ("TIFF", {"compression": "tiff_deflate"}))
    )
    side = min(side, 4000) if form[0] != "PNG" else side
    if form[0] == "PNG":
        return (
            _png(side, side, b"".join([b"\x00" * (side * 3 + 1)] * min(side, 9000)), laced=0)
            if side < 3000
            else _png(side, side, bytes(1000))
        )
    return encoded(Image.new("RGB", (side, side)), form[0], **form[1])


def _texts(rng: random.Random) -> bytes:
    """Text beside the pixels: much of it, or little that unpacks to much."""
    notes = PngInfo()
    for number in range(count(rng, 1, 2_000)):
        notes.add_text(f"k{number}", "a" * count(rng, 1, 100), zip=rng.random() < 0.5)
    if rng.random() < 0.3:
        bomb = zlib.compress(bytes(count(rng, 1000, 80_000_000)), 1)
        kind = rng.choice((b"zTXt", b"iTXt", b"iCCP"))
        data = b"key\x00\x01\x00\x00\x00" + bomb if kind == b"iTXt" else b"key\x00\x00" + bomb
        return _png(2, 2, bytes(14), before=_chunk(kind, data))
    return encoded(_picture(8, 8), "PNG", pnginfo=notes)


def _chunks(rng: random.Random) -> bytes:
    kind = rng.choice((b"IDAT", b"tEXt", b"abCd", b"PLTE", b"acTL", b"eXIf", b"tRNS", b"gAMA"))
    return _png(8, 8, bytes(200), before=_chunk(kind, bytes(rng.randint(0, 4))) * count(rng, 1, 50_000))


def _animation(rng: random.Random) -> bytes:
    frames = [Image.new("RGB", (8, 8), (i, 0, 0)) for i in range(rng.choice((2, 3, 50)))]
    form = rng.choice(("PNG", "WEBP", "TIFF", "GIF"))
    return encoded(frames[0], form, save_all=True, append_images=frames[1:])


def _tags(rng: random.Random) -> bytes:
    """A TIFF whose tags are many, lie anywhere, or lead back to themselves."""
    entries = []
    for _ in range(count(rng, 1, 3_000)):
        tag, kind = (
            rng.choice((256, 257, 258, 259, 262, 273, 277, 278, 279, 322, 323, 324, 330, 34665, 274, 317, 338)),
            rng.randint(0, 13),
        )
        entries.append(
            struct.pack(
                "<HHII",
                tag,
                kind,
                rng.choice((0, 1, 3, 2**16, 2**31)),
                rng.choice((0, 1, 8, 2**31, rng.randrange(2**32))),
            )
        )
    table = (
        struct.pack("<H", len(entries) % 2**16)
        + b"".join(sorted(entries))
        + struct.pack("<I", rng.choice((0, 8, 2**31)))
    )
    return b"II*\x00" + struct.pack("<I", 8) + table + bytes(rng.randint(0, 1000))


def _strips(rng: random.Random) -> bytes:
    """A TIFF of very many strips, or tiles larger than it."""
    rows = count(rng, 1, 20_000)
    fields = [
        (256, 4, 1, 2),
        (257, 4, 1, rows),
        (258, 3, 1, 8),
        (259, 3, 1, rng.choice((1, 5, 8, 7, 32773))),
        (262, 3, 1, 1),
    ]
    fields += [
        (273, 4, rows, 200),
        (277, 3, 1, 1),
        (278, 4, 1, rng.choice((1, rows, 0))),
        (279, 4, rows, 200 + 4 * rows),
    ]
    if rng.random() < 0.3:
        fields = [one for one in fields if one[0] not in (273, 278, 279)]
        fields += [
            (322, 4, 1, rng.choice((16, 2**15, 2**31))),
            (323, 4, 1, rng.choice((16, 2**15))),
            (324, 4, 1, 8),
            (325, 4, 1, 4),
        ]
    table = struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", *one) for one in sorted(fields)) + bytes(4)
    return (
        (b"II*\x00" + struct.pack("<I", 8) + table).ljust(200, b"\0")
        + struct.pack("<I", 8) * rows
        + struct.pack("<I", 2) * rows
    )


def _other(rng: random.Random) -> bytes:
    """What is no image, or of a format that is not read."""
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9999 9999\n%%EndComments\n"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    return rng.choice(
        (
            b"",
            eps,
            svg,
            b"GIF89a",
            b"P6 99999 99999 255\n",
            b"\x00" * 1000,
            b"\xff\xd8\xff",
            SIGNATURE,
            b"RIFF\xff\xff\xff\xffWEBP",
            b"%PDF-1.7",
        )
    )


MADE: dict[str, Generator] = {
    "many scans": _scans,
    "dimensions": _dimensions,
    "one colour": _one_colour,
    "texts": _texts,
    "many chunks": _chunks,
    "animations": _animation,
    "tags": _tags,
    "strips": _strips,
    "no image": _other,
}
