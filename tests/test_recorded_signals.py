"""Faults of signals in published files, from the command line: noted or refused, for every data set and origin."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import eegcvpr_files
import raw_files
import things_files
from eegbench.channels import THINGS_RAW
from eegbench.cli import app
from eegbench.datasets.prepared import MANIFEST, Preparation
from eegbench.datasets.things_eeg2 import ThingsEEG2, raw
from eegbench.files import file_digest

SMALL = things_files.Small(concepts=1, tests=2)
RAW = ("--set", "raw.channels=occipital", "--set", "raw.rate=100")
FLAT, COPIED, CLIPPED, OTHER = 13, 14, 15, 16  # channels of both versions, and the one that is copied
Change = Callable[[Any], object]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["datasets", *words], catch_exceptions=False)


def noted(text: str) -> list[str]:
    """What the notes say, without what they are about: the first of all, a folder or a subject."""
    return [line.partition(": ")[2].partition(": ")[2] for line in text.splitlines() if line.startswith("note: ")]


def spoil_epochs(data: Any) -> None:
    """EEG (conditions, repetitions, channels, times) with one fault of each kind."""
    data[:, :, FLAT] = 0
    data[:, :, COPIED] = 1 - 2 * data[:, :, OTHER]
    data[:, :, CLIPPED] = np.clip(data[:, :, CLIPPED], -1.5, 1.5)
    data[1, 1:4] = 0
    data[0, 3] = data[0, 0]
    data[2, :2, 0] = 7


def epoch_notes(names: tuple[str, ...], trials: int) -> list[str]:
    return [
        f"{names[FLAT]} is flat throughout",
        f"trials {trials // 10 + 2} to {trials // 10 + 4} are silent in all channels (3 of {trials} trials)",
        f"{names[0]} is flat in 2 of {trials} trials",
        f"channels that are copies of one another: {names[COPIED]} and {names[OTHER]} (upside down)",
        f"{names[CLIPPED]} is clipped: ",
        f"trial 4 is an exact copy of an earlier one (1 of {trials} trials): trial 4 is trial 1 again",
    ]


def write_things(root: Path, version: str, change: Change) -> tuple[str, ...]:
    """Files of subject 8, whose training file is changed; and the words that name them on the command line."""
    if not (root / "image_set").exists():
        things_files.write(root, version, SMALL)
    content = things_files.held(version, SMALL, "train", 8)
    change(content["preprocessed_eeg_data"])
    things_files.save(version, root / things_files.FOLDERS[version] / "sub-08" / things_files.NAMES["train"], content)
    return ("things-eeg2", "--from", version, "--root", str(root), "--subject", "8")


@pytest.mark.parametrize("version", ["nice", "official"])
def test_published_eeg_with_faults_is_prepared_and_they_are_noted_and_verified(version: str, tmp_path: Path) -> None:
    words = write_things(tmp_path, version, spoil_epochs)
    wanted = epoch_notes(things_files.CHANNELS[version], 40)
    done = run("prepare", *words)
    assert done.exit_code == 0 and "note: " not in done.stdout
    told = noted(done.stderr)
    assert all(line.startswith(f"training EEG: {start}") for line, start in zip(told, wanted, strict=True))
    again = run("verify", *words)
    assert again.exit_code == 0 and noted(again.stdout) == told
    assert noted(run("prepare", *words).stderr) == told  # nothing is made again, and they are said again


def times(factor: float) -> Change:
    return lambda data: np.multiply(data, factor, out=data)


def equal(data: Any) -> None:
    data[:] = data[:, :, :1]


REFUSED: dict[str, tuple[Change, str]] = {
    "flat": (lambda data: data.fill(0), "channels are flat: no EEG is left; record or export it again"),
    "constant": (lambda data: data.fill(3.5), "channels are flat: no EEG is left"),
    "copies": (equal, "channels that are not flat are copies of one: no EEG is left"),
    "one trial": (lambda data: data.__setitem__(np.s_[:], data[:1, :1]), "all 40 trials are exact copies of one"),
    "x 1e3": (
        times(1e3),
        "EEG has about 1e3 times the spread of whitened EEG (median 1.4e+03, wanted about 1): divide by",
    ),
    "x 1e6": (times(1e6), "EEG has about 1e6 times the spread of whitened EEG"),
    "x 1e-6": (times(1e-6), "EEG has about 1/1e6 of the spread of whitened EEG"),
    "NaN": (lambda data: data.__setitem__(np.s_[2:4, 1, 3, 9], np.nan), "(2 samples in 2 of 40 trials, the first is"),
}


@pytest.fixture(scope="module", params=["nice", "official"])
def things(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return tmp_path_factory.mktemp("things"), request.param


@pytest.mark.parametrize("case", REFUSED)
def test_published_eeg_of_which_nothing_is_left_or_of_another_unit_is_refused(
    case: str, things: tuple[Path, str]
) -> None:
    change, wanted = REFUSED[case]
    words = write_things(*things, change)
    done = run("prepare", *words)
    assert done.exit_code == 2 and wanted in done.stderr.splitlines()[-1]
    assert things_files.FOLDERS[things[1]] in done.stderr.splitlines()[-1]  # the file is named that is to be mended
    assert run("verify", *words).exit_code == 3


def test_what_was_prepared_before_signals_were_looked_at_is_read_and_verify_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = write_things(tmp_path, "nice", times(1e-6))
    with monkeypatch.context() as patch:
        patch.setattr(Preparation, "examine", lambda *_: None)
        assert run("prepare", *words).exit_code == 0
    assert ThingsEEG2(root=tmp_path).queries(8).eeg.shape == (2, 63, 250)
    done = run("verify", *words)
    assert done.exit_code == 1 and "training EEG: EEG has about 1/1e6 of the spread of whitened EEG" in done.stdout


def test_notes_are_no_part_of_the_data(tmp_path: Path) -> None:
    words = write_things(tmp_path, "nice", spoil_epochs)
    told = noted(run("prepare", *words).stderr)
    folder = tmp_path / "prepared/nice/sub-08"
    before = file_digest(folder / MANIFEST)
    (folder / "signals.json").unlink()
    assert noted(run("verify", *words).stdout) == told
    assert noted(run("prepare", *words).stderr) == told and file_digest(folder / MANIFEST) == before
    write_things(tmp_path, "nice", lambda data: None)
    assert noted(run("prepare", *words).stderr) == []  # of other files: looked at anew
    (folder / "signals.json").write_text('{"schema_version": 1, "notes": {"prepared": ["\\u001b[31m"]}}')
    done = run("prepare", *words)
    assert done.exit_code == 2 and "signals.json: damaged" in done.stderr.splitlines()[-1]


def test_info_says_what_was_noted(tmp_path: Path) -> None:
    told = noted(run("prepare", *write_things(tmp_path, "nice", spoil_epochs)).stderr)
    said = run("info", "things-eeg2", "--set", f"root={tmp_path}").stdout
    assert f"signals    prepared/nice/sub-08: {told[0]}\n" in said and all(line in said for line in told)


# Raw files


@pytest.fixture(scope="module")
def raw_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("raw")
    things_files.write_images(root, SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_files, "CONDITIONS", SMALL.conditions)
        raw_files.write_subject(root / "raw_data/sub-08")
    return root


def write_raw(source: Path, root: Path, change: Callable[[str, Any], object]) -> tuple[str, ...]:
    """A copy of all files, changed by their session and what they hold, (64, samples) in the order of THINGS_RAW."""
    shutil.copytree(source, root, copy_function=os.link)
    for path in sorted((root / "raw_data/sub-08").rglob("*.npy")):
        held = np.load(path, allow_pickle=True).item()
        change(f"{path.parent.name}/{path.name}", held["raw_eeg_data"])
        path.unlink()
        raw_files.save(path, held)
    return ("things-eeg2", "--from", "raw", *RAW, "--root", str(root), "--subject", "8")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw files show a test image as often as those that are written here."""
    monkeypatch.setitem(raw.PUBLISHED, "test", raw_files.COUNTS["test"])


