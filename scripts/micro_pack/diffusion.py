"""The UNet: latent diffusion on captions, and on a CLIP image embedding as one cross-attention token.

Two stages. In the first the condition comes in by cross-attention alone, and after 9,000 steps backgrounds, colours
and layouts are right and shapes are not. The second adds the pooled condition to the time embedding, as Stable
Diffusion XL does, and looks more often at the noise levels where shapes are decided. It can be followed by any
number of rounds alike, each starting from the packed weights.
"""

from pathlib import Path

import numpy as np
import open_clip
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import nn
from torch.nn import functional as F
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from eegbench.backbones.clip import Clip
from eegbench.backbones.weights import PACK
from eegbench.files import file_digest
from micro_pack.clip import EMBEDDING, describe, tokenise
from micro_pack.loop import train
from micro_pack.pool import Pool, to_tensor
from micro_pack.text import CONTEXT

SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",  # gives weight to high noise, where layout and colours are decided
}


def build(*, pooled: bool) -> UNet2DConditionModel:
    """The network of the first stage, or of the second; `pooled` adds nothing at first, its last layer being zero."""
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 128, 128),
        layers_per_block=1,
        cross_attention_dim=EMBEDDING,
        attention_head_dim=4,
        norm_num_groups=16,
        addition_embed_type="text" if pooled else None,
    )
    if pooled:
        nn.init.zeros_(unet.add_embedding.norm2.weight)
    return unet


def text_encoder(model: open_clip.CLIP, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """The target CLIP's text tower as transformers' class, as Stable Diffusion 2 uses OpenCLIP's tower."""
    blocks = model.transformer.resblocks
    encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=EMBEDDING,
            intermediate_size=4 * EMBEDDING,
            num_hidden_layers=len(blocks),
            num_attention_heads=blocks[0].attn.num_heads,
            max_position_embeddings=CONTEXT,
            hidden_act="gelu",
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            projection_dim=EMBEDDING,
        )
    )
    state = {
        "embeddings.token_embedding.weight": model.token_embedding.weight,
        "embeddings.position_embedding.weight": model.positional_embedding,
        "final_layer_norm.weight": model.ln_final.weight,
        "final_layer_norm.bias": model.ln_final.bias,
    }
    for i, block in enumerate(blocks):
        stem = f"encoder.layers.{i}."
        for kind in ("weight", "bias"):
            parts = getattr(block.attn, f"in_proj_{kind}").chunk(3)
            for name, part in zip(("q_proj", "k_proj", "v_proj"), parts, strict=True):
                state[f"{stem}self_attn.{name}.{kind}"] = part
            for theirs, ours in (
                ("self_attn.out_proj", block.attn.out_proj),
                ("layer_norm1", block.ln_1),
                ("layer_norm2", block.ln_2),
                ("mlp.fc1", block.mlp.c_fc),
                ("mlp.fc2", block.mlp.c_proj),
            ):
                state[f"{stem}{theirs}.{kind}"] = getattr(ours, kind)
    prefix = "text_model." if any(k.startswith("text_model.") for k in encoder.state_dict()) else ""
    missing, unexpected = encoder.load_state_dict({prefix + k: v.detach() for k, v in state.items()}, strict=False)
    wrong = [k for k in missing if "position_ids" not in k] + list(unexpected)
    if wrong:
        raise RuntimeError(f"text tower does not fit: {wrong}")
    return encoder.eval()


@torch.no_grad()
def image_tokens(model: open_clip.CLIP, images: torch.Tensor) -> torch.Tensor:
    """CLIP image embeddings of unit variance per coordinate, as one token: (n, 1, d)."""
    return F.normalize(model.encode_image(images), dim=-1)[:, None] * EMBEDDING**0.5


@torch.no_grad()
def latents(pool: Pool, folder: Path) -> torch.Tensor:
    """The scenes as the packed autoencoder encodes them, kept in `folder`."""
    cache = folder / f"latents_{len(pool.images)}.pt"
    if cache.exists():
        kept: torch.Tensor = torch.load(cache, weights_only=True)
        return kept
    vae = AutoencoderKL.from_pretrained(PACK / "generator" / "vae", torch_dtype=torch.float32)
    parts = [vae.encode(to_tensor(pool.images[i : i + 64])).latent_dist.mean for i in range(0, len(pool.images), 64)]
    encoded = torch.cat(parts) * vae.config.scaling_factor
    torch.save(encoded, cache)
    return encoded


