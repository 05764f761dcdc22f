"""Scores as shares of the way from floor to ceiling: (x - floor) / (ceiling - floor), by column.

Floors and ceilings are those of each cell (`references.References`), of the same subjects and stimuli. x and both of
them are estimates: `statistics.share` resamples them together. A share says which floors and ceilings of the table it
does not count from. What is no better than floor or chance has a share of 0 or less. What comes out below -1 or above 2
says that a floor, a ceiling or a score is wrong, and is marked, as the quality control of Open Problems does.
"""

import dataclasses
import math
from collections.abc import Sequence, Set

import numpy as np

from eegbench import statistics
from eegbench.leaderboard import wording
from eegbench.leaderboard.average import Array, Scored, rows_of, stimuli_of
from eegbench.leaderboard.cells import Cell, Column
from eegbench.leaderboard.references import Reach, Span
from eegbench.statistics import Drawn, Joint

STRANGE = (-1.0, 2.0)


class Shares:
    """Shares of one column. made: the roles of the table's rows. What is resampled is kept, for all methods need it."""

    def __init__(self, column: Column, made: Set[str]) -> None:
        self._column, self._made = column, made
        self._drawn: dict[tuple[int, tuple[str, ...]], tuple[Reach, list[Drawn] | None]] = {}

    def cell(self, cell: Cell, scores: Sequence[Scored], span: Span) -> Cell:
        """The cell with its value as a share, or a blank with the reason. scores: what its value is the mean of."""
        floor, ceiling = span.floor, span.ceiling
        if cell.value is None:
            return cell
        if floor is None or ceiling is None:
            lacking = [role for role, value in (("floor", floor), ("ceiling", ceiling)) if value is None]
            return _blank(cell, wording.no_share(lacking, made=self._made >= set(lacking)))
        if not (ceiling > floor if self._column.higher_is_better else ceiling < floor):
            return _blank(cell, "no share: the ceiling is no better than the floor")
        chance = [] if span.chance is None else [span.chance]
        share = statistics.share(
            (cell.value, [*span.floors.means, *chance], span.ceilings.means),
            self._draws(scores, span),
            subjects=len({score.subject for score in scores}),
            between_fits=_between_fits(scores),
            higher_is_better=self._column.higher_is_better,
        )
        if share.value is None:
            return _blank(cell, "no share: the ceiling is not clear of the floor")
        low, high = STRANGE
        strange = "" if low <= share.value <= high else f"outside {low:g} to {high:g}: floor, ceiling or score is wrong"
        spread = cell.seeds_sd / span.way if cell.seeds_sd is not None and span.way else None
        notes = (*cell.notes, *span.caveats, *filter(None, [strange]))
        return dataclasses.replace(cell, value=share.value, ci=share.ci, notes=notes, seeds_sd=spread)

    def _draws(self, scores: Sequence[Scored], span: Span) -> Joint | None:
        """The method, floors and ceilings resampled together; None where one has no values by stimulus."""
        every = [*scores, *(score for side in (span.floors, span.ceilings) for own in side.scores for score in own)]
        stimuli = stimuli_of(every)
        method = _draw(scores, stimuli)
        floors, ceilings = (self._references(side, stimuli) for side in (span.floors, span.ceilings))
        if method is None or floors is None or ceilings is None:
            return None
        return method, [*floors, *([] if span.chance is None else [statistics.not_resampled(span.chance)])], ceilings

    def _references(self, reach: Reach, stimuli: tuple[str, ...]) -> list[Drawn] | None:
        if (key := (id(reach), stimuli)) not in self._drawn:
            drawn = [draw for own in reach.scores if (draw := _draw(own, stimuli)) is not None]
            self._drawn[key] = reach, drawn if len(drawn) == len(reach.scores) else None
        return self._drawn[key][1]


def _draw(scores: Sequence[Scored], stimuli: tuple[str, ...]) -> Drawn | None:
    table = _by_subject(scores, stimuli)
    return None if table is None else statistics.resampled_means(table)


def _by_subject(scores: Sequence[Scored], stimuli: tuple[str, ...]) -> Array | None:
    """Values by subject and stimulus, seeds averaged."""
    rows = rows_of(scores, stimuli)
    if rows is None or len({score.subject for score in scores}) > 1:
        return rows
    mean = rows.mean(axis=0, keepdims=True)
    return mean if np.isfinite(mean).any() else None


def _between_fits(scores: Sequence[Scored]) -> float:
    """What the seeds of one subject add to the half width of their mean, joined with that of stimuli."""
    rows = rows_of(scores) if len(scores) > 1 and len({score.subject for score in scores}) == 1 else None
    if rows is None or (ci := (crossed := statistics.crossed(rows)).interval()) is None:
        return 0.0
    whole, of_stimuli = (ci[1] - ci[0]) / 2, statistics.NORMAL * math.sqrt(crossed.stimuli)
    return math.sqrt(max(0.0, whole * whole - of_stimuli * of_stimuli))


def _blank(cell: Cell, reason: str) -> Cell:
    return dataclasses.replace(
        cell,
        value=None,
        ci=None,
        notes=(*cell.notes, reason),
        compared=False,
        best=False,
        tied=False,
        seeds_sd=None,
    )
