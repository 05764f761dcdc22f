"""What a case is: something hostile, and how it is read; and cases of files, which most kinds are."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from attack.spoiling import spoilt

Generator = Callable[[random.Random], bytes]  # a hostile file
Read = Callable[[Path], Any]
Check = Callable[[Any], object]  # raises where what was read is not right


def unchecked(found: object) -> None:
    """For what is right wherever it is read at all."""


class Outcome(str):
    """What reading gives where a refusal is named and nothing is raised, as by `merge`; its text is the reason."""


@dataclass(frozen=True)
class Case:
    """what: the name of its generator. size: bytes that came in, which the budget is a multiple of.

    read: returns what was read, or an Outcome; it alone is measured. check: asserts what must hold of what was read.
    spare: seconds of CPU that honest work around the reading takes, such as scoring.
    """

    what: str
    size: int
    read: Callable[[], object]
    check: Check = unchecked
    spare: float = 0.0


Maker = Callable[[random.Random, Path], Case]  # the case of a seed, in an empty folder, where alone it may write


@dataclass(frozen=True)
class Kind:
    """make: prepares, in a folder, what its cases share, patches what it must, and gives their maker.

    share: how many of its cases come among all.
    """

    make: Callable[[Path, pytest.MonkeyPatch], Maker]
    share: float


def of_files(
    shared: Path,
    name: str,
    wholes: Sequence[bytes],
    read: Read,
    made: Mapping[str, Generator] | None = None,
    check: Check = unchecked,
) -> Maker:
    """Cases of one file of this name: half are whole ones that were spoilt, the others come from named generators.

    The whole ones must be readable, and are read first, so that all that is imported late is there.
    """
    made = made or {}
    for whole in wholes:
        (shared / name).write_bytes(whole)
        check(read(shared / name))

    def make(rng: random.Random, folder: Path) -> Case:
        path = folder / name
        what = "spoilt" if not made or rng.random() < 0.5 else rng.choice(sorted(made))
        data = spoilt(rng.choice(wholes), rng, rng.choice(wholes)) if what == "spoilt" else made[what](rng)
        path.write_bytes(data)
        return Case(what, len(data), lambda: read(path), check)

    return make


def count(rng: random.Random, low: int, high: int) -> int:
    """A number between these, as likely in each order of magnitude: large ones cost time, and are few."""
    return round(low * math.exp(math.log(high / low) * rng.random()))
