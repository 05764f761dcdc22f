"""ATM: an EEG embedding, a diffusion prior to an image embedding, and a generator that is told it.

Li et al. (NeurIPS 2024, arXiv 2403.07721; code dongyangli-del/EEG_Image_decode). The stages in order: ATM-S fitted on
CLIP image embeddings; a diffusion prior from EEG embeddings to image embeddings; a low-level stage from EEG to the
latent of a blurry image; a generator with an IP-Adapter that draws, with an empty prompt, over that latent. With a
captioner, the prompt is what it says of the prior's embedding; the paper's own numbers do without one.
"""

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import EEG, Images
from eegbench.backbones import weights
from eegbench.backbones.clip import Clip, clip
from eegbench.backbones.diffusion import Sampling
from eegbench.backbones.pipeline import Painter, check_strength, digest_of_adapter
from eegbench.contracts import Hints, Method, Progress, Reconstructor, TrainingSet
from eegbench.errors import ANY, check_range
from eegbench.methods.caption_stage import CaptionStage, CaptionStageSettings, captioner_of, fit_caption_stage
from eegbench.methods.encoders.fitting import EEGEmbedder, EncoderSettings, Length, fit_embedder
from eegbench.methods.low_level import LowLevel, LowLevelSettings, fit_low_level
from eegbench.methods.prior import DiffusionPrior, PriorSettings, fit_prior
from eegbench.methods.storage import read_json, write_json
from eegbench.methods.training import Training
from eegbench.methods.validation import held_out


@dataclass(frozen=True)
class Networks:
    """Names of the pretrained parts, the length of the embeddings that pass between them, the size of images in px
    and the precision of the generator; fixed by the fit."""

    generator: str
    adapter: str
    clip: str
    length: Length
    size: int = 0
    half: bool = False


class AtmReconstructor(Reconstructor):
    """The fitted method; `low_level` and `caption` are None where that stage is left out."""

    def __init__(
        self,
        networks: Networks,
        embedder: EEGEmbedder,
        prior: DiffusionPrior,
        low_level: LowLevel | None,
        caption: CaptionStage | None = None,
        *,
        device: str = "cpu",
    ) -> None:
        self.networks, self.embedder, self.prior, self.low_level = networks, embedder, prior, low_level
        self.caption = caption
        self.painter = painter(networks, device)
        self.sampling, self.strength = Sampling(), 1.0
        self.device = device

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        told = self.prior.sample(torch.from_numpy(self.embedder.features(eeg)), seeds)
        start = None if self.low_level is None else self.low_level(eeg) * self.painter.scaling_factor
        prompts = None if self.caption is None else self.caption(told)
        return self.painter.paint(
            told=told, prompts=prompts, seeds=seeds, sampling=self.sampling, start=start, strength=self.strength
        )

    def embed(self, eeg: EEG) -> NDArray[np.float32]:
        return self.embedder(eeg)

    def embed_images(self, images: Images) -> NDArray[np.float32]:
        return clip(self.networks.clip, self.device).images(images)

    def save(self, folder: Path) -> None:
        self.embedder.save(folder)
        self.prior.save(folder)
        if self.low_level is not None:
            self.low_level.save(folder)
        if self.caption is not None:
            self.caption.save(folder)
        stages = {"low_level": self.low_level is not None, "caption": self.caption is not None}
        write_json(folder / "atm.json", asdict(self.networks) | stages)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        facts = read_json(folder / "atm.json")
        low_level = LowLevel.load(folder, device) if facts.pop("low_level") else None
        caption = CaptionStage.load(folder, device) if facts.pop("caption") else None
        return cls(
            Networks(**facts),
            EEGEmbedder.load(folder, device),
            DiffusionPrior.load(folder, device),
            low_level,
            caption,
            device=device,
        )


