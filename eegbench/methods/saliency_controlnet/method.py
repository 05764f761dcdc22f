"""Saliency-guided ControlNet: EEG embedding as the one cross-attention token, a saliency map as the guide.

Abramov and Makarov, "Saliency-guided EEG to image" (code: IGragon/EEG-Saliency-Image). The stages in order:
ATM-S fitted contrastively on CLIP image embeddings; LoRA on the UNet's attention with the EEG embedding as
condition; LoRA merged; a ControlNet from the merged UNet, trained on saliency maps with the UNet frozen.
On the track `oracle` the control map is the saliency of the true image, as in the paper. On the track `eeg` it
is decoded from the EEG by a head fitted on training stimuli, which the paper leaves to future work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch

from eegbench import seeds as seeding
from eegbench.arrays import EEGInfo
from eegbench.backbones import saliency, telling, weights
from eegbench.backbones.clip import clip
from eegbench.backbones.diffusion import Generator, Sampling
from eegbench.contracts import Reconstructor, TrainingSet
from eegbench.errors import SOME, UsageError, check_range
from eegbench.methods.encoders.fitting import EncoderSettings, Length, fit_embedder
from eegbench.methods.rehearsal import META, Fitting, Parts, Rehearsal
from eegbench.methods.rehearsal.drawing import generator_stages
from eegbench.methods.rehearsal.encoding import encoder_parts
from eegbench.methods.saliency_controlnet.head import fit_head
from eegbench.methods.saliency_controlnet.reconstructor import Networks, SaliencyControlNetReconstructor, condition
from eegbench.methods.saliency_controlnet.rehearsal import guide_parts, lora_parts
from eegbench.methods.training import TrainedMethod, Training
from eegbench.methods.tuning import adapter_state, control_network, lora, plain, tune
from eegbench.methods.tuning_settings import Epochs, TuningSettings
from eegbench.methods.validation import held_out


@dataclass(frozen=True)
class SaliencyControlNet(TrainedMethod[SaliencyControlNetReconstructor]):
    """Hyper-parameters of all stages; the defaults are for the micro pack.

    `length` of the EEG embedding that is the UNet's one token: "raw" as published, or "unit" variance per coordinate.
    """

    name: ClassVar[str] = "saliency_controlnet"
    paper: ClassVar[str] = "Abramov and Makarov, saliency-guided EEG-to-image generation"
    reference: ClassVar[str] = "https://github.com/IGragon/EEG-Saliency-Image"
    tracks: ClassVar[tuple[str, ...]] = ("eeg", "oracle")
    requires: ClassVar[tuple[str, ...]] = ("diffusers", "peft", "open_clip")
    hints: ClassVar[tuple[str, ...]] = ("saliency",)
    ablation: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "EEG only": {"variant": "eeg_only"},
        "guided": {"variant": "guided"},
    }
    ablated: ClassVar[tuple[str, ...]] = ("pixcorr", "ssim", "alexnet2", "alexnet5", "inception", "clip", "swav")
    fit_version: ClassVar[int] = 2
    reconstructor: ClassVar[type[Reconstructor]] = SaliencyControlNetReconstructor

    variant: Literal["guided", "eeg_only"] = "guided"
    generator: str = "pack:generator"
    clip: str = "pack:clip_target"
    saliency: str = "pack:judges/saliency.safetensors"
    encoder: EncoderSettings = EncoderSettings()
    length: Length = "unit"
    rank: int = 16
    alpha: int = 32
    lora: TuningSettings = TuningSettings(steps=250, batch=24, rate=1e-3)
    controlnet: TuningSettings = TuningSettings(steps=350, batch=20, rate=1e-3)
    control_channels: tuple[int, ...] = (16, 32, 64)
    head_epochs: int = 30
    sampling: Sampling = field(default=Sampling(), metadata={"stage": "reconstruct"})

    def __post_init__(self) -> None:
        check_range(self, rank=SOME, alpha=SOME, head_epochs=SOME)
        if not self.control_channels:
            raise UsageError("control_channels names none; wanted a channel count for each halving")

    def weights(self) -> dict[str, str]:
        named = {name: weights.combined(name) for name in (self.generator, self.clip)}
        return named | {self.saliency: saliency.digest_of(self.saliency)} | self.encoder.weights()

    def configure(self, fitted: SaliencyControlNetReconstructor) -> SaliencyControlNetReconstructor:
        fitted.sampling = self.sampling
        return fitted

    def fit_stages(self, train: TrainingSet, training: Training) -> SaliencyControlNetReconstructor:
        device = training.device
        self.encoder.check(train.info)
        fitted_here = self.encoder.kind == "atm_s" and self.encoder.checkpoint is None
        targets = clip(self.clip, device).images(train.images) if fitted_here else np.zeros((0, 0), np.float32)
        embedder = fit_embedder(training, train, targets, self.encoder)
        networks = Networks(self.generator, self.clip, self.rank, self.alpha, self.control_channels, self.length)
        generator = Generator(self.generator, device)
        tokens = condition(embedder, train.eeg, self.length, train.subjects).to(device)
        latents = generator.encode(train.images)

        torch.manual_seed(seeding.seed(training.seed, "LoRA"))
        with telling.one_step("put LoRA on the UNet"):
            wrapped = lora(generator.unet, self.rank, self.alpha)
        tune(
            training, "fit LoRA", generator, wrapped, wrapped, self.lora,
            tokens=tokens, latents=latents, shown=train.shown,
        )  # fmt: skip
        with telling.one_step("merge LoRA into the UNet"):
            adapter, generator.unet = adapter_state(wrapped), plain(wrapped)
        fitted = SaliencyControlNetReconstructor(networks, embedder, adapter, generator)
        if self.variant == "guided":
            maps = saliency.SaliencyNetwork(self.saliency, device).maps(train.images)
            torch.manual_seed(seeding.seed(training.seed, "ControlNet"))
            with telling.one_step("build ControlNet from the UNet"):
                network = control_network(generator.unet, self.control_channels).to(device)
            tune(
                training, "fit ControlNet", generator, generator.unet, network, self.controlnet,
                tokens=tokens, latents=latents, shown=train.shown, controlnet=network, maps=maps,
            )  # fmt: skip
            fitted.controlnet = network.requires_grad_(False)
            held = held_out(train.concepts, self.encoder.validation_concepts, training.seed)
            fitted.head = fit_head(training, train.eeg, train.shown, maps, held, epochs=self.head_epochs)
        return fitted

    def rehearse(self) -> Rehearsal:
        return Rehearsal(
            recording="things-eeg2",
            parts=self._parts,
            fitting=(
                Fitting("fit EEG encoder", "encoder", self.encoder),
                Fitting("fit LoRA", "lora", self.lora, "anew"),
                Fitting("fit ControlNet", "controlnet", self.controlnet, "anew"),
                Fitting("fit saliency head", "", Epochs()),
            ),
            embedded=self.encoder.kind == "precomputed",
        )

    def _parts(self, info: EEGInfo) -> Parts:
        encoder, width = encoder_parts(self.encoder, self.clip, info)
        drawing = Generator(self.generator, META)
        parts = encoder + lora_parts(drawing, width, self.rank, self.alpha, self.lora)
        if self.variant == "eeg_only":
            return parts + generator_stages(drawing, torch.zeros(1, 1, width, device=META))
        return parts + guide_parts(drawing, width, self.saliency, self.control_channels, self.controlnet, info)
