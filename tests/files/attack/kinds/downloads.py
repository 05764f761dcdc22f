"""Answers of servers: of a file to download, and of a listing of files."""

import gzip
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attack import serving
from attack.cases import Case, Maker, count
from attack.hostile import JSON, changed
from attack.spoiling import spoilt
from eegbench import download
from eegbench.contracts import Silent
from eegbench.datasets.osf import osf

CONTENT = b"PK\x03\x04" + bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATIENCE = 0.3  # s
MOST = 2**20  # bytes of a download
SERVING = 5.0  # s of CPU for the server's own side


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    serving.allow(patch)
    patch.setattr(download, "PAUSES", (0.0, 0.0))
    patch.setattr(download, "PATIENCE", PATIENCE)
    shared.joinpath("warm").mkdir()
    _download([serving.answer(CONTENT)], shared / "warm" / "a.zip", {})
    _listing([serving.answer(json.dumps(LISTING).encode())])

    def case(rng: random.Random, folder: Path) -> Case:
        if rng.random() < 0.2:
            listed = _listed(rng)
            return Case("a listing", len(listed), lambda: _listing([serving.answer(listed)]), spare=SERVING)
        answers = [ANSWERS[what := rng.choice(sorted(ANSWERS))](rng) for _ in range(rng.choice((1, 1, 2, 3)))]
        options: dict[str, Any] = rng.choice(
            ({}, {"sha256": SHA256}, {"size": len(CONTENT)}, {"kind": "zip"}, {"kind": "numpy"})
        )
        return Case(what, sum(map(len, answers)), lambda: _download(answers, folder / "a.zip", options), spare=SERVING)

    return case


def _download(answers: list[bytes], path: Path, options: dict[str, Any]) -> object:
    """The digest is that of the file that lies there, whole and of the wanted kind; else nothing has its name."""
    with serving.serving(answers) as (url, _):
        try:
            found = download.download(f"{url}/a.zip", path, progress=Silent(), most=MOST, **options)
        except Exception:
            assert not path.exists()
            raise
    data = path.read_bytes()
    assert found == hashlib.sha256(data).hexdigest() and len(data) <= MOST
    assert found == options.get("sha256", found) and len(data) == options.get("size", len(data))
    assert sorted(path.parent.iterdir()) == [path] or not list(path.parent.glob("*.part"))
    return data


def _range(rng: random.Random) -> bytes:
    said = rng.choice(
        (
            "bytes 0-9/10",
            "bytes 5-9/10",
            "bytes */*",
            "bytes 0-99999999999999999999/9",
            "",
            "lines 0-1/2",
            "bytes 10-5/3",
        )
    )
    return serving.answer(
        CONTENT[: rng.randrange(1, 5000)],
        "206 Partial Content",
        ETag=rng.choice(('"1"', '"2"', 'W/"1"', "", "\x01")),
        Content_Range=said,
    )


def _torn(rng: random.Random) -> bytes:
    return serving.answer(CONTENT, ETag='"1"')[: rng.randrange(10, 5000)]


def _packed(rng: random.Random) -> bytes:
    return serving.answer(
        gzip.compress(bytes(count(rng, 100, 5_000_000))),
        Content_Encoding=rng.choice(("gzip", "br", "identity, gzip", "\x1b")),
    )


def _heads(rng: random.Random) -> bytes:
    lines = b"".join(b"X-%d: %s\r\n" % (i, b"a" * rng.choice((1, 1000))) for i in range(count(rng, 1, 2_000)))
    return rng.choice(
        (
            b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n" + CONTENT,
            b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
            b"HTTP/9.9 x\r\n\r\n",
        )
    )


def _more(rng: random.Random) -> bytes:
    return serving.answer(bytes(count(rng, MOST // 4, 8 * MOST)), Content_Length=rng.choice(("", str(MOST * 2))))


ANSWERS: dict[str, Callable[[random.Random], bytes]] = {
    "whole": lambda rng: serving.answer(CONTENT, ETag='"1"'),
    "another file": lambda rng: serving.answer(spoilt(CONTENT, rng), ETag='"1"'),
    "statuses": serving.status,
    "redirects": serving.redirect,
    "lengths": serving.length,
    "ranges": _range,
    "a torn answer": _torn,
    "packed": _packed,
    "chunks": serving.chunked,
    "heads": _heads,
    "more than wanted": _more,
    "a page": serving.page,
    "no answer": lambda rng: rng.choice((b"", b"\x00" * 100, b"SSH-2.0-x\r\n", spoilt(serving.answer(CONTENT), rng))),
}

LISTING: dict[str, Any] = {
    "data": [
        {
            "attributes": {"name": "a.zip", "kind": "file", "size": 3, "extra": {"hashes": {"sha256": "0" * 64}}},
            "links": {"download": "http://127.0.0.1/a.zip"},
        }
    ],
    "links": {"next": None},
}


def _listing(answers: list[bytes]) -> object:
    with serving.serving(answers) as (url, _):
        listed = osf("abcde", api=f"{url}/")
    assert all("/" not in one.path and one.path != ".." and one.address.startswith("http://") for one in listed)
    return listed


def _listed(rng: random.Random) -> bytes:
    made = changed(LISTING, rng) if rng.random() < 0.7 else None
    return JSON[rng.choice(sorted(JSON))](rng) if made is None else json.dumps(made).encode()