@dataclass(frozen=True)
class Atm(Method[AtmReconstructor]):
    """Hyper-parameters of all stages; the defaults are for the micro pack.

    `encoder` has the published loss for reconstruction; for retrieval it is regression=0, text=.01. `length`: "raw"
    embeddings pass between the stages as published; the small IP-Adapter was trained on unit variance. `size` of the
    images in px, 0: the generator's own; `half` runs the generator in float16 (bfloat16 on a CPU). `captioner`: a GIT
    folder or hub id, in the paper microsoft/git-large-coco; without one, as in the paper's numbers, no prompt.
    """

    name: ClassVar[str] = "atm"
    paper: ClassVar[str] = "Li et al., Visual decoding and reconstruction via EEG embeddings, NeurIPS 2024"
    reference: ClassVar[str] = "https://github.com/dongyangli-del/EEG_Image_decode"
    requires: ClassVar[tuple[str, ...]] = ("diffusers", "open_clip")
    reconstructor: ClassVar[type[Reconstructor]] = AtmReconstructor

    generator: str = "pack:generator"
    adapter: str = "pack:ip_adapter/ip-adapter.safetensors"
    clip: str = "pack:clip_target"
    length: Length = "unit"
    size: int = 0
    half: bool = False
    encoder: EncoderSettings = EncoderSettings(regression=0.9, raw=True)
    prior: PriorSettings = PriorSettings()
    low_level: bool = True
    low_level_settings: LowLevelSettings = LowLevelSettings()
    captioner: str = ""
    caption: CaptionStageSettings = CaptionStageSettings()
    sampling: Sampling = field(default=Sampling(), metadata={"stage": "reconstruct"})
    strength: float = field(default=0.85, metadata={"stage": "reconstruct"})

    def __post_init__(self) -> None:
        check_range(self, size=ANY)
        if self.low_level:
            check_strength(self.strength, self.sampling)

    def weights(self) -> dict[str, str]:
        names = (self.generator, self.clip, *([self.captioner] if self.captioner else []))
        return (
            {name: weights.combined(name) for name in names}
            | {self.adapter: digest_of_adapter(self.adapter)}
            | self.encoder.weights()
        )

    @property
    def networks(self) -> Networks:
        return Networks(self.generator, self.adapter, self.clip, self.length, self.size, self.half)

    def configure(self, fitted: AtmReconstructor) -> AtmReconstructor:
        fitted.sampling, fitted.strength = self.sampling, self.strength
        return fitted

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> AtmReconstructor:
        self.encoder.check(train.info)  # what is not there is missed before anything is fitted
        if self.captioner:
            captioner_of(self.captioner, device)
        training = Training(seed, progress, device=device, folder=folder)
        networks = self.networks
        targets, texts = self._aims(train, device)
        embedder = fit_embedder(training, train, targets, self.encoder, texts)
        prior = fit_prior(training, embedder.features(train.eeg), train.shown, targets, self.prior)
        held = held_out(train.concepts, self.encoder.validation_concepts, seed)
        low_level = caption = None
        if self.low_level:
            latents = painter(networks, device).latents(train.images)
            low_level = fit_low_level(training, train.eeg, train.shown, latents, held, self.low_level_settings)
        if self.captioner:
            caption = fit_caption_stage(training, self.captioner, targets, train.images, held, self.caption)
        fitted = AtmReconstructor(networks, embedder, prior, low_level, caption, device=device)
        return self.configure(fitted)

    def _aims(self, train: TrainingSet, device: str) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """CLIP's embeddings of the training images, and of their concepts if wanted; then CLIP is let go."""
        network = Clip(self.clip, device)  # and not `clip`, which would keep it beside the networks that are fitted
        targets = of_length(network.images(train.images), self.length)
        words = [f"This picture is {concept}" for concept in train.concepts]
        texts = network.texts(words) if self.encoder.text else None
        return targets, texts


@functools.lru_cache(maxsize=1)
def painter(networks: Networks, device: str) -> Painter:
    return Painter(networks.generator, networks.adapter, device, half=networks.half, size=networks.size)


def of_length(embeddings: NDArray[np.float32], length: Length) -> NDArray[np.float32]:
    """Embeddings (n, d) as they are, or at length sqrt(d): unit variance per coordinate."""
    if length == "raw":
        return embeddings
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True) * np.float32(embeddings.shape[1] ** 0.5)
