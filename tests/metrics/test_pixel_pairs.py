"""All pairs of metrics of pixels: the same formulas at fewer places, near to what all places give."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import zoom

from eegbench.metrics import METRICS

N, SIDE = 5, 425
NEAR = 0.03  # the largest of 400 measured differences on scenes is .013


@pytest.fixture(scope="module")
def pictures() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scenes of 64 px as a judge sees them, and reconstructions that share half with their own."""
    rng = np.random.default_rng(0)
    coarse = rng.random((2, N, 8, 8, 3))
    truths = np.stack([zoom(one, (SIDE / 8, SIDE / 8, 1), order=1) for one in coarse[0]])
    others = np.stack([zoom(one, (SIDE / 8, SIDE / 8, 1), order=1) for one in coarse[1]])
    return ((truths + others) / 2).astype(np.float32), truths.astype(np.float32)


@pytest.mark.parametrize("name", ["pixcorr", "ssim", "ssim_columns"])
def test_each_pair_is_near_to_compute(name: str, pictures: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    metric, (made, truths) = METRICS[name], pictures
    kept = [metric.reduced(side) for side in (made, truths)]
    assert all(side.nbytes < 350_000 * N for side in kept)  # of 2 MB an image
    got = metric.pairs(*kept, stimuli=list("abcde"))
    for shift in (0, 2):
        turned = np.roll(np.arange(N), shift)
        np.testing.assert_allclose(got[np.arange(N), turned], metric.compute(made, truths[turned]), rtol=0, atol=NEAR)


@pytest.mark.parametrize("name", ["ssim", "ssim_columns"])
def test_one_window_is_the_whole_formula(name: str) -> None:
    """Where there is one position the few places are all places."""
    metric, side = METRICS[name], (3, 11, 11 if name == "ssim" else 1, 3)
    made, truths = (np.random.default_rng(seed).random(side) for seed in (1, 2))
    if name == "ssim_columns":  # a constant column for each of eight
        made, truths = (np.repeat(one, 11, axis=2) for one in (made, truths))
    got = metric.pairs(metric.reduced(made), metric.reduced(truths), stimuli=list("abc"))
    np.testing.assert_allclose(got.diagonal(), metric.compute(made, truths), rtol=0, atol=1e-6)  # kept in float32


def test_a_flat_picture_correlates_with_none() -> None:
    metric, images = METRICS["pixcorr"], np.random.default_rng(0).random((3, 20, 20, 3))
    images[1] = 0.5
    got = metric.pairs(metric.reduced(images), metric.reduced(images), stimuli=list("abc"))
    assert np.isnan(got).tolist() == [[False, True, False], [True] * 3, [False, True, False]]


def test_similarity_looks_at_some_pixels_of_large_maps_alone() -> None:
    metric = METRICS["sim"]
    maps = np.random.default_rng(0).integers(256, size=(3, 12, 16)).astype(np.uint8)
    assert metric.reduced(maps).shape == maps.shape
    large = np.stack([zoom(one, 40, order=1) for one in maps])
    kept = metric.reduced(large)
    assert kept[0].size <= 2**14 < large[0].size
    got = metric.pairs(kept, kept, stimuli=list("abc"))
    np.testing.assert_allclose(got[0, 1], metric.compute(large[:1], large[1:2])[0], rtol=0, atol=0.01)
