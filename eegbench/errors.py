"""What can go wrong, and the exit code of each.

EegbenchError
├── UsageError (2)       a wrong name, option or configuration key
├── InputError (2)       data that break a contract: EEG, images, records, folders
├── MissingError (3)     something that the user can fetch, install or free: weights, data, an extra, disk space
├── CheckFailed (1)      a verification, check or audit that ran and said no
└── AuthorError (4)      an exception inside a method, data set, judge or metric that somebody else wrote

A message is one line: what came, what was wanted, what to do.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from eegbench.tables import line

LONGEST = 3000  # characters of a message
MANY = 40  # names in one message; more are summed up


class EegbenchError(Exception):
    """Base of all errors that eegbench raises on purpose. Its text is one line, whatever a stranger wrote into it."""

    exit_code = 1

    def __str__(self) -> str:
        text = line(re.sub(r"\s*\n\s*", " ", super().__str__()))
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


class UsageError(EegbenchError):
    """A wrong name, option or configuration key."""

    exit_code = 2


class InputError(EegbenchError):
    """Data that break a contract: EEG, images, records, folders."""

    exit_code = 2


class MissingError(EegbenchError):
    """Something that the user can fetch, install or free: weights, data, an extra, a device, disk space."""

    exit_code = 3


class CheckFailed(EegbenchError):
    """A verification, check or audit that ran and said no."""

    exit_code = 1


class AuthorError(EegbenchError):
    """An exception inside a method, data set, judge or metric that somebody else wrote.

    It is raised from that exception itself; `frames` are shown of it.
    """

    exit_code = 4
    frames: str = ""  # these frames, as Python prints them


class Notice(UserWarning):
    """What a user should know and what stops nothing: a verb says it in one line on stderr, Python warns of it."""


def out_of_memory(error: BaseException) -> bool:
    """Whether torch raised it for want of memory, which it says in words alone on some devices."""
    words = error.args[0] if isinstance(error, RuntimeError) and error.args else ""
    return isinstance(words, str) and ("out of memory" in words or "can't allocate memory" in words)


def in_words(error: BaseException) -> str:
    """What went wrong, in one line; an exception that is not raised on purpose says its name first."""
    words, name = " ".join(str(error).split()), type(error).__name__
    if isinstance(error, EegbenchError) and words:
        return words
    return f"{name}: {words}" if words else name


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
    """The error for a name that does not exist: it lists what there is, and the one that was likely meant."""
    names = [str(k) for k in known]
    near = nearest(name, names)
    hint = f"; did you mean {near!r}?" if near else "."
    return UsageError(f"unknown {kind} {short(name)}{hint} There is: {_listed(name, names)}")


def nearest(name: str, names: Sequence[str]) -> str:
    """The name that was likely meant, or "": of other case or hyphens, a letter in four wrong, or its beginning."""
    plain = _plain(name)
    far = {other: _slips(plain, _plain(other)) for other in names}
    closest = min(names, key=lambda other: far[other], default="")
    if closest and far[closest] <= max(1, len(plain) // 4) and far[closest] < len(plain):
        return closest
    begun = [other for other in names if len(plain) > 2 and _plain(other).startswith(plain)]
    return begun[0] if len(begun) == 1 else ""


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def _slips(a: str, b: str) -> int:
    """How many letters were left out, added, changed, or swapped with the next one, to make `b` of `a`."""
    a, b = a[:80], b[:80]
    before, last = [0] * (len(b) + 1), list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (letter != other)))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                row[-1] = min(row[-1], before[j - 2] + 1)
        before, last = last, row
    return last[-1]


def _listed(name: str, names: Sequence[str]) -> str:
    """All names; of very many those of the same table as `name`, as "encoder." of "encoder.rate", and a count."""
    if len(names) <= MANY:
        return ", ".join(names)
    own = [other for other in names if other.rpartition(".")[0] == name.rpartition(".")[0]][:MANY]
    tables = Counter(other.partition(".")[0] for other in names if other not in own and "." in other)
    rest = len(names) - len(own) - sum(tables.values())
    parts = own + [f"{table}.… ({count})" for table, count in tables.items()] + [f"{rest} more"] * bool(rest)
    return ", ".join(parts)


def check_range(owner: object, **ranges: tuple[float, float]) -> None:
    """UsageError for the first of `owner`'s numbers that lies outside its range, both ends being inside."""
    for name, (low, high) in ranges.items():
        value = getattr(owner, name)
        if not low <= value <= high:
            wanted = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
            raise UsageError(f"{name} is {value}; wanted {wanted}")


SOME, ANY, SHARE = (1, math.inf), (0, math.inf), (0, 1)  # ranges: one or more, not below zero, a part of a whole
