"""THINGS-EEG2 from its raw files: epochs by MNE-Python, noise normalisation from training data alone by default.

The steps are the published ones (gifale95/eeg_encoding, preprocessing_utils.py; eeyhsong/NICE-EEG, preprocessing/).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo
from eegbench.channels import THINGS_NICE, THINGS_OCCIPITAL, THINGS_RAW
from eegbench.contracts import Progress
from eegbench.datasets.prepared import Preparation, read_table
from eegbench.datasets.signals import SignalFindings, together
from eegbench.datasets.things_eeg2.noise import Over, covariance, whitener
from eegbench.datasets.things_eeg2.published import TRIALS
from eegbench.datasets.things_eeg2.recording import (
    RATE,
    Places,
    Session,
    check_signal,
    events,
    read_session,
    repetitions,
)
from eegbench.errors import InputError, MissingError, UsageError, check_range, unknown

FILES = {"train": "raw_eeg_training.npy", "test": "raw_eeg_test.npy"}
PUBLISHED = {"train": (2, 2), "test": (4, 20)}  # sessions that show a condition, and its repetitions in each
RAW = "raw"  # the part of what was looked at: the raw files
NOTES = ("file", "note")  # of a session
BLOCK = 100  # epochs at a time: 60 MB of 63 channels before they are resampled

Channels = Literal["nice", "raw", "occipital"]
Mvnn = Literal["train", "official", "none"]


@dataclass(frozen=True)
class RawOptions:
    """How raw EEG becomes epochs; UsageError for what cannot be.

    As published, an epoch is cut from `tmin` to `tmax` (s from onset), its mean from `tmin` to onset is taken away,
    it is resampled by itself, so with effects at its edges, and then kept from `first` until before `last`. Where an
    epoch's padding is no whole number of new samples, MNE-Python's resampling moves it in time: a sample holds the
    signal of 1 ms later with NICE's times, of about 4 ms earlier with the official ones. Noise is estimated for each
    session from what is kept, over "epochs" or "time", as the mean over conditions: "train" looks at the training
    partition alone, "official" takes the mean of both partitions' covariances, so test data shape the whitener.
    """

    channels: Channels = "nice"  # all 63 in NICE's order; "raw": in the raw files'; "occipital": the 17 of O and P
    rate: float = 250.0  # Hz
    tmin: float = -0.2
    tmax: float = 1.0
    first: float = 0.0
    last: float = 1.0
    mvnn: Mvnn = "train"
    mvnn_over: Over = "epochs"

    def __post_init__(self) -> None:
        for name, known in {"channels": Channels, "mvnn": Mvnn, "mvnn_over": Over}.items():
            if getattr(self, name) not in get_args(known):
                raise unknown(name, str(getattr(self, name)), get_args(known))
        check_range(self, rate=(1, RATE), tmin=(-10, 0), tmax=(0, 10))
        if not self.tmin <= self.first < self.last <= self.tmax:
            raise UsageError(
                f"first {self.first} and last {self.last} must lie in order in {self.tmin} to {self.tmax} s"
            )
        steps = {"tmin": self.tmin * RATE, "tmax": self.tmax * RATE}
        steps |= {"first": (self.first - self.tmin) * self.rate, "last": (self.last - self.tmin) * self.rate}
        for name, step in steps.items():
            if abs(step - round(step)) > 1e-6:  # rounding of decimal fractions is 1e-12
                per = RATE if name.startswith("t") else self.rate
                raise UsageError(f"{name} is {getattr(self, name)} s; wanted a whole number of samples at {per:g} Hz")

    @property
    def names(self) -> tuple[str, ...]:
        return {"nice": THINGS_NICE, "raw": THINGS_RAW, "occipital": THINGS_OCCIPITAL}[self.channels]

    @property
    def kept(self) -> slice:
        """Which samples of a resampled epoch are kept."""
        return slice(round((self.first - self.tmin) * self.rate), round((self.last - self.tmin) * self.rate))

    @property
    def info(self) -> EEGInfo:
        unit = "V" if self.mvnn == "none" else "whitened"
        return EEGInfo(self.names, float(self.rate), float(self.first), self.kept.stop - self.kept.start, unit)


# As near as one comes to the published pipelines, which draw and order repetitions by seeds of their own.
OFFICIAL = RawOptions("occipital", 100.0, tmin=-0.2, tmax=0.8, first=-0.2, last=0.8, mvnn="official", mvnn_over="time")
NICE = RawOptions("nice", 250.0, tmin=-0.2, tmax=1.0, first=0.0, last=1.0, mvnn="train", mvnn_over="epochs")


def epochs(session: Session, onsets: Places, options: RawOptions, advance: Callable[[int], None]) -> EEG:
    """Epochs (n, channels, times) in V at `onsets` (n,), all of them whole; before noise normalisation."""
    import mne

    described = mne.create_info(list(options.names), RATE, "eeg")
    rows = [session.rows[name] for name in options.names]
    begin, end = _reach(options)
    cut = np.empty((len(onsets), len(rows), options.info.times), np.float32)
    for at in range(0, len(onsets), BLOCK):
        block = np.stack([session.signal[rows, onset + begin : onset + end] for onset in onsets[at : at + BLOCK]])
        resampled = mne.EpochsArray(
            block, described, tmin=options.tmin, baseline=(None, 0), proj=False, verbose="error"
        )
        resampled.resample(options.rate, verbose="error")
        cut[at : at + BLOCK] = resampled.get_data(copy=False)[..., options.kept]
        advance(len(block))
    return cut


def _reach(options: RawOptions) -> tuple[int, int]:
    """The first sample of an epoch and the one after its last, counted from the onset: `tmin` and `tmax` are inside."""
    return round(options.tmin * RATE), round(options.tmax * RATE) + 1


def prepare_raw(
    folder: Path,
    stimuli: Mapping[str, Sequence[tuple[str, str]]],
    options: RawOptions,
    preparation: Preparation,
    progress: Progress,
    *,
    counts: Mapping[str, tuple[int, int]] = PUBLISHED,
) -> EEGInfo:
    """Prepare a subject's `folder` of raw files, `ses-01/raw_eeg_training.npy` and so on; says what the EEG is.

    `train.npy` and `test.npy` are float32 (conditions, repetitions, channels, times), `train_mean.npy` and
    `test_mean.npy` their means (conditions, channels, times). Condition i is the image with number i + 1;
    repetitions are in the order of session and time, where the published files have them shuffled. `trials.csv` says
    of every trial what TRIALS names, repetitions and sessions from 1 on.

    `stimuli` are id and concept of each image of "train" and of "test", `counts` in how many sessions one is shown, and
    how often in each. An interrupted preparation goes on with the session where it was. Takes the memory of one raw
    file and of a session's epochs, and on the disk twice what it makes. Raises MissingError for a file that is not
    there, InputError for one that is not as published, and for a condition without all its repetitions.
    """
    conditions = {split: len(images) for split, images in stimuli.items()}
    sessions = _sessions(folder, counts["test"][0])
    steps = {name: [f"{name}-{split}.{kind}" for split in FILES for kind in ("npy", "csv")] for name in sessions}
    for name in sessions:
        steps[name].append(f"{name}-signals.csv")
    results = [*(f"{split}{kind}.npy" for split in FILES for kind in ("", "_mean")), "trials.csv"]
    if any(preparation.lacks(name) for name in results):
        for name in sessions:
            if any(preparation.lacks(step) for step in steps[name]):
                _prepare_session(folder / name, conditions, options, preparation, progress, counts)
        shown = {
            split: _rows_by_condition(folder, preparation, split, sessions, conditions[split], counts)
            for split in FILES
        }
        for split in FILES:
            _merge(preparation, split, shown[split], progress)
        preparation.note(RAW, _notes(preparation, sessions))
        preparation.table("trials.csv", TRIALS, _trials(shown, stimuli, counts))
    for name in (step for each in steps.values() for step in each):
        preparation.drop(name)
    return options.info


def _sessions(folder: Path, count: int) -> list[str]:
    wanted = [f"ses-{i:02d}" for i in range(1, count + 1)]
    if lacking := [
        f"{name}/{file}" for name in wanted for file in FILES.values() if not (folder / name / file).is_file()
    ]:
        raise MissingError(f"{folder}: {', '.join(lacking)} is not there; fetch the published raw files of the subject")
    return wanted


def _prepare_session(
    folder: Path,
    conditions: Mapping[str, int],
    options: RawOptions,
    preparation: Preparation,
    progress: Progress,
    counts: Mapping[str, tuple[int, int]],
) -> None:
    """Write `ses-01-train.npy` (conditions shown, repetitions, channels, times), whitened, their CSV, and test's."""
    parts, notes = {}, []
    for split, file in FILES.items():
        parts[split], findings = _cut(folder / file, conditions[split], counts[split][1], options, progress)
        notes += [(file, note) for note in findings.notes]
    try:
        white = _whitener([eeg for _, eeg in parts.values()], options, f"{folder.name}: noise", progress)
    except InputError as error:
        raise InputError(f"{folder}: {error}") from None
    for split, (images, eeg) in parts.items():
        with preparation.array(f"{folder.name}-{split}.npy", eeg.shape) as rows:
            for condition in eeg:
                rows.add(white @ condition)
        preparation.table(f"{folder.name}-{split}.csv", ("condition",), ([image] for image in images))
    preparation.table(f"{folder.name}-signals.csv", NOTES, notes)


