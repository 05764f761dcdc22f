"""Reads a folder of runs: every run.json below it, with its scores.json where there is one."""

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eegbench.errors import InputError
from eegbench.leaderboard.cells import Setting
from eegbench.records import RunRecord, ScoreSheet, canonical

RECORD, SHEET = "run.json", "scores.json"


@dataclass(frozen=True)
class Run:
    """A run's record without its manifest, which a board does not need, and its scores if it is complete and scored."""

    path: str  # below the runs folder
    record: RunRecord
    sheet: ScoreSheet | None

    @property
    def name(self) -> str:
        spec = self.record.spec
        return f"sub-{spec.subject:02d} seed-{spec.seed}"

    @functools.cached_property
    def setting(self) -> Setting:
        spec, sheet = self.record.spec, self.sheet
        return Setting(
            dataset=spec.dataset,
            revision=spec.revision,
            track=spec.track,
            suite=sheet.suite if sheet else "",
            protocol=sheet.protocol if sheet else "",
            options=canonical(spec.dataset_configuration),
            average=str(spec.average),
            samples=spec.samples,
            selection=spec.selection,
            simulated=self.record.simulated,
        )


def read_runs(folder: Path) -> list[Run]:
    """All runs below `folder`, in the order of their paths. Links to folders are not followed.

    Raises InputError if `folder` is none, or for the first record that breaks the format: a board with a run left
    out in silence would be wrong.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the folder that `eegbench evaluate` wrote its runs to")
    return [_read(folder, path) for path in sorted(_folders(folder))]


def _folders(top: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(top):
        if RECORD in files:
            below.clear()  # what is below a run is its images
            yield Path(folder)


def _read(top: Path, folder: Path) -> Run:
    record = RunRecord.read(folder / RECORD, manifest=False)
    # Scores beside a run that was started again belong to images that may be gone.
    scored = record.status == "complete" and (folder / SHEET).exists()
    return Run(folder.relative_to(top).as_posix(), record, ScoreSheet.read(folder / SHEET) if scored else None)
