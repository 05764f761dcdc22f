"""Zip archives: what lies where in them, how large they say they are, and how large they become."""

import io
import random
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from attack.cases import Generator, Maker, count, of_files
from attack.hostile import WORDS
from eegbench.contracts import Silent
from eegbench.datasets.archives import names, unpack
from eegbench.files import is_inside

PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
MOST = 2**23  # bytes that a case may write


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    wholes = [packed({"images/a.jpg": b"abc" * 100, "images/b.jpg": b"b" * 500}, packing) for packing in PACKINGS]
    return of_files(shared, "a.zip", wholes, read, MADE)


def read(path: Path) -> object:
    """What is unpacked lies below the folder, as files, under the names that were listed."""
    folder = path.parent / "out"
    listed = names(path)
    made = unpack(path, folder, most_bytes=MOST, progress=Silent())
    assert set(made) == listed and all(map(is_inside, made))
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir()}
    assert there >= listed and not any(file.is_symlink() for file in folder.rglob("*"))
    return made


def packed(files: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def _paths(rng: random.Random) -> bytes:
    parts = (
        "..",
        ".",
        "",
        "a",
        "con",
        "aux.jpg",
        "C:",
        "\\",
        "a\\b",
        " ",
        "a.",
        "~",
        "\u202e",
        "é",
        "e\u0301",
        "A",
        "a",
        *WORDS,
    )
    made = {}
    for _ in range(rng.randint(1, 4)):
        name = rng.choice(("", "", "/", "//")) + "/".join(rng.choice(parts) for _ in range(rng.randint(1, 4)))
        made[name.replace("\0", "").encode(errors="replace").decode() or "a"] = b"x"
    return packed(made)


def _nul(rng: random.Random) -> bytes:
    return packed({"aXb/../c": b"x", "dXe": b"y"}).replace(b"X", rng.choice((b"\0", b"\\", b":", b"\n", b"\x1b")))


def _types(rng: random.Random) -> bytes:
    """Links and devices, of which another entry may lie below."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.create_system = 3
        info.external_attr = (
            rng.choice((stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK, stat.S_IFBLK)) | 0o777
        ) << 16
        archive.writestr(info, rng.choice((b"/etc", b"../../..", b"/etc/passwd")))
        if rng.random() < 0.5:
            archive.writestr("link/passwd", b"x")
    return file.getvalue()


def _nested(rng: random.Random) -> bytes:
    """Folders in folders, for each of many files."""
    depth, files = rng.randint(1, 450), count(rng, 1, 5_000)
    below = "/".join("a" * depth)
    return packed({f"{below}/{number}": b"" for number in range(files)}, zipfile.ZIP_STORED)


def _bomb(rng: random.Random) -> bytes:
    packing = rng.choice(PACKINGS[1:])
    return packed({f"{i}": bytes(count(rng, 1000, 20_000_000)) for i in range(rng.randint(1, 3))}, packing)


def _lying(rng: random.Random) -> bytes:
    """Sizes in the list that are not those of the data; entries that lie on one another."""
    whole = bytearray(packed({"a": bytes(count(rng, 1000, 5_000_000)), "b": b"b" * 50}))
    place = whole.index(b"PK\x01\x02")
    whole[place + 24 : place + 28] = struct.pack("<I", rng.choice((0, 1, 100, 2**31 - 1, 2**32 - 1)))
    if rng.random() < 0.4:
        second = whole.index(b"PK\x01\x02", place + 4)
        whole[second + 42 : second + 46] = whole[place + 42 : place + 46]
    return bytes(whole)


def _overlapping(rng: random.Random) -> bytes:
    """Very many entries of one and the same data."""
    whole = packed({"0000000": bytes(count(rng, 100, 1_000_000))})
    place, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry, number = whole[place:end], count(rng, 2, 20_000)
    entries = b"".join(entry.replace(b"0000000", b"%07d" % i) for i in range(number))
    tail = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, min(number, 65535), min(number, 65535), len(entries), place, 0)
    return whole[:place] + entries + tail


def _many(rng: random.Random) -> bytes:
    return packed({f"{i}.jpg": b"" for i in range(count(rng, 10, 3_000))}, zipfile.ZIP_STORED)


def _twice(rng: random.Random) -> bytes:
    pair = rng.choice((("a", "A"), ("a/b", "a"), ("é", "e\u0301"), ("a/", "a"), ("a/b/c", "A/B"), ("ß", "ss")))
    return packed(dict.fromkeys(pair, b"x"))


def _flags(rng: random.Random) -> bytes:
    """Encrypted, patched, or packed in a way that nobody knows."""
    whole = bytearray(packed({"a": b"x" * 100}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = whole.index(mark) + at
        whole[place : place + 2] = struct.pack("<H", rng.choice((1, 0x20, 0x40, 0x800, 0xFFFF)))
        whole[place + 2 : place + 4] = struct.pack("<H", rng.choice((8, 0, 6, 9, 99, 65535)))
    return bytes(whole)


def _comment(rng: random.Random) -> bytes:
    whole = packed({"a": b"x"})
    return rng.choice(
        (b"MZ" + bytes(count(rng, 1, 1_000_000)) + whole, whole[:-2] + b"\xff\xff" + b"PK\x05\x06" * 16_000, whole * 3)
    )


MADE: dict[str, Generator] = {
    "paths": _paths,
    "signs in names": _nul,
    "links and devices": _types,
    "nested folders": _nested,
    "bombs": _bomb,
    "sizes that lie": _lying,
    "overlapping entries": _overlapping,
    "many files": _many,
    "names twice": _twice,
    "flags": _flags,
    "what lies around": _comment,
}
