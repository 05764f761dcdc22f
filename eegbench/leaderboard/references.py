"""How far floors, chance and ceilings come on the subjects and stimuli of a method's cell: what its share counts from.

The floor is the best of the table's floors and of chance, the ceiling the best of its ceilings: the least flattering
pair. Those that lack a subject, or have no value on it by the published weights, do not count, and are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eegbench.leaderboard import wording
from eegbench.leaderboard.average import Scored, mean_over_subjects
from eegbench.leaderboard.cells import Column
from eegbench.leaderboard.drafts import Draft
from eegbench.leaderboard.filling import OLDER_CHANCE, Entry, Kept, gather


@dataclass(frozen=True)
class Reach:
    """Floors or ceilings that have a value: their means, and the scores of each; lacking: why others have none."""

    counted: tuple[str, ...] = ()
    means: tuple[float, ...] = ()
    scores: tuple[tuple[Scored, ...], ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """Floors and ceilings beside a method's cell, and chance; floor and ceiling: the best of them, None for none.

    caveats: which others do not count, and why.
    """

    floors: Reach = Reach()
    ceilings: Reach = Reach()
    chance: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    caveats: tuple[str, ...] = ()

    @property
    def way(self) -> float | None:
        """How far the ceiling is from the floor."""
        return None if self.floor is None or self.ceiling is None else abs(self.ceiling - self.floor)


class References:
    """The floors and ceilings of a table, and of each what it has on a metric, gathered once."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self._drafts = [draft for draft in drafts if draft.role != "method"]
        self._found: dict[tuple[object, ...], Reach] = {}

    def span(self, column: Column, entry: Entry, kept: Kept | None) -> Span:
        """Floor and ceiling beside a method's cell, over the stimuli `kept` of it."""
        subjects = frozenset(score.subject for score in entry.scores)
        if not subjects:
            return Span()
        floors, ceilings = (self._reach(column, role, subjects, kept) for role in ("floor", "ceiling"))
        caveats = [
            wording.counted_from(role, reach.counted, reach.lacking)
            for role, reach in (("floors", floors), ("ceilings", ceilings))
            if reach.counted and reach.lacking
        ]
        chance = entry.chance if floors.counted else None
        caveats += [OLDER_CHANCE] if floors.counted and entry.older_chance else []
        floor = _best(column, [*floors.means, *([] if chance is None else [chance])])
        return Span(floors, ceilings, chance, floor, _best(column, ceilings.means), tuple(caveats))

    def _reach(self, column: Column, role: str, subjects: frozenset[int], kept: Kept | None) -> Reach:
        key = (column.identity, role, subjects, kept is not None)  # of a column all that is kept is the same
        if key not in self._found:
            by_method: dict[str, tuple[Scored, ...]] = {}
            lacking = []
            for draft in (draft for draft in self._drafts if draft.role == role):
                scores = _scores(column, draft, subjects, kept)
                if isinstance(scores, str):
                    lacking.append(f"{draft.label} {scores}")
                else:
                    by_method[draft.label] = scores
            means = [
                column.clipped(mean_over_subjects([(score.subject, score.value) for score in own]))
                for own in by_method.values()
            ]
            self._found[key] = Reach(tuple(by_method), tuple(means), tuple(by_method.values()), tuple(lacking))
        return self._found[key]


def _scores(column: Column, draft: Draft, subjects: frozenset[int], kept: Kept | None) -> tuple[Scored, ...] | str:
    """What a floor or ceiling has on these subjects, or why it says nothing of them."""
    if draft.barred:
        return f"does not count ({draft.barred})"
    if lacking := sorted(subjects - draft.subjects):
        return f"has no run on {wording.subjects(lacking)}"
    entry = gather(column, [run for run in draft.runs if run.record.spec.subject in subjects])
    if not entry.whole:
        return "has no value there that counts"
    return entry.over(kept).scores if kept else entry.scores


def _best(column: Column, values: Sequence[float]) -> float | None:
    if not values:
        return None
    return max(values) if column.higher_is_better else min(values)
