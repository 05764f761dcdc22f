"""Hostile values: in the place of a field of JSON, TOML or CSV, and as the text of one that no library would write."""

import contextlib
import copy
import json
import random
from collections.abc import Callable
from typing import Any

from attack.cases import count
from eegbench.runs.seal import sealed

HTML = "<script>alert(1)</script>"
WORDS = (
    "", " ", "nope", "all", "none", "null", "true", "-0", "NaN", "a\nb", "a\rb", "a\x00b", "\x1b[2J\x07", "\u202eabc",
    "\u2028", "\ud800", "\U0001f9e0" * 50, HTML, "../../x", "/etc/passwd", "C:\\x", "~", "$HOME", "%s%n", "'; --",
    "{0.__class__}", "__class__", "=cmd()", "a" * 300, "a/" * 600 + "a", "a" * 5000, "pack:vae", "os:system",
    "attack_bait:harm", "http://127.0.0.1:1/", "con", ".", "..", "-", "--help", "café", "cafe\u0301", "0" * 64,
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 7, 255, 256, 10**6, 2**31, 2**53 + 1, 2**63, 2**64, 10**19, 10**25, 10**400, -(10**19), 0.1, -0.5, 1.5,
    1e-320, 1e12, 1e13, 1e300, -1e300, 1e308,
)  # fmt: skip
PLAIN: tuple[Any, ...] = (None, True, False, [], {}, [[]], {"": ""}, {"inner": "x"}, [0], [None], ["a", 1])


def value(rng: random.Random) -> Any:
    """A value of JSON that few readers expect."""
    return rng.choice(
        (
            lambda: rng.choice(WORDS),
            lambda: rng.choice(WORDS),
            lambda: rng.choice(NUMBERS),
            lambda: copy.deepcopy(rng.choice(PLAIN)),
            lambda: copy.deepcopy(rng.choice(PLAIN)),
            lambda: nested(rng.choice((10, 31, 32, 33, 64, 200)), rng.random() < 0.5),
            lambda: [rng.choice(NUMBERS)] * rng.choice((1, 2, 3, 8)),
            lambda: {rng.choice(WORDS): rng.choice(WORDS)},
        )
    )()


def nested(depth: int, objects: bool = False) -> Any:
    made: Any = 1
    for _ in range(depth):
        made = {"a": made} if objects else [made]
    return made


def changed(whole: Any, rng: random.Random) -> Any:
    """A copy of a value of JSON in which one to three places hold another value, are gone, doubled or renamed."""
    made = copy.deepcopy(whole)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        _change(made, rng)
    return made


def _change(value_: Any, rng: random.Random) -> None:
    """At a place somewhere within; the outer ones, of which there are few, are as likely as all inner ones."""
    while True:
        keys = list(value_) if isinstance(value_, dict) else list(range(len(value_)))
        if not keys:
            _add(value_, rng)
            return
        key = rng.choice(keys)
        if isinstance(value_[key], dict | list) and value_[key] and rng.random() < 0.7:
            value_ = value_[key]
            continue
        rng.choice((_replace, _replace, _replace, _drop, _double, _rename, _swap))(value_, key, rng)
        return


def _add(holder: Any, rng: random.Random) -> None:
    if isinstance(holder, dict):
        holder[rng.choice(WORDS)] = value(rng)
    else:
        holder.append(value(rng))


def _replace(holder: Any, key: Any, rng: random.Random) -> None:
    holder[key] = value(rng)


def _drop(holder: Any, key: Any, rng: random.Random) -> None:
    del holder[key]


def _double(holder: Any, key: Any, rng: random.Random) -> None:
    if isinstance(holder, dict):
        holder[f"{key} "] = holder[key]
    else:
        holder.insert(key, copy.deepcopy(holder[key]))


def _rename(holder: Any, key: Any, rng: random.Random) -> None:
    if isinstance(holder, dict):
        holder[rng.choice(WORDS)] = holder.pop(key)
    else:
        holder.reverse()


def _swap(holder: Any, key: Any, rng: random.Random) -> None:
    other = rng.choice(list(holder) if isinstance(holder, dict) else list(range(len(holder))))
    holder[key], holder[other] = holder[other], holder[key]


def written(value_: Any, rng: random.Random) -> bytes:
    """As JSON, which may be sealed so that its seal holds, where a seal can be made of it."""
    text = json.dumps(value_, indent=1, sort_keys=True)
    if isinstance(value_, dict) and rng.random() < 0.7:
        with contextlib.suppress(TypeError, ValueError):
            text = sealed(value_)
    return text.encode()


def _long_number(rng: random.Random) -> bytes:
    digits = b"9" * count(rng, 100, 200_000)
    return b'{"schema_version": ' + rng.choice((digits, b"0." + digits, b"1e" + digits[:4000], b"-" + digits)) + b"}"


def _many(piece: bytes, most: int) -> Callable[[random.Random], bytes]:
    def make(rng: random.Random) -> bytes:
        return b'{"schema_version": 2, "a": [' + b",".join([piece] * count(rng, 10, most)) + b"]}"

    return make


def _deep(rng: random.Random) -> bytes:
    depth = count(rng, 100, 200_000)
    begin, end = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return b'{"a": ' + begin * depth + b"1" + (end * depth + b"}" if rng.random() < 0.5 else b"")


def _keys(rng: random.Random) -> bytes:
    keys = (f'"k{i}": {i}' for i in range(count(rng, 10, 200_000)))
    return ("{" + ", ".join(keys) + "}").encode()


def _coded(rng: random.Random) -> bytes:
    return '{"schema_version": 2}'.encode(rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7", "cp037")))


JSON: dict[str, Callable[[random.Random], bytes]] = {
    "a long number": _long_number,
    "empty lists": _many(b"[]", 1_000_000),
    "empty objects": _many(b"{}", 500_000),
    "short strings": _many(b'"ab"', 500_000),
    "deep nesting": _deep,
    "many keys": _keys,
    "one key many times": lambda rng: b"{" + b",".join([b'"spec": {}'] * count(rng, 2, 100_000)) + b"}",
    "NaN": lambda rng: b'{"schema_version": ' + rng.choice((b"NaN", b"-Infinity", b"1e999")) + b"}",
    "another code": _coded,
    "no object": lambda rng: rng.choice(
        (b"", b"[]", b"1", b'"a"', b"null", b"\x00" * 100, b"{" * 100, b"\xef\xbb\xbf")
    ),
    "a long string": lambda rng: b'{"a": "' + b"\\u0041" * count(rng, 10, 500_000) + b'"}',
}
