"""How much memory and CPU time reading one file may take, in proportion to its size.

A reader spends from a `Budget` before it makes room and before it works, so that a file which asks for more than its
size can need is refused in one line. Work is counted in steps, never by the clock: a busy machine refuses nothing.
A step is the work of about a microsecond; what a reader counts (an opcode, a value, a tensor, pixels of a scan) it
weighs by that.

The base is for the largest image that is read, 2^26 pixels, which may stand in a file of a few kilobytes. Decoding it
was measured to take 8 bytes a pixel of PNG, 10 of JPEG and 16 of WebP, and up to 2 seconds: the base allows 24 bytes a
pixel, half as much again, and 5 seconds, for slower machines and other decoders. The multiples are those of honest
files, with a wide margin. Memory: the bytes of an array are held once or twice (published recordings, weights),
half-precision weights become float32 (three times), and a list of numbers in JSON or CSV takes six times its text.
Time: 30 ns a byte, where a copy takes one, a sha256 three, and JSON as we write it about ten.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from eegbench.errors import InputError

BASE_MEMORY = 3 * 2**29  # bytes, whatever the size of the file
MEMORY = 8  # times its size, beside them
BASE_SECONDS = 5.0
BYTES_A_SECOND = 2**25
STEPS_A_SECOND = 1_000_000

VALUE = 128  # bytes of memory that a value of JSON or CSV may take, with its place in a list or its key


def most_memory(size: int) -> int:
    """Bytes of memory that reading a file of `size` bytes may take."""
    return BASE_MEMORY + MEMORY * size


def most_seconds(size: int) -> float:
    """Seconds of CPU time that reading a file of `size` bytes may take."""
    return BASE_SECONDS + size / BYTES_A_SECOND


def read_bytes(path: Path, most: int, what: str, *, mend: str = "") -> bytes:
    """The bytes of a file, at most `most`. what: its kind in messages, such as "a record". mend: advice where there is
    none.

    Raises InputError for something that is no file (a pipe or a device would never end), for more bytes, and for what
    cannot be read.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: {'not a file' if path.exists() else 'no such file'}{mend}")
        if (size := path.stat().st_size) > most:
            raise InputError(f"{path}: {size} bytes; {what} has at most {most}")
        with path.open("rb") as file:
            data = file.read(size + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from None
    if len(data) > size:
        raise InputError(f"{path}: grew while it was read; read it when it is whole")
    return data


@dataclass
class Budget:
    """What is left to the reading of one file; each method raises InputError where that is too little."""

    name: str  # of the file, as errors say it
    size: int  # bytes

    def __post_init__(self) -> None:
        self.memory_left = most_memory(self.size)
        self.steps_left = int(most_seconds(self.size) * STEPS_A_SECOND)

    @classmethod
    def of(cls, path: Path) -> Self:
        return cls(str(path), path.stat().st_size)

    def memory(self, count: int) -> None:
        """Spend bytes of memory."""
        self.memory_left -= count
        if self.memory_left < 0:
            most = most_memory(self.size)
            asked, may = -(-(most - self.memory_left) // 10**6), most // 10**6
            raise InputError(
                f"{self.name}: asks for {asked:,} MB of memory; a file of {self.size:,} bytes may take {may:,} MB"
            )

    def steps(self, count: int = 1) -> None:
        """Spend steps of work."""
        self.steps_left -= count
        if self.steps_left < 0:
            most = most_seconds(self.size)
            asked = most - self.steps_left / STEPS_A_SECOND
            raise InputError(
                f"{self.name}: asks for {asked:,.1f} s of work; a file of {self.size:,} bytes may take {most:,.1f} s"
            )

    def json(self, text: bytes | str) -> None:
        """Spend for the values that a text in JSON may hold: as many as it has signs that begin or part them."""
        count = _count(text, ",[{:")
        self.memory(VALUE * count)
        self.steps(count)

    def csv(self, text: bytes | str, mark: str = ",") -> None:
        """Spend for the fields that a text in CSV may hold, a row being worth two."""
        count = _count(text, mark) + 2 * _count(text, "\n\r")
        self.memory(VALUE * count)
        self.steps(count)


def _count(text: bytes | str, signs: str) -> int:
    if isinstance(text, str):
        return sum(map(text.count, signs))
    return sum(text.count(sign.encode()) for sign in signs)