def spoil_raw(name: str, signal: Any) -> None:
    rows = {channel: signal[i] for i, channel in enumerate(THINGS_RAW)}
    rows["O1"][:] = 0
    rows["Oz"][:] = -2 * rows["O2"] + 1e-4
    rows["P7"].clip(-1e-6, 1e-6, out=rows["P7"])
    if name == "ses-02/raw_eeg_training.npy":
        rows["Pz"][3000:5000] = 1e-5
    if name == "ses-01/raw_eeg_test.npy":
        signal[:63, 4000:7000] = 0


@pytest.mark.usefixtures("few")
def test_raw_files_with_faults_are_prepared_and_they_are_noted_by_file_and_time(raw_root: Path, tmp_path: Path) -> None:
    words = write_raw(raw_root, tmp_path / "root", spoil_raw)
    done = run("prepare", *words)
    told = noted(done.stderr)
    assert done.exit_code == 0
    assert "all 8 files: O1 is flat throughout" in told
    assert "all 8 files: channels that are copies of one another: Oz and O2 (upside down)" in told
    assert "ses-02/raw_eeg_training.npy: Pz is flat in 2 of 17 s" in told
    assert "ses-01/raw_eeg_test.npy: silent in all channels: 4 to 7 s (3 of 11.75 s)" in told
    assert sum("P7 is clipped: " in line for line in told) > 0
    assert "training EEG, test EEG: O1 is flat throughout" in told
    again = run("verify", *words)
    assert again.exit_code == 0 and noted(again.stdout) == told
    shutil.rmtree(tmp_path / "root/raw_data")
    assert noted(run("verify", *words).stdout) == told


def scaled(factor: float) -> Callable[[str, Any], object]:
    return lambda _, signal: np.multiply(signal[:63], factor, out=signal[:63])


