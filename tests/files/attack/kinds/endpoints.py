"""Answers of an endpoint that writes captions."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attack import serving
from attack.cases import Case, Maker, count
from attack.hostile import JSON, WORDS, changed, value
from eegbench.backbones.captioners.endpoint import COUNTS, Endpoint

KEY = "sk-attack-0123456789abcdef"
PATIENCE = 0.3  # s
SERVING = 5.0  # s of CPU for the server's own side


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    serving.allow(patch)
    _ask([serving.answer(_chat(_captions()))])

    def case(rng: random.Random, folder: Path) -> Case:
        answers = [CHATS[what := rng.choice(sorted(CHATS))](rng) for _ in range(rng.choice((1, 1, 2)))]
        return Case(what, sum(map(len, answers)), lambda: _ask(answers), spare=SERVING)

    return case


def _ask(answers: list[bytes]) -> object:
    """Ten captions, each one line of text; the key is in no caption, and in no error."""
    with serving.serving(answers) as (url, _):
        endpoint = Endpoint(f"{url}/v1", "m", key=KEY, timeout=PATIENCE, pause=lambda _: None)
        try:
            found = endpoint.captions(np.zeros((4, 4, 3), np.uint8))
        except Exception as error:
            _check_silent(str(error))
            raise
    assert len(found) == sum(COUNTS.values())
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
        return serving.answer(
            body.encode(), f"{rng.choice((400, 401, 403, 404, 413, 422, 429, 500))} {rng.choice(('Nope', KEY))}"
        )
    captions = _captions()
    captions["low"][0] = key
    return serving.answer(rng.choice((_chat(captions), _chat(key), key.encode(), json.dumps({"a": key}).encode())))


def _wild(rng: random.Random) -> bytes:
    return serving.answer(_chat(changed(_captions(), rng)))


def _words(rng: random.Random) -> bytes:
    captions = _captions()
    captions[rng.choice(sorted(captions))][0] = rng.choice((*WORDS, value(rng)))
    return serving.answer(_chat(captions))


def _fenced(rng: random.Random) -> bytes:
    text = json.dumps(_captions())
    return serving.answer(
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
    "another form": lambda rng: serving.answer(JSON[rng.choice(sorted(JSON))](rng)),
    "fields": lambda rng: serving.answer(json.dumps(changed(json.loads(_chat(_captions())), rng)).encode()),
    "statuses": serving.status,
    "redirects": serving.redirect,
    "lengths": serving.length,
    "chunks": serving.chunked,
    "much": lambda rng: serving.answer(b" " * count(rng, 100, 3_000_000)),
    "a page": serving.page,
    "no answer": lambda rng: rng.choice((b"", b"\x00" * 100)),
}
