"""Where eegbench keeps what it can make again, and what it says when a place cannot be written."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eegbench.errors import MissingError, UsageError

FULL = (errno.ENOSPC, errno.EDQUOT)


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
