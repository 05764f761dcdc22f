"""The kinds of images that public calls take, and what is said of others."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from eegbench.api.images import images_of
from eegbench.errors import InputError

IMAGES = np.random.default_rng(0).integers(256, size=(3, 8, 10, 3)).astype(np.uint8)
TENSOR = torch.from_numpy(IMAGES).permute(0, 3, 1, 2)
NAMES = ("a/1", "a/2", "b/1")

KINDS: dict[str, Any] = {
    "an array": IMAGES,
    "a tensor": TENSOR,
    "a tensor that gradients go through": TENSOR.clone().requires_grad_(False),
    "a list of arrays": list(IMAGES),
    "a tuple of tensors": tuple(TENSOR),
    "PIL images": [Image.fromarray(image) for image in IMAGES],
    "PIL images with alpha that hides nothing": [Image.fromarray(image).convert("RGBA") for image in IMAGES],
    "images of several kinds": [IMAGES[0], TENSOR[1], Image.fromarray(IMAGES[2])],
    "an array that lies otherwise": np.asfortranarray(IMAGES),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_pictures(kind: str) -> None:
    (found,) = images_of("images", KINDS[kind]).sets()
    assert found.stimuli == ("00000", "00001", "00002")
    assert all((one == other).all() for one, other in zip(found.load([0, 1, 2]), IMAGES, strict=True))


def test_images_may_differ_in_size() -> None:
    (found,) = images_of("images", [IMAGES[0], IMAGES[1][:5]]).sets()
    assert [picture.shape for picture in found.load([0, 1])] == [(8, 10, 3), (5, 10, 3)]


def test_a_dict_has_ids_and_a_further_sample_is_known_by_its_name() -> None:
    first, second = images_of("images", {"b": IMAGES[0], "b.sample-1": IMAGES[1]}).sets()
    assert first.stimuli == second.stimuli == ("b",)
    assert (second.load([0])[0] == IMAGES[1]).all()


def test_a_sample_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match=r"images: no image of stimulus 'b', sample 1; there: sample 0"):
        images_of("images", {"a": IMAGES[0], "a.sample-1": IMAGES[1], "b": IMAGES[2]}).sets()


def test_images_without_ids_take_those_of_the_truths_and_as_many() -> None:
    assert images_of("images", IMAGES).sets(NAMES)[0].stimuli == NAMES
    with pytest.raises(InputError, match="2 images came; wanted 3"):
        images_of("images", IMAGES[:2]).sets(NAMES)


def test_a_copy_is_the_callers_no_more() -> None:
    own = IMAGES.copy()
    kept = images_of("images", own, copy=True).sets()[0]
    own[:] = 0
    assert (kept.load([1])[0] == IMAGES[1]).all()


FLOATS = IMAGES / 255
ARRAYS = '(images.clip(0, 1) * 255).round().astype("uint8") converts values from 0 to 1'
TENSORS = "images.clamp(0, 1).mul(255).round().byte() converts values from 0 to 1"
REFUSED: dict[str, tuple[Any, str]] = {
    "floats": (FLOATS, ARRAYS),
    "floats of torch": (TENSOR / 255, TENSORS),
    "half floats of torch": (TENSOR.bfloat16(), TENSORS),
    "a list of floats": (list(FLOATS), f"image 0: float64 of shape (8, 10, 3) came; wanted uint8 (h, w, 3): {ARRAYS}"),
    "whole numbers of another type": (IMAGES.astype(int), "images: int64 of shape (3, 8, 10, 3) came; wanted uint8"),
    "channels first": (IMAGES.transpose(0, 3, 1, 2), "images.transpose(0, 2, 3, 1) brings them there"),
    "channels last of torch": (torch.from_numpy(IMAGES), "images.permute(0, 3, 1, 2) brings them there"),
    "one image": (IMAGES[0], "one image goes in a list, [image]"),
    "one image of torch": (TENSOR[0], "one image goes in a list, [image]"),
    "grey images": (IMAGES[..., 0], "np.stack([images] * 3, axis=-1) makes them of grey ones"),
    "four channels": (np.concatenate([IMAGES, IMAGES[..., :1]], axis=3), "uint8 of shape (3, 8, 10, 4) came"),
    "a PIL image of floats": ([Image.fromarray(FLOATS[0, ..., 0])], 'mode F; wanted 8-bit RGB: image.convert("RGB")'),
    "see-through parts": ([Image.new("RGBA", (4, 4), (1, 2, 3, 100))], "is see-through in parts"),
    "one pixel": (IMAGES[:, :1], "image 0 has 10 x 1 pixels; at least 2 a side"),
    "words": (["a.png"], "image 0 is a str; wanted a PIL image"),
    "nothing": ([], "no image came"),
    "None": (None, "images are None; wanted a uint8 array"),
    "a number": (3, "images are a int; wanted a uint8 array"),
    "bytes": (b"PNG", "images are a bytes"),
    "an id that leads out": ({"../a": IMAGES[0]}, "the stimulus id '../a' names no file"),
    "an id that is a number": ({1: IMAGES[0]}, "the stimulus id 1 names no file"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_another_kind_is_refused_in_one_line_that_mends_it(case: str) -> None:
    images, message = REFUSED[case]
    with pytest.raises(InputError) as raised:
        images_of("images", images).sets()
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_the_lines_that_convert_floats_do() -> None:
    assert (eval(ARRAYS.partition(" converts")[0], {"images": FLOATS}) == IMAGES).all()
    assert (eval(TENSORS.partition(" converts")[0], {"images": TENSOR / 255}) == TENSOR).all()
