"""What an image costs to open and decode, by what its file says, before Pillow looks at it.

Pillow bounds the pixels, and we do. Work and memory hang on more than that: a JPEG may hold thousands of scans, each of
which passes over every pixel; a TIFF may point to one part of its file ten thousand times; chunks, segments and strips
are read one by one. Each is counted here from the heads of its parts. A file whose parts cannot be followed is left to
Pillow, which refuses it.
"""

import mmap
import re
import struct
from pathlib import Path

from eegbench.guards.budget import Budget

DECODED, SCANNED = 50, 500  # pixels that a step makes, and of a scan those that it passes over
ARITHMETIC = 20  # times as slow as Huffman's code
PART, PACKED = 5, 2000  # steps of a part that is read by itself, and of one that is unpacked, to 1 MiB at most
COPIED = 1000  # bytes a step
NUMBER = 64  # bytes of memory that a number in a TIFF's tag takes
RUN = 10  # pixels of a run-length coded BMP that a step fills

_END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_PROFILES = (b"iCCP", b"zTXt", b"iTXt")
_RLE = (1, 2)  # ways in which a BMP is packed
# TIFF: first bytes to byte order; bytes of an item by its type; types that stay bytes; tags
_ORDERS = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
_WIDTHS = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_BYTES = (1, 2, 6, 7)
_COMPRESSION, _OLD_JPEG, _JPEG = 259, 6, 7
_PARTS = ((273, 279), (324, 325))  # of strips and of tiles: where each begins, how many bytes it has

Data = bytes | mmap.mmap


def spend(path: Path, budget: Budget) -> None:
    """Spends for all parts of an image file; raises InputError where it asks for more than its size can need."""
    if not budget.size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            if data[:2] == b"\xff\xd8":
                _spend_jpeg(data, 0, len(data), budget)
            elif data[:8] == b"\x89PNG\r\n\x1a\n":
                _spend_png(data, budget)
            elif data[:4] in _ORDERS:
                _spend_tiff(data, budget)
            elif data[:2] == b"BM":
                _spend_bmp(data, budget)
        except (struct.error, IndexError):
            return


def _spend_jpeg(data: Data, start: int, end: int, budget: Budget) -> None:
    """Spend for the segments and scans of a JPEG between two places."""
    place, beside, pixels, slow = start + 2, 0, 0, 1
    while place + 4 <= end:
        if data[place] != 0xFF:
            place += 1  # Pillow looks for the next marker too
            budget.steps()
            continue
        marker = data[place + 1]
        if marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD8:
            place += 1 if marker == 0xFF else 2
            budget.steps()
            continue
        if marker == 0xD9:
            return
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        budget.steps(PART)
        if 0xE0 <= marker <= 0xEF:  # Pillow puts those of one kind together, one by one
            beside += length
            budget.steps(beside // COPIED)
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            budget.steps(height * width // DECODED)
            pixels, slow = max(pixels, height * width), max(slow, ARITHMETIC if marker > 0xC8 else 1)
        place += 2 + length
        if marker == 0xDA:
            budget.steps(slow * pixels // SCANNED)
            after = _END_OF_SCAN.search(data, place, end)
            place = after.start() if after else end


def _spend_png(data: Data, budget: Budget) -> None:
    place = 8
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        budget.steps(PACKED if kind in _PROFILES else PART)
        place += 12 + length


def _spend_bmp(data: Data, budget: Budget) -> None:
    """Spend for the run lengths of a BMP, which Pillow decodes in Python."""
    head, width, height, _, _, packed = struct.unpack_from("<IiiHHI", data, 14)
    if head >= 40 and packed in _RLE:
        budget.steps(abs(width * height) // RUN)


def _spend_tiff(data: Data, budget: Budget) -> None:
    """Spend for the first two directories of a TIFF: Pillow reads a second one before the file is refused."""
    order, large = _ORDERS[data[:4]], b"+" in data[2:4]
    (place,) = struct.unpack_from(f"{order}Q" if large else f"{order}I", data, 8 if large else 4)
    for number in range(2):
        tags, place = _directory(data, place, order, large, budget)
        if number == 0:
            _spend_parts(data, tags, order, budget)
        if not place:
            return


Tag = tuple[int, int, int]  # type, number of items, place of the first


def _directory(data: Data, place: int, order: str, large: bool, budget: Budget) -> tuple[dict[int, Tag], int]:
    """A directory's tags, without those longer than the file, as Pillow reads them; and the next directory's place."""
    many, long = (f"{order}Q", "Q") if large else (f"{order}H", "I")
    (count,) = struct.unpack_from(many, data, place)
    place += struct.calcsize(many)
    budget.steps(PART * count)
    tags: dict[int, Tag] = {}
    for _ in range(count):
        tag, kind, items = struct.unpack_from(f"{order}HH{long}", data, place)
        place += struct.calcsize(f"{order}HH{long}")
        size, inside = items * _WIDTHS.get(kind, 1), struct.calcsize(f"{order}{long}")
        (elsewhere,) = struct.unpack_from(f"{order}{long}", data, place)
        if size <= budget.size:
            tags[tag] = kind, items, place if size <= inside else elsewhere
            budget.memory(size if kind in _BYTES else items * NUMBER)
            budget.steps(size // COPIED if kind in _BYTES else PART * items)
        place += inside
    return tags, int(struct.unpack_from(f"{order}{long}", data, place)[0])


def _spend_parts(data: Data, tags: dict[int, Tag], order: str, budget: Budget) -> None:
    """Spend for strips and tiles: for the bytes of each, which may overlap, and for the scans of JPEGs."""
    (packed, *_) = _numbers(data, tags.get(_COMPRESSION), order) or (1,)
    for begin, length in _PARTS:
        places, lengths = (_numbers(data, tags.get(tag), order) for tag in (begin, length))
        budget.steps(sum(lengths) // COPIED)
        for place, size in zip(places, lengths, strict=False) if packed == _JPEG else ():
            _spend_jpeg(data, place, min(place + size, len(data)), budget)
    if packed == _OLD_JPEG:
        sides = [max(_numbers(data, tags.get(tag), order), default=0) for tag in (256, 257)]
        scans = sum(1 for _ in re.finditer(rb"\xff\xda", data))
        budget.steps(scans * sides[0] * sides[1] // SCANNED)


def _numbers(data: Data, tag: Tag | None, order: str) -> tuple[int, ...]:
    """The whole numbers of a tag; none where there is no such tag, or it holds something else."""
    if tag is None or tag[0] not in (3, 4, 16):
        return ()
    kind, items, place = tag
    return struct.unpack_from(f"{order}{items}{ {3: 'H', 4: 'I', 16: 'Q'}[kind] }", data, place)
