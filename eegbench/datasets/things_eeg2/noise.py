"""Multivariate noise normalisation: the noise of channels is decorrelated and brought to one variance.

As in Gifford and others, NeuroImage 264:119754, 2022; code: gifale95/eeg_encoding, preprocessing_utils.py.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eegbench.errors import InputError

Over = Literal["epochs", "time"]


def covariance(epochs: NDArray[np.floating], over: Over) -> NDArray[np.float64]:
    """The noise covariance (channels, channels) of one condition, from its epochs (repetitions, channels, times).

    "time": across repetitions at every time point, averaged over time; InputError if there is only one.
    "epochs": over time in every repetition, averaged over repetitions. Sums are divided by the number of samples, not
    by one less, so two repetitions across give half the variance. In the unit of the epochs, squared.
    """
    if over == "time" and len(epochs) < 2:
        raise InputError("a covariance across repetitions needs 2 repetitions or more; came 1: take it over epochs")
    samples = np.moveaxis(epochs, 2, 0) if over == "time" else np.moveaxis(epochs, 2, 1)
    mean: NDArray[np.float64] = np.mean([_shrunk(part) for part in samples.astype(np.float64)], axis=0)
    return mean


def _shrunk(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance of `samples` (n, channels), shrunk: of standardised channels by Ledoit-Wolf, then scaled back.

    What scikit-learn's private `discriminant_analysis._cov` gives with shrinkage "auto", as the published code has it.
    """
    from sklearn.covariance import ledoit_wolf

    centred = samples - samples.mean(0)
    scale = centred.std(0)
    scale[scale <= 10 * np.finfo(float).eps * np.abs(samples).max(0)] = 1  # a constant channel, but for rounding
    shrunk: NDArray[np.float64] = scale[:, None] * ledoit_wolf(centred / scale)[0] * scale
    return shrunk


def whitener(sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """sigma^(-1/2), symmetric, for a noise covariance (channels, channels): `whitener(sigma) @ epochs` is whitened.

    Raises InputError where sigma is not positive definite beyond rounding.
    """
    values, vectors = np.linalg.eigh(sigma)
    if not values[0] > len(sigma) * np.finfo(float).eps * values[-1]:
        raise InputError(
            f"noise covariance of {len(sigma)} channels: its eigenvalues go from {values[0]:.3g} to {values[-1]:.3g}; "
            "wanted all well above zero: channels depend on each other; prepare without noise normalisation"
        )
    white: NDArray[np.float64] = (vectors / np.sqrt(values)) @ vectors.T
    return white
