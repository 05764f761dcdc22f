"""Which value of a column is best, and which others cannot be told apart from it.

Ranked are the methods whose runs are all there, on the same subjects. Each other one is compared with the best: on each
stimulus either gives a share to the mean over subjects, and the signs of the differences are flipped
(`statistics.sign_flip_ps`); p is corrected over the comparisons in the column (Holm). What has p above .05 is tied.

What that promises (`perf/board.py`): the best and the tied together hold the truly best method in 95 % of boards or
more (one named beforehand among equals is called worse in 1.5 % to 2.3 %). It does not promise that no equal is called
worse: the best was picked by looking, and of ten equals some one is called worse in 16 % of boards, of five in 9 %.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from eegbench import seeds, statistics
from eegbench.leaderboard.average import Scored, Shares, shares
from eegbench.leaderboard.cells import Cell, Column, Row

LEVEL = 0.05

Scores = Sequence[Sequence[Sequence[Scored]]]  # by row and column, what the cell is the mean of


def rank(rows: Sequence[Row], columns: Sequence[Column], scores: Scores) -> tuple[list[Row], list[str]]:
    """The rows with `best` and `tied` marked, and what is to be said about it."""
    ranked, notes = _ranked(rows)
    cells = [list(row.cells) for row in rows]
    untested = []
    for i, column in enumerate(columns):
        running = [r for r in ranked if cells[r][i].value is not None and not cells[r][i].notes]
        best = _best([cells[r][i] for r in running], column)
        for place in best:
            cells[running[place]][i] = dataclasses.replace(cells[running[place]][i], best=True)
        others = [r for place, r in enumerate(running) if place not in best]
        if not others:
            continue
        tied = _tied(column.metric, [shares(scores[r][i]) for r in (running[best[0]], *others)])
        if tied is None:
            untested += [] if _of_a_set([one for r in running for one in scores[r][i]]) else [column.metric]
        else:
            for r, yes in zip(others, tied, strict=True):
                cells[r][i] = dataclasses.replace(cells[r][i], tied=yes)
    if untested:
        notes.append(f"not tested who is tied with the best, for want of values by stimulus: {', '.join(untested)}")
    return [dataclasses.replace(row, cells=tuple(own)) for row, own in zip(rows, cells, strict=True)], notes


def _of_a_set(scores: Sequence[Scored]) -> bool:
    """Whether the metric is one of whole sets: the runs have values by stimulus, and none of this metric."""
    return all(one.stimuli and one.items is None for one in scores)


def _ranked(rows: Sequence[Row]) -> tuple[list[int], list[str]]:
    """The places of the rows that are ranked, and why others are not."""
    methods = [i for i, row in enumerate(rows) if row.role == "method"]
    whole = [i for i in methods if rows[i].complete]
    widest = max((len(rows[i].subjects) for i in whole), default=0)
    subjects = {rows[i].subjects for i in whole if len(rows[i].subjects) == widest}
    if len(subjects) > 1:
        return [], ["no value is bold: the methods do not stand on the same subjects"]
    ranked = [i for i in whole if rows[i].subjects in subjects]
    fewer = len(methods) - len(ranked)
    notes = [f"bold leaves out {fewer} of the methods: unfinished, or on other subjects"] if fewer and ranked else []
    return ranked, notes


def _best(cells: Sequence[Cell], column: Column) -> list[int]:
    """The places of the best values; none where there are no values."""
    sign = 1 if column.higher_is_better else -1
    values = [sign * cell.value for cell in cells if cell.value is not None]
    return [place for place, value in enumerate(values) if value == max(values)]


def _tied(metric: str, pooled: Sequence[Shares | None]) -> list[bool] | None:
    """Of each but the first whether it is tied with the first; None where they are not on the same stimuli."""
    first = pooled[0]
    known = [one for one in pooled if one is not None and first is not None and one.stimuli == first.stimuli]
    if first is None or len(known) < len(pooled):
        return None
    differences = np.array([first.values - one.values for one in known[1:]])
    seed, flips = seeds.seed("leaderboard", metric), max(10_000, 40 * len(differences))  # p can fall below .05 / 2 m
    p = statistics.holm(statistics.sign_flip_ps(differences, seed=seed, permutations=flips))
    return [bool(one > LEVEL) for one in p]
