"""What the runs of a study need, each thing once: fits, floors and ceilings, and the runs themselves.

A task can be done again and then only finds its work done: the files of runs and fits are the only state. It is handed
to a process of its own as JSON.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eegbench.benchmark.options import BATCH_SIZE, Options
from eegbench.files import Json, digest
from eegbench.runs.layout import STUDY
from eegbench.runs.record import of_floor
from eegbench.studies.cells import Cell, Fit

FIT, REFERENCES, RUN = "fit", "references", "run"
JOBS = f"{STUDY}/jobs"  # what jobs of a queue print
PATHS = ("captions", "runs")  # fields of Options


@dataclass(frozen=True)
class Task:
    """One thing to do, for the cell that wants it first.

    key: its name, and that of its files below `.study`. needs: the keys of what must be done before.
    """

    key: str
    kind: str
    cell: Cell
    needs: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The task in a few words, for people."""
        if self.kind == REFERENCES:
            return f"floors and ceilings of {self.cell.options.dataset} sub-{self.cell.subject:02d}"
        return f"fit of {self.cell.words}" if self.kind == FIT else self.cell.words

    @property
    def log(self) -> Path:
        """What its processes said, one after the other."""
        return log_of(self.cell.options.runs, self.key)

    def to_json(self) -> Json:
        """What a process needs to do it."""
        options = dataclasses.asdict(self.cell.options)
        options |= {name: None if options[name] is None else str(options[name].absolute()) for name in PATHS}
        return {
            "kind": self.kind,
            "method": self.cell.arm.method,
            "subject": self.cell.subject,
            "options": options,
            "log": str(self.log.absolute()),
        }

    def with_half_the_batch(self) -> "Task | None":
        """The same task with half as many images at once; None where there is one at once already."""
        arm = self.cell.arm
        batch = (arm.options.batch_size or BATCH_SIZE) // 2
        smaller = dataclasses.replace(arm, options=dataclasses.replace(arm.options, batch_size=batch))
        return dataclasses.replace(self, cell=dataclasses.replace(self.cell, arm=smaller)) if batch else None


def tasks_of(cells: Iterable[Cell], there: Set[Fit]) -> list[Task]:
    """The tasks of these cells in the order of the cells, each after what it needs; there: fits that are stored."""
    tasks: dict[str, Task] = {}
    for cell in cells:
        needs = []
        if cell.fit not in there:
            needs.append(Task(f"fits/{digest(list(cell.fit))[:16]}", FIT, cell))
        if cell.options.companions:
            needs.append(Task(_references_of(cell), REFERENCES, cell))
        for task in (*needs, Task(run_of(cell), RUN, cell, tuple(task.key for task in needs))):
            tasks.setdefault(task.key, task)
    return list(tasks.values())


def run_of(cell: Cell) -> str:
    """The key of a run's task."""
    return f"runs/{cell.spec_folder.as_posix()}-{cell.spec.key[:8]}"


def _references_of(cell: Cell) -> str:
    """The key of the floors and ceilings beside a run; runs that may share them have the same."""
    options, view = cell.options, cell.arm.planned.spec.view
    shared = digest([dict(options.dataset_table), options.track, options.average, of_floor(view)])
    return f"references/{options.dataset}-{shared[:8]}/sub-{cell.subject:02d}"


def log_of(runs: Path, key: str) -> Path:
    """What the processes of a task said."""
    return runs / STUDY / f"{key}.log"


def failure_of(runs: Path, key: str) -> Path:
    """The file that says why a task failed; there is none for one that did not."""
    return runs / STUDY / f"{key}.json"


def failures_beside(runs: Path, cell: Cell) -> Path:
    """The folder in which the failure of a run would be, and those of runs with another seed."""
    return failure_of(runs, f"runs/{cell.spec_folder.as_posix()}").parent


def options_from(value: Mapping[str, Any]) -> Options:
    """The options that `Task.to_json` wrote."""
    places = {name: None if value[name] is None else Path(value[name]) for name in PATHS}
    return Options(**{**value, **places, "also": tuple(value["also"])})
