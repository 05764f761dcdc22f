"""eegbench: a benchmark for methods that reconstruct the picture a person saw from their EEG.

The command `eegbench`, and the same from Python:

    import eegbench
    run = eegbench.evaluate("saliency_controlnet", subject=8)
    run.scores

The names in `__all__` are the interface. What is not there is private and may change in any release, but for what
authors of methods, data sets and metrics build on: `eegbench.contracts`, `eegbench.errors`, `eegbench.arrays`, and what
docs/adding-a-method.md names. Nothing is imported before a name is used.
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eegbench.api.board import Board, leaderboard
    from eegbench.api.comparison import Comparison, compare
    from eegbench.api.data import dataset
    from eegbench.api.evaluate import evaluate, open_run
    from eegbench.api.judge import Judge
    from eegbench.api.results import Run, Sheet
    from eegbench.api.score import score
    from eegbench.api.study import Standing, Study
    from eegbench.errors import (
        AuthorError,
        CheckFailed,
        EegbenchError,
        InputError,
        MissingError,
        Notice,
        UsageError,
    )

__version__ = "0.1.0"

__all__ = [
    "AuthorError",
    "Board",
    "CheckFailed",
    "Comparison",
    "EegbenchError",
    "InputError",
    "Judge",
    "MissingError",
    "Notice",
    "Run",
    "Sheet",
    "Standing",
    "Study",
    "UsageError",
    "compare",
    "dataset",
    "evaluate",
    "leaderboard",
    "open_run",
    "score",
]
_MODULES = {
    "eegbench.api.board": ("Board", "leaderboard"),
    "eegbench.api.comparison": ("Comparison", "compare"),
    "eegbench.api.data": ("dataset",),
    "eegbench.api.evaluate": ("evaluate", "open_run"),
    "eegbench.api.judge": ("Judge",),
    "eegbench.api.results": ("Run", "Sheet"),
    "eegbench.api.score": ("score",),
    "eegbench.api.study": ("Standing", "Study"),
    "eegbench.errors": (
        "AuthorError",
        "CheckFailed",
        "EegbenchError",
        "InputError",
        "MissingError",
        "Notice",
        "UsageError",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


class _Package(types.ModuleType):
    """This package: public names are imported when they are first used."""

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'eegbench' has no attribute {name!r}")
        value = getattr(importlib.import_module(_HOMES[name]), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # To import the room eegbench/leaderboard/ binds that name here; the public function of this name keeps it.
        if not (name in _HOMES and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _Package
