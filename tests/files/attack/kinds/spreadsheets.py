"""CSV files that people hand on: pairs of images, and the ledger of claims."""

import csv
import io
import random
from pathlib import Path

import pytest

from attack.cases import Generator, Maker, count, of_files
from attack.hostile import NUMBERS, WORDS
from eegbench.leaderboard import ledger
from eegbench.pairs.folders import Folder
from eegbench.pairs.pairing import Pairs, read_pairs

PAIRS = b"truth,reconstruction,sample\n" + b"".join(b"a/%d.png,%d.png,0\n" % (i, i) for i in range(4))


def make_pairs(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    truths = Folder(shared / "truths", {f"a/{i}.png": shared / f"a/{i}.png" for i in range(4)}, ())
    made = Folder(shared / "made", {f"{i}.png": shared / f"{i}.png" for i in range(4)}, ())

    def check(found: Pairs) -> None:
        """Pairs of images that are there, each used once."""
        used = [file for numbered in found.values() for file in numbered.values()]
        assert len(set(used)) == len(used) and set(used) <= set(made.files.values())
        assert {f"{stimulus}.png" for stimulus in found} <= set(truths.files)

    return of_files(shared, "pairs.csv", (PAIRS,), lambda path: read_pairs(path, truths, made), _made(PAIRS), check)


def make_claims(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    whole = b"".join(ledger.LEDGER.read_bytes().splitlines(keepends=True)[:12])
    return of_files(shared, "claims.csv", (whole,), ledger.read_claims, _made(whole))


def _made(whole: bytes) -> dict[str, Generator]:
    rows = list(csv.reader(io.StringIO(whole.decode(), newline="")))

    def cells(rng: random.Random) -> bytes:
        changed = [list(row) for row in rows]
        for _ in range(rng.randint(1, 3)):
            row = rng.choice(changed)
            words = (*WORDS, *map(str, NUMBERS), rng.choice(rng.choice(rows)), "../" * 50, "[" * count(rng, 1, 100_000))
            row[rng.randrange(len(row))] = rng.choice(words)
        return _written(changed)

    def columns(rng: random.Random) -> bytes:
        changed = [list(row) for row in rows]
        for row in changed if rng.random() < 0.5 else changed[:1]:
            row.insert(rng.randrange(len(row)), rng.choice(WORDS))
        return _written(changed)

    def many(rng: random.Random) -> bytes:
        head, *lines = whole.splitlines(keepends=True)
        return head + rng.choice((b"".join(lines), rng.choice(lines), b"\n", b"," * 20 + b"\n", b'"\n"')) * count(
            rng, 2, 20_000
        )

    def wide(rng: random.Random) -> bytes:
        return b",".join([b"truth", b"reconstruction"] * count(rng, 1, 500_000)) + b"\n"

    def field(rng: random.Random) -> bytes:
        head = whole.splitlines(keepends=True)[0]
        return (
            head
            + b'"'
            + rng.choice((b"a", b"\n", b'""', b",")) * count(rng, 100, 2_000_000)
            + rng.choice((b'"\n', b""))
        )

    return {"cells": cells, "columns": columns, "many lines": many, "a wide head": wide, "a large field": field}


def _written(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", escapechar="\\")
    writer.writerows(rows)
    return text.getvalue().encode(errors="surrogatepass")
