"""Views: a part of the EEG, and a part of the training stimuli, of any data set.

A window in time, channels by name or region, and how many training stimuli: what papers vary to see what a method goes
by, and how much data it needs.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo
from eegbench.contracts import Queries, TrainingSet
from eegbench.datasets import regions
from eegbench.datasets.scratch import gathered
from eegbench.errors import InputError, UsageError, short, unknown
from eegbench.files import Json
from eegbench.guards.fields import read_fields
from eegbench.guards.limits import Text
from eegbench.seeds import generator

Cut = Literal["mask", "crop"]
Window = tuple[float, float]  # s from stimulus onset: from the first, up to and without the second

MOST_CHANNELS, LONGEST_NAME = 1000, 200
SLACK = 1e-6  # samples: what rounding may add to a time such as -0.2 + 30 / 100


@dataclass(frozen=True)
class View:
    """What of the EEG is seen, and how much there is to train on. The default sees everything.

    window: in s from stimulus onset, the end not included. cut: samples outside the window become 0 ("mask"; the shape
    stays, so that every encoder runs) or are left out ("crop"). channels: names of electrodes and of regions, in any
    case; what they name stays, in the recording's order, and no names mean all. train_stimuli: so many training stimuli
    with all their trials, drawn by seed and spread over concepts; fewer are a part of more.

    Names are kept as the 10-20 system spells them, each once and sorted, so that equal views are equal.
    Raises UsageError for what no recording could have.
    """

    window: Window | None = None
    cut: Cut = "mask"
    channels: tuple[str, ...] = ()
    train_stimuli: int | None = None

    def __post_init__(self) -> None:
        if self.window is not None:
            object.__setattr__(self, "window", _checked(self.window))
        if self.cut not in get_args(Cut):
            raise unknown("cut", str(self.cut), get_args(Cut))
        if self.cut != "mask" and self.window is None:
            raise UsageError(f"cut is {self.cut!r}, and there is no window that it could cut; give a window too")
        object.__setattr__(self, "channels", _spelled(self.channels))
        count = self.train_stimuli
        if count is not None and (type(count) is not int or count < 1):
            raise UsageError(f"train_stimuli is {short(count)}; wanted a whole number of 1 or more")

    @classmethod
    def of(cls, value: object) -> Self:
        """The view that `described` gave as JSON; InputError for anything else."""
        try:
            return read_fields(cls, value, "view")
        except UsageError as error:
            raise InputError(f"view: {error}") from None

    def described(self) -> Json:
        """The fields that are not at their defaults, as JSON; nothing of the default view."""
        values = asdict(self)
        changed = {f.name: values[f.name] for f in fields(self) if values[f.name] != f.default}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}

    def info(self, info: EEGInfo) -> EEGInfo:
        """The facts of the EEG that is seen; `info` itself where all of it is.

        Raises UsageError for a window that is not inside the recording or holds no sample, for electrodes and regions
        that are not there, and for embeddings in the EEG's place.
        """
        if self == View():
            return info
        if info.unit == "embedding":
            raise UsageError(
                "embeddings stand in the EEG's place, with no times, electrodes or training stimuli left to choose; "
                f"leave out {', '.join(self.described())}"
            )
        if self.channels:
            chosen = regions.places(self.channels, info.channels)
            info = replace(info, channels=tuple(info.channels[place] for place in chosen))
        if self.window is not None:
            first, last = _samples(self.window, info)
            if self.cut == "crop":
                info = replace(info, start=round(info.start + first / info.rate, 9), times=last - first)
        return info

    def of_queries(self, queries: Queries) -> Queries:
        """The queries as they are seen; the very object where all of their EEG is. Raises as `info`."""
        info, eeg = self.info(queries.info), self._seen(queries.eeg, queries.info)
        return queries if eeg is queries.eeg else replace(queries, eeg=eeg, info=info)

    def of_training(self, train: TrainingSet, seed: int) -> TrainingSet:
        """The training set as it is seen: its trials in their order, and the stimuli that they show.

        seed: draws the stimuli. The very object where everything is seen. EEG and images that lie on disk are worked
        out there, part by part. Raises as `info` and as `scratch.stored`, and UsageError for more stimuli than there
        are.
        """
        info = self.info(train.info)
        if self == View():
            return train
        if self.train_stimuli is None:
            return replace(train, eeg=self._seen(train.eeg, train.info), info=info)
        there = len(train.stimuli)
        if self.train_stimuli > there:
            raise UsageError(f"train_stimuli is {self.train_stimuli}; wanted 1 to {there}, which is all that there are")
        kept = np.sort(spread_over_concepts(train.concepts, seed)[: self.train_stimuli])
        trials = np.flatnonzero(np.isin(train.shown, kept))
        return replace(
            train,
            eeg=self._seen(train.eeg, train.info, trials),
            info=info,
            shown=np.searchsorted(kept, train.shown[trials]),
            subjects=train.subjects[trials],
            stimuli=tuple(train.stimuli[place] for place in kept),
            images=gathered(train.images, kept, lambda images: images),
            concepts=tuple(train.concepts[place] for place in kept),
            captions=tuple(train.captions[place] for place in kept),
        )

    def _seen(self, eeg: EEG, info: EEGInfo, trials: NDArray[np.int64] | None = None) -> EEG:
        """These trials, by default all, as they are seen; `eeg` itself where all of it is."""
        if trials is None and self.window is None and not self.channels:
            return eeg
        chosen = regions.places(self.channels, info.channels) if self.channels else slice(None)
        first, last = (0, info.times) if self.window is None else _samples(self.window, info)

        def see(part: EEG) -> EEG:
            part = part[:, chosen]
            if self.cut == "crop":
                return part[:, :, first:last]
            part[:, :, :first] = 0
            part[:, :, last:] = 0
            return part

        return gathered(eeg, np.arange(len(eeg)) if trials is None else trials, see)


def window_of(words: str) -> Window:
    """The window that a command line's words say, as 0:0.2 or -0.1:0.5, in s; UsageError for other words."""
    try:
        start, end = map(float, words.split(":"))
    except ValueError:
        raise UsageError(f"window is {short(words)}; wanted start:end in s from stimulus onset, as 0:0.2") from None
    return _checked((start, end))


