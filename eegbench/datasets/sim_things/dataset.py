"""The data set `sim-things`: ten simulated subjects look at drawn scenes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo
from eegbench.contracts import Answers, Dataset, Queries, TrainingSet
from eegbench.datasets.sim_things import eeg
from eegbench.datasets.sim_things.concepts import CONCEPTS, TEST_CONCEPTS, TRAIN_CONCEPTS, Concept, Floats
from eegbench.datasets.sim_things.features import NAME, REVISION, scene_features, standardise
from eegbench.datasets.sim_things.scenes import draw_scene
from eegbench.errors import UsageError, unknown
from eegbench.seeds import generator

TRAIN_REPETITIONS, TEST_REPETITIONS = 4, 80
MOST_IMAGES = 99  # of one concept: their numbers have two digits
CACHED = 5000  # stimuli; the default set has 2200, about 15 kB each


@dataclass(frozen=True)
class Stimulus:
    """One drawn scene under its id: image (64, 64, 3) uint8, captions, and what the cortex sees of it (features,)."""

    id: str
    concept: Concept
    image: NDArray[np.uint8]
    captions: tuple[str, ...]
    features: Floats


@dataclass(frozen=True)
class SimThings(Dataset):
    """sim-things: 200 concepts to train on, 100 others to test on; EEG of 17 electrodes, 100 Hz, -0.2 to 0.79 s, in V.

    snr: amplitude of the image-dependent part of the evoked response over that of a single trial's noise, for the
    average subject; 0 leaves no trace of the image. train_images, test_images: images of each concept.
    Raises UsageError for options out of range.
    """

    name: ClassVar[str] = NAME
    revision: ClassVar[str] = REVISION
    subjects: ClassVar[tuple[int, ...]] = eeg.SUBJECTS
    simulated: ClassVar[bool] = True
    about: ClassVar[str] = "SIMULATED EEG of ten invented subjects who look at drawn scenes: no person was recorded."

    snr: float = 0.15
    train_images: int = 10
    test_images: int = 2

    def __post_init__(self) -> None:
        if isinstance(self.snr, bool) or not isinstance(self.snr, int | float) or not 0 <= self.snr < math.inf:
            raise UsageError(f"snr is {self.snr!r}; wanted a number that is 0 or more, and finite")
        for option in ("train_images", "test_images"):
            _check_count(option, getattr(self, option), MOST_IMAGES)

    @property
    def info(self) -> EEGInfo:
        return eeg.INFO

    def draw_picture(self, subject: int, path: Path) -> None:
        """Write a PNG of training scenes and of a subject's mean response; raises UsageError for an unknown subject."""
        from eegbench.datasets.sim_things.picture import contact_sheet

        contact_sheet(self.train(subject), self.snr, path)

    def train(self, subject: int) -> TrainingSet:
        """EEG averaged over 4 repetitions, images, concepts and captions; raises UsageError for an unknown subject."""
        _check_subject(subject)
        stimuli = self._stimuli("train")
        return TrainingSet(
            eeg=self._record(subject, stimuli, TRAIN_REPETITIONS, TRAIN_REPETITIONS),
            info=self.info,
            shown=np.arange(len(stimuli)),
            stimuli=tuple(s.id for s in stimuli),
            images=np.stack([s.image for s in stimuli]),
            concepts=tuple(s.concept.name for s in stimuli),
            captions=tuple(s.captions for s in stimuli),
            subject=subject,
        )

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        """EEG averaged over all 80 repetitions, or over `average` of them, drawn by seed for each stimulus.

        Raises UsageError for an unknown subject, or an average that is not "all" or 1 to 80.
        """
        _check_subject(subject)
        if average != "all":
            _check_count("average", average, TEST_REPETITIONS, otherwise="'all' or ")
        kept = TEST_REPETITIONS if isinstance(average, str) else average
        stimuli = self._stimuli("test")
        recording = self._record(subject, stimuli, kept, TEST_REPETITIONS)
        return Queries(recording, self.info, tuple(s.id for s in stimuli))

    def answers(self, subject: int) -> Answers:
        """The test images, the same for every subject; raises UsageError for an unknown subject."""
        _check_subject(subject)
        stimuli = self._stimuli("test")
        images = np.stack([s.image for s in stimuli])
        return Answers(tuple(s.id for s in stimuli), images, tuple(s.concept.name for s in stimuli))

    def _stimuli(self, split: str) -> list[Stimulus]:
        concepts, each = (TRAIN_CONCEPTS, self.train_images) if split == "train" else (TEST_CONCEPTS, self.test_images)
        return [_stimulus(split, c.index, n) for c in concepts for n in range(1, each + 1)]

    def _record(self, number: int, stimuli: list[Stimulus], kept: int, of: int) -> EEG:
        """Mean over `kept` of `of` repetitions for each stimulus, (n, 17, 100): an item depends on no other."""
        subject = _subject(number)
        features = standardise(np.stack([s.features for s in stimuli]), _reference())
        clean = eeg.evoked(subject, features, self.snr)
        return np.stack(list(self._trials(subject, number, stimuli, clean, kept, of)))

    def _trials(
        self, subject: eeg.SimulatedSubject, number: int, stimuli: list[Stimulus], clean: Floats, kept: int, of: int
    ) -> Iterator[EEG]:
        for stimulus, response in zip(stimuli, clean, strict=True):
            words = (NAME, REVISION, number, stimulus.id)
            chosen = np.sort(generator(*words, "average", kept).permutation(of)[:kept])
            yield eeg.averaged_trial(subject, response, generator(*words, "repetitions"), chosen, of)


@lru_cache(maxsize=CACHED)
def _stimulus(split: str, concept: int, number: int) -> Stimulus:
    """Image `number` of a concept, drawn from its id alone."""
    kind = CONCEPTS[concept]
    identity = f"{concept + 1:05d}_{kind.name}/{kind.name}_{number:02d}"
    scene = draw_scene(kind, generator(NAME, REVISION, split, identity))
    return Stimulus(identity, kind, scene.image, scene.captions, scene_features(scene))


@lru_cache(maxsize=1)
def _reference() -> Floats:
    """Features that set the scale, (200, d): the first image of each training concept, whatever the options."""
    return np.stack([_stimulus("train", concept.index, 1).features for concept in TRAIN_CONCEPTS])


@lru_cache(maxsize=len(eeg.SUBJECTS))
def _subject(number: int) -> eeg.SimulatedSubject:
    reference = _reference()
    return eeg.simulated_subject(number, standardise(reference, reference))


def _check_subject(subject: int) -> None:
    if subject not in SimThings.subjects:
        raise unknown("subject", str(subject), SimThings.subjects)


def _check_count(what: str, value: object, most: int, otherwise: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UsageError(f"{what} is {value!r}; wanted {otherwise}a whole number from 1 to {most}")
