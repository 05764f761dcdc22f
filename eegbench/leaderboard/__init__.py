"""Leaderboards from run folders: `collect(runs)` gives tables of cells, and `render` writes them.

Reads JSON records alone: neither torch nor any metric is needed, and a run of a plug-in that is not installed counts.
"""

from eegbench.leaderboard.cells import Cell, Column, Row, Setting, Source, Table
from eegbench.leaderboard.markdown import markdown
from eegbench.leaderboard.plain import as_csv, as_json
from eegbench.leaderboard.render import FORMATS, render
from eegbench.leaderboard.table import collect, tabulate

__all__ = [
    "FORMATS",
    "Cell",
    "Column",
    "Row",
    "Setting",
    "Source",
    "Table",
    "as_csv",
    "as_json",
    "collect",
    "markdown",
    "render",
    "tabulate",
]
