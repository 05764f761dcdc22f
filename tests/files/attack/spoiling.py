"""Spoils a file's bytes in the ways that accident and malice do."""

import random
from collections.abc import Callable

TELLING = b"R.b0cPti\x81\x93\x94\x85(}]NK\x00\x01\x7f\x80\xff"  # opcodes, and the ends of numbers
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"
PROGRAMS = (  # pickles that ask for more than data; `attack_bait` is a module that says so where it is imported
    b"cos\nsystem\n(S'true'\ntR.",
    b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94\x8c\x04eval\x94\x93\x94.",
    b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.",
    b"\x80\x04c__builtin__\nexec\n\x8c\x04pass\x85R.",
    b"\x80\x02cattack_bait\nharm\n)R.",
    b"\x80\x04\x8c\x0battack_bait\x8c\x04harm\x93)R.",
    b"\x80\x02cthis\ns\n.",
    b"\x80\x02cnumpy\nload\nX\x0b\x00\x00\x00/etc/passwd\x85R.",
    b"\x80\x02cpathlib\nPosixPath\nX\x04\x00\x00\x00/tmp\x85R.",
    b"\x80\x02ctorch.hub\nload\n)R.",
    b"\x80\x04\x8c\x05numpy\x8c\x18core.multiarray.__loader__\x93.",
    b"\x80\x02ccollections\nOrderedDict\n)R}X\x07\x00\x00\x00__class__K\x00sb.",
)


def spoilt(whole: bytes, rng: random.Random, other: bytes = b"") -> bytes:
    """`whole` with one kind of damage; `other` is a file that a piece may come from."""
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
    data[place : place + width] = (value % 256**width).to_bytes(width, rng.choice(("little", "big")))
    return bytes(data)


def _zeros(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    start, length = _early(len(data), rng), rng.randint(1, 512)
    data[start : start + length] = bytes(len(data[start : start + length]))
    return bytes(data)


def _program(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    """A program in the file's place, or in the midst of it."""
    program, place = rng.choice(PROGRAMS), _early(len(data), rng)
    return program if rng.random() < 0.5 else bytes(data[:place]) + program.rstrip(b".") + bytes(data[place:])


def _page(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    return PAGE[: rng.randint(1, len(PAGE))] + (bytes(data) if rng.random() < 0.3 else b"")


def _again(data: bytearray, rng: random.Random, other: bytes) -> bytes:
    """The whole behind itself, a few times."""
    return bytes(data) * rng.randint(2, 4)


def _early(length: int, rng: random.Random) -> int:
    """A place in the file, mostly where its structure is: at both ends."""
    near = max(1, min(length, 2048))
    places = (rng.randrange(near), length - 1 - rng.randrange(near), rng.randrange(max(1, length)))
    return max(0, rng.choice(places))


KINDS: tuple[Callable[[bytearray, random.Random, bytes], bytes], ...] = (
    *(_bytes, _bytes, _bit, _torn, _lacking, _added, _number, _number, _zeros, _program, _page, _again),
)
