"""How far floors, chance and ceilings come on the subjects and stimuli of a method's cell: what its share counts from.

The floor is the best of the table's floors and of chance, the ceiling the best of its ceilings: the least flattering
pair. Those that lack a subject, or have no value on it by the published weights, do not count, and are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eegbench.leaderboard import wording
from eegbench.leaderboard.average import mean_over_subjects
from eegbench.leaderboard.cells import Column
from eegbench.leaderboard.drafts import Draft
from eegbench.leaderboard.filling import Entry, Kept, gather


@dataclass(frozen=True)
class Span:
    """Floor and ceiling beside a method's cell, None for none; caveats: which others do not count, and why."""

    floor: float | None
    ceiling: float | None
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reach:
    """The best value of floors or of ceilings; counted: those that have one; lacking: why others have none."""

    value: float | None
    counted: tuple[str, ...]
    lacking: tuple[str, ...]


class References:
    """The floors and ceilings of a table, and of each what it has on a metric, gathered once."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self._drafts = [draft for draft in drafts if draft.role != "method"]
        self._found: dict[tuple[object, ...], Reach] = {}

    def span(self, column: Column, entry: Entry, kept: Kept | None) -> Span:
        """Floor and ceiling beside a method's cell, over the stimuli `kept` of it."""
        subjects = frozenset(one.subject for one in entry.scores)
        if not subjects:
            return Span(None, None)
        floors, ceilings = (self._reach(column, role, subjects, kept) for role in ("floor", "ceiling"))
        caveats = [
            wording.counted_from(role, reach.counted, reach.lacking)
            for role, reach in (("floors", floors), ("ceilings", ceilings))
            if reach.counted and reach.lacking
        ]
        floor = floors.value
        if floor is not None and entry.chance is not None:
            floor = _best(column, [floor, entry.chance])
        return Span(floor, ceilings.value, tuple(caveats))

    def _reach(self, column: Column, role: str, subjects: frozenset[int], kept: Kept | None) -> Reach:
        key = (column.identity, role, subjects, kept is not None)  # of a column all that is kept is the same
        if key not in self._found:
            values: dict[str, float] = {}
            lacking = []
            for draft in (draft for draft in self._drafts if draft.role == role):
                value = _value(column, draft, subjects, kept)
                if isinstance(value, str):
                    lacking.append(f"{draft.label} {value}")
                else:
                    values[draft.label] = value
            self._found[key] = Reach(_best(column, list(values.values())), tuple(values), tuple(lacking))
        return self._found[key]


def _value(column: Column, draft: Draft, subjects: frozenset[int], kept: Kept | None) -> float | str:
    """What a floor or ceiling reaches on these subjects, or why it says nothing of them."""
    if draft.barred:
        return f"does not count ({draft.barred})"
    if lacking := sorted(subjects - draft.subjects):
        return f"has no run on {wording.subjects(lacking)}"
    entry = gather(column, [run for run in draft.runs if run.record.spec.subject in subjects])
    if not entry.whole:
        return "has no value there that counts"
    scores = entry.over(kept).scores if kept else entry.scores
    return column.clipped(mean_over_subjects([(one.subject, one.value) for one in scores]))


def _best(column: Column, values: Sequence[float]) -> float | None:
    if not values:
        return None
    return max(values) if column.higher_is_better else min(values)
