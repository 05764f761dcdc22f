"""Saliency decoded from EEG: what guides the ControlNet when no map of the true image may be used."""

import copy
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds
from eegbench.arrays import EEG, Maps
from eegbench.contracts import Progress
from eegbench.methods.storage import read_json, read_module, write_json, write_module

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
            grid = self.network(torch.from_numpy((eeg - self.mean) / self.std).to(device)).sigmoid()
            maps = F.interpolate(grid.view(-1, 1, GRID, GRID), size=64, mode="bilinear")[:, 0]
        return (maps * 255).round().to(torch.uint8).cpu().numpy()

    def save(self, folder: Path) -> None:
        write_module(folder / "saliency_head.safetensors", self.network, {"eeg_mean": self.mean, "eeg_std": self.std})
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
    eeg: EEG, maps: Maps, held: NDArray[np.bool_], *, epochs: int, seed: int, progress: Progress
) -> SaliencyHead:
    """Fit on training stimuli: binary cross-entropy to their maps; the epoch best on `held` items is kept."""
    torch.manual_seed(seeds.seed(seed, "saliency head"))
    mean, std = eeg.mean(axis=(0, 2), keepdims=True)[0], eeg.std(axis=(0, 2), keepdims=True)[0] + 1e-12
    x = torch.from_numpy((eeg - mean) / std)
    y = F.adaptive_avg_pool2d(torch.from_numpy(maps).float()[:, None] / 255, GRID).flatten(1)
    fitted, kept = np.flatnonzero(~held), torch.from_numpy(np.flatnonzero(held))
    network = build(eeg.shape[1] * eeg.shape[2])
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.1)
    best, best_state = float("inf"), copy.deepcopy(network.state_dict())
    with progress.bar("fit saliency head", epochs) as advance:
        for epoch in range(epochs):
            network.train()
            order = seeds.generator(seed, "saliency head", epoch).permutation(fitted)
            for start in range(0, len(order), 64):
                some = torch.from_numpy(order[start : start + 64])
                loss = F.binary_cross_entropy_with_logits(network(x[some]), y[some])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            network.eval()
            with torch.no_grad():
                value = float(F.binary_cross_entropy_with_logits(network(x[kept]), y[kept]))
            if value < best:
                best, best_state = value, copy.deepcopy(network.state_dict())
            advance(1)
    network.load_state_dict(best_state)
    network.eval().requires_grad_(False)
    return SaliencyHead(network, mean, std)
