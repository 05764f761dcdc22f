"""EEG as networks want it: the size that a method was fitted on, each channel at zero mean and unit variance."""

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo
from eegbench.errors import InputError

Scale = tuple[NDArray[Any], NDArray[Any]]  # mean and deviation of each channel, (channels, 1), in the EEG's unit


def scale_of(eeg: EEG) -> Scale:
    """Over all trials and times of training EEG (n, channels, times)."""
    return eeg.mean(axis=(0, 2), keepdims=True)[0], eeg.std(axis=(0, 2), keepdims=True)[0] + 1e-12


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
