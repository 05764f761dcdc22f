"""Whose progress hears of long work within a network: building or loading it, and looking at many images or texts.

What builds and looks has no argument for a progress, since methods do both from `load` and `reconstruct` too. Whoever
has a progress says `with telling(progress):` around a call; outside of it nothing is said.
"""

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TypeVar

from eegbench.contracts import Progress, Silent

Part = TypeVar("Part", bound=Sized)

SILENT = Silent()
_progress: ContextVar[Progress] = ContextVar("progress")


@contextmanager
def telling(progress: Progress) -> Iterator[None]:
    """Bars of the networks go to `progress` inside."""
    token = _progress.set(progress)
    try:
        yield
    finally:
        _progress.reset(token)


def bar(label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    return _progress.get(SILENT).bar(label, total)


@contextmanager
def one(label: str) -> Iterator[None]:
    """A bar around one long thing."""
    with bar(label, 1) as advance:
        yield
        advance(1)


def loading(what: str, name: str) -> AbstractContextManager[None]:
    """A bar around the reading of weights; those of the pack are small, and `blank:` ones are not read."""
    return nullcontext() if name.startswith(("pack:", "blank:")) else one(f"load {what} {name}")


def followed(label: str, parts: Iterable[Part], total: int) -> Iterator[Part]:
    """The parts in order; each counts with its length when the next one is asked for."""
    with bar(label, total) as advance:
        for part in parts:
            yield part
            advance(len(part))
