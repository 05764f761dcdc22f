"""What a user chooses of a run beside the method and the subject. It needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eegbench.errors import UsageError, short
from eegbench.runs.sheet import SUITES

CHOICES = ("auto", *SUITES)  # of a suite
BATCH_SIZE = 16


@dataclass(frozen=True)
class Options:
    """What a user may choose beside the method and the subject."""

    dataset: str = "sim-things"
    track: str = "eeg"
    seed: int = 0
    samples: int = 1
    average: str = "all"  # repetitions of a test stimulus, or a number of them
    suite: str = "auto"
    protocol: str = "sal512"
    method_table: Mapping[str, object] = field(default_factory=dict)
    dataset_table: Mapping[str, object] = field(default_factory=dict)
    captions: Path | None = None  # a file with captions of the training images, in place of the data set's own
    runs: Path = Path("runs")
    device: str = "auto"
    audit: bool = True
    also: tuple[str, ...] = ()  # metrics beside the usual ones
    nway_judge: str | None = None
    half: bool = False
    offline: bool = False
    allow_unverified_weights: bool = False
    batch_size: int | None = None
    companions: bool = True  # floors and ceilings beside the method

    @property
    def repetitions(self) -> int | str:
        """How many repetitions of a test stimulus are averaged: a number from 1, or "all"; raises UsageError."""
        if self.average == "all":
            return self.average
        if not (self.average.isascii() and self.average.isdecimal() and len(self.average) < 7 and int(self.average)):
            raise UsageError(f"average is {short(self.average)}; wanted 'all' or a whole number from 1 to 999999")
        return int(self.average)
