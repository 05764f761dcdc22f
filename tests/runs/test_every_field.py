"""Every field of a run's records by values that nobody wrote: refused in a line, or read by every verb."""

import copy
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from eegbench.checks import drift, merging
from eegbench.checks.verify import Verifier
from eegbench.contracts import Silent
from eegbench.errors import EegbenchError, InputError
from eegbench.leaderboard.board import Board
from eegbench.runs import layout
from eegbench.runs.folder import Run
from eegbench.runs.permutation import Permutation
from eegbench.runs.seal import sealed
from eegbench.studies import compare, gallery
from small_world import Lab

CASES = 40  # of each file; scripts/attack tries thousands
FILES = (layout.RECORD, layout.SHEET, layout.PERMUTATION)
WRONG: tuple[Any, ...] = (
    *(None, True, 0, -1, 1, 1.5, -0.5, 1e11, -1e12, 1e-300, 10**19, 2**64 - 1),
    *("", "x", "x" * 20_000, "\ud800", "\x1b[31m\x07\n", "../x", "a" * 64, "nope", "<b>"),
    *("all", "eeg", "ceiling", "failed", "started", "method", "floor", "micro", "reference", "sal512"),
    *([], [1], [[[]]], [None, None], [0, 1], [1, 0], {}, {"inner": "x"}, {"inner": {}}, {"a": {"b": [1, None]}}),
)


SCHEMAS = {
    file: json.loads((merging.SCHEMAS / f"{Path(file).stem}.schema.json").read_text(encoding="utf-8"))
    for file in (layout.RECORD, layout.SHEET)
}


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every field; of a list to those of its first entry."""
    entries = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*before, key)
        yield from places(entry, (*before, key))


def spoilt(text: str, rng: random.Random) -> tuple[str, Any]:
    """A record with one field of another value, sealed anew, and what was changed."""
    value = json.loads(text)
    ways = list(places(value))
    field = rng.choice(sorted({str(way[-1]) for way in ways}))  # each as often, however many scores have it
    *way, last = rng.choice([way for way in ways if str(way[-1]) == field])
    part = value
    for key in way:
        part = part[key]
    alike = [entry for entry in WRONG if type(entry) is type(part[last])]  # half of them, so that many are read
    wrong = copy.deepcopy(rng.choice(alike if alike and rng.random() < 0.5 else WRONG))
    part[last] = wrong
    return (sealed(value) if "seal" in value else json.dumps(value)), (*way, last, wrong)


def read(folder: Path) -> None:
    Run.open(folder).values  # noqa: B018
    Permutation.read(folder)


def use(folder: Path, top: Path) -> None:
    """Everything that reads a folder of runs, or this one beside others; of errors only our own are let through."""
    board = Board.of(top, claims="all")
    assert board.unreadable == ()
    for form in ("md", "csv", "json"):
        board.render(form)
    board.html(top / "board.html", pictures=gallery.collect(board.exhibited(), settings={}))
    Verifier(Silent()).verify(folder).lines()
    with suppress(EegbenchError):
        drift.to_json(drift.read_scores(top))
    with suppress(EegbenchError):
        compare.compare(folder, folder).to_json()


@pytest.mark.parametrize("name", FILES)
def test_a_record_with_any_value_in_any_field_is_refused_or_read_by_every_verb(lab: Lab, name: str) -> None:
    folder = lab.evaluate(track="oracle").run_folder
    whole, rng = (folder / name).read_text(), random.Random(name)
    counts, lines = {"refused": 0, "read": 0}, list[str]()
    for _ in range(CASES):
        text, change = spoilt(whole, rng)
        (folder / name).write_text(text)
        try:
            read(folder)
        except InputError as error:
            counts["refused"] += 1
            lines.append(str(error))
            continue
        counts["read"] += 1
        if name in SCHEMAS:
            validate(json.loads(text), SCHEMAS[name])
        try:
            use(folder, lab.runs)
        except Exception as error:
            raise AssertionError(f"{change!r:.300}: {type(error).__name__}: {error}") from error
    assert not [line for line in lines if "\n" in line or len(line) > 1000]
    assert min(counts.values()) > CASES // 10, counts
