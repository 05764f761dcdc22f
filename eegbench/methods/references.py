"""Ceilings: what the generator gives when it is told the answer. Computed from the answers, never ranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from eegbench.arrays import Images
from eegbench.backbones import weights
from eegbench.backbones.diffusion import Generator
from eegbench.contracts import Progress, Reference
from eegbench.methods.saliency_controlnet import Sampling, as_tokens, target


@dataclass(frozen=True)
class VaeRoundtrip(Reference):
    """The true image through the autoencoder and back: no latent method can beat it by much."""

    name: ClassVar[str] = "vae_roundtrip"
    about: ClassVar[str] = "the true image, encoded and decoded by the generator's autoencoder"

    generator: str = "pack:generator"

    def weights(self) -> dict[str, str]:
        return {self.generator: weights.combined(self.generator)}

    def reconstruct(self, truths: Images, *, seeds: Sequence[int], progress: Progress) -> Images:
        generator = Generator(self.generator)
        return generator.decode(generator.encode(truths))


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

    def reconstruct(self, truths: Images, *, seeds: Sequence[int], progress: Progress) -> Images:
        generator = Generator(self.generator)
        tokens = as_tokens(target(self.clip, "cpu").images(truths))
        null = torch.zeros(1, 1, tokens.shape[2])
        parts = [
            generator.sample(
                tokens[i : i + 32],
                null=null,
                seeds=seeds[i : i + 32],
                steps=self.sampling.steps,
                guidance=self.sampling.guidance,
                sampler=self.sampling.sampler,
            )
            for i in range(0, len(truths), 32)
        ]
        return np.concatenate(parts)
