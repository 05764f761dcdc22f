"""The fitted saliency-guided ControlNet: EEG to images, under a map that is decoded or given."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import EEG, Images, Maps
from eegbench.backbones.clip import clip
from eegbench.backbones.diffusion import Generator, Sampling, as_tokens
from eegbench.contracts import Hints, Reconstructor
from eegbench.errors import InputError
from eegbench.methods.encoders.fitting import EEGEmbedder, Length
from eegbench.methods.saliency_controlnet.head import SaliencyHead
from eegbench.methods.storage import read_arrays, read_json, read_module, write_arrays, write_json, write_module
from eegbench.methods.tuning import control_network, merged


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

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return clip(self.networks.clip, self.device).texts(texts)

    def controls(self, eeg: EEG, hints: Hints | None = None) -> Maps | None:
        if self.head is None:
            return None
        if hints is None:
            return self.head(eeg)
        if "saliency" not in hints:
            raise InputError(f"hints are {sorted(hints)}; this method wants 'saliency'")
        return hints["saliency"]

    def for_subject(self, subject: int) -> Self:
        self.embedder.meet(subject)
        return self

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
        generator.unet = merged(generator.unet, networks.rank, networks.alpha, adapter)
        fitted = cls(networks, EEGEmbedder.load(folder, device), adapter, generator)
        if guided:
            fitted.controlnet = control_network(generator.unet, networks.control_channels)
            read_module(folder / "controlnet.safetensors", fitted.controlnet)
            fitted.controlnet.to(device)
            fitted.head = SaliencyHead.load(folder, device)
        return fitted


def condition(
    embedder: EEGEmbedder, eeg: EEG, length: Length, subjects: NDArray[np.int64] | None = None
) -> torch.Tensor:
    """The one token (n, 1, d) that stands for each trial. subjects: of training EEG whose trial each is."""
    if length == "unit":
        return as_tokens(embedder(eeg, subjects))
    return torch.from_numpy(embedder.features(eeg, subjects))[:, None]
