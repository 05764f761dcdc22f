"""Readers of one run, as the leaderboard and `eegbench check` read it; each raises where the run would break it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from eegbench.checks import drift
from eegbench.errors import InputError
from eegbench.leaderboard.board import Board
from eegbench.leaderboard.render import FORMATS
from eegbench.runs import layout


def _board(folder: Path) -> None:
    board = Board.of(folder)
    for run in board.unreadable:
        raise InputError(run.why)
    board.html(folder / "leaderboard.html")
    for form in FORMATS:
        board.render(form)


def _check(folder: Path) -> None:
    if (folder / layout.SHEET).exists():
        drift.read_scores(folder)


READERS: Mapping[str, Callable[[Path], object]] = {"as a board": _board, "as `eegbench check` reads it": _check}
