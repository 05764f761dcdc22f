"""The data set `sim-things`: ten simulated subjects look at drawn scenes."""

import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo
from eegbench.contracts import Answers, Dataset, Queries, TrainingSet
from eegbench.datasets.repetitions import LATER, check_count, check_sessions, drawn, listed
from eegbench.datasets.sim_things import eeg, head, noise, recording
from eegbench.datasets.sim_things.concepts import CONCEPTS, TEST_CONCEPTS, TRAIN_CONCEPTS, Concept, Floats
from eegbench.datasets.sim_things.features import NAME, REVISION, scene_features, standardise
from eegbench.datasets.sim_things.recording import BY_CLASS, CLASSES, DESIGNS, SESSIONS, Design
from eegbench.datasets.sim_things.scenes import draw_scene
from eegbench.errors import UsageError, unknown
from eegbench.seeds import generator

MOST_IMAGES = 99  # of one concept: their numbers have two digits
CACHED = 5000  # stimuli; the default set has 2200, about 15 kB each
NOT_ZERO_SHOT = "Test images belong to the 40 classes of the training images: this is not zero-shot."
CAUTIONS = {
    "blocks": "Block design: all images of a class were shown one after another, and training and test trials come "
    "from the same blocks, so that slow drift of the EEG tells the class without any trace of the image. "
    + NOT_ZERO_SHOT,
    "shuffled": NOT_ZERO_SHOT,
}
RECORDED = {
    "sessions": " They were recorded in four sessions, each with electrodes, noise and slow drift of its own.",
    "blocks": " Each image was shown once, in blocks of one class, and slow drift is shared by all trials of a block.",
    "shuffled": " Each image was shown once, in random order; slow drift is that of the block design.",
}


@dataclass(frozen=True)
class Stimulus:
    """One drawn scene under its id: image (64, 64, 3) uint8, captions, and what the cortex sees of it (features,).

    `number` counts the images of its concept from 1.
    """

    id: str
    concept: Concept
    number: int
    image: NDArray[np.uint8]
    captions: tuple[str, ...]
    features: Floats


