"""Answers of servers: of files to download, of a listing, and of an endpoint that writes captions."""

import gzip
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attack.cases import Case, Maker, count
from attack.hostile import HTML, JSON, WORDS, changed, value
from attack.serving import allow, answer, serving
from attack.spoiling import PAGE, spoilt
from eegbench import download
from eegbench.backbones.captioners.endpoint import COUNTS, Endpoint
from eegbench.contracts import Silent
from eegbench.datasets.osf import osf

CONTENT = b"PK\x03\x04" + bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "sk-attack-0123456789abcdef"
PATIENCE = 0.3  # s
MOST = 2**20  # bytes of a download
SERVING = 5.0  # s of CPU for the server's own side


def make_downloads(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    allow(patch)
    patch.setattr(download, "PAUSES", (0.0, 0.0))
    patch.setattr(download, "PATIENCE", PATIENCE)
    shared.joinpath("warm").mkdir()
    _download([answer(CONTENT)], shared / "warm" / "a.zip", {})
    _listing([answer(json.dumps(LISTING).encode())])

    def case(rng: random.Random, folder: Path) -> Case:
        if rng.random() < 0.2:
            listed = _listed(rng)
            return Case("a listing", len(listed), lambda: _listing([answer(listed)]), spare=SERVING)
        answers = [ANSWERS[what := rng.choice(sorted(ANSWERS))](rng) for _ in range(rng.choice((1, 1, 2, 3)))]
        options: dict[str, Any] = rng.choice(
            ({}, {"sha256": SHA256}, {"size": len(CONTENT)}, {"kind": "zip"}, {"kind": "numpy"})
        )
        return Case(what, sum(map(len, answers)), lambda: _download(answers, folder / "a.zip", options), spare=SERVING)

    return case


def make_endpoints(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    allow(patch)
    _ask([answer(_chat(_captions()))])

    def case(rng: random.Random, folder: Path) -> Case:
        answers = [CHATS[what := rng.choice(sorted(CHATS))](rng) for _ in range(rng.choice((1, 1, 2)))]
        return Case(what, sum(map(len, answers)), lambda: _ask(answers), spare=SERVING)

    return case


def _download(answers: list[bytes], path: Path, options: dict[str, Any]) -> object:
    """The digest is that of the file that lies there, whole and of the wanted kind; else nothing has its name."""
    with serving(answers) as (url, _):
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


def _status(rng: random.Random) -> bytes:
    words = rng.choice(("Nope", "\x1b[2J", HTML, "a" * 5000, ""))
    return answer(
        rng.choice((b"", PAGE, CONTENT)),
        f"{rng.choice((100, 204, 206, 302, 304, 401, 404, 416, 500, 503, 999))} {words}",
    )


def _redirect(rng: random.Random) -> bytes:
    to = rng.choice(
        (
            "/a.zip",
            "file:///etc/passwd",
            "ftp://127.0.0.1/x",
            "http://[",
            "//",
            "http://127.0.0.1:1/",
            "",
            "data:,x",
            "\x1b[2J",
            "javascript:1",
        )
    )
    return answer(b"", f"{rng.choice((301, 302, 303, 307, 308))} Moved", Location=to)


def _length(rng: random.Random) -> bytes:
    said = rng.choice(("0", "-1", "1", str(len(CONTENT) + 1), str(2**40), str(10**30), "many", "1, 2", "0x10"))
    return answer(CONTENT, Content_Length=said)


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
    return answer(
        CONTENT[: rng.randrange(1, 5000)],
        "206 Partial Content",
        ETag=rng.choice(('"1"', '"2"', 'W/"1"', "", "\x01")),
        Content_Range=said,
    )


def _torn(rng: random.Random) -> bytes:
    return answer(CONTENT, ETag='"1"')[: rng.randrange(10, 5000)]


def _packed(rng: random.Random) -> bytes:
    return answer(
        gzip.compress(bytes(count(rng, 100, 5_000_000))),
        Content_Encoding=rng.choice(("gzip", "br", "identity, gzip", "\x1b")),
    )


def _chunked(rng: random.Random) -> bytes:
    body = rng.choice(
        (
            b"5\r\nabcde\r\n0\r\n\r\n",
            b"ffffffffffffffff\r\nabc",
            b"-5\r\nabc",
            b"zz\r\n",
            b"1;" + b"a" * 70_000,
            b"5\r\nab",
        )
    )
    return answer(body, Content_Length="", Transfer_Encoding="chunked")


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
    return answer(bytes(count(rng, MOST // 4, 8 * MOST)), Content_Length=rng.choice(("", str(MOST * 2))))


def _page(rng: random.Random) -> bytes:
    return answer(PAGE, Content_Type=rng.choice(("text/html", "application/octet-stream", "a/b; charset=\x1b")))


ANSWERS: dict[str, Callable[[random.Random], bytes]] = {
    "whole": lambda rng: answer(CONTENT, ETag='"1"'),
    "another file": lambda rng: answer(spoilt(CONTENT, rng), ETag='"1"'),
    "statuses": _status,
    "redirects": _redirect,
    "lengths": _length,
    "ranges": _range,
    "a torn answer": _torn,
    "packed": _packed,
    "chunks": _chunked,
    "heads": _heads,
    "more than wanted": _more,
    "a page": _page,
    "no answer": lambda rng: rng.choice((b"", b"\x00" * 100, b"SSH-2.0-x\r\n", spoilt(answer(CONTENT), rng))),
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
    with serving(answers) as (url, _):
        listed = osf("abcde", api=f"{url}/")
    assert all("/" not in one.path and one.path != ".." and one.address.startswith("http://") for one in listed)
    return listed


def _listed(rng: random.Random) -> bytes:
    made = changed(LISTING, rng) if rng.random() < 0.7 else None
    return JSON[rng.choice(sorted(JSON))](rng) if made is None else json.dumps(made).encode()


def _ask(answers: list[bytes]) -> object:
    """Ten captions, each one line of text; the key is in no caption, and in no error."""
    endpoint_error = None
    with serving(answers) as (url, _):
        endpoint = Endpoint(f"{url}/v1", "m", key=KEY, timeout=PATIENCE, pause=lambda _: None)
        try:
            found = endpoint.captions(np.zeros((4, 4, 3), np.uint8))
        except Exception as error:
            endpoint_error = error
            _check_silent(str(error))
            raise
    assert endpoint_error is None and len(found) == sum(COUNTS.values())
    _check_silent("\n".join(found))
    return found


def _check_silent(text: str) -> None:
    """No half of the key either: what was cut after it was looked for says much of it."""
    parts = [KEY[start : start + 12] for start in range(len(KEY) - 11)]
    assert not any(part in text for part in parts), f"the key is told: {text!r:.300}"


def _captions() -> dict[str, Any]:
    return {level: [f"a cat {level} {i}" for i in range(number)] for level, number in COUNTS.items()}


def _chat(content: Any) -> bytes:
    words = content if isinstance(content, str) else json.dumps(content)
    return json.dumps({"choices": [{"message": {"content": words}}]}).encode()


def _echo(rng: random.Random) -> bytes:
    """The key in an error, in a caption, across the place where a line is cut, or in another spelling."""
    key = rng.choice(
        (
            KEY,
            f"Bearer {KEY}",
            "a" * rng.randint(100, 170) + KEY,
            "a" * rng.randint(1980, 2000) + KEY,
            " ".join((KEY,) * 5),
            f"\n{KEY}\x1b",
        )
    )
    if rng.random() < 0.6:
        body = rng.choice((json.dumps({"error": {"message": key}}), json.dumps({"error": key}), key, json.dumps(key)))
        return answer(
            body.encode(), f"{rng.choice((400, 401, 403, 404, 413, 422, 429, 500))} {rng.choice(('Nope', KEY))}"
        )
    captions = _captions()
    captions["low"][0] = key
    return answer(rng.choice((_chat(captions), _chat(key), key.encode(), json.dumps({"a": key}).encode())))


def _wild(rng: random.Random) -> bytes:
    return answer(_chat(changed(_captions(), rng)))


def _words(rng: random.Random) -> bytes:
    captions = _captions()
    captions[rng.choice(sorted(captions))][0] = rng.choice((*WORDS, value(rng)))
    return answer(_chat(captions))


def _fenced(rng: random.Random) -> bytes:
    text = json.dumps(_captions())
    return answer(
        _chat(
            rng.choice(
                (f"```json\n{text}\n```", f"Here: {text} there", text * 2, "[" * 100_000, text[:-5], "{" * 5000 + text)
            )
        )
    )


CHATS: dict[str, Callable[[random.Random], bytes]] = {
    "the key again": _echo,
    "captions": _wild,
    "words": _words,
    "around captions": _fenced,
    "another form": lambda rng: answer(JSON[rng.choice(sorted(JSON))](rng)),
    "fields": lambda rng: answer(json.dumps(changed(json.loads(_chat(_captions())), rng)).encode()),
    "statuses": _status,
    "redirects": _redirect,
    "lengths": _length,
    "chunks": _chunked,
    "much": lambda rng: answer(b" " * count(rng, 100, 3_000_000)),
    "a page": _page,
    "no answer": lambda rng: rng.choice((b"", b"\x00" * 100)),
}
