"""Where eegbench keeps what it can make again, and what it says when a place cannot be written."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from eegbench.errors import MissingError, UsageError

if sys.platform != "win32":
    import fcntl

FULL = (errno.ENOSPC, errno.EDQUOT)
LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)  # some network file systems


def cache(name: str) -> Path:
    """A file or folder of the user's cache: below EEGBENCH_CACHE, or ~/.cache/eegbench."""
    return Path(os.environ.get("EEGBENCH_CACHE") or Path.home() / ".cache" / "eegbench") / name


@contextmanager
def writing(path: Path, *, mend: str = "choose another folder with --runs") -> Iterator[None]:
    """Turns what the file system refuses into one line that names `path`: MissingError or UsageError."""
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

    Where the system or the file system has no locks, it cannot be told: True.
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
