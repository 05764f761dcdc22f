"""A prepared folder: arrays that are memory-mapped, small tables, and a manifest that is written last.

    manifest.json      what it was made from; type, shape, size and sha256 of every other file
    train.npy ...      arrays; trials.csv ...  tables
    unfinished.json    while it is made: which files are whole already
    signals.json       what was found wrong with the signals, and left: it tells of the data, and is no part of them

Without a manifest a folder is not prepared. An interrupted preparation goes on at the file where it was.
"""

import csv
import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from eegbench.contracts import Progress
from eegbench.datasets.scratch import check_room
from eegbench.datasets.signals import SignalFindings
from eegbench.errors import InputError, MissingError, UsageError
from eegbench.files import Json, claimed, file_digest, read_json, write_text, writing
from eegbench.guards.budget import Budget

MANIFEST, UNFINISHED, LOCK, SIGNALS = "manifest.json", "unfinished.json", ".lock", "signals.json"
VERSION = 1
REMAKE = "delete it, and prepare the data set again"
MEND = "choose another folder with --root"


CsvRows = list[dict[str, str]]  # rows of a CSV, by its header


class Preparation:
    """Writes one prepared folder; what is whole already is not made again."""

    def __init__(self, folder: Path, made_from: Json) -> None:
        self.folder, self.made_from = folder, made_from
        self.facts: Json = {}  # what a reader needs to know beside the files, such as channels and rate
        self.files: dict[str, Json] = {}
        self.notes: dict[str, list[str]] = {}  # on signals, by the part of the EEG that was looked at

    def lacks(self, name: str) -> bool:
        """Whether a file is still to be made."""
        return name not in self.files

    @contextmanager
    def array(self, name: str, shape: Sequence[int], kind: DTypeLike = np.float32) -> Iterator["Rows"]:
        """Room for `<name>` of `shape`, filled front to back; MissingError if the disk has not so much."""
        rows = Rows(self.folder / f"{name}.part", tuple(shape), np.dtype(kind))
        try:
            with rows.file:
                yield rows
                rows.finish()
            self._keep(name, rows.path, {"shape": list(shape), "dtype": rows.kind.str, "sha256": rows.sha256})
        finally:
            rows.path.unlink(missing_ok=True)

    def table(self, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write a CSV."""
        listed, text = list(rows), io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *listed])
        part = self.folder / f"{name}.part"
        with writing(part, mend=MEND):
            write_text(part, text.getvalue())
        self._keep(name, part, {"sha256": file_digest(part), "header": list(header), "rows": len(listed)})

    def note(self, part: str, lines: Sequence[str]) -> None:
        """Keep what was found wrong with the signals of a part of the EEG, perhaps nothing."""
        self.notes[part] = list(lines)
        with writing(self.folder / SIGNALS, mend=MEND):
            write_text(self.folder / SIGNALS, _json({"schema_version": VERSION, "notes": self.notes}))

    def examine(self, part: str, find: Callable[[], SignalFindings], source: object) -> None:
        """Keep the notes that `find` gives, unless the part was examined before; InputError for what it refuses."""
        if part not in self.notes:
            findings = find()
            if findings.refusal:
                raise InputError(f"{source}: {findings.refusal}")
            self.note(part, findings.notes)

    def drop(self, name: str) -> None:
        """Delete a file that was a step on the way, if it is there."""
        self.files.pop(name, None)
        with writing(self.folder / name, mend=MEND):
            (self.folder / name).unlink(missing_ok=True)

    def _keep(self, name: str, part: Path, facts: Json) -> None:
        with writing(part, mend=MEND):
            size = part.stat().st_size
            part.replace(self.folder / name)
            self.files[name] = facts | {"bytes": size}
            note = {"schema_version": VERSION, "made_from": self.made_from, "files": self.files}
            write_text(self.folder / UNFINISHED, _json(note))


class Rows:
    """An array on its way to disk, its digest worked out as it goes."""

    def __init__(self, path: Path, shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
        self.path, self.shape, self.kind = path, shape, kind
        self.left, self._sha = math.prod(shape), hashlib.sha256()
        check_room(path.with_suffix(""), self.left * kind.itemsize, mend=MEND)
        with writing(path, mend=MEND):
            self.file = path.open("wb", buffering=0)  # what a full disk refused must not come back when it is closed
        header = io.BytesIO()
        facts = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, facts)
        self._write(header.getvalue())

    def add(self, values: NDArray[Any]) -> None:
        """Write the next rows."""
        block = np.ascontiguousarray(values, self.kind)
        self.left -= block.size
        self._write(block.data.cast("B") if block.size else b"")

    def finish(self) -> None:
        if self.left:
            raise ValueError(f"{self.path}: {self.left} values are missing, or too many")
        with writing(self.path, mend=MEND):
            os.fsync(self.file.fileno())

    @property
    def sha256(self) -> str:
        return self._sha.hexdigest()

    def _write(self, data: bytes | memoryview) -> None:
        self._sha.update(data)
        with writing(self.path, mend=MEND):
            while data:
                data = data[self.file.write(data) :]


@contextmanager
def preparing(folder: Path, made_from: Json) -> Iterator[Preparation]:
    """Make `folder`, or go on with it; the manifest is written when the body ends.

    `made_from` (options, and the digests of sources) is kept in the manifest; what was made from something else is made
    anew. Raises UsageError if another process prepares it, or it cannot be written; MissingError for want of space.
    """
    with writing(folder, mend=MEND):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("ab")
    with lock:
        _claim(folder, lock)
        preparation = Preparation(folder, json.loads(json.dumps(made_from)))
        preparation.files = _complete_files(folder, preparation.made_from)
        if not preparation.files:  # earlier notes are not of these sources either
            (folder / MANIFEST).unlink(missing_ok=True)
            (folder / UNFINISHED).unlink(missing_ok=True)
            (folder / SIGNALS).unlink(missing_ok=True)
        preparation.notes = read_notes(folder)
        yield preparation
        parts = {name: getattr(preparation, name) for name in ("made_from", "facts", "files")}
        manifest = {"schema_version": VERSION, **parts}
        with writing(folder / MANIFEST, mend=MEND):
            write_text(folder / MANIFEST, _json(manifest))
            (folder / UNFINISHED).unlink(missing_ok=True)


def _complete_files(folder: Path, made_from: Json) -> dict[str, Json]:
    """The files of an earlier preparation from the same sources; their sizes are looked at, `verify` reads them."""
    for name in (MANIFEST, UNFINISHED):
        try:
            before = read_json(folder / name)
            if before["made_from"] == made_from and before["schema_version"] == VERSION:
                return {
                    name: facts
                    for name, facts in before["files"].items()
                    if (folder / name).is_file() and (folder / name).stat().st_size == facts["bytes"]
                }
        except (InputError, KeyError, TypeError, AttributeError):
            continue
    return {}


def _claim(folder: Path, lock: Any) -> None:
    if not claimed(lock):
        raise UsageError(f"{folder}: another process prepares it; wait until it is done")


@dataclass(frozen=True)
class Prepared:
    """A prepared folder, read."""

    folder: Path
    sha256: str  # of its manifest, which holds the digest of every file
    made_from: Json
    facts: Json
    files: dict[str, Json]

    @classmethod
    def read(cls, folder: Path, *, remedy: str) -> Self:
        """Raises MissingError with `remedy` where there is no manifest, InputError for one that is none."""
        path = folder / MANIFEST
        if not path.is_file():
            begun = " to its end" if (folder / UNFINISHED).is_file() else ""
            raise MissingError(f"{folder}: not prepared{begun}; {remedy}")
        manifest = read_json(path)
        parts: list[Json] = [manifest.get(name, {}) for name in ("made_from", "facts", "files")]
        known = manifest.get("schema_version") == VERSION and all(isinstance(part, dict) for part in parts)
        if not known or not all(_sound(name, facts) for name, facts in parts[2].items()):
            raise InputError(f"{path}: no manifest of version {VERSION}; delete its folder, then {remedy}")
        return cls(folder, file_digest(path), parts[0], parts[1], parts[2])

    def array(self, name: str) -> NDArray[Any]:
        """A memory-mapped array, read-only; InputError unless type, shape and size are the manifest's."""
        facts, path = self._facts(name), self.folder / name
        try:
            values: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # rubbish makes numpy fail in any way
            raise InputError(f"{path}: damaged ({' '.join(str(error).split())[:100]}); {REMAKE}") from None
        if list(values.shape) != facts.get("shape") or values.dtype.str != facts.get("dtype"):
            raise InputError(
                f"{path}: {values.dtype} of shape {values.shape}; its manifest says {facts.get('dtype')} of shape "
                f"{facts.get('shape')}; {REMAKE}"
            )
        return values

    def table(self, name: str) -> CsvRows:
        """The rows of a CSV; InputError unless header and number of rows are the manifest's."""
        facts, path = self._facts(name), self.folder / name
        rows = read_table(path)
        if len(rows) != facts.get("rows") or (rows and list(rows[0]) != facts.get("header")):
            raise InputError(f"{path}: damaged, its rows are not those of its manifest; {REMAKE}")
        return rows

    def problems(self, progress: Progress) -> list[str]:
        """What is missing or damaged, a line each; every byte is read."""
        lines = []
        with progress.bar(f"verify {self.folder.name}", sum(int(f["bytes"]) for f in self.files.values())) as advance:
            for name, facts in self.files.items():
                path = self.folder / name
                if not path.is_file():
                    lines.append(f"{path}: is missing; {REMAKE}")
                elif file_digest(path) != facts["sha256"]:
                    lines.append(f"{path}: damaged, its sha256 is not the one of its manifest; {REMAKE}")
                advance(int(facts["bytes"]))
        return lines

    def _facts(self, name: str) -> Json:
        if name not in self.files:
            raise InputError(f"{self.folder / MANIFEST}: names no {name}; {REMAKE}")
        path, facts = self.folder / name, self.files[name]
        if not path.is_file() or path.stat().st_size != facts["bytes"]:
            came = f"{path.stat().st_size} bytes" if path.is_file() else "missing"
            raise InputError(f"{path}: {came}, wanted {facts['bytes']} bytes; {REMAKE}")
        return facts


def read_notes(folder: Path) -> dict[str, list[str]]:
    """What was found wrong with the signals, by part; nothing where none was looked at. InputError if it is damaged."""
    path = folder / SIGNALS
    if not path.is_file():
        return {}
    held = read_json(path)
    notes = held.get("notes") if held.get("schema_version") == VERSION else None
    if not isinstance(notes, Mapping) or not all(_are_lines(lines) for lines in notes.values()):
        raise InputError(f"{path}: damaged, it holds no notes on signals; {REMAKE}")
    return {part: list(lines) for part, lines in notes.items()}


def _are_lines(lines: object) -> bool:
    return isinstance(lines, list) and all(isinstance(line, str) and line.isprintable() for line in lines)


def read_table(path: Path) -> CsvRows:
    """The rows of a CSV of ours; InputError if it is damaged."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
            Budget.of(path).csv(text)
            header, *rows = csv.reader(io.StringIO(text, newline=""))
        return [dict(zip(header, row, strict=True)) for row in rows]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); {REMAKE}") from None


def _sound(name: str, facts: object) -> bool:
    inside = "/" not in name and "\\" not in name and not name.startswith(".")
    return inside and isinstance(facts, dict) and type(facts.get("bytes")) is int and type(facts.get("sha256")) is str


def _json(value: Json) -> str:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"
