"""Captions files: ten captions for each training image, and the model that made them.

A file is JSON Lines in UTF-8, one image on each line, in any order:

{"stimulus": "00001_cat/cat_01b", "model": "some-model", "captions": ["a cat", ...]}

`captions` are ten, in the order of CAPTION_LEVELS: four of the level low, three mid, three high. The same rules are in
`eegbench/schemas/caption.schema.json`, as JSON Schema of one line. A file may come from a stranger: reading it gives
checked captions or one InputError that names the first few faults and their number.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from eegbench.contracts import CAPTION_LEVELS, TrainingSet
from eegbench.errors import InputError, UsageError
from eegbench.files import claimed, file_digest, writing
from eegbench.guards.budget import Budget
from eegbench.guards.fields import read_fields
from eegbench.guards.walking import form

MAX_CAPTION = 1000  # characters
MAX_LINE = 2**16  # bytes
MAX_FILE = 2**28  # bytes: a million lines are far fewer
PIECE = 2**20  # bytes whose values are counted at once
FIRST = 3  # faults named in an error before the rest are counted
MOST = 100  # faulty lines after which no further one is read
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters and halves of surrogate pairs
HEAD = b'{"stimulus": '  # how every line begins that we write: a torn one can be told from a stranger's text


@dataclass(frozen=True)
class Captions:
    """The captions of one image, ten in the order of CAPTION_LEVELS; raises InputError for any that are not."""

    stimulus: str
    model: str
    captions: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_words("stimulus", self.stimulus)
        _check_words("model", self.model)
        if len(self.captions) != len(CAPTION_LEVELS):
            raise InputError(f"{len(self.captions)} captions; wanted {len(CAPTION_LEVELS)}")
        for number, caption in enumerate(self.captions, 1):
            _check_words(f"caption {number}", caption)

    def line(self) -> bytes:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False).encode() + b"\n"


@dataclass(frozen=True)
class CaptionsFile:
    """The captions of a file, by stimulus; `sha256` of the file."""

    path: Path
    sha256: str
    entries: dict[str, Captions]

    @property
    def models(self) -> list[str]:
        return sorted({entry.model for entry in self.entries.values()})


def read(path: Path) -> CaptionsFile:
    """A captions file, every line checked; raises InputError naming the file, the first faults and their number."""
    entries, end = _read(path)
    if end < path.stat().st_size:
        raise InputError(f"{path}: its last line is cut off; `eegbench captions make -o {path}` takes it up there")
    return CaptionsFile(path, file_digest(path), entries)


def captioned(train: TrainingSet, file: CaptionsFile) -> TrainingSet:
    """A training set with the captions of a file; raises InputError unless file and set name the same images."""
    check_stimuli(file.path, file.entries, train.stimuli)
    return dataclasses.replace(train, captions=tuple(file.entries[form(s)].captions for s in train.stimuli))


def check_stimuli(path: Path, entries: dict[str, Captions], stimuli: Sequence[str], *, complete: bool = True) -> None:
    """Raises InputError unless `entries` are captions of all `stimuli` (where `complete`), and of no other."""
    known = set(map(form, stimuli))
    problems = []
    if complete and (missing := [s for s in stimuli if form(s) not in entries]):
        problems.append(
            f"no captions for {len(missing)} of {len(stimuli)} training images ({_few(missing)}); "
            f"`eegbench captions make -o {path}` makes the rest"
        )
    if strange := [s for s in entries if s not in known]:
        problems.append(
            f"captions for {len(strange)} stimuli that are not among the {len(stimuli)} training images "
            f"({_few(strange)}); take them out, for those of a test image would tell the answer"
        )
    if problems:
        raise InputError(f"{path}: {'; '.join(problems)}")


@contextmanager
def taken_up(path: Path) -> Iterator[tuple[dict[str, Captions], Callable[[Captions], None]]]:
    """What a captions file holds, and a function that adds a line, which others can read when it returns.

    A file that is not there is begun. A last line that a crash cut off is dropped; a faulty file is left as it is.
    Raises InputError for a faulty file, UsageError for one that another process adds to or that cannot be written.
    """
    with writing(path, mend="choose another file with -o"):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a file; choose another with -o")
        file = path.open("ab", buffering=0)  # what a full disk refused must not come back when the file is closed
    with file:
        _claim(path, file)
        entries, end = _read(path)

        def add(entry: Captions) -> None:
            with writing(path, mend="choose another file with -o"):
                _write(file, entry.line())
            entries[form(entry.stimulus)] = entry

        with writing(path, mend="choose another file with -o"):
            file.truncate(end)
            if end and not _ends_with_newline(path):
                _write(file, b"\n")
        yield entries, add


def _write(file: FileIO, data: bytes) -> None:
    while data:
        data = data[file.write(data) :]


def _read(path: Path) -> tuple[dict[str, Captions], int]:
    """Captions by stimulus, and the byte where the sound lines end: before a torn last line, or at the file's end."""
    try:
        if not path.is_file():  # a pipe or a device would never end
            raise InputError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        if (size := path.stat().st_size) > MAX_FILE:
            raise InputError(f"{path}: {size} bytes; a captions file has at most {MAX_FILE}")
        budget = Budget.of(path)
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                budget.json(piece)
                budget.steps(piece.count(b"\n"))  # a third of them is what an empty line takes
            file.seek(0)
            return _parse(path, file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _parse(path: Path, file: BinaryIO) -> tuple[dict[str, Captions], int]:
    entries: dict[str, Captions] = {}
    faults: list[str] = []
    number = end = 0
    while (line := file.readline(MAX_LINE + 1)) and len(faults) < MOST:
        number += 1
        try:
            if not line.endswith(b"\n") and _torn(line):
                break
            if line.strip():
                entry = _entry(line)
                if form(entry.stimulus) in entries:
                    raise InputError(f"{_short(entry.stimulus)} a second time")
                entries[form(entry.stimulus)] = entry
        except InputError as error:
            faults.append(f"line {number}: {error}")
            if len(line) > MAX_LINE:  # where the next line begins cannot be known
                break
        end += len(line)
    if faults:
        more = f"; and {len(faults) - FIRST} more" if len(faults) > FIRST else ""
        least = "at least " if len(faults) == MOST else ""
        lines = f"{least}{len(faults)} lines are wrong: " if len(faults) > 1 else ""
        raise InputError(f"{path}: {lines}{'; '.join(faults[:FIRST])}{more}")
    return entries, end


def _entry(line: bytes) -> Captions:
    """The captions of one line; an error names the stimulus, where that can be read."""
    if len(line) > MAX_LINE:
        raise InputError(f"longer than {MAX_LINE} bytes")
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 ({error.reason})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON ({error})") from None
    name = value.get("stimulus") if isinstance(value, dict) else None
    try:
        return read_fields(Captions, value, "an image's line")
    except InputError as error:
        raise InputError(f"{_short(name)}: {error}" if isinstance(name, str) else str(error)) from None


def _torn(line: bytes) -> bool:
    """Whether this is an incomplete line of ours, as a crash leaves one."""
    if not (line.startswith(HEAD) or HEAD.startswith(line)):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return len(line) <= MAX_LINE
    return False


def _claim(path: Path, file: FileIO) -> None:
    """Lock the file: two processes that add to one file would caption images twice, and pay for them twice."""
    if not claimed(file):
        raise UsageError(f"{path}: another process adds captions to it; wait for it, or choose another file")


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"


def _check_words(what: str, text: str) -> None:
    if not text.strip():
        raise InputError(f"{what} is empty")
    if len(text) > MAX_CAPTION:
        raise InputError(f"{what} has {len(text)} characters; at most {MAX_CAPTION}")
    if CONTROL.search(text):
        raise InputError(f"{what} holds a line break, a control character or half a surrogate pair")


def _few(names: Sequence[str]) -> str:
    return ", ".join(map(_short, names[:FIRST])) + (f" and {len(names) - FIRST} more" if len(names) > FIRST else "")


def _short(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:79] + "…")
