"""Metrics on pixels: correlation and structural similarity at 425 px."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from eegbench.arrays import Values
from eegbench.contracts import Metric
from eegbench.metrics.checks import Array, Floats, check_pixels
from eegbench.metrics.correlation import paired_correlation

GREY = np.array([0.2125, 0.7154, 0.0721])  # the luminance weights of scikit-image's rgb2gray
SIGMA, TRUNCATE, RADIUS = 1.5, 3.5, 5  # an 11-tap window, as in Wang et al. 2004; RADIUS = int(3.5 * 1.5 + .5)
FLAT = 1e-5  # of a range of 1: a grey level is 4e-3, and resizing in float32 errs by some 1e-7
C1, C2 = 0.01**2, 0.03**2  # stabilisers for a data range of 1


@dataclass(frozen=True)
class PixelCorrelation(Metric):
    """Pearson's r over all RGB values of a pair, shape (n,); NaN where either image is one constant value.

    Pixels (n, h, w, 3), float in [0, 1]; anything else raises InputError. Symmetric.
    Source: Ozcelik and VanRullen 2023 (PixCorr), one r for each pair.
    """

    id: str = "pixcorr"
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (-1.0, 1.0)
    needs: str = "pixels425"
    per_item: bool = True

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        check_pixels(self.id, reconstructions, truths)
        r = paired_correlation(reconstructions, truths)
        r[_flat(reconstructions) | _flat(truths)] = np.nan
        return r


@dataclass(frozen=True)
class StructuralSimilarity(Metric):
    """SSIM of the grey images of a pair, shape (n,): gaussian window, population covariance, data range 1.

    Pixels (n, h, w, 3), float in [0, 1], at least 11 pixels a side; anything else raises InputError. Symmetric,
    and defined for constant images too. What scikit-image 0.20 and later computes for the field's call.
    Source: Wang et al. 2004; Ozcelik and VanRullen 2023.
    """

    id: str = "ssim"
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (-1.0, 1.0)
    needs: str = "pixels425"
    per_item: bool = True

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        return _similarities(self.id, reconstructions, truths, axes=(0, 1))


@dataclass(frozen=True)
class ColumnSimilarity(Metric):
    """The mean of the SSIMs of single image columns, shape (n,): a historical number, not a better SSIM.

    scikit-image below 0.20, told `multichannel=True` with a grey image, took columns for channels, so papers
    that used it report this: unrelated photographs reach about .6. Input and errors as for `ssim`.
    """

    id: str = "ssim_columns"
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (-1.0, 1.0)
    needs: str = "pixels425"
    per_item: bool = True

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        return _similarities(self.id, reconstructions, truths, axes=(0,))


def _flat(images: Array) -> NDArray[np.bool_]:
    """Which images (n, ...) are one value but for what resizing rounds."""
    flat: NDArray[np.bool_] = np.ptp(images.reshape(len(images), -1), axis=1) < FLAT
    return flat


def structural_similarity(first: Floats, second: Floats, axes: tuple[int, ...]) -> float:
    """SSIM of two grey images (h, w) in [0, 1] with a window along `axes` alone.

    Variances enter the formula only as a sum, so four windowed means are enough where five are usual.
    """
    mean_first, mean_second = _windowed(first, axes), _windowed(second, axes)
    squares = mean_first * mean_first + mean_second * mean_second
    product = mean_first * mean_second
    variances = _windowed(first * first + second * second, axes) - squares
    covariance = _windowed(first * second, axes) - product
    ratio = (2 * product + C1) * (2 * covariance + C2) / ((squares + C1) * (variances + C2))
    return float(np.clip(ratio.mean(), -1.0, 1.0))


def _similarities(metric: str, reconstructions: Array, truths: Array, axes: tuple[int, ...]) -> Values:
    check_pixels(metric, reconstructions, truths, smallest=2 * RADIUS + 1)
    pairs = zip(reconstructions, truths, strict=True)
    return np.array([structural_similarity(_grey(first), _grey(second), axes) for first, second in pairs])


def _grey(image: Array) -> Floats:
    grey: Floats = image.astype(np.float64, copy=False) @ GREY
    return grey


def _windowed(image: Floats, axes: tuple[int, ...]) -> Floats:
    """Gaussian means along `axes`, without the positions whose window crosses the border."""
    for axis in axes:
        inside = tuple(slice(RADIUS, -RADIUS) if axis == other else slice(None) for other in range(2))
        image = gaussian_filter1d(image, SIGMA, axis=axis, truncate=TRUNCATE)[inside]
    return image
