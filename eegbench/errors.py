"""What can go wrong, and the exit code of each.

EegbenchError
├── UsageError (2)       a wrong name, option or configuration key
├── InputError (2)       data that break a contract: EEG, images, records, folders
├── MissingError (3)     something that the user can fetch, install or free: weights, data, an extra, disk space
├── CheckFailed (1)      a verification, check or audit that ran and said no
└── AuthorError (4)      an exception inside a method, data set, judge or metric that somebody else wrote

A message is one line: what came, what was wanted, what to do.
"""

import difflib
import math
from collections.abc import Iterable


class EegbenchError(Exception):
    """Base of all errors that eegbench raises on purpose."""

    exit_code = 1


class UsageError(EegbenchError):
    exit_code = 2


class InputError(EegbenchError):
    exit_code = 2


class MissingError(EegbenchError):
    exit_code = 3


class CheckFailed(EegbenchError):
    exit_code = 1


class AuthorError(EegbenchError):
    """Raised from the exception itself, whose frames in the author's files are then shown."""

    exit_code = 4
    frames: str = ""  # these frames, as Python prints them


class Notice(UserWarning):
    """What a user should know and what stops nothing: a verb says it in one line on stderr."""


def short(value: object) -> str:
    """What came, in a message: an array by its shape, anything else by the first signs of its repr."""
    if hasattr(value, "shape") and not isinstance(value, type):
        return f"an array of shape {value.shape}"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a stranger's repr
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def unknown(kind: str, name: str, known: Iterable[object]) -> UsageError:
    """The error for a name that does not exist: it lists what there is and the nearest match."""
    names = [str(k) for k in known]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return UsageError(f"unknown {kind} {name!r}{hint} There is: {', '.join(names)}")


def check_range(owner: object, **ranges: tuple[float, float]) -> None:
    """UsageError for the first of `owner`'s numbers that lies outside its range, both ends being inside."""
    for name, (low, high) in ranges.items():
        value = getattr(owner, name)
        if not low <= value <= high:
            wanted = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
            raise UsageError(f"{name} is {value}; wanted {wanted}")


SOME, ANY, SHARE = (1, math.inf), (0, math.inf), (0, 1)  # ranges: one or more, not below zero, a part of a whole
