"""The order in which the tasks of a study are done, whatever does them."""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import Protocol

from eegbench.errors import MissingError
from eegbench.studies.engine.outcome import Outcome
from eegbench.studies.engine.tasks import Task

DEATHS = 3  # of a task's process, after which it is given up
LOSSES = 20  # of workers that had it, after which it is given up

Told = Callable[[Task, Outcome], None]


class Engine(AbstractContextManager["Engine"], Protocol):
    """What does tasks. Left by an exception, it ends those that are at work."""

    slots: int  # tasks that may be begun at once

    def begin(self, task: Task, rank: int, ended: Callable[[Outcome], None]) -> None:
        """Begin a task, before those of a higher rank; `ended` is called in any thread when it is over."""


def flow(tasks: Sequence[Task], engine: Engine, told: Told) -> None:
    """Do all tasks, the first ones first, each after what it needs; `told` hears how each ended.

    A task whose process or worker died is tried again; one that lacked memory, once with half the batch. One that fails
    stops what needs it, and nothing else. Raises MissingError where a worker cannot take tasks of this study.
    """
    ranks = {task.key: rank for rank, task in enumerate(tasks)}
    graph = TopologicalSorter({task.key: task.needs for task in tasks})
    graph.prepare()
    arrived: SimpleQueue[tuple[Task, Outcome]] = SimpleQueue()
    again = Again()
    failed: dict[str, str] = {}
    ready: list[int] = []
    at_work = 0
    while graph.is_active():
        for key in graph.get_ready():
            heapq.heappush(ready, ranks[key])
        while ready and at_work < engine.slots:
            rank = heapq.heappop(ready)
            at_work += 1
            _begin(tasks[rank], rank, engine, failed, arrived)
        task, outcome = arrived.get()
        if outcome.refused:
            raise MissingError(outcome.reason)
        if (other := again.instead(task, outcome)) is not None:
            _begin(other, ranks[task.key], engine, failed, arrived)
            continue
        at_work -= 1
        if not outcome.done:
            failed[task.key] = outcome.reason
        told(task, outcome)
        graph.done(task.key)


def _begin(
    task: Task,
    rank: int,
    engine: Engine,
    failed: Mapping[str, str],
    arrived: "SimpleQueue[tuple[Task, Outcome]]",
) -> None:
    broken = next((failed[key] for key in task.needs if key in failed), None)
    if broken is not None:
        arrived.put((task, Outcome(f"not tried, for what it needs failed: {broken}")))
    else:
        engine.begin(task, rank, lambda outcome: arrived.put((task, outcome)))


class Again:
    """Which tasks are tried again, and how."""

    def __init__(self) -> None:
        self._deaths: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._halved: set[str] = set()

    def instead(self, task: Task, outcome: Outcome) -> Task | None:
        """What is tried after a task that ended so; None where that is the end of it."""
        if outcome.lost:
            self._losses[task.key] += 1
            return task if self._losses[task.key] < LOSSES else None
        if outcome.killed:
            self._deaths[task.key] += 1
            return task if self._deaths[task.key] < DEATHS else None
        if outcome.memory and task.key not in self._halved:
            self._halved.add(task.key)
            return task.with_half_the_batch()
        return None
