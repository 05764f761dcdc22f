"""Metrics on pixels: correlation and structural similarity at 425 px.

Their `pairs` are the same formulas at fewer places, so that what a whole set needs fits in memory. They serve chance
and the audit alone; no value of a run comes from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from eegbench.arrays import Values
from eegbench.contracts import Card, Laws, Metric
from eegbench.metrics.cards import BRAIN_DIFFUSER, EXACT
from eegbench.metrics.checks import Array, Floats, check_pixels
from eegbench.metrics.correlation import all_similarities, paired_correlation

GREY = np.array([0.2125, 0.7154, 0.0721])  # the luminance weights of scikit-image's rgb2gray
SIGMA, TRUNCATE, RADIUS = 1.5, 3.5, 5  # an 11-tap window, as in Wang et al. 2004; RADIUS = int(3.5 * 1.5 + .5)
FLAT = 1e-5  # of a range of 1: a grey level is 4e-3, and resizing in float32 errs by some 1e-7
C1, C2 = 0.01**2, 0.03**2  # stabilisers for a data range of 1

EVERY_PIXEL, EVERY_WINDOW, EVERY_COLUMN = 4, 16, 8  # how far apart the places lie that `pairs` looks at
TAPS = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
TAPS /= TAPS.sum()  # the window's weights along one axis
HELD = 2**18  # similarities of windows in work at once: what a processor keeps near
OLD_SKIMAGE = (
    "scikit-image below 0.20 with `multichannel=True` computed `ssim_columns`: .615 where 2-D SSIM is .439. Papers "
    "print both under the name SSIM."
)
PIXEL_TRAPS = (
    "Chance is not 0: it is the mean over all pairs that show different pictures, seen at fewer places.",
    "Torchvision resized tensors without antialias up to 0.16; uint8 tensors are rounded after each resize.",
)


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
    column: int | None = 10
    laws: Laws | None = Laws(identical=1, symmetric=True)
    card: Card | None = Card(
        "Pixel correlation",
        "mean over pairs of Pearson's r over all RGB values",
        BRAIN_DIFFUSER,
        "bilinear to 425 px, antialiased, float in [0, 1]",
        traps=("One r a pair, then the mean: one r over all pixels of all pairs is another number.", *PIXEL_TRAPS),
        tolerance=EXACT,
    )

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        check_pixels(self.id, reconstructions, truths)
        r = paired_correlation(reconstructions, truths)
        r[_flat(reconstructions) | _flat(truths)] = np.nan
        return r

    def reduced(self, features: Array) -> Array:
        """Every 4th pixel in both directions, 137 kB an image.

        Measured on 200 own and 200 other pairs of `sim-things` beside `compute`: the mean differs by .0018 and .0006,
        a pair by .008 at most.
        """
        return features[:, ::EVERY_PIXEL, ::EVERY_PIXEL].astype(np.float32)

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        r = all_similarities(reconstructions, truths, centre=True)
        r[_flat(reconstructions)[:, None] | _flat(truths)] = np.nan
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
    column: int | None = 20
    laws: Laws | None = Laws(identical=1, symmetric=True)
    card: Card | None = Card(
        "Structural similarity",
        "mean over pairs of 2-D SSIM on grey: gaussian window of sigma 1.5, population covariance, data range 1",
        f"Wang et al. 2004; {BRAIN_DIFFUSER}",
        "bilinear to 425 px, antialiased, float; scikit-image's luminance weights",
        traps=(OLD_SKIMAGE, "Grey values of 0..255 with a data range of 1 make the constants vanish.", *PIXEL_TRAPS),
        tolerance=EXACT,
    )

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        return _similarities(self.id, reconstructions, truths, axes=(0, 1))

    def reduced(self, features: Array) -> Array:
        """Windows at every 16th position in both directions, 330 kB an image.

        Measured as for `pixcorr`: the mean differs by .0003 and .0002, a pair by .012 at most, by .003 on average.
        """
        steps, weights = (EVERY_WINDOW, EVERY_WINDOW), np.outer(TAPS, TAPS)
        return np.stack([_windows(_grey(image), weights, steps) for image in features])

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        return _similarities_of_pairs(reconstructions, truths)


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
    column: int | None = 30
    laws: Laws | None = Laws(identical=1, symmetric=True)
    card: Card | None = Card(
        "Structural similarity of columns",
        "mean over pairs of the mean of the 1-D SSIMs of image columns",
        "what scikit-image below 0.20 computed for the field's call",
        "as ssim",
        traps=("A historical number: unrelated photographs reach about .6.", OLD_SKIMAGE),
        tolerance=EXACT,
    )

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        return _similarities(self.id, reconstructions, truths, axes=(0,))

    def reduced(self, features: Array) -> Array:
        """Windows from every 16th row of every 8th column, 67 kB an image.

        Measured as for `pixcorr`: the mean differs by .0014 and .0012, a pair by .013 at most, by .003 on average.
        """
        steps, weights = (EVERY_WINDOW, EVERY_COLUMN), TAPS[:, None]
        return np.stack([_windows(_grey(image), weights, steps) for image in features])

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        return _similarities_of_pairs(reconstructions, truths)


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


def _windows(grey: Floats, weights: Floats, steps: tuple[int, int]) -> NDArray[np.float32]:
    """Of every so many-eth window (places, 1 + taps): its weighted mean, and its deviations times the weights' roots.

    Products of such deviations sum to a covariance, squares to a variance.
    """
    windows = sliding_window_view(grey, weights.shape)[:: steps[0], :: steps[1]].reshape(-1, weights.size)
    means = windows @ weights.ravel()
    deviations = (windows - means[:, None]) * np.sqrt(weights.ravel())
    return np.column_stack([means, deviations]).astype(np.float32)


def _similarities_of_pairs(first: Array, second: Array) -> Values:
    """SSIM of each of `first` (b, places, 1 + taps) and each of `second` (m, places, 1 + taps), (b, m)."""
    total, places = np.zeros((len(first), len(second))), first.shape[1]
    step = max(1, HELD // total.size)
    for start in range(0, places, step):
        part = slice(start, start + step)
        a, b = (side[:, part].astype(np.float32).transpose(1, 0, 2) for side in (first, second))
        means, other_means = a[:, :, :1], b[:, :, :1].transpose(0, 2, 1)
        deviations, other_deviations = a[:, :, 1:], b[:, :, 1:]
        variances = (deviations**2).sum(axis=2)[:, :, None] + (other_deviations**2).sum(axis=2)[:, None]
        ratio = 2 * (deviations @ other_deviations.transpose(0, 2, 1)) + C2
        ratio *= 2 * means * other_means + C1
        ratio /= (means**2 + other_means**2 + C1) * (variances + C2)
        total += ratio.sum(axis=0, dtype=np.float64)
    similarities: Values = np.clip(total / places, -1.0, 1.0)
    return similarities


def _grey(image: Array) -> Floats:
    grey: Floats = image.astype(np.float64, copy=False) @ GREY
    return grey


def _windowed(image: Floats, axes: tuple[int, ...]) -> Floats:
    """Gaussian means along `axes`, without the positions whose window crosses the border."""
    for axis in axes:
        inside = tuple(slice(RADIUS, -RADIUS) if axis == other else slice(None) for other in range(2))
        image = gaussian_filter1d(image, SIGMA, axis=axis, truncate=TRUNCATE)[inside]
    return image


METRICS: tuple[Metric, ...] = (
    PixelCorrelation(),
    StructuralSimilarity(),
    ColumnSimilarity(),
)
