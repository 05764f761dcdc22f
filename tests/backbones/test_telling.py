"""Networks say what they do to the progress that asked, and to nobody else."""

from typing import Any

import numpy as np

from eegbench.backbones import telling
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import Generator
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
