"""ATM's low-level stage: from EEG to the latent of a blurry image, over which the image stage draws.

Li et al. (NeurIPS 2024, arXiv 2403.07721), section 2.3; code dongyangli-del/EEG_Image_decode,
Generation/train_vae_latent_512_low_level_no_average.py. A linear layer over time for every channel, then transposed
convolutions that double the side from 1 to the latent's.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds
from eegbench.arrays import EEG
from eegbench.errors import SOME, UsageError, check_range
from eegbench.methods.standard import Standardised, standardised
from eegbench.methods.storage import read_json, read_module, write_json, write_module
from eegbench.methods.training import Training
from eegbench.methods.tuning_settings import Epochs


@dataclass(frozen=True, kw_only=True)
class LowLevelSettings(Epochs):
    """Published: 128 values a channel, widths 1024 to 32 (64x64 latents), 200 epochs of batch 30, rate 1e-3."""

    values: int = 16
    widths: tuple[int, ...] = (192, 128, 64, 32)
    schedule: Literal["constant", "cosine"] = "cosine"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, values=SOME)
        if not self.widths or min(self.widths) < 2:
            raise UsageError(f"widths is {list(self.widths)}; wanted a channel count of 2 or more for each doubling")


class LowLevelNetwork(nn.Module):
    """EEG (n, channels, times) to unscaled latents (n, 4, side, side), side = 2 ** len(widths)."""

    def __init__(self, channels: int, times: int, settings: LowLevelSettings) -> None:
        super().__init__()
        self.linear = nn.Linear(times, settings.values)
        layers: list[nn.Module] = []
        for a, b in pairwise((channels * settings.values, *settings.widths)):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1), nn.BatchNorm2d(b), nn.ReLU()]
        last = settings.widths[-1]
        self.upsampler = nn.Sequential(*layers, nn.Conv2d(last, last // 2, 1), nn.ReLU(), nn.Conv2d(last // 2, 4, 1))

    def forward(self, eeg: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.upsampler(self.linear(eeg).flatten(1)[:, :, None, None])
        return out


class LowLevel:
    """A fitted low-level stage."""

    def __init__(
        self, network: LowLevelNetwork, settings: LowLevelSettings, mean: NDArray[np.float32], std: NDArray[np.float32]
    ) -> None:
        self.network, self.settings, self.mean, self.std = network, settings, mean, std

    def __call__(self, eeg: EEG) -> torch.Tensor:
        """Unscaled latents (n, 4, side, side) of EEG (n, channels, times)."""
        device = self.network.linear.weight.device
        with torch.no_grad():
            parts = [self.network(x.to(device)).cpu() for x in standardised(eeg, (self.mean, self.std)).split(64)]
        return torch.cat(parts)

    def save(self, folder: Path) -> None:
        rest = {"eeg_mean": self.mean, "eeg_std": self.std}
        write_module(folder / "low_level.safetensors", self.network, rest, half=True)
        facts = {"settings": asdict(self.settings), "channels": len(self.mean), "times": self.times}
        write_json(folder / "low_level.json", facts)

    @property
    def times(self) -> int:
        return self.network.linear.in_features

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        facts = read_json(folder / "low_level.json")
        settings = LowLevelSettings(**(facts["settings"] | {"widths": tuple(facts["settings"]["widths"])}))
        network = LowLevelNetwork(facts["channels"], facts["times"], settings)
        rest = read_module(folder / "low_level.safetensors", network, ("eeg_mean", "eeg_std"))
        return cls(network.to(device), settings, rest["eeg_mean"].numpy(), rest["eeg_std"].numpy())


def fit_low_level(
    training: Training,
    eeg: EEG,
    shown: NDArray[np.int64],
    latents: torch.Tensor,
    held: NDArray[np.bool_],
    settings: LowLevelSettings,
) -> LowLevel:
    """Fit on trials and the latents (stimuli, 4, side, side) of which each showed one, by mean absolute error, as
    published.

    The epoch best on `held` stimuli is kept, which the code does not do.
    """
    torch.manual_seed(seeds.seed(training.seed, "low level"))
    x, y, seen = Standardised(eeg, training.device), latents.to(training.device), torch.from_numpy(shown)
    network = LowLevelNetwork(x.shape[1], x.shape[2], settings).to(training.device)

    def loss(trials: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        return F.l1_loss(network(x[trials]), y[seen[trials].to(y.device)])

    training.run_epochs("fit low level", network, loss, held[shown], settings)
    return LowLevel(network, settings, *x.scale)