def _notes(preparation: Preparation, sessions: list[str]) -> tuple[str, ...]:
    """What was found wrong with the raw files' signals."""
    notes: dict[str, list[str]] = {f"{name}/{file}": [] for name in sessions for file in FILES.values()}
    for name in sessions:
        for row in read_table(preparation.folder / f"{name}-signals.csv"):
            notes[f"{name}/{row['file']}"].append(row["note"])
    return together({name: SignalFindings(tuple(lines)) for name, lines in notes.items()}).notes


def _cut(
    path: Path, conditions: int, count: int, options: RawOptions, progress: Progress
) -> tuple[tuple[Places, EEG], SignalFindings]:
    """The images that a file shows (n,), and their epochs (n, count, channels, times); and the findings on its signals.

    The memory of the file's samples is free afterwards.
    """
    session = read_session(path)
    findings = check_signal(session)
    onsets, images = events(session, conditions)
    begin, end = _reach(options)
    inside = (onsets + begin >= 0) & (onsets + end <= session.signal.shape[1])
    shown, kept = repetitions(session, onsets[inside], images[inside], count)
    with progress.bar(f"{path.parent.name}: {path.name}", kept.size) as advance:
        cut = epochs(session, kept.ravel(), options, advance)
    return (shown, cut.reshape(*kept.shape, *cut.shape[1:])), findings


