"""Small raw files in the published form of THINGS-EEG2, whose evoked responses are known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.channels import THINGS_RAW
from eegbench.datasets.things_eeg2.recording import RATE, TARGET

Array = NDArray[np.float64]
SESSIONS = ("ses-01", "ses-02", "ses-03", "ses-04")
CONDITIONS = {"train": 6, "test": 3}
STIMULI = {split: [(f"{split}/{i}", "a thing") for i in range(1, n + 1)] for split, n in CONDITIONS.items()}
COUNTS = {"train": (2, 2), "test": (4, 3)}
FILES = {"train": "raw_eeg_training.npy", "test": "raw_eeg_test.npy"}
SPACING = 1300  # samples from onset to onset, so that epochs do not overlap
MIXING = np.eye(63) + 0.5 * np.eye(63, k=1)  # of independent noise, so neighbours in the file correlate


def response(split: str, image: int) -> Array:
    """What an image evokes in V, (63, 400 samples from onset on): slow, of a size and sign for every channel."""
    sizes = np.random.default_rng([image, split == "test"]).normal(size=63)
    course = np.sin(2 * np.pi * 5 * np.arange(400) / RATE) * np.hanning(400)
    return np.outer(1e-5 * sizes, course)


def order(split: str, session: int) -> list[int]:
    """The codes of a session in the order of time; the first and third show one half of the training images."""
    images = range(1, CONDITIONS[split] + 1)
    if split == "train":
        half = CONDITIONS["train"] // 2
        images = images[half:] if session % 2 else images[:half]
    codes = [*images] * COUNTS[split][1] + [TARGET] * 2
    return [codes[i] for i in np.random.default_rng([session, split == "test"]).permutation(len(codes))]


def recording(split: str, codes: Sequence[int], rng: np.random.Generator, noise: float) -> dict[str, Any]:
    """What a raw file holds: an event every SPACING samples, responses, and noise of so many V."""
    signal = np.zeros((64, SPACING * (len(codes) + 1)))
    signal[:63] = noise * MIXING @ rng.normal(size=(63, signal.shape[1]))
    for i, code in enumerate(codes):
        onset = SPACING * i + 700
        signal[63, onset] = code
        signal[:63, onset : onset + 400] += response(split, code) if code != TARGET else 1e-3
    return {
        "raw_eeg_data": signal,
        "ch_names": [*THINGS_RAW, "stim"],
        "ch_types": ["eeg"] * 63 + ["stim"],
        "sfreq": RATE,
        "highpass": 0.01,
        "lowpass": 100.0,
    }


def save(path: Path, held: object) -> None:
    """As published: a dictionary in an array of objects without dimensions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.array(held, object), allow_pickle=True)


def write_subject(folder: Path, *, noise: float = 1e-6, test_noise: float | None = None) -> Path:
    """All sessions of a subject; `test_noise` is the noise of test files, where it is another one."""
    for i, session in enumerate(SESSIONS):
        for split, file in FILES.items():
            size = noise if split == "train" or test_noise is None else test_noise
            rng = np.random.default_rng([i, split == "test", 7])
            save(folder / session / file, recording(split, order(split, i), rng, size))
    return folder
