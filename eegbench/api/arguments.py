"""Checks arguments of public calls, whose types Python does not check: the value as it is used, or a UsageError."""

import operator
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eegbench.contracts import Progress, Silent
from eegbench.errors import UsageError, short

Place = str | os.PathLike[str]  # of a file or a folder
Settings = Mapping[str, object] | Sequence[str]  # {"rank": 8}, or the words of the command's --set, ["rank=8"]


def word(name: str, value: object) -> str:
    """The argument, which must be a word."""
    if not isinstance(value, str):
        raise UsageError(f"{name} is {short(value)}; wanted a word")
    return value


def whole(name: str, value: object) -> int:
    """The argument as an int; whole numbers of numpy are taken too."""
    if not isinstance(value, bool | str):
        try:
            return operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise UsageError(f"{name} is {short(value)}; wanted a whole number")


def switch(name: str, value: object) -> bool:
    """The argument, which must be True or False."""
    if not isinstance(value, bool):
        raise UsageError(f"{name} is {short(value)}; wanted True or False")
    return value


def place(name: str, value: object) -> Path:
    """The argument as the path of a file or a folder."""
    if not isinstance(value, str | os.PathLike) or not isinstance(path := os.fspath(value), str):
        raise UsageError(f"{name} is {short(value)}; wanted a path")
    if "\0" in path:
        raise UsageError(f"{name} holds a NUL character, which no path has")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise UsageError(f"{name} is {path!a}, which no path can be; leave out halves of characters") from None
    return Path(path)


def names(name: str, value: object) -> tuple[str, ...] | None:
    """The argument as several words, at least one; None if it is None."""
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{name} is {short(value)}; wanted a list of names")
    if not value:
        raise UsageError(f"{name} names none; leave it out for all of them")
    return tuple(value)


def settings(value: object) -> Settings:
    """A mapping of keys to values, or words key=value."""
    if isinstance(value, Mapping) and _has_words_as_keys(value):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return value
    raise UsageError(f"settings is {short(value)}; wanted a dict such as {{'rank': 8, 'dataset.snr': 0}}")


def progress_of(progress: object) -> Progress:
    """The Progress to report to: silent for False, bars on stderr for True, a Progress as it is.

    Raises UsageError for anything else.
    """
    if isinstance(progress, Progress):
        return progress
    if progress is False:
        return Silent()
    if progress is True:
        from eegbench.progress import Terminal

        return Terminal()
    raise UsageError(f"progress is {short(progress)}; wanted True, False or an eegbench.contracts.Progress")


def _has_words_as_keys(table: Mapping[Any, object]) -> bool:
    """Whether all keys are words, of the tables within it too."""
    return all(isinstance(key, str) for key in table) and all(
        _has_words_as_keys(inner) for inner in table.values() if isinstance(inner, Mapping)
    )


def _plain(value: object) -> object:
    """A value as a TOML file would have it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if value is None:
        return "none"
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
