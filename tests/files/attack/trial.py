"""Runs one case under the watch: it is refused in one line, read rightly, or an outcome, within the budget."""

import gc
import random
import re
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from attack.cases import Maker, Outcome
from attack.watch import watched
from eegbench.errors import EegbenchError, Notice
from eegbench.guards import budget
from eegbench.tables import ACTING

REFUSED, READ, OUTCOME, FAILED = "refused", "read", "outcome", "FAILED"
ENDS = (REFUSED, READ, OUTCOME, FAILED)
LONGEST = 4000  # characters of an error's line
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FIELD = re.compile(r"^Vm(HWM|RSS):\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """What became of a seed's case. seconds: of CPU. memory: bytes at its peak beyond what was held before.

    why: what failed, "" otherwise.
    """

    kind: str
    seed: int
    what: str
    end: str
    seconds: float = 0.0
    most_seconds: float = 0.0
    memory: int = 0
    most_memory: int = 0
    why: str = ""


@dataclass
class Spent:
    seconds: float = 0.0
    memory: int = 0


@contextmanager
def measured() -> Iterator[Spent]:
    """CPU time, and the peak of resident memory above what was resident before; 0 bytes where the system is not Linux.

    It is measured for each case alone: the system's mark of the peak is taken back before.
    """
    spent = Spent()
    if CLEAR.exists():
        CLEAR.write_text("5")
    before, since = _memory()["RSS"], time.process_time()
    try:
        yield spent
    finally:
        spent.seconds = time.process_time() - since
        spent.memory = max(0, _memory()["HWM"] - before)


def _memory() -> dict[str, int]:
    if not STATUS.exists():
        return {"RSS": 0, "HWM": 0}
    return {name: int(number) * 1024 for name, number in FIELD.findall(STATUS.read_text())}


def attempt(kind: str, maker: Maker, seed: int, folder: Path) -> Result:
    """The result of one seed's case, in `folder`, of which a folder `case` is its own and is emptied again."""
    allowed = folder / "case"
    allowed.mkdir(parents=True, exist_ok=True)
    try:
        return _attempt(kind, maker, seed, folder, allowed)
    finally:
        _empty(allowed)


def _attempt(kind: str, maker: Maker, seed: int, folder: Path, allowed: Path) -> Result:
    try:
        case = maker(random.Random(f"{kind} {seed}"), allowed)
    except Exception as error:  # the generator's own fault, which is told as one
        return Result(kind, seed, "?", FAILED, why=f"cannot be made: {_said(error)}")
    end, why = READ, ""
    with warnings.catch_warnings(action="error"):
        warnings.simplefilter("ignore", Notice)
        with measured() as spent, watched(allowed, folder) as done:
            try:
                found = case.read()
                end = OUTCOME if isinstance(found, Outcome) else READ
            except EegbenchError as error:
                end, why = REFUSED, _no_line(str(error))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # SystemExit and MemoryError too: none of them is a reader's way to say no
                end, why = FAILED, _said(error)
        if end == READ:
            try:
                case.check(found)
            except Exception as error:
                end, why = FAILED, f"read wrongly: {_said(error)}"
    most_seconds, most_memory = budget.most_seconds(case.size) + case.spare, budget.most_memory(case.size)
    faults = [why, *done[:3]]
    if spent.seconds > most_seconds:
        faults.append(f"takes {spent.seconds:.1f} s of CPU; a file of {case.size} bytes may take {most_seconds:.1f}")
    if spent.memory > most_memory:
        faults.append(f"takes {spent.memory >> 20} MiB; a file of {case.size} bytes may take {most_memory >> 20}")
    if said := "; ".join(filter(None, faults)):
        end = FAILED
    if spent.memory > 2**28:
        gc.collect()
    numbers = (spent.seconds, most_seconds, spent.memory, most_memory)
    return Result(kind, seed, case.what, end, *numbers, said)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split()):.300}"


def _no_line(text: str) -> str:
    """What is wrong with an error's text, which has to be one line that a terminal can be given."""
    if not text.strip() or "\n" in text:
        return f"an error of {text.count(chr(10)) + bool(text)} lines: {text!r:.200}"
    if ACTING.search(text):
        return f"an error that holds a sign which terminals obey: {text!r:.200}"
    return f"an error of {len(text)} characters: {text:.100}" if len(text) > LONGEST else ""


def _empty(folder: Path) -> None:
    if any(folder.iterdir()):
        shutil.rmtree(folder)
        folder.mkdir()
