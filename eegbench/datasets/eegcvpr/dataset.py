"""The data set `eegcvpr`.

Below `root` lie the published files, and ImageNet's images in the folders of their classes, with one of SUFFIXES:

    eeg_5_95_std.pth, eeg_14_70_std.pth, eeg_55_95_std.pth, eeg_signals_raw_with_mean_std.pth   those that are used
    block_splits_by_image_all.pth, block_splits_by_image_single.pth                             likewise
    images/n02106662/n02106662_13.JPEG
    prepared/                                                                                   what `prepare` makes

Spampinato et al., Deep learning human mind for automated visual classification, CVPR 2017.
"""

import dataclasses
import functools
import itertools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo, Images
from eegbench.contracts import Answers, Progress, Queries, TrainingSet
from eegbench.datasets import pictures
from eegbench.datasets.eegcvpr import files, source
from eegbench.datasets.eegcvpr.labels import concept
from eegbench.datasets.eegcvpr.parts import (
    FOLDS,
    ITEMS,
    TRIALS,
    ListedTrial,
    choose,
    fold_file,
    listed,
    read_fold,
    read_listed,
    rows_of,
)
from eegbench.datasets.prepared import MANIFEST, REMAKE, Preparation, Prepared, preparing, read_notes, read_table
from eegbench.datasets.recorded import Recorded, TensorReader, default_root
from eegbench.datasets.remote import RemoteFile
from eegbench.datasets.signals import SignalFindings, examine
from eegbench.errors import ANY, InputError, MissingError, UsageError, check_range, unknown
from eegbench.files import file_digest

NAME = "eegcvpr"
SUFFIXES = (".JPEG", ".jpeg", ".jpg", ".png")
SIDES = (16, 2048)  # px


