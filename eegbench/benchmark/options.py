"""What a user chooses of a run beside the method and the subject. It needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eegbench.errors import UsageError, short, unknown
from eegbench.runs.record import SCALES, TRAINED_ON
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
    train_on: str = "own"  # whose training data: one of TRAINED_ON
    calibration: int = 0  # with "others": how many of the subject's own training stimuli
    others: int = 0  # with "others": how many of them; 0 is all
    scale: str = "training"  # by what a stranger's EEG is standardised: one of SCALES
    view: Mapping[str, object] = field(default_factory=dict)  # what of the EEG is seen, as `View.described` has it
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


def check_protocol(options: Options) -> None:
    """Raises UsageError for options of who is trained on that do not go together."""
    for kind, name, known in (("train-on", options.train_on, TRAINED_ON), ("scale", options.scale, SCALES)):
        if name not in known:
            raise unknown(kind, name, known)
    for what, count in (("calibration", options.calibration), ("others", options.others)):
        if count < 0:
            raise UsageError(f"{what} {count}; wanted 0 or more")
        if count and options.train_on != "others":
            raise UsageError(f"{what} {count} goes with --train-on others, and --train-on is {options.train_on}")
    if options.scale == "test" and (options.train_on != "others" or options.calibration):
        raise UsageError("--scale test is for a stranger: with --train-on others, and without --calibration")
