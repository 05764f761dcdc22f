"""Scores as shares of the way from floor to ceiling: (x - floor) / (ceiling - floor), by column.

The floor is the best of the table's floors on the same subjects, the ceiling the best of such ceilings: the least
flattering pair. Both are taken as exact, so that an interval is that of x alone. What comes out below -1 or above 2
says that a floor, a ceiling or a score is wrong, and is marked, as the quality control of Open Problems does.
"""

import dataclasses
from collections.abc import Sequence

from eegbench.leaderboard.cells import Cell, Column, Row, Table

STRANGE = (-1.0, 2.0)


def normalised(table: Table) -> Table:
    """The table with its methods' values as shares; a blank with its reason where floor or ceiling is missing."""
    return dataclasses.replace(table, rows=tuple(_shared(row, table) for row in table.rows), normalised=True)


def _shared(row: Row, table: Table) -> Row:
    if row.role != "method":
        return row
    alike = [other for other in table.rows if other.subjects == row.subjects]
    spans = [_span(alike, i, column) for i, column in enumerate(table.columns)]
    return dataclasses.replace(row, cells=tuple(map(_share, row.cells, spans)))


def _span(rows: Sequence[Row], place: int, column: Column) -> tuple[float, float] | str:
    """Floor and ceiling of a column among rows on the same subjects, or why there are none."""
    found = []
    for role in ("floor", "ceiling"):
        values = [r.cells[place].value for r in rows if r.role == role and r.complete and not r.cells[place].notes]
        known = [value for value in values if value is not None]
        if not known:
            return f"no share: {column.metric} has no {role} on these subjects"
        found.append(max(known) if column.higher_is_better else min(known))
    floor, ceiling = found
    ahead = ceiling > floor if column.higher_is_better else ceiling < floor
    return (floor, ceiling) if ahead else f"no share: the ceiling of {column.metric} is no better than its floor"


def _share(cell: Cell, span: tuple[float, float] | str) -> Cell:
    if cell.value is None:
        return cell
    if isinstance(span, str):
        return dataclasses.replace(cell, value=None, ci=None, notes=(*cell.notes, span), best=False, tied=False)
    floor, ceiling = span
    share, *ends = ((x - floor) / (ceiling - floor) for x in (cell.value, *(cell.ci or ())))
    low, high = STRANGE
    strange = () if low <= share <= high else (f"outside {low:g} to {high:g}: floor, ceiling or score is wrong",)
    ci = (min(ends), max(ends)) if ends else None  # a metric that falls turns them round
    return dataclasses.replace(cell, value=share, ci=ci, notes=(*cell.notes, *strange))
