"""The AutoencoderKL: 64x64 pixels to 4x16x16."""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch.nn import functional as F

from eegbench.datasets.sim_things.concepts import TRAIN_CONCEPTS
from micro_pack.loop import restored, train
from micro_pack.pool import Pool, draw_pool, to_tensor


def build() -> AutoencoderKL:
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(32, 64, 96),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=16,
        sample_size=64,
        mid_block_add_attention=False,
    )


def fit(pool: Pool, folder: Path, steps: int = 2300) -> AutoencoderKL:
    torch.manual_seed(1)
    vae = build()

    def loss(rng: np.random.Generator) -> torch.Tensor:
        _, images = pool.batch(rng, 8)
        posterior = vae.encode(images).latent_dist
        error = vae.decode(posterior.sample()).sample - images
        return error.abs().mean() + 2 * error.square().mean() + 1e-6 * posterior.kl().mean()

    train("vae", vae, loss, steps=steps, peak_rate=1.2e-3, folder=folder, weight_decay=0.0, cycle=4000, cooldown=600)
    return vae


def finished(folder: Path) -> AutoencoderKL:
    """The trained autoencoder, its scaling factor set to give latents unit variance, as in Stable Diffusion."""
    vae = restored(build(), "vae", folder)
    pool = draw_pool(TRAIN_CONCEPTS, 3, 3)
    with torch.no_grad():
        latents = vae.encode(to_tensor(pool.images)).latent_dist.mean
    vae.register_to_config(scaling_factor=round(1 / float(latents.std()), 5))
    return vae


@torch.no_grad()
def psnr(vae: AutoencoderKL, pool: Pool) -> float:
    """Mean over images of 10 log10(255^2 / MSE), dB, on uint8 round trips of the latent mean."""
    values = []
    for i in range(0, len(pool.images), 64):
        images = pool.images[i : i + 64]
        back = vae.decode(vae.encode(to_tensor(images)).latent_dist.mode()).sample
        grey = ((back + 1) * 127.5).round().clamp(0, 255).permute(0, 2, 3, 1).numpy()
        mse = F.mse_loss(torch.from_numpy(grey), torch.from_numpy(images).float(), reduction="none").mean((1, 2, 3))
        values.append(10 * torch.log10(255**2 / mse))
    return float(torch.cat(values).mean())
