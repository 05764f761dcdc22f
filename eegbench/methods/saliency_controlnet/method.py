"""Saliency-guided ControlNet: EEG embedding as the one cross-attention token, a saliency map as the guide.

Abramov and Makarov, "Saliency-guided EEG to image" (code: IGragon/EEG-Saliency-Image). The stages in order:
ATM-S fitted contrastively on CLIP image embeddings; LoRA on the UNet's attention with the EEG embedding as
condition; LoRA merged; a ControlNet from the merged UNet, trained on saliency maps with the UNet frozen.
On the track `oracle` the control map is the saliency of the true image, as in the paper. On the track `eeg` it
is decoded from the EEG by a head fitted on training stimuli, which the paper leaves to future work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench import seeds as seeding
from eegbench.arrays import EEG, Images, Maps
from eegbench.backbones import saliency, telling, weights
from eegbench.backbones.clip import clip
from eegbench.backbones.diffusion import Generator, Sampling, as_tokens
from eegbench.contracts import Hints, Method, Progress, Reconstructor, TrainingSet
from eegbench.errors import SOME, InputError, UsageError, check_range
from eegbench.methods.encoders.fitting import EEGEmbedder, EncoderSettings, Length, fit_embedder
from eegbench.methods.saliency_head import SaliencyHead, fit_head
from eegbench.methods.storage import read_arrays, read_json, read_module, write_arrays, write_json, write_module
from eegbench.methods.training import Training
from eegbench.methods.tuning import lora, tune
from eegbench.methods.tuning_settings import TuningSettings
from eegbench.methods.validation import held_out


@dataclass(frozen=True)
class Networks:
    """Names of the pretrained parts, and the sizes of what is put on them; fixed by the fit."""

    generator: str
    clip: str
    rank: int
    alpha: int
    control_channels: tuple[int, ...]
    length: Length = "unit"


class SaliencyControlNetReconstructor(Reconstructor):
    """The fitted method; `controlnet` and `head` are None in the variant `eeg_only`. The LoRA weights of `adapter` are
    merged into the UNet of `generator` already."""

    def __init__(
        self,
        networks: Networks,
        embedder: EEGEmbedder,
        adapter: dict[str, torch.Tensor],
        generator: Generator,
        controlnet: Any = None,
        head: SaliencyHead | None = None,
    ) -> None:
        self.networks, self.embedder, self.adapter = networks, embedder, adapter
        self.generator, self.controlnet, self.head = generator, controlnet, head
        self.sampling = Sampling()
        self.device = generator.device

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        tokens = condition(self.embedder, eeg, self.networks.length)
        return self.generator.sample(
            tokens,
            null=torch.zeros_like(tokens[:1]),
            seeds=seeds,
            sampling=self.sampling,
            controlnet=self.controlnet,
            maps=self.controls(eeg, hints),
        )

    def embed(self, eeg: EEG) -> NDArray[np.float32]:
        return self.embedder(eeg)

    def embed_images(self, images: Images) -> NDArray[np.float32]:
        return clip(self.networks.clip, self.device).images(images)

    def controls(self, eeg: EEG, hints: Hints | None = None) -> Maps | None:
        if self.head is None:
            return None
        if hints is None:
            return self.head(eeg)
        if "saliency" not in hints:
            raise InputError(f"hints are {sorted(hints)}; this method wants 'saliency'")
        return hints["saliency"]

    def save(self, folder: Path) -> None:
        self.embedder.save(folder)
        write_arrays(folder / "lora.safetensors", self.adapter, half=True)
        if self.controlnet is not None and self.head is not None:
            write_module(folder / "controlnet.safetensors", self.controlnet, half=True)
            self.head.save(folder)
        facts = self.networks.__dict__ | {"guided": self.controlnet is not None}
        write_json(folder / "saliency_controlnet.json", facts)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        facts = read_json(folder / "saliency_controlnet.json")
        guided = facts.pop("guided")
        networks = Networks(**(facts | {"control_channels": tuple(facts["control_channels"])}))
        adapter = read_arrays(folder / "lora.safetensors")
        generator = Generator(networks.generator, device)
        generator.unet = merged(generator.unet, networks, adapter)
        fitted = cls(networks, EEGEmbedder.load(folder, device), adapter, generator)
        if guided:
            fitted.controlnet = control_network(generator.unet, networks)
            read_module(folder / "controlnet.safetensors", fitted.controlnet)
            fitted.controlnet.to(device)
            fitted.head = SaliencyHead.load(folder, device)
        return fitted


@dataclass(frozen=True)
class SaliencyControlNet(Method[SaliencyControlNetReconstructor]):
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

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> SaliencyControlNetReconstructor:
        training = Training(seed, progress, device=device, folder=folder)
        self.encoder.check(train.info)
        fitted_here = self.encoder.kind == "atm_s" and self.encoder.checkpoint is None
        targets = clip(self.clip, device).images(train.images) if fitted_here else np.zeros((0, 0), np.float32)
        embedder = fit_embedder(training, train, targets, self.encoder)
        networks = Networks(self.generator, self.clip, self.rank, self.alpha, self.control_channels, self.length)
        generator = Generator(self.generator, device)
        tokens = condition(embedder, train.eeg, self.length).to(device)
        latents = generator.encode(train.images)

        torch.manual_seed(seeding.seed(seed, "LoRA"))
        with telling.one("put LoRA on the UNet"):
            wrapped = lora(generator.unet, self.rank, self.alpha)
        tune(
            training,
            "fit LoRA",
            generator,
            wrapped,
            wrapped,
            self.lora,
            tokens=tokens,
            latents=latents,
            shown=train.shown,
        )
        with telling.one("merge LoRA into the UNet"):
            adapter, generator.unet = adapter_state(wrapped), plain(wrapped)
        fitted = SaliencyControlNetReconstructor(networks, embedder, adapter, generator)
        if self.variant == "guided":
            maps = saliency.SaliencyNetwork(self.saliency, device).maps(train.images)
            torch.manual_seed(seeding.seed(seed, "ControlNet"))
            with telling.one("build ControlNet from the UNet"):
                network = control_network(generator.unet, networks).to(device)
            tune(
                training, "fit ControlNet", generator, generator.unet, network, self.controlnet,
                tokens=tokens, latents=latents, shown=train.shown, controlnet=network, maps=maps,
            )  # fmt: skip
            fitted.controlnet = network.requires_grad_(False)
            held = held_out(train.concepts, self.encoder.validation_concepts, seed)
            fitted.head = fit_head(training, train.eeg, train.shown, maps, held, epochs=self.head_epochs)
        return self.configure(fitted)


def condition(embedder: EEGEmbedder, eeg: EEG, length: Length) -> torch.Tensor:
    """The one token (n, 1, d) that stands for each trial."""
    return as_tokens(embedder(eeg)) if length == "unit" else torch.from_numpy(embedder.features(eeg))[:, None]


def control_network(unet: Any, networks: Networks) -> Any:
    """A ControlNet that starts from `unet`, its last layers at zero."""
    import diffusers

    return diffusers.ControlNetModel.from_unet(
        unet,
        conditioning_channels=3,
        conditioning_embedding_out_channels=networks.control_channels,
        load_weights_from_unet=unet.device.type != "meta",  # which holds none
    )


def adapter_state(wrapped: Any) -> dict[str, torch.Tensor]:
    import peft

    return {k: v.detach().cpu().clone() for k, v in peft.get_peft_model_state_dict(wrapped).items()}


def merged(unet: Any, networks: Networks, adapter: dict[str, torch.Tensor]) -> Any:
    """`unet` itself with the LoRA weights added in, plain layers again, frozen."""
    import peft

    wrapped = lora(unet, networks.rank, networks.alpha)
    outcome = peft.set_peft_model_state_dict(wrapped, adapter)
    if outcome.unexpected_keys:
        raise InputError(f"LoRA weights have unknown keys: {outcome.unexpected_keys[:3]}")
    return plain(wrapped)


def plain(wrapped: Any) -> Any:
    """The UNet below LoRA, whose weights are added in."""
    return wrapped.merge_and_unload().eval().requires_grad_(False)
