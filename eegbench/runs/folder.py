"""A run's folder as it is read: its record, its scores if they belong to it, and its values by stimulus."""

import functools
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eegbench.errors import InputError
from eegbench.runs.items import Values, read_values
from eegbench.runs.layout import RECORD, SHEET, TABLE
from eegbench.runs.record import RunRecord
from eegbench.runs.sheet import ScoreSheet

AGAIN = "run `eegbench evaluate` on it again, which scores it"
NOT_YET = "not scored yet"
OTHER_IMAGES = f"its {SHEET} belongs to other images: score it again"
MIXED = (
    f"its {SHEET} is of schema version 1 and its {RECORD} of a later one, so that nothing binds them: score it again"
)
LONGEST = 300  # characters of a reason


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
        if self.sheet is None or not os.path.lexists(path):
            return None
        found = read_values(path)
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



def read_run(folder: Path, *, top: Path | None = None, manifest: bool = True) -> Run:
    """The run of a folder; with `manifest=False` without the rows of its images, which are most of a record."""
    record = RunRecord.read(folder / RECORD, manifest=manifest)
    path = folder.relative_to(top).as_posix() if top else folder.as_posix()
    if record.status != "complete":  # scores beside a run that was started again belong to images that may be gone
        reason = f": {cut(record.reason)}" if record.reason else ""
        return Run(folder, path, record, None, f"status {record.status}{reason}")
    if not (folder / SHEET).exists():
        return Run(folder, path, record, None, NOT_YET)
    sheet = ScoreSheet.read(folder / SHEET)
    if problem := _unlike(folder, record, sheet):
        return Run(folder, path, record, None, problem)
    return Run(folder, path, record, sheet)



@dataclass(frozen=True)
class Scored:
    """A complete run with its scores. `items` has the metrics of single stimuli; those of a whole set have none.

    items: stimulus id to the mean over its samples; NaN where the metric is undefined.
    """

    folder: Path
    record: RunRecord
    sheet: ScoreSheet
    items: dict[str, dict[str, float]]

    @property
    def stimuli(self) -> frozenset[str]:
        return frozenset(row.stimulus for row in self.record.manifest)



def read_scored(folder: Path) -> Scored:
    """Read and check a run's folder.

    Raises InputError where there is no run, it is unfinished or not scored, or its files do not belong together.
    """
    if not (folder / RECORD).exists():
        raise InputError(
            f"{folder}: holds no {RECORD}; name a run's folder, as runs/sim-things/eeg/atm/sub-08/seed-0"
        )
    run = read_run(folder)
    if run.record.status != "complete":
        raise InputError(
            f"{folder}: its status is {run.record.status!r}, wanted 'complete'; run `eegbench evaluate` on it again"
        )
    for name in (SHEET, TABLE):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: holds no {name}; {AGAIN}")
    if run.sheet is None or run.values is None:
        raise InputError(f"{folder}: {run.unscored}; {AGAIN}")
    stimuli = run.values.stimuli
    items = {
        metric: dict(zip(stimuli, found.tolist(), strict=True)) for (metric, _), found in run.values.metrics.items()
    }
    scored = Scored(folder, run.record, run.sheet, items)
    if run.sheet.n != len(scored.stimuli):
        raise InputError(
            f"{folder / SHEET}: stands on {run.sheet.n} stimuli, the run on {len(scored.stimuli)}; {AGAIN}"
        )
    if items and (astray := sorted(scored.stimuli.symmetric_difference(stimuli))):
        raise InputError(
            f"{folder / TABLE}: and the run do not both have stimulus {astray[0][:200]!r}; {AGAIN}"
        )
    return scored



def below(folder: Path, words: str) -> str:
    """Words about a run, in which its files are named without the path of its folder."""
    return words.replace(f"{folder}{os.sep}", "").replace(f"{folder}: ", "")



def _unlike(folder: Path, record: RunRecord, sheet: ScoreSheet) -> str:
    """Why a sheet does not count as the record's; of schema version 1 neither has a digest, and both are believed."""
    own = record.digests.get("reconstructions", "")
    if sheet.reconstructions and not own:  # an older run that was scored anew: its manifest has the images
        own = RunRecord.read(folder / RECORD).images
    if sheet.reconstructions == own:
        return ""
    return OTHER_IMAGES if sheet.reconstructions else MIXED



def cut(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"



def _equal(a: float | None, b: float | None, size: float) -> bool:
    """Up to the rounding of a mean of numbers of that size, which are kept with twelve digits."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=max(1e-10 * size, 1e-12))

