"""The columns of a table: their cells, over what they are compared, what is best in them, and shares in their place."""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eegbench.leaderboard import ranking, sharing
from eegbench.leaderboard.average import Scored
from eegbench.leaderboard.cells import Cell, Column
from eegbench.leaderboard.filling import Entry, Kept, column_of, gather
from eegbench.leaderboard.normalise import Shares
from eegbench.leaderboard.places import Place
from eegbench.leaderboard.references import References, Span
from eegbench.runs.folder import Run
from eegbench.runs.metric_facts import Limits, MetricFacts, facts_of, known


@dataclass(frozen=True)
class Filled:
    """A column, its cells and their scores, one of each for a row; by row what a method's share counts from.

    running: the rows that are compared, by their places. reason: why none is.
    """

    column: Column
    cells: tuple[Cell, ...]
    scores: tuple[tuple[Scored, ...], ...]
    spans: Mapping[int, Span]
    running: tuple[int, ...] = ()
    reason: str = ""


def columns_of(runs: Sequence[Run]) -> list[Column]:
    """The columns of a table's runs, in the order in which they stand."""
    floors: dict[Column, dict[int, set[float | None]]] = defaultdict(dict)
    bounds: dict[Column, list[Limits | None]] = defaultdict(list)
    declared: dict[Column, MetricFacts | None] = {}
    for role, sheet in ((run.record.role, run.sheet) for run in runs if run.sheet):
        for score in sheet.metrics.values():
            column = column_of(score)
            if role == "method":
                floors[column].setdefault(sheet.statistics, set()).add(score.floor)
            bounds[column].append(score.bounds)
            declared[column] = declared.get(column) or facts_of(score.metric, score.facts)
    return [
        dataclasses.replace(column, chance=_chance(floors[column]), bounds=_bounds(column.metric, bounds[column]))
        for column in sorted(bounds, key=lambda column: _place(column, declared[column]))
    ]


def _place(column: Column, facts: MetricFacts | None) -> tuple[float, str, int, str, bool]:
    """What columns are sorted by: the metric's own place, and without one behind all others by name."""
    place = math.inf if facts is None or facts.column is None else facts.column
    return place, column.metric, column.version, column.variant, column.higher_is_better


def _chance(floors: Mapping[int, set[float | None]]) -> float | None:
    """What chance gives where all agree on it, of the methods' sheets of the newest edition; floors: by edition."""
    values = floors[max(floors)] if floors else set()
    return next(iter(values)) if len(values) == 1 else None


def _bounds(metric: str, stated: Sequence[Limits | None]) -> Limits:
    """A metric's bounds: of the package's own those that are known, else the widest that the scores state."""
    if metric in known():
        return known()[metric].bounds
    limits = [limit for limit in stated if limit is not None]
    lows, highs = ([end for limit in limits if (end := limit[side]) is not None] for side in (0, 1))
    return (
        min(lows) if len(lows) == len(stated) else None,
        max(highs) if len(highs) == len(stated) else None,
    )


def fill(column: Column, places: Sequence[Place], references: References, comparable: bool) -> Filled:
    """The cells of a column: of the rows that are compared, over the stimuli on which they are."""
    entries = [gather(column, place.runs) for place in places]
    ranked = [number for number, place in enumerate(places) if place.block == "ranked"]
    compared = sharing.compared([entries[number] for number in ranked])
    column = dataclasses.replace(column, at_n=sharing.at_n([entries[number] for number in ranked], entries))
    running = [ranked[place] for place in compared.rows]
    if compared.kept:
        column = dataclasses.replace(column, left_out=_left_out([entries[number] for number in running], compared.kept))
        beside = [number for number, place in enumerate(places) if place.block in ("floor", "ceiling")]
        for number in (*running, *beside):
            entries[number] = entries[number].over(compared.kept)
    cells = [entry.cell(column) for entry in entries]
    spans: dict[int, Span] = {}
    for number, place in enumerate(places):
        if place.draft.role == "method":
            kept = compared.kept if number in running else None
            spans[number] = references.span(column, entries[number], kept)
            cells[number] = dataclasses.replace(
                cells[number], floor=spans[number].floor, ceiling=spans[number].ceiling, caveats=spans[number].caveats
            )
    entered = tuple(entry.scores for entry in entries)
    if not comparable or column.at_n:
        return Filled(column, tuple(cells), entered, spans)
    for number in set(ranked) - set(running) if running else ():
        reason = f"not compared: {sharing.why_not(entries[number])}"
        if cells[number].value is not None:
            cells[number] = dataclasses.replace(cells[number], notes=(reason, *cells[number].notes))
    return Filled(column, tuple(cells), entered, spans, tuple(running), compared.reason)


def marked(filled: Sequence[Filled], primary: int | None) -> tuple[list[Filled], list[ranking.Marks]]:
    """The columns with what is best, what is tied, and the smallest visible difference."""
    comparisons = sum(max(0, len(entry.running) - 1) for entry in filled)
    contests = []
    for entry in filled:
        values = [value for number in entry.running if (value := entry.cells[number].value) is not None]
        scores = [entry.scores[number] for number in entry.running]
        contests.append(ranking.contest(entry.column, values, scores, comparisons=comparisons))
    marks = ranking.mark(contests, primary)
    columns = []
    for entry, contest, mark in zip(filled, contests, marks, strict=True):
        cells = list(entry.cells)
        for order, number in enumerate(entry.running):
            best, tied = order in mark.best, order in mark.tied
            cells[number] = dataclasses.replace(cells[number], compared=True, best=best, tied=tied)
        column = dataclasses.replace(entry.column, visible=contest.visible)
        columns.append(dataclasses.replace(entry, column=column, cells=tuple(cells)))
    return columns, marks


def as_shares(filled: Filled, places: Sequence[Place]) -> Filled:
    """The column with its methods as shares, and the smallest visible difference as one."""
    shares = Shares(filled.column, {place.draft.role for place in places})
    cells = list(filled.cells)
    for number, span in filled.spans.items():
        cells[number] = shares.cell(cells[number], filled.scores[number], span)
    shown = [filled.spans[number].way for number in filled.running if cells[number].value is not None]
    ways = [way for way in shown if way]
    visible = filled.column.visible
    column = dataclasses.replace(filled.column, visible=visible / ways[0] if visible and ways else None)
    return dataclasses.replace(filled, column=column, cells=tuple(cells))


def _left_out(entries: Sequence[Entry], kept: Kept) -> tuple[tuple[int, str], ...]:
    """The pairs of subject and stimulus that were scored and are not compared."""
    scored = {(score.subject, stimulus) for entry in entries for score in entry.scores for stimulus in score.stimuli}
    return tuple(sorted(pair for pair in scored if pair[1] not in kept[pair[0]]))
