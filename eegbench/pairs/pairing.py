"""Which reconstruction belongs to which true image, where their names do not say it: a file of pairs, read.

It is a CSV file with the columns truth, reconstruction and, where a truth has several, sample (0, 1, ...). Paths are
those below the two folders. The file may be a stranger's: a path is taken only if it is that of an image found there.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from eegbench.errors import InputError
from eegbench.guards.budget import Budget, read_bytes
from eegbench.guards.walking import few, form
from eegbench.pairs.folders import Folder, without_suffix

COLUMNS = ("truth", "reconstruction", "sample")
WANTED = "wanted truth,reconstruction and, for several of a truth, sample"
MAX_BYTES = 2**26
MAX_SAMPLE = 10_000

Pairs = dict[str, dict[int, Path]]  # stimulus id to its reconstructions, by sample
Row = dict[str, str]


def read_pairs(path: Path, truths: Folder, reconstructions: Folder) -> Pairs:
    """The reconstructions of each stimulus, by sample; a stimulus id is the truth's path without its suffix.

    Raises InputError for a file that is no table of pairs, and naming the line of the first fault in it: a path that
    leads out or is not there, a truth twice with one sample, a reconstruction twice.
    """
    pairs: Pairs = {}
    used: dict[str, int] = {}
    faults = []
    for line, row in _rows(path):
        try:
            _take(line, row, truths, reconstructions, pairs, used)
        except InputError as error:
            faults.append(f"{path}, line {line}: {error}")
    if faults:
        raise InputError(faults[0] + (f"; and {len(faults) - 1} more lines have faults" if len(faults) > 1 else ""))
    if not pairs:
        raise InputError(f"{path}: has no pair; `eegbench pairs` proposes them")
    return pairs


def unused(pairs: Mapping[str, Mapping[int, Path]], reconstructions: Folder) -> list[str]:
    """The reconstructions that stand on no line."""
    used = {file for numbered in pairs.values() for file in numbered.values()}
    return [path for path, file in reconstructions.files.items() if file not in used]


def _take(line: int, row: Row, truths: Folder, reconstructions: Folder, pairs: Pairs, used: dict[str, int]) -> None:
    truth = _path("truth", row["truth"], truths)
    made = _path("reconstruction", row["reconstruction"], reconstructions)
    word = row.get("sample", "0").strip()
    if not (word.isascii() and word.isdecimal() and len(word) < 10 and int(word) <= MAX_SAMPLE):
        raise InputError(f"sample is {word[:20]!r}; wanted 0, 1, 2, ... up to {MAX_SAMPLE}")
    if (before := used.setdefault(made, line)) != line:
        raise InputError(f"the reconstruction {made!r} stands on line {before} too; each is used once")
    numbered = pairs.setdefault(without_suffix(truth), {})
    if int(word) in numbered:
        raise InputError(
            f"the truth {truth!r} has a sample {int(word)} on a line above; number them 0, 1, 2, ... in a column sample"
        )
    numbered[int(word)] = reconstructions.files[made]


def _path(what: str, word: str, folder: Folder) -> str:
    """A path below a folder in the form of its keys; raises InputError for one that is not among its images."""
    shown, path = repr(word[:200]), PurePosixPath(word)
    if not word.strip():
        raise InputError(f"names no {what}")
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:\\|\\", word):
        raise InputError(
            f"the {what} {shown} is no path below {folder.path}; wanted one without .. and no absolute one"
        )
    key = form(path.as_posix())
    if key in folder.files:
        return key
    for entry in folder.unread:
        if key == form(entry.path) or (entry.folder and f"{key}/".startswith(form(entry.path))):
            raise InputError(f"the {what} {shown} was not read: {entry.path} is {entry.reason}")
    near = next((name for name in folder.files if name.casefold() == key.casefold().replace("\\", "/")), "")
    hint = f"; there is {near!r}" if near else ""
    raise InputError(
        f"the {what} {shown} is none of the {len(folder.files)} images, by their paths below {folder.path}{hint}"
    )


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Each row that is not empty, with the number of its first line, by the columns of the head."""
    rows = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    line = 1
    try:
        head = [word.strip() for word in next(rows, [])]
        _check_head(path, head)
        line = rows.line_num + 1
        for row in rows:
            if len(row) not in (0, len(head)):
                raise InputError(f"{path}, line {line}: has {len(row)} fields; wanted {len(head)}: {','.join(head)}")
            if row:
                yield line, dict(zip(head, row, strict=True))
            line = rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}, line {line}: cannot be read as CSV ({error}); {WANTED}") from None


def _check_head(path: Path, head: list[str]) -> None:
    place = f"{path}, line 1"
    if missing := [name for name in COLUMNS[:2] if name not in head]:
        marks = " with commas between them" if re.search(r"[;\t]", "".join(head)) else ""
        raise InputError(f"{place}: has no column {missing[0]!r} but {','.join(head)[:80]!r}; {WANTED}{marks}")
    if strange := [name for name in head if name not in COLUMNS]:
        raise InputError(f"{place}: has columns of other names: {few([name[:40] for name in strange])}; {WANTED}")
    if len(set(head)) < len(head):
        raise InputError(f"{place}: has a column twice; {WANTED}")


def _text(path: Path) -> str:
    data = read_bytes(path, MAX_BYTES, "a file of pairs", mend="; `eegbench pairs` makes one")
    Budget(str(path), len(data)).csv(data)
    try:
        end = data.index(0) if 0 in data else len(data)
        text = data.decode("utf-8-sig")
        if end == len(data):
            return text
    except UnicodeDecodeError as error:
        end = min(end, error.start)
    line = 1 + data[:end].count(b"\n")
    raise InputError(f"{path}, line {line}: is not text in UTF-8; save it as CSV in UTF-8")
