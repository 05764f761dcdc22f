"""The claims ledger: numbers that papers print, kept apart from what was measured.

`claims.csv` has one line a number, `papers.csv` one a paper; the ledger says which of our runs would be the same
experiment, or why none would be.
"""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from eegbench.errors import InputError
from eegbench.files import canonical, check_name
from eegbench.guards.budget import Budget, read_bytes
from eegbench.guards.fields import read_fields
from eegbench.runs.record import MAX_IMAGES, MAX_VALUE, METHOD_TRACKS, TRAINED_ON
from eegbench.runs.sheet import PROTOCOLS

LEDGER, PAPERS = (Path(__file__).with_name(name) for name in ("claims.csv", "papers.csv"))
UNSTATED = "protocol not stated"  # how `uncertain` owns up to an empty `protocol`
MAX_BYTES = 4 * 2**20
LONGEST = 1000  # characters of a field

T = TypeVar("T", "Claim", "Paper")
_SUBJECT = re.compile(r"pooled|mean of [1-9][0-9]?|[1-9][0-9]?")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


@dataclass(frozen=True)
class Claim:
    """One published number; `method` as the paper calls it. Its fields are the columns of the ledger.

    subject: a number, "mean of 10", or "pooled" over the people of eegcvpr. protocol: how the number came about;
    uncertain: what of that is open, contradictory or circular. not_comparable: why no run of ours is the same
    experiment. Where it is empty, the fields from our_method to version say which run is: all of them must agree with
    it, of its configuration those that are named; items is the number of stimuli, version the metric's.

    train_on, calibration, view: as in a run's specification, with which they must agree; average too may be said of a
    number that compares with no run. selection: of what the number is the best ("best epoch on the test set"); such a
    number compares with no run, for runs are means. A ledger may lack these four columns: all own data, none selected.
    """

    paper: str
    table: str
    dataset: str
    subject: str
    method: str
    metric: str
    value: float
    spread: float | None
    our_method: str
    configuration: dict[str, Any]
    track: str
    suite: str
    our_protocol: str
    average: str
    samples: int | None
    items: int | None
    version: int | None
    protocol: str
    uncertain: str
    not_comparable: str
    train_on: str = "own"
    calibration: int = 0
    view: dict[str, Any] = field(default_factory=dict)
    selection: str = ""

    def __post_init__(self) -> None:
        _check_texts(self)
        for what in ("paper", "dataset", "metric"):
            check_name(what, getattr(self, what))
        if missing := [what for what in ("table", "method") if not getattr(self, what)]:
            raise InputError(f"{missing[0]} is empty; write where the paper prints the number, and of which method")
        if not _SUBJECT.fullmatch(self.subject):
            raise InputError(f"subject is {self.subject!r}; wanted a number, 'mean of' a number, or 'pooled'")
        if not abs(self.value) <= MAX_VALUE or not 0 <= (self.spread or 0) <= MAX_VALUE:
            raise InputError(f"value {self.value}, spread {self.spread}; wanted finite numbers, the spread not below 0")
        if not self.protocol and UNSTATED not in self.uncertain.lower():
            raise InputError(f"protocol is empty; write it down, or {UNSTATED!r} into `uncertain`")
        if self.train_on not in TRAINED_ON:
            raise InputError(f"train_on is {self.train_on!r}; wanted one of {', '.join(TRAINED_ON)}")
        if self.calibration and self.train_on != "others":
            raise InputError(f"calibration is {self.calibration}, and train_on {self.train_on}; wanted others, or 0")
        if self.calibration > MAX_IMAGES:
            raise InputError(f"calibration is {self.calibration} stimuli; wanted at most {MAX_IMAGES}")
        if not self.not_comparable:
            self._check_comparison()

    def _check_comparison(self) -> None:
        if self.selection:
            raise InputError(
                f"selection is {self.selection!r}: no run of ours is a best of several; say why not compared"
            )
        names = ("our_method", "track", "suite", "our_protocol", "average", "samples", "items", "version")
        if missing := [name for name in names if not getattr(self, name)]:
            raise InputError(f"{', '.join(missing)} empty: say which run of ours compares, or why none does")
        for what in ("our_method", "average"):
            check_name(what, getattr(self, what))
        if self.track not in METHOD_TRACKS:  # no paper's method is a ceiling
            raise InputError(f"track is {self.track!r}; wanted one of {', '.join(METHOD_TRACKS)}")
        if self.our_protocol not in PROTOCOLS:
            raise InputError(f"our_protocol is {self.our_protocol!r}; wanted one of {', '.join(PROTOCOLS)}")
        if self.suite != "reference":
            raise InputError(f"suite is {self.suite!r}; wanted 'reference', for papers used no other judges")

    @property
    def place(self) -> tuple[str, ...]:
        """What only one line of the ledger has."""
        seen = (self.train_on, str(self.calibration), canonical(self.view), self.average)
        return self.paper, self.table, self.dataset, self.subject, self.method, self.metric, *seen


