"""ATM: an EEG embedding, a diffusion prior to an image embedding, and a generator that is told it.

Li et al. (NeurIPS 2024, arXiv 2403.07721; code dongyangli-del/EEG_Image_decode). The stages in order: ATM-S fitted on
CLIP image embeddings; a diffusion prior from EEG embeddings to image embeddings; a low-level stage from EEG to the
latent of a blurry image; a generator with an IP-Adapter that draws, with an empty prompt, over that latent. With a
captioner, the prompt is what it says of the prior's embedding; the paper's own numbers do without one.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import EEGInfo
from eegbench.backbones import weights
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import Sampling
from eegbench.backbones.generator_parts import digest_of_adapter
from eegbench.backbones.pipeline import check_strength
from eegbench.contracts import CONCEPT_PROMPT, Reconstructor, TrainingSet
from eegbench.errors import ANY, check_range
from eegbench.methods.atm.caption_stage import CaptionStageSettings, captioner_of, fit_caption_stage
from eegbench.methods.atm.low_level import LowLevelSettings, fit_low_level
from eegbench.methods.atm.prior import PriorSettings, fit_prior
from eegbench.methods.atm.reconstructor import AtmReconstructor, Networks
from eegbench.methods.atm.rehearsal import low_level_parts, prior_parts
from eegbench.methods.encoders.fitting import EncoderSettings, Length, fit_embedder
from eegbench.methods.rehearsal import META, Fitting, Parts, Rehearsal
from eegbench.methods.rehearsal.drawing import painter_parts
from eegbench.methods.rehearsal.encoding import encoder_parts
from eegbench.methods.training import TrainedMethod, Training
from eegbench.methods.validation import held_out


@dataclass(frozen=True)
class Atm(TrainedMethod[AtmReconstructor]):
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

    def fit_stages(self, train: TrainingSet, training: Training) -> AtmReconstructor:
        device = training.device
        self.encoder.check(train.info)  # what is not there is missed before anything is fitted
        if self.captioner:
            captioner_of(self.captioner, device)
        networks = self.networks
        targets, texts = self._aims(train, device)
        embedder = fit_embedder(training, train, targets, self.encoder, texts)
        prior = fit_prior(training, embedder.features(train.eeg, train.subjects), train.shown, targets, self.prior)
        held = held_out(train.concepts, self.encoder.validation_concepts, training.seed)
        low_level = caption = None
        if self.low_level:
            latents = networks.painter(device).latents(train.images)
            low_level = fit_low_level(training, train.eeg, train.shown, latents, held, self.low_level_settings)
        if self.captioner:
            caption = fit_caption_stage(training, self.captioner, targets, train.images, held, self.caption)
        return AtmReconstructor(networks, embedder, prior, low_level, caption, device=device)

    def _aims(self, train: TrainingSet, device: str) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """CLIP's embeddings of the training images, and of their concepts if wanted; then CLIP is let go."""
        network = Clip(self.clip, device)  # and not `clip`, which would keep it beside the networks that are fitted
        targets = of_length(network.images(train.images), self.length)
        words = [CONCEPT_PROMPT.format(concept) for concept in train.concepts]
        texts = network.texts(words) if self.encoder.text else None
        return targets, texts

    def rehearse(self) -> Rehearsal:
        return Rehearsal(
            recording="things-eeg2",
            parts=self._parts,
            fitting=(
                Fitting("fit EEG encoder", "encoder", self.encoder),
                Fitting("fit prior", "prior", self.prior, "all"),
                Fitting("fit low level", "low_level_settings", self.low_level_settings),
                Fitting("fit caption stage", "caption", self.caption),
            ),
            reached=self.strength if self.low_level else 1.0,
            embedded=self.encoder.kind == "precomputed",
        )

    def _parts(self, info: EEGInfo) -> Parts:
        encoder, width = encoder_parts(self.encoder, self.clip, info)
        drawing = self.networks.painter(META)
        draw = painter_parts(drawing, self.generator, self.adapter, torch.zeros(1, width))
        parts = encoder + prior_parts(self.prior, width)
        if self.low_level:
            parts += low_level_parts(self.low_level_settings, info, draw.stages[0].wanted[1:])
        return parts + draw


def of_length(embeddings: NDArray[np.float32], length: Length) -> NDArray[np.float32]:
    """Embeddings (n, d) as they are, or at length sqrt(d): unit variance per coordinate."""
    if length == "raw":
        return embeddings
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True) * np.float32(embeddings.shape[1] ** 0.5)
