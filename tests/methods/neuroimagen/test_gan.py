"""NeuroImagen's pixel level: the published terms as formulas, and a GAN that learns which picture belongs to what."""

import numpy as np
import pytest
import torch

from eegbench.contracts import Silent
from eegbench.methods.neuroimagen.gan import (
    Discriminator,
    GanSettings,
    PictureGenerator,
    augmented,
    fit_gan,
    global_ssim,
)
from eegbench.methods.training import Training

QUICK = GanSettings(size=8, noise=4, channels=8, steps=300, batch=16, rate=2e-3)


def test_global_ssim_is_one_for_equal_pictures_and_follows_its_formula() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 3, 3, 8, 8)).astype(np.float32)
    torch.testing.assert_close(global_ssim(*map(torch.from_numpy, (a, a))), torch.ones(3))
    x, y = a[0].astype(np.float64).ravel(), b[0].astype(np.float64).ravel()
    cov = ((x - x.mean()) * (y - y.mean())).mean()
    above = (2 * x.mean() * y.mean() + 1e-4) * (2 * cov + 9e-4)
    below = (x.mean() ** 2 + y.mean() ** 2 + 1e-4) * (x.var() + y.var() + 9e-4)
    assert float(global_ssim(*map(torch.from_numpy, (a, b)))[0]) == pytest.approx(above / below, rel=1e-4)


def test_augmenting_keeps_shapes_changes_pictures_and_lets_gradients_through() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(6, 3, 16, 16, requires_grad=True)
    changed = augmented(pictures)
    assert changed.shape == pictures.shape and not torch.allclose(changed, pictures)
    changed.sum().backward()  # type: ignore[no-untyped-call]
    assert pictures.grad is not None and bool((pictures.grad != 0).any())


def test_a_cut_out_is_as_large_as_half_the_side_at_most() -> None:
    torch.manual_seed(0)
    black = (augmented(torch.ones(64, 3, 16, 16)) == 0).all(1).float()
    cut = black.sum((1, 2))
    assert float(cut.max()) <= 16 * 16 * (0.25 + 2 * 2 / 16) and float(cut.max()) > 0


@pytest.mark.parametrize("size", [8, 16, 32])
def test_pictures_have_the_size_that_was_set(size: int) -> None:
    settings = GanSettings(size=size, noise=4, channels=8)
    pictures = PictureGenerator(5, settings)(torch.zeros(2, 5), torch.zeros(2, 4)).detach()
    assert pictures.shape == (2, 3, size, size) and float(pictures.min()) >= 0 and float(pictures.max()) <= 1
    assert Discriminator(5, settings)(pictures, torch.zeros(2, 5)).shape == (2,)


def test_the_generator_learns_which_picture_belongs_to_what() -> None:
    told = torch.eye(2).repeat(32, 1)
    left = torch.full((3, 8, 8), 0.2)
    left[:, :, :4] = 0.8
    pictures = torch.stack([left, left.flip(2)]).repeat(32, 1, 1, 1)
    generator = fit_gan(Training(0, Silent()), told, np.arange(64), pictures, QUICK)
    with torch.no_grad():
        drawn = generator(torch.eye(2), torch.zeros(2, 4))
    halves = drawn[..., :4].mean((1, 2, 3)) - drawn[..., 4:].mean((1, 2, 3))
    assert float(halves[0]) > 0.3 and float(halves[1]) < -0.3
