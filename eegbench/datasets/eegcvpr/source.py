"""The published files of EEGCVPR, read and checked.

A recording is a dictionary: `dataset`, a list of trials {`eeg` (128, L), `image`, `label`, `subject`}, in which `image`
and `label` are places in the lists `images` (names such as n02106662_13) and `labels` (WordNet ids). A file of splits
holds `splits`, a list of folds {`train`, `val`, `test`} of places in `dataset`. As the authors' own loader does, trials
of 450 to 600 samples are kept, and of each the samples 20 to 459.

Spampinato et al., Deep learning human mind for automated visual classification, CVPR 2017.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo
from eegbench.datasets.recorded import TensorReader
from eegbench.datasets.signals import not_finite
from eegbench.errors import InputError
from eegbench.guards.budget import Budget
from eegbench.guards.pickles import shown

RECORDINGS = {
    "5_95": "eeg_5_95_std.pth",
    "14_70": "eeg_14_70_std.pth",
    "55_95": "eeg_55_95_std.pth",
    "raw": "eeg_signals_raw_with_mean_std.pth",
}
SPLITS = {"all": "block_splits_by_image_all.pth", "single": "block_splits_by_image_single.pth"}
PARTS = ("train", "val", "test")
SUBJECTS = tuple(range(1, 7))

RATE = 1000.0  # Hz
SHORTEST, LONGEST = 450, 600  # samples of a trial that is kept
FIRST, LAST = 20, 460  # of which these, the second not included
# The files name no channels.
INFO = EEGInfo(tuple(f"electrode {i}" for i in range(1, 129)), RATE, FIRST / RATE, LAST - FIRST, "z-scored")
MOST = 10**6  # places in all folds of a file; the published ones have far fewer
AGAIN = "get the published file again"

_WNID = re.compile(r"n\d{8}")
_IMAGE = re.compile(r"(n\d{8})_\d+")


@dataclass(frozen=True)
class Trial:
    """One entry of `dataset`: whose it is, the WordNet id and the name of the image, and EEG (128, L)."""

    subject: int
    wnid: str
    image: str
    eeg: NDArray[Any]

    @property
    def kept(self) -> bool:
        return SHORTEST <= int(self.eeg.shape[1]) <= LONGEST


def read_trials(path: Path, tensors: TensorReader) -> list[Trial]:
    """All trials of a recording in its own order, those that are not kept too: splits count them.

    Raises MissingError and InputError as `tensors` does, InputError for what is not as published; samples are looked
    at by `check_finite`.
    """
    value = tensors(path)
    entries, images, labels = (_list(path, value, name) for name in ("dataset", "images", "labels"))
    for name, names, form in (("images", images, _IMAGE), ("labels", labels, _WNID)):
        for place, word in enumerate(names):
            if not isinstance(word, str) or not form.fullmatch(word):
                wanted = "a name such as n02106662_13" if form is _IMAGE else "a WordNet id such as n02106662"
                raise InputError(f"{path}: {name}[{place}] is {shown(word)}; wanted {wanted}")
    trials = [_trial(f"{path}: dataset[{place}]", entry, images, labels) for place, entry in enumerate(entries)]
    Budget.of(path).memory(sum(trial.eeg.nbytes for trial in trials))  # each is checked, and may be listed many times
    if absent := [subject for subject in SUBJECTS if all(trial.subject != subject for trial in trials)]:
        raise InputError(
            f"{path}: no trial of subject {', '.join(map(str, absent))}; splits point into the list of all six, and a "
            f"file filtered by subject would give other trials: {AGAIN}"
        )
    if not any(trial.kept for trial in trials):
        raise InputError(f"{path}: none of {len(trials)} trials has {SHORTEST} to {LONGEST} samples; {AGAIN}")
    return trials


def cropped(path: Path, place: int, trial: Trial) -> EEG:
    """The samples of a trial that are used, (128, 440), finite as `check_finite` saw; InputError for too few."""
    if trial.eeg.shape[1] < LAST:
        raise InputError(
            f"{path}: dataset[{place}] has {trial.eeg.shape[1]} samples; at least {LAST} are wanted of a trial with "
            f"{SHORTEST} or more; {AGAIN}"
        )
    eeg: EEG = trial.eeg[:, FIRST:LAST].astype(np.float32)
    return eeg


def check_finite(path: Path, trials: Sequence[Trial]) -> None:
    """InputError for trials that are kept and have NaN or infinite samples among those that are used."""
    kept = [place for place, trial in enumerate(trials) if trial.kept]
    used = (trials[place].eeg[None, :, FIRST:LAST] for place in kept)
    if why := not_finite(used, INFO.channels, lambda i: f"dataset[{kept[i]}]"):
        raise InputError(f"{path}: {why}")


def read_splits(path: Path, tensors: TensorReader) -> list[dict[str, list[int]]]:
    """The folds of a split file: for each part its places, which are 0 or more, and none twice.

    Raises MissingError and InputError as `tensors` does, InputError for what is not as published.
    """
    folds, left = [], MOST
    for place, fold in enumerate(_list(path, tensors(path), "splits")):
        where = f"{path}: splits[{place}]"
        parts: dict[str, list[int]] = {}
        for part in PARTS:
            parts[part] = _places(where, fold, part, left)
            left -= len(parts[part])
        every = [index for places in parts.values() for index in places]
        if len(set(every)) < len(every):
            twice = next(index for index, count in Counter(every).items() if count > 1)
            raise InputError(f"{where}: the index {twice} comes twice, in one part or in two; {AGAIN}")
        folds.append(parts)
    return folds


def _trial(where: str, entry: Any, images: Sequence[str], labels: Sequence[str]) -> Trial:
    if not isinstance(entry, Mapping) or not {"eeg", "image", "label", "subject"} <= entry.keys():
        raise InputError(f"{where} is not a trial with eeg, image, label and subject; {AGAIN}")
    eeg = entry["eeg"]
    if not isinstance(eeg, np.ndarray) or eeg.dtype.kind != "f" or eeg.ndim != 2 or len(eeg) != len(INFO.channels):
        came = f"{eeg.dtype} of shape {eeg.shape}" if isinstance(eeg, np.ndarray) else type(eeg).__name__
        raise InputError(f"{where}: eeg is {came}; wanted floats of shape ({len(INFO.channels)}, samples); {AGAIN}")
    subject = _whole_number(where, entry, "subject", SUBJECTS[0], SUBJECTS[-1])
    image = images[_whole_number(where, entry, "image", 0, len(images) - 1)]
    wnid = labels[_whole_number(where, entry, "label", 0, len(labels) - 1)]
    if not image.startswith(f"{wnid}_"):
        raise InputError(f"{where}: the image {image} has the label {wnid}; {AGAIN}")
    return Trial(subject, wnid, image, eeg)


def _list(path: Path, value: Any, name: str) -> list[Any]:
    items = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(items, list | tuple) or not items:
        raise InputError(f"{path}: holds no list {name!r}: not the published file of this name; {AGAIN}")
    return list(items)


def _whole_number(where: str, entry: Mapping[str, Any], name: str, least: int, most: int) -> int:
    number = entry[name]
    if isinstance(number, np.ndarray) and number.ndim == 0 and number.dtype.kind in "iu":
        number = number.item()
    if type(number) is not int or not least <= number <= most:
        raise InputError(f"{where}: {name} is {shown(number)}; wanted a whole number from {least} to {most}; {AGAIN}")
    return number


def _places(where: str, fold: Any, part: str, most: int) -> list[int]:
    held = fold.get(part) if isinstance(fold, Mapping) else None
    tensor = isinstance(held, np.ndarray) and held.ndim == 1 and held.dtype.kind in "iu"
    if held is None or not (tensor or isinstance(held, list)):
        raise InputError(f"{where} has no list {part!r}; {AGAIN}")
    if len(held) > most:
        raise InputError(f"{where}: {len(held)} indices in {part}; wanted at most {MOST} in all folds; {AGAIN}")
    indices: list[int] = held.tolist() if tensor else held
    for index in indices:
        if type(index) is not int or index < 0:
            raise InputError(f"{where}: the index {shown(index)} in {part}; wanted whole numbers from 0; {AGAIN}")
    return indices
