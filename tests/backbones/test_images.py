"""Resizing, the saliency network and the target CLIP: ranges, shapes, and no dependence on the batch."""

import numpy as np
import pytest
import torch

from eegbench.arrays import Images
from eegbench.backbones.clip import Clip
from eegbench.backbones.micro.judges import stretch
from eegbench.backbones.pixels import Pixels
from eegbench.backbones.resize import brought, resize, to_float, to_uint8
from eegbench.backbones.saliency import SaliencyNetwork
from eegbench.datasets.sim_things import SimThings


@pytest.fixture(scope="module")
def images() -> Images:
    return SimThings().answers(8).images[:20]


def test_uint8_survives_the_way_to_float_and_back(images: Images) -> None:
    assert np.array_equal(to_uint8(to_float(images)), images)


def test_a_picture_of_the_right_size_is_left_alone(images: Images) -> None:
    pictures = to_float(images)
    assert resize(pictures, 64) is pictures


def test_downscaling_is_antialiased() -> None:
    checks = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(32, 32)[None, None]
    assert float((resize(checks, 16) - 0.5).abs().max()) < 0.02  # a filter without antialias would keep 0 and 1


def test_pixels_are_floats_in_range_at_425(images: Images) -> None:
    pixels = Pixels("sal512", "cpu").embed(images[:2])["pixels425"]
    assert pixels.shape == (2, 425, 425, 3) and pixels.dtype == np.float32
    assert pixels.min() >= 0 and pixels.max() <= 1


def test_a_constant_map_stretches_to_zeros() -> None:
    assert int(stretch(torch.full((1, 4, 4), 0.3)).max()) == 0


def test_maps_reach_from_0_to_255_and_point_at_the_object(images: Images) -> None:
    maps = SaliencyNetwork("pack:judges/saliency.safetensors").maps(images)
    assert maps.shape == (20, 64, 64) and maps.dtype == np.uint8
    assert (maps.min((1, 2)) == 0).all() and (maps.max((1, 2)) == 255).all()
    border = np.ones((64, 64), bool)
    border[4:-4, 4:-4] = False
    assert maps[:, border].mean() < maps[:, ~border].mean() / 2


def test_embeddings_do_not_depend_on_the_batch(images: Images) -> None:
    clip = Clip("pack:clip_target")
    together = clip.images(images)
    alone = np.concatenate([clip.images(images[i : i + 1]) for i in range(20)])
    assert together.shape == (20, 128)
    # float32 sums in another order; the contract allows 1e-5 relative to the embedding's length
    assert np.abs(together - alone).max() < 1e-5 * np.linalg.norm(together, axis=1).max()


def test_small_pictures_that_were_kept_are_the_ones_computed(images: Images) -> None:
    computed = resize(resize(to_float(images[:3]), 512), 64)
    for _ in range(2):
        assert torch.equal(brought(images[:3], 512, 64, "cpu"), computed)
    assert not torch.equal(brought(images[3:6], 512, 64, "cpu"), computed)
