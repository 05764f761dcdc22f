"""Which repetitions of a stimulus are taken: of which sessions, and how many of them, drawn by seed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eegbench.errors import UsageError, short
from eegbench.seeds import generator

LATER = {"later": True}  # metadata of options that came after runs and fits, whose digests stay


def drawn(pool: NDArray[np.int64], count: int, *words: object) -> NDArray[np.int64]:
    """`count` of the repetitions `pool`, ascending; which, the words alone decide."""
    return np.sort(pool[generator(*words, "average", count).permutation(len(pool))[:count]])


def check_count(what: str, value: object, most: int, otherwise: str = "") -> int:
    """`value`; UsageError unless it is a whole number from 1 to `most`. `otherwise` is what may come as well."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UsageError(f"{what} is {short(value)}; wanted {otherwise}a whole number from 1 to {most}")
    return value


def check_sessions(dataset: object, count: int, merged: str = "") -> None:
    """UsageError unless the options `sessions` and `test_sessions` name some of the sessions 1 to `count`, or none.

    merged: why, as the other options are, there are no sessions to choose from.
    """
    for option in ("sessions", "test_sessions"):
        value, known = getattr(dataset, option), range(1, count + 1)
        if value and merged:
            raise UsageError(f"{option} is {listed(value)}; {merged}")
        if not isinstance(value, tuple) or any(type(n) is not int or n not in known for n in value):
            raise UsageError(f"{option} is {listed(value)}; there are the sessions 1 to {count}")
        if len(set(value)) < len(value):
            raise UsageError(f"{option} is {listed(value)}; name each session once")


def listed(sessions: object) -> str:
    """Sessions as a command line has them, 1,2; anything else as it is."""
    return ",".join(map(str, sessions)) if isinstance(sessions, Sequence) and sessions else short(sessions)
