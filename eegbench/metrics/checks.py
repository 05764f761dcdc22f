"""What the metrics accept: one checker for each kind of input. Each returns its arrays or raises InputError."""

import numpy as np
from numpy.typing import NDArray

from eegbench.errors import InputError

Array = NDArray[np.generic]
Floats = NDArray[np.float64]

# A resize in float32 may overshoot 1 by a few units in its last place (6e-8 each).
RANGE_SLACK = 1e-6
# The sum of a float32 softmax over a thousand classes strays from 1 by less than 1e-4; logits miss by far more.
SUM_SLACK = 1e-3


def check_pairs(metric: str, reconstructions: Array, truths: Array, *, least: int = 1, ndim: int | None = None) -> None:
    """Raise InputError unless both sides have the same shape, at least `least` items and, if given, `ndim` axes."""
    shapes = f"reconstructions have shape {reconstructions.shape}, truths {truths.shape}"
    if reconstructions.shape != truths.shape or truths.ndim < 2 or 0 in truths.shape[1:]:
        raise InputError(f"{metric}: {shapes}; wanted the same shape (n, ...), row i of both for the same item")
    if ndim is not None and truths.ndim != ndim:
        raise InputError(f"{metric}: {shapes}; wanted arrays with {ndim} axes")
    if len(truths) < least:
        raise InputError(f"{metric}: {len(truths)} items came; wanted at least {least}")


def check_pixels(metric: str, reconstructions: Array, truths: Array, *, smallest: int = 1) -> None:
    """Raise InputError unless both sides are float32 or float64 (n, h, w, 3) in [0, 1], `smallest` pixels or more."""
    check_pairs(metric, reconstructions, truths, ndim=4)
    for side, pixels in (("reconstructions", reconstructions), ("truths", truths)):
        if pixels.dtype not in (np.float32, np.float64) or pixels.shape[-1] != 3:
            raise InputError(
                f"{metric}: {side} are {pixels.dtype} {pixels.shape}; wanted float32 or float64 (n, h, w, 3)"
            )
        low, high = float(np.min(pixels)), float(np.max(pixels))
        if not (low >= -RANGE_SLACK and high <= 1 + RANGE_SLACK):
            raise InputError(f"{metric}: {side} reach from {low:g} to {high:g}; wanted [0, 1]: divide uint8 by 255")
    if min(truths.shape[1:3]) < smallest:
        raise InputError(
            f"{metric}: images are {truths.shape[1]} x {truths.shape[2]}; wanted {smallest} pixels or more"
        )


def check_maps(metric: str, reconstructions: Array, truths: Array) -> None:
    """Raise InputError unless both sides are uint8 (n, h, w)."""
    check_pairs(metric, reconstructions, truths, ndim=3)
    for side, maps in (("reconstructions", reconstructions), ("truths", truths)):
        if maps.dtype != np.uint8:
            raise InputError(f"{metric}: maps of {side} are {maps.dtype}; wanted uint8 (n, h, w), 255 = most salient")


def check_features(metric: str, side: str, features: Array, *, least: int) -> Floats:
    """Features as finite float64 (n, d) with n at least `least`; else raise InputError."""
    if features.ndim != 2 or len(features) < least or not features.size:
        raise InputError(f"{metric}: {side} have shape {features.shape}; wanted (n, d) with n at least {least}")
    values = np.asarray(features, dtype=np.float64)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).any(axis=1).sum())
        raise InputError(f"{metric}: {bad} of {len(values)} {side} have NaN or infinite features; check the judge")
    return values


def check_probabilities(metric: str, side: str, probabilities: Array, *, least: int) -> Floats:
    """Probabilities as float64 (n, K), each row summing to 1 exactly; else raise InputError."""
    values = check_features(metric, side, probabilities, least=least)
    totals = values.sum(axis=1, keepdims=True)
    if (values < 0).any() or (np.abs(totals - 1) > SUM_SLACK).any():
        raise InputError(f"{metric}: rows of {side} are not probabilities (negative, or sum off 1); apply a softmax")
    normalised: Floats = values / totals
    return normalised