def fit(tokenizer: CLIPTokenizer, pool: Pool, folder: Path) -> None:
    """Both stages, one after the other; a stage that has ended is not run again."""
    torch.manual_seed(4)
    first = build(pooled=False)
    _stage("unet", first, tokenizer, pool, folder, steps=9000, batch=20)
    torch.manual_seed(6)
    second = build(pooled=True)
    second.load_state_dict(first.state_dict(), strict=False)
    _stage("unet_pooled", second, tokenizer, pool, folder, steps=4000, batch=48, fast=True)


def fit_more(tokenizer: CLIPTokenizer, pool: Pool, folder: Path, steps: int) -> tuple[UNet2DConditionModel, str]:
    """A further round of the second stage, from the packed weights on; the UNet, and the name of the round.

    The round is named after the weights that it starts from: another start is another round, with other batches.
    It wants more scenes than the stages had: with 12,000 the loss at high noise had come to lie 5 % above that on the
    training scenes.
    """
    start = PACK / "generator" / "unet"
    unet = UNet2DConditionModel.from_pretrained(start, torch_dtype=torch.float32)
    name = f"unet_{file_digest(start / 'diffusion_pytorch_model.safetensors')[:8]}"
    _stage(name, unet, tokenizer, pool, folder, steps=steps, batch=48, fast=True, even=True)
    return unet, name


def _stage(
    name: str,
    unet: UNet2DConditionModel,
    tokenizer: CLIPTokenizer,
    pool: Pool,
    folder: Path,
    *,
    steps: int,
    batch: int,
    fast: bool = False,
    even: bool = False,
) -> None:
    """`fast`: matrix products in bfloat16, and more of the noise levels where shapes are decided. `even`: every noise
    level weighs about the same, its loss being divided by what the second stage left there."""
    unet.set_attn_processor(AttnProcessor())  # on CPU the fused attention's way back costs a fifth of a step
    scheduler = DDPMScheduler(**SCHEDULE)
    clip = Clip("pack:clip_target").model
    encoder = text_encoder(clip, tokenizer).requires_grad_(False)
    clean = latents(pool, folder)

    embeddings = torch.cat([image_tokens(clip, to_tensor(some)) for some in np.array_split(pool.images, 100)])

    def condition(chosen: np.ndarray, rng: np.random.Generator) -> torch.Tensor:  # type: ignore[type-arg]
        """Six steps in ten see captions, the others image embeddings; one item in ten sees the null of its kind."""
        null = torch.from_numpy(rng.random(len(chosen)) < 0.1)
        if rng.random() < 0.6:
            texts = ["" if n else describe(pool.captions[i], rng) for i, n in zip(chosen, null, strict=True)]
            with torch.no_grad():
                states: torch.Tensor = encoder(tokenise(tokenizer, texts)).last_hidden_state
            return states
        return embeddings[chosen] * ~null[:, None, None]

    def loss(rng: np.random.Generator) -> torch.Tensor:
        chosen = rng.integers(len(clean), size=batch)
        noise = torch.randn(batch, *clean.shape[1:])
        times = torch.randint(0, 1000, (batch,)) if not fast else _high_times(batch)
        noisy = scheduler.add_noise(clean[chosen], noise, times)
        velocity = scheduler.get_velocity(clean[chosen], noise, times)
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            predicted = unet(noisy, times, condition(chosen, rng)).sample
        if even:
            return (F.mse_loss(predicted.float(), velocity, reduction="none").mean((1, 2, 3)) / _left(times)).mean()
        return F.mse_loss(predicted.float(), velocity)

    train(name, unet, loss, steps=steps, peak_rate=1.2e-3, folder=folder)


def _high_times(count: int) -> torch.Tensor:
    """Noise levels, half of them above 600 and two thirds between 350 and 800."""
    return (1000 * torch.sigmoid(0.4 + torch.randn(count))).long().clamp(max=999)


def _left(times: torch.Tensor) -> torch.Tensor:
    """About the mean square error of the velocity after the second stage, by noise level."""
    return 0.1 + 0.45 * (times / 1000) ** 2
