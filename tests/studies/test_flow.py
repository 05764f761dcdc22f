"""The order of a study's tasks, and what is tried again, with an engine that does as it is told."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import pytest

from eegbench.errors import MissingError
from eegbench.studies.engine.flow import DEATHS, LOSSES, flow
from eegbench.studies.engine.outcome import Outcome
from eegbench.studies.engine.tasks import Task

DONE, DIES, LOST = Outcome(), Outcome("died", killed=True), Outcome("lost", lost=True)
FAILS, NO_MEMORY = Outcome("failed"), Outcome("no memory", memory=True)


class Told(Task):
    """A task whose smaller self is told by its kind."""

    def with_half_the_batch(self) -> "Told | None":
        return Told(self.key, f"{self.kind}, half", self.cell, self.needs)


class Does:
    """An engine: the outcomes of each task one after the other, DONE where they are used up. It notes what it did."""

    def __init__(self, outcomes: Mapping[str, Sequence[Outcome]], slots: int = 1) -> None:
        self.slots = slots
        self.begun: list[tuple[str, str]] = []
        self._outcomes = {key: list(value) for key, value in outcomes.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, task: Task, rank: int, ended: Callable[[Outcome], None]) -> None:
        self.begun.append((task.key, task.kind))
        left = self._outcomes.get(task.key, [])
        ended(left.pop(0) if left else DONE)


def task(key: str, *needs: str) -> Task:
    cell: Any = None
    return Told(key, "run", cell, needs)


def ended(tasks: Sequence[Task], engine: Does) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    flow(tasks, engine, lambda one, outcome: found.update({one.key: outcome}))
    assert found.keys() == {one.key for one in tasks}
    return found


@pytest.mark.parametrize("slots", [1, 2, 100])
def test_each_comes_after_what_it_needs_and_the_first_ones_first(slots: int) -> None:
    tasks = [
        task("fit a"),
        task("a", "fit a"),
        task("fit b"),
        task("b", "fit b"),
        task("c", "fit a", "fit b"),
        task("d"),
    ]
    engine = Does({}, slots)
    assert all(outcome.done for outcome in ended(tasks, engine).values())
    order = [key for key, _ in engine.begun]
    assert all(order.index(need) < order.index(one.key) for one in tasks for need in one.needs)
    if slots == 1:
        assert order == ["fit a", "a", "fit b", "b", "c", "d"]


def test_a_failure_stops_what_needs_it_and_nothing_else() -> None:
    tasks = [task("fit"), task("a", "fit"), task("of a", "a"), task("b")]
    engine = Does({"fit": [FAILS]})
    found = ended(tasks, engine)
    assert [key for key, _ in engine.begun] == ["fit", "b"]
    assert found["a"].reason == "not tried, for what it needs failed: failed"
    assert not found["of a"].done and found["b"].done


def test_a_task_whose_process_dies_is_tried_again_and_then_given_up() -> None:
    engine = Does({"a": [DIES] * (DEATHS - 1), "b": [DIES] * DEATHS, "c": [LOST] * (LOSSES - 1)})
    found = ended([task("a"), task("b"), task("c")], engine)
    assert found["a"].done and found["b"] == DIES and found["c"].done
    assert len(engine.begun) == DEATHS + DEATHS + LOSSES


def test_for_want_of_memory_a_task_is_tried_once_with_half_the_batch() -> None:
    engine = Does({"a": [NO_MEMORY], "b": [NO_MEMORY, NO_MEMORY]})
    found = ended([task("a"), task("b")], engine)
    assert engine.begun == [("a", "run"), ("a", "run, half"), ("b", "run"), ("b", "run, half")]
    assert found["a"].done and found["b"] == NO_MEMORY


def test_a_worker_that_may_not_take_tasks_ends_the_study() -> None:
    with pytest.raises(MissingError, match="another version"):
        ended([task("a"), task("b")], Does({"a": [Outcome("another version", refused=True)]}))
