"""A run: its folder with the record, the images, the scores and what else lies beside them, read and written.

What is written comes as arrays, records and text: a run knows no method, no judge and no metric.
"""

import dataclasses
import functools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from eegbench.errors import InputError
from eegbench.files import file_digest, write_bytes, writing
from eegbench.runs import layout
from eegbench.runs.items import Array, ItemValues, read_values
from eegbench.runs.layout import RECORD, SHEET, TABLE
from eegbench.runs.permutation import Permutation
from eegbench.runs.record import ManifestRow, RunRecord
from eegbench.runs.seal import AGAIN, SCHEMA_VERSION, mixed
from eegbench.runs.sheet import ScoreSheet
from eegbench.runs.tensors import Embeddings, Maps, read_maps, read_rows, write_tensors

NOT_YET = "not scored yet"
OTHER_IMAGES = f"its {SHEET} belongs to other images: score it again"
MIXED = mixed({RECORD: SCHEMA_VERSION, SHEET: 1})
LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Run:
    """One run. `sheet` is None where it is not complete, or has no scores of these images; `unscored` says why.

    path: the folder below the one in which runs were sought, with / between its parts. reused: the run was complete
    before it was asked for, and no image of it was made now.
    """

    folder: Path
    record: RunRecord
    sheet: ScoreSheet | None = None
    unscored: str = NOT_YET
    path: str = ""
    reused: bool = False

    @classmethod
    def open(cls, folder: Path, *, top: Path | None = None, manifest: bool = True) -> Self:
        """The run of a folder; with `manifest=False` without the rows of its images, which are most of a record.

        Raises InputError for a record or a score sheet that cannot be read.
        """
        path = folder.relative_to(top).as_posix() if top else folder.as_posix()
        run = cls(folder, RunRecord.read(folder / RECORD, manifest=manifest), path=path)
        if run.record.status != "complete":  # scores of a run that was started again belong to images that may be gone
            reason = f": {cut(run.record.reason)}" if run.record.reason else ""
            return dataclasses.replace(run, unscored=f"status {run.record.status}{reason}")
        if not (folder / SHEET).exists():
            return run
        sheet = ScoreSheet.read(folder / SHEET)
        if problem := _unlike(folder, run.record, sheet):
            return dataclasses.replace(run, unscored=problem)
        return dataclasses.replace(run, sheet=sheet, unscored="")

    @property
    def name(self) -> str:
        spec = self.record.spec
        return f"sub-{spec.subject:02d} seed-{spec.seed}"

    @property
    def identity(self) -> str:
        """The sha256 (hex) that two runs share if they are the same run."""
        return layout.identity(self.record.spec, self.record.digests)

    @property
    def stimuli(self) -> frozenset[str]:
        """The stimuli whose images the record lists."""
        return frozenset(row.stimulus for row in self.record.manifest)

    @functools.cached_property
    def values(self) -> ItemValues | None:
        """The scores by stimulus; None where there are none. Their means are the sheet's values.

        Raises InputError for a table that does not belong to the sheet.
        """
        path = self.folder / TABLE
        if self.sheet is None or not os.path.lexists(path):
            return None
        values = read_values(path)
        if values.metrics and len(values.stimuli) != self.sheet.n:
            raise InputError(f"{path}: has {len(values.stimuli)} stimuli, {SHEET} stands on {self.sheet.n}; {AGAIN}")
        for (metric, version), items in values.metrics.items():
            score = self.sheet.metrics.get(metric)
            if score is None or score.version != version:
                raise InputError(f"{path}: has {metric}@{version}, which {SHEET} has not; {AGAIN}")
            known = items[np.isfinite(items)]
            mean = float(known.sum() / len(known)) if len(known) else None
            if not _equal(mean, score.value, float(np.abs(known).mean()) if len(known) else 0.0):
                raise InputError(f"{path}: has {mean} as the mean of {metric}, {SHEET} has {score.value}; {AGAIN}")
        return values

    @property
    def scores(self) -> ScoreSheet:
        """The score sheet; raises InputError where there is none of these images."""
        if self.sheet is None:
            raise InputError(f"{self.folder}: {self.unscored}; {AGAIN}")
        return self.sheet

    @functools.cached_property
    def items(self) -> dict[str, Array]:
        """By metric the score of each stimulus, (n,) in the order of their sorted ids.

        Metrics of a whole set have none. Raises as `values`.
        """
        return {} if self.values is None else {name: items for (name, _), items in self.values.metrics.items()}

    def images(self) -> list[dict[str, Path]]:
        """The image files by stimulus id, a dict for each sample; raises InputError naming a changed or missing one."""
        for row in self.record.manifest:
            self.checked(row.file, row.sha256)
        return self.files_of(self.record.manifest)

    def files_of(self, rows: Sequence[ManifestRow]) -> list[dict[str, Path]]:
        """The files of some rows of images by stimulus id, a dict for each sample."""
        by_sample: dict[int, dict[str, Path]] = {}
        for row in rows:
            by_sample.setdefault(row.sample, {})[row.stimulus] = self.folder / row.file
        return [files for _, files in sorted(by_sample.items())]

    def embedding(self) -> Embeddings | None:
        """The embeddings that the method decoded, by stimulus id; None where the run has none.

        Raises InputError if the file is not the one that the run wrote.
        """
        if "embedding" not in self.record.digests:
            return None
        return read_rows(self.checked(layout.EMBEDDING, self.record.digests["embedding"]), "decoded")

    def targets(self) -> Embeddings | None:
        """The target embeddings of the true images, by stimulus id; None where the run has none. Raises InputError."""
        file = self.folder / layout.TARGETS
        return read_rows(file, "targets") if file.is_file() else None

    def texts(self) -> Embeddings | None:
        """The embeddings of the concepts' texts, by concept; None where the run has none. Raises InputError."""
        file = self.folder / layout.TEXTS
        return read_rows(file, "texts", of="concepts") if file.is_file() else None

    def saliency(self, stimuli: Sequence[str]) -> Maps:
        """The saliency maps (side, side) of those of these stimuli that have some; none where the run has none.

        Raises InputError, or what a broken file makes a reader raise.
        """
        file = self.folder / layout.SALIENCY
        return read_maps(file, stimuli) if file.is_file() else {}

    def permutation(self) -> Permutation | None:
        """Which stimulus got whose EEG, and the images made from it; None where the run has none. Raises InputError."""
        return Permutation.read(self.folder)

    def write_record(self, record: RunRecord) -> Self:
        """Write run.json, and return the run with this record."""
        layout.write_record(self.folder, record)
        return dataclasses.replace(self, record=record)

    def write_embedding(self, stimuli: Sequence[str], embedding: NDArray[np.float32]) -> str:
        """Write the decoded embeddings (n, d) of the stimuli, and return the file's sha256."""
        write_tensors(self.folder / layout.EMBEDDING, stimuli, decoded=embedding)
        return file_digest(self.folder / layout.EMBEDDING)

    def write_targets(self, targets: Embeddings) -> None:
        """Write the target embeddings (d,) of the true images, so that `verify` scores retrieval without the method."""
        stimuli = sorted(targets)
        write_tensors(self.folder / layout.TARGETS, stimuli, targets=np.stack([targets[name] for name in stimuli]))

    def write_texts(self, texts: Embeddings | None) -> None:
        """Write the embeddings (d,) of the concepts' texts, for `verify` as the targets; None: the run has none."""
        file = self.folder / layout.TEXTS
        if texts is None:
            with writing(file):
                file.unlink(missing_ok=True)
            return
        concepts = sorted(texts)
        write_tensors(file, concepts, of="concepts", texts=np.stack([texts[name] for name in concepts]))

    def write_saliency(
        self, stimuli: Sequence[str], *, truths: NDArray[np.uint8], reconstructions: NDArray[np.uint8]
    ) -> None:
        """Write saliency maps (n, side, side) of truths and first samples, for the gallery of an HTML board."""
        file = self.folder / layout.SALIENCY
        write_tensors(file, stimuli, truths=truths, reconstructions=reconstructions)

    def write_scores(self, sheet: ScoreSheet, table: str) -> ScoreSheet:
        """Write scores.csv and, last, scores.json; return the sheet with the digests of the files beside it."""
        write_bytes(self.folder / TABLE, table.encode())
        bound = dataclasses.replace(sheet, files=layout.digests_beside(self.folder))
        write_bytes(self.folder / SHEET, bound.to_json().encode())
        return bound

    def checked(self, name: str, sha256: str) -> Path:
        """A file of the run; raises InputError unless it has this sha256."""
        file = self.folder / name
        if not file.is_file() or file_digest(file) != sha256:
            state = "has changed since the run wrote it" if file.is_file() else "is missing from its run"
            raise InputError(f"{file}: {state}; delete {self.folder} to make the run again")
        return file


