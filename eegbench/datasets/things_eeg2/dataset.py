"""The data set `things-eeg2`.

Below `root` lie the published files, as they are published:

    image_metadata.npy (or image_set/image_metadata.npy), image_set/training_images/, image_set/test_images/
    preprocessed_data/sub-08/            the authors' preprocessing: 17 channels, 100 Hz
    Preprocessed_data_250Hz/sub-08/      NICE's: 63 channels, 250 Hz
    prepared/                            what `prepare` makes of them

Gifford, Dwivedi, Roig, Cichy, NeuroImage 264:119754 (2022); files on OSF: EEG anp5v, images y63gw, all 3jk45.
"""

import dataclasses
import functools
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from eegbench.arrays import EEG, EEGInfo
from eegbench.contracts import Answers, Progress, Queries, TrainingSet
from eegbench.datasets import pictures, scratch
from eegbench.datasets.prepared import MANIFEST, Prepared, preparing, read_notes
from eegbench.datasets.recorded import Recorded, TensorReader, default_root
from eegbench.datasets.remote import RemoteFile
from eegbench.datasets.repetitions import LATER, check_count, check_sessions
from eegbench.datasets.signals import SignalFindings, examine, together
from eegbench.datasets.things_eeg2 import files
from eegbench.datasets.things_eeg2.published import (
    FILES,
    SESSIONS,
    TRAIN_REPETITIONS,
    VERSIONS,
    convert,
    existing,
    mean_of,
    read_metadata,
)
from eegbench.datasets.things_eeg2.raw import RAW, RawOptions, prepare_raw
from eegbench.datasets.things_eeg2.trials import choose, gathered
from eegbench.errors import InputError, UsageError, unknown
from eegbench.files import Json, digest, file_digest

NAME = "things-eeg2"
EEG_FILES = {"training EEG": "train.npy", "test EEG": "test.npy"}
SIDE = 500  # px of the published images
PREPARED = "prepared"  # the part of what was looked at: the EEG as methods read it


