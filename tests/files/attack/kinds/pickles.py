"""Pickles: numpy's files of objects and plain ones, written opcode by opcode where no library would write them."""

import io
import pickle
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attack.cases import Generator, Maker, count, of_files
from attack.spoiling import PROGRAMS
from eegbench.datasets.pickled import read_pickled

PROTO = b"\x80\x02"
HEADERS = (
    "(" * 3000,
    "[" * 900 + "]" * 900,
    "-" * 3000 + "1",
    "\x00" * 100,
    "9**9**9",
    "__import__('attack_bait')",
    "{'descr': 'S9', 'shape': ()}",
    "{'descr': '|O', 'fortran_order': False, 'shape': ()}",
    "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': ()}",
    "{'descr': '|O', 'fortran_order': False, 'shape': (" + "9" * 3000 + ",)}",
)
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
F4 = b"cnumpy\ndtype\nX\x02\x00\x00\x00f4K\x00K\x01\x87R"


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    value = {"data": np.ones((3, 2, 4), np.float32), "names": ["Oz", "O1"], "times": np.arange(4) / 100, "n": 3}
    saved = io.BytesIO()
    np.save(saved, value, allow_pickle=True)  # type: ignore[arg-type]
    wholes = [saved.getvalue(), *(pickle.dumps(value, protocol=protocol) for protocol in (2, 4, 5))]
    return of_files(shared, "a.npy", wholes, read_pickled, MADE, check_plain)


def check_plain(found: Any) -> None:
    """Numbers, text and read-only arrays in plain containers, and nothing else; each container is looked at once."""
    seen, left = {id(found)}, [found]
    while left:
        value = left.pop()
        if isinstance(value, list | tuple | dict):
            inner = [*value, *(value.values() if isinstance(value, dict) else ())]
            left += [one for one in inner if id(one) not in seen]
            seen.update(map(id, inner))
            continue
        plain = value is None or type(value) in (bool, int, float, str, bytes) or isinstance(value, np.generic)
        array = type(value) is np.ndarray and not value.dtype.hasobject and not value.flags.writeable
        assert plain or array, f"holds a {type(value).__name__}"


def text(words: str | bytes) -> bytes:
    data = words.encode() if isinstance(words, str) else words
    return b"X" + struct.pack("<I", len(data)) + data


def _encoded(rng: random.Random) -> bytes:
    """One long text, encoded again and again: five bytes for each."""
    long = text(rng.choice(("a", "é")) * count(rng, 100, 1_000_000))
    head = PROTO + b"c_codecs\nencode\nq\x00" + long + text("latin1") + b"\x86q\x01]("
    return head + b"h\x00h\x01R" * count(rng, 10, 5_000) + b"e."


def _doubled(rng: random.Random) -> bytes:
    """A list of lists of lists, each of which holds the one before some times."""
    width, made = rng.choice((2, 10, 100)), PROTO + b"]q\x00"
    for _ in range(rng.randint(2, 40)):
        made += b"](" + b"h\x00" * width + b"eq\x00"
    return made + b"."


def _tuples(rng: random.Random) -> bytes:
    return PROTO + text("a" * 100) + b"q\x00" + b"h\x00\x86q\x00h\x00" * rng.randint(2, 60) + b"\x86."


def _repeated(rng: random.Random) -> bytes:
    """Two bytes for each place in a list."""
    return PROTO + text("a" * 50) + b"q\x000](" + b"h\x00" * count(rng, 100, 1_000_000) + b"e."


def _containers(rng: random.Random) -> bytes:
    piece = rng.choice((b"]", b"}", b")", b"K\x01", b"N", b"\x88"))
    return PROTO + b"](" + piece * count(rng, 100, 1_000_000) + b"e."


def _arrays(rng: random.Random) -> bytes:
    """Many arrays of the bytes of one, or of shapes that say more than there is."""
    shape = rng.choice((b"K\x04\x85", b"J\xff\xff\xff\x7f\x85", b"K\x00J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87", b")"))
    data = b"B" + struct.pack("<I", 16) + bytes(16)
    one = RECONSTRUCT + b"(K\x01" + shape + F4 + b"\x89" + data + b"tb"
    return b"\x80\x03](" + one * count(rng, 1, 5_000) + b"e."


def _wide_scalars(rng: random.Random) -> bytes:
    """Text of four bytes a sign, of which one is repeated."""
    signs = rng.choice((10, 9999))
    dtype = b"cnumpy\ndtype\n" + text(f"U{signs}") + b"K\x00K\x01\x87R"
    data = b"B" + struct.pack("<I", 4 * signs) + b"a\x00\x00\x00" * signs
    head = b"\x80\x03cnumpy.core.multiarray\nscalar\nq\x00" + dtype + data + b"\x86q\x01]("
    return head + b"h\x00h\x01R" * count(rng, 10, 50_000) + b"e."


def _announced(rng: random.Random) -> bytes:
    size = rng.choice((2**31 - 1, 2**32 - 1, 2**40, 2**63, 2**64 - 1))
    code = rng.choice((b"\x8e", b"\x96", b"\x8d"))
    return b"\x80\x05" + code + struct.pack("<Q", size) + b"a" * rng.randint(0, 100) + b"."


def _deep(rng: random.Random) -> bytes:
    depth = count(rng, 10, 100_000)
    return PROTO + rng.choice((b"]" * depth + b"a" * (depth - 1), b"N" + b"\x85" * depth)) + b"."


def _memo(rng: random.Random) -> bytes:
    return (
        PROTO
        + b"]"
        + b"".join(b"r" + struct.pack("<I", rng.randrange(2**32)) for _ in range(rng.randint(1, 50)))
        + b"."
    )


def _numbers(rng: random.Random) -> bytes:
    long = bytes([0x8A, 255]) + b"\x7f" * 255
    return PROTO + b"](" + long * count(rng, 1, 20_000) + b"e."


def _header(rng: random.Random) -> bytes:
    words = rng.choice(HEADERS).encode()
    version = rng.choice((b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\xff\xff"))
    size = rng.choice((len(words), 0, 65535, 2**31 - 1))
    packed = struct.pack("<H", min(size, 65535)) if version == b"\x01\x00" else struct.pack("<I", size)
    return b"\x93NUMPY" + version + packed + words + rng.choice((b"", rng.choice(PROGRAMS)))


def _dictionary(rng: random.Random) -> bytes:
    """Keys that are unhashable, equal in their hash, or not words."""
    key = rng.choice((b"]", b"}", b")", b"N", b"G" + bytes(8), b"K\x01\x85"))
    pairs = b"".join(
        bytes([0x8A, 8]) + struct.pack("<Q", i * (2**61 - 1) % 2**63) + b"N" for i in range(count(rng, 1, 3000))
    )
    return PROTO + b"}(" + rng.choice((key + b"N", pairs)) + b"u."


MADE: dict[str, Generator] = {
    "a program": lambda rng: rng.choice(PROGRAMS),
    "one text encoded many times": _encoded,
    "a list in lists": _doubled,
    "a tuple in tuples": _tuples,
    "one text many times": _repeated,
    "many containers": _containers,
    "arrays of the same bytes": _arrays,
    "wide scalars": _wide_scalars,
    "bytes that do not come": _announced,
    "deep nesting": _deep,
    "far places in the memo": _memo,
    "long numbers": _numbers,
    "headers": _header,
    "keys": _dictionary,
}
