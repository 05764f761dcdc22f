"""Training on top of a frozen generator: LoRA on its attention, and a ControlNet beside it."""

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from eegbench import seeds
from eegbench.backbones.diffusion import Generator, residuals
from eegbench.contracts import Progress
from eegbench.methods.tuning_settings import TuningSettings


def lora(unet: nn.Module, rank: int, alpha: int) -> Any:
    """`unet` wrapped by peft with LoRA on to_q, to_k, to_v and to_out.0 of all its attention, gaussian init."""
    import peft

    configuration = peft.LoraConfig(
        r=rank, lora_alpha=alpha, init_lora_weights="gaussian", target_modules=["to_q", "to_k", "to_v", "to_out.0"]
    )
    return peft.get_peft_model(unet, configuration)  # type: ignore[arg-type]


def tune(
    generator: Generator,
    unet: Any,
    trained: Iterable[nn.Parameter],
    settings: TuningSettings,
    *,
    tokens: torch.Tensor,
    latents: torch.Tensor,
    controlnet: Any = None,
    controls: torch.Tensor | None = None,
    seed: int,
    label: str,
    progress: Progress,
) -> None:
    """Denoising training of the parameters `trained`, in place, on what the generator itself was trained to predict.

    tokens (n, k, width) condition the UNet and are set to zero with probability `null_rate` per item (the null
    condition of classifier-free guidance); latents (n, c, h, w); controls (n, 3, H, W) in [0, 1] go to the
    ControlNet. The rate follows cosine warm restarts, as in the saliency-guided paper.
    """
    parameters = list(trained)
    device = latents.device
    optimiser = torch.optim.AdamW(parameters, lr=settings.rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimiser, T_0=settings.restart or settings.steps, eta_min=settings.least_rate
    )
    noise_schedule = generator.noise_schedule
    with progress.bar(label, settings.steps) as advance:
        for step in range(settings.steps):
            rng = seeds.generator(seed, label, step)
            torch.manual_seed(int(rng.integers(2**62)))
            chosen = torch.from_numpy(rng.integers(len(latents), size=settings.batch)).to(device)
            keep = torch.from_numpy((rng.random(settings.batch) >= settings.null_rate).astype(np.float32)).to(device)
            noise = torch.randn(settings.batch, *latents.shape[1:]).to(device)
            times = torch.randint(0, noise_schedule.config.num_train_timesteps, (settings.batch,)).to(device)
            noisy = noise_schedule.add_noise(latents[chosen], noise, times)
            condition = tokens[chosen] * keep[:, None, None]
            extra = residuals(controlnet, noisy, times, condition, None if controls is None else controls[chosen])
            aim = generator.training_target(latents[chosen], noise, times)
            loss = F.mse_loss(unet(noisy, times, encoder_hidden_states=condition, **extra).sample, aim)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            advance(1)


def trainable(module: nn.Module) -> Iterable[nn.Parameter]:
    return itertools.filterfalse(lambda p: not p.requires_grad, module.parameters())
