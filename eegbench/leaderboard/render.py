"""The formats of a leaderboard by name."""

from collections.abc import Callable, Mapping, Sequence

from eegbench.errors import unknown
from eegbench.leaderboard.cells import Table
from eegbench.leaderboard.markdown import markdown
from eegbench.leaderboard.plain import as_csv, as_json

FORMATS: Mapping[str, Callable[[Sequence[Table]], str]] = {"md": markdown, "csv": as_csv, "json": as_json}


def render(tables: Sequence[Table], form: str) -> str:
    """The tables in the format `form`, one of FORMATS; raises UsageError for another."""
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    return FORMATS[form](tables)
