"""A run's folder as it is read: its record, its scores if they belong to it, and its values by stimulus.

Raises InputError for the first file that breaks its format, or that does not belong with the others: a board or a
comparison with a run left out in silence would be wrong.
"""

import functools
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eegbench import values
from eegbench.errors import InputError
from eegbench.records import RunRecord, ScoreSheet
from eegbench.values import Values

RECORD, SHEET, TABLE = "run.json", "scores.json", "scores.csv"
AGAIN = "run `eegbench evaluate` on it again, which scores it"


@dataclass(frozen=True)
class Run:
    """One run. `sheet` is None where it is not complete, or has no scores of these images; `unscored` says why."""

    folder: Path
    path: str  # below the folder in which runs were sought, with / between its parts
    record: RunRecord
    sheet: ScoreSheet | None
    unscored: str = ""

    @property
    def name(self) -> str:
        spec = self.record.spec
        return f"sub-{spec.subject:02d} seed-{spec.seed}"

    @functools.cached_property
    def values(self) -> Values | None:
        """The scores by stimulus; None where there are none. Their means are the sheet's values."""
        path = self.folder / TABLE
        if self.sheet is None or not path.is_file():
            return None
        found = values.read(path)
        if found.metrics and len(found.stimuli) != self.sheet.n:
            raise InputError(f"{path}: has {len(found.stimuli)} stimuli, {SHEET} stands on {self.sheet.n}; {AGAIN}")
        for (metric, version), items in found.metrics.items():
            score = self.sheet.metrics.get(metric)
            if score is None or score.version != version:
                raise InputError(f"{path}: has {metric}@{version}, which {SHEET} has not; {AGAIN}")
            known = items[np.isfinite(items)]
            mean = float(known.sum() / len(known)) if len(known) else None
            if not _equal(mean, score.value, float(np.abs(known).mean()) if len(known) else 0.0):
                raise InputError(f"{path}: has {mean} as the mean of {metric}, {SHEET} has {score.value}; {AGAIN}")
        return found


def read(folder: Path, *, top: Path | None = None, manifest: bool = True) -> Run:
    """The run of a folder; with `manifest=False` without the rows of its images, which are most of a record."""
    record = RunRecord.read(folder / RECORD, manifest=manifest)
    path = folder.relative_to(top).as_posix() if top else folder.as_posix()
    if record.status != "complete":  # scores beside a run that was started again belong to images that may be gone
        reason = f": {record.reason}" if record.reason else ""
        return Run(folder, path, record, None, f"status {record.status}{reason}")
    if not (folder / SHEET).exists():
        return Run(folder, path, record, None, "not scored yet")
    sheet = ScoreSheet.read(folder / SHEET)
    if sheet.reconstructions != record.digests.get("reconstructions", sheet.reconstructions):
        return Run(folder, path, record, None, f"its {SHEET} belongs to other images: score it again")
    return Run(folder, path, record, sheet)


def read_all(top: Path) -> list[Run]:
    """All runs below a folder, in the order of their paths, without the rows of their images.

    Links to folders are not followed. Raises InputError if `top` is no folder.
    """
    return [read(folder, top=top, manifest=False) for folder in folders(top)]


def folders(top: Path) -> list[Path]:
    """The folders below `top` that hold a run, in the order of their paths; what lies below a run is its images."""
    if not top.is_dir():
        raise InputError(f"{top}: no such folder; name the folder that `eegbench evaluate` wrote its runs to")
    return sorted(_found(top))


def _found(top: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(top, onerror=_unreadable):
        below[:] = [name for name in below if not name.startswith(".")]  # what is being copied, or hidden
        if RECORD in files:
            below.clear()
            yield Path(folder)


def _unreadable(error: OSError) -> None:
    reason = error.strerror or type(error).__name__
    raise InputError(f"{error.filename}: cannot be read ({reason}); a board without it would be wrong") from error


def _equal(a: float | None, b: float | None, size: float) -> bool:
    """Up to the rounding of a mean of numbers of that size, which are kept with twelve digits."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=max(1e-10 * size, 1e-12))
