"""ATM's diffusion prior: from an EEG embedding to a CLIP image embedding.

Li et al. (NeurIPS 2024, arXiv 2403.07721), section 2.3; code dongyangli-del/EEG_Image_decode,
Generation/diffusion_prior.py, whose state-dict keys are kept. An MLP in the shape of a U-Net predicts the noise of a
noisy image embedding; the time and the EEG embedding are added at every level.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds as seeding
from eegbench.errors import ANY, SHARE, SOME, UsageError, check_range
from eegbench.methods.storage import read_json, read_module, write_json, write_module
from eegbench.methods.training import Training, batches, cosine, shuffled


@dataclass(frozen=True)
class PriorSettings:
    """Published: widths 1024 to 64, batch 1024, 150 epochs, clip_range 1, 50 steps, guidance 5.

    `clip_range` bounds the clean embedding at every step of sampling. The published 1 is the scheduler's default, made
    for pixels: coordinates of an embedding that lie beyond it are lost. `people_per_epoch` as for the encoder.
    """

    widths: tuple[int, ...] = (256, 192, 128, 96, 64)
    time_width: int = 512
    dropout: float = 0.1
    epochs: int = 150
    batch: int = 256
    rate: float = 1e-3
    warm_up: int = 100
    null_rate: float = 0.1
    clip_range: float = 4.0
    steps: int = 50
    guidance: float = 5.0
    people_per_epoch: int = field(default=3, metadata={"later": True})

    def __post_init__(self) -> None:
        check_range(self, time_width=SOME, epochs=SOME, batch=SOME, steps=SOME, rate=ANY, warm_up=ANY)
        check_range(self, dropout=SHARE, null_rate=SHARE, clip_range=ANY, guidance=ANY, people_per_epoch=ANY)
        if not self.widths or min(self.widths) < 1:
            raise UsageError(f"widths is {list(self.widths)}; wanted one or more, of 1 or more")


class DiffusionPriorUNet(nn.Module):
    """Noise in embeddings (n, width) at times (n,) under conditions (n, condition), or under none."""

    def __init__(self, width: int, condition: int, widths: Sequence[int], time_width: int, dropout: float) -> None:
        super().__init__()
        from diffusers.models.embeddings import Timesteps

        down = list(pairwise(widths))
        up = [(b, a) for a, b in reversed(down)]
        self.time_proj = Timesteps(time_width, True, 0)
        self.input_layer = nn.Sequential(nn.Linear(width, widths[0]), nn.LayerNorm(widths[0]), nn.SiLU())
        self.encode_time_embedding, self.encode_cond_embedding, self.encode_layers = _levels(
            down, condition, time_width, dropout
        )
        self.decode_time_embedding, self.decode_cond_embedding, self.decode_layers = _levels(
            up, condition, time_width, dropout
        )
        self.output_layer = nn.Linear(widths[0], width)

    def forward(self, x: torch.Tensor, times: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        time = self.time_proj(times)
        x = self.input_layer(x)
        kept = []
        down = zip(self.encode_time_embedding, self.encode_cond_embedding, self.encode_layers, strict=True)
        for time_layer, condition_layer, layer in down:
            kept.append(x)
            x = layer(x + time_layer(time) + (0 if condition is None else condition_layer(condition)))
        up = zip(self.decode_time_embedding, self.decode_cond_embedding, self.decode_layers, strict=True)
        for time_layer, condition_layer, layer in up:
            x = layer(x + time_layer(time) + (0 if condition is None else condition_layer(condition))) + kept.pop()
        out: torch.Tensor = self.output_layer(x)
        return out


def _levels(
    sizes: list[tuple[int, int]], condition: int, time_width: int, dropout: float
) -> tuple[nn.ModuleList, nn.ModuleList, nn.ModuleList]:
    from diffusers.models.embeddings import TimestepEmbedding

    times = nn.ModuleList([TimestepEmbedding(time_width, a) for a, _ in sizes])
    conditions = nn.ModuleList([nn.Linear(condition, a) for a, _ in sizes])
    layers = nn.ModuleList(
        [nn.Sequential(nn.Linear(a, b), nn.LayerNorm(b), nn.SiLU(), nn.Dropout(dropout)) for a, b in sizes]
    )
    return times, conditions, layers


class DiffusionPrior:
    """A fitted prior: EEG embeddings in, image embeddings out."""

    def __init__(self, network: DiffusionPriorUNet, settings: PriorSettings, width: int, condition: int) -> None:
        self.network, self.settings, self.width, self.condition = network, settings, width, condition

    def sample(self, conditions: torch.Tensor, seeds: Sequence[int]) -> torch.Tensor:
        """One image embedding (n, width) for each EEG embedding (n, condition), from its own seed.

        Guidance as in the code: without + guidance x (with - without); the paper writes the same with w = guidance - 1.
        """
        device = next(self.network.parameters()).device
        schedule = noise_schedule(self.settings)
        schedule.set_timesteps(self.settings.steps)
        generators = [torch.Generator().manual_seed(seeding.seed(int(seed), "prior")) for seed in seeds]
        x = torch.stack([torch.randn(self.width, generator=g) for g in generators]).to(device)
        conditions = conditions.to(device)
        with torch.no_grad():
            for t in schedule.timesteps:
                times = torch.full((len(x),), int(t), device=device)
                without, conditioned = self.network(x, times), self.network(x, times, conditions)
                x = schedule.step(
                    without + self.settings.guidance * (conditioned - without), t, x, generator=generators
                ).prev_sample
        return x.cpu()

    def save(self, folder: Path) -> None:
        write_module(folder / "prior.safetensors", self.network)
        write_json(
            folder / "prior.json",
            {"settings": asdict(self.settings), "width": self.width, "condition": self.condition},
        )

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        facts = read_json(folder / "prior.json")
        settings = PriorSettings(**(facts["settings"] | {"widths": tuple(facts["settings"]["widths"])}))
        network = network_of(facts["width"], facts["condition"], settings)
        read_module(folder / "prior.safetensors", network)
        return cls(network.to(device), settings, facts["width"], facts["condition"])


def noise_schedule(settings: PriorSettings) -> Any:
    """diffusers' DDPM defaults (linear beta 1e-4 to .02, 1000 steps, fixed small variance), but for `clip_range`."""
    import diffusers

    return diffusers.DDPMScheduler(clip_sample=True, clip_sample_range=settings.clip_range)