def _whitener(parts: list[EEG], options: RawOptions, label: str, progress: Progress) -> NDArray[np.float64]:
    """The whitener of a session, from its training and test epochs (conditions, repetitions, channels, times)."""
    if options.mvnn == "none":
        return np.eye(len(options.names))
    used = parts[:1] if options.mvnn == "train" else parts
    means = []
    with progress.bar(label, sum(map(len, used))) as advance:
        for part in used:
            total = np.zeros((len(options.names),) * 2)
            for condition in part:
                total += covariance(condition, options.mvnn_over)
                advance(1)
            means.append(total / len(part))
    return whitener(np.mean(means, axis=0))


SessionRows = list[list[tuple[str, int]]]  # for each condition the sessions that show it, and its row in each


def _rows_by_condition(
    folder: Path,
    preparation: Preparation,
    split: str,
    sessions: list[str],
    conditions: int,
    counts: Mapping[str, tuple[int, int]],
) -> SessionRows:
    shown: SessionRows = [[] for _ in range(conditions)]
    for name in sessions:
        for row, line in enumerate(read_table(preparation.folder / f"{name}-{split}.csv")):
            shown[int(line["condition"]) - 1].append((name, row))
    for condition, places in enumerate(shown):
        if len(places) != counts[split][0]:
            came = ", ".join(name for name, _ in places) or "no session"
            raise InputError(
                f"{folder}: image {condition + 1} of {FILES[split]} is shown in {came}; wanted {counts[split][0]} "
                "sessions; fetch the published files again"
            )
    return shown


def _merge(preparation: Preparation, split: str, shown: SessionRows, progress: Progress) -> None:
    sessions = sorted({name for places in shown for name, _ in places})
    eeg = {name: np.load(preparation.folder / f"{name}-{split}.npy", mmap_mode="r") for name in sessions}
    _, count, channels, times = eeg[sessions[0]].shape
    shape = (len(shown), len(shown[0]) * count, channels, times)
    with (
        progress.bar(f"sessions of {split} together", len(shown)) as advance,
        preparation.array(f"{split}.npy", shape) as trials,
        preparation.array(f"{split}_mean.npy", (len(shown), channels, times)) as means,
    ):
        for places in shown:
            block = np.concatenate([eeg[name][row] for name, row in places])
            trials.add(block)
            means.add(block.mean(0, dtype=np.float64))
            advance(1)


def _trials(
    shown: Mapping[str, SessionRows],
    stimuli: Mapping[str, Sequence[tuple[str, str]]],
    counts: Mapping[str, tuple[int, int]],
) -> Iterator[tuple[str, str, str, int, int]]:
    """The rows of trials.csv, in the order of the arrays."""
    for split, conditions in shown.items():
        for (stimulus, concept), places in zip(stimuli[split], conditions, strict=True):
            names = [name for name, _ in places for _ in range(counts[split][1])]
            for i, name in enumerate(names, 1):
                yield split, stimulus, concept, i, int(name.removeprefix("ses-"))
