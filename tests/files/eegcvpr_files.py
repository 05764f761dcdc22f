"""Writes small files in the exact formats of EEGCVPR: recordings, splits and images, for a few classes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

WNIDS: tuple[str, ...] = ("n02106662", "n02124075", "n99999999")  # the last is none of the 40
RECORDINGS = {
    "5_95": "eeg_5_95_std.pth",
    "14_70": "eeg_14_70_std.pth",
    "55_95": "eeg_55_95_std.pth",
    "raw": "eeg_signals_raw_with_mean_std.pth",
}
SPLITS = {"all": "block_splits_by_image_all.pth", "single": "block_splits_by_image_single.pth"}
SIZES = ((40, 30), (25, 60), (32, 32))  # px of the images, width by height
Value = dict[str, Any]
Change = Callable[[Value], object]


@dataclass(frozen=True)
class Small:
    """How many images each class has; and the lengths of trials, in turn: two of them are out of bounds."""

    each: int = 4
    lengths: tuple[int, ...] = (500, 449, 498, 600, 512, 601, 460)
    subjects: tuple[int, ...] = tuple(range(1, 7))

    @property
    def images(self) -> list[str]:
        return [f"{wnid}_{10 + number}" for wnid in WNIDS for number in range(self.each)]


def recording(small: Small = Small(), *, raw: bool = False, seed: int = 0) -> Value:
    """As `torch.load` gives a published recording: trials of subjects in turn, so that no one's stand together."""
    rng = np.random.default_rng(seed)
    dataset: list[Value] = []
    for image in range(len(small.images)):
        for subject in small.subjects:
            length = small.lengths[len(dataset) % len(small.lengths)]
            eeg = torch.from_numpy(rng.random((128, length), np.float32))
            dataset.append({"eeg": eeg, "image": image, "label": image // small.each, "subject": subject})
    value: Value = {"dataset": dataset, "labels": list(WNIDS), "images": small.images}
    return value | ({"means": torch.zeros(128), "stddevs": torch.ones(128)} if raw else {})


def splits(value: Value, *, single: int | None = None, folds: int = 2) -> Value:
    """By image: in fold k the images k, k + 6, ... are tested and the next validated; places in one subject's list."""
    trials = [t for t in value["dataset"] if single in (None, t["subject"])]

    def fold(k: int) -> dict[str, list[int]]:
        parts: dict[str, list[int]] = {"train": [], "val": [], "test": []}
        for place, trial in enumerate(trials):
            parts[{0: "test", 1: "val"}.get((trial["image"] - k) % 6, "train")].append(place)
        return parts

    return {"splits": [fold(k) for k in range(folds)]}


def write(
    root: Path,
    *,
    small: Small = Small(),
    signals: Sequence[str] = ("5_95",),
    legacy: bool = False,
    single: int | None = 4,
    change: Change | None = None,
    change_split: Change | None = None,
) -> Value:
    """Files below `root`; what `change` makes of the recordings and `change_split` of the splits. Gives the first."""
    values = {name: recording(small, raw=name == "raw", seed=i) for i, name in enumerate(signals)}
    by_image = {"all": splits(values[signals[0]]), "single": splits(values[signals[0]], single=single)}
    for value in values.values():
        _changed(value, change)
    for split in by_image.values():
        _changed(split, change_split)
    root.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        torch.save(value, root / RECORDINGS[name], _use_new_zipfile_serialization=not legacy)
    for name, value in by_image.items():
        torch.save(value, root / SPLITS[name], _use_new_zipfile_serialization=not legacy)
    write_images(root, small)
    return values[signals[0]]


def write_images(root: Path, small: Small = Small()) -> None:
    """Noise of another seed in each, and three sizes in turn; a class has JPEGs, another PNGs."""
    for number, name in enumerate(small.images):
        width, height = SIZES[number % len(SIZES)]
        suffix = ".png" if name.startswith(WNIDS[1]) else ".JPEG"
        coarse = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        path = root / "images" / name.partition("_")[0] / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR).save(path)


def _changed(value: Value, change: Change | None) -> None:
    if change is not None:
        change(value)
