"""Files: written whole, read within a budget, digests, names that any system allows, locks, the user's cache."""

import errno
import hashlib
import json
import math
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from eegbench.errors import InputError, MissingError, UsageError
from eegbench.guards.budget import Budget, read_bytes
from eegbench.guards.limits import SURROGATE

if sys.platform != "win32":
    import fcntl

FULL = (errno.ENOSPC, errno.EDQUOT)
LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)  # some network file systems
MAX_RECORD_BYTES = 64 * 2**20
MAX_DIGITS = 20  # of a whole number in JSON: seeds and byte counts stay below 2^64
MAX_PATH, MAX_NAME = 1000, 200  # characters of a path below a run's folder, and of one of its parts
Json = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")  # a name is a folder too, on any system
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.[^/]*)?", re.IGNORECASE)  # Windows' own
_INSIDE = re.compile(r"(?!/)(?:(?!\.\.?(?:/|$))[^/\\:\x00-\x1f\x7f]+(?:/(?!$)|$))+")  # below a folder, on any system


def is_inside(path: str) -> bool:
    """Whether `path` stays below the folder that it is joined to, and can name a file, on any system."""
    short = len(path) <= MAX_PATH and all(len(part) <= MAX_NAME for part in path.split("/"))
    inside = short and bool(_INSIDE.fullmatch(path)) and not SURROGATE.search(path)
    return inside and not any(map(_DEVICE.fullmatch, path.split("/")))


def canonical(value: object) -> str:
    """JSON with sorted keys and no white space; refuses NaN and infinity, so equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """sha256 of the canonical JSON, hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all; raises OSError."""
    write_whole(path, text.encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all: as `replacing`. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to, renamed at the end: a reader never sees half a file. Raises OSError.

    What is written is removed where the block raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    """A hidden name beside `path`, another each time, so that two writers cannot take it from each other."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def read_json(path: Path) -> Json:
    """A JSON object from a file, all its numbers finite; raises InputError naming the file and what is wrong."""
    data = read_bytes(path, MAX_RECORD_BYTES, "a record")
    try:
        Budget(str(path), len(data)).json(data)
        value = json.loads(
            data.decode(),
            parse_constant=_no_constant,
            parse_float=_finite_float,
            parse_int=_short_int,
        )
    except (OSError, ValueError, RecursionError) as error:  # ValueError: not UTF-8, not JSON, or a number out of range
        raise InputError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds a {type(value).__name__}; wanted a JSON object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON: write null")


def _finite_float(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError("a number is too large")
    return number


def _short_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a whole number has {len(text)} digits; at most {MAX_DIGITS} are read")
    return int(text)


def check_name(what: str, name: str) -> str:
    """Return `name` if it is one: letters, digits and . _ + -, no white space, at most 128; else raise InputError."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{what} is {name[:200]!r}; a name has letters, digits and . _ + - only, at most 128")
    return name


def user_cache(name: str) -> Path:
    """A file or folder of the user's cache: below EEGBENCH_CACHE, or ~/.cache/eegbench."""
    return Path(os.environ.get("EEGBENCH_CACHE") or Path.home() / ".cache" / "eegbench") / name


@contextmanager
def writing(path: Path, *, mend: str = "choose another folder of runs") -> Iterator[None]:
    """Turns an OSError inside into MissingError (a full disk) or UsageError, in one line that names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise MissingError(
                f"{path}: no space left on the disk; free some, then run the same command again"
            ) from error
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{path}: cannot be written ({reason}); {mend}") from error


def claimed(file: IO[Any]) -> bool:
    """Whether no other process holds the open file; this one then does, until it closes it.

    Where the system or the file system has no locks, always True.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in LOCKLESS:
                raise
    return True


@contextmanager
def alone(
    path: Path,
    *,
    waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
    pause: float = 0.5,
    mend: str = "choose another folder of runs",
) -> Iterator[None]:
    """Inside it no other process is inside one of the same path, on any machine whose locks reach the disk.

    Where another is, it looks again each `pause` s, inside `waiting()`. The file at `path` is there for as long as a
    process is inside, and so is its folder, where it holds nothing else. A process that dies lets go. Raises
    MissingError for a full disk, UsageError for a file that cannot be written.
    """
    file = _taken(path, mend)
    if file is None:
        with waiting():
            while (file := _taken(path, mend)) is None:
                time.sleep(pause)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()  # if it is empty
        file.close()


def _taken(path: Path, mend: str) -> IO[Any] | None:
    """The file at a path, claimed by this process; None where another has it."""
    with writing(path, mend=mend):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("ab")
        except FileNotFoundError:  # who was inside has just taken the folder away
            return None
    if claimed(file) and still_at(file, path):
        return file
    file.close()
    return None


def still_at(file: IO[Any], path: Path) -> bool:
    """Whether an open file is the one at a path, and not one that was taken away and made anew since."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def write_bytes(path: Path, data: bytes, *, mend: str = "choose another folder of runs") -> None:
    """`write_whole`; raises MissingError for a full disk, UsageError for a file that cannot be written."""
    with writing(path, mend=mend):
        write_whole(path, data)


def write_output(path: Path, text: str, *, mend: str) -> None:
    """Write a text where a user wants it; errors as of `write_bytes`.

    A file is written whole or not at all, and a link to it stays one. A pipe or a device is written to, never replaced.
    """
    with writing(path, mend=mend):
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="\n")
        else:
            write_text(Path(os.path.realpath(path)), text)
