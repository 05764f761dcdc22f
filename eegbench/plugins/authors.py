"""Calls into other authors' code: an exception there becomes an AuthorError with the frames of its files."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eegbench.contracts import Dataset
from eegbench.errors import AuthorError, EegbenchError, MissingError, out_of_memory
from eegbench.files import FULL

PACKAGE = __name__.partition(".")[0]
WORDS = 500  # characters of an exception's text in a message


@contextmanager
def author_of(kind: str, name: str, owner: object, call: str) -> Iterator[None]:
    """Around one call of `owner`, an object or a class: what its author's code raises becomes an AuthorError.

    `kind`, `name` and `call` are for the message: "method", "mine", "fit". What is raised on purpose (EegbenchError),
    an interrupt, and what the system lacks (memory, room on the disk, a reader) pass as they are; a package that is
    not installed is a MissingError. What our own classes raise passes too: that is a fault of ours.
    """
    try:
        yield
    except EegbenchError as error:  # raised on purpose, perhaps by a check of ours that they called
        if is_own(owner) or name in str(error):
            raise
        raise type(error)(f"{kind} {name!r}, {call}: {error}") from error
    except (KeyboardInterrupt, GeneratorExit, MemoryError, BrokenPipeError):
        raise
    except (Exception, SystemExit) as error:
        if is_own(owner) or out_of_memory(error) or (isinstance(error, OSError) and error.errno in FULL):
            raise
        named = f"{kind} {name!r}"
        if isinstance(error, ModuleNotFoundError) and not _within(owner, error.name or ""):
            raise MissingError(f"{named} needs {error.name!r} in {call}, and it is not installed") from error
        frames = _frames(error, owner)
        place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
        raised = AuthorError(f"{named}: {call} raised {said(error)}{place}")
        raised.frames = "".join(traceback.format_list(frames))
        raise raised from error


class StandIn(Dataset):
    """A data set that stands before another one, `inner`, whose code answers."""

    inner: Dataset


def owner_of(dataset: Dataset) -> Dataset:
    """The data set whose code answers."""
    return dataset.inner if isinstance(dataset, StandIn) else dataset


def is_own(owner: object) -> bool:
    """Whether an object's class is one of this package's."""
    return _top(owner) == PACKAGE


def said(error: BaseException) -> str:
    """An exception's type and text in one line."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # an exception whose text is broken too
        text = ""
    kind = type(error).__name__
    return f"{kind}: {text[:WORDS]}" if text else kind


def _top(owner: object) -> str:
    kind = owner if isinstance(owner, type) else type(owner)
    return kind.__module__.partition(".")[0]


def _within(owner: object, module: str) -> bool:
    return module.partition(".")[0] == _top(owner)


def _frames(error: BaseException, owner: object) -> list[traceback.FrameSummary]:
    """The frames of an exception that lie in the author's files: the package, or the folder of a single module."""
    module = sys.modules.get(_top(owner))
    file: str | None = getattr(module, "__file__", None)
    folders = [Path(path) for path in getattr(module, "__path__", ())]

    def theirs(frame: traceback.FrameSummary) -> bool:
        path = Path(frame.filename)
        return any(folder in path.parents for folder in folders) or (
            file is not None and path.parent == Path(file).parent
        )

    frames = traceback.extract_tb(error.__traceback__)
    here = Path(__file__).parent.parent
    # A class that was made at run time does not say where it is from: then all that is not ours.
    return [f for f in frames if theirs(f)] or [f for f in frames if here not in Path(f.filename).parents]
