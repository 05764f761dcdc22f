"""Fit an EEG encoder on image embeddings, stop by held-out training concepts, keep what it needs to run."""

import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds
from eegbench.arrays import EEG, EEGInfo
from eegbench.contracts import Progress, TrainingSet
from eegbench.errors import InputError
from eegbench.methods.encoders.atm_s import AtmS, Keep, Window
from eegbench.methods.storage import read_json, read_module, write_json, write_module


@dataclass(frozen=True)
class EncoderSettings:
    """How an encoder is fitted; validation is by whole concepts. The published rate and batch are 3e-4 and 64."""

    keep: Keep = "channels"
    window: Window = Window(kernel=10, pool=20, stride=2)  # the published milliseconds at 100 Hz
    epochs: int = 30
    batch: int = 128
    rate: float = 1e-3
    weight_decay: float = 0.01
    regression: float = 0.1  # share of the mean squared error, the rest is contrastive
    validation_concepts: int = 20


class EEGEmbedder:
    """EEG to image embeddings of unit length: z-scoring by training statistics, then ATM-S."""

    def __init__(self, encoder: AtmS, info: EEGInfo, subject: int, mean: NDArray[np.float32], std: NDArray[np.float32]):
        self.encoder, self.info, self.subject = encoder, info, subject
        self.mean, self.std = mean, std

    def standardise(self, eeg: EEG) -> torch.Tensor:
        return torch.from_numpy((eeg - self.mean) / self.std)

    def __call__(self, eeg: EEG) -> NDArray[np.float32]:
        """Embeddings (n, d) of EEG (n, channels, times)."""
        wanted = (len(self.info.channels), self.info.times)
        if eeg.shape[1:] != wanted:
            raise InputError(f"EEG has shape {eeg.shape}; this method was fitted on (n, {wanted[0]}, {wanted[1]})")
        device = self.encoder.logit_scale.device
        with torch.inference_mode():
            parts = [
                F.normalize(
                    self.encoder(x.to(device), torch.full((len(x),), self.subject - 1, device=device)), dim=1
                ).cpu()
                for x in self.standardise(eeg).split(64)
            ]
        return torch.cat(parts).numpy()

    def save(self, folder: Path) -> None:
        write_module(folder / "encoder.safetensors", self.encoder, {"eeg_mean": self.mean, "eeg_std": self.std})
        facts: dict[str, Any] = {
            "info": asdict(self.info),
            "subject": self.subject,
            "keep": self.encoder.keep,
            "window": asdict(self.encoder.window),
            "width": self.encoder.width,
        }
        write_json(folder / "encoder.json", facts)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        facts = read_json(folder / "encoder.json")
        info = EEGInfo(**(facts["info"] | {"channels": tuple(facts["info"]["channels"])}))
        encoder = AtmS(
            len(info.channels), info.times, facts["width"], keep=facts["keep"], window=Window(**facts["window"])
        )
        rest = read_module(folder / "encoder.safetensors", encoder, ("eeg_mean", "eeg_std"))
        return cls(encoder.to(device), info, facts["subject"], rest["eeg_mean"].numpy(), rest["eeg_std"].numpy())


def fit_embedder(
    train: TrainingSet,
    targets: NDArray[np.float32],
    settings: EncoderSettings,
    *,
    seed: int,
    progress: Progress,
    device: str = "cpu",
) -> EEGEmbedder:
    """Fit ATM-S so that training EEG finds its image's embedding `targets` (n, d), normalised inside.

    Loss: (1 - regression) x symmetric cross-entropy over the batch + regression x d x MSE of unit vectors (Li et
    al., section 2.4). The epoch with the lowest loss on held-out training concepts is kept; test data play no part.
    """
    torch.manual_seed(seeds.seed(seed, "encoder"))
    mean = train.eeg.mean(axis=(0, 2), keepdims=True)[0]
    std = train.eeg.std(axis=(0, 2), keepdims=True)[0] + 1e-12
    encoder = AtmS(
        train.eeg.shape[1], train.eeg.shape[2], targets.shape[1], keep=settings.keep, window=settings.window
    ).to(device)
    embedder = EEGEmbedder(encoder, train.info, train.subject, mean, std)
    eeg = embedder.standardise(train.eeg).to(device)
    truth = F.normalize(torch.from_numpy(targets), dim=1).to(device)
    held = held_out(train.concepts, settings.validation_concepts, seed)
    fitted, kept = np.flatnonzero(~held), torch.from_numpy(np.flatnonzero(held))

    optimiser = torch.optim.AdamW(encoder.parameters(), lr=settings.rate, weight_decay=settings.weight_decay)
    best, best_state = float("inf"), copy.deepcopy(encoder.state_dict())
    with progress.bar("fit EEG encoder", settings.epochs) as advance:
        for epoch in range(settings.epochs):
            order = seeds.generator(seed, "encoder", epoch).permutation(fitted)
            encoder.train()
            for start in range(0, len(order) - 1, settings.batch):
                some = torch.from_numpy(order[start : start + settings.batch])
                value = _loss(encoder, eeg[some], truth[some], train.subject, settings.regression)
                optimiser.zero_grad()
                value.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            encoder.eval()
            with torch.no_grad():
                loss = float(_loss(encoder, eeg[kept], truth[kept], train.subject, settings.regression))
            if loss < best:
                best, best_state = loss, copy.deepcopy(encoder.state_dict())
            advance(1)
    encoder.load_state_dict(best_state)
    encoder.eval().requires_grad_(False)
    return embedder


def held_out(concepts: tuple[str, ...], count: int, seed: int) -> NDArray[np.bool_]:
    """Which items belong to the `count` training concepts kept for validation, shape (n,)."""
    names = sorted(set(concepts))
    if not 1 <= count < len(names):
        raise InputError(f"{count} validation concepts of {len(names)}; wanted 1 to {len(names) - 1}")
    chosen = set(seeds.generator(seed, "validation concepts").choice(names, count, replace=False).tolist())
    return np.array([concept in chosen for concept in concepts])


def _loss(encoder: nn.Module, eeg: torch.Tensor, truth: torch.Tensor, subject: int, regression: float) -> torch.Tensor:
    ids = torch.full((len(eeg),), subject - 1, device=eeg.device)
    predicted = F.normalize(encoder(eeg, ids), dim=1)
    logits = encoder.logit_scale.exp().clamp(max=100) * predicted @ truth.T  # type: ignore[operator]
    labels = torch.arange(len(eeg), device=eeg.device)
    contrastive = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    return (1 - regression) * contrastive + regression * truth.shape[1] * F.mse_loss(predicted, truth)
