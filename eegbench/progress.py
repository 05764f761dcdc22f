"""Progress on stderr: bars with time left in a terminal, a plain line now and then elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Column

from eegbench.contracts import Progress
from eegbench.tables import line

EVERY = 10.0  # seconds between plain lines of what advances
SOON = 5.0  # seconds after which a stage that says nothing is said to have begun
STILL = 30.0  # seconds after which it is said to be at work still
ROOMY = 76  # columns in which bars have all their parts; in fewer they have less, so that names stay whole


class Terminal(Progress):
    """Bars where stderr is a terminal; else a line at most every ten seconds, and one at each bar's end.

    Without a terminal, a stage that does not advance says so: after `soon` seconds, and then every `still` seconds.
    `before` is called before each bar. While bars are drawn, rich puts above them what goes to sys.stderr:
    `screened` is given rich's stream, and gives the one that stands in front of it.
    """

    def __init__(
        self,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        soon: float = SOON,
        still: float = STILL,
        before: Callable[[], None] = lambda: None,
        screened: Callable[[Any], Any] = lambda stream: stream,
    ) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._soon, self._still, self._before, self._screened = soon, still, before, screened
        self._bars: Bars | None = None  # the one that is drawn now: a console holds one at a time
        self._stages: list[LineStage] = []  # those that are open; the last one speaks

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        self._before()
        if not total:  # there is nothing to do, and nothing to say
            yield lambda n: None
            return
        label = line(label)
        drawn = self._console.is_terminal and not self._console.is_dumb_terminal
        with self._drawn(label, total) if drawn else self._in_lines(label, total) as advance:
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
        with (
            Bars(*columns(self._console.width), console=self._console, redirect_stdout=False) as bars,
            redirect_stderr(self._screened(sys.stderr)) as stderr,
        ):
            self._bars = bars
            try:
                yield bars
            finally:
                self._bars = None
                stderr.flush()  # a line without an end, which rich would drop

    @contextmanager
    def _in_lines(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        stage = LineStage(label, total, self._clock, self._say)
        over = threading.Event()
        self._stages.append(stage)
        threading.Thread(target=self._watch, args=(stage, over), daemon=True).start()
        try:
            yield stage.advance
        finally:
            over.set()
            self._stages.remove(stage)
        stage.end()

    def _watch(self, stage: "LineStage", over: threading.Event) -> None:
        """Report that a stage has begun, and that it is still at work, until it is over."""
        wait = self._soon
        while not over.wait(wait):
            speaks = self._stages[-1:] == [stage]  # one that waits for another inside it lets that one speak
            wait = stage.beat(self._still) if speaks else self._still

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


class LineStage:
    """One piece of work that is reported in lines."""

    def __init__(self, label: str, total: int, clock: Callable[[], float], say: Callable[[str], None]) -> None:
        self.label, self.total, self._clock, self._say = label, total, clock, say
        self._done = 0
        self._reported = self._over = False
        self._began = self._last = clock()
        self._lock = threading.Lock()

    def advance(self, n: int) -> None:
        with self._lock:
            self._done += n
            now = self._clock()
            if self._done and now - self._last >= EVERY:
                left = (now - self._began) / self._done * (self.total - self._done)
                self._report(now, f"{self._done}/{self.total}, about {left:.0f} s left")

    def beat(self, still: float) -> float:
        """Report the state if nothing was reported for so long; the seconds to wait until the next look."""
        with self._lock:
            if self._over:
                return still
            now = self._clock()
            if not self._reported and not self._done:
                self._report(now, f"begun, {self.total} to do")
            elif now - self._last >= still:
                self._report(now, f"still at {self._done}/{self.total}, {now - self._began:.0f} s")
            return max(still - (now - self._last), 0.01)

    def end(self) -> None:
        with self._lock:
            self._over = True
            self._say(f"{self.label}: {self._done}/{self.total} in {self._clock() - self._began:.1f} s")

    def _report(self, now: float, what: str) -> None:
        self._reported, self._last = True, now
        self._say(f"{self.label}: {what}")


def columns(width: int) -> list[ProgressColumn]:
    """What a bar has in so many columns: label, bar, count, times. A long label is broken between words."""
    times: list[ProgressColumn] = [TextColumn("left"), TimeRemainingColumn()]
    beside = 22  # the count, the time left and the spaces
    if width >= ROOMY:
        times = [TimeElapsedColumn(), *times]
        beside += 8
    bar = min(40, max(8, (width - beside) // 3))
    parts: list[ProgressColumn] = [BarColumn(bar_width=bar), MofNCompleteColumn()]
    if width < 2 * beside:  # no room for a bar: the count says it
        parts, times, beside, bar = [MofNCompleteColumn()], times[-1:], 16, 0
    label = max(8, width - beside - bar)
    named = TextColumn(
        "{task.description}", markup=False, table_column=Column(max_width=label, min_width=min(24, label))
    )
    return [named, *parts, *times]
