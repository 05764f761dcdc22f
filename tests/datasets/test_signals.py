"""Faults of signals: what is found, what is refused, and that sound EEG is left in peace."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo
from eegbench.datasets import signals
from eegbench.datasets.signals.findings import _parts
from eegbench.datasets.sim_things import SimThings
from memory import at_most

NAMES = ("P3", "P4", "O1", "Oz", "O2")
V = EEGInfo(NAMES, 100.0, 0.0, 100, "V")
WHITE = EEGInfo(NAMES, 100.0, 0.0, 100, "whitened")
Change = Callable[[EEG], object]


def eeg(count: int = 160, spread: float = 1e-5) -> EEG:
    """Noise of which neighbours have most in common, r = .99, on offsets of their own."""
    rng = np.random.default_rng(0)
    common, own = rng.normal(size=(count, 1, 100)), rng.normal(size=(count, 5, 100))
    return (spread * (common + 0.1 * own + np.arange(5)[:, None])).astype(np.float32)


def notes(change: Change, info: EEGInfo = V) -> list[str]:
    values = eeg(spread=1e-5 if info.unit == "V" else 1)
    change(values)
    found = signals.examine(values, info)
    assert not found.refusal
    return list(found.notes)


def refusal(values: NDArray[Any], info: EEGInfo = V) -> str:
    found = signals.examine(values.astype(np.float32), info)
    assert "\n" not in found.refusal
    return found.refusal


def put(where: object, value: object) -> Change:
    return lambda values: values.__setitem__(where, value)  # type: ignore[call-overload]


def test_sound_eeg_has_no_faults() -> None:
    for unit, spread in (("V", 1e-5), ("whitened", 1.0), ("z-scored", 0.3), ("unstated", 7e4)):
        assert signals.examine(eeg(spread=spread), EEGInfo(NAMES, 100.0, 0.0, 100, unit)).notes == ()
    assert refusal(eeg(1)) == "" and refusal(eeg(0)) == ""


def test_simulated_eeg_has_no_faults() -> None:
    small = SimThings(train_images=1, test_images=1)
    for held in (small.train(8).eeg, small.queries(8).eeg, small.queries(8, average=1).eeg):
        found = signals.examine(held, small.info)
        assert (found.notes, found.refusal) == ((), "")


ROUNDING = 3e-8 * np.random.default_rng(1).normal(size=(160, 100))
FLAT: dict[str, tuple[Change, str]] = {
    "zero": (put(np.s_[:, 2], 0), "O1 is flat throughout"),
    "constant": (put(np.s_[:, 2], 1e-3), "O1 is flat throughout"),
    "rounding of an offset": (put(np.s_[:, 2], 0.3 + ROUNDING), "O1 is flat throughout"),
    "dither": (put(np.s_[:, 2], ROUNDING), "O1 is nearly flat throughout (at most 0.003 of the others' spread)"),
    "most channels": (put(np.s_[:, 1:], 0), "P4, O1, Oz, O2 are flat throughout"),
    "most channels but for dither": (
        put(np.s_[:, 1:], ROUNDING[:, None]),
        "P4, O1, Oz, O2 are nearly flat throughout (at most 0.003 of the others' spread)",
    ),
    "some trials": (put(np.s_[5:17, 2], 0), "O1 is flat in 12 of 160 trials"),
}


@pytest.mark.parametrize("case", FLAT)
def test_flat_channels_are_named_and_counted(case: str) -> None:
    change, wanted = FLAT[case]
    assert notes(change)[0] == wanted


def test_silent_trials_are_counted_apart_from_flat_channels() -> None:
    def change(values: EEG) -> None:
        values[119:160] = 0
        values[[3, 7]] = 1e-4
        values[10:12, 2] = 0

    assert notes(change) == [
        "trials 4, 8, 120 to 160 are silent in all channels (43 of 160 trials)",
        "O1 is flat in 2 of 160 trials",
    ]
    assert notes(put(np.s_[40:], 0)) == ["trials 41 to 160 are silent in all channels (120 of 160 trials)"]


COPIED: dict[str, tuple[Change, str]] = {
    "equal": (lambda e: put(np.s_[:, 4], e[:, 2])(e), "channels that are copies of one another: O1 and O2"),
    "turned, scaled, moved": (
        lambda e: put(np.s_[:, 4], -3 * e[:, 2] + 1e-3)(e),
        "channels that are copies of one another: O1 and O2 (upside down)",
    ),
    "three": (
        lambda e: put(np.s_[:, 3:], e[:, 2:3])(e),
        "channels that are copies of one another: O1 and Oz, O1 and O2",
    ),
    "in half": (
        lambda e: put(np.s_[:80, 4], e[:80, 2])(e),
        "O1 and O2 are copies of one another in 80 of 160 trials",
    ),
}


@pytest.mark.parametrize("case", COPIED)
def test_copied_channels_are_named_as_pairs(case: str) -> None:
    change, wanted = COPIED[case]
    assert notes(change) == [wanted]


def test_neighbours_that_share_a_large_artefact_are_no_copies() -> None:
    assert notes(lambda e: put(np.s_[:20], e[:20] + np.sin(np.arange(100) / 9))(e)) == []


def test_clipped_channels_are_named_with_their_share() -> None:
    def trials(values: EEG) -> None:  # of which each has a baseline of its own
        np.clip(values[:12, 2], -np.inf, np.quantile(values[:12, 2], 0.8, axis=1, keepdims=True), out=values[:12, 2])

    assert notes(lambda e: np.clip(e[:, 2], 0, 3e-5, out=e[:, 2])) == [
        "O1 is clipped: 19 % of its samples are at its highest or lowest value"
    ]
    assert notes(trials) == ["O1 is clipped in 12 of 160 trials: samples stay at its extreme value"]


def test_the_steps_of_an_amplifiers_numbers_are_no_clipping() -> None:
    assert notes(lambda e: put(np.s_[:], np.round(e / 5e-7) * 5e-7)(e)) == []


UNITS: dict[str, tuple[EEGInfo, float, str]] = {
    "microvolts": (V, 10, r"EEG looks like microvolts (median spread 10): divide by 1e6"),
    "millivolts": (V, 1e-2, r"EEG looks like millivolts (median spread 0.01): divide by 1e3"),
    "nanovolts": (V, 1e4, r"EEG looks like nanovolts (median spread 1e+04): divide by 1e9"),
    "volts over 1e6": (V, 1e-11, r"EEG looks like volts divided by 1e6 (median spread 1e-11): multiply by 1e6"),
    "volts over 1e3": (V, 1e-8, r"EEG looks like volts divided by 1e3 (median spread 1e-08): multiply by 1e3"),
    "no unit": (V, 1e20, r"no unit of EEG fits a median spread of 1e+20"),
    "whitened x 1e3": (WHITE, 1e3, "EEG has about 1e3 times the spread of whitened EEG"),
    "whitened x 1e6": (WHITE, 1e6, "EEG has about 1e6 times the spread of whitened EEG"),
    "whitened / 1e3": (WHITE, 1e-3, "EEG has about 1/1e3 of the spread of whitened EEG"),
    "volts as whitened": (WHITE, 1e-5, "EEG has about 1/1e6 of the spread of whitened EEG"),
    "microvolts as whitened": (WHITE, 50, "EEG has about 1e3 times the spread of whitened EEG"),
}


@pytest.mark.parametrize("case", UNITS)
def test_another_unit_is_called_by_its_factor(case: str) -> None:
    info, spread, wanted = UNITS[case]
    assert refusal(eeg(spread=spread), info).startswith(wanted)


def test_a_unit_that_is_not_stated_is_not_judged_and_a_doubtful_one_is_a_note() -> None:
    assert refusal(eeg(spread=1e9), EEGInfo(NAMES, 100.0, 0.0, 100, "unstated")) == ""
    (note,) = signals.examine(eeg(spread=15), WHITE).notes
    assert note == "its median spread is 15, where whitened EEG has about 1: is it whitened?"


def test_one_channel_in_another_unit_is_named() -> None:
    (note,) = notes(lambda e: put(np.s_[:, 2], e[:, 2] * 1e6)(e))
    assert note.startswith("O1 has 1.0e+06 times the spread of the other channels")


NOTHING: dict[str, tuple[Change, str]] = {
    "zeros": (put(np.s_[:], 0), "all 5 channels are flat: no EEG is left"),
    "constants": (put(np.s_[:], np.arange(5)[:, None]), "all 5 channels are flat"),
    "copies": (lambda e: put(np.s_[:], e[:, :1])(e), "all 5 channels that are not flat are copies of one"),
    "copies and zeros": (
        lambda e: [put(np.s_[:], e[:, :1])(e), put(np.s_[:, 2], 0)(e)],
        "all 4 channels that are not flat are copies of one",
    ),
    "rounding after an average reference": (lambda e: put(np.s_[:], e * 1e-16)(e), "no unit of EEG fits"),
    "one trial": (lambda e: put(np.s_[:], e[:1])(e), "all 160 trials are exact copies of one"),
    "NaN": (put(np.s_[3:6, 2, 7], np.nan), "NaN or infinite samples in O1 (3 samples in 3 of 160 trials)"),
    "infinity": (put(np.s_[3, 2, 7], -np.inf), "NaN or infinite samples in O1 (1 sample in 1 of 160 trials)"),
}


@pytest.mark.parametrize("case", NOTHING)
def test_eeg_of_which_nothing_is_left_is_refused(case: str) -> None:
    change, wanted = NOTHING[case]
    values = eeg()
    change(values)
    assert refusal(values).startswith(wanted)


def test_copied_trials_are_named_and_counted() -> None:
    assert notes(lambda e: put(np.s_[100:140], e[60:100])(e)) == [
        "trials 101 to 140 are exact copies of earlier ones (40 of 160 trials): trial 101 is trial 61 again"
    ]
    assert notes(lambda e: put(9, e[0])(e)) == [
        "trial 10 is an exact copy of an earlier one (1 of 160 trials): trial 10 is trial 1 again"
    ]


def test_test_trials_that_are_training_trials_are_counted() -> None:
    train, test = eeg(100), eeg(160)[95:]  # a longer draw of the same seed is another one
    test[:5] = train[:5]
    found = {"train": signals.examine(train, V), "test": signals.examine(test, V)}
    assert signals.together(found).notes == (
        "train, test: 5 trials of the one are exact copies of trials of the other",
    )


def test_embeddings_are_looked_at_for_what_they_can_lack() -> None:
    info = EEGInfo(("embedding",), 0.0, 0.0, 8, "embedding")
    values = np.repeat(np.arange(6, dtype=np.float32), 8).reshape(6, 1, 8)
    assert signals.examine(values, info) == signals.SignalFindings(keys=signals.examine(values, info).keys)
    values[2, 0, 3] = np.nan
    assert "NaN or infinite samples in embedding" in refusal(values, info)


def test_of_a_few_samples_only_what_holds_throughout_is_told() -> None:
    info = EEGInfo(NAMES, 100.0, 0.0, 1, "V")
    values = eeg()[:, :, :1].copy()
    assert signals.examine(values, info).notes == ()
    values[:, 2] = 0
    assert signals.examine(values, info).notes == ("O1 is flat throughout",)


def test_some_rows_are_looked_at_alone() -> None:
    values, rows = eeg(), np.arange(1, 160, 2)
    values[::2] = 0
    assert signals.examine(values, V, rows=rows).notes == ()
    values[rows[4]] = 0
    assert signals.examine(values, V, rows=rows).notes == ("trial 5 is silent in all channels (1 of 80 trials)",)


def test_eeg_on_disk_is_looked_at_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = eeg(3000)
    values[:, 2], values[2990:] = 0, values[:10]
    whole = signals.examine(values, V)
    np.save(tmp_path / "eeg.npy", values)
    monkeypatch.setattr("eegbench.datasets.signals.findings.AT_ONCE", 2**18)
    held = np.load(tmp_path / "eeg.npy", mmap_mode="r")
    assert len(list(_parts(held, None))) > 50
    with at_most(values.nbytes // 2):
        found = signals.examine(held, V)
    assert (found.notes, found.keys) == (whole.notes, whole.keys) and len(whole.notes) == 2


def recording(change: Callable[[NDArray[np.float64]], object], samples: int = 10_100) -> signals.SignalFindings:
    values = 1e-5 * np.random.default_rng(0).normal(size=(6, samples))
    change(values)
    return signals.examine_recording(values, {name: i + 1 for i, name in enumerate(NAMES)}, 1000.0)


RECORDED: dict[str, tuple[Callable[[NDArray[np.float64]], object], str]] = {
    "nothing": (lambda v: None, ""),
    "another row": (lambda v: v.__setitem__(0, np.nan), ""),
    "silence": (lambda v: v.__setitem__(np.s_[:, 2000:4500], 0), "silent in all channels: 2 to 4.5 s (2.5 of 10.25 s)"),
    "silence at the end": (
        lambda v: v.__setitem__(np.s_[:, 9000:], 0),
        "silent in all channels: 9 to 10.25 s (1.25 of 10.25 s)",
    ),
    "flat": (lambda v: v.__setitem__(3, 0), "O1 is flat throughout"),
    "flat for a while": (lambda v: v.__setitem__(np.s_[3, :1000], 0), "O1 is flat in 1 of 10.25 s"),
    "copied": (lambda v: v.__setitem__(5, -v[3]), "channels that are copies of one another: O1 and O2 (upside down)"),
}


@pytest.mark.parametrize("case", RECORDED)
def test_faults_of_a_recording_are_named_by_time(case: str) -> None:
    change, wanted = RECORDED[case]
    assert recording(change) == signals.SignalFindings((wanted,) if wanted else ())


def test_a_recording_shorter_than_a_window_is_looked_at_too() -> None:
    assert recording(lambda v: v.__setitem__(3, 0), 90).notes == ("O1 is flat throughout",)
