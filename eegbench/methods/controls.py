"""Controls: what a table looks like with no signal, with no generator, and with no EEG."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench import seeds as seeding
from eegbench.arrays import EEG, Images
from eegbench.backbones import weights
from eegbench.backbones.clip import clip
from eegbench.backbones.diffusion import Sampling, generator
from eegbench.contracts import Hints, Method, Progress, Reconstructor, TrainingSet
from eegbench.errors import SOME, check_range
from eegbench.methods.encoders.fitting import EEGEmbedder, EncoderSettings, fit_embedder
from eegbench.methods.storage import StoredArray, read_json, write_json, write_large
from eegbench.methods.training import TrainedMethod, Training


class TrainImages(Reconstructor):
    """Answers with training images, drawn at random by each item's seed."""

    def __init__(self, images: Images | StoredArray) -> None:
        self.images = images

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        return self.images[[int(seeding.generator(s, "train image").integers(len(self.images))) for s in seeds]]

    def save(self, folder: Path) -> None:
        write_large(folder / "images.safetensors", {"images": self.images})

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        return cls(StoredArray(folder / "images.safetensors", "images"))


@dataclass(frozen=True)
class RandomTrainImage(Method[TrainImages]):
    """A training image, whatever the EEG: one of `images` that the fit draws, or of all where there are fewer."""

    name: ClassVar[str] = "random_train_image"
    paper: ClassVar[str] = "control of this benchmark"
    reference: ClassVar[str] = ""
    role: ClassVar[str] = "floor"
    reconstructor: ClassVar[type[Reconstructor]] = TrainImages

    images: int = 2000

    def __post_init__(self) -> None:
        check_range(self, images=SOME)

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> TrainImages:
        if len(train.images) <= self.images:
            return TrainImages(train.images)
        drawn = seeding.generator(seed, "train images").choice(len(train.images), self.images, replace=False)
        return TrainImages(train.images[np.sort(drawn)])


@dataclass(frozen=True)
class MeanImage(Method[TrainImages]):
    """The mean of all training images, whatever the EEG."""

    name: ClassVar[str] = "mean_image"
    paper: ClassVar[str] = "control of this benchmark"
    reference: ClassVar[str] = ""
    role: ClassVar[str] = "floor"
    reconstructor: ClassVar[type[Reconstructor]] = TrainImages

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> TrainImages:
        return TrainImages(np.rint(train.images.mean(axis=0, keepdims=True)).astype(np.uint8))


class NearestTrainImageReconstructor(Reconstructor):
    """The training image whose embedding is nearest (cosine) to the one decoded from EEG."""

    def __init__(
        self,
        embedder: EEGEmbedder,
        images: Images | StoredArray,
        embeddings: NDArray[np.float32],
        clip: str,
        device: str,
    ) -> None:
        self.embedder, self.images, self.embeddings = embedder, images, embeddings
        self.clip, self.device = clip, device

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        return self.images[(self.embed(eeg) @ self.embeddings.T).argmax(axis=1)]

    def embed(self, eeg: EEG) -> NDArray[np.float32]:
        return self.embedder(eeg)

    def embed_images(self, images: Images) -> NDArray[np.float32]:
        return clip(self.clip, self.device).images(images)

    def for_subject(self, subject: int) -> Self:
        self.embedder.meet(subject)
        return self

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return clip(self.clip, self.device).texts(texts)

    def save(self, folder: Path) -> None:
        self.embedder.save(folder)
        write_large(folder / "bank.safetensors", {"images": self.images, "embeddings": self.embeddings})
        write_json(folder / "nearest_train_image.json", {"clip": self.clip})

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        images = StoredArray(folder / "bank.safetensors", "images")
        embeddings = StoredArray(folder / "bank.safetensors", "embeddings")[:]
        clip = read_json(folder / "nearest_train_image.json")["clip"]
        embedder = EEGEmbedder.load(folder, device)
        return cls(embedder, images, embeddings, clip, device)


@dataclass(frozen=True)
class NearestTrainImage(TrainedMethod[NearestTrainImageReconstructor]):
    """Retrieval in place of generation: what the encoder alone is worth."""

    name: ClassVar[str] = "nearest_train_image"
    paper: ClassVar[str] = "control of this benchmark"
    reference: ClassVar[str] = ""
    fit_version: ClassVar[int] = 2
    reconstructor: ClassVar[type[Reconstructor]] = NearestTrainImageReconstructor

    clip: str = "pack:clip_target"
    encoder: EncoderSettings = EncoderSettings()

    def weights(self) -> dict[str, str]:
        return {self.clip: weights.combined(self.clip)} | self.encoder.weights()

    def fit_stages(self, train: TrainingSet, training: Training) -> NearestTrainImageReconstructor:
        self.encoder.check(train.info)
        targets = clip(self.clip, training.device).images(train.images)
        embedder = fit_embedder(training, train, targets, self.encoder)
        unit = targets / np.linalg.norm(targets, axis=1, keepdims=True)
        return NearestTrainImageReconstructor(embedder, train.images, unit, self.clip, training.device)


class PriorOnlyReconstructor(Reconstructor):
    """Unconditional samples."""

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.generator = generator(name, device)
        self.sampling = Sampling()

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        null = torch.zeros(1, 1, self.generator.width)
        tokens = null.expand(len(seeds), -1, -1)
        return self.generator.sample(tokens, null=null, seeds=seeds, sampling=replace(self.sampling, guidance=1.0))

    def save(self, folder: Path) -> None:
        write_json(folder / "prior_only.json", {"generator": self.generator.name})

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        return cls(read_json(folder / "prior_only.json")["generator"], device)


@dataclass(frozen=True)
class PriorOnly(Method[PriorOnlyReconstructor]):
    """The generator with no EEG at all."""

    name: ClassVar[str] = "prior_only"
    paper: ClassVar[str] = "control of this benchmark"
    reference: ClassVar[str] = ""
    role: ClassVar[str] = "floor"
    reconstructor: ClassVar[type[Reconstructor]] = PriorOnlyReconstructor

    generator: str = "pack:generator"
    sampling: Sampling = field(default=Sampling(), metadata={"stage": "reconstruct"})

    def weights(self) -> dict[str, str]:
        return {self.generator: weights.combined(self.generator)}

    def configure(self, fitted: PriorOnlyReconstructor) -> PriorOnlyReconstructor:
        fitted.sampling = self.sampling
        return fitted

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> PriorOnlyReconstructor:
        return PriorOnlyReconstructor(self.generator, device)
