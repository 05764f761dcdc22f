"""Real data sets from the command line: fetched, prepared, verified, evaluated, on small files in their formats."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import eegcvpr_files
import things_files
from eegbench.benchmark import companions
from eegbench.benchmark.evaluate import evaluate
from eegbench.benchmark.features import content
from eegbench.benchmark.plan import Options, plan
from eegbench.cli import app
from eegbench.contracts import Silent
from eegbench.files import digest
from eegbench.runs.record import RunRecord

ENCODER = {"encoder.epochs": 1, "encoder.validation_concepts": 1}
SAMPLING = {"sampling.steps": 2}
QUICK: dict[str, dict[str, object]] = {
    "atm": {**ENCODER, **SAMPLING, "prior.epochs": 1, "prior.steps": 2, "low_level_settings.epochs": 1},
    "saliency_controlnet": {**ENCODER, **SAMPLING, "lora.steps": 2, "controlnet.steps": 2, "head_epochs": 1},
    "neuroimagen": {
        **SAMPLING, "captions": "label", "features.epochs": 1, "gan.steps": 2, "regressor.epochs": 1,
        "validation_concepts": 1,
    },
}  # fmt: skip


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["datasets", *words], catch_exceptions=False)


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("things")
    things_files.write(root, "nice")
    things_files.write_subject(root, "official", things_files.Small())
    return root


def evaluated(method: str, dataset: str, table: dict[str, Any], runs: Path) -> RunRecord:
    """A whole run at the micro scale, without floors and ceilings."""
    options = Options(
        dataset=dataset,
        dataset_table=table,
        method_table=QUICK[method],
        suite="micro",
        runs=runs,
        companions=False,
        device="cpu",
    )
    outcome = evaluate(method, 8 if dataset == "things-eeg2" else 2, options, Silent())
    assert outcome.picture.is_file() and not outcome.simulated
    assert outcome.sheet.metrics["pixcorr"].value is not None
    return RunRecord.read(outcome.run_folder / "run.json")


@pytest.mark.parametrize(
    ("version", "method", "trials"), [("nice", "atm", "each"), ("official", "saliency_controlnet", "mean")]
)
def test_things_eeg2_from_published_files_to_scores(
    things: Path, tmp_path: Path, version: str, method: str, trials: str
) -> None:
    words = ("things-eeg2", "--from", version, "--root", str(things), "--subject", "8")
    done = run("prepare", *words)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.split() == [str(things / "prepared" / version / "sub-08"), str(things / "prepared" / "images")]
    assert run("verify", *words).stdout == "whole, and no test image is among the training images\n"
    record = evaluated(
        method, "things-eeg2", {"root": str(things), "preprocessing": version, "trials": trials}, tmp_path
    )
    assert {f"data/prepared/{version}/sub-08", "data/prepared/images"} <= set(record.digests)
    configuration = record.spec.dataset_configuration
    assert (configuration["preprocessing"], configuration["trials"]) == (version, trials)
    assert [row.stimulus for row in record.manifest][:2] == ["00001_other1/other1_06s", "00002_other2/other2_06s"]


@pytest.mark.parametrize(("method", "protocol"), [("neuroimagen", "pooled"), ("atm", "subject")])
def test_eegcvpr_from_published_files_to_scores_and_a_board_with_its_caution(
    tmp_path: Path, method: str, protocol: str
) -> None:
    eegcvpr_files.write(tmp_path, small=eegcvpr_files.Small(each=8))
    words = ("eegcvpr", "--root", str(tmp_path), "--subject", "2", "--set", "image_side=64")
    done = run("prepare", *words)
    assert done.exit_code == 0, done.stderr
    assert run("verify", *words).exit_code == 0
    table = {"root": str(tmp_path), "image_side": 64, "protocol": protocol}
    record = evaluated(method, "eegcvpr", table, tmp_path / "runs")
    assert "arXiv 2012.03849" in record.caution and "data/prepared/5_95" in record.digests
    board = CliRunner().invoke(app, ["leaderboard", str(tmp_path / "runs")]).stdout
    assert "Block design" in board and "Li et al." in board and "not zero-shot" in board


def test_what_is_not_there_is_one_line_with_the_command(tmp_path: Path) -> None:
    done = run("prepare", "things-eeg2", "--root", str(tmp_path), "--subject", "8")
    assert done.exit_code == 3 and done.stderr.count("\n") == 1
    assert "image_metadata.npy: no such file; `eegbench datasets fetch things-eeg2` gets it" in done.stderr
    done = run("verify", "things-eeg2", "--root", str(tmp_path), "--subject", "8")
    assert done.exit_code == 3 and "not prepared; run: eegbench datasets prepare things-eeg2" in done.stderr


def test_offline_every_file_is_listed_with_its_place_and_its_page(tmp_path: Path) -> None:
    done = run("fetch", "things-eeg2", "--from", "nice", "--root", str(tmp_path), "--subject", "8", "--offline")
    assert done.exit_code == 3 and done.stderr.count("\n") == 1 and "5 files were not fetched (offline" in done.stderr
    places = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert places[0] == f"{tmp_path}/image_set/training_images/" and "from https://osf.io/y63gw/" in done.stdout
    assert places[3:] == [
        str(tmp_path / "Preprocessed_data_250Hz/sub-08" / name) for name in things_files.NAMES.values()
    ]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("prepare", "sim-things"), "data set 'sim-things' is computed: it has no files to fetch, prepare or verify"),
        (("prepare", "things-eeg2", "--from", "rw"), "unknown value of preprocessing 'rw'"),
        (("verify", "things-eeg2", "--subject", "11"), "unknown subject '11'"),
        (
            ("verify", "things-eeg2", "--from", "raw", "--set", "preprocessing=nice"),
            "--from says raw, and --set",
        ),
        (("fetch", "things-eeg2", "--set", "snr=1"), "unknown configuration key 'snr'"),
    ],
)
def test_wrong_words_are_one_line_and_exit_code_2(words: tuple[str, ...], message: str) -> None:
    done = run(*words)
    assert done.exit_code == 2 and done.stderr.count("\n") == 1 and message in done.stderr


def test_a_ceiling_is_made_anew_when_the_images_are_others(tmp_path: Path) -> None:
    things_files.write(tmp_path, "nice")
    words = ("things-eeg2", "--root", str(tmp_path), "--subject", "8")
    options = Options(
        dataset="things-eeg2", dataset_table={"root": str(tmp_path)}, suite="micro", runs=tmp_path / "runs"
    )
    found = []
    for _ in range(3):
        run("prepare", *words)
        planned = plan("mean_image", 8, options, device="cpu")
        answers = planned.dataset.answers(8)
        truths = digest([content(image) for image in answers.images])
        made = companions._ceiling("vae_roundtrip", planned, answers, truths, Silent())
        found.append((made.reused, made.record.manifest[0].sha256))
        if len(found) == 2:
            path = tmp_path / "image_set/test_images/00001_other1/other1_06s.jpg"
            Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    assert [reused for reused, _ in found] == [False, True, False]
    assert found[0][1] == found[1][1] != found[2][1]


def test_verify_looks_at_all_that_are_prepared(tmp_path: Path) -> None:
    things_files.write(tmp_path, "nice")
    run("prepare", "things-eeg2", "--root", str(tmp_path), "--subject", "8")
    assert run("verify", "things-eeg2", "--root", str(tmp_path)).exit_code == 0
    (tmp_path / "prepared/nice/sub-08/train.npy").unlink()
    done = run("verify", "things-eeg2", "--root", str(tmp_path))
    assert done.exit_code == 1 and "train.npy: is missing" in done.stdout


def test_verification_that_fails_says_what_and_exits_with_1(tmp_path: Path) -> None:
    things_files.write(tmp_path, "nice")
    words = ("things-eeg2", "--root", str(tmp_path), "--subject", "8")
    run("prepare", *words)
    with (tmp_path / "prepared/images/test.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    done = run("verify", *words)
    assert done.exit_code == 1 and "test.npy: damaged" in done.stdout
