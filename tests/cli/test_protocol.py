"""The protocol on the command line: what cannot be is one line, and what is chosen stands above the table."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eegbench.cli import app
from eegbench.contracts import TrainingSet
from small_world import Lab

DATA = ("--dataset", "drawn", "--device", "cpu")


def evaluate(lab: Lab, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(
        app, ["evaluate", "--method", "uses-eeg", *DATA, "--runs", str(lab.runs), "--subject", "8", *words]
    )
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--train-on", "other"), "unknown train-on 'other'; did you mean 'others'?"),
        (("--subject", "3", "--train-on", "others"), "unknown subject '3'"),
        (("--calibration", "2"), "calibration 2 goes with --train-on others, and --train-on is own"),
        (("--train-on", "others", "--calibration", "50"), "calibration 50; subject 8 has 8 training stimuli"),
        (("--train-on", "others", "--others", "2"), "others 2; beside subject 8 there are 1"),
        (("--scale", "test"), "--scale test is for a stranger"),
        (("--window", "0:9"), "window 0:9 s is not inside the recording, which is 0:0.36 s at 100 Hz"),
        (("--window", "0.2"), "window is '0.2'; wanted start:end in s"),
        (("--set", "view.window=crop"), "there is no window that it could cut"),
        (("--set", "view.colour=red"), "unknown configuration key 'colour'. There is: window"),
        (("--channels", "frontal"), "no electrode of this recording is frontal; its electrodes are occipital (3)"),
        (("--channels", "Cz"), "this recording has no electrode Cz; it has Oz, O1, O2"),
        (("--train-stimuli", "9"), "train_stimuli 9; subject 8 has 8 training stimuli"),
        (("--train-repetitions", "9"), "data set 'drawn' does not let its training repetitions be chosen"),
        (("--sessions", "1,2"), "data set 'drawn' does not tell sessions apart"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(lab: Lab, words: tuple[str, ...], line: str) -> None:
    code, _, stderr = evaluate(lab, *words)
    errors = [text for text in stderr.splitlines() if text.startswith("eegbench: ")]
    assert code == 2 and len(errors) == 1 and line in errors[0], stderr
    assert not lab.runs.exists()


def test_what_is_chosen_stands_above_the_table_and_in_the_record(lab: Lab) -> None:
    code, stdout, stderr = evaluate(lab, "--train-on", "others", "--window", "0:0.2", "--train-stimuli", "4")
    assert code == 0, stderr
    assert "trained on all others, train stimuli 4, window 0:0.2 s" in " ".join(stdout.split())
    [record] = lab.runs.glob("drawn/eeg/uses-eeg/sub-08/*/run.json")
    assert '"train_on": "others"' in record.read_text()


def test_a_window_may_be_cut_off(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[int, ...]] = []
    kind = type(lab.plan().method)
    fit = kind.fit

    def seen(method: Any, train: TrainingSet, **more: Any) -> Any:
        shapes.append(train.eeg.shape[1:])
        return fit(method, train, **more)

    monkeypatch.setattr(kind, "fit", seen)
    evaluate(lab, "--window", "0:0.2", "--set", "view.window=crop", "--no-references")
    evaluate(lab, "--window", "0:0.2", "--no-references")
    assert shapes == [(3, 20), (3, 36)]


def test_a_view_is_refused_where_all_of_the_eeg_is_seen(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["ablate", "--method", "neuroimagen", "--subject", "8", "--set", "view.window=crop"])
    assert done.exit_code == 2 and "view.window goes with --window, of evaluate and curve" in done.stderr
