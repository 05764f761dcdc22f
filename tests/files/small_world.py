"""A small world for the pipeline: 8 stimuli whose EEG holds their colours, methods that use it or not, fake judges."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench import backbones, seeds
from eegbench.arrays import EEG, EEGInfo, Images, Maps, Values
from eegbench.backbones import Suite
from eegbench.benchmark import companions
from eegbench.benchmark.evaluate import Evaluation, evaluate
from eegbench.benchmark.fit import fit
from eegbench.benchmark.options import Options
from eegbench.benchmark.paint import seed_of
from eegbench.benchmark.plan import Plan, plan
from eegbench.benchmark.reconstruct import reconstruct
from eegbench.contracts import (
    CAPTION_LEVELS,
    Answers,
    Backbone,
    Dataset,
    Hints,
    Method,
    Metric,
    Progress,
    Queries,
    Reconstructor,
    Reference,
    Silent,
    TrainingSet,
)
from eegbench.errors import InputError
from eegbench.plugins import registry
from eegbench.runs.folder import Run

SIDE = 6
INFO = EEGInfo(("Oz", "O1", "O2"), 100.0, 0.0, SIDE * SIDE)


@dataclass(frozen=True)
class Drawn(Dataset):
    """Random images; the EEG of each is its pixels, one channel for each colour."""

    noise: float = 0.0
    count: int = 8
    backwards: bool = False  # the queries come in another order
    root: Path = Path("somewhere")

    name: ClassVar[str] = "drawn"
    revision: ClassVar[str] = "1"
    subjects: ClassVar[tuple[int, ...]] = (1, 8)
    simulated: ClassVar[bool] = True
    about: ClassVar[str] = "for tests"
    calls: ClassVar[list[str]] = []

    @property
    def info(self) -> EEGInfo:
        return INFO

    def train(self, subject: int) -> TrainingSet:
        self.calls.append("train")
        stimuli, images = self._draw("train")
        captions = (("a thing",) * len(CAPTION_LEVELS),) * len(stimuli)
        return TrainingSet(_eeg(images), INFO, np.arange(len(stimuli)), stimuli, images, stimuli, captions, subject)

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        self.calls.append("queries")
        stimuli, images = self._draw("test")
        order = np.arange(self.count)[::-1] if self.backwards else np.arange(self.count)
        return Queries(_eeg(images)[order], INFO, tuple(stimuli[i] for i in order))

    def answers(self, subject: int) -> Answers:
        self.calls.append("answers")
        stimuli, images = self._draw("test")
        order = seeds.generator("answers").permutation(self.count)  # in any order, says the contract
        return Answers(tuple(stimuli[i] for i in order), images[order], tuple(f"thing_{i}" for i in order))

    def _draw(self, part: str) -> tuple[tuple[str, ...], Images]:
        rng = seeds.generator("drawn", part)
        images = rng.integers(256, size=(self.count, SIDE, SIDE, 3)).astype(np.uint8)
        return tuple(f"{i:02d}_thing/{part}_{i}" for i in range(self.count)), images


def _eeg(images: Images) -> EEG:
    return np.ascontiguousarray(images.reshape(len(images), -1, 3).transpose(0, 2, 1).astype(np.float32))


@dataclass
class Decoder(Reconstructor):
    """Gives back the colours in the EEG, weighed against noise from the seed."""

    weight: float
    steps: int = 0
    asked: list[int] = field(default_factory=list)
    stop_after: int | None = None
    failure: BaseException | None = None

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        if self.stop_after is not None and len(self.asked) >= self.stop_after and self.failure is not None:
            raise self.failure
        self.asked.append(len(eeg))
        seen = eeg.transpose(0, 2, 1).reshape(len(eeg), SIDE, SIDE, 3)
        noise = np.stack([np.random.default_rng(s).integers(256, size=seen.shape[1:]) for s in seeds])
        images = self.weight * seen + (1 - self.weight) * noise
        if hints is not None:
            images[:, 0, 0, 0] = hints["saliency"][:, 0, 0]
        return images.round().astype(np.uint8)

    def embed(self, eeg: EEG) -> NDArray[np.float32]:
        flat = eeg.reshape(len(eeg), -1)
        return self.weight * flat if self.weight else np.ones_like(flat)

    def embed_images(self, images: Images) -> NDArray[np.float32]:
        return _eeg(images).reshape(len(images), -1)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Of a text with "thing_3" in it the colours of the test image 3."""
        shown = Drawn()._draw("test")[1]
        return self.embed_images(shown[[int(text.rpartition("thing")[2][1:]) for text in texts]])

    def controls(self, eeg: EEG, hints: Hints | None = None) -> Maps:
        return eeg[:, 0].reshape(-1, SIDE, SIDE).astype(np.uint8)

    def save(self, folder: Path) -> None:
        (folder / "weight.txt").write_text(str(self.weight))

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        return cls(float((folder / "weight.txt").read_text()))


