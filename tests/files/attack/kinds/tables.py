"""scores.csv: the values by stimulus."""

import random
from pathlib import Path

import numpy as np
import pytest

from attack.cases import Generator, Maker, count, of_files
from attack.hostile import WORDS
from eegbench.runs.items import ItemValues, parse_values, read_values, write_values

HEAD = b"stimulus,sample,ssim@1,clip@1\n"
WHOLE = HEAD + b"".join(b"%02d_thing/a_%d,0,0.%d,%s\n" % (i, i, i, b"" if i == 3 else b"0.5") for i in range(8))
LONG = b"stimulus,sample,metric,version,value\na,0,ssim,1,0.5\nb,0,ssim,1,0.25\n"
CELLS = ("1e999", "nan", "inf", "-inf", "1_0", "0x10", "٣", "1" * 5000, "", " 1", "1e-400", "-0", "1,2", "1j", "True")


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    return of_files(shared, "scores.csv", (WHOLE, LONG, HEAD), read_values, MADE, check)


def check(found: ItemValues) -> None:
    """Values are finite or NaN, and the same when they are written and read again."""
    assert all(not np.isinf(items).any() for items in found.metrics.values())
    again = parse_values(write_values({name: items[None] for name, items in found.metrics.items()}, found.stimuli))
    assert again.stimuli == found.stimuli or not found.metrics
    for name, items in again.metrics.items():
        assert np.allclose(items, found.metrics[name], rtol=1e-11, atol=0, equal_nan=True)  # twelve digits are kept


def _cell(rng: random.Random) -> bytes:
    rows = [line.split(b",") for line in WHOLE.splitlines()]
    row = rng.choice(rows)
    row[rng.randrange(len(row))] = rng.choice((*CELLS, *WORDS)).encode(errors="surrogatepass")
    return b"\n".join(map(b",".join, rows)) + rng.choice((b"\n", b"", b"\n\n"))


def _columns(rng: random.Random) -> bytes:
    columns = count(rng, 3, 30_000)
    head = b"stimulus,sample," + b",".join(b"m%d@1" % i for i in range(columns))
    return head + b"\n" + b"\n".join(b"s%d,0%s" % (i, b",1" * columns) for i in range(rng.randint(0, 2))) + b"\n"


def _rows(rng: random.Random) -> bytes:
    return HEAD + b"".join(b"s%07d,0,1,2\n" % i for i in range(count(rng, 10, 50_000)))


def _samples(rng: random.Random) -> bytes:
    return HEAD + b"".join(b"s,%d,1,2\n" % i for i in range(count(rng, 10, 50_000)))


def _field(rng: random.Random) -> bytes:
    quote = rng.choice((b'"', b""))
    return HEAD + quote + rng.choice((b"a", b"\n", b'""', b",")) * count(rng, 100, 500_000) + quote + b",0,1,2\n"


def _long(rng: random.Random) -> bytes:
    """Schema version 1, whose every row may have a metric of its own."""
    number = count(rng, 10, 30_000)
    row = rng.choice((b"s%d,0,m,1,1\n", b"s,0,m%d,1,1\n", b"s%d,0,m%d,1,1\n"))
    width = row.count(b"%d")
    return LONG.splitlines()[0] + b"\n" + b"".join(row % ((i,) * width) for i in range(number))


def _lines(rng: random.Random) -> bytes:
    return HEAD + rng.choice((b"\n", b",\n", b",,,\n", b"\r", b'""\n')) * count(rng, 10, 200_000)


MADE: dict[str, Generator] = {
    "cells": _cell,
    "many columns": _columns,
    "many rows": _rows,
    "many samples": _samples,
    "a large field": _field,
    "schema version 1": _long,
    "empty lines": _lines,
}