@dataclass(frozen=True)
class ThingsEEG2(Recorded):
    """things-eeg2: 1,654 concepts of 10 photographs to train on, 200 others of one each to test on; ten people.

    preprocessing: "nice" or "official", as published; "raw", from the raw files as `raw` says, by
    default as near to "nice" as one comes. trials: a training stimulus has one trial, the "mean" of its
    four repetitions (as NICE trains), or "each" of them (as ATM trains). draw: seed of which repetitions an average
    over some of them takes. train_repetitions: how many of the training repetitions there are, drawn by a seed of their
    own for each stimulus. sessions: of "raw", which are trained on, and tested on unless test_sessions names others; ()
    is all. Each shows half of the training images, so that some may be left out.

    Whitened EEG; the whiteners of "official" saw test data, those of "nice" training data alone, and those of "raw" too
    unless raw.mvnn=official.
    """

    name: ClassVar[str] = NAME
    revision: ClassVar[str] = "1"
    subjects: ClassVar[tuple[int, ...]] = tuple(range(1, 11))
    origin: ClassVar[str] = "preprocessing"
    about: ClassVar[str] = "THINGS-EEG2 (Gifford et al. 2022): ten people saw 16,740 photographs of objects."

    preprocessing: Literal["nice", "official", "raw"] = "nice"
    raw: RawOptions = RawOptions()
    trials: Literal["mean", "each"] = "mean"
    draw: int = field(default=0, metadata={"stage": "reconstruct"})  # shapes no fit
    train_repetitions: int | None = field(default=None, metadata=LATER)
    sessions: tuple[int, ...] = field(default=(), metadata=LATER)
    test_sessions: tuple[int, ...] = field(default=(), metadata=LATER | {"stage": "reconstruct"})
    root: Path = field(default_factory=lambda: default_root(NAME))

    def __post_init__(self) -> None:
        if self.preprocessing != "raw" and self.raw != RawOptions():
            raise UsageError(f"raw is set, and preprocessing is {self.preprocessing}, as published; set it to raw")
        merged = f"preprocessing={self.preprocessing} has its sessions merged; prepare the raw files: preprocessing=raw"
        check_sessions(self, SESSIONS, "" if self.preprocessing == "raw" else merged)
        if self.train_repetitions is not None:
            check_count("train_repetitions", self.train_repetitions, TRAIN_REPETITIONS)

    @property
    def info(self) -> EEGInfo:
        return self.raw.info if self.preprocessing == "raw" else VERSIONS[self.preprocessing].info

    def train(self, subject: int) -> TrainingSet:
        """EEG of all training stimuli, or of those that the sessions show.

        Raises MissingError where they are not prepared, UsageError for more train_repetitions than the sessions have.
        """
        recorded, shown = self._prepared(subject)
        table, eeg = shown.table("train.csv"), recorded.array("train.npy")
        chosen = choose(
            recorded,
            "train",
            eeg.shape[1],
            [row["stimulus"] for row in table],
            sessions=self.sessions,
            count=self.train_repetitions,
            words=(NAME, self.revision, "train", subject),  # `draw` shapes no fit
        )
        places = [i for i, rows in enumerate(chosen) if len(rows)]
        averaged, images = self.trials == "mean", shown.array("train.npy")
        if self.sessions or self.train_repetitions:
            eeg = gathered(eeg, chosen, averaged=averaged)
            images = images if len(places) == len(images) else scratch.gathered(images, np.array(places), np.asarray)
        else:
            eeg = recorded.array("train_mean.npy") if averaged else eeg.reshape(-1, *eeg.shape[2:])
        return TrainingSet(
            eeg=eeg,
            info=self.info,
            shown=np.repeat(np.arange(len(places)), 1 if averaged else [len(chosen[i]) for i in places]),
            stimuli=tuple(table[i]["stimulus"] for i in places),
            images=images,
            concepts=tuple(table[i]["concept"] for i in places),
            captions=((),) * len(places),
            subject=subject,
            repetitions=round(np.mean([len(chosen[i]) for i in places])) if averaged else 1,
        )

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        """Test EEG averaged over all repetitions of the sessions, or over `average` of them, drawn for each stimulus.

        Raises MissingError where they are not prepared, UsageError for an average that is not there.
        """
        recorded, shown = self._prepared(subject)
        stimuli = tuple(row["stimulus"] for row in shown.table("test.csv"))
        sessions = self.test_sessions or self.sessions
        if average == "all" and not sessions:
            return Queries(np.asarray(recorded.array("test_mean.npy")), self.info, stimuli)
        every: EEG = recorded.array("test.npy")
        words = (NAME, self.revision, self.draw, subject)
        chosen = choose(recorded, "test", every.shape[1], stimuli, sessions=sessions, count=average, words=words)
        eeg = [mean_of(trials[rows]) for trials, rows in zip(every, chosen, strict=True)]
        return Queries(np.stack(eeg), self.info, stimuli)

    def answers(self, subject: int) -> Answers:
        """The test images, the same for every subject; MissingError where they are not prepared."""
        _, shown = self._prepared(subject)
        table = shown.table("test.csv")
        concepts = tuple(row["concept"] for row in table)
        return Answers(tuple(row["stimulus"] for row in table), np.asarray(shown.array("test.npy")), concepts)

    def digests(self, subject: int) -> dict[str, str]:
        """sha256 of the manifests of what was prepared, which hold those of the published files."""
        return {part.folder.relative_to(self.root).as_posix(): part.sha256 for part in self._prepared(subject)}

    def ready(self) -> tuple[int, ...]:
        return tuple(subject for subject in self.subjects if (self._folder(subject) / MANIFEST).is_file())

    def remote(self, subjects: Sequence[int]) -> tuple[RemoteFile, ...]:
        of = {"nice": files.nice, "official": files.official, "raw": files.raw}[self.preprocessing]
        return (*files.IMAGES, *(file for subject in subjects for file in of(subject)))

    def prepare(self, subjects: Sequence[int], *, tensors: TensorReader, progress: Progress) -> list[Path]:
        """Write prepared/<preprocessing>/sub-08 for each subject, and prepared/images."""
        splits = read_metadata(self.root)
        folders = []
        for subject in subjects:
            self._check_subject(subject)
            made_from = {
                "revision": self.revision,
                "preprocessing": self.preprocessing,
                "sources": self._digests(subject),
                "stimuli": pictures.stimuli_digest(splits),
            }
            if self.preprocessing == "raw":
                made_from |= {"raw": dataclasses.asdict(self.raw), "mne": version("mne")}
            folder = self._folder(subject)
            with preparing(folder, made_from) as preparation:
                preparation.facts = {"info": dataclasses.asdict(self.info)}
                if self.preprocessing == "raw":
                    stimuli = {split: [(s, concept) for s, concept, _ in shown] for split, shown in splits.items()}
                    prepare_raw(self._source(subject), stimuli, self.raw, preparation, progress)
                else:
                    convert(self._sources(subject), self.preprocessing, splits, preparation, progress)
                preparation.examine(
                    PREPARED, functools.partial(self._signals, _opened(folder), progress), self._source(subject)
                )
            folders.append(folder)
        shown = pictures.prepare_pictures(
            self._images, splits, SIDE, crop=False, progress=progress, remedy=self._remedy(subjects[0])
        )
        return [*folders, shown.folder]

    def verify(self, subjects: Sequence[int], *, progress: Progress) -> list[str]:
        pairs_of = [self._prepared(subject) for subject in subjects]
        parts = {part.folder: part for pair in pairs_of for part in pair}
        if problems := [problem for part in parts.values() for problem in part.problems(progress)]:
            return problems
        shown = parts[self._images]
        pairs = pictures.alike(shown.table("test.csv"), shown.table("train.csv"))
        return [
            f"test image {test} is almost the training image {train}: {bits} of 64 bits of their hashes differ"
            for test, train, bits in pairs
        ]

    def examine(self, subjects: Sequence[int], *, progress: Progress) -> dict[str, SignalFindings]:
        findings = {}
        for subject in subjects:
            prepared, _ = self._prepared(subject)
            of_raw = read_notes(prepared.folder).get(RAW, [])  # the raw files may be gone
            of_prepared = self._signals({name: prepared.array(file) for name, file in EEG_FILES.items()}, progress)
            findings[self._called(subject)] = dataclasses.replace(of_prepared, notes=(*of_raw, *of_prepared.notes))
        return findings

    def notes(self, subjects: Sequence[int]) -> list[str]:
        lines = []
        for subject in subjects:
            held = read_notes(self._folder(subject))
            lines += [f"{self._called(subject)}: {line}" for part in (RAW, PREPARED) for line in held.get(part, [])]
        return lines

    def _signals(self, held: Mapping[str, EEG], progress: Progress) -> SignalFindings:
        """The findings on a subject's training and test trials, numbered as the rows of trials.csv, each split from
        1."""
        findings = {}
        for name, eeg in held.items():
            trials: EEG = eeg.reshape(-1, *eeg.shape[2:])
            with progress.bar(f"signals of the {name}", len(trials)) as advance:
                findings[name] = examine(trials, self.info, advance=advance)
        return together(findings)

    def _called(self, subject: int) -> str:
        return self._folder(subject).relative_to(self.root).as_posix()

    def _remedy(self, subject: int) -> str:
        changed = dataclasses.asdict(self.raw).items() - dataclasses.asdict(RawOptions()).items()
        options = "".join(f" --set raw.{name}={value}" for name, value in sorted(changed))
        options += f" --root {shlex.quote(str(self.root))} --subject {subject}"
        return f"run: eegbench datasets prepare {NAME} --from {self.preprocessing}{options}"

    def _sources(self, subject: int) -> dict[str, Path]:
        """The published files of a subject, by split."""
        return {split: self._source(subject) / name for split, name in FILES.items()}

    def _source(self, subject: int) -> Path:
        """The folder of a subject's published files."""
        published = "raw_data" if self.preprocessing == "raw" else VERSIONS[self.preprocessing].folder
        return self.root / published / f"sub-{subject:02d}"

    def _digests(self, subject: int) -> Json:
        """sha256 by published file; InputError where two have the same bytes, or one was prepared as another's."""
        names = [file.path for file in self.remote([subject]) if file not in files.IMAGES]
        digests = {name: file_digest(existing(self.root / name)) for name in names}
        known = {sha256: name for name, sha256 in digests.items()}
        for path in sorted((self.root / "prepared").glob(f"*/sub-*/{MANIFEST}")):
            if path.parent.name != f"sub-{subject:02d}":
                sources = Prepared.read(path.parent, remedy=self._remedy(subject)).made_from.get("sources", {})
                known |= {sha256: name for name, sha256 in sources.items()}
        for name, sha256 in digests.items():
            if known[sha256] != name:
                raise InputError(
                    f"{self.root / name}: is byte for byte {known[sha256]}; one has the wrong name: get it again"
                )
        return digests

    def _folder(self, subject: int) -> Path:
        """The folder of a subject's prepared EEG; preparations of raw files with other options have other folders."""
        named = f"raw-{digest(dataclasses.asdict(self.raw))[:8]}" if self.preprocessing == "raw" else self.preprocessing
        return self.root / "prepared" / named / f"sub-{subject:02d}"

    @property
    def _images(self) -> Path:
        return self.root / "prepared" / "images"

    def _prepared(self, subject: int) -> tuple[Prepared, Prepared]:
        """A subject's EEG, and the images in the order of its conditions."""
        self._check_subject(subject)
        remedy = self._remedy(subject)
        recorded, shown = (Prepared.read(folder, remedy=remedy) for folder in (self._folder(subject), self._images))
        if recorded.made_from.get("stimuli") != shown.facts.get("stimuli"):
            raise InputError(f"{recorded.folder}: was prepared for other images than {shown.folder} has; {remedy}")
        if recorded.facts.get("info") != json.loads(json.dumps(dataclasses.asdict(self.info))):
            raise InputError(f"{recorded.folder}: holds EEG of other channels or times than its options say; {remedy}")
        return recorded, shown

    def _check_subject(self, subject: int) -> None:
        if subject not in self.subjects:
            raise unknown("subject", str(subject), self.subjects)


def _opened(folder: Path) -> dict[str, EEG]:
    return {name: np.load(folder / file, mmap_mode="r", allow_pickle=False) for name, file in EEG_FILES.items()}
