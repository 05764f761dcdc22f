"""Training data of several people as one training set: each one's EEG by its own scale, each image once.

A channel's EEG is standardised by the mean and deviation of its own person's trials. For a stranger, of whom nothing
was trained on, those of all trained trials together stand in (`Scales.of`).
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, Images, parts
from eegbench.contracts import EVERYBODY, TrainingSet
from eegbench.datasets.scratch import stored
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


def pooled(sets: Iterable[TrainingSet], *, heavy: int | None = None) -> tuple[TrainingSet, Scales]:
    """One training set of several people's, and their scales; its EEG lies on disk, one set at a time is in memory.

    heavy: a person of few trials, in the last set, whose trials come so often that they count as the others' do.
    Stimuli of the same id are one stimulus, and must have the same picture and concept. Raises InputError where they do
    not, or where EEG differs in channels or times; and what `scratch.stored` raises.
    """
    first = next(several := iter(sets))
    joined = _Joined(first, heavy)
    eeg = stored((None, *first.eeg.shape[1:]), np.float32, joined.taking(itertools.chain([first], several)))
    return joined.training_set(eeg), Scales(joined.scales)


class _Joined:
    """Stimuli and trials of several training sets, each stimulus once; pictures stay where they are as long as no set
    brings new ones."""

    def __init__(self, first: TrainingSet, heavy: int | None) -> None:
        self.first, self.heavy = first, heavy
        self.scales: dict[int, Moments] = {}
        self._place: dict[str, int] = {}
        self._kept: list[tuple[TrainingSet, int]] = []  # of each stimulus the set that brought it, and its place there
        self._shown: list[NDArray[np.int64]] = []
        self._subjects: list[NDArray[np.int64]] = []

    def taking(self, sets: Iterable[TrainingSet]) -> Iterator[EEG]:
        """The standardised EEG of each set after the other, part by part; the set is taken in."""
        for own in sets:
            if own.info != self.first.info:
                whose = f"subject {own.subject} has not the channels and times of subject {self.first.subject}"
                raise InputError(f"EEG of {whose}, with whom it should be pooled")
            self.scales[own.subject] = scale = Moments.of(own.eeg)
            most = max(map(len, self._subjects), default=0)
            times = max(1, round(most / len(own.eeg))) if own.subject == self.heavy else 1
            for _ in range(times):
                yield from map(scale.standardised, parts(own.eeg))
            self._shown.append(np.tile(self._places_of(_without_trials(own))[own.shown], times))
            self._subjects.append(np.tile(own.subjects, times))

    def training_set(self, eeg: EEG) -> TrainingSet:
        """All that was taken, with its EEG."""
        return TrainingSet(
            eeg=eeg,
            info=replace(self.first.info, unit="z-scored"),
            shown=np.concatenate(self._shown),
            stimuli=tuple(self._place),
            images=self._images(),
            concepts=tuple(own.concepts[i] for own, i in self._kept),
            captions=tuple(own.captions[i] for own, i in self._kept),
            subject=EVERYBODY,
            subjects=np.concatenate(self._subjects),
            repetitions=self.first.repetitions,
        )

    def _places_of(self, own: TrainingSet) -> NDArray[np.int64]:
        """The place of each stimulus of a set among all."""
        for i, stimulus in enumerate(own.stimuli):
            if stimulus in self._place:
                self._check(own, i)
            else:
                self._place[stimulus] = len(self._place)
                self._kept.append((own, i))
        return np.array([self._place[stimulus] for stimulus in own.stimuli], np.int64)

    def _check(self, own: TrainingSet, i: int) -> None:
        """InputError where a stimulus is not what another person saw under its id."""
        other, place = self._kept[self._place[own.stimuli[i]]]
        whose = f"stimulus {own.stimuli[i]!r} of subject {own.subject}"
        if own.concepts[i] != other.concepts[place]:
            raise InputError(f"{whose} is of another concept than subject {other.subject} saw under its id")
        same = _same_file(own.images, other.images) and i == place  # then neither has to be read
        if not same and not np.array_equal(own.images[i], other.images[place]):
            raise InputError(f"{whose} is another picture than subject {other.subject} saw under its id")

    def _images(self) -> Images:
        """The pictures in the order of their places."""
        images = self._kept[0][0].images
        if len(self._kept) == len(images) and all(own.subject == self.first.subject for own, _ in self._kept):
            return images
        return stored((None, *images.shape[1:]), np.uint8, (own.images[i : i + 1] for own, i in self._kept))


def _without_trials(train: TrainingSet) -> TrainingSet:
    """The stimuli alone, so that who keeps them keeps no EEG in memory."""
    none = np.empty(0, np.int64)
    return replace(train, eeg=np.empty((0, *train.eeg.shape[1:]), np.float32), shown=none, subjects=none)


def _same_file(a: Images, b: Images) -> bool:
    """Whether two arrays are the same bytes of the same file, which need not be read to be compared."""
    if not (isinstance(a, np.memmap) and isinstance(b, np.memmap)):
        return a is b
    return (a.filename, a.offset, a.shape, a.strides) == (b.filename, b.offset, b.shape, b.strides) and bool(a.filename)
