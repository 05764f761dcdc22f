"""Published networks with random weights: `blank:NAME` where a weight's name is wanted. No weight file is read.

A rehearsal builds full-size networks so, through the classes that would load the real ones, on any device: on torch's
meta device they have shapes and no content. NAME is one of `published_configs.names()`.
"""

import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from eegbench.backbones import published_configs as published
from eegbench.backbones import telling
from eegbench.errors import unknown

PREFIX = "blank:"
SPREAD = 0.02  # deviation of an IP-Adapter's random weights
WORDS = {
    "unet": "UNet", "vae": "autoencoder", "text_encoder": "text encoder", "text_encoder_2": "second text encoder",
}  # fmt: skip


def is_blank(name: str) -> bool:
    return name.startswith(PREFIX)


def behind(name: str) -> str:
    """NAME of `blank:NAME`; UsageError for one whose configuration is not known."""
    plain = name.removeprefix(PREFIX)
    if plain not in published.names():
        raise unknown("published network", plain, published.names())
    return plain


def building(what: str, name: str, parameters: int, device: str) -> AbstractContextManager[None]:
    """A bar that says what is built and how large it is; on torch's meta device nothing takes long."""
    size = f", {parameters / 1e6:,.0f} million parameters" if parameters else ""
    return nullcontext() if device == "meta" else telling.one_step(f"build {what} of {behind(name)}{size}")


def part(kind: Any, name: str, part: str, device: str, dtype: torch.dtype = torch.float32) -> Any:
    """One part of a published pipeline, of the class `kind` of diffusers or transformers."""
    if part.startswith("tokenizer"):
        return tokenizer()
    known = published.PIPELINES[behind(name)].parts[part]
    config = dict(known.config)
    if part == "scheduler":
        return kind.from_config(config)
    with building(WORDS[part], name, known.parameters, device), torch.device(device):
        network = kind.from_config(config) if hasattr(kind, "from_config") else kind(kind.config_class(**config))
        return torch.nn.Module.to(network, dtype=dtype)  # diffusers' own warns of layers that are none of these


def pipeline(name: str, device: str, dtype: torch.dtype) -> Any:
    """A whole published pipeline."""
    import diffusers
    import transformers

    kinds = {
        "unet": diffusers.UNet2DConditionModel,
        "vae": diffusers.AutoencoderKL,
        "text_encoder": transformers.CLIPTextModel,
        "text_encoder_2": transformers.CLIPTextModelWithProjection,
        "scheduler": diffusers.DDPMScheduler,
    }
    known = published.PIPELINES[behind(name)]
    parts = {which: part(kinds[which], name, which, device, dtype) for which in known.parts}
    parts |= {which.replace("text_encoder", "tokenizer"): tokenizer() for which in parts if "text_encoder" in which}
    if known.kind == "StableDiffusionPipeline":
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return getattr(diffusers, known.kind)(**parts)


def clip(name: str, device: str) -> Any:
    """A published CLIP, both towers."""
    import open_clip

    architecture, _, tag = behind(name).partition("/")
    quick = bool((open_clip.get_pretrained_cfg(architecture, tag) or {}).get("quick_gelu"))
    with building("CLIP", name, published.CLIPS[behind(name)], device), torch.device(device):
        return open_clip.CLIP(**open_clip.get_model_config(architecture) | {"quick_gelu": quick})


def adapter(name: str, unet: Any) -> dict[str, dict[str, torch.Tensor]]:
    """An IP-Adapter for `unet`, as diffusers takes it.

    Its keys and shapes are a published file's: `image_proj`, and for each cross-attention, in the order down, up,
    middle, an odd number's `to_k_ip` and `to_v_ip` (tencent-ailab/IP-Adapter).
    """
    known = published.ADAPTERS[behind(name)]
    with building("IP-Adapter", name, known.bytes // 2, unet.device.type):
        return _adapter(known, unet)


def _adapter(known: published.Adapter, unet: Any) -> dict[str, dict[str, torch.Tensor]]:
    cross = int(unet.config.cross_attention_dim)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=unet.device, dtype=unet.dtype) * SPREAD

    project = {
        "proj.weight": random(known.tokens * cross, known.width),
        "proj.bias": random(known.tokens * cross),
        "norm.weight": 1 + random(cross),
        "norm.bias": random(cross),
    }
    attentions = [path.removesuffix(".processor") for path in unet.attn_processors if path.endswith("attn2.processor")]
    widths = [unet.get_submodule(path).to_k.out_features for path in attentions]
    attend = {
        f"{2 * place + 1}.{letter}_ip.weight": random(width, cross)
        for place, width in enumerate(widths)
        for letter in ("to_k", "to_v")
    }
    return {"image_proj": project, "ip_adapter": attend}


def tokenizer() -> Any:
    """CLIP's own tokenizer, 49,408 words and 77 tokens, from the vocabulary that open_clip brings along."""
    from open_clip.tokenizer import SimpleTokenizer
    from transformers import CLIPTokenizer

    source = SimpleTokenizer()
    *words, _, _ = source.encoder
    vocabulary = {word: place for place, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    merges = ["#version: 0.2", *(" ".join(pair) for pair in source.bpe_ranks)]
    with TemporaryDirectory() as folder:  # what it takes besides files differs between transformers 4 and 5
        Path(folder, "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
        Path(folder, "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
        return CLIPTokenizer.from_pretrained(folder, model_max_length=77)
