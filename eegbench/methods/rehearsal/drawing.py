"""Rehearsal of generators: one step of the UNet under a condition, and the autoencoder both ways."""

from typing import Any

import torch
from torch import nn

from eegbench.backbones.blank import PREFIX
from eegbench.backbones.diffusion import Generator, predict_guided
from eegbench.backbones.generator_parts import enlargement, latent_mean
from eegbench.backbones.pipeline import Painter
from eegbench.backbones.published_configs import ADAPTERS
from eegbench.methods.rehearsal.parts import META, Network, Parts, Stage, pipeline_networks
from eegbench.methods.tuning import denoising_loss

ONE_TIME = 500  # of the noise schedule's


def generator_networks(generator: Generator) -> Parts:
    """The networks of a generator folder."""
    modules = {"unet": generator.unet, "vae": generator.vae, "text_encoder": generator.text_encoder}
    return Parts(pipeline_networks(generator.name, modules, "generator"))


def generator_stages(
    generator: Generator, tokens: torch.Tensor, *, controlnet: Any = None, control: torch.Tensor | None = None
) -> Parts:
    """One guided step of one reconstruction under `tokens` (1, k, width), and its picture."""
    latents = zero_latents(generator, 1)

    def step() -> torch.Tensor:
        both = torch.cat([torch.zeros_like(tokens), tokens])
        twice = None if control is None else control.repeat(2, 1, 1, 1)
        z, t = latents.repeat(2, 1, 1, 1), torch.tensor(ONE_TIME, device=META)
        return predict_guided(generator.unet, z, t, both, 2.0, controlnet, twice)

    picture = (1, 3, generator.size, generator.size)
    guided = Stage("reconstruction: one step of the UNet, guided", 1, step, tuple(latents.shape))
    return Parts((), (guided, _decoded(lambda: generator.decode_pictures(latents), picture)))


def latents_stage(generator: Generator, items: int) -> Parts:
    """Training pictures to the latents that are denoised."""
    pictures, wanted = zero_pictures(generator, items), tuple(zero_latents(generator, items).shape)
    return Parts((), (_encoded(lambda: generator.encode_pictures(pictures), items, wanted),))


def denoising_stage(
    name: str, generator: Generator, unet: Any, width: int, batch: int, controlnet: Any = None
) -> Stage:
    """The loss of one training step under tokens of `width`."""
    latents, times = zero_latents(generator, batch), torch.zeros(batch, dtype=torch.long, device=META)
    tokens = torch.zeros(batch, 1, width, device=META)
    control = None if controlnet is None else zero_pictures(generator, batch)

    def loss() -> torch.Tensor:
        return denoising_loss(generator, unet, latents, latents, times, tokens, controlnet, control)

    return Stage(name, batch, loss, ())


def zero_latents(generator: Generator, items: int) -> torch.Tensor:
    channels, side = int(generator.unet.config.in_channels), generator.latent_size
    return torch.zeros(items, channels, side, side, device=META)


def zero_pictures(generator: Generator, items: int) -> torch.Tensor:
    return torch.zeros(items, 3, generator.size, generator.size, device=META)


def painter_parts(painter: Painter, name: str, adapter: str = "", embedding: torch.Tensor | None = None) -> Parts:
    """The pipeline's networks; training pictures to latents, and one step of the UNet under the text encoder's tokens
    and, where it has an adapter, an `embedding` (1, d)."""
    return Parts(painter_networks(painter, name, adapter), painter_stages(painter, embedding))


def painter_networks(painter: Painter, name: str, adapter: str) -> list[Network]:
    """The pipeline's networks, and the IP-Adapter on its UNet as a network of its own."""
    drawing = painter.drawing
    modules: dict[str, nn.Module] = {
        part: getattr(drawing, part)
        for part in ("unet", "vae", "text_encoder", "text_encoder_2")
        if getattr(drawing, part, None) is not None
    }
    if not adapter:
        return pipeline_networks(name, modules, "generator")
    attentions = [p for p in drawing.unet.attn_processors.values() if isinstance(p, nn.Module)]
    ip_adapter = nn.ModuleDict({"image_proj": drawing.unet.encoder_hid_proj, "ip_adapter": nn.ModuleList(attentions)})
    added = {id(p) for p in ip_adapter.parameters()}
    unet = nn.ParameterList(p for p in drawing.unet.parameters() if id(p) not in added)
    known = ADAPTERS.get(adapter.removeprefix(PREFIX))
    keys = {_key_in_file(key): key for key in ip_adapter.state_dict()}
    return [
        *pipeline_networks(name, modules | {"unet": unet}, "generator"),
        Network("IP-Adapter", ip_adapter, renamed=keys, half_bytes=known.bytes if known else 0),
    ]


def _key_in_file(key: str) -> str:
    """What a published IP-Adapter file calls one of diffusers' weights."""
    part, *rest, name, which = key.split(".")
    if part == "image_proj":
        return f"{part}.{'norm' if name == 'norm' else 'proj'}.{which}"
    return f"{part}.{2 * int(rest[0]) + 1}.{rest[1]}.{which}"  # 3.to_k_ip.0.weight: name is the adapter's number


def encoded_prompt(drawing: Any) -> list[torch.Tensor]:
    """The hidden states (1, tokens, width) of one prompt, and of SDXL's its pooled embedding too."""
    encoded = drawing.encode_prompt(
        prompt=[""], device=META, num_images_per_prompt=1, do_classifier_free_guidance=False
    )
    return [encoded[0], *encoded[2:3]]


def painter_stages(painter: Painter, embedding: torch.Tensor | None) -> list[Stage]:
    """Pictures to latents, one step of the UNet, latent to picture."""
    drawing = painter.drawing
    side = painter.size // enlargement(drawing.vae)
    like: dict[str, Any] = {"device": META, "dtype": drawing.unet.dtype}
    latents = torch.zeros(1, int(drawing.unet.config.in_channels), side, side, **like)
    pictures = torch.zeros(1, 3, painter.size, painter.size, **like)

    def step() -> torch.Tensor:
        tokens, *pooled = encoded_prompt(drawing)
        added: dict[str, Any] = {}
        if pooled:  # SDXL's: the pooled prompt, and sizes before and after cropping
            added = {"text_embeds": pooled[0], "time_ids": torch.zeros(1, 6, **like)}
        if embedding is not None:
            added["image_embeds"] = [embedding[:, None].to(**like)]
        t = torch.tensor(ONE_TIME, device=META)
        out: torch.Tensor = drawing.unet(latents, t, encoder_hidden_states=tokens, added_cond_kwargs=added).sample
        return out

    return [
        _encoded(lambda: latent_mean(drawing.vae, pictures), 1, tuple(latents.shape)),
        Stage("reconstruction: one step of the UNet", 1, step, tuple(latents.shape)),
        _decoded(lambda: drawing.vae.decode(latents / painter.scaling_factor).sample, tuple(pictures.shape)),
    ]


def _encoded(run: Any, items: int, wanted: tuple[int, ...]) -> Stage:
    return Stage("training: pictures to latents", items, run, wanted)


def _decoded(run: Any, wanted: tuple[int, ...]) -> Stage:
    return Stage("reconstruction: latent to picture", 1, run, wanted)
