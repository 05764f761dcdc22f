"""The published files of THINGS-EEG2, read and checked: preprocessed EEG in two versions, and what the images are.

The authors' own version has 17 channels at 100 Hz, written by numpy; that of NICE, which ATM trains on, 63 channels at
250 Hz, a bare pickle under the name .npy, whose `times` begin 50 samples before its data do.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo
from eegbench.channels import THINGS_NICE, THINGS_OCCIPITAL
from eegbench.contracts import Progress
from eegbench.datasets.pickled import read_pickled, words
from eegbench.datasets.pictures import StimulusImage
from eegbench.datasets.prepared import Preparation
from eegbench.datasets.signals import not_finite
from eegbench.errors import InputError, MissingError
from eegbench.guards.pickles import shown

FILES = {"train": "preprocessed_eeg_training.npy", "test": "preprocessed_eeg_test.npy"}  # in sub-01 to sub-10
TRIALS = ("split", "stimulus", "concept", "repetition", "session")  # of the prepared arrays' rows, in their order
TRAIN_REPETITIONS, SESSIONS = 4, 4
METADATA = ("image_metadata.npy", "image_set/image_metadata.npy")
IMAGES = {"train": "image_set/training_images", "test": "image_set/test_images"}
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")
AT_ONCE = 2**27  # bytes of EEG that are converted at once


@dataclass(frozen=True)
class Version:
    """One published preprocessing: its folder, and what its EEG is."""

    folder: str
    info: EEGInfo


VERSIONS = {
    "official": Version("preprocessed_data", EEGInfo(THINGS_OCCIPITAL, 100.0, -0.2, 100, "whitened")),
    "nice": Version("Preprocessed_data_250Hz", EEGInfo(THINGS_NICE, 250.0, 0.0, 250, "whitened")),
}


@dataclass(frozen=True)
class Recording:
    """Preprocessed EEG, (conditions, repetitions, channels, times) as the file has it, and which channels it has."""

    path: Path
    values: NDArray[Any]
    channels: Sequence[str]  # their names, in the order that is wanted
    order: Sequence[int]  # their places in the file

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The conditions in blocks, channels in order; InputError for values that are not finite."""
        for part in self._parts():
            with np.errstate(all="ignore"):  # what is too large for float32 becomes infinite, and is refused
                block = part.astype(np.float32)
            if not np.isfinite(block).all():
                trials = (part.reshape(-1, *part.shape[2:]) for part in self._parts())
                raise InputError(f"{self.path}: {not_finite(trials, self.channels, self._place)}")
            yield block

    def _place(self, trial: int) -> str:
        condition, repetition = divmod(trial, self.values.shape[1])
        return f"repetition {repetition + 1} of condition {condition + 1}"

    def _parts(self) -> Iterator[NDArray[Any]]:
        count = max(1, AT_ONCE // max(1, self.values[:1].nbytes))
        for i in range(0, len(self.values), count):
            yield self.values[i : i + count][:, :, self.order]


def read_recording(path: Path, version: str, conditions: int) -> Recording:
    """A preprocessed file, its channels matched by name with the published ones.

    Raises MissingError if it is not there, InputError for a file that is not this version's: keys, shapes, channels,
    times, or a number of conditions other than `conditions`.
    """
    wanted = VERSIONS[version].info
    values, names, times = _parts(path, ("preprocessed_eeg_data", "ch_names", "times"))
    if not isinstance(values, np.ndarray) or values.ndim != 4 or values.dtype.kind != "f" or not values.size:
        came = f"{values.dtype} of shape {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise InputError(f"{path}: the EEG is {came}; wanted floats (conditions, repetitions, channels, times)")
    count, _, channels, samples = values.shape
    if count != conditions:
        raise InputError(f"{path}: EEG of {count} conditions; the images' metadata name {conditions}")
    named = words(names)
    if sorted(named) != sorted(wanted.channels) or channels != len(named):
        strange = sorted(set(named) ^ set(wanted.channels))
        raise InputError(
            f"{path}: {channels} channels under {len(named)} names, wanted the {len(wanted.channels)} of the version "
            f"{version!r}{f' ({strange[0]!r} is not on both sides)' if strange else ''}; is it another version's file?"
        )
    _check_times(path, times, samples, wanted, version)
    return Recording(path, values, wanted.channels, [named.index(name) for name in wanted.channels])


def convert(
    sources: Mapping[str, Path],
    version: str,
    splits: Mapping[str, Sequence[StimulusImage]],
    preparation: Preparation,
    progress: Progress,
) -> None:
    """Write `<split>.npy`, `<split>_mean.npy` over repetitions, and trials.csv; the order of repetitions tells nothing.

    Raises what `read_recording` and `Recording.blocks` raise.
    """
    repetitions = {}
    for split, path in sources.items():
        arrays = f"{split}.npy", f"{split}_mean.npy"
        if any(preparation.lacks(name) for name in arrays):
            recording = read_recording(path, version, len(splits[split]))
            conditions, _, channels, times = recording.values.shape
            with (
                preparation.array(arrays[0], recording.values.shape) as every,
                preparation.array(arrays[1], (conditions, channels, times)) as means,
                progress.bar(f"{path.parent.name}, {split}", conditions) as advance,
            ):
                for block in recording.blocks():
                    every.add(block)
                    means.add(mean_of(block, axis=1))
                    advance(len(block))
        repetitions[split] = int(preparation.files[arrays[0]]["shape"][1])
    rows = (
        (split, stimulus, concept, r, "")
        for split, shown in splits.items()
        for stimulus, concept, _ in shown
        for r in range(1, repetitions[split] + 1)
    )
    preparation.table("trials.csv", TRIALS, rows)


def mean_of(trials: NDArray[np.float32], axis: int = 0) -> EEG:
    """The mean over repetitions, summed as float64."""
    mean: EEG = trials.mean(axis=axis, dtype=np.float64).astype(np.float32)
    return mean


def read_metadata(root: Path) -> dict[str, list[StimulusImage]]:
    """The stimuli of each split, with concept and image file, in the order of the EEG's conditions.

    Raises MissingError if the file is not there, InputError if it is another file, or names a stimulus twice.
    """
    path = next((root / name for name in METADATA if (root / name).is_file()), root / METADATA[0])
    splits: dict[str, list[StimulusImage]] = {}
    for split, folder in IMAGES.items():
        concepts, files = (
            _words(path, key, value)
            for key in (f"{split}_img_concepts", f"{split}_img_files")
            for value in _parts(path, (key,))
        )
        if len(concepts) != len(files) or not files:
            raise InputError(f"{path}: {len(files)} images of {len(concepts)} concepts in the split {split}")
        splits[split] = [
            (
                f"{concept}/{file.rpartition('.')[0]}",
                concept.partition("_")[2] or concept,
                root / folder / concept / file,
            )
            for concept, file in zip(concepts, files, strict=True)
        ]
    ids = [stimulus for shown in splits.values() for stimulus, _, _ in shown]
    if twice := [stimulus for stimulus, count in Counter(ids).items() if count > 1]:
        raise InputError(f"{path}: names the image {twice[0]!r} twice")
    return splits


def existing(path: Path) -> Path:
    """The path itself; MissingError if there is no such file."""
    if not path.is_file():
        raise MissingError(f"{path}: no such file; `eegbench datasets fetch things-eeg2` gets it, or says from where")
    return path


def _parts(path: Path, keys: Sequence[str]) -> list[Any]:
    held = read_pickled(existing(path))
    if not isinstance(held, dict) or (absent := [key for key in keys if key not in held]):
        came = f"the keys {', '.join(map(str, held))[:200]}" if isinstance(held, dict) else f"a {type(held).__name__}"
        missing = absent if isinstance(held, dict) else keys
        raise InputError(f"{path}: holds {came}; wanted a dictionary with {', '.join(missing)}")
    return [held[key] for key in keys]


def _words(path: Path, key: str, value: object) -> list[str]:
    """Names of folders and files, none of which leads elsewhere."""
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(value, list | tuple):
        raise InputError(f"{path}: {key} is a {type(value).__name__}; wanted a list of names")
    for word in value:
        if not isinstance(word, str) or not NAME.fullmatch(word):
            raise InputError(f"{path}: {key} holds {shown(word)}, which is no name of a file or folder")
    return list(value)


def _check_times(path: Path, times: object, samples: int, wanted: EEGInfo, version: str) -> None:
    """Stored times may begin before the data do: the last ones are the data's."""
    kept = _numbers(times)[-samples:]
    aim = wanted.start + np.arange(wanted.times) / wanted.rate
    if samples != wanted.times or kept.shape != aim.shape or not np.allclose(kept, aim, atol=0.25 / wanted.rate):
        came = f"{kept[0]:g} to {kept[-1]:g} s" if kept.size else "none"
        raise InputError(
            f"{path}: {samples} samples, times {came}; the version {version!r} has {wanted.times}, from {aim[0]:g} to "
            f"{aim[-1]:g} s"
        )


def _numbers(value: object) -> NDArray[np.float64]:
    """A list, tuple or array of numbers, and of nothing but numbers; an empty array for anything else."""
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iuf":
        return value.astype(np.float64)
    if isinstance(value, list | tuple) and all(isinstance(n, int | float | np.integer | np.floating) for n in value):
        with suppress(OverflowError):  # a whole number of hundreds of digits
            return np.array(value, np.float64)
    return np.zeros(0)
