"""What data sets, judges and metrics hand over is checked where it enters, in one line that names who gave it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

import small_plugins
from eegbench import backbones
from eegbench.arrays import EEGInfo
from eegbench.backbones import Suite
from eegbench.backbones.micro import judges as micro
from eegbench.benchmark.evaluate import evaluate
from eegbench.benchmark.options import Options
from eegbench.contracts import Backbone, Silent
from eegbench.errors import EegbenchError, InputError
from small_plugins import FAULTS, ODD

Install = Callable[..., None]
Run = Callable[..., Result]

EVALUATE = ("evaluate", "--method", "mean_image", "--dataset", "small", "--subject", "1", "--no-audit")
TOLD = {
    "train raises": (
        4,
        "data set 'small': train raised ZeroDivisionError: a stranger's mistake (small_plugins.py, line",
    ),
    "queries raise": (4, "data set 'small': queries raised ZeroDivisionError"),
    "answers raise": (4, "data set 'small': answers raised ZeroDivisionError"),
    "train leaves": (4, "data set 'small': train raised SystemExit: 0"),
    "train gives nothing": (2, "train of subject 1 gave None; wanted TrainingSet"),
    "nan in train": (2, "train of subject 1: EEG has NaN or infinite samples in 1 of 6 trials"),
    "infinity in queries": (2, "queries of subject 1: EEG has NaN or infinite samples in 1 of 4 trials"),
    "double in train": (2, "train of subject 1: EEG is float64; wanted float32"),
    "other times": (2, "train of subject 1: EEG has shape (6, 3, 23); wanted (n, 3 channels, 24 times)"),
    "other info": (2, "queries of subject 1: its EEGInfo has another rate than the data set's own info"),
    "no trials": (2, "queries of subject 1: stimuli are (); wanted a tuple of ids, one or more"),
    "shown beyond": (2, "train of subject 1: shown goes from 1 to 6; wanted places of 6 stimuli, from 0"),
    "shown as words": (2, "train of subject 1: shown is <U21 (6,); wanted int64 (6,)"),
    "shown too short": (2, "train of subject 1: shown is int64 (5,); wanted int64 (6,)"),
    "images as floats": (2, "train of subject 1: images are float64 of shape (6, 32, 32, 3); wanted uint8"),
    "an image too few": (2, "train of subject 1: 5 images came; 6 were wanted"),
    "a concept too few": (2, "train of subject 1: concepts are 5 in a tuple; wanted a tuple of 6"),
    "nine captions": (2, "train of subject 1: 'train/0_0' has the captions"),
    "an empty caption": (2, "train of subject 1: captions of 'train/0_0': ' ' is no word"),
    "an id twice": (2, "queries of subject 1: 1 stimulus ids come twice, as 'test/0'"),
    "an id that leads out": (2, "queries of subject 1: the stimulus id '../away' names no file"),
    "an id that is a number": (2, "train of subject 1: the stimulus id 7 names no file"),
    "an answer is missing": (2, "answers of subject 1: 1 queries have no answer, 'test/0' the first of them"),
    "an answer too many": (2, "answers of subject 1: 1 answers were never asked for, 'test/0' the first of them"),
    "answers as floats": (2, "answers of subject 1: images are float64"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_data_set_hands_over_is_checked_under_its_name(
    fault: str, small: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbones, "suite", lambda *_, **__: Suite("micro", "sal512", ()))  # nothing comes so far
    options = Options("small", dataset_table={"fault": fault}, runs=tmp_path, audit=False, companions=False)
    with pytest.raises(EegbenchError) as caught:
        evaluate("mean_image", 1, options, Silent())
    code, told = TOLD[fault]
    assert (caught.value.exit_code, told in str(caught.value)) == (code, True), str(caught.value)
    assert str(caught.value).startswith("data set 'small'")


@pytest.mark.parametrize("fault", ["train raises", "nan in train", "infinity in queries", "an answer is missing"])
def test_a_fault_of_a_data_set_ends_an_evaluation_in_one_line(fault: str, small: Install, eegbench: Run) -> None:
    code, told = TOLD[fault]
    done = eegbench(*EVALUATE, "--set", f"dataset.fault={fault}")
    *above, line = done.stderr.strip().split("\n")
    assert (done.exit_code, line.startswith("eegbench: data set 'small'"), told in line) == (code, True, True), line
    assert code == 4 or not [text for text in above if "Traceback" in text or "note: " in text]


def test_a_data_set_without_a_fault_is_evaluated(small: Install, tmp_path: Path) -> None:
    options = Options("small", runs=tmp_path, device="cpu", audit=False, companions=False)
    assert evaluate("mean_image", 1, options, Silent()).sheet.n == 4


FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "times as an array": ({"times": np.arange(24)}, "times is an array of shape (24,); wanted how many samples"),
    "no times": ({"times": 0}, "times is 0"),
    "times as a float": ({"times": 24.0}, "times is 24.0"),
    "channels as a list": ({"channels": ["Oz"]}, "channels are ['Oz']; wanted a tuple of their names"),
    "channels as a word": ({"channels": "Oz"}, "channels are 'Oz'"),
    "no channels": ({"channels": ()}, "channels are ()"),
    "a channel twice": ({"channels": ("Oz", "Oz")}, "the name 'Oz' twice"),
    "a channel that is a number": ({"channels": (1,)}, "channels are (1,)"),
    "a rate that is no number": ({"rate": float("nan")}, "rate is nan"),
    "no rate": ({"rate": 0.0}, "rate is 0.0"),
    "a rate below zero": ({"rate": -100.0}, "rate is -100.0"),
    "a rate that is a word": ({"rate": "100"}, "rate is '100'"),
    "a start without end": ({"start": float("inf")}, "start is inf"),
    "a unit that is none": ({"unit": "uV"}, "unit is 'uV'"),
    "a unit that is a list": ({"unit": ["V"]}, "unit is ['V']"),
}
INFO: dict[str, Any] = {"channels": ("Oz",), "rate": 100.0, "start": 0.0, "times": 24, "unit": "V"}


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_an_eeg_info_is_checked_in_one_line(field: str) -> None:
    change, told = FIELDS[field]
    with pytest.raises(InputError) as caught:
        EEGInfo(**INFO | change)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_numbers_of_numpy_become_plain_ones() -> None:
    info = EEGInfo(**INFO | {"times": np.int64(24), "rate": np.float32(250)})
    assert (type(info.times), type(info.rate)) == (int, float) and info == EEGInfo(**INFO | {"rate": 250.0})


def test_datasets_info_says_in_one_line_what_is_wrong_with_the_info(
    small: Install, eegbench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        small_plugins.Small,
        "info",
        property(lambda self: EEGInfo(("Oz",), 100.0, 0.0, np.arange(24))),  # type: ignore
    )
    done = eegbench("datasets", "info", "small")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1) and "times is an array" in done.stderr


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, ...]:
    for name, noise in (("true", 0), ("made", 40)):
        (tmp_path / name).mkdir()
        for i in range(4):
            rng = np.random.default_rng(i)
            pixels = rng.integers(60, 190, size=(16, 16, 3)).repeat(2, 0).repeat(2, 1)
            Image.fromarray((pixels + rng.integers(-noise, noise + 1, pixels.shape)).astype(np.uint8)).save(
                tmp_path / name / f"{i}.png"
            )
    return ("score", "--truth", "true", "--reconstructions", "made", "--json", "-")


def test_a_metric_that_breaks_its_contract_is_a_blank_with_a_reason_and_the_rest_is_scored(
    small: Install, eegbench: Run, folders: tuple[str, ...]
) -> None:
    small("eegbench.metrics", None, "small_plugins", **{name: name for name in ODD})
    done = eegbench(*folders, "--metrics", ",".join(["pixcorr", "clip", *ODD]))
    assert done.exit_code == 0, done.stderr
    scores = json.loads(done.stdout)["metrics"]
    assert {name: told in scores[name]["reason"] for name, (_, told) in ODD.items()} == dict.fromkeys(ODD, True)
    blank = {name for name, score in scores.items() if score["value"] is None}
    assert blank == set(ODD) - {"odd_nan", "odd_rounding"} and scores["odd_nan"]["items"] == 3
    assert scores["odd_rounding"]["value"] == 1.0 and "small_plugins.py, line" in scores["odd_raises"]["reason"]
    assert scores["clip"] == json.loads(eegbench(*folders, "--metrics", "clip").stdout)["metrics"]["clip"]


def test_the_interval_of_a_set_stays_inside_the_bounds(small: Install, eegbench: Run, folders: tuple[str, ...]) -> None:
    small("eegbench.metrics", None, "small_plugins", odd_set="odd_set")
    scores = json.loads(eegbench(*folders, "--metrics", "odd_set,fid,kid").stdout)["metrics"]
    assert scores["odd_set"]["value"] == 2.0 and scores["odd_set"]["bounds"] == [0.0, 2.0]
    assert scores["fid"]["bounds"] == [0.0, None] and scores["fid"]["ci"][0] >= 0.0
    assert scores["kid"]["bounds"] == [None, None]


HARM: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a value": (lambda rows: np.where(np.arange(rows.size).reshape(rows.shape) == 1, np.nan, rows),
                "is NaN or infinite for 1 of 4 images"),
    "a row too few": (lambda rows: rows[:-1], "for 4 images; wanted numbers, a row for each"),
    "words": (lambda rows: rows.astype(str), "wanted numbers"),
    "a list": (lambda rows: rows.tolist(), "gave a list; wanted an array"),
}  # fmt: skip


def _harmed(harm: str, monkeypatch: pytest.MonkeyPatch) -> Backbone:
    """The judge of the metric clip, which now gives something else."""
    judge = next(one for one in micro.judges("sal512", "cpu", features={"clip"})[0] if "clip" in one.provides)
    plain, change = type(judge).embed, HARM[harm][0]
    monkeypatch.setattr(
        type(judge), "embed", lambda self, pictures: {k: change(v) for k, v in plain(self, pictures).items()}
    )
    return judge


@pytest.mark.parametrize("harm", HARM)
def test_a_judge_that_gives_no_numbers_ends_the_scoring(
    harm: str, eegbench: Run, folders: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = _harmed(harm, monkeypatch)
    done = eegbench(*folders, "--metrics", "clip")
    assert (done.exit_code, done.stdout, done.stderr.count("eegbench: ")) == (2, "", 1)
    assert f"judge '{judge.name}'" in done.stderr and HARM[harm][1] in done.stderr