def open_scored(folder: Path) -> Run:
    """The complete run of a folder, with its scores and their values by stimulus.

    Raises InputError where there is no run, it is unfinished or not scored, or its files do not belong together.
    """
    if not (folder / RECORD).exists():
        raise InputError(f"{folder}: holds no {RECORD}; name a run's folder, as runs/sim-things/eeg/atm/sub-08/seed-0")
    run = Run.open(folder)
    if run.record.status != "complete":
        raise InputError(
            f"{folder}: its status is {run.record.status!r}, wanted 'complete'; run `eegbench evaluate` on it again"
        )
    for name in (SHEET, TABLE):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: holds no {name}; {AGAIN}")
    if run.sheet is None or run.values is None:
        raise InputError(f"{folder}: {run.unscored}; {AGAIN}")
    if run.sheet.n != len(run.stimuli):
        raise InputError(f"{folder / SHEET}: stands on {run.sheet.n} stimuli, the run on {len(run.stimuli)}; {AGAIN}")
    if run.values.metrics and (astray := sorted(run.stimuli.symmetric_difference(run.values.stimuli))):
        raise InputError(f"{folder / TABLE}: and the run do not both have stimulus {astray[0][:200]!r}; {AGAIN}")
    return run


def below(folder: Path, words: str) -> str:
    """Words about a run, in which its files are named without the path of its folder."""
    return words.replace(f"{folder}{os.sep}", "").replace(f"{folder}: ", "")


def cut(words: str) -> str:
    """Words of at most LONGEST characters."""
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"


def _unlike(folder: Path, record: RunRecord, sheet: ScoreSheet) -> str:
    """Why a sheet is not that of the record's images, "" where it is. In schema version 1 neither has a digest, and
    they are taken to belong together."""
    digest = record.digests.get("reconstructions", "")
    if sheet.reconstructions and not digest:  # an older run that was scored anew: its manifest has the images
        digest = RunRecord.read(folder / RECORD).images
    if sheet.reconstructions == digest:
        return ""
    return OTHER_IMAGES if sheet.reconstructions else MIXED


def _equal(a: float | None, b: float | None, size: float) -> bool:
    """Whether two means are equal, up to the rounding of numbers of that size, which are kept with twelve digits."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=max(1e-10 * size, 1e-12))
