"""NeuroImagen's pixel level: a conditional GAN from EEG features and noise to a small, coarse picture of the stimulus.

Lan et al., section 3.2: hinge loss under DiffAugment (Zhao et al. 2020), a mode-seeking term (Mao et al. 2019) and an
SSIM of global statistics. Layers, sizes and weights are not in the paper: they are choices of this benchmark.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from eegbench import seeds
from eegbench.errors import ANY, SOME, UsageError, check_range
from eegbench.methods.training import Training, constant

C1, C2 = 0.01**2, 0.03**2  # of SSIM, for values in [0, 1]


@dataclass(frozen=True)
class GanSettings:
    """`size` is the side of the picture, a power of two from 8 on; the last three weigh the terms of the loss."""

    size: int = 16
    noise: int = 32
    channels: int = 48
    steps: int = 1500  # half of them the discriminator's
    batch: int = 64
    rate: float = 3e-4
    adversarial: float = 0.1
    mode_seeking: float = 0.05
    ssim: float = 1.0

    def __post_init__(self) -> None:
        check_range(self, noise=SOME, channels=SOME, steps=SOME, batch=SOME, rate=ANY)
        check_range(self, adversarial=ANY, mode_seeking=ANY, ssim=ANY)
        if self.size < 8 or self.size & (self.size - 1):
            raise UsageError(f"size is {self.size}; wanted 8, 16, 32 or another power of two")


class PictureGenerator(nn.Module):
    """Features (n, width) and noise (n, k) to pictures (n, 3, size, size) in [0, 1]."""

    def __init__(self, width: int, settings: GanSettings) -> None:
        super().__init__()
        self.noise, self.channels = settings.noise, settings.channels
        doublings = int(math.log2(settings.size)) - 2
        self.open = nn.Linear(width + settings.noise, 4 * settings.channels * 16)
        sizes = [max(settings.channels, 4 * settings.channels // 2**i) for i in range(doublings + 1)]
        blocks: list[nn.Module] = []
        for a, b in itertools.pairwise(sizes):
            blocks += [nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()]
        self.body = nn.Sequential(*blocks, nn.Conv2d(sizes[-1], 3, 3, padding=1), nn.Sigmoid())

    def forward(self, features: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        x = self.open(torch.cat([features, noise], 1)).view(len(features), -1, 4, 4)
        out: torch.Tensor = self.body(F.relu(x))
        return out


class Discriminator(nn.Module):
    """Pictures and features to one value each, (n,): how real, and how fitting (projection, Miyato and Koyama 2018)."""

    def __init__(self, width: int, settings: GanSettings) -> None:
        super().__init__()
        halvings = int(math.log2(settings.size)) - 2
        sizes = [3, *(min(4, 2**i) * settings.channels for i in range(halvings))]
        blocks: list[nn.Module] = []
        for a, b in itertools.pairwise(sizes):
            blocks += [nn.utils.parametrizations.spectral_norm(nn.Conv2d(a, b, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*blocks, nn.Conv2d(sizes[-1], sizes[-1], 3, padding=1), nn.LeakyReLU(0.2))
        self.real = nn.Linear(sizes[-1], 1)
        self.fitting = nn.Linear(width, sizes[-1], bias=False)

    def forward(self, pictures: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        seen = self.body(pictures).mean((2, 3))
        out: torch.Tensor = self.real(seen)[:, 0] + (seen * self.fitting(features)).sum(1)
        return out


def fit_gan(
    training: Training,
    features: torch.Tensor,
    shown: NDArray[np.int64],
    pictures: torch.Tensor,
    settings: GanSettings,
) -> PictureGenerator:
    """Fit on features (n, width) of trials, and pictures (m, 3, size, size) in [0, 1] of which each showed one; the
    two networks take turns."""
    torch.manual_seed(seeds.seed(training.seed, "gan"))
    generator = PictureGenerator(features.shape[1], settings).to(training.device)
    discriminator = Discriminator(features.shape[1], settings).to(training.device)

    def loss(step: int, rng: np.random.Generator) -> torch.Tensor:
        trials = rng.integers(len(features), size=settings.batch)
        condition, real = features[trials], pictures[shown[trials]]
        noises = [torch.randn(len(trials), settings.noise).to(real) for _ in range(2)]
        if step % 2 == 0:
            with torch.no_grad():
                false = generator(condition, noises[0])
            judged_real, judged_false = (discriminator(augmented(x), condition) for x in (real, false))
            out: torch.Tensor = (F.relu(1 - judged_real) + F.relu(1 + judged_false)).mean()
            return out
        drawn, again = (generator(condition, z) for z in noises)
        fixed = {name: p.detach() for name, p in discriminator.named_parameters()}
        judged = functional_call(discriminator, fixed, (augmented(drawn), condition))
        apart = (drawn - again).abs().mean((1, 2, 3)) / (noises[0] - noises[1]).abs().mean(1)
        return (
            -settings.adversarial * judged.mean()
            - settings.mode_seeking * apart.mean()
            + settings.ssim * (1 - global_ssim(drawn, real)).mean()
        )

    both = nn.ModuleDict({"generator": generator, "discriminator": discriminator})
    optimiser = torch.optim.Adam(both.parameters(), lr=settings.rate, betas=(0.5, 0.999))
    training.run("fit GAN", both, loss, steps=settings.steps, optimiser=optimiser, rate=constant(settings.rate))
    return generator.requires_grad_(False)


def global_ssim(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """SSIM (n,) from the mean, variance and covariance of whole pictures (n, c, h, w) in [0, 1]; no window."""
    x, y = a.flatten(1), b.flatten(1)
    mx, my = x.mean(1), y.mean(1)
    vx, vy = x.var(1, correction=0), y.var(1, correction=0)
    both = ((x - mx[:, None]) * (y - my[:, None])).mean(1)
    return (2 * mx * my + C1) * (2 * both + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2))


def augmented(pictures: torch.Tensor) -> torch.Tensor:
    """DiffAugment: colour, translation by up to an eighth, a cut-out of half the side; differentiable, item by item."""
    n, _, height, width = pictures.shape
    draw = torch.rand(n, 7, device=pictures.device)
    draws = draw[:, :, None, None, None]
    x = pictures + (draws[:, 0] - 0.5)
    x = x.mean(1, keepdim=True) + (x - x.mean(1, keepdim=True)) * 2 * draws[:, 1]
    x = x.mean((1, 2, 3), keepdim=True) + (x - x.mean((1, 2, 3), keepdim=True)) * (0.5 + draws[:, 2])
    rows = torch.arange(height, device=x.device)[None, :, None]
    columns = torch.arange(width, device=x.device)[None, None, :]
    dy = ((draw[:, 3, None, None] * 2 - 1) * (height / 8)).round().long()
    dx = ((draw[:, 4, None, None] * 2 - 1) * (width / 8)).round().long()
    padded = F.pad(x, (1, 1, 1, 1))
    at_row, at_column = (rows + dy + 1).clamp(0, height + 1), (columns + dx + 1).clamp(0, width + 1)
    x = padded[torch.arange(n, device=x.device)[:, None, None], :, at_row, at_column].permute(0, 3, 1, 2)
    top, left = draw[:, 5, None, None] * height, draw[:, 6, None, None] * width
    cut = ((rows - top).abs() < height / 4) & ((columns - left).abs() < width / 4)
    return x * ~cut[:, None]
