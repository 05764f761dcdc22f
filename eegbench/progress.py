"""Progress on stderr: bars with time left in a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from eegbench.contracts import Progress

EVERY = 10.0  # seconds between plain lines


class Terminal(Progress):
    """Bars where stderr is a terminal; else a line at most every ten seconds, and one at each bar's end."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._bars: Bars | None = None  # the one that is drawn now: a console holds one at a time

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        with self._drawn(label, total) if self._console.is_terminal else self._said(label, total) as advance:
            yield advance

    @contextmanager
    def _drawn(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        with self._open() as bars:
            task = bars.add_task(label, total=total)
            yield lambda n: bars.advance(task, n)

    @contextmanager
    def _open(self) -> Iterator[Bars]:
        """The bars on the console; one opened inside another stands below it."""
        if self._bars is not None:
            yield self._bars
            return
        left = (TextColumn("left"), TimeRemainingColumn())
        columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), *left)
        with Bars(*columns, console=self._console) as bars:
            self._bars = bars
            try:
                yield bars
            finally:
                self._bars = None

    @contextmanager
    def _said(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        began = said = self._clock()
        done = 0

        def advance(n: int) -> None:
            nonlocal done, said
            done += n
            now = self._clock()
            if done and now - said >= EVERY:
                said = now
                self._say(f"{label}: {done}/{total}, about {(now - began) / done * (total - done):.0f} s left")

        yield advance
        self._say(f"{label}: {done}/{total} in {self._clock() - began:.1f} s")

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