@dataclass(frozen=True)
class SimThings(Dataset):
    """sim-things: 200 concepts to train on, 100 others to test on; EEG of 17 electrodes, 100 Hz, -0.2 to 0.79 s, in V.

    snr: amplitude of the image-dependent part of the evoked response over that of a single trial's noise, for the
    average subject; 0 leaves no trace of the image. train_images, test_images: images of each concept.

    design: "rapid", 4 repetitions to train on and 80 to test on, without drift; "sessions", the same spread over four
    sessions with drift between them; "blocks" as in EEGCVPR, 40 concepts that are trained and tested, each image shown
    once and each concept in a block of its own, with slow drift from block to block; "shuffled", the trials of "blocks"
    in random order. sessions: which are trained on, and tested on unless test_sessions names others; () is all.
    train_repetitions: how many of them are averaged, drawn by seed for each stimulus.

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
    design: Design = field(default="rapid", metadata=LATER)
    sessions: tuple[int, ...] = field(default=(), metadata=LATER)
    test_sessions: tuple[int, ...] = field(default=(), metadata=LATER | {"stage": "reconstruct"})
    train_repetitions: int | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        if isinstance(self.snr, bool) or not isinstance(self.snr, int | float) or not 0 <= self.snr < math.inf:
            raise UsageError(f"snr is {self.snr!r}; wanted a number that is 0 or more, and finite")
        for option in ("train_images", "test_images"):
            check_count(option, getattr(self, option), MOST_IMAGES)
        if self.design not in DESIGNS:
            raise unknown("design", str(self.design), DESIGNS)
        if self.design in BY_CLASS:
            check_count("train_images + test_images", self.train_images + self.test_images, MOST_IMAGES)
        merged = f"design={self.design} has one session, and design=sessions has {SESSIONS}"
        check_sessions(self, SESSIONS, "" if self.design == "sessions" else merged)
        if self.train_repetitions is not None:
            which = f" of the sessions {listed(self.sessions)}" if self.sessions else ""
            check_count(f"train_repetitions{which}", self.train_repetitions, len(self._pool("train")))
        if self.design in RECORDED:
            object.__setattr__(self, "about", self.about + RECORDED[self.design])
            object.__setattr__(self, "caution", CAUTIONS.get(self.design, ""))

    @property
    def info(self) -> EEGInfo:
        return eeg.INFO

    def draw_picture(self, subject: int, path: Path) -> None:
        """Write a PNG of training scenes and of a subject's mean response; raises UsageError for an unknown subject."""
        from eegbench.datasets.sim_things.picture import contact_sheet

        contact_sheet(self.train(subject), self.snr, path)

    def train(self, subject: int) -> TrainingSet:
        """EEG averaged over repetitions, images, concepts and captions; raises UsageError for an unknown subject."""
        _check_subject(subject)
        stimuli = self._stimuli("train")
        return TrainingSet(
            eeg=self._record(subject, "train", stimuli, self.train_repetitions),
            info=self.info,
            shown=np.arange(len(stimuli)),
            stimuli=tuple(s.id for s in stimuli),
            images=np.stack([s.image for s in stimuli]),
            concepts=tuple(s.concept.name for s in stimuli),
            captions=tuple(s.captions for s in stimuli),
            subject=subject,
            repetitions=self.train_repetitions or len(self._pool("train")),
        )

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        """EEG averaged over all repetitions of the sessions, or `average` of them, drawn by seed for each stimulus.

        Raises UsageError for an unknown subject, or an average that is neither "all" nor a number of them.
        """
        _check_subject(subject)
        if average != "all":
            check_count("average", average, len(self._pool("test")), otherwise="'all' or ")
        stimuli = self._stimuli("test")
        recorded = self._record(subject, "test", stimuli, None if isinstance(average, str) else average)
        return Queries(recorded, self.info, tuple(s.id for s in stimuli))

    def answers(self, subject: int) -> Answers:
        """The test images, the same for every subject; raises UsageError for an unknown subject."""
        _check_subject(subject)
        stimuli = self._stimuli("test")
        images = np.stack([s.image for s in stimuli])
        return Answers(tuple(s.id for s in stimuli), images, tuple(s.concept.name for s in stimuli))

    def _stimuli(self, split: str) -> list[Stimulus]:
        each = self.train_images if split == "train" else self.test_images
        if self.design in BY_CLASS:  # further images of the same concepts are tested
            first = 1 if split == "train" else self.train_images + 1
            return [_stimulus("train", c.index, n) for c in CLASSES for n in range(first, first + each)]
        concepts = TRAIN_CONCEPTS if split == "train" else TEST_CONCEPTS
        return [_stimulus(split, c.index, n) for c in concepts for n in range(1, each + 1)]

    def _pool(self, split: str) -> NDArray[np.int64]:
        """The repetitions of a stimulus that the sessions leave, counted from 0."""
        every = np.arange(recording.repetitions(self.design, split))
        sessions = self.sessions if split == "train" else self.test_sessions or self.sessions
        return every[np.isin(every * SESSIONS // len(every) + 1, sessions)] if sessions else every

    def _record(self, number: int, split: str, stimuli: list[Stimulus], count: int | None) -> EEG:
        """Mean over all repetitions of the sessions, or `count` of them, for each stimulus, (n, 17, 100)."""
        features = standardise(np.stack([s.features for s in stimuli]), _reference())
        stretches = recording.stretches(self.design, number)
        evoked = {cap: eeg.evoked(_subject(number, cap), features, self.snr) for cap in {s.cap for s in stretches}}
        shown, images = [(s.concept, s.number) for s in stimuli], self.train_images + self.test_images
        where, pool = recording.places(self.design, number, split, shown, images), self._pool(split)
        epochs = []
        for i, stimulus in enumerate(stimuli):
            words = (NAME, REVISION, number, stimulus.id)
            chosen = drawn(pool, count or len(pool), *words)
            # All repetitions are drawn, so that a choice of some averages the very same trials.
            white = noise.white_repetitions(_subject(number).noise, generator(*words, "repetitions"), where.shape[1])
            epoch = np.zeros((len(self.info.channels), self.info.times))
            for k in np.unique(where[i, chosen]):
                part, stretch = chosen[where[i, chosen] == k], stretches[k]
                own_noise = noise.mean_noise(_subject(number, stretch.cap).noise, white[part])
                epoch += len(part) / len(chosen) * stretch.recorded(evoked[stretch.cap][i], own_noise)
            epochs.append(eeg.baseline_corrected(epoch))
        return np.stack(epochs)


@lru_cache(maxsize=CACHED)
def _stimulus(split: str, concept: int, number: int) -> Stimulus:
    """Image `number` of a concept, drawn from its id alone."""
    kind = CONCEPTS[concept]
    identity = f"{concept + 1:05d}_{kind.name}/{kind.name}_{number:02d}"
    scene = draw_scene(kind, generator(NAME, REVISION, split, identity))
    return Stimulus(identity, kind, number, scene.image, scene.captions, scene_features(scene))


@lru_cache(maxsize=1)
def _reference() -> Floats:
    """Features that set the scale, (200, d): the first image of each training concept, whatever the options."""
    return np.stack([_stimulus("train", concept.index, 1).features for concept in TRAIN_CONCEPTS])


@lru_cache(maxsize=len(eeg.SUBJECTS))
def _subject(number: int, cap: head.Turn | None = None) -> eeg.SimulatedSubject:
    reference = _reference()
    return eeg.simulated_subject(number, standardise(reference, reference), cap)


def _check_subject(subject: int) -> None:
    if subject not in SimThings.subjects:
        raise unknown("subject", str(subject), SimThings.subjects)
