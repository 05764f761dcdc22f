"""Scores as shares of the way from floor to ceiling: (x - floor) / (ceiling - floor), by column.

Both are those that each cell carries (`references.References`), of the same subjects and stimuli, and taken as exact,
so that an interval is that of x alone. A share says which floors and ceilings of the table it does not count from. What
is no better than floor or chance has a share of 0 or less. What comes out below -1 or above 2 says that a floor, a
ceiling or a score is wrong, and is marked, as the quality control of Open Problems does.
"""

import dataclasses
from collections.abc import Set

from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Cell, Column, Row, Table

STRANGE = (-1.0, 2.0)


def normalised(table: Table) -> Table:
    """The table with its methods' values as shares; a blank with its reason where floor or ceiling is missing."""
    return dataclasses.replace(table, rows=tuple(_shared(row, table) for row in table.rows), normalised=True)


def _shared(row: Row, table: Table) -> Row:
    if row.role != "method":
        return row
    roles = {other.role for other in table.rows}
    cells = tuple(_share(cell, column, roles) for cell, column in zip(row.cells, table.columns, strict=True))
    return dataclasses.replace(row, cells=cells)


def _share(cell: Cell, column: Column, roles: Set[str]) -> Cell:
    if cell.value is None:
        return cell
    floor, ceiling = cell.floor, cell.ceiling
    if floor is None or ceiling is None:
        lacking = [role for role, value in (("floor", floor), ("ceiling", ceiling)) if value is None]
        return _blank(cell, wording.no_share(lacking, made=roles >= set(lacking)))
    if not (ceiling > floor if column.higher_is_better else ceiling < floor):
        return _blank(cell, "no share: the ceiling is no better than the floor")
    share, *ends = ((x - floor) / (ceiling - floor) for x in (cell.value, *(cell.ci or ())))
    low, high = STRANGE
    strange = () if low <= share <= high else (f"outside {low:g} to {high:g}: floor, ceiling or score is wrong",)
    ci = (min(ends), max(ends)) if ends else None  # a metric that falls turns them round
    return dataclasses.replace(cell, value=share, ci=ci, notes=(*cell.notes, *cell.caveats, *strange))


def _blank(cell: Cell, reason: str) -> Cell:
    return dataclasses.replace(
        cell, value=None, ci=None, notes=(*cell.notes, reason), compared=False, best=False, tied=False
    )
