"""Ceilings: what the generator gives when it is told the answer. Computed from the answers, never ranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from eegbench.arrays import Images
from eegbench.backbones import weights
from eegbench.backbones.clip import clip
from eegbench.backbones.diffusion import Sampling, as_tokens, generator
from eegbench.contracts import Reference


@dataclass(frozen=True)
class VaeRoundtrip(Reference):
    """The true image through the autoencoder and back: no latent method can beat it by much."""

    name: ClassVar[str] = "vae_roundtrip"
    about: ClassVar[str] = "the true image, encoded and decoded by the generator's autoencoder"

    generator: str = "pack:generator"

    def weights(self) -> dict[str, str]:
        return {self.generator: weights.combined(self.generator)}

    def reconstruct(self, truths: Images, *, seeds: Sequence[int], device: str = "cpu") -> Images:
        drawing = generator(self.generator, device)
        return drawing.decode(drawing.encode(truths))


@dataclass(frozen=True)
class TrueEmbedding(Reference):
    """The generator told the true image's CLIP embedding: what a perfect EEG encoder would reach."""

    name: ClassVar[str] = "true_embedding"
    about: ClassVar[str] = "generated from the CLIP embedding of the true image"

    generator: str = "pack:generator"
    clip: str = "pack:clip_target"
    sampling: Sampling = Sampling()

    def weights(self) -> dict[str, str]:
        return {name: weights.combined(name) for name in (self.generator, self.clip)}

    def reconstruct(self, truths: Images, *, seeds: Sequence[int], device: str = "cpu") -> Images:
        tokens = as_tokens(clip(self.clip, device).images(truths))
        null = torch.zeros_like(tokens[:1])
        return generator(self.generator, device).sample(tokens, null=null, seeds=seeds, sampling=self.sampling)
