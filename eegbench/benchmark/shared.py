"""Runs and scores that many runs folders need, in the user's cache, found again by what they depend on.

A ceiling depends on the true images, a floor on the training images, neither on a subject's EEG: what was made for one
subject or one runs folder serves the others. Damaged files are made again.
"""

import dataclasses
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import eegbench
from eegbench.benchmark.score import Scorer
from eegbench.errors import EegbenchError
from eegbench.files import Json, digest, temporary_name, user_cache, write_bytes
from eegbench.runs import layout
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord
from eegbench.runs.seal import SCHEMA_VERSION, is_sealed
from eegbench.runs.sheet import STATISTICS, ScoreSheet

WRITTEN = 2  # rises when a floor or a ceiling is made or scored otherwise, without a version of its own that says so
MADE_BY = (eegbench.__version__, SCHEMA_VERSION, WRITTEN)
BESIDE = (layout.TABLE, layout.SALIENCY)  # what a floor or a ceiling has beside its scores


@dataclass(frozen=True)
class SharedRun:
    """The images of one run, in a folder of the cache that is named by all that they depend on."""

    folder: Path

    @classmethod
    def of(cls, depends_on: Json) -> "SharedRun":
        return cls(user_cache("references") / digest([depends_on, *MADE_BY]))

    def restore(self, begun: Run) -> RunRecord | None:
        """The complete record of a run, its images copied from here into its folder; None where there are none here."""
        try:
            kept = RunRecord.read(self.folder / layout.RECORD)
            whole = kept.status == "complete" and is_sealed((self.folder / layout.RECORD).read_text(encoding="utf-8"))
            images = {row.file: (self.folder / row.file).read_bytes() for row in kept.manifest} if whole else {}
        except (EegbenchError, OSError):  # not there, or another process makes it anew just now
            return None
        if not whole or any(hashlib.sha256(images[row.file]).hexdigest() != row.sha256 for row in kept.manifest):
            return None
        for name, data in images.items():
            write_bytes(begun.folder / name, data)
        return dataclasses.replace(
            begun.record,
            status="complete",
            environment=kept.environment,  # on what these images were made
            digests={**begun.record.digests, "reconstructions": kept.images},
            manifest=kept.manifest,
            seconds=kept.seconds,
            peak_memory_bytes=kept.peak_memory_bytes,
        )

    def keep(self, run: Run) -> None:
        """Keep a complete run's images; where the cache cannot be written nothing is kept, and no error is raised."""
        with _replacing(self.folder) as folder:
            _copy(run.folder, [row.file for row in run.record.manifest], folder)
            run.record.write(folder / layout.RECORD)


def restore_scores(run: Run, ready: Scorer) -> ScoreSheet | None:
    """The scores of a run's images by these judges and metrics, copied from the cache beside them; None without."""
    folder = _scores(run.record, ready)
    try:
        sheet = ScoreSheet.read(folder / layout.SHEET)
        sound = is_sealed((folder / layout.SHEET).read_text(encoding="utf-8"))
        files = {name: (folder / name).read_bytes() for name in (*sheet.files, layout.SHEET)}
    except (EegbenchError, OSError):
        return None
    if not sound or any(hashlib.sha256(files[name]).hexdigest() != sha256 for name, sha256 in sheet.files.items()):
        return None
    for name, data in files.items():  # the sheet last: with it the scores are there
        write_bytes(run.folder / name, data)
    return sheet


def keep_scores(run: Run, ready: Scorer, sheet: ScoreSheet) -> None:
    """Keep the scores of a run in the cache, if no other files than those in BESIDE were written with them."""
    if set(sheet.files) <= set(BESIDE):
        with _replacing(_scores(run.record, ready)) as folder:
            _copy(run.folder, [*sheet.files, layout.SHEET], folder)


def _scores(record: RunRecord, ready: Scorer) -> Path:
    versions = {metric.id: metric.version for metric in ready.metrics}
    judges = [[judge.name, judge.digest, judge.variant, judge.verified] for judge in ready.suite.judges]
    scored = [ready.truths_digest, record.images, ready.suite.name, ready.suite.protocol, judges, versions]
    return user_cache("scores") / digest([scored, ready.caution, ready.missing, STATISTICS, *MADE_BY])


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A temporary folder to fill, which then replaces `folder`."""
    with tempfile.TemporaryDirectory(prefix="eegbench-") as elsewhere:
        filled = Path(elsewhere) / "filled"
        filled.mkdir()
        yield filled
        temporary = temporary_name(folder)
        with suppress(OSError):
            try:
                shutil.copytree(filled, temporary)
                shutil.rmtree(folder, ignore_errors=True)
                temporary.rename(folder)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)


def _copy(source: Path, names: Sequence[str], folder: Path) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
