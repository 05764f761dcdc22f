"""A data set with published EEG embeddings in the EEG's place: how the saliency-guided paper itself ran.

A Reconstructor is asked with EEG alone and knows no stimulus ids, so it cannot look embeddings up by them. The data set
can: it joins the published rows to its stimuli and hands them out where EEG stands, as (n, 1, 1024), with an EEGInfo
of the unit "embedding". Everything behind it (batches, the audit's permutation, the contract) stays as it is, and
`encoder.kind=precomputed` passes them through.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eegbench.arrays import EEG, EEGInfo
from eegbench.backbones.embeddings import WIDTH, read_embeddings
from eegbench.contracts import Answers, Dataset, Queries, TrainingSet
from eegbench.errors import UsageError
from eegbench.files import file_digest
from eegbench.plugins.authors import StandIn

FILE = "ATM_S_eeg_features_sub-{subject:02d}_{split}.pt"
REPETITIONS = {"train": 4, "test": 1}  # rows of a stimulus; those of the test set are averaged already
INFO = EEGInfo(channels=("ATM-S embedding",), rate=0.0, start=0.0, times=WIDTH, unit="embedding")


@dataclass(frozen=True)
class Embedded(StandIn):
    """`inner` with the files of `folder` in its EEG's place; `files` is the sha256 of each that is there.

    The published rows follow the order of the image folders, which is the order of the stimulus ids: row i belongs to
    the i-th id, whatever order `inner` has.
    """

    inner: Dataset
    folder: Path
    files: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, inner: Dataset, folder: Path) -> "Embedded":
        """Raises UsageError for a data set of which some repetitions or sessions were chosen."""
        for option in ("train_repetitions", "sessions", "test_sessions"):
            if value := getattr(inner, option, None):
                raise UsageError(f"{option} is {value}; published embeddings are of all repetitions: leave it out")
        files = sorted(folder.glob(FILE.replace("{subject:02d}", "*").format(split="*")))
        return cls(inner, folder, tuple((path.name, file_digest(path)) for path in files))

    # A data set's facts are on its class; these are the inner one's.
    @property
    def name(self) -> str:  # type: ignore[override]
        return self.inner.name

    @property
    def revision(self) -> str:  # type: ignore[override]
        return self.inner.revision

    @property
    def subjects(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.inner.subjects

    @property
    def simulated(self) -> bool:  # type: ignore[override]
        return self.inner.simulated

    @property
    def caution(self) -> str:  # type: ignore[override]
        return self.inner.caution

    @property
    def about(self) -> str:  # type: ignore[override]
        return f"{self.inner.about} Published EEG embeddings stand in the EEG's place."

    @property
    def info(self) -> EEGInfo:
        return INFO

    def digests(self, subject: int) -> dict[str, str]:
        return self.inner.digests(subject)

    def train(self, subject: int) -> TrainingSet:
        """The inner data set's training set, with the published rows as EEG; MissingError or InputError for the
        subject's file."""
        whole = self.inner.train(subject)
        rows = self._rows(subject, "train", whole.stimuli)
        return replace(whole, eeg=rows, info=INFO, shown=np.arange(len(rows)))

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        """The inner data set's queries, with the published rows as EEG; UsageError for another average than "all"."""
        if average != "all":
            raise UsageError(f"average is {average!r}; published test embeddings are averages of all repetitions")
        whole = self.inner.queries(subject)
        return replace(whole, eeg=self._rows(subject, "test", whole.stimuli), info=INFO)

    def answers(self, subject: int) -> Answers:
        return self.inner.answers(subject)

    def _rows(self, subject: int, split: str, stimuli: tuple[str, ...]) -> EEG:
        path = self.folder / FILE.format(subject=subject, split=split)
        rows = read_embeddings(path, len(stimuli), repetitions=REPETITIONS[split])
        row_of = {stimulus: row for row, stimulus in enumerate(sorted(stimuli))}
        return rows[[row_of[stimulus] for stimulus in stimuli], None]
