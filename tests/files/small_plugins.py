"""Plug-ins as a stranger writes them, small and quick: a data set, a method, metrics, with faults to ask for."""

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from eegbench.arrays import EEG, EEGInfo, Images, Values
from eegbench.contracts import (
    CAPTION_LEVELS,
    Answers,
    Dataset,
    Hints,
    Method,
    Metric,
    Progress,
    Queries,
    Reconstructor,
    TrainingSet,
)

INFO = EEGInfo(("O1", "Oz", "O2"), 100.0, 0.0, 24)
SIDE = 32
T = TypeVar("T")
NOTHING: dict[str, float] = {}


def bent(array: Any, place: Any, value: float) -> Any:
    array = array.copy()
    array[place] = value
    return array


def _replace(**changes: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda whole: dataclasses.replace(
        whole, **{name: change(getattr(whole, name)) for name, change in changes.items()}
    )


def _broken(whole: Any) -> Any:
    raise ZeroDivisionError("a stranger's mistake")


FAULTS: dict[str, tuple[str, Callable[[Any], Any]]] = {  # which verb, and what it then hands over
    "train raises": ("train", _broken),
    "queries raise": ("queries", _broken),
    "answers raise": ("answers", _broken),
    "train leaves": ("train", lambda whole: sys.exit(0)),
    "train gives nothing": ("train", lambda whole: None),
    "nan in train": ("train", _replace(eeg=lambda eeg: bent(eeg, (2, 1, 3), np.nan))),
    "infinity in queries": ("queries", _replace(eeg=lambda eeg: bent(eeg, (1, 0, 0), np.inf))),
    "double in train": ("train", _replace(eeg=lambda eeg: eeg.astype(np.float64))),
    "other times": ("train", _replace(eeg=lambda eeg: eeg[:, :, :-1])),
    "other info": ("queries", _replace(info=lambda info: dataclasses.replace(info, rate=250.0))),
    "no trials": ("queries", _replace(eeg=lambda eeg: eeg[:0], stimuli=lambda ids: ids[:0])),
    "shown beyond": ("train", _replace(shown=lambda shown: shown + 1)),
    "shown as words": ("train", _replace(shown=lambda shown: shown.astype(str))),
    "shown too short": ("train", _replace(shown=lambda shown: shown[:-1])),
    "images as floats": ("train", _replace(images=lambda images: images / 255)),
    "an image too few": ("train", _replace(images=lambda images: images[:-1])),
    "a concept too few": ("train", _replace(concepts=lambda concepts: concepts[:-1])),
    "nine captions": ("train", _replace(captions=lambda captions: (captions[0][:9], *captions[1:]))),
    "an empty caption": ("train", _replace(captions=lambda captions: ((" ",) * 10, *captions[1:]))),
    "an id twice": ("queries", _replace(stimuli=lambda ids: (ids[0], *ids[:-1]))),
    "an id that leads out": ("queries", _replace(stimuli=lambda ids: ("../away", *ids[1:]))),
    "an id that is a number": ("train", _replace(stimuli=lambda ids: (7, *ids[1:]))),
    "an answer is missing": ("answers", lambda a: Answers(a.stimuli[1:], a.images[1:], a.concepts[1:])),
    "an answer too many": ("queries", lambda q: Queries(q.eeg[1:], q.info, q.stimuli[1:])),
    "answers as floats": ("answers", _replace(images=lambda images: images / 255)),
}


@dataclass(frozen=True)
class Small(Dataset):
    """`count` concepts of two training images each, and four test images; every EEG channel follows a colour."""

    name: ClassVar[str] = "small"
    revision: ClassVar[str] = "1"
    subjects: ClassVar[tuple[int, ...]] = (1, 2)
    simulated: ClassVar[bool] = True
    about: ClassVar[str] = "a few coloured squares"

    count: int = 3
    fault: str = "none"

    @property
    def info(self) -> EEGInfo:
        return INFO

    def train(self, subject: int) -> TrainingSet:
        stimuli = tuple(f"train/{concept}_{i}" for concept in range(self.count) for i in range(2))
        images, eeg = self._drawn(len(stimuli), subject)
        concepts = tuple(f"thing {concept}" for concept in range(self.count) for _ in range(2))
        captions = (("a coloured thing",) * len(CAPTION_LEVELS),) * len(stimuli)
        shown = np.arange(len(stimuli))
        return self._bent("train", TrainingSet(eeg, INFO, shown, stimuli, images, concepts, captions, subject))

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        return self._bent("queries", Queries(self._drawn(4, 10 + subject)[1], INFO, self._test()))

    def answers(self, subject: int) -> Answers:
        images, _ = self._drawn(4, 10 + subject)
        return self._bent("answers", Answers(self._test(), images, tuple(f"new {i}" for i in range(4))))

    def _test(self) -> tuple[str, ...]:
        return tuple(f"test/{i}" for i in range(4))

    def _drawn(self, count: int, seed: int) -> tuple[Images, EEG]:
        rng = np.random.default_rng(seed)
        colours = rng.integers(256, size=(count, 1, 1, 3))
        images = np.clip(colours + rng.integers(-20, 20, (count, SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
        wave = np.sin(np.arange(INFO.times) / 4)
        eeg = colours[:, 0, 0, :, None] / 255 * wave + rng.normal(0, 0.1, (count, 3, INFO.times))
        return images, (eeg * 1e-5).astype(np.float32)  # V

    def _bent(self, verb: str, whole: T) -> T:
        which, change = FAULTS.get(self.fault, ("", None))
        bent: T = change(whole) if change is not None and which == verb else whole
        return bent


class Grey(Reconstructor):
    """Grey pictures, whatever the EEG; raises in the call that `where` names."""

    def __init__(self, where: str = "") -> None:
        self.where = where

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        return np.full((len(eeg), SIDE, SIDE, 3), 128, np.uint8)

    def save(self, folder: Path) -> None:
        fail(self.where, "save")
        (folder / "where.json").write_text(f'"{self.where}"')

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        where = (folder / "where.json").read_text().strip('"')
        fail(where, "load")
        return cls(where)


def fail(where: str, here: str) -> None:
    if where == here:
        raise KeyError(f"no such thing in {here}")


@dataclass(frozen=True)
class Fails(Method[Grey]):
    """`where`: the call that fails."""

    name: ClassVar[str] = "fails"
    paper: ClassVar[str] = "none"
    reference: ClassVar[str] = ""
    reconstructor: ClassVar[type[Reconstructor]] = Grey

    where: str = "fit"
    late: str = field(default="", metadata={"stage": "reconstruct"})

    def __post_init__(self) -> None:
        fail(self.where, "init")

    def weights(self) -> dict[str, str]:
        fail(self.where, "weights")
        return ["a"] if self.where == "weights gave" else {}  # type: ignore[return-value]

    def configure(self, fitted: Grey) -> Grey:
        fail(self.where, "configure")
        return None if self.where == "configure gave" else fitted  # type: ignore[return-value]

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> Grey:
        fail(self.where, "fit")
        if self.where == "fit gave":
            return np.zeros(3)  # type: ignore[return-value]
        if self.where == "package":
            import not_there_at_all  # type: ignore[import-not-found]  # noqa: F401
        return Grey(self.where)


@dataclass(frozen=True)
class Odd(Metric):
    """A metric that gives what `gives` says of the number of items."""

    id: str
    gives: Callable[[Any, Any], Any]
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = None
    bounds: tuple[float, float] = (0.0, 1.0)
    needs: str = "clip"
    per_item: bool = True

    def compute(self, reconstructions: Any, truths: Any) -> Values:
        given: Values = self.gives(reconstructions, truths)
        return given


def _writes(a: Any, b: Any) -> Any:
    a[:] = 0
    return np.ones(len(a))


def _raises(a: Any, b: Any) -> Any:
    return np.full(len(a), NOTHING["a key that is not there"])


NAN, INF = float("nan"), float("inf")
ODD: dict[str, tuple[Callable[[Any, Any], Any], str]] = {  # what a metric gives, and what is told of it
    "odd_outside": (lambda a, b: np.full(len(a), 1.7), "metric 'odd_outside' gave 1.7, outside its bounds 0 to 1"),
    "odd_infinite": (lambda a, b: np.array([INF, *[0.5] * (len(a) - 1)]), "metric 'odd_infinite' gave inf for 1 of 4"),
    "odd_shape": (lambda a, b: np.ones(3), "metric 'odd_shape' gave float64 of shape (3,); wanted float64, (4,)"),
    "odd_list": (lambda a, b: [1.0] * len(a), "metric 'odd_list' gave a list; wanted an array"),
    "odd_words": (lambda a, b: np.array(["1"] * len(a)), "metric 'odd_words' gave <U1 of shape (4,)"),
    "odd_raises": (_raises, "metric 'odd_raises': compute raised KeyError: 'a key that is not there'"),
    "odd_writes": (_writes, "metric 'odd_writes': compute raised ValueError: assignment destination is read-only"),
    "odd_nan": (lambda a, b: np.array([NAN, *[0.5] * (len(a) - 1)]), "undefined for 1 of 4 stimuli"),
    "odd_rounding": (lambda a, b: np.full(len(a), 1 + 1e-12), ""),
}  # fmt: skip
odd_outside, odd_infinite, odd_shape, odd_list, odd_words, odd_raises, odd_writes, odd_nan, odd_rounding = (
    Odd(name, gives) for name, (gives, _) in ODD.items()
)
odd_set = Odd("odd_set", lambda a, b: np.array(len(a) / 2), bounds=(0.0, 2.0), per_item=False)
