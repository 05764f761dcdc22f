"""One raw file of THINGS-EEG2: read and checked, and when it shows which image.

Source: gifale95/eeg_encoding, source_to_raw.py and preprocessing_utils.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.channels import THINGS_RAW
from eegbench.datasets.pickled import read_pickled, words
from eegbench.datasets.signals import SignalFindings, examine_recording
from eegbench.errors import InputError
from eegbench.seeds import generator

RATE = 1000.0  # Hz
TARGET = 99999  # the code of a target, which is no image
LOUDEST = 1.0  # V, far above any EEG
NUMBERS = ("sfreq", "highpass", "lowpass")  # Hz
KEYS = ("raw_eeg_data", "ch_names", "ch_types", *NUMBERS)

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Session:
    """What a raw file holds."""

    path: Path
    signal: NDArray[np.floating]  # (63 channels and the stimulus channel in any order, samples), V, read-only
    rows: Mapping[str, int]  # of `signal`, by channel
    stim: NDArray[np.floating]  # (samples,): an image's number from its onset on, TARGET, or 0


def read_session(path: Path) -> Session:
    """A session's `raw_eeg_training.npy` or `raw_eeg_test.npy`, its samples held in memory once.

    Raises MissingError if there is no such file, InputError if it is not as published.
    """
    held = read_pickled(path)
    if problem := _problem(held):
        raise InputError(f"{path}: {problem}; fetch the published file again")
    names, stim = words(held["ch_names"]), words(held["ch_types"]).index("stim")
    signal = held["raw_eeg_data"]
    return Session(path, signal, {name: names.index(name) for name in THINGS_RAW}, signal[stim])


def _problem(held: Any) -> str:
    """What is wrong with a file's content; nothing where it is as published."""
    if not isinstance(held, dict):
        return f"holds {type(held).__name__}; wanted a dictionary"
    if missing := [key for key in KEYS if key not in held]:
        return f"has no {', '.join(missing)}; wanted {', '.join(KEYS)}"
    signal, names, types = held["raw_eeg_data"], words(held["ch_names"]), words(held["ch_types"])
    count = len(THINGS_RAW) + 1
    if not isinstance(signal, np.ndarray) or signal.ndim != 2 or len(signal) != count or not signal.size:
        came = f"an array of shape {signal.shape}" if isinstance(signal, np.ndarray) else type(signal).__name__
        return f"raw_eeg_data is {came}; wanted ({count}, samples)"
    if signal.dtype.kind != "f":
        return f"raw_eeg_data is {signal.dtype}; wanted floats, in volts"
    if not len(names) == len(types) == count:
        return f"{len(names)} words in ch_names, {len(types)} in ch_types; wanted {count}"
    eeg = {name for name, kind in zip(names, types, strict=True) if kind == "eeg"}
    if eeg != set(THINGS_RAW) or "stim" not in types:
        lacking, strange = sorted(set(THINGS_RAW) - eeg), sorted(eeg - set(THINGS_RAW))
        return f"{len(eeg)} EEG channels, without {lacking} and with {strange!r:.100}; wanted the published, and a stim"
    if wrong := [key for key in NUMBERS if not (isinstance(held[key], Real) and 0 <= held[key] < 1e6)]:
        return f"{wrong[0]} is no frequency; wanted a number of Hz"
    if held["sfreq"] != RATE:
        return f"sfreq is {held['sfreq']:g}; wanted {RATE:g} Hz"
    codes = signal[types.index("stim")]
    if not (codes >= 0).all() or not (codes == np.rint(codes)).all():
        return "codes in stim that are no whole numbers; wanted the numbers of images"
    return (
        "" if codes.max() <= TARGET else f"codes in stim up to {codes.max():g}; wanted numbers of images, or {TARGET}"
    )


def check_signal(session: Session) -> SignalFindings:
    """The findings on the EEG channels that leave them usable; InputError for a fault that does not."""
    findings = examine_recording(session.signal, session.rows, RATE)
    if findings.refusal:
        raise InputError(f"{session.path}: {findings.refusal}")
    loudest = {name: max(session.signal[row].max(), -session.signal[row].min()) for name, row in session.rows.items()}
    if loud := [name for name, most in loudest.items() if most > LOUDEST]:
        raise InputError(
            f"{session.path}: samples of {', '.join(loud):.200} reach {loudest[loud[0]]:.2g} V, where EEG stays far "
            f"below {LOUDEST:g} V; if they are microvolts, divide them by 1e6"
        )
    return findings


def events(session: Session, conditions: int) -> tuple[Places, Places]:
    """Onsets as samples, and the numbers of the images shown, from 1 on: (n,) each, in the order of time, no targets.

    Raises InputError for a number above `conditions`.
    """
    import mne

    channel = mne.io.RawArray(session.stim[None], mne.create_info(["stim"], RATE, "stim"), verbose="error")
    marks = mne.find_events(channel, consecutive=True, shortest_event=1, initial_event=True, verbose="error")
    onsets, images = marks[marks[:, 2] != TARGET][:, [0, 2]].astype(np.int64).T
    if images.max(initial=0) > conditions:
        raise InputError(f"{session.path}: shows image {images.max()}; wanted 1 to {conditions}, or {TARGET}")
    return onsets, images


def repetitions(session: Session, onsets: Places, images: Places, count: int) -> tuple[Places, Places]:
    """The images shown, ascending (n,), and `count` onsets of each in the order of time (n, count).

    Of more, `count` are drawn by a seed; the published code draws too, others than these. InputError for fewer, and
    where no image is shown.
    """
    if not len(images):
        raise InputError(f"{session.path}: shows no image; fetch the published file again")
    order = np.argsort(images, kind="stable")
    shown, first = np.unique(images[order], return_index=True)
    kept = []
    for image, each in zip(shown, np.split(onsets[order], first[1:]), strict=True):
        if len(each) < count:
            raise InputError(f"{session.path}: image {image} has {len(each)} whole epochs; wanted {count}")
        rng = generator("repetitions", *session.path.parts[-3:], image)
        kept.append(np.sort(rng.choice(each, count, replace=False)))
    return shown, np.stack(kept)
