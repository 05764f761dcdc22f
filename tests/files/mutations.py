"""Spoils files in the ways that accident and malice do, each from a seed of its own."""

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TELLING = b"R.b0cPti\x81\x93\x94\x85(}]NK\x00\x01\x7f\x80\xff"  # opcodes, and the ends of numbers
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"
PROGRAMS = (  # pickles that ask for more than data
    b"cos\nsystem\n(S'true'\ntR.",
    b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94\x8c\x04eval\x94\x93\x94.",
    b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.",
    b"\x80\x04c__builtin__\nexec\n\x8c\x04pass\x85R.",
)
# What a reader of data has no reason to do while it reads.
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "exec")


def spoilt(whole: bytes, seed: int, other: bytes = b"") -> bytes:
    """`whole` with one kind of damage; `other` is a file that a piece may come from."""
    rng = random.Random(seed)
    return rng.choice(KINDS)(bytearray(whole), rng, other or whole)


def _bytes(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    for _ in range(rng.randint(1, 6)):
        data[_early(len(data), rng)] = rng.choice((0, 255, rng.randrange(256), rng.choice(TELLING)))
    return bytes(data)


def _bit(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    data[_early(len(data), rng)] ^= 1 << rng.randrange(8)
    return bytes(data)


def _torn(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    return bytes(data[: _early(len(data), rng)])


def _lacking(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    start = _early(len(data), rng)
    del data[start : start + rng.randint(1, 64)]
    return bytes(data)


def _added(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    start, place = _early(len(other), rng), _early(len(data), rng)
    data[place:place] = other[start : start + rng.randint(1, 64)]
    return bytes(data)


def _number(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    """A length or a size that is not so."""
    place, width = _early(len(data), rng), rng.choice((1, 2, 4, 8))
    value = rng.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, rng.randrange(2**16)))
    data[place : place + width] = (value % 256**width).to_bytes(width, "little")
    return bytes(data)


def _zeros(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    start, count = _early(len(data), rng), rng.randint(1, 512)
    data[start : start + count] = bytes(len(data[start : start + count]))
    return bytes(data)


def _program(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    """A program in the file's place, or in the midst of it."""
    program, place = rng.choice(PROGRAMS), _early(len(data), rng)
    return program if rng.random() < 0.5 else bytes(data[:place]) + program.rstrip(b".") + bytes(data[place:])


def _page(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    return PAGE[: rng.randint(1, len(PAGE))] + (bytes(data) if rng.random() < 0.3 else b"")


def _early(length: int, rng: random.Random) -> int:
    """A place in the file, mostly where its structure is: at both ends."""
    near = min(length, 2048)
    return rng.choice((rng.randrange(near), length - 1 - rng.randrange(near), rng.randrange(length)))


KINDS: tuple[Callable[[bytearray, random.Random, bytes], bytes], ...] = (
    _bytes, _bytes, _bit, _torn, _lacking, _added, _number, _number, _zeros, _program, _page,
)  # fmt: skip

_watching: list[list[str]] = []
_hooked: list[bool] = []


@contextmanager
def watched() -> Iterator[list[str]]:
    """What is done meanwhile that no reader of data has a reason to do, and files opened for writing."""
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_note)  # for good: Python takes none back
    found: list[str] = []
    _watching.append(found)
    try:
        yield found
    finally:
        _watching.pop()


def _note(event: str, values: tuple[object, ...]) -> None:
    if not _watching:
        return
    imported = event == "exec" and not getattr(values[0], "co_filename", "").startswith("<string>")
    if event in FORBIDDEN and not imported:
        _watching[-1].append(f"{event} {values!r:.80}")
    if event == "open" and isinstance(values[1], str) and set(values[1]) & set("wax+"):
        _watching[-1].append(f"writes {values[0]!r:.300}")


def try_each(path: Path, wholes: list[bytes], read: Callable[[Path], object], seeds: range) -> dict[str, int]:
    """Read a spoilt file for each seed: how many were "refused", by our own error, and how many "read".

    The whole ones must be readable. Raises AssertionError for any other end: another exception, an error of several
    lines, or something done that reading does not need, such as writing outside the file's own folder.
    """
    from eegbench.errors import EegbenchError

    counts = {"refused": 0, "read": 0}
    for whole in wholes:
        path.write_bytes(whole)
        read(path)  # and all that is imported late is there
    for seed in seeds:
        path.write_bytes(spoilt(wholes[seed % len(wholes)], seed, wholes[(seed + 1) % len(wholes)]))
        lines = 0
        with watched() as done, warnings.catch_warnings(action="error"):
            try:
                read(path)
                counts["read"] += 1
            except EegbenchError as error:
                counts["refused"] += 1
                lines = str(error).count("\n")
            except Exception as error:
                raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
        strange = [what for what in done if str(path.parent) not in what]  # there an archive may be unpacked
        assert not strange and not lines, f"seed {seed}: {strange[:3]}, {lines} line breaks in the error"
    return counts
