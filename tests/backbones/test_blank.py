"""Published networks without weights: as large as they are said to be, and of use on a device that holds numbers."""

import itertools

import numpy as np
import pytest
import torch

from eegbench.backbones import blank, published_configs
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import Generator, Sampling
from eegbench.backbones.pipeline import Painter
from eegbench.backbones.published_configs import Adapter, Part, Pipeline
from eegbench.errors import UsageError

SMALL = {"block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 8}
UNET = SMALL | {
    "sample_size": 4,
    "cross_attention_dim": 16,
    "attention_head_dim": (2, 4),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
}
VAE = SMALL | {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
TEXT = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
TINY = Pipeline(
    "StableDiffusionPipeline",
    "made up",
    {
        "unet": Part(UNET),
        "vae": Part(VAE),
        "text_encoder": Part(TEXT | {"bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 49407}),
        "scheduler": Part({"beta_schedule": "scaled_linear"}),
    },
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(published_configs.PIPELINES, "tiny", TINY)
    monkeypatch.setitem(published_configs.ADAPTERS, "tiny_adapter", Adapter(width=8, tokens=4, bytes=0, source=""))


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("name", ["ViT-H-14/laion2b_s32b_b79k", "ViT-L-14/openai"])
def test_clip_has_as_many_parameters_as_are_counted_in_the_real_files(name: str) -> None:
    clip = Clip(f"blank:{name}", "meta")
    assert count(clip.model) == published_configs.CLIPS[name]
    assert clip.size == 224
    assert clip.mean == (0.48145466, 0.4578275, 0.40821073)


def test_openais_clip_has_its_own_activation() -> None:
    quick, plain = (
        {type(m).__name__ for m in blank.clip(f"blank:{name}", "meta").modules()}
        for name in ("ViT-L-14/openai", "ViT-H-14/laion2b_s32b_b79k")
    )
    assert "QuickGELU" in quick and "QuickGELU" not in plain


def test_the_tokenizer_is_clips() -> None:
    # Numbers as openai/CLIP's own tokenizer gives them.
    assert blank.tokenizer()(["a dog"])["input_ids"] == [[49406, 320, 1929, 49407]]
    assert len(blank.tokenizer()) == 49408


def test_an_adapter_has_the_published_keys_in_the_published_order() -> None:
    with torch.device("meta"):
        unet = blank.part(_unet(), "blank:stabilityai/sdxl-turbo", "unet", "meta")
    state = blank.adapter("blank:ip_adapter_sdxl_vit_h", unet)
    assert {key: tuple(value.shape) for key, value in state["image_proj"].items()} == {
        "proj.weight": (8192, 1024),
        "proj.bias": (8192,),
        "norm.weight": (2048,),
        "norm.bias": (2048,),
    }
    keys = list(state["ip_adapter"])
    assert keys[:3] == ["1.to_k_ip.weight", "1.to_v_ip.weight", "3.to_k_ip.weight"]
    assert keys[-1] == "139.to_v_ip.weight"
    # Widths of down, up and middle blocks as IP-Adapter's own code counts them.
    widths = [(width, len(list(group))) for width, group in itertools.groupby(v.shape[0] for v in _weights(state))]
    assert widths == [(640, 8), (1280, 40 + 60), (640, 12), (1280, 20)]


def _unet() -> type:
    import diffusers

    return diffusers.UNet2DConditionModel  # type: ignore[no-any-return]


def _weights(state: dict[str, dict[str, torch.Tensor]]) -> list[torch.Tensor]:
    return list(state["ip_adapter"].values())


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match="unknown published network 'sdxl-turb'.*stabilityai/sdxl-turbo"):
        Generator("blank:sdxl-turb", "meta")


def test_a_blank_generator_draws_and_its_images_are_those_of_their_seeds() -> None:
    generator = Generator("blank:tiny")
    tokens, null = generator.text_tokens(["one", "two"]), generator.text_tokens([""])
    drawn = generator.sample(tokens, null=null, seeds=[1, 2], sampling=Sampling(steps=2))
    alone = generator.sample(tokens[1:], null=null, seeds=[2], sampling=Sampling(steps=2))
    assert drawn.shape == (2, 8, 8, 3)
    assert np.abs(drawn[1].astype(int) - alone[0].astype(int)).max() <= 1  # float32 sums differ with the batch


@pytest.mark.parametrize("size", [0, 16])
def test_a_blank_painter_wears_an_adapter_and_draws_at_the_size_that_is_wanted(size: int) -> None:
    painter = Painter("blank:tiny", "blank:tiny_adapter", size=size)
    sampling = Sampling(steps=2, guidance=0.0)
    drawn = painter.paint(told=torch.randn(1, 8), seeds=[1], sampling=sampling)
    assert drawn.shape == (1, size or 8, size or 8, 3)
    start = painter.latents(drawn)
    assert painter.paint(told=torch.randn(1, 8), seeds=[1], sampling=sampling, start=start).shape == drawn.shape


def test_a_size_that_the_autoencoder_cannot_give_is_refused() -> None:
    with pytest.raises(UsageError, match="size is 15 px; wanted a multiple of 2"):
        Painter("blank:tiny", size=15)