RAW_REFUSED: dict[str, tuple[Callable[[str, Any], object], str]] = {
    "flat": (lambda _, signal: signal[:63].fill(0), "all 63 channels are flat: no EEG is left"),
    "copies": (lambda _, s: s.__setitem__(np.s_[:63], s[:1]), "all 63 channels that are not flat are copies of one"),
    "microvolts": (scaled(1e6), "EEG looks like microvolts (median spread 1.1): divide by 1e6"),
    "millivolts": (scaled(1e3), "EEG looks like millivolts (median spread 0.0011): divide by 1e3"),
    "volts over 1e6": (scaled(1e-6), "EEG looks like volts divided by 1e6 (median spread 1.1e-12): multiply by 1e6"),
    "a channel": (
        lambda _, s: np.multiply(s[3], 1e6, out=s[3]),
        "samples of FT9 reach 1e+03 V, where EEG stays far below 1 V; if they are microvolts, divide them by 1e6",
    ),
    "codes": (
        lambda _, s: s.__setitem__((63, 5), 1e8),
        "codes in stim up to 1e+08; wanted numbers of images, or 99999",
    ),
}


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("case", RAW_REFUSED)
def test_raw_files_of_which_nothing_is_left_or_of_another_unit_are_refused(
    case: str, raw_root: Path, tmp_path: Path
) -> None:
    change, wanted = RAW_REFUSED[case]
    done = run("prepare", *write_raw(raw_root, tmp_path / "root", change))
    said = done.stderr.splitlines()[-1]
    assert done.exit_code == 2 and "ses-01/raw_eeg_training.npy: " in said and wanted in said


# EEGCVPR


def write_eegcvpr(root: Path, change: Callable[[int, Any], object], *more: str) -> tuple[str, ...]:
    """Files in which the trials of subject 2, by their number and their EEG, are changed."""

    def change_all(value: eegcvpr_files.Value) -> None:
        own = [trial["eeg"] for trial in value["dataset"] if trial["subject"] == 2]
        kept = [trial for trial in own if 450 <= trial.shape[1] <= 600]
        for number, trial in enumerate(kept, 1):
            change(number, trial.numpy())

    eegcvpr_files.write(root, change=change_all)
    return ("eegcvpr", "--root", str(root), "--set", "image_side=16", *more)


def spoil_trial(number: int, trial: Any) -> None:
    trial[7] = 0
    trial[9] = 0.5 - trial[3]
    trial[11] = trial[11].clip(0.3, 0.7)
    if number in (2, 3, 4):
        trial[:] = 0


def test_eegcvpr_with_faults_is_prepared_and_they_are_noted_by_subject(tmp_path: Path) -> None:
    words = write_eegcvpr(tmp_path, spoil_trial)
    done = run("prepare", *words)
    assert done.exit_code == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert all(line.startswith("note: 5_95, subject 2: ") for line in lines)
    flat, silent, copied, clipped = (line.removeprefix("note: 5_95, subject 2: ") for line in lines)
    assert flat == "electrode 8 is flat throughout" and clipped.startswith("electrode 12 is clipped: ")
    assert silent.startswith("trials 2 to 4 are silent in all channels (3 of ")
    assert copied == "channels that are copies of one another: electrode 4 and electrode 10 (upside down)"
    again = run("verify", *words)
    assert again.exit_code == 0 and again.stdout.splitlines()[1:5] == lines


EEGCVPR_REFUSED: dict[str, tuple[Callable[[int, Any], object], str]] = {
    "flat": (lambda _, trial: trial.fill(0), "all 128 channels are flat: no EEG is left"),
    "copies": (
        lambda _, trial: trial.__setitem__(np.s_[:], trial[:1]),
        "all 128 channels that are not flat are copies",
    ),
    "volts": (lambda _, trial: np.multiply(trial, 1e-6, out=trial), "1/1e6 of the spread of z-scored EEG"),
    "x 1e3": (lambda _, trial: np.multiply(trial, 1e3, out=trial), "1e3 times the spread of z-scored EEG"),
}


@pytest.mark.parametrize("case", EEGCVPR_REFUSED)
def test_eegcvpr_of_which_nothing_is_left_or_of_another_unit_is_refused(case: str, tmp_path: Path) -> None:
    change, wanted = EEGCVPR_REFUSED[case]
    done = run("prepare", *write_eegcvpr(tmp_path, change, "--subject", "2"))
    assert done.exit_code == 2
    assert "eeg_5_95_std.pth: subject 2: " in done.stderr.splitlines()[-1] and wanted in done.stderr.splitlines()[-1]


def test_other_subjects_of_eegcvpr_are_prepared_where_one_is_lost_unless_they_are_pooled(tmp_path: Path) -> None:
    words = write_eegcvpr(tmp_path, lambda _, trial: trial.fill(0), "--subject", "3")
    assert run("prepare", *words).exit_code == 0
    assert run("prepare", *words, "--set", "protocol=pooled").exit_code == 2
