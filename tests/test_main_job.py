"""The main job through the command line, small: data, fit, images, scores, audit, board; no socket is opened."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open
from typer.testing import CliRunner, Result

from eegbench.cli import app
from eegbench.files import file_digest
from eegbench.runs.record import RunRecord
from eegbench.runs.sheet import ScoreSheet

SMALL = {
    "encoder.epochs": 1, "lora.steps": 1, "controlnet.steps": 1, "head_epochs": 1, "sampling.steps": 2,
    "dataset.train_images": 1, "dataset.test_images": 1,
}  # fmt: skip


def _run(runs: Path, *words: str) -> Result:
    settings = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    command = ["evaluate", "--method", "saliency_controlnet", "--subject", "8", "--runs", str(runs), *settings, *words]
    return CliRunner().invoke(app, command, catch_exceptions=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    result = _run(folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def run(runs: Path) -> Path:
    return runs / "sim-things/eeg/saliency_controlnet/sub-08/seed-0"


def test_a_run_is_complete_with_an_image_for_each_stimulus(run: Path) -> None:
    record = RunRecord.read(run / "run.json")
    assert record.status == "complete" and record.simulated
    assert len(record.manifest) == 100
    assert all(file_digest(run / row.file) == row.sha256 for row in record.manifest)


def test_every_metric_has_a_value_with_an_interval_and_the_audit_ran(run: Path) -> None:
    sheet = ScoreSheet.read(run / "scores.json")
    assert [name for name, score in sheet.metrics.items() if score.value is None or score.ci is None] == ["is_10split"]
    assert all(score.contribution is not None for score in sheet.metrics.values())
    assert sheet.audit is not None and (sheet.audit.rule, sheet.audit.stimuli) == ("pairing", 100)
    assert {"clip", "ssim", "pixcorr"} <= sheet.audit.visible.keys() and sheet.audit.leak_p is not None
    assert "(p = " in sheet.verdict


def test_saliency_maps_of_truths_and_reconstructions_are_kept_to_look_at(run: Path) -> None:
    with safe_open(str(run / "saliency.safetensors"), framework="numpy") as file:
        stimuli = json.loads(file.metadata()["stimuli"])
        shapes = {name: file.get_tensor(name).shape for name in ("truths", "reconstructions")}
    assert len(stimuli) == 100 and set(shapes.values()) == {(100, 64, 64)}


def test_the_run_verifies_with_every_score(run: Path) -> None:
    done = CliRunner().invoke(app, ["verify", str(run)], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (0, f"ok  {run}: 100 images and 21 scores are as they say\n")


def test_the_picture_is_drawn(run: Path) -> None:
    assert (run / "reconstructions.png").stat().st_size > 10_000


def test_the_same_command_gives_the_same_scores_to_the_last_digit(runs: Path, run: Path, tmp_path: Path) -> None:
    result = _run(tmp_path, "--no-audit", "--json")
    assert result.exit_code == 0
    again = {name: score["value"] for name, score in json.loads(result.stdout)["metrics"].items()}
    assert again == {name: score.value for name, score in ScoreSheet.read(run / "scores.json").metrics.items()}


def test_the_board_has_floor_ceilings_and_says_what_is_simulated(runs: Path) -> None:
    board = CliRunner().invoke(app, ["leaderboard", str(runs)]).stdout
    assert "SIMULATED" in board
    for name in ("saliency", "random", "vae", "true"):
        assert name in board
