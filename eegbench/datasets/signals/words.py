"""How findings call channels, trials and times."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHOWN = 6  # names, stretches or lines that are given of a kind


@dataclass(frozen=True)
class Segments:
    """How parts of the EEG are called: trials by their numbers from 1 on, stretches of a recording by their time."""

    count: int
    seconds: float = 0.0  # of a stretch; 0 for trials

    def many(self, parts: int) -> str:
        if self.seconds:
            return f"{parts * self.seconds:g} of {self.count * self.seconds:g} s"
        return f"{parts} of {self.count} trials"

    def where(self, chosen: NDArray[np.bool_]) -> str:
        """Which, as stretches: "trials 3, 7 to 9", "12 to 14.5 s"."""
        edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]]))).reshape(-1, 2)
        if self.seconds:
            return shortened([f"{a * self.seconds:g} to {b * self.seconds:g} s" for a, b in edges], "stretches")
        words = [f"{a + 1}" if b == a + 1 else f"{a + 1} to {b}" for a, b in edges]
        return ("trial " if int(chosen.sum()) == 1 else "trials ") + shortened(words, "stretches")


def shortened(words: Sequence[str], kind: str) -> str:
    more = f" and {len(words) - SHOWN} more {kind}" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def first(lines: Sequence[str], rest: str) -> list[str]:
    """The first lines, and how many there are more of which `rest` is true."""
    return [*lines[:SHOWN], *([f"{len(lines) - SHOWN} more {rest}"] if len(lines) > SHOWN else [])]
