"""How far floors, chance and ceilings come on the subjects and stimuli of a method's cell: what its share counts from.

The floor is the best of the table's floors and of chance, the ceiling the best of its ceilings: the least flattering
pair. Those that lack a subject, or have no value on it by the published weights, say nothing.
"""

from collections.abc import Sequence

from eegbench.leaderboard.average import mean_over_subjects
from eegbench.leaderboard.cells import Column
from eegbench.leaderboard.drafts import Draft
from eegbench.leaderboard.filling import Entry, Kept, gather

Span = tuple[float | None, float | None]


class References:
    """The floors and ceilings of a table, and of each what it has on a metric, gathered once."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self._drafts = [draft for draft in drafts if draft.role != "method" and not draft.barred]
        self._found: dict[tuple[object, ...], float | None] = {}

    def span(self, column: Column, entry: Entry, kept: Kept | None) -> Span:
        """Floor and ceiling beside a method's cell, over the stimuli `kept` of it; None where there is none."""
        subjects = frozenset(one.subject for one in entry.scores)
        floor, ceiling = (self._reach(column, role, subjects, kept) for role in ("floor", "ceiling"))
        if floor is not None and entry.chance is not None:
            floor = _best(column, [floor, entry.chance])
        return floor, ceiling

    def _reach(self, column: Column, role: str, subjects: frozenset[int], kept: Kept | None) -> float | None:
        key = (column.identity, role, subjects, kept is not None)  # of a column all that is kept is the same
        if key not in self._found:
            values = [_value(column, draft, subjects, kept) for draft in self._drafts if draft.role == role]
            self._found[key] = _best(column, [value for value in values if value is not None])
        return self._found[key]


def _value(column: Column, draft: Draft, subjects: frozenset[int], kept: Kept | None) -> float | None:
    entry = gather(column, [run for run in draft.runs if run.record.spec.subject in subjects])
    if not subjects or not entry.whole or {one.subject for one in entry.scores} != subjects:
        return None
    scores = entry.over(kept).scores if kept else entry.scores
    return column.clipped(mean_over_subjects([(one.subject, one.value) for one in scores]))


def _best(column: Column, values: Sequence[float]) -> float | None:
    if not values:
        return None
    return max(values) if column.higher_is_better else min(values)
