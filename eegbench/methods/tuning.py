"""Training on top of a frozen generator: LoRA on its attention, and a ControlNet beside it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench.arrays import Maps
from eegbench.backbones.diffusion import Generator, residuals
from eegbench.errors import InputError
from eegbench.methods.training import Training, cosine
from eegbench.methods.tuning_settings import TuningSettings


def lora(unet: nn.Module, rank: int, alpha: int) -> Any:
    """`unet` wrapped by peft with LoRA on to_q, to_k, to_v and to_out.0 of all its attention, gaussian init."""
    import peft

    configuration = peft.LoraConfig(
        r=rank, lora_alpha=alpha, init_lora_weights="gaussian", target_modules=["to_q", "to_k", "to_v", "to_out.0"]
    )
    return peft.get_peft_model(unet, configuration)  # type: ignore[arg-type]


def control_network(unet: Any, channels: Sequence[int]) -> Any:
    """A ControlNet that starts from `unet`, its last layers at zero; what reads the map has `channels`."""
    import diffusers

    return diffusers.ControlNetModel.from_unet(
        unet,
        conditioning_channels=3,
        conditioning_embedding_out_channels=channels,
        load_weights_from_unet=unet.device.type != "meta",  # which holds none
    )


def adapter_state(wrapped: Any) -> dict[str, torch.Tensor]:
    """The LoRA weights alone, copied to the CPU."""
    import peft

    return {k: v.detach().cpu().clone() for k, v in peft.get_peft_model_state_dict(wrapped).items()}


def merged(unet: Any, rank: int, alpha: int, adapter: dict[str, torch.Tensor]) -> Any:
    """`unet` itself with the LoRA weights added in, plain layers again, frozen."""
    import peft

    wrapped = lora(unet, rank, alpha)
    outcome = peft.set_peft_model_state_dict(wrapped, adapter)
    if outcome.unexpected_keys:
        raise InputError(f"LoRA weights have unknown keys: {outcome.unexpected_keys[:3]}")
    return plain(wrapped)


def plain(wrapped: Any) -> Any:
    """The UNet below LoRA, whose weights are added in."""
    return wrapped.merge_and_unload().eval().requires_grad_(False)


def tune(
    training: Training,
    label: str,
    generator: Generator,
    unet: Any,
    trained: nn.Module,
    settings: TuningSettings,
    *,
    tokens: torch.Tensor,
    latents: torch.Tensor,
    shown: NDArray[np.int64],
    controlnet: Any = None,
    maps: Maps | None = None,
) -> None:
    """Denoising training of what of `trained` requires a gradient, on what the generator was trained to predict.

    tokens (n, k, width) of trials condition the UNet and are set to zero with probability `null_rate` per item (the
    null condition of classifier-free guidance); latents (m, c, h, w) of stimuli, of which trial i showed shown[i];
    maps (m, H, W) go to the ControlNet. The rate follows cosine warm restarts, as in the saliency-guided paper.
    """
    device = latents.device
    noise_schedule = generator.noise_schedule

    def loss(_: int, rng: np.random.Generator) -> torch.Tensor:
        items = rng.integers(len(tokens), size=settings.batch)
        chosen, seen = torch.from_numpy(items).to(device), torch.from_numpy(shown[items]).to(device)
        keep = torch.from_numpy((rng.random(settings.batch) >= settings.null_rate).astype(np.float32)).to(device)
        noise = torch.randn(settings.batch, *latents.shape[1:]).to(device)
        times = torch.randint(0, noise_schedule.config.num_train_timesteps, (settings.batch,)).to(device)
        condition = tokens[chosen] * keep[:, None, None]
        control = None if maps is None else generator.control(maps[shown[items]])  # of all items it would fill a GPU
        return denoising_loss(generator, unet, latents[seen], noise, times, condition, controlnet, control)

    learning = [p for p in trained.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=settings.rate, weight_decay=settings.weight_decay)
    rate = cosine(settings.rate, settings.steps, least=settings.least_rate, restart=settings.restart)
    training.run(
        label, trained, loss, steps=settings.steps, optimiser=optimiser, rate=rate, clip=1.0, numerics=settings
    )


def denoising_loss(
    generator: Generator,
    unet: Any,
    latents: torch.Tensor,
    noise: torch.Tensor,
    times: torch.Tensor,
    condition: torch.Tensor,
    controlnet: Any = None,
    control: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean squared error, (), of what `unet` predicts of latents (n, c, h, w) made noisy at times (n,)."""
    noisy = generator.noise_schedule.add_noise(latents, noise, times)
    extra = residuals(controlnet, noisy, times, condition, control)
    aim = generator.training_target(latents, noise, times)
    return F.mse_loss(unet(noisy, times, encoder_hidden_states=condition, **extra).sample.float(), aim)
