"""Progress of long work inside networks: building or loading them, and running them on many images or texts.

The functions that do such work have no argument for a progress, since methods call them from `load` and `reconstruct`
too. A caller that has a progress puts the call into `with telling(progress):`; outside of it no bar is shown.
"""

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TypeVar

from eegbench.contracts import Progress, Silent

SizedPart = TypeVar("SizedPart", bound=Sized)

SILENT = Silent()
_progress: ContextVar[Progress] = ContextVar("progress")


@contextmanager
def telling(progress: Progress) -> Iterator[None]:
    """Inside it, the bars of networks go to `progress`."""
    token = _progress.set(progress)
    try:
        yield
    finally:
        _progress.reset(token)


def bar(label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    return _progress.get(SILENT).bar(label, total)


@contextmanager
def one_step(label: str) -> Iterator[None]:
    """A bar of one step, around a piece of work that does not say how far it is."""
    with bar(label, 1) as advance:
        yield
        advance(1)


def loading(what: str, name: str) -> AbstractContextManager[None]:
    """A bar around the reading of weights; those of the pack are small, and `blank:` ones are not read."""
    return nullcontext() if name.startswith(("pack:", "blank:")) else one_step(f"load {what} {name}")


def followed(label: str, parts: Iterable[SizedPart], total: int) -> Iterator[SizedPart]:
    """The parts in order; each counts with its length when the next one is asked for."""
    with bar(label, total) as advance:
        for part in parts:
            yield part
            advance(len(part))
