"""Captions files: JSON lines."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from attack.cases import Generator, Maker, count, of_files
from attack.hostile import JSON, WORDS, changed
from eegbench.datasets import captions

LINES = [
    {"stimulus": f"{i:05d}_cat/cat_{i}", "model": "m", "captions": [f"a cat {k}" for k in range(10)]} for i in range(4)
]


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    return of_files(shared, "captions.jsonl", (_written(LINES),), captions.read, MADE, check)


def check(found: captions.CaptionsFile) -> None:
    """Captions are the same when they are written and read again, and when more are to be added."""
    again = found.path.with_name("again.jsonl")
    again.write_bytes(b"".join(entry.line() for entry in found.entries.values()))
    assert captions.read(again).entries == found.entries
    with captions.taken_up(found.path) as (entries, _):
        assert entries == found.entries


def _written(lines: Any) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _fields(rng: random.Random) -> bytes:
    return _written(changed(LINES, rng))


def _words(rng: random.Random) -> bytes:
    line = {**LINES[0], rng.choice(("stimulus", "model")): rng.choice(WORDS)}
    line["captions"] = [rng.choice(("a", "a", rng.choice(WORDS))) for _ in range(rng.choice((10, 10, 9, 11)))]
    return _written([line])


def _many(rng: random.Random) -> bytes:
    return _written([{**LINES[0], "stimulus": f"s{i}"} for i in range(count(rng, 10, 10_000))])


def _long(rng: random.Random) -> bytes:
    return rng.choice((b"a", b"[", b"\n", b"{}\n", b'"', b" ", b"\r")) * count(rng, 10, 500_000)


def _value(rng: random.Random) -> bytes:
    return JSON[rng.choice(sorted(JSON))](rng).replace(b"\n", b" ") + b"\n"


MADE: dict[str, Generator] = {
    "fields": _fields,
    "words": _words,
    "many lines": _many,
    "one sign": _long,
    "values": _value,
}
