"""EEG as networks want it: the size that a method was fitted on, each channel at zero mean and unit variance."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo, let_go, parts
from eegbench.errors import InputError

FEW = 32  # trials
Scale = tuple[NDArray[Any], NDArray[Any]]  # mean and deviation of each channel, (channels, 1), in the EEG's unit


def scale_of(eeg: EEG) -> Scale:
    """The scale of training EEG (n, channels, times), over all trials and times; it may be larger than memory."""
    count = eeg.dtype.type(eeg.size // eeg.shape[1])
    mean = _total(part.sum(axis=(0, 2), keepdims=True) for part in parts(eeg)) / count
    squares = _total(np.square(part - mean).sum(axis=(0, 2), keepdims=True) for part in parts(eeg))
    return mean[0], np.sqrt(squares / count)[0] + 1e-12


def _total(sums: Iterator[NDArray[Any]]) -> NDArray[Any]:
    return functools.reduce(np.add, sums)


def _rows(eeg: EEG, items: NDArray[np.int64]) -> EEG:
    """A copy of some trials, a few at a time: of a file, a system holds far more around each than was asked for."""
    taken = np.empty((len(items), *eeg.shape[1:]), eeg.dtype)
    for i in range(0, len(items), FEW):
        taken[i : i + FEW] = eeg[items[i : i + FEW]]
        let_go(eeg)
    return taken


class Standardised:
    """Training EEG (n, channels, times) by its own scale, standardised as it is asked for: `trials[items]`.

    The EEG itself may lie on disk and be larger than memory.
    """

    def __init__(self, eeg: EEG, device: str) -> None:
        self.eeg, self.device, self.scale = eeg, device, scale_of(eeg)
        self.shape = eeg.shape

    def __getitem__(self, items: torch.Tensor | NDArray[np.int64] | slice) -> torch.Tensor:
        chosen = items.cpu().numpy() if isinstance(items, torch.Tensor) else items
        taken = self.eeg[chosen] if isinstance(chosen, slice) else _rows(self.eeg, chosen)
        asked = standardised(taken, self.scale).to(self.device)
        let_go(self.eeg)
        return asked

    def split(self, count: int) -> Iterator[torch.Tensor]:
        """All trials in order, `count` at once."""
        return (self[i : i + count] for i in range(0, len(self.eeg), count))


def standardised(eeg: EEG, scale: Scale, info: EEGInfo | None = None) -> torch.Tensor:
    """`eeg` by the training EEG's scale; with `info`, InputError unless it has the channels and times of that."""
    if info is not None and eeg.shape[1:] != (len(info.channels), info.times):
        wanted = f"(n, {len(info.channels)}, {info.times})"
        raise InputError(f"EEG has shape {eeg.shape}; this method was fitted on {wanted}")
    mean, std = scale
    return torch.from_numpy((eeg - mean) / std)


def info_from(facts: Mapping[str, Any]) -> EEGInfo:
    """An EEGInfo from the JSON of its fields."""
    return EEGInfo(**{**facts, "channels": tuple(facts["channels"])})
