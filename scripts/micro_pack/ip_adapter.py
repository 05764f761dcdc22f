"""IP-Adapter weights: the frozen UNet told an image by its CLIP embedding, beside a caption or the empty prompt.

Ye et al. 2023, IP-Adapter. Four tokens are projected from the embedding; each cross-attention gets keys and values
of its own for them. The file has the published keys, and diffusers' own loader reads it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import nn
from torch.nn import functional as F

from eegbench.arrays import Images
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import AT_ONCE, Generator, Sampling
from eegbench.backbones.weights import PACK, read_tensors
from micro_pack.clip import EMBEDDING, describe
from micro_pack.diffusion import image_tokens, latents
from micro_pack.loop import restored, train
from micro_pack.pool import Pool, to_tensor

TOKENS = 4  # diffusers knows a projection with these keys as one to four tokens


def blank(unet: UNet2DConditionModel) -> dict[str, dict[str, torch.Tensor]]:
    """Weights to start from: each new key and value layer a copy of the one for text, the projection random."""
    width = int(unet.config.cross_attention_dim)
    projection = nn.Linear(EMBEDDING, TOKENS * width)
    norm = nn.LayerNorm(width)
    layers = [module for name, module in unet.named_modules() if name.endswith("attn2")]
    adapter = {}
    for place, layer in zip(_places(unet), layers, strict=True):
        adapter[f"{place}.to_k_ip.weight"] = layer.to_k.weight.detach().clone()
        adapter[f"{place}.to_v_ip.weight"] = layer.to_v.weight.detach().clone()
    image_proj = {
        "proj.weight": projection.weight, "proj.bias": projection.bias,
        "norm.weight": norm.weight, "norm.bias": norm.bias,
    }  # fmt: skip
    return {"image_proj": {k: v.detach() for k, v in image_proj.items()}, "ip_adapter": adapter}


class Adapter(nn.Module):
    """What is trained of a UNet that wears an adapter; its state has diffusers' own names."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.processors = nn.ModuleList(p for p in unet.attn_processors.values() if isinstance(p, nn.Module))
        self.projection = unet.encoder_hid_proj

    def published(self, places: list[int]) -> dict[str, torch.Tensor]:
        """The state under the published keys."""
        image = self.projection.image_projection_layers[0]
        state = {
            "image_proj.proj.weight": image.image_embeds.weight, "image_proj.proj.bias": image.image_embeds.bias,
            "image_proj.norm.weight": image.norm.weight, "image_proj.norm.bias": image.norm.bias,
        }  # fmt: skip
        processors: Any = self.processors
        for place, processor in zip(places, processors, strict=True):
            state[f"ip_adapter.{place}.to_k_ip.weight"] = processor.to_k_ip[0].weight
            state[f"ip_adapter.{place}.to_v_ip.weight"] = processor.to_v_ip[0].weight
        return state


def wear(unet: Any) -> Adapter:
    """Put a blank adapter on `unet`, which is frozen but for it."""
    unet.requires_grad_(False)
    unet._load_ip_adapter_weights([blank(unet)])
    return Adapter(unet).requires_grad_(True)


def fit(pool: Pool, folder: Path, steps: int = 1500, batch: int = 20) -> None:
    """Train on half captions and half empty prompts; one image embedding in ten is dropped (zeros)."""
    torch.manual_seed(5)
    generator = Generator("pack:generator")
    unet: Any = generator.unet
    adapter = wear(unet)
    clip = Clip("pack:clip_target").model
    clean = latents(pool, folder)

    def loss(rng: np.random.Generator) -> torch.Tensor:
        chosen = rng.integers(len(clean), size=batch)
        texts = [describe(pool.captions[i], rng) if rng.random() < 0.5 else "" for i in chosen]
        kept = torch.from_numpy(rng.random(batch) >= 0.1)
        told = image_tokens(clip, to_tensor(pool.images[chosen])) * kept[:, None, None]
        noise = torch.randn(batch, *clean.shape[1:])
        times = torch.randint(0, 1000, (batch,))
        noisy = generator.noise_schedule.add_noise(clean[chosen], noise, times)
        aim = generator.training_target(clean[chosen], noise, times)
        conditions = {"image_embeds": [told]}
        tokens = generator.text_tokens(texts)
        return F.mse_loss(unet(noisy, times, tokens, added_cond_kwargs=conditions).sample, aim)

    train("ip_adapter", adapter, loss, steps=steps, peak_rate=1e-3, folder=folder)


def published(folder: Path) -> dict[str, torch.Tensor]:
    """The trained weights under the published keys, in half precision."""
    unet = Generator("pack:generator").unet
    adapter: Adapter = restored(wear(unet), "ip_adapter", folder)
    return {k: v.detach().half().contiguous() for k, v in adapter.published(_places(unet)).items()}


def draw(told: torch.Tensor, sampling: Sampling) -> Images:
    """One image for each embedding (n, 1, d), with the packed adapter and an empty prompt; seeds 0, 1, 2, ..."""
    generator = Generator("pack:generator")
    unet: Any = generator.unet
    weights: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in read_tensors(PACK / "ip_adapter" / "ip-adapter.safetensors").items():
        part, _, name = key.partition(".")
        weights[part][name] = value.float()
    unet._load_ip_adapter_weights([weights])
    empty = generator.text_tokens([""])
    parts = []
    for start in range(0, len(told), AT_ONCE):
        some = told[start : start + AT_ONCE]
        images = {"image_embeds": [torch.cat([torch.zeros_like(some), some])]}

        def with_images(*args: Any, **options: Any) -> Any:
            return unet(*args, **options, added_cond_kwargs=images)  # noqa: B023

        tokens, seeds = empty.expand(len(some), -1, -1), range(start, start + len(some))
        parts.append(generator.sample(tokens, null=empty, seeds=seeds, sampling=sampling, unet=with_images))
    return np.concatenate(parts)


def _places(unet: Any) -> list[int]:
    """The published number of each cross-attention: they count odd, in the order of the UNet's processors."""
    cross = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    return list(range(1, 2 * len(cross), 2))
