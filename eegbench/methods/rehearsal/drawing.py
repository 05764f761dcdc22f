"""Rehearsal of generators: what is told goes through the UNet for one step, and out through the autoencoder."""

from typing import Any

import torch
from torch import nn

from eegbench.backbones.blank import PREFIX
from eegbench.backbones.diffusion import Generator, predict_guided
from eegbench.backbones.pipeline import Painter
from eegbench.backbones.published_configs import ADAPTERS
from eegbench.methods.rehearsal.parts import META, Network, Stage, pipeline_networks

ONE_TIME = 500  # of the noise schedule's


def generator_networks(generator: Generator) -> list[Network]:
    modules = {"unet": generator.unet, "vae": generator.vae, "text_encoder": generator.text_encoder}
    return pipeline_networks(generator.name, modules, "generator")


def generator_stages(
    generator: Generator,
    tokens: torch.Tensor,
    *,
    controlnet: Any = None,
    control: torch.Tensor | None = None,
    unet: Any = None,
) -> list[Stage]:
    """One guided step of one reconstruction under `tokens` (1, k, width), and its picture."""
    latents = torch.zeros(1, int(generator.unet.config.in_channels), *(generator.latent_size,) * 2, device=META)

    def step() -> torch.Tensor:
        both = torch.cat([torch.zeros_like(tokens), tokens])
        twice = None if control is None else control.repeat(2, 1, 1, 1)
        z, t = latents.repeat(2, 1, 1, 1), torch.tensor(ONE_TIME, device=META)
        return predict_guided(unet or generator.unet, z, t, both, 2.0, controlnet, twice)

    return [
        Stage("reconstruction: one step of the UNet, guided", 1, step, tuple(latents.shape)),
        Stage(
            "reconstruction: latent to picture", 1, lambda: generator.decode_pictures(latents),
            (1, 3, generator.size, generator.size),
        ),
    ]  # fmt: skip


def latents_stage(generator: Generator, items: int) -> Stage:
    """Training pictures to the latents that are denoised."""
    pictures = torch.zeros(items, 3, generator.size, generator.size, device=META)
    shape = (items, int(generator.unet.config.in_channels), generator.latent_size, generator.latent_size)
    return Stage("training: pictures to latents", items, lambda: generator.encode_pictures(pictures), shape)


def painter_networks(painter: Painter, name: str, adapter: str) -> list[Network]:
    """The pipeline's networks, and the IP-Adapter that its UNet wears as a network of its own."""
    drawing = painter.drawing
    modules: dict[str, nn.Module] = {
        part: getattr(drawing, part)
        for part in ("unet", "vae", "text_encoder", "text_encoder_2")
        if getattr(drawing, part, None) is not None
    }
    if not adapter:
        return pipeline_networks(name, modules, "generator")
    attentions = [p for p in drawing.unet.attn_processors.values() if isinstance(p, nn.Module)]
    worn = nn.ModuleDict({"image_proj": drawing.unet.encoder_hid_proj, "ip_adapter": nn.ModuleList(attentions)})
    dressed = {id(p) for p in worn.parameters()}
    bare = nn.ParameterList(p for p in drawing.unet.parameters() if id(p) not in dressed)
    found = pipeline_networks(name, modules | {"unet": bare}, "generator")
    known = ADAPTERS.get(adapter.removeprefix(PREFIX))
    keys = {_key_in_file(key): key for key in worn.state_dict()}
    return [*found, Network("IP-Adapter", worn, renamed=keys, half_bytes=known.bytes if known else 0)]


def _key_in_file(key: str) -> str:
    """What a published IP-Adapter file calls one of diffusers' weights."""
    part, *rest, name, which = key.split(".")
    if part == "image_proj":
        return f"{part}.{'norm' if name == 'norm' else 'proj'}.{which}"
    return f"{part}.{2 * int(rest[0]) + 1}.{rest[1]}.{which}"  # 3.to_k_ip.0.weight: name is the adapter's number


def prompt_tokens(painter: Painter) -> torch.Tensor:
    """Hidden states (1, tokens, width) of one prompt."""
    return encoded_prompt(painter.drawing)[0]


def encoded_prompt(drawing: Any) -> list[torch.Tensor]:
    """The hidden states of one prompt, and of SDXL's its pooled embedding too."""
    found = drawing.encode_prompt(prompt=[""], device=META, num_images_per_prompt=1, do_classifier_free_guidance=False)
    return [found[0], *found[2:3]]


def painter_stages(painter: Painter, *, told: torch.Tensor | None = None, start: bool = False) -> list[Stage]:
    """One step of the UNet under the text encoder's tokens and, where it wears an adapter, an embedding (1, d)."""
    drawing = painter.drawing
    side = painter.size // 2 ** (len(drawing.vae.config.block_out_channels) - 1)
    channels = int(drawing.unet.config.in_channels)
    like: dict[str, Any] = {"device": META, "dtype": drawing.unet.dtype}
    latents = torch.zeros(1, channels, side, side, **like)

    def step() -> torch.Tensor:
        tokens, *pooled = encoded_prompt(drawing)
        added: dict[str, Any] = {}
        if pooled:  # SDXL's: the pooled prompt, and sizes before and after cropping
            added = {"text_embeds": pooled[0], "time_ids": torch.zeros(1, 6, **like)}
        if told is not None:
            added["image_embeds"] = [told[:, None].to(**like)]
        t = torch.tensor(ONE_TIME, device=META)
        out: torch.Tensor = drawing.unet(latents, t, encoder_hidden_states=tokens, added_cond_kwargs=added).sample
        return out

    def decoded() -> torch.Tensor:
        out: torch.Tensor = drawing.vae.decode(latents / painter.scaling_factor).sample
        return out

    def encoded() -> torch.Tensor:
        pictures = torch.zeros(1, 3, painter.size, painter.size, **like)
        out: torch.Tensor = drawing.vae.encode(pictures).latent_dist.mean
        return out

    stages = [
        Stage("reconstruction: one step of the UNet", 1, step, tuple(latents.shape)),
        Stage("reconstruction: latent to picture", 1, decoded, (1, 3, painter.size, painter.size)),
    ]
    return [Stage("training: pictures to latents", 1, encoded, tuple(latents.shape)), *stages] if start else stages