@dataclass(frozen=True)
class EegCvpr(Recorded):
    """eegcvpr: six people saw 50 images of each of 40 classes, class by class; 128 channels, 1 kHz, 0.02 to 0.46 s.

    signals: the published file, by its band in Hz, z-scored; or raw, whose unit is not stated. split, fold: which
    file of splits, and which of its folds; "all" points into the list of all trials, "single" into the list of the
    subject's own ones. protocol: training trials of the "subject" alone, or "pooled" over all six, so that one image
    stands behind several trials; test trials are the subject's own. What a split calls `val` is in neither part: a
    method holds out what it needs by itself, by whole concepts, so that it never trains on some of the 40 classes.
    image_side: px to which the largest square in an image's middle is resized.

    Stimuli have a label and no captions: NeuroImagen makes its own from them with captions=label.
    """

    name: ClassVar[str] = NAME
    revision: ClassVar[str] = "1"
    subjects: ClassVar[tuple[int, ...]] = source.SUBJECTS
    about: ClassVar[str] = "EEGCVPR (Spampinato et al. 2017): six people saw ImageNet images of 40 classes, in blocks."
    caution: ClassVar[str] = (
        "Block design: all 50 images of a class were shown one after another, and training and test trials come from "
        "the same blocks, so that slow drift of the EEG can tell the class without any trace of the image (Li et al., "
        "IEEE TPAMI 43(1):316-333, 2021; Ahmed et al., CVPR 2021; the authors' reply: Palazzo et al., arXiv "
        "2012.03849). Test images belong to the 40 classes of the training images: this is not zero-shot."
    )

    origin: ClassVar[str] = "signals"

    signals: Literal["5_95", "14_70", "55_95", "raw"] = "5_95"
    split: Literal["all", "single"] = "all"
    fold: int = 0
    protocol: Literal["subject", "pooled"] = "subject"
    image_side: int = 500
    root: Path = field(default_factory=lambda: default_root(NAME))

    def __post_init__(self) -> None:
        check_range(self, fold=ANY, image_side=SIDES)
        if (self.split, self.protocol) == ("single", "pooled"):
            raise UsageError("split=single is made for one subject's trials alone; protocol=pooled wants split=all")

    @property
    def info(self) -> EEGInfo:
        return dataclasses.replace(source.INFO, unit="unstated") if self.signals == "raw" else source.INFO

    def train(self, subject: int) -> TrainingSet:
        """Single trials, and the stimuli in the order of their ids; MissingError where they are not prepared."""
        trials = self._parts(subject)["train"]
        concepts = {trial.stimulus: trial.concept for trial in trials}
        stimuli = tuple(sorted(concepts))
        place = {stimulus: i for i, stimulus in enumerate(stimuli)}
        return TrainingSet(
            eeg=self._eeg(trials),
            info=self.info,
            shown=np.array([place[trial.stimulus] for trial in trials], np.int64),
            stimuli=stimuli,
            images=self._images(stimuli),
            concepts=tuple(concepts[stimulus] for stimulus in stimuli),
            captions=((),) * len(stimuli),
            subject=subject,
        )

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        """Single trials, for each stimulus was shown once; MissingError where they are not prepared.

        Raises UsageError for another average than "all" or 1.
        """
        if isinstance(average, bool) or average not in ("all", 1):
            raise UsageError(f"average is {average!r}; wanted 'all' or 1, for each image was shown once")
        trials = self._parts(subject)["test"]
        return Queries(self._eeg(trials), self.info, tuple(trial.stimulus for trial in trials))

    def answers(self, subject: int) -> Answers:
        """The subject's test images; MissingError where they are not prepared."""
        trials = self._parts(subject)["test"]
        stimuli = tuple(trial.stimulus for trial in trials)
        return Answers(stimuli, self._images(stimuli), tuple(trial.concept for trial in trials))

    def digests(self, subject: int) -> dict[str, str]:
        """sha256 of the manifests of what was prepared, which hold those of the published files."""
        self._check_subject(subject)
        return {part.folder.relative_to(self.root).as_posix(): part.sha256 for part in self._prepared()}

    def remote(self, subjects: Sequence[int]) -> tuple[RemoteFile, ...]:
        names = {source.RECORDINGS[self.signals], source.SPLITS[self.split]}
        return (*(file for file in files.EEG + files.SPLITS if file.path in names), *files.IMAGES)

    def ready(self) -> tuple[int, ...]:
        folders = (self._folder_of_trials, self._folder_of_splits, self._folder_of_images)
        return self.subjects if all((folder / MANIFEST).is_file() for folder in folders) else ()

    def prepare(self, subjects: Sequence[int], *, tensors: TensorReader, progress: Progress) -> list[Path]:
        """Write prepared/<signals> and prepared/splits-<split>, of all subjects, and prepared/images-<side>."""
        for subject in subjects:
            self._check_subject(subject)
        self._prepare_trials(tensors, progress, self._read(subjects))
        self._prepare_splits(tensors)
        for subject in subjects:
            self._parts(subject)  # before the images, which take long
        shown = {trial.stimulus: trial.concept for trial in self._listed()}
        splits = {"all": [(stimulus, shown[stimulus], self._image_file(stimulus)) for stimulus in sorted(shown)]}
        pictures.prepare_pictures(
            self._folder_of_images, splits, self.image_side, crop=True, progress=progress, remedy=self.remedy
        )
        return [self._folder_of_trials, self._folder_of_splits, self._folder_of_images]

    def verify(self, subjects: Sequence[int], *, progress: Progress) -> list[str]:
        prepared = self._prepared()
        if damaged := [problem for part in prepared for problem in part.problems(progress)]:
            return damaged
        table = {row["stimulus"]: row for row in prepared[-1].table("all.csv")}
        problems = []
        for subject in subjects:
            try:
                parts = self._parts(subject)
            except InputError as error:
                problems.append(str(error))
                continue
            test, train = (sorted({trial.stimulus for trial in parts[part]}) for part in ("test", "train"))
            problems += [f"{name}: was not prepared; {self.remedy}" for name in (*test, *train) if name not in table]
            test_rows, train_rows = ([table[name] for name in names if name in table] for names in (test, train))
            for test_image, training_image, bits in pictures.alike(test_rows, train_rows):
                same = table[test_image]["sha256"] == table[training_image]["sha256"]
                how = "" if same else f": {bits} of 64 bits of their perceptual hashes differ"
                problems.append(
                    f"test image {test_image} is {'' if same else 'nearly '}the training image {training_image}{how}"
                )
        return list(dict.fromkeys(problems))  # the subjects saw the same images

    def examine(self, subjects: Sequence[int], *, progress: Progress) -> dict[str, SignalFindings]:
        eeg: EEG = Prepared.read(self._folder_of_trials, remedy=self.remedy).array("eeg.npy")
        trials = self._listed()
        by_subject = {
            f"{self.signals}, {_called(s)}": self._signals(eeg, trials, s, progress) for s in self._read(subjects)
        }
        return by_subject

    def notes(self, subjects: Sequence[int]) -> list[str]:
        held = read_notes(self._folder_of_trials)
        called = [_called(subject) for subject in self._read(subjects)]
        return [f"{self.signals}, {name}: {line}" for name in called for line in held.get(name, [])]

    @property
    def remedy(self) -> str:
        options = {"split": self.split, "image_side": self.image_side}
        set_them = " ".join(f"--set {name}={value}" for name, value in options.items())
        root = shlex.quote(str(self.root))
        return f"run: eegbench datasets prepare {NAME} --from {self.signals} --root {root} {set_them}"

    @property
    def _folder_of_trials(self) -> Path:
        return self.root / "prepared" / self.signals

    @property
    def _folder_of_splits(self) -> Path:
        return self.root / "prepared" / f"splits-{self.split}"

    @property
    def _folder_of_images(self) -> Path:
        return self.root / "prepared" / f"images-{self.image_side}"

    def _read(self, subjects: Sequence[int]) -> Sequence[int]:
        """The subjects whose EEG the protocol reads for these subjects."""
        return self.subjects if subjects and self.protocol == "pooled" else subjects

    def _signals(self, eeg: EEG, trials: Sequence[ListedTrial], subject: int, progress: Progress) -> SignalFindings:
        """The findings on a subject's kept trials, which are numbered from 1 in the order of trials.csv."""
        rows = self._checked(rows_of(trials, subject), len(eeg))
        with progress.bar(f"{self.signals}, signals of {_called(subject)}", len(rows)) as advance:
            return examine(eeg, self.info, rows=rows, advance=advance)

    def _prepare_trials(self, tensors: TensorReader, progress: Progress, subjects: Sequence[int]) -> None:
        path = self.root / source.RECORDINGS[self.signals]
        with preparing(self._folder_of_trials, {"revision": self.revision, "sources": _digest(path)}) as preparation:
            preparation.facts = {"info": dataclasses.asdict(self.info)}
            if preparation.lacks("eeg.npy") or preparation.lacks("trials.csv"):
                self._convert(path, tensors, preparation, progress)
            eeg: EEG = np.load(preparation.folder / "eeg.npy", mmap_mode="r", allow_pickle=False)
            trials = listed(read_table(preparation.folder / "trials.csv"), preparation.folder)
            for subject in subjects:
                find = functools.partial(self._signals, eeg, trials, subject, progress)
                preparation.examine(_called(subject), find, f"{path}: {_called(subject)}")

    def _convert(self, path: Path, tensors: TensorReader, preparation: Preparation, progress: Progress) -> None:
        """Write eeg.npy and trials.csv."""
        trials = source.read_trials(path, tensors)
        source.check_finite(path, trials)
        table: list[tuple[object, ...]] = []
        kept = sum(trial.kept for trial in trials)
        with (
            preparation.array("eeg.npy", (kept, len(self.info.channels), self.info.times)) as rows,
            progress.bar(path.name, len(trials)) as advance,
        ):
            places = itertools.count()
            for item, trial in enumerate(trials):
                if trial.kept:
                    rows.add(source.cropped(path, item, trial)[None])
                row = next(places) if trial.kept else ""
                stimulus = f"{trial.wnid}/{trial.image}"
                table.append((item, trial.subject, stimulus, concept(trial.wnid), row))
                advance(1)
        preparation.table("trials.csv", TRIALS, table)

    def _prepare_splits(self, tensors: TensorReader) -> None:
        path = self.root / source.SPLITS[self.split]
        with preparing(self._folder_of_splits, {"revision": self.revision, "sources": _digest(path)}) as preparation:
            count = int(preparation.files.get("folds.csv", {}).get("rows", 0))
            if not count or any(preparation.lacks(fold_file(fold)) for fold in range(count)):
                folds = source.read_splits(path, tensors)
                for fold, parts in enumerate(folds):
                    preparation.table(fold_file(fold), ITEMS, ((part, item) for part in parts for item in parts[part]))
                preparation.table("folds.csv", FOLDS, ((k, *map(len, parts.values())) for k, parts in enumerate(folds)))

    def _image_file(self, stimulus: str) -> Path:
        places = [self.root / "images" / f"{stimulus}{suffix}" for suffix in SUFFIXES]
        return next((place for place in places if place.is_file()), places[0])

    def _prepared(self) -> list[Prepared]:
        """The prepared folders: of the trials, of the splits, of the images."""
        folders = (self._folder_of_trials, self._folder_of_splits, self._folder_of_images)
        return [Prepared.read(folder, remedy=self.remedy) for folder in folders]

    def _listed(self) -> list[ListedTrial]:
        return read_listed(Prepared.read(self._folder_of_trials, remedy=self.remedy))

    def _parts(self, subject: int) -> dict[str, list[ListedTrial]]:
        """The trials to train on and to test on, by the names of their parts."""
        self._check_subject(subject)
        return choose(
            self._listed(),
            read_fold(Prepared.read(self._folder_of_splits, remedy=self.remedy), self.fold),
            subject,
            where=f"{self.root / source.SPLITS[self.split]}: splits[{self.fold}]",
            single=self.split == "single",
            pooled=self.protocol == "pooled",
        )

    def _eeg(self, trials: Sequence[ListedTrial]) -> EEG:
        """The trials' samples, a copy: (n, 128, 440)."""
        prepared = Prepared.read(self._folder_of_trials, remedy=self.remedy)
        recorded = prepared.array("eeg.npy")
        rows = np.array([trial.row for trial in trials if trial.row is not None], np.int64)
        eeg: EEG = np.asarray(recorded[self._checked(rows, len(recorded))])
        return eeg

    def _checked(self, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """`rows` as they are; InputError unless they are places in an array of `count` rows."""
        if len(rows) and not 0 <= rows.min() <= rows.max() < count:
            raise InputError(f"{self._folder_of_trials / 'trials.csv'}: names rows that eeg.npy has not; {REMAKE}")
        return rows

    def _images(self, stimuli: Sequence[str]) -> Images:
        prepared = Prepared.read(self._folder_of_images, remedy=self.remedy)
        place = {row["stimulus"]: i for i, row in enumerate(prepared.table("all.csv"))}
        if lacking := [stimulus for stimulus in stimuli if stimulus not in place]:
            raise MissingError(f"{prepared.folder}: has no image {lacking[0]}; {self.remedy}")
        images: Images = np.asarray(prepared.array("all.npy")[[place[stimulus] for stimulus in stimuli]])
        return images

    def _check_subject(self, subject: int) -> None:
        if subject not in self.subjects:
            raise unknown("subject", str(subject), self.subjects)


def _called(subject: int) -> str:
    return f"subject {subject}"


def _digest(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise MissingError(f"{path}: no such file; `eegbench datasets fetch {NAME}` says from where to get it")
    return {path.name: file_digest(path)}
