"""How sim-things is recorded: what drifts from one stretch of the recording to the next, and where each trial falls.

A stretch is a session, or a block of trials; within one nothing changes. A rapid design is a single stretch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from eegbench.datasets.sim_things import eeg, head, noise
from eegbench.datasets.sim_things.concepts import TRAIN_CONCEPTS, Concept, Floats
from eegbench.datasets.sim_things.features import NAME, REVISION
from eegbench.seeds import generator

Design = Literal["rapid", "sessions", "blocks", "shuffled"]
DESIGNS: tuple[Design, ...] = get_args(Design)
BY_CLASS = ("blocks", "shuffled")  # designs of few classes, whose images are all shown once
SESSIONS = 4
CLASSES = TRAIN_CONCEPTS[::5]  # 40 as in EEGCVPR: two materials of each silhouette

TURN = 0.08  # rad about each axis: a cap that sits 8 mm off
GAIN, LOUDNESS = 0.2, 0.2  # deviations of the logarithms of an electrode's gain and of the noise's level
# V/s of an electrode's slow potential; a baseline takes away where it begins and leaves where it goes. In a block it is
# that of an electrode without a high-pass filter, a third of a millivolt in 25 s; over a session little of it is left.
SLOPES = {"sessions": 2e-6, "blocks": 15e-6}
MEMORY = 3.0  # blocks, in which slow drift forgets two thirds of where it was


@dataclass(frozen=True)
class Stretch:
    """The state of the electrodes: gains (17, 1), the noise's level, slow drift (17, 100) in V, and how the cap sits.

    `cap` is as `head.leadfield` has it: None where it is in its proper place.
    """

    gains: Floats
    loudness: float
    drift: Floats
    cap: head.Turn | None = None

    def recorded(self, clean: Floats, noise: Floats) -> Floats:
        """What is recorded of an evoked response and of noise, each (17, 100) in V."""
        epoch: Floats = self.gains * (clean + self.loudness * noise) + self.drift
        return epoch


STEADY = Stretch(np.ones((len(head.CHANNELS), 1)), 1.0, np.zeros((len(head.CHANNELS), eeg.SAMPLES)))


def repetitions(design: Design, split: str) -> int:
    """How often a stimulus of a split ("train" or "test") is shown."""
    return 1 if design in BY_CLASS else {"train": 4, "test": 80}[split]


def stretches(design: Design, number: int) -> list[Stretch]:
    """The stretches of the recording of subject `number`; blocks in the order of time, each like the one before."""
    if design == "rapid":
        return [STEADY]
    kind = "sessions" if design == "sessions" else "blocks"
    rng = generator(NAME, REVISION, kind, number)
    channels, count = len(head.CHANNELS), SESSIONS if kind == "sessions" else len(CLASSES)
    walk, caps = rng.standard_normal((count, 2 * channels + 1)), rng.normal(0, TURN, (count, 3)).tolist()
    if kind == "blocks":
        lags = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
        walk = noise.root(np.exp(-lags / MEMORY)) @ walk
    return [
        Stretch(
            gains=np.exp(GAIN * row[:channels, None]),
            loudness=float(np.exp(LOUDNESS * row[-1])),
            drift=SLOPES[kind] * row[channels:-1, None] * eeg.TIMES,
            cap=tuple(cap) if kind == "sessions" else None,
        )
        for row, cap in zip(walk, caps, strict=True)
    ]


def places(
    design: Design, number: int, split: str, shown: Sequence[tuple[Concept, int]], images: int
) -> NDArray[np.int64]:
    """In which stretch each repetition of each stimulus falls, (stimuli, repetitions).

    shown: concept and number, from 1, of each stimulus's image; images: of a class, to train and to test on together.
    Blocks are of one class each, in an order of the subject's own; "shuffled" are the same trials in random order.
    """
    count = repetitions(design, split)
    if design not in BY_CLASS:
        row = np.arange(count) * (SESSIONS if design == "sessions" else 1) // count
        return np.broadcast_to(row, (len(shown), count))
    rng = generator(NAME, REVISION, "order", number)
    block = np.repeat(rng.permutation(len(CLASSES)), images)
    if design == "shuffled":
        block = rng.permutation(block)
    row_of = {concept: row for row, concept in enumerate(CLASSES)}
    return np.array([block[row_of[concept] * images + image - 1] for concept, image in shown])[:, None]