@dataclass(frozen=True)
class UsesEEG(Method[Any]):
    weight: float = 0.8
    steps: int = field(default=10, metadata={"stage": "reconstruct"})

    name: ClassVar[str] = "uses-eeg"
    paper: ClassVar[str] = ""
    reference: ClassVar[str] = ""
    tracks: ClassVar[tuple[str, ...]] = ("eeg", "oracle")
    hints: ClassVar[tuple[str, ...]] = ("saliency",)
    reconstructor: ClassVar[type[Reconstructor]] = Decoder
    fits: ClassVar[list[str]] = []

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> Reconstructor:
        if len(train.info.channels) < 3:
            raise InputError("uses-eeg wants a channel for each colour")
        self.fits.append(self.name)
        return Decoder(self.weight)

    def configure(self, fitted: Reconstructor) -> Reconstructor:
        assert isinstance(fitted, Decoder)
        return dataclasses.replace(fitted, steps=self.steps)


@dataclass(frozen=True)
class IgnoresEEG(UsesEEG):
    weight: float = 0.0

    name: ClassVar[str] = "ignores-eeg"
    tracks: ClassVar[tuple[str, ...]] = ("eeg",)


@dataclass
class SeedReader(Decoder):
    """Paints what was shown, which it knows from the seed."""

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        images = super().reconstruct(eeg, seeds=seeds, hints=hints)
        known = {seed_of(0, stimulus, 0): shown for stimulus, shown in zip(*Drawn()._draw("test"), strict=True)}
        return np.stack([known.get(seed, image) for seed, image in zip(seeds, images, strict=True)])


@dataclass(frozen=True)
class ReadsSeeds(IgnoresEEG):
    name: ClassVar[str] = "reads-seeds"
    reconstructor: ClassVar[type[Reconstructor]] = SeedReader

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> Reconstructor:
        return SeedReader(self.weight)


@dataclass(frozen=True)
class Floor(IgnoresEEG):
    name: ClassVar[str] = "random_train_image"
    role: ClassVar[str] = "floor"


class Copy(Reference):
    name = "vae_roundtrip"
    about = "the truth itself"

    def reconstruct(self, truths: Images, *, seeds: Sequence[int], device: str = "cpu") -> Images:
        return truths


class CopyToo(Copy):
    name = "true_embedding"


@dataclass
class Judge(Backbone):
    """Pixels as features, in the range 0 to 1."""

    name: str = "fake"
    digest: str = "0" * 64
    provides: tuple[str, ...] = ("pixels425", "clip", "saliency", "inception_probabilities")
    seen: list[int] = field(default_factory=list)

    def embed(self, images: Images) -> dict[str, NDArray[np.float32]]:
        self.seen.append(len(images))
        values = images.astype(np.float32) / 255
        sums = values.sum(axis=(1, 2)) + 1
        probabilities = sums / sums.sum(axis=1, keepdims=True)
        flat = values.reshape(len(images), -1)
        features = {
            "pixels425": values,
            "clip": flat,
            "saliency": values.mean(3),
            "inception_probabilities": probabilities,
        }
        return {name: array.astype(np.float32) for name, array in features.items()}


