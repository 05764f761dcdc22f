"""What every public call has in common: errors of the system and of libraries become ours, notes become warnings."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from eegbench.errors import EegbenchError, MissingError, Notice, UsageError, out_of_memory
from eegbench.files import FULL

INSIDE = ("eegbench", "contextlib")  # `own_errors` decorates by contextlib


def in_our_words(error: BaseException) -> EegbenchError | None:
    """Our error for one that the system or a library raised because something is missing; None for a fault of ours."""
    if isinstance(error, MemoryError):
        return MissingError("the memory of this machine is full; free some, or take fewer images at once")
    if out_of_memory(error):
        return MissingError("the memory of the device is full; free some, take fewer images at once, or another device")
    if isinstance(error, ImportError):
        return MissingError(f"a package cannot be imported ({error}); `eegbench doctor` says what to do")
    if isinstance(error, OSError):
        return of_the_system(error)
    if isinstance(error, RuntimeError) and "torchvision::" in str(
        error
    ):  # of a torchvision that is not its torch's own
        return MissingError(f"torch and torchvision do not fit ({error}); see `eegbench doctor`")
    return None


def of_the_system(error: OSError) -> EegbenchError:
    """Our error where a file or a disk cannot be used."""
    place = error.filename or "a file"
    if error.errno in FULL:
        return MissingError(f"{place}: no space left on the disk; free some, then run the same command again")
    reason = error.strerror or type(error).__name__
    return UsageError(f"{place}: cannot be used ({reason}); mend that, or choose another place")


@contextmanager
def own_errors() -> Iterator[None]:
    """Within it, or in a function that it decorates, errors of the system and of libraries become our own."""
    try:
        yield
    except EegbenchError:
        raise
    except Exception as error:
        if (ours := in_our_words(error)) is None:
            raise
        raise ours from None


def notice(text: str) -> None:
    """Warn of what a user should know, as a Notice that points at the caller outside of this package."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, Notice, stacklevel=level)
