"""The vocabulary: what EEG, image and map arrays are, a checker for each, and EEG that is larger than memory."""

import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.errors import InputError, short

EEG = NDArray[np.float32]  # (n, channels, times)
Images = NDArray[np.uint8]  # (n, h, w, 3), sRGB
Maps = NDArray[np.uint8]  # (n, h, w), a saliency map, 255 = most salient
Values = NDArray[np.float64]  # (n,) per item or () for a set

AT_ONCE = 2**26  # bytes of EEG that are worked on at once
UNITS = ("V", "whitened", "z-scored", "unstated", "embedding")


@dataclass(frozen=True)
class EEGInfo:
    """The facts of an EEG array: channel names, rate in Hz, start in s from stimulus onset, unit.

    "z-scored" is in standard deviations, as the publisher took them; "unstated" is a unit that no publisher names.
    The unit "embedding" says that published EEG embeddings stand in the EEG's place, as (n, 1, d): one channel, whose
    "times" are coordinates, with no rate and no start.
    """

    channels: tuple[str, ...]
    rate: float
    start: float
    times: int
    unit: str = "V"

    def __post_init__(self) -> None:
        """Numbers of numpy become Python's. Raises InputError naming the field that is not as it should be."""
        for name in ("rate", "start", "times"):
            if isinstance(value := getattr(self, name), np.generic):
                object.__setattr__(self, name, value.item())
        if not isinstance(self.unit, str) or self.unit not in UNITS:
            raise InputError(f"EEG unit is {short(self.unit)}; it must be one of: {', '.join(UNITS)}")
        names = self.channels
        if not (isinstance(names, tuple) and names and all(isinstance(name, str) and name.strip() for name in names)):
            raise InputError(f"EEG channels are {short(names)}; wanted a tuple of their names")
        if len(set(names)) < len(names):
            twice = next(name for place, name in enumerate(names) if name in names[:place])
            raise InputError(f"EEG channels have the name {twice!r} twice; each has one of its own")
        least = 0.0 if self.unit == "embedding" else math.ulp(0.0)
        if not (_is_number(self.rate) and least <= self.rate < math.inf):
            raise InputError(f"EEG rate is {short(self.rate)}; wanted a number of Hz above 0")
        if not (_is_number(self.start) and math.isfinite(self.start)):
            raise InputError(f"EEG start is {short(self.start)}; wanted a number of s from stimulus onset")
        if not (isinstance(self.times, int) and _is_number(self.times) and self.times >= 1):
            raise InputError(f"EEG times is {short(self.times)}; wanted how many samples a trial has, not their times")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def parts(eeg: EEG) -> Iterator[EEG]:
    """The trials in order, as many at once as take 64 MB; those before are let go."""
    count = max(1, AT_ONCE // max(1, eeg[:1].nbytes))
    for i in range(0, len(eeg), count):
        yield eeg[i : i + count]
        let_go(eeg)


def let_go(eeg: NDArray[Any]) -> None:
    """Free the memory of what was read of an array on disk; other arrays are left as they are.

    So is an array that can be written to: changes in a copy-on-write mapping are nowhere else.
    """
    mapping = _mapping(eeg)
    if mapping is not None and memoryview(mapping).readonly and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def on_disk(eeg: NDArray[Any]) -> bool:
    """Whether the array, or what it is a view of, is a memory-mapped file."""
    return _mapping(eeg) is not None


def _mapping(eeg: NDArray[Any]) -> mmap.mmap | None:
    base: object = eeg
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def check_eeg(eeg: EEG, info: EEGInfo, *, expected: EEGInfo | None = None) -> EEG:
    """Return `eeg` if it is float32 (n, channels, times), finite, and as `info` says; else raise InputError.

    With `expected` (what a model was fitted on), channels, rate, start and unit must agree too: the wrong
    channel order fails silently otherwise.
    """
    wanted = (len(info.channels), info.times)
    if eeg.ndim != 3 or eeg.shape[1:] != wanted:
        raise InputError(f"EEG has shape {eeg.shape}; wanted (n, {wanted[0]} channels, {wanted[1]} times)")
    if eeg.dtype != np.float32:
        raise InputError(f"EEG is {eeg.dtype}; wanted float32: convert it with .astype('float32')")
    count, channels = 0, np.zeros(len(info.channels), bool)
    for part in parts(eeg):
        bad = ~np.isfinite(part)
        count += int(bad.any(axis=(1, 2)).sum())
        channels |= bad.any(axis=(0, 2))
    if count:
        named = ", ".join(info.channels[c] for c in np.flatnonzero(channels).tolist())
        raise InputError(
            f"EEG has NaN or infinite samples in {count} of {len(eeg)} trials, in {named:.100}; drop or repair them"
        )
    if expected is not None and info != expected:
        differing = [
            f for f in ("channels", "rate", "start", "times", "unit") if getattr(info, f) != getattr(expected, f)
        ]
        detail = "; ".join(f"{f} is {getattr(info, f)}, fitted on {getattr(expected, f)}" for f in differing)
        raise InputError(f"EEG is not what the method was fitted on: {detail}")
    return eeg


def check_images(images: Images, *, count: int | None = None) -> Images:
    """Return `images` if it is uint8 (n, h, w, 3), and n is `count` where given; else raise InputError."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3 or 0 in images.shape[1:]:
        raise InputError(f"images are {images.dtype} of shape {images.shape}; wanted uint8 (n, h, w, 3)")
    if count is not None and len(images) != count:
        raise InputError(f"{len(images)} images came; {count} were wanted, one for each item")
    return images
