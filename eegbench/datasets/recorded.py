"""Data sets of real recordings: files that the user has below a folder, prepared once, then memory-mapped."""

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from eegbench.contracts import Dataset, Progress
from eegbench.datasets.remote import RemoteFile
from eegbench.datasets.signals import SignalFindings

TensorReader = Callable[[Path], Any]  # what a .pth file holds, numpy arrays in the place of tensors; runs nothing


def default_root(name: str) -> Path:
    """Where a data set is looked for if no root is given: below EEGBENCH_DATA, or ~/eegbench_data."""
    return Path(os.environ.get("EEGBENCH_DATA") or Path.home() / "eegbench_data") / name


class Recorded(Dataset):
    """A frozen dataclass whose field `root` is the folder of the published files, and of what is prepared from them.

    `train`, `queries` and `answers` read what `prepare` wrote; MissingError with the command where it did not.
    """

    simulated: ClassVar[bool] = False
    origin: ClassVar[str]  # the field that says which of the published files are read
    root: Path

    @abstractmethod
    def ready(self) -> tuple[int, ...]:
        """Subjects whose data were prepared, as the options say."""

    @abstractmethod
    def remote(self, subjects: Sequence[int]) -> tuple[RemoteFile, ...]:
        """The published files that `prepare` of these subjects reads, and where they come from."""

    @abstractmethod
    def prepare(self, subjects: Sequence[int], *, tensors: TensorReader, progress: Progress) -> list[Path]:
        """Write what is read fast: the folders, one for the images and one for each subject.

        What is there already, from the same files, is left. Raises MissingError for a file that is not there,
        InputError for one that is not what was published, and for signals of which nothing is left.
        """

    @abstractmethod
    def verify(self, subjects: Sequence[int], *, progress: Progress) -> list[str]:
        """What is wrong with the prepared data of these subjects, a line each; every byte is read.

        Missing and damaged files, and test images that are among the training images, as they are or nearly.
        """

    def examine(self, subjects: Sequence[int], *, progress: Progress) -> Mapping[str, SignalFindings]:
        """What is wrong with the signals of these subjects' prepared EEG, by its name; every sample is read."""
        return {}

    def notes(self, subjects: Sequence[int]) -> list[str]:
        """What `prepare` found wrong with the signals, and left, a line each; no EEG is read."""
        return []
