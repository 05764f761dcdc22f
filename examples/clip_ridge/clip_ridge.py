"""A method made of the package's parts: ridge regression from EEG to CLIP embeddings, which the generator draws."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from eegbench.arrays import EEG, Images
from eegbench.backbones import weights
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import Generator, Sampling, as_tokens
from eegbench.contracts import Hints, Method, Progress, Reconstructor, TrainingSet
from eegbench.methods.validation import held_out

CLIP, GENERATOR = "pack:clip_target", "pack:generator"  # networks of the micro pack, which comes along
clip, generator = functools.cache(Clip), functools.cache(Generator)  # each is read once, when it is first asked for

Floats = NDArray[np.float32]


class Ridge(Reconstructor):
    """Weights (inputs, d), and the means of the EEG (inputs,) and of the embeddings (d,)."""

    def __init__(self, weights: Floats, centre: Floats, mean: Floats) -> None:
        self.weights, self.centre, self.mean = weights, centre, mean
        self.sampling = Sampling()

    def embed(self, eeg: EEG) -> Floats:
        embedded = (eeg.reshape(len(eeg), -1) - self.centre) @ self.weights + self.mean
        return embedded.astype(np.float32)

    def embed_images(self, images: Images) -> Floats:
        return clip(CLIP).images(images)

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        tokens = as_tokens(self.embed(eeg))
        null = torch.zeros_like(tokens[:1])  # what the generator was trained on where it was told nothing
        return generator(GENERATOR).sample(tokens, null=null, seeds=seeds, sampling=self.sampling)

    def save(self, folder: Path) -> None:
        save_file({"weights": self.weights, "centre": self.centre, "mean": self.mean}, folder / "ridge.safetensors")

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        return cls(**load_file(folder / "ridge.safetensors"))


@dataclass(frozen=True)
class ClipRidge(Method[Ridge]):
    """`penalties`, in units of the mean variance of the EEG's samples: the best on held-out concepts is taken."""

    name: ClassVar[str] = "clip_ridge"
    paper: ClassVar[str] = "an example"
    reference: ClassVar[str] = ""
    reconstructor: ClassVar[type[Reconstructor]] = Ridge

    penalties: tuple[float, ...] = (1e2, 1e3, 1e4, 1e5)
    validation_concepts: int = 20
    sampling: Sampling = field(default=Sampling(), metadata={"stage": "reconstruct"})

    def weights(self) -> dict[str, str]:
        return {name: weights.combined(name) for name in (CLIP, GENERATOR)}

    def configure(self, fitted: Ridge) -> Ridge:
        fitted.sampling = self.sampling
        return fitted

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> Ridge:
        targets = clip(CLIP).images(train.images)[train.shown]  # one for each trial
        held = held_out(train.concepts, self.validation_concepts, seed)[train.shown]
        with progress.bar("penalties", len(self.penalties)) as advance:
            errors = []
            for penalty in self.penalties:
                tried = _ridge(train.eeg[~held], targets[~held], penalty)
                errors.append(float(np.square(tried.embed(train.eeg[held]) - targets[held]).mean()))
                advance(1)
        return _ridge(train.eeg, targets, self.penalties[int(np.argmin(errors))])


def _ridge(eeg: EEG, targets: Floats, penalty: float) -> Ridge:
    x = eeg.reshape(len(eeg), -1).astype(np.float64)
    centre, mean = x.mean(axis=0), targets.mean(axis=0)
    x = x - centre
    gram = x.T @ x
    gram[np.diag_indices_from(gram)] += penalty * x.var()
    found = np.linalg.solve(gram, x.T @ (targets - mean))
    return Ridge(found.astype(np.float32), centre.astype(np.float32), mean.astype(np.float32))
