"""A row of a table: what was measured under the old rule and under the new, and what is wanted."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LEVEL = (0.035, 0.065)  # how often a test at .05 may reject what is true
TEST = (0.0, 0.065)  # the same where a test may err to the safe side
COVERAGE = (0.93, 0.97)  # how often a 95 % interval should hold the true value
COVERS = (0.93, 1.0)  # the same where an interval may err to the safe side
POWER = (0.75, 0.85)  # how often an effect is seen that is called visible in four of five cases
NOISE = 3  # standard errors of a simulation by which a row may miss what is wanted


@dataclass(frozen=True)
class Row:
    """before: under the old rule, None where there was none; after: with the package's functions; wanted: bounds.

    fault: the old rule is wrong here, so that `before` must lie outside what is wanted. error: the standard error of
    the simulation; None: both numbers are shares of `cases`. only_told: a number to read; nothing is wanted.
    """

    what: str
    before: float | None
    after: float | None
    wanted: tuple[float, float] | None
    cases: int
    fault: bool = False
    error: float | None = None

    def complaint(self) -> str:
        """What is wrong with the row; "" if nothing."""
        if self.wanted is None:
            return ""
        if self.after is not None and not self._inside(self.after):
            return f"{self.after:.3f} is not as wanted"
        if self.fault and (self.before is None or self._inside(self.before)):
            return f"the old rule's {self.before:.3f} would pass"
        return ""

    def _inside(self, value: float) -> bool:
        assert self.wanted is not None
        low, high = self.wanted
        return low - self._noise(low) <= value <= high + self._noise(high)

    def _noise(self, bound: float) -> float:
        if self.error is not None:
            return NOISE * self.error
        return NOISE * math.sqrt(max(bound * (1 - bound), 0.0) / self.cases)


@dataclass(frozen=True)
class Section:
    """One numbered point of the plan. rows: by whether the short version is meant, its rows as they are ready."""

    title: str
    rows: Callable[[bool], Iterator[Row]]


def line(row: Row) -> str:
    """A row as it is printed."""
    complaint = row.complaint()
    end = f"   <- {complaint}" if complaint else ""
    return f"{row.what:<72} {_number(row.before):>9} {_number(row.after):>9} {_bounds(row):>14} {row.cases:>6}{end}"


HEAD = f"{'':<72} {'before':>9} {'after':>9} {'wanted':>14} {'cases':>6}"


def _bounds(row: Row) -> str:
    return "-" if row.wanted is None else f"{_number(row.wanted[0])}..{_number(row.wanted[1])}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 100 and (abs(value) >= 0.001 or value == 0) else f"{value:.3g}"
