"""THINGS-EEG2 from raw files: epochs, repetitions, what whitens what, interruptions, bad files."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from numpy.typing import NDArray

import raw_files as files
from eegbench.arrays import EEGInfo
from eegbench.channels import THINGS_RAW
from eegbench.contracts import Silent
from eegbench.datasets.prepared import Preparation, Prepared, preparing, read_notes
from eegbench.datasets.things_eeg2 import raw
from eegbench.datasets.things_eeg2.published import VERSIONS
from eegbench.datasets.things_eeg2.raw import NICE, OFFICIAL, RawOptions, prepare_raw
from eegbench.datasets.things_eeg2.recording import TARGET, Session, events, read_session, repetitions
from eegbench.errors import EegbenchError, InputError, MissingError, UsageError

PLAIN = RawOptions("raw", mvnn="none")
FINE = RawOptions("raw", mvnn="none", rate=1000.0)  # nothing is resampled
SMALL = RawOptions("occipital")


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.write_subject(tmp_path_factory.mktemp("raw_data") / "sub-01")


def prepare(folder: Path, to: Path, options: RawOptions) -> tuple[EEGInfo, Prepared]:
    with preparing(to, {"options": str(options)}) as preparation:
        info = prepare_raw(folder, files.STIMULI, options, preparation, Silent(), counts=files.COUNTS)
    return info, Prepared.read(to, remedy="")


@pytest.fixture(scope="module")
def fine(subject: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(subject, tmp_path_factory.mktemp("fine"), FINE)[1]


@pytest.fixture(scope="module")
def whitened(subject: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(subject, tmp_path_factory.mktemp("whitened"), SMALL)[1]


def cut(split: str, session: int, image: int, signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """By numpy alone: an image's epochs of a session from 0 to 1 s, at 1000 Hz."""
    onsets = [700 + files.SPACING * i for i, code in enumerate(files.order(split, session)) if code == image]
    epochs = np.stack([signal[:63, o - 200 : o + 1000] for o in onsets])
    return np.array(epochs - epochs[..., :201].mean(-1, keepdims=True))[..., 200:]


# What is computed


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_trial_is_cut_and_brought_to_its_baseline_and_stands_in_its_place(
    split: str, subject: Path, fine: Prepared
) -> None:
    found, rows = fine.array(f"{split}.npy"), [r for r in fine.table("trials.csv") if r["split"] == split]
    sessions, each = files.COUNTS[split]
    assert found.shape == (files.CONDITIONS[split], sessions * each, 63, 1000) and found.dtype == np.float32
    assert len(rows) == files.CONDITIONS[split] * sessions * each
    for i, name in enumerate(files.SESSIONS):
        signal = read_session(subject / name / files.FILES[split]).signal
        for image in set(files.order(split, i)) - {TARGET}:
            own = [r for r in rows if (r["stimulus"], r["session"]) == (f"{split}/{image}", str(i + 1))]
            places = [int(r["repetition"]) - 1 for r in own]
            wanted = cut(split, i, image, signal)
            np.testing.assert_allclose(found[image - 1, places], wanted, rtol=1e-6, atol=1e-11)  # 32 bits hold 1e-7
    np.testing.assert_allclose(fine.array(f"{split}_mean.npy"), found.mean(1), rtol=1e-4, atol=1e-11)


def test_what_an_image_evokes_is_found_again_at_250_hz(subject: Path, tmp_path: Path) -> None:
    info, prepared = prepare(files.write_subject(tmp_path / "sub-01", noise=0), tmp_path / "to", PLAIN)
    assert info == EEGInfo(THINGS_RAW, 250.0, 0.0, 250, "V")
    for split, n in files.CONDITIONS.items():
        wanted = np.stack([files.response(split, image) for image in range(1, n + 1)])[..., 1::4]  # 1 ms, see below
        means = prepared.array(f"{split}_mean.npy")
        # What is slow passes the filter against aliasing but for a thousandth.
        np.testing.assert_allclose(means[..., :100], wanted, rtol=0, atol=1e-3 * abs(wanted).max())
        assert abs(means[..., 100:]).max() < 1e-3 * abs(wanted).max()


