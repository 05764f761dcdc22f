"""Saliency decoded from EEG: what guides the ControlNet when no map of the true image may be used."""

from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds
from eegbench.arrays import EEG, Maps
from eegbench.backbones.resize import chunks
from eegbench.methods.standard import Standardised, standardised
from eegbench.methods.storage import read_json, read_module, write_json, write_module
from eegbench.methods.training import Training
from eegbench.methods.tuning_settings import Epochs

GRID = 16  # px: finer than EEG can tell


class SaliencyHead:
    """EEG (n, channels, times) to maps (n, 64, 64), by a small network on z-scored EEG."""

    def __init__(self, network: nn.Sequential, mean: NDArray[np.float32], std: NDArray[np.float32]) -> None:
        self.network, self.mean, self.std = network, mean, std

    @property
    def inputs(self) -> int:
        """channels x times"""
        return int(self.network.get_parameter("1.weight").shape[1])

    def __call__(self, eeg: EEG) -> Maps:
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            grid = self.network(standardised(eeg, (self.mean, self.std)).to(device)).sigmoid()
            maps = F.interpolate(grid.view(-1, 1, GRID, GRID), size=64, mode="bilinear")[:, 0]
        return (maps * 255).round().to(torch.uint8).cpu().numpy()

    def save(self, folder: Path) -> None:
        rest = {"eeg_mean": self.mean, "eeg_std": self.std}
        write_module(folder / "saliency_head.safetensors", self.network, rest, half=True)
        write_json(folder / "saliency_head.json", {"inputs": self.inputs})

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        facts = read_json(folder / "saliency_head.json")
        network = build(facts["inputs"])
        rest = read_module(folder / "saliency_head.safetensors", network, ("eeg_mean", "eeg_std"))
        return cls(network.to(device), rest["eeg_mean"].numpy(), rest["eeg_std"].numpy())


def build(inputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, 192), nn.LayerNorm(192), nn.GELU(), nn.Dropout(0.5), nn.Linear(192, GRID * GRID)
    )


def fit_head(
    training: Training, eeg: EEG, shown: NDArray[np.int64], maps: Maps, held: NDArray[np.bool_], *, epochs: int
) -> SaliencyHead:
    """Fit on trials and the maps of which each showed one, by binary cross-entropy; the epoch best on `held` stimuli is
    kept."""
    torch.manual_seed(seeds.seed(training.seed, "saliency head"))
    x, seen = Standardised(eeg, training.device), torch.from_numpy(shown)
    y = _pooled(maps).to(training.device)
    network = build(x.shape[1] * x.shape[2]).to(training.device)

    def loss(trials: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        return F.binary_cross_entropy_with_logits(network(x[trials]), y[seen[trials].to(y.device)])

    settings = Epochs(epochs=epochs, weight_decay=0.1)
    training.run_epochs("fit saliency head", network, loss, held[shown], settings)
    return SaliencyHead(network, *x.scale)


def _pooled(maps: Maps) -> torch.Tensor:
    """What the network aims at, (n, GRID x GRID), in [0, 1]."""
    pooled = torch.empty(len(maps), GRID * GRID)  # at once: parts kept in a list would lie between what is freed
    start = 0
    for batch in chunks(maps):
        values = torch.from_numpy(batch).float()[:, None] / 255
        pooled[start : start + len(batch)] = F.adaptive_avg_pool2d(values, GRID).flatten(1)
        start += len(batch)
    return pooled
