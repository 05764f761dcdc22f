"""Writes small files in the exact formats of THINGS-EEG2: as the authors publish them, and as NICE does."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eegbench.channels import THINGS_NICE, THINGS_OCCIPITAL

RATES = {"official": 100.0, "nice": 250.0}
CHANNELS = {"official": THINGS_OCCIPITAL, "nice": THINGS_NICE}
FOLDERS = {"official": "preprocessed_data", "nice": "Preprocessed_data_250Hz"}
NAMES = {"train": "preprocessed_eeg_training.npy", "test": "preprocessed_eeg_test.npy"}


@dataclass(frozen=True)
class Small:
    """How many: training concepts with ten images each as published, test concepts, and repetitions of both."""

    concepts: int = 3
    tests: int = 4
    repetitions: tuple[int, int] = (4, 8)

    @property
    def conditions(self) -> dict[str, int]:
        return {"train": 10 * self.concepts, "test": self.tests}


def names(small: Small) -> dict[str, list[tuple[str, str]]]:
    """Of each split the concept folders and image files, in the published order."""
    train = [f"{i + 1:05d}_thing{i + 1}" for i in range(small.concepts)]
    test = [f"{i + 1:05d}_other{i + 1}" for i in range(small.tests)]
    letters = [f"{number:02d}{'bs'[number % 2]}" for number in range(1, 11)]
    return {
        "train": [(c, f"{c.partition('_')[2]}_{letter}.jpg") for c in train for letter in letters],
        "test": [(c, f"{c.partition('_')[2]}_06s.jpg") for c in test],
    }


def write_images(root: Path, small: Small, *, side: int = 500) -> None:
    """Images of coloured waves, and image_metadata.npy as numpy saves a dictionary."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side
    metadata: dict[str, list[str]] = {}
    for split, folder in (("train", "training_images"), ("test", "test_images")):
        shown = names(small)[split]
        metadata[f"{split}_img_concepts"] = [concept for concept, _ in shown]
        metadata[f"{split}_img_concepts_THINGS"] = [concept for concept, _ in shown]
        metadata[f"{split}_img_files"] = [file for _, file in shown]
        for concept, file in shown:
            waves = [np.sin(2 * np.pi * (rng.uniform(0, 4) * x + rng.uniform(0, 4) * y + rng.random())) for _ in "rgb"]
            image = Image.fromarray((127.5 + 100 * np.stack(waves, -1)).astype(np.uint8))
            path = root / "image_set" / folder / concept / file
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path, quality=90)
    np.save(root / "image_metadata.npy", metadata, allow_pickle=True)  # type: ignore[arg-type]


def eeg_of(version: str, small: Small, split: str, subject: int) -> NDArray[np.float64]:
    """Whitened noise on a response that belongs to the condition, (conditions, repetitions, channels, times)."""
    rng = np.random.default_rng([subject, len(split), len(version)])
    times = round(RATES[version])
    shape = (small.conditions[split], len(CHANNELS[version]), times)
    evoked = rng.normal(size=shape)
    repetitions = small.repetitions[split == "test"]
    return evoked[:, None] + rng.normal(size=(shape[0], repetitions, *shape[1:]))


def held(version: str, small: Small, split: str, subject: int) -> dict[str, Any]:
    """What a preprocessed file holds; NICE's times begin 50 samples before its data."""
    start, count = {"official": (-0.2, 100), "nice": (-0.2, 300)}[version]
    return {
        "preprocessed_eeg_data": eeg_of(version, small, split, subject),
        "ch_names": list(CHANNELS[version]),
        "times": start + np.arange(count) / RATES[version],
    }


def save(version: str, path: Path, content: object) -> None:
    """As each version's authors do: a 0-d array of an object by numpy, or a bare pickle of protocol 4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if version == "official":
        np.save(path, content, allow_pickle=True)  # type: ignore[arg-type]
    else:
        path.write_bytes(pickle.dumps(content, protocol=4))


def write_subject(root: Path, version: str, small: Small, subject: int = 8) -> Path:
    folder = root / FOLDERS[version] / f"sub-{subject:02d}"
    for split, name in NAMES.items():
        save(version, folder / name, held(version, small, split, subject))
    return folder


def write(root: Path, version: str, small: Small | None = None, subject: int = 8) -> Path:
    """The whole data set of one subject."""
    write_images(root, small or Small())
    return write_subject(root, version, small or Small(), subject)