@dataclass(frozen=True)
class Paper:
    """Where claims come from; a field is empty where it is not known. called: what the ledger calls it."""

    key: str
    called: str
    authors: str
    year: str
    venue: str
    identifier: str
    code: str

    def __post_init__(self) -> None:
        _check_texts(self)
        check_name("key", self.key)


def read_claims(path: Path = LEDGER) -> tuple[Claim, ...]:
    """The claims of a CSV file, by default of the package; raises InputError naming the line and what is wrong."""
    return _read(Claim, path, lambda claim: claim.place)


def read_papers(path: Path = PAPERS) -> tuple[Paper, ...]:
    """The papers of a CSV file, by default of the package; raises InputError naming the line and what is wrong."""
    return _read(Paper, path, lambda paper: (paper.key,))


def _read(cls: type[T], path: Path, place: Callable[[T], tuple[str, ...]]) -> tuple[T, ...]:
    """The lines of a CSV file as frozen dataclasses, no two with the same `place`."""
    records: dict[tuple[str, ...], T] = {}
    required = [f.name for f in dataclasses.fields(cls) if not _has_default(f)]
    later = [f.name for f in dataclasses.fields(cls) if _has_default(f)]
    for number, line in _lines(path, required, later):
        try:
            said = {name: _typed(name, text) for name, text in line.items() if text or name not in later}
            record = read_fields(cls, said, "line")
            if records.setdefault(place(record), record) is not record:
                raise InputError(f"says again what an earlier line says: {', '.join(place(record))}")
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from None
    return tuple(records.values())


def _has_default(of: "dataclasses.Field[Any]") -> bool:
    return of.default is not dataclasses.MISSING or of.default_factory is not dataclasses.MISSING


def _lines(path: Path, required: Sequence[str], later: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The lines and their numbers; raises InputError for a file that is no CSV with these columns in this order.

    later: columns that came to the ledger when there were files without them, and that may be missing.
    """
    data = read_bytes(path, MAX_BYTES, "a ledger of claims")
    Budget(str(path), len(data)).csv(data)
    try:
        reader = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
        lines = [(reader.line_num, fields) for fields in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error})") from None
    head = lines[0][1] if lines else []
    columns = [*required, *(name for name in later if name in head)]
    if head != columns:
        problem = [f"{name[:80]!r} is unknown" for name in head if name not in columns]
        problem += [f"{name!r} is missing" for name in required if name not in head]
        problems = ", ".join(problem[:5]) or "they are repeated, or in another order"
        raise InputError(f"{path}: its columns are wrong: {problems}; wanted {', '.join([*required, *later])}")
    for number, fields in lines[1:]:
        if len(fields) != len(columns):
            raise InputError(f"{path}, line {number}: has {len(fields)} fields; wanted {len(columns)}")
    return [(number, dict(zip(columns, fields, strict=True))) for number, fields in lines[1:]]


def _typed(name: str, text: str) -> object:
    """What a field holds, from its text; raises InputError for text of another kind."""
    if len(text) > LONGEST:
        raise InputError(f"{name} has {len(text)} characters; at most {LONGEST} are read")
    read, wanted = READERS.get(name, (str, ""))
    try:
        return read(text)
    except (ValueError, RecursionError):
        raise InputError(f"{name} is {text[:80]!r}; wanted {wanted}") from None


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):  # float() takes nan, inf and 1_0 as well
        raise ValueError("no number")
    return float(text)


def _count(text: str) -> int:
    if not (_NUMBER.fullmatch(text) and text.isdecimal() and int(text)):
        raise ValueError("no count")
    return int(text)


def _or_none(read: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: read(text) if text else None


def _table(text: str) -> object:
    table = json.loads(text) if text else {}
    if not isinstance(table, dict) or canonical(table) != (text or "{}"):
        raise ValueError("not canonical")
    return table


def _check_texts(record: "Claim | Paper") -> None:
    for name in [f.name for f in dataclasses.fields(record)]:
        text = getattr(record, name)
        if isinstance(text, str) and (not text.isprintable() or text != text.strip()):
            raise InputError(f"{name} is {text[:80]!r}; wanted text on one line, with no space around it")


READERS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "value": (_number, "a number"),
    "spread": (_or_none(_number), "a number, or nothing"),
    **dict.fromkeys(
        ("configuration", "view"), (_table, "a JSON object with sorted keys and no white space, or nothing")
    ),
    "calibration": (lambda text: 0 if text == "0" else _count(text), "a whole number of stimuli, or nothing"),
    **dict.fromkeys(("samples", "items", "version"), (_or_none(_count), "a whole number from 1, or nothing")),
}