def network_of(width: int, condition: int, settings: PriorSettings) -> DiffusionPriorUNet:
    return DiffusionPriorUNet(width, condition, settings.widths, settings.time_width, settings.dropout)


def fit_prior(
    training: Training,
    conditions: NDArray[np.float32],
    shown: NDArray[np.int64],
    targets: NDArray[np.float32],
    settings: PriorSettings,
) -> DiffusionPrior:
    """Fit on EEG embeddings (n, c) of training trials, and image embeddings (m, d) of which each showed one.

    Mean squared error of the predicted noise; the condition is left out for a whole batch at a time, as published.
    """
    torch.manual_seed(seeding.seed(training.seed, "prior"))
    device = training.device
    network = network_of(targets.shape[1], conditions.shape[1], settings).to(device)
    inputs, clean = torch.from_numpy(conditions).to(device), torch.from_numpy(targets).to(device)
    seen = torch.from_numpy(shown)
    schedule = noise_schedule(settings)
    label, per_epoch = "fit prior", batches(training.per_epoch(len(inputs), settings.people_per_epoch), settings.batch)
    chosen = shuffled(np.arange(len(inputs)), settings.batch, training.seed, label)

    def loss(step: int, rng: np.random.Generator) -> torch.Tensor:
        trials = chosen(step)
        noise = torch.randn(len(trials), clean.shape[1]).to(device)
        times = torch.randint(0, schedule.config.num_train_timesteps, (len(trials),)).to(device)
        noisy = schedule.add_noise(clean[seen[trials].to(device)], noise, times)
        return F.mse_loss(network(noisy, times, None if rng.random() < settings.null_rate else inputs[trials]), noise)

    steps = settings.epochs * per_epoch
    training.run(
        label,
        network,
        loss,
        steps=steps,
        optimiser=torch.optim.Adam(network.parameters(), lr=settings.rate),
        rate=cosine(settings.rate, steps, warm_up=settings.warm_up),
        clip=1.0,
    )
    network.requires_grad_(False)
    return DiffusionPrior(network, settings, targets.shape[1], conditions.shape[1])
