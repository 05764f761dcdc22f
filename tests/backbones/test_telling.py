"""Networks say what they do to the progress that asked, and to nobody else."""

from typing import Any

import numpy as np
import pytest
import torch

from eegbench.backbones import telling
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import SAMPLERS, Generator, Sampling
from eegbench.backbones.pipeline import Painter
from eegbench.backbones.saliency import SaliencyNetwork

IMAGES = np.zeros((3, 64, 64, 3), np.uint8)


def test_long_looks_at_images_and_texts_have_bars(heard: Any) -> None:
    with telling.telling(heard):
        clip = Clip("pack:clip_target")
        clip.images(IMAGES)
        clip.texts(["a", "b"])
        Generator("pack:generator").encode(IMAGES)
        SaliencyNetwork("pack:judges/saliency.safetensors").maps(IMAGES)
    assert heard.labels == [
        "CLIP embeddings of images", "CLIP embeddings of texts", "latents of images", "saliency maps of images",
    ]  # fmt: skip
    assert heard.done == heard.totals == [3, 2, 3, 3]


def test_nothing_is_said_outside_and_weights_of_the_pack_are_loaded_in_silence(heard: Any) -> None:
    with telling.telling(heard), telling.loading("CLIP", "pack:clip_target"):
        pass
    Clip("pack:clip_target").images(IMAGES)
    assert heard.labels == []
    with telling.telling(heard), telling.loading("generator", "stabilityai/sdxl-turbo"):
        pass
    assert heard.labels == ["load generator stabilityai/sdxl-turbo"]


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_step_of_a_sampler_counts_also_where_a_picture_is_drawn_over(heard: Any, name: str) -> None:
    painter = Painter("blank:tiny")
    tokens, sampling = torch.zeros(1, 2, 16), Sampling(name, steps=4)
    with telling.telling(heard):
        painter.paint(tokens=tokens, null=tokens, seeds=[1], sampling=sampling)
        start = torch.zeros(1, 4, 4, 4)
        painter.paint(tokens=tokens, null=tokens, seeds=[1], sampling=sampling, start=start, strength=0.6)
        Generator("blank:tiny").sample(tokens, null=tokens, seeds=[1], sampling=sampling)
    steps = [place for place, label in enumerate(heard.labels) if label == "steps of the sampler"]
    assert len(steps) == 3 and heard.totals[steps[1]] < heard.totals[steps[0]]
    assert [heard.done[place] for place in steps] == [heard.totals[place] for place in steps]