def channels_of(words: str) -> tuple[str, ...]:
    """The names between the commas of a command line's words, as occipital,Cz; UsageError where there is none."""
    names = tuple(name.strip() for name in words.split(","))
    if not all(names):
        raise UsageError(f"channels are {short(words)}; wanted names of electrodes or regions, as occipital,Cz")
    return names


def spread_over_concepts(concepts: Sequence[str], seed: int) -> NDArray[np.int64]:
    """An order of stimuli, by the concept of each: its first n are spread over as many concepts as can be, for every n.

    Each concept in turn, in a random order, gives a random one of its stimuli, until all are given: (stimuli,) places.
    """
    places: dict[str, list[int]] = {}
    for place, concept in enumerate(concepts):
        places.setdefault(concept, []).append(place)
    rng = generator("spread over concepts", seed)
    shuffled = [rng.permutation(of_concept) for of_concept in places.values()]
    turns = [shuffled[i] for i in rng.permutation(len(shuffled))]
    rounds = range(max(map(len, turns), default=0))
    return np.array([turn[i] for i in rounds for turn in turns if i < len(turn)], np.int64)


def _checked(window: Window) -> Window:
    try:
        start, end = (float(time) + 0.0 for time in window)  # -0.0 becomes 0.0
    except (TypeError, ValueError):
        raise UsageError(f"window is {short(window)}; wanted two times in s from stimulus onset") from None
    if not (math.isfinite(start) and math.isfinite(end) and start < end):
        raise UsageError(f"window is {start:g}:{end:g} s; wanted its start before its end, both from stimulus onset")
    return start, end


def _spelled(names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str) or len(names) > MOST_CHANNELS:
        raise UsageError(f"channels are {short(names)}; wanted names of electrodes or regions, at most {MOST_CHANNELS}")
    for name in names:
        wrong = Text(LONGEST_NAME).problem(name) if isinstance(name, str) and name.strip() else "is no name"
        if wrong:
            raise UsageError(f"channels: {short(name)} {wrong}; wanted the name of an electrode or a region")
    return tuple(sorted({regions.spelled(name.strip()) for name in names}))


def _samples(window: Window, info: EEGInfo) -> tuple[int, int]:
    """The places of the first sample in the window, and of the first one after it."""
    (start, end), slack = window, SLACK / info.rate
    last = info.start + info.times / info.rate
    if start < info.start - slack or end > last + slack:
        raise UsageError(
            f"window {start:g}:{end:g} s is not inside the recording, which is {info.start:g}:{last:g} s at "
            f"{info.rate:g} Hz"
        )
    places = [math.ceil((time - info.start) * info.rate - SLACK) for time in window]
    if places[0] == places[1]:
        raise UsageError(
            f"window {start:g}:{end:g} s holds no sample of the recording, which has {info.rate:g} a second"
        )
    return max(0, places[0]), min(places[1], info.times)
