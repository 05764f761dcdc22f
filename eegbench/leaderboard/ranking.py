"""Which value of a column is best, and which others cannot be told apart from it.

Ranked are the methods whose runs are all there, on the same subjects. Each other one is compared with the best: on each
stimulus either gives a share to the mean over subjects, and the signs of the differences are flipped
(`statistics.sign_flip_ps`); p is corrected over the comparisons in the column (Holm). What has p above .05 is tied.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from eegbench import seeds, statistics
from eegbench.leaderboard.average import Scored, Shares, shares
from eegbench.leaderboard.cells import Cell, Column, Row

LEVEL = 0.05

Scores = Callable[[Row, Column], Sequence[Scored]]  # of a row's runs on a metric


def rank(rows: Sequence[Row], columns: Sequence[Column], scores: Scores) -> tuple[list[Row], list[str]]:
    """The rows with `best` and `tied` marked, and what is to be said about it."""
    ranked, notes = _ranked(rows)
    cells = {id(row): list(row.cells) for row in rows}
    untested = []
    for i, column in enumerate(columns):
        running = [row for row in ranked if row.cells[i].value is not None and not row.cells[i].notes]
        best = _best(running, i, column)
        for row in best:
            cells[id(row)][i] = dataclasses.replace(row.cells[i], best=True)
        others = [row for row in running if all(row is not one for one in best)]
        if not others:
            continue
        pooled = [shares(scores(row, column)) for row in (best[0], *others)]
        if (tied := _tied(column.metric, pooled)) is None:
            untested.append(column.metric)
            continue
        for row, yes in zip(others, tied, strict=True):
            cells[id(row)][i] = dataclasses.replace(row.cells[i], tied=yes)
    if untested:
        notes.append(f"no test of who is tied with the best, for want of values by stimulus: {', '.join(untested)}")
    return [dataclasses.replace(row, cells=tuple(cells[id(row)])) for row in rows], notes


def _ranked(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    ranked = [row for row in rows if row.role == "method" and row.complete]
    widest = max((len(row.subjects) for row in ranked), default=0)
    subjects = {row.subjects for row in ranked if len(row.subjects) == widest}
    if len(subjects) > 1:
        return [], ["no value is bold: the methods do not stand on the same subjects"]
    ranked = [row for row in ranked if row.subjects in subjects]
    fewer = sum(row.role == "method" for row in rows) - len(ranked)
    notes = [f"bold leaves out {fewer} of the methods: unfinished, or on other subjects"] if fewer and ranked else []
    return ranked, notes


def _best(rows: Sequence[Row], place: int, column: Column) -> list[Row]:
    sign = 1 if column.higher_is_better else -1
    values = [sign * _value(row.cells[place]) for row in rows]
    return [row for row, value in zip(rows, values, strict=True) if value == max(values)]


def _value(cell: Cell) -> float:
    assert cell.value is not None  # of the running rows
    return cell.value


def _tied(metric: str, pooled: Sequence[Shares | None]) -> list[bool] | None:
    """Of each but the first whether it is tied with the first; None where they are not on the same stimuli."""
    first = pooled[0]
    known = [one for one in pooled if one is not None and first is not None and one.stimuli == first.stimuli]
    if first is None or len(known) < len(pooled):
        return None
    differences = np.array([first.values - one.values for one in known[1:]])
    p = statistics.holm(statistics.sign_flip_ps(differences, seed=seeds.seed("leaderboard", metric)))
    return [bool(one > LEVEL) for one in p]
