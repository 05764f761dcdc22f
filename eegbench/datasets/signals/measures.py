"""Measures of EEG by trial and channel, in which faults can be found."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

COPY = 1 - 1e-5  # |r| of a copy: neighbouring electrodes stay below .999, rounding to float32 above .9999999
ROUNDING = 4 * float(np.finfo(np.float32).eps)  # of a constant, as a share of its size
LARGE = 1e15  # the square of what is larger does not fit float32


@dataclass(frozen=True, eq=False)
class Measures:
    """Measures of EEG (n, channels, times), in the EEG's own unit; n trials, or n stretches of a recording."""

    times: int
    bad: Array  # (n, channels): how many samples are NaN or infinite
    spread: Array  # (n, channels): standard deviation over time; 0 where there is nothing but rounding
    high: Array  # (n, channels): the highest value
    low: Array  # (n, channels)
    highest: Array  # (n, channels): how many samples have the highest value
    lowest: Array  # (n, channels)
    together: Array  # (channels, channels): covariance within trials, each trial weighing the same
    alike: Array  # (channels, channels): in how many trials two channels are copies
    keys: tuple[bytes, ...]  # a digest of each trial's bytes; none where they were not asked for


class Measuring:
    """Adds up the measures of EEG that comes part by part; the parts themselves are not kept."""

    def __init__(self, *, keys: bool) -> None:
        self._parts: list[tuple[Array, ...]] = []
        self._keys: list[bytes] | None = [] if keys else None
        self._together: Array | float = 0.0
        self._alike: Array | int = 0
        self._times = 0

    def add(self, block: Array) -> None:
        """The next trials, floats (n, channels, times)."""
        self._times = block.shape[2]
        if self._keys is not None:
            self._keys += [hashlib.sha256(np.ascontiguousarray(trial).data).digest() for trial in block]
        finite = np.isfinite(block)
        bad = np.zeros(block.shape[:2], np.int32) if finite.all() else np.count_nonzero(~finite, axis=2)
        block = np.where(finite, block, 0) if bad.any() else block
        high, low = block.max(2), block.min(2)
        size = np.maximum(high, -low)
        if block.dtype == np.float32 and size.max(initial=0) > LARGE:
            block = block.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            spread = self._spread(block, size)
        at = (np.count_nonzero(block == edge[..., None], axis=2) for edge in (high, low))
        self._parts.append((bad, spread, high, low, *at))

    def _spread(self, block: Array, size: Array) -> Array:
        """Standard deviations (n, channels); what the channels have in common is added up on the way."""
        deviation = block - block.mean(2, keepdims=True)
        products = deviation @ deviation.transpose(0, 2, 1)
        variance = np.maximum(np.einsum("ncc->nc", products), 0).astype(np.float64) / block.shape[2]
        variance[variance <= (ROUNDING * size.astype(np.float64)) ** 2] = 0
        spread: Array = np.sqrt(variance)
        weight = np.divide(1, variance.mean(1), out=np.zeros(len(block)), where=variance.mean(1) > 0)
        self._together = self._together + np.einsum("n,ncd->cd", weight, products.astype(np.float64))
        scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
        products *= scale[:, :, None] * scale[:, None, :] / block.shape[2]
        self._alike = self._alike + np.count_nonzero(np.abs(products) >= COPY, axis=0)
        return spread

    def measures(self) -> Measures:
        bad, spread, high, low, highest, lowest = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        return Measures(
            self._times, bad, spread.astype(np.float64), high, low, highest, lowest,
            np.asarray(self._together), np.asarray(self._alike), tuple(self._keys or ()),
        )  # fmt: skip