def test_epochs_are_those_that_mne_cuts_from_the_whole_recording_and_resamples(subject: Path) -> None:
    session = read_session(subject / "ses-01" / files.FILES["train"])
    onsets, images = events(session, 6)
    described = mne.create_info(list(THINGS_RAW), 1000.0, "eeg")
    whole = mne.io.RawArray(np.array(session.signal[:63]), described, verbose="error")
    at = np.stack([onsets, np.zeros_like(onsets), images], axis=1)
    for options in (PLAIN, replace(OFFICIAL, channels="raw")):
        times = {"tmin": options.tmin, "tmax": options.tmax, "baseline": (None, 0), "preload": True}
        wanted = mne.Epochs(whole, at, **times, verbose="error").resample(options.rate, verbose="error").get_data()
        found = raw.epochs(session, onsets, options, lambda n: None)
        np.testing.assert_allclose(found, wanted[..., options.kept], rtol=1e-6, atol=1e-11)


@pytest.mark.parametrize(("options", "moved"), [(NICE, 1.0), (OFFICIAL, -4.0), (FINE, 0.0)])
def test_a_slow_sine_keeps_its_size_and_is_moved_as_far_as_documented(
    options: RawOptions, moved: float, subject: Path
) -> None:
    sine = np.tile(np.sin(2 * np.pi * 5 * (np.arange(3000) - 1000) / 1000), (64, 1))
    session = replace(read_session(subject / "ses-01" / files.FILES["train"]), signal=sine)
    (epoch,) = raw.epochs(session, np.array([1000]), options, lambda n: None)
    times = options.first + np.arange(options.info.times) / options.rate
    inner = (times >= 0.1) & (times < 0.7)
    both = np.stack([np.sin(2 * np.pi * 5 * times[inner]), np.cos(2 * np.pi * 5 * times[inner])], axis=1)
    (a, b), *_ = np.linalg.lstsq(both, epoch[0, inner], rcond=None)
    assert np.hypot(a, b) == pytest.approx(1, abs=0.002)  # and the baseline is a full period, of mean 0
    assert 1000 * np.arctan2(b, a) / (2 * np.pi * 5) == pytest.approx(moved, abs=0.5 if options == OFFICIAL else 0.01)


