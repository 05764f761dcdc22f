"""Safetensors files opened within their budget, for every room: with numpy's arrays or torch's tensors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from eegbench.errors import InputError, MissingError
from eegbench.guards.budget import Budget

LENGTH = 8  # bytes that say how long the header is
SIGNS = 10  # of JSON, at least, that describe a tensor
MEMORY, STEPS = 2048, 40  # of a tensor: its description, and reading it


@contextmanager
def opened(path: Path, framework: str) -> Iterator[Any]:
    """The open file, as `safe_open` gives it; "np" or "pt" is what its tensors become.

    Raises MissingError for a file that is not there, InputError for one that is none, whose header describes more
    tensors than its size can need, or that turns out damaged while it is read.
    """
    if not path.is_file():
        raise MissingError(f"{path}: no such file")
    try:
        spend(path, Budget.of(path))
        with safe_open(path, framework) as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error})") from None


def spend(path: Path, budget: Budget) -> None:
    """Spends for the tensors that a file's header may describe."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH), "little")
        if length > budget.size:
            return  # safetensors says what is wrong
        header = file.read(length)
    count = sum(header.count(sign) for sign in (b",", b":", b"[", b"{"))
    budget.memory(MEMORY * count // SIGNS)
    budget.steps(STEPS * count // SIGNS)


def read_words(file: Any, name: str) -> list[str]:
    """A list of text from an open file's header, where it is JSON; InputError for anything else."""
    text = (file.metadata() or {}).get(name, "")
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"its {name} are no list of words")
    return words
