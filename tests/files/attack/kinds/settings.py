"""Configuration: TOML files, and the words of --set."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from attack.cases import Case, Maker, count
from attack.hostile import NUMBERS, WORDS
from attack.spoiling import spoilt
from eegbench import configuration
from eegbench.plugins import registry

METHODS = ("saliency_controlnet", "atm", "neuroimagen", "llm_caption")
TOKENS = (
    "1", "nan", "inf", "-inf", "0x7fffffffffffffffffff", "1_0", "1e999", "[]", "{}", "[[]]", "true", '"none"', '""',
    '"a\\u0000b"', '"\\u001b[2J"', "1979-05-27", "07:32:00", '"auto"', '"pack:vae"', "[1, 2, 3]", '["a", 1]', "{a = 1}",
    "'''x\ny'''", "0.5", "-1",
)  # fmt: skip
LINES = (
    "[method\n",
    "[[method]]\na=1",
    "method = 1",
    "[other]",
    "a = 'x" * 50,
    "=",
    "[method]\na=1\na=2",
    "\ufeff[method]",
)


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    classes = {name: registry.find("method", name) for name in METHODS}
    keys = {name: [*configuration.keys(cls)] for name, cls in classes.items()}
    files = {name: [path.read_bytes() for path in configuration.shipped_files(name).values()] for name in METHODS}

    def read(method: str, file: Path | None, words: list[str]) -> object:
        tables = configuration.read_tables(file, words)
        return configuration.build(classes[method], tables["method"])

    for name in METHODS:
        read(name, None, [])

    def case(rng: random.Random, folder: Path) -> Case:
        method, words, file = rng.choice(METHODS), [], folder / "a.toml"
        what = rng.choice(("words", "words", "spoilt", "fields", *TOML))
        if what == "words":
            words = [_word(rng, keys[method]) for _ in range(rng.randint(1, 3))]
            return Case(what, sum(map(len, words)), lambda: read(method, None, words))
        data = spoilt(rng.choice(files[method]), rng) if what == "spoilt" else _toml(what, rng, keys[method])
        file.write_bytes(data)
        return Case(what, len(data), lambda: read(method, file, []))

    return case


def _word(rng: random.Random, keys: list[str]) -> str:
    key = rng.choice(
        (rng.choice(keys), rng.choice(keys), rng.choice(WORDS), ".".join("a" * count(rng, 1, 20_000)), "dataset.snr")
    )
    long = rng.choice(("9" * count(rng, 10, 100_000), "1," * count(rng, 1, 100_000), "1e" + "9" * 50))
    return rng.choice(
        (f"{key}={rng.choice(WORDS)}", f"{key}={rng.choice(NUMBERS)}", f"{key}={long}", key, f"={key}", f"{key}=={key}")
    )


def _toml(what: str, rng: random.Random, keys: list[str]) -> bytes:
    return TOML[what](rng, keys).encode(errors="surrogatepass")


def _fields(rng: random.Random, keys: list[str]) -> str:
    lines = (f"{rng.choice(keys)} = {rng.choice(TOKENS)}\n" for _ in range(rng.randint(1, 4)))
    return "[method]\n" + "".join(lines)


def _deep(rng: random.Random, keys: list[str]) -> str:
    depth = count(rng, 10, 20_000)
    name = ".".join("a" * depth)
    tables = "".join(f"[{'.'.join('a' * (i + 1))}]\n" for i in range(min(depth, 300)))
    arrays = "a = " + "[" * depth + "]" * depth
    return rng.choice((arrays, "a = " + "{a = " * depth + "1" + "}" * depth, f"[{name}]", f"{name} = 1", tables))


def _numbers(rng: random.Random, keys: list[str]) -> str:
    digits = "9" * count(rng, 10, 20_000)
    return f"[method]\n{rng.choice(keys)} = {rng.choice(('', '0.', '0x', '1e', '-'))}{digits}"


def _many(rng: random.Random, keys: list[str]) -> str:
    return "[method]\n" + "".join(f"k{i} = {i}\n" for i in range(count(rng, 10, 20_000)))


def _text(rng: random.Random, keys: list[str]) -> str:
    return rng.choice((f'a = "{rng.choice(WORDS)}"', rng.choice(WORDS), *LINES))


TOML: dict[str, Callable[[random.Random, list[str]], str]] = {
    "fields": _fields,
    "deep nesting": _deep,
    "numbers": _numbers,
    "many keys": _many,
    "text": _text,
}
