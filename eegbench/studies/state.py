"""Where each cell of a study stands, from files alone: those of its run and of its fit.

| state | what is there |
|---|---|
| complete | all images, and the scores that the study asks for |
| failed | a run that ended with an error, and why |
| started | a part: images, or other scores; the cell goes on from there |
| to do | nothing |
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from eegbench.benchmark import fit
from eegbench.errors import InputError
from eegbench.files import digest, read_json
from eegbench.runs.layout import RECORD, SHEET
from eegbench.runs.record import RunRecord
from eegbench.runs.sheet import ScoreSheet
from eegbench.studies.cells import Arm, Cell, Fit
from eegbench.studies.engine.tasks import failure_of, failures_beside, run_of
from eegbench.studies.found import made, scored

COMPLETE, FAILED, STARTED, TO_DO = STATES = ("complete", "failed", "started", "to do")


@dataclass(frozen=True)
class State:
    """Where a cell stands: one of STATES, the run's folder where there is one, and why it failed."""

    word: str
    folder: Path | None = None
    reason: str = ""


@dataclass
class Runs:
    """A folder of runs; what lies below it is listed once, when a cell asks for it."""

    top: Path
    _listed: dict[Path, list[str]] = field(default_factory=dict)

    def state(self, cell: Cell) -> State:
        """Where a cell stands. A run that cannot be read counts as failed, with the reason."""
        state = self._of_run(cell)
        if state.word in (STARTED, TO_DO) and (reason := self._failure(cell)):
            return State(FAILED, state.folder or self.top / cell.spec_folder, reason)
        return state

    def _failure(self, cell: Cell) -> str:
        """Why a study could not make the run, where it has tried; "" else."""
        if self._names(failures_beside(self.top, cell)):
            with suppress(InputError, OSError):
                return str(read_json(failure_of(self.top, run_of(cell))).get("reason"))
        return ""

    def _of_run(self, cell: Cell) -> State:
        place = self.top / cell.spec_folder
        for name in self._names(place.parent):
            here = name == place.name or name.startswith(f"{place.name}-")
            if here and (state := _state_in(place.parent / name, cell)):
                return state
        return State(TO_DO)

    def _names(self, folder: Path) -> list[str]:
        if folder not in self._listed:
            try:
                self._listed[folder] = sorted(os.listdir(folder))
            except OSError:  # there is none
                self._listed[folder] = []
        return self._listed[folder]


def _state_in(folder: Path, cell: Cell) -> State | None:
    """The state of the run in a folder; None where it is no run, or another cell's."""
    if not (folder / RECORD).is_file():
        return None
    try:
        record = RunRecord.read(folder / RECORD, manifest=False)
        if not made(record, cell.plan):
            return None
        if record.status != "complete":
            return State(record.status, folder, record.reason)
        sheet = ScoreSheet.read(folder / SHEET) if (folder / SHEET).is_file() else None
    except InputError as error:
        return State(FAILED, folder, str(error))
    whole = sheet is not None and scored(sheet, cell.plan, cell.options)
    return State(COMPLETE if whole else STARTED, folder)


def states_of(cells: Sequence[Cell], runs: Path) -> list[State]:
    """Where each cell stands, in their order."""
    folder = Runs(runs)
    return [folder.state(cell) for cell in cells]


@dataclass(frozen=True)
class Fits:
    """How many fits some cells need, and how many of them are there."""

    wanted: int
    there: int

    @classmethod
    def of(cls, cells: Iterable[Cell], there: Set[Fit]) -> "Fits":
        wanted = {cell.fit: cell for cell in cells}
        return cls(len(wanted), len(wanted.keys() & there))


def fits_there(arms: Iterable[Arm]) -> set[Fit]:
    """The fits of these arms that are stored, whoever made them; found by their cards, and not by a plan of each."""
    of_shape: dict[str, list[Arm]] = {}
    for one in arms:
        of_shape.setdefault(one.fitted_from, []).append(one)
    found: set[Fit] = set()
    for shaped_by in fit.stored():
        whose = {name: shaped_by.pop(name) for name in fit.PERSONAL if name in shaped_by}
        seed, _ = shaped_by.pop("seed", None), shaped_by.pop("data", None)
        for one in of_shape.get(digest(shaped_by), ()):
            cells = (Cell(one, subject, seed) for subject in one.subjects)
            found |= {cell.fit for cell in cells if fit.personal(cell.plan) == whose}
    return found


def counted(states: Iterable[State]) -> dict[str, int]:
    """How many cells are in each state, in the order of STATES."""
    counts = Counter(state.word for state in states)
    return {word: counts[word] for word in STATES}