@dataclass(frozen=True)
class Law(Metric):
    """A metric from a formula."""

    id: str
    needs: str
    formula: Callable[[NDArray[np.float64], NDArray[np.float64]], Any]
    chance: float | str | None = "permuted"
    higher_is_better: bool = True
    per_item: bool = True
    version: int = 1
    bounds: tuple[float, float] = (-1.0, 1.0)

    def compute(self, reconstructions: NDArray[np.generic], truths: NDArray[np.generic]) -> Values:
        return np.asarray(self.formula(reconstructions.astype(np.float64), truths.astype(np.float64)))


def _flat(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.reshape(len(values), -1)


def _pearson(a: NDArray[np.float64], b: NDArray[np.float64]) -> Any:
    a, b = (_flat(x) - _flat(x).mean(1, keepdims=True) for x in (a, b))
    with np.errstate(invalid="ignore"):  # a flat image has no correlation: NaN
        return (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))


def _top1(a: NDArray[np.float64], b: NDArray[np.float64]) -> Any:
    distance = ((_flat(a)[:, None] - _flat(b)[None]) ** 2).sum(2)
    return (distance.argmin(1) == np.arange(len(a))).astype(float)


LAWS = (
    Law("pixcorr", "pixels425", _pearson),
    Law("top1", "clip", _top1, chance="1/N"),
    Law("distance", "clip", lambda a, b: ((a - b) ** 2).mean(1), higher_is_better=False),
    Law("spread", "inception_probabilities", lambda a, b: a.std(), chance=1.0, per_item=False),
    Law("retrieval", "embedding", _top1, chance="1/N"),
    Law("unseen", "swav", _pearson),
)


@dataclass
class Lab:
    """What tests do with this world."""

    runs: Path
    suite: Suite
    judge: Judge
    laws: dict[str, Law]

    @property
    def calls(self) -> list[str]:
        """What the data set was asked for, in order."""
        return Drawn.calls

    @property
    def fits(self) -> list[str]:
        """The methods that were fitted, in order."""
        return UsesEEG.fits

    def options(self, **changes: Any) -> Options:
        return dataclasses.replace(Options("drawn", runs=self.runs, device="cpu", batch_size=3), **changes)

    def evaluate(self, method: str = "uses-eeg", **changes: Any) -> Evaluation:
        return evaluate(method, 8, self.options(**changes), Silent())

    def plan(self, method: str = "uses-eeg", **changes: Any) -> Plan:
        return plan(method, 8, self.options(**changes), device="cpu")

    def reconstruct(
        self, method: str = "uses-eeg", decoder: Callable[[Decoder], None] = lambda d: None, **changes: Any
    ) -> Run:
        planned = self.plan(method, **changes)
        fitted = fit(planned, progress=Silent())
        assert isinstance(fitted.reconstructor, Decoder)
        decoder(fitted.reconstructor)
        return reconstruct(planned, fitted, hints={}, hint_judges={}, progress=Silent())


def small_world(folder: Path, patch: pytest.MonkeyPatch) -> Lab:
    """The small world in place of the real data sets, methods, judges and metrics, with its own cache and runs."""
    kinds: dict[str, tuple[Any, ...]] = {
        "dataset": (Drawn,),
        "method": (UsesEEG, IgnoresEEG, ReadsSeeds, Floor),
        "reference": (Copy, CopyToo),
    }

    laws: dict[str, Any] = {law.id: law for law in LAWS}
    known: dict[str, dict[str, Any]] = {kind: {c.name: c for c in some} for kind, some in kinds.items()}
    known["metric"] = laws
    judge = Judge()
    patch.setenv("EEGBENCH_CACHE", str(folder / "cache"))
    for kind, own in known.items():
        patch.setitem(registry.OWN, kind, own)
    suite = Suite("micro", "sal512", (judge,))
    patch.setattr(backbones, "suite", lambda *_, **__: suite)
    patch.setattr(companions, "FLOORS", ("random_train_image",))
    Drawn.calls.clear()
    UsesEEG.fits.clear()
    return Lab(folder / "runs", suite, judge, laws)
