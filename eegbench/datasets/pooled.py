"""Training data of several people as one training set: each one's EEG by its own scale, each image once.

A channel's EEG is standardised by the mean and deviation of its own person's trials. For a stranger, of whom nothing
was trained on, those of all trained trials together stand in (`Scales.of`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, Images, let_go, parts
from eegbench.contracts import EVERYBODY, TrainingSet
from eegbench.datasets.on_disk import Growing
from eegbench.errors import InputError
from eegbench.files import Json

Floats = NDArray[np.float64]
TINY = 1e-12  # V: a channel that is constant stays finite


@dataclass(frozen=True)
class Moments:
    """Of the channels of some trials: how many samples each has, their mean and variance, (channels,), in V and V^2."""

    samples: int
    mean: Floats
    variance: Floats

    @classmethod
    def of(cls, eeg: EEG) -> "Moments":
        """Of EEG (n, channels, times), which may be larger than memory."""
        samples = len(eeg) * eeg.shape[2]
        mean = sum(part.sum(axis=(0, 2), dtype=np.float64) for part in parts(eeg)) / samples
        squares = sum(np.square(part - mean[None, :, None], dtype=np.float64).sum(axis=(0, 2)) for part in parts(eeg))
        return cls(samples, mean, squares / samples)

    @classmethod
    def together(cls, several: Iterable["Moments"]) -> "Moments":
        """Of the trials of all of them together."""
        every = list(several)
        samples = sum(own.samples for own in every)
        shares = [own.samples / samples for own in every]
        mean = sum(share * own.mean for share, own in zip(shares, every, strict=True))
        spread = [own.variance + (own.mean - mean) ** 2 for own in every]
        return cls(samples, np.asarray(mean), np.asarray(sum(s * v for s, v in zip(shares, spread, strict=True))))

    def standardised(self, eeg: EEG) -> EEG:
        """EEG (n, channels, times) at zero mean and unit deviation of each channel, float32."""
        deviation = np.sqrt(self.variance) + TINY
        scaled: EEG = ((eeg - self.mean[:, None]) / deviation[:, None]).astype(np.float32)
        return scaled


@dataclass(frozen=True)
class Scales:
    """The moments of each person who was trained on, by number."""

    people: Mapping[int, Moments]

    def of(self, subject: int) -> Moments:
        """A person's own; a stranger gets those of all trained trials together."""
        return self.people.get(subject) or Moments.together(self.people.values())

    def facts(self) -> Json:
        """As JSON."""
        return {
            str(subject): {"samples": own.samples, "mean": own.mean.tolist(), "variance": own.variance.tolist()}
            for subject, own in self.people.items()
        }

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "Scales":
        """From what `facts` gave; raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            {
                int(subject): Moments(
                    int(own["samples"]), np.array(own["mean"], float), np.array(own["variance"], float)
                )
                for subject, own in facts.items()
            }
        )


def pooled(sets: Iterable[TrainingSet]) -> tuple[TrainingSet, Scales]:
    """One training set of several people's, and their scales; its EEG lies on disk, one set at a time is in memory.

    Stimuli of the same id are one stimulus, and must have the same picture and concept. Raises InputError where they do
    not, or where EEG differs in channels or times.
    """
    stimuli, scales = _Stimuli(), {}
    shown, subjects = [], []
    first: TrainingSet | None = None
    with Growing() as eeg:
        for own in sets:
            first = first or own
            if own.info != first.info:
                raise InputError(f"EEG of subject {own.subject} is not of the channels and times of {first.subject}'s")
            scale = Moments.of(own.eeg)
            for part in parts(own.eeg):
                eeg.append(scale.standardised(part))
            let_go(own.eeg)
            scales[own.subject] = scale
            shown.append(stimuli.places_of(own)[own.shown])
            subjects.append(own.subjects)
        if first is None:
            raise InputError("no training data to pool; name a data set with several subjects")
        images = stimuli.images
        return (
            TrainingSet(
                eeg=eeg.array,
                info=replace(first.info, unit="z-scored"),
                shown=np.concatenate(shown),
                stimuli=tuple(stimuli.place),
                images=images,
                concepts=tuple(stimuli.concepts),
                captions=tuple(stimuli.captions),
                subject=EVERYBODY,
                subjects=np.concatenate(subjects),
                repetitions=first.repetitions,
            ),
            Scales(scales),
        )


class _Stimuli:
    """The stimuli of several training sets, each id once; pictures stay where they are while no set brings new ones."""

    def __init__(self) -> None:
        self.place: dict[str, int] = {}
        self.concepts: list[str] = []
        self.captions: list[tuple[str, ...]] = []
        self._sources: list[tuple[Images, list[int]]] = []  # pictures, and which of them are new
        self._found: list[tuple[int, int]] = []  # of each place its source and its row there

    def places_of(self, own: TrainingSet) -> NDArray[np.int64]:
        """The place of each stimulus of a set among all."""
        new = [i for i, stimulus in enumerate(own.stimuli) if stimulus not in self.place]
        self._check(own, {i for i in range(len(own.stimuli))} - set(new))
        for i in new:
            self.place[own.stimuli[i]] = len(self.place)
            self.concepts.append(own.concepts[i])
            self.captions.append(own.captions[i])
            self._found.append((len(self._sources), i))
        if new:
            self._sources.append((own.images, new))
        return np.array([self.place[stimulus] for stimulus in own.stimuli], np.int64)

    @property
    def images(self) -> Images:
        """The pictures in the order of their places."""
        (first, rows), *others = self._sources
        if not others and len(rows) == len(first):
            return first
        with Growing() as pictures:
            for source, new in self._sources:
                for i in new:
                    pictures.append(source[i : i + 1])
                let_go(source)
            return pictures.array

    def _check(self, own: TrainingSet, shared: set[int]) -> None:
        for i in sorted(shared):
            stimulus = own.stimuli[i]
            source, row = self._found[self.place[stimulus]]
            held = self._sources[source][0]
            same = _same_file(held, own.images) and row == i
            if own.concepts[i] != self.concepts[self.place[stimulus]]:
                raise InputError(f"stimulus {stimulus!r} of subject {own.subject} has another concept than others saw")
            if not same and not np.array_equal(held[row], own.images[i]):
                raise InputError(f"stimulus {stimulus!r} of subject {own.subject} is another picture than others saw")


def _same_file(a: Images, b: Images) -> bool:
    """Whether two arrays are the same bytes of the same file, which need not be read to be compared."""
    if not (isinstance(a, np.memmap) and isinstance(b, np.memmap)):
        return a is b
    return (a.filename, a.offset, a.shape, a.strides) == (b.filename, b.offset, b.shape, b.strides) and bool(a.filename)