def test_blocks_of_events_change_nothing(subject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = read_session(subject / "ses-01" / files.FILES["train"])
    onsets, _ = events(session, 6)
    at_once = raw.epochs(session, onsets, SMALL, lambda n: None)
    monkeypatch.setattr(raw, "BLOCK", 4)
    np.testing.assert_allclose(raw.epochs(session, onsets, SMALL, lambda n: None), at_once, rtol=1e-6, atol=1e-12)


def test_channels_are_found_by_name_and_come_in_the_published_order(
    subject: Path, tmp_path: Path, whitened: Prepared
) -> None:
    assert " ".join(SMALL.names) == "Pz P3 P7 O1 Oz O2 P4 P8 P1 P5 PO7 PO3 POz PO4 PO8 P6 P2"
    other = tmp_path / "sub-01"
    mixed = np.random.default_rng(1).permutation(64)
    for path in subject.rglob("*.npy"):
        held = np.load(path, allow_pickle=True).item()
        held |= {key: [held[key][i] for i in mixed] for key in ("ch_names", "ch_types")}
        files.save(other / path.parent.name / path.name, held | {"raw_eeg_data": held["raw_eeg_data"][mixed]})
    info, prepared = prepare(other, tmp_path / "to", SMALL)
    assert info.channels == SMALL.names and info.unit == "whitened"
    assert np.array_equal(prepared.array("train.npy"), whitened.array("train.npy"))


def test_official_options_give_the_official_shape(subject: Path, tmp_path: Path) -> None:
    info, prepared = prepare(subject, tmp_path, OFFICIAL)
    assert info == EEGInfo(SMALL.names, 100.0, -0.2, 100, "whitened")
    assert prepared.array("train.npy").shape == (6, 4, 17, 100)
    assert RawOptions() == NICE and NICE.info == VERSIONS["nice"].info  # so that published checkpoints fit
    assert OFFICIAL.info == VERSIONS["official"].info


# Noise


def test_noise_is_white_afterwards(tmp_path: Path) -> None:
    folder = files.write_subject(tmp_path / "sub-01")
    options = RawOptions("occipital", 1000.0, first=0.4)  # after the response, there is noise alone
    eeg = prepare(folder, tmp_path / "to", options)[1].array("train.npy")
    plain = prepare(folder, tmp_path / "plain", replace(options, mvnn="none"))[1].array("train.npy")

    def correlations(values: NDArray[np.float32]) -> NDArray[np.float64]:
        channels = np.moveaxis(values - values.mean(-1, keepdims=True), 2, 0).reshape(17, -1)
        return np.cov(channels / (channels.std() if values is plain else 1))

    # Of 600 samples an epoch, shrinkage takes about 1 - 1/30 of a correlation.
    np.testing.assert_allclose(correlations(eeg), np.eye(17), atol=0.1)
    assert abs(correlations(plain) - np.eye(17)).max() > 0.3


def test_training_data_alone_shape_the_whitener_unless_the_official_one_is_asked_for(
    subject: Path, tmp_path: Path, whitened: Prepared
) -> None:
    noisy = files.write_subject(tmp_path / "sub-01", test_noise=3e-6)
    _, again = prepare(noisy, tmp_path / "train", SMALL)
    assert again.files["train.npy"] == whitened.files["train.npy"]
    # The same whitener on both: three times the noise, whose late part is noise alone, gives three times the values.
    late = [p.array("test.npy")[..., 105:145] for p in (whitened, again)]
    assert late[1].std() / late[0].std() == pytest.approx(3, rel=0.02)
    official = replace(SMALL, mvnn="official")
    trains = [prepare(f, tmp_path / n, official)[1].array("train.npy") for f, n in ((subject, "a"), (noisy, "b"))]
    assert trains[1].std() < 0.9 * trains[0].std()


def test_the_official_whitener_takes_the_mean_of_both_partitions_however_large() -> None:
    rng = np.random.default_rng(0)
    train, test = (rng.normal(size=(n, 3, 17, 50)).astype(np.float32) * size for n, size in ((9, 1), (2, 3)))
    white = raw._whitener([train, test], replace(SMALL, mvnn="official"), "", Silent())
    assert np.diag(white).mean() == pytest.approx(5**-0.5, rel=0.05)  # variances of 1 and 9


def test_no_test_file_may_be_opened_for_the_training_whitener(subject: Path) -> None:
    train = np.random.default_rng(0).normal(size=(4, 2, 17, 50)).astype(np.float32)
    alone = raw._whitener([train, np.full_like(train, np.nan)], SMALL, "", Silent())
    assert np.isfinite(alone).all()


def test_channels_that_depend_on_each_other_are_named_with_their_session(
    subject: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw, "covariance", lambda *_: np.ones((17, 17)))
    with pytest.raises(InputError, match=r"sub-01/ses-01: noise covariance of 17 channels"):
        prepare(subject, tmp_path, SMALL)


# Repetitions


def test_of_too_many_repetitions_the_seed_draws_the_same_again_in_the_order_of_time(subject: Path) -> None:
    session = read_session(subject / "ses-01" / files.FILES["train"])
    onsets, images = np.arange(40) * 10, np.tile([3, 1], 20)
    shown, kept = repetitions(session, onsets, images, 5)
    assert shown.tolist() == [1, 3] and kept.shape == (2, 5)
    assert (np.diff(kept) > 0).all() and (kept % 20 == [[10], [0]]).all()
    assert np.array_equal(repetitions(session, onsets, images, 5)[1], kept)
    other = replace(session, path=subject / "ses-02" / files.FILES["train"])
    assert not np.array_equal(repetitions(other, onsets, images, 5)[1], kept)


def test_codes_that_touch_and_codes_that_last_are_one_event_each(subject: Path) -> None:
    stim = np.array([2, 0, 0, 5, 5, 5, 3, 3, TARGET, 4, 0, 1.0, 0])
    session = replace(read_session(subject / "ses-01" / files.FILES["train"]), stim=stim)
    onsets, images = events(session, 6)
    assert images.tolist() == [2, 5, 3, 4, 1] and onsets.tolist() == [0, 3, 6, 9, 11]


# Interruptions


def test_an_interrupted_preparation_goes_on_with_its_session(
    subject: Path, tmp_path: Path, whitened: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def read(path: Path) -> Session:
        opened.append(path.parent.name)
        if opened == [*["ses-01"] * 2, *["ses-02"] * 2, "ses-03"]:
            raise KeyboardInterrupt
        return read_session(path)

    monkeypatch.setattr(raw, "read_session", read)
    with pytest.raises(KeyboardInterrupt):
        prepare(subject, tmp_path, SMALL)
    _, prepared = prepare(subject, tmp_path, SMALL)
    assert opened[5:] == ["ses-03"] * 2 + ["ses-04"] * 2
    assert prepared.files == whitened.files
    assert set(prepared.files) == {"train.npy", "train_mean.npy", "test.npy", "test_mean.npy", "trials.csv"}
    assert {p.name for p in tmp_path.iterdir()} == {*prepared.files, "manifest.json", "signals.json", ".lock"}
    prepare(subject, tmp_path, SMALL)
    assert len(opened) == 9


def test_what_was_found_in_a_session_before_an_interruption_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files.write_subject(tmp_path / "sub-01")
    path = folder / "ses-01" / files.FILES["train"]
    held = np.load(path, allow_pickle=True).item()
    held["raw_eeg_data"][THINGS_RAW.index("Fp1")] = 0  # not among the channels that are kept
    files.save(path, held)
    with monkeypatch.context() as patch:
        patch.setattr(raw, "_merge", None)
        with pytest.raises(TypeError):
            prepare(folder, tmp_path / "to", SMALL)
    monkeypatch.setattr(raw, "read_session", None)
    prepare(folder, tmp_path / "to", SMALL)
    assert read_notes(tmp_path / "to") == {"raw": ["ses-01/raw_eeg_training.npy: Fp1 is flat throughout"]}


def test_interrupted_while_steps_are_deleted_nothing_is_computed_again(
    subject: Path, tmp_path: Path, whitened: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def interrupt(*_: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(Preparation, "drop", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(subject, tmp_path, SMALL)
    monkeypatch.setattr(raw, "read_session", None)
    assert prepare(subject, tmp_path, SMALL)[1].files == whitened.files
    assert not list(tmp_path.glob("ses-*"))


# Bad input

Change = Callable[[dict[str, Any]], object]


def holes(held: dict[str, Any]) -> None:
    held["raw_eeg_data"][3, 77] = np.nan


def fraction(held: dict[str, Any]) -> None:
    held["raw_eeg_data"][63, 5] = 1.5


def alien(held: dict[str, Any]) -> None:
    held["raw_eeg_data"][63, 700] = 7


def silence(held: dict[str, Any]) -> None:
    held["raw_eeg_data"][63] = 0


def microvolts(held: dict[str, Any]) -> None:
    held["raw_eeg_data"][:63] *= 1e6


def edge(held: dict[str, Any]) -> None:
    silence(held)
    held["raw_eeg_data"][63, [50, -50]] = 1


def once(held: dict[str, Any]) -> None:
    stim = held["raw_eeg_data"][63]
    stim[np.flatnonzero(stim == 2)[-1]] = 0


def never(held: dict[str, Any]) -> None:
    stim = held["raw_eeg_data"][63]
    stim[stim == 2] = 0


def early(held: dict[str, Any]) -> None:
    stim = held["raw_eeg_data"][63]
    stim[[np.flatnonzero(stim == 2)[-1], 100]] = [0, 2]


BAD: dict[str, tuple[Change, str]] = {
    "no dictionary": (lambda held: "text", "holds str; wanted a dictionary"),
    "a missing key": (lambda held: held.pop("sfreq") and None, "has no sfreq; wanted raw_eeg_data, ch_names"),
    "no array": (lambda held: held.update(raw_eeg_data=[1.0]), "raw_eeg_data is list; wanted .64, samples."),
    "whole numbers": (
        lambda held: held.update(raw_eeg_data=np.ones((64, 9), int)),
        "raw_eeg_data is int64; wanted floats",
    ),
    "another shape": (lambda held: held.update(raw_eeg_data=np.ones((64, 9, 1))), "of shape .64, 9, 1.; wanted"),
    "a row more": (lambda held: held.update(raw_eeg_data=np.ones((65, 9))), "of shape .65, 9.; wanted"),
    "no samples": (lambda held: held.update(raw_eeg_data=np.ones((64, 0))), "of shape .64, 0.; wanted"),
    "a word too few": (lambda held: held["ch_types"].pop() and None, "64 words in ch_names, 63 in ch_types; wanted 64"),
    "a word that is none": (lambda held: held["ch_names"].insert(0, 1), "0 words in ch_names"),
    "words that are none": (lambda held: held.update(ch_names=np.array(3)), "0 words in ch_names"),
    "microvolts": (microvolts, r"EEG looks like microvolts \(median spread 1.1\): divide by 1e6"),
    "a strange name": (lambda held: held["ch_names"].__setitem__(2, "Fz"), r"without \['F7'\] and with \['Fz'\]"),
    "a name twice": (lambda held: held["ch_names"].__setitem__(0, "F7"), r"62 EEG channels, without \['Fp1'\]"),
    "no stim": (lambda held: held["ch_types"].__setitem__(63, "misc"), "63 EEG channels, without .*, and a stim"),
    "a rate of words": (lambda held: held.update(sfreq="1000"), "sfreq is no frequency; wanted a number of Hz"),
    "another rate": (lambda held: held.update(sfreq=500), "sfreq is 500; wanted 1000 Hz"),
    "a rate without end": (lambda held: held.update(highpass=float("nan")), "highpass is no frequency"),
    "holes": (holes, r"NaN or infinite samples in FT9 \(1 sample in 0.25 of"),
    "a fraction": (fraction, "codes in stim that are no whole numbers"),
    "an image too many": (alien, "shows image 7; wanted 1 to 6"),
    "no events": (silence, "shows no image"),
    "no whole epoch": (edge, "shows no image"),
    "shown once": (once, "image 2 has 1 whole epochs; wanted 2"),
    "an epoch cut off": (early, "image 2 has 1 whole epochs; wanted 2"),
    "not shown": (never, "sub-01: image 2 of raw_eeg_training.npy is shown in ses-03; wanted 2 sessions"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_not_as_published_is_refused_in_one_line(case: str, subject: Path, tmp_path: Path) -> None:
    change, message = BAD[case]
    shutil.copytree(subject, tmp_path / "sub-01", copy_function=os.link)
    path = tmp_path / "sub-01" / "ses-01" / files.FILES["train"]
    held = np.load(path, allow_pickle=True).item()
    path.unlink()  # else the change would be written into what it is linked to
    given = change(held)
    files.save(path, held if given is None else given)
    with pytest.raises(InputError, match=message) as caught:
        prepare(tmp_path / "sub-01", tmp_path / "to", SMALL)
    assert "\n" not in str(caught.value) and "sub-01" in str(caught.value)


def test_files_that_are_not_there_are_named_before_anything_is_computed(subject: Path, tmp_path: Path) -> None:
    shutil.copytree(subject, tmp_path / "sub-01", copy_function=os.link)
    (tmp_path / "sub-01" / "ses-03" / files.FILES["test"]).unlink()
    shutil.rmtree(tmp_path / "sub-01" / "ses-04")
    with pytest.raises(MissingError, match=r"sub-01: ses-03/raw_eeg_test\.npy, ses-04/raw_eeg_training"):
        prepare(tmp_path / "sub-01", tmp_path / "to", SMALL)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "channels": ({"channels": "frontal"}, "unknown channels 'frontal'"),
    "mvnn": ({"mvnn": "test"}, "unknown mvnn 'test'"),
    "mvnn_over": ({"mvnn_over": "epoch"}, "did you mean 'epochs'"),
    "rate": ({"rate": 2000.0}, "rate is 2000.0; wanted 1 to 1000"),
    "baseline": ({"tmin": 0.1, "first": 0.1}, "tmin is 0.1"),
    "no number": ({"tmax": float("nan")}, "tmax is nan"),
    "order": ({"first": 0.5, "last": 0.5}, "must lie in order"),
    "outside": ({"last": 1.1}, "must lie in order in -0.2 to 1.0 s"),
    "between samples": ({"first": 0.001}, "first is 0.001 s; wanted a whole number of samples at 250 Hz"),
    "between raw samples": ({"tmax": 1.0005}, "tmax is 1.0005 s; wanted a whole number of samples at 1000 Hz"),
}


@pytest.mark.parametrize("case", WRONG)
def test_options_that_cannot_be_are_refused(case: str) -> None:
    changes, message = WRONG[case]
    with pytest.raises(UsageError, match=message) as caught:
        RawOptions(**changes)
    assert isinstance(caught.value, EegbenchError)
