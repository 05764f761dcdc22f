"""What the command line prints, where, and with which exit code."""

import dataclasses
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from eegbench import backbones
from eegbench.assets import doctor
from eegbench.benchmark import evaluate as pipeline
from eegbench.benchmark.evaluate import Evaluation, Options
from eegbench.cli import app
from eegbench.contracts import Backbone
from eegbench.errors import CheckFailed, InputError, MissingError, UsageError
from eegbench.methods.controls import PriorOnly
from eegbench.progress import Terminal
from eegbench.runs.folder import Run
from eegbench.runs.record import ManifestRow, RunRecord, RunSpec
from eegbench.runs.sheet import Score, ScoreSheet
from eegbench.tables import WIDTH

EVALUATE = ("evaluate", "--method", "mean_image", "--subject", "8")
SCORES = {
    "pixcorr": Score("pixcorr", 1, 0.2, (0.1, 0.3), True, floor=0.01, permuted=0.02, contribution=0.18),
    "swav": Score("swav", 1, None, None, False, reason="no judge of the suite provides 'swav'"),
}
SHEET = ScoreSheet(2, "micro", "sal512", SCORES, verdict="EEG contributes: 1 of 1 metrics")
SPEC = RunSpec("sim-things", "1", {}, 8, "eeg", "mean_image", {})
RUN = Run(Path("runs/here"), RunRecord(SPEC, "floor", True, "complete", {}, {}), SHEET)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), prog_name="eegbench")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """In place of the pipeline something that keeps what it was asked, and answers with a known outcome."""
    kept: dict[str, Any] = {}

    def evaluate(method: str, subject: int, options: Options, progress: Any) -> Evaluation:
        kept.update(method=method, subject=subject, options=options)
        ceilings = {"vae_roundtrip": SHEET}
        return Evaluation(RUN, {}, ceilings, {"fit": 1.25}, ("a note",))

    monkeypatch.setattr(pipeline, "evaluate", evaluate)
    return kept


UNKNOWN: dict[str, tuple[tuple[str, ...], str, str]] = {
    "method": (("evaluate", "--method", "mean_imag", "--subject", "8"), "mean_image", "prior_only"),
    "subject": (("evaluate", "--method", "mean_image", "--subject", "80"), "8", "1, 2, 3"),
    "configuration key": ((*EVALUATE[:2], "prior_only", *EVALUATE[3:], "--set", "sampling.step=3"),
                          "sampling.steps", "sampling.guidance"),
    "dataset": ((*EVALUATE, "--dataset", "sim-thing"), "sim-things", "sim-things"),
    "configuration key of the data set": ((*EVALUATE, "--set", "dataset.snrr=3"), "snr", "train_images"),
    "track": ((*EVALUATE, "--track", "orcale"), "oracle", "eeg"),
    "suite": ((*EVALUATE, "--suite", "mikro"), "micro", "reference"),
    "protocol": ((*EVALUATE, "--protocol", "sal521"), "sal512", "me256"),
    "suite of score": (("score", "--truth", "TRUE", "--reconstructions", "TRUE", "--suite", "mikro"), "micro", "micro"),
    "metric": (("score", "--truth", "TRUE", "--reconstructions", "TRUE", "--metrics", "clop"), "clip", "pixcorr"),
    "format": (("leaderboard", "TRUE", "--format", "mdd"), "md", "csv"),
    "kind": (("list", "method"), "methods", "backbones"),
    "data set": (("datasets", "info", "sim-thing"), "sim-things", "sim-things"),
    "verb": (("evalute",), "evaluate", "leaderboard"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_unknown_name_is_one_line_with_the_nearest_and_all_others(case: str, tmp_path: Path) -> None:
    words, near, other = UNKNOWN[case]
    write_images(tmp_path, 1)
    done = run(*(str(tmp_path) if word == "TRUE" else word for word in words))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("eegbench: unknown ")
    assert done.stderr.count("\n") == 1
    assert f"did you mean '{near}'" in done.stderr
    assert other in done.stderr.partition("There is: ")[2]


MISUSE: dict[str, tuple[str, ...]] = {
    "a missing option": ("evaluate", "--method", "mean_image"),
    "a subject that is no number": (*EVALUATE[:4], "eight"),
    "an unknown option": (*EVALUATE, "--sede", "3"),
    "an unknown option before the verb": ("--sede", "list"),
    "too many arguments": ("leaderboard", "a", "b"),
    "a track that the method has not": (*EVALUATE, "--track", "oracle"),
    "a word that sets nothing": (*EVALUATE, "--set", "rank"),
    "a value of the wrong type": (*EVALUATE, "--set", "dataset.snr=much"),
    "a device that is none": (*EVALUATE, "--device", "tpu9"),
    "samples below one": (*EVALUATE, "--samples", "0"),
    "a configuration that is not there": (*EVALUATE, "--config", "nowhere.toml"),
    "a folder that is not there": ("leaderboard", "nowhere"),
    "a method that cannot explain itself": ("explain", "--method", "mean_image", "--subject", "8", "-o", "nowhere"),
    "metrics without a name": ("score", "--truth", "a", "--reconstructions", "b", "--metrics", ","),
    "a folder without images": ("score", "--truth", "nowhere", "--reconstructions", "nowhere"),
}


@pytest.mark.parametrize("case", MISUSE)
def test_wrong_use_is_one_line_and_exit_code_2(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {**(Terminal.__init__.__kwdefaults__ or {}), "soon": 1e6}  # a slow machine would say that it has begun
    monkeypatch.setattr(Terminal.__init__, "__kwdefaults__", defaults)
    done = run(*MISUSE[case])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("eegbench: ")
    assert done.stderr.count("\n") == 1


FAILURES: list[tuple[BaseException, int, str]] = [
    (CheckFailed("no"), 1, "no"),
    (UsageError("two\nlines"), 2, "two lines"),
    (InputError("bad"), 2, "bad"),
    (MissingError("gone"), 3, "gone"),
    (KeyboardInterrupt(), 130, "interrupted; the same command takes it up again"),
    (OSError(errno.ENOSPC, "No space left on device", "/runs/x"), 3, "/runs/x: no space left on the disk; free some"),
    (OSError(errno.EDQUOT, "Disk quota exceeded", "/runs/x"), 3, "/runs/x: no space left on the disk"),
    (PermissionError(errno.EACCES, "Permission denied", "/runs/x"), 2, "/runs/x: cannot be used (Permission denied)"),
    (ModuleNotFoundError("No module named 'peft'"), 3, "No module named 'peft'"),
    (RuntimeError("operator torchvision::nms does not exist"), 3, "torch and torchvision do not fit"),
]


@pytest.mark.parametrize(("failure", "code", "message"), FAILURES, ids=lambda value: type(value).__name__)
def test_a_failure_is_one_line_and_an_exit_code(
    failure: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(pipeline, "evaluate", fail)
    done = run(*EVALUATE)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith("eegbench: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_fault_of_our_own_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(pipeline, "evaluate", fail)
    assert isinstance(run(*EVALUATE).exception, KeyError)


def test_options_reach_the_pipeline(asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    file = tmp_path / "run.toml"
    file.write_text("[method]\nrank = 4\n[dataset]\nsnr = 0.5\n")
    flags = ("--no-audit", "--offline", "--allow-unverified-weights")
    words = [
        "--seed",
        "3",
        "--samples",
        "2",
        "--average",
        "4",
        "--runs",
        "out",
        "--device",
        "cpu",
        "--batch-size",
        "4",
        "--set",
        "rank=8",
    ]
    done = run(*EVALUATE, *words, *flags, "--config", str(file))
    assert done.exit_code == 0
    assert (asked["method"], asked["subject"]) == ("mean_image", 8)
    assert asked["options"] == Options(
        seed=3, samples=2, average="4", runs=Path("out"), device="cpu", audit=False, offline=True,
        allow_unverified_weights=True, batch_size=4, method_table={"rank": "8"}, dataset_table={"snr": 0.5},
    )  # fmt: skip
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_defaults_of_the_command_line_are_those_of_the_pipeline(asked: dict[str, Any]) -> None:
    run(*EVALUATE)
    assert asked["options"] == Options()


def test_evaluate_says_simulated_first_and_paths_last(asked: dict[str, Any]) -> None:
    done = run(*EVALUATE)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("SIMULATED EEG")
    assert lines[1] == "mean_image on sim-things, subject 8, track eeg, seed 0"
    assert lines[-2:] == [f"Record:  {Path('runs/here/run.json')}", f"Picture: {Path('runs/here/reconstructions.png')}"]
    assert "Audit: EEG contributes: 1 of 1 metrics" in lines
    assert "swav: no judge of the suite provides 'swav'" in lines
    assert done.stderr == "note: a note\n"


def test_a_data_sets_caution_stands_above_its_scores(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    said = " ".join(f"word{i}" for i in range(40))
    plain = pipeline.evaluate
    record, sheet = dataclasses.replace(RUN.record, simulated=False), dataclasses.replace(SHEET, caution=said)
    made = dataclasses.replace(RUN, record=record, sheet=sheet)
    monkeypatch.setattr(pipeline, "evaluate", lambda *given: dataclasses.replace(plain(*given), run=made))
    lines = run(*EVALUATE).stdout.splitlines()
    end = lines.index("mean_image on sim-things, subject 8, track eeg, seed 0")
    assert lines[0] == "recorded EEG" and " ".join(lines[1:end]) == said
    assert max(map(len, lines[:end])) <= WIDTH


def test_json_stands_alone_on_stdout(asked: dict[str, Any]) -> None:
    assert run(*EVALUATE, "--json").stdout == SHEET.to_json()


class Grey(Backbone):
    name, digest, provides = "grey", "", ("pixels425",)

    def embed(self, images: Any) -> dict[str, Any]:
        return {"pixels425": images.astype(np.float32) / 255}


def write_images(folder: Path, seed: int) -> None:
    folder.mkdir(exist_ok=True)
    for i in range(3):
        pixels = np.random.default_rng(10 * seed + i).integers(256, size=(16, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`eegbench score` of noise against other noise, with pixels for a judge."""
    monkeypatch.setattr(backbones, "suite", lambda *_, **__: backbones.Suite("micro", "sal512", (Grey(),)))
    write_images(tmp_path / "true", 1)
    write_images(tmp_path / "made", 2)
    folders = ("--truth", str(tmp_path / "true"), "--reconstructions", str(tmp_path / "made"))
    return lambda *words: run("score", *folders, "--metrics", "pixcorr", *words)


def test_score_prints_a_table_or_json_alone(score: Callable[..., Result]) -> None:
    table, alone = score(), score("--json", "-")
    assert table.exit_code == alone.exit_code == 0
    assert "pixcorr" in table.stdout
    found = json.loads(alone.stdout)
    assert {"n", "suite", "protocol", "metrics"} <= found.keys()
    assert {"value", "ci", "version"} <= found["metrics"]["pixcorr"].keys()
    assert found["n"] == 3


def test_score_writes_json_to_a_file_beside_its_table(score: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "new" / "scores.json"
    done = score("--json", str(file))
    assert "pixcorr" in done.stdout
    assert ScoreSheet.read(file).metrics["pixcorr"].version == 1


def test_a_file_that_cannot_be_written_is_named(score: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = score("--json", str(tmp_path / "file" / "scores.json"))
    assert done.exit_code == 2
    assert "choose another file with --json" in done.stderr


def test_the_leaderboard_of_a_folder_of_runs(tmp_path: Path) -> None:
    spec = RunSpec("sim-things", "1", {}, 8, "eeg", "mean_image", {})
    folder = tmp_path / spec.folder
    RunRecord(spec, "method", True, "complete", {}, {}).write(folder / "run.json")
    (folder / "scores.json").write_text(SHEET.to_json())
    shown, written = run("leaderboard", str(tmp_path)), run("leaderboard", str(tmp_path), "-o", str(tmp_path / "b.md"))
    assert shown.exit_code == written.exit_code == 0
    assert "mean_image" in shown.stdout
    assert (written.stdout, (tmp_path / "b.md").read_text()) == ("", shown.stdout)


def test_two_runs_are_compared_in_a_table_or_in_json_alone(tmp_path: Path) -> None:
    folders = []
    for method, values in (
        ("atm", [0.5, 0.7, 0.9, 0.8, 0.6, 0.7, 0.9]),
        ("mean_image", [0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1]),
    ):
        spec = RunSpec("sim-things", "1", {}, 8, "eeg", method, {})
        folder = tmp_path / spec.folder
        folders.append(str(folder))
        rows = tuple(ManifestRow(f"s{i}", 0, f"s{i}.png", "0" * 64) for i in range(7))
        RunRecord(spec, "method", True, "complete", {}, {}, rows, caution="take care").write(folder / "run.json")
        shown = {
            "ssim": Score("ssim", 1, float(np.mean(values)), None, True),
            "fid": Score("fid", 1, 40.0, None, False),
        }
        (folder / "scores.json").write_text(ScoreSheet(7, "micro", "sal512", shown).to_json())
        table = "".join(f"s{i},0,ssim,1,{value}\n" for i, value in enumerate(values))
        (folder / "scores.csv").write_text("stimulus,sample,metric,version,value\n" + table)
    done, data = run("compare", *folders), run("compare", *folders, "--json")
    lines = done.stdout.splitlines()
    assert (done.exit_code, data.exit_code, done.stderr, data.stderr) == (0, 0, "", "")
    assert lines[0].startswith("SIMULATED EEG") and lines[1] == "take care"
    assert lines[2] == f"A: atm, track eeg, seed 0: {folders[0]}"
    ssim, fid = (next(line for line in lines if line.startswith(name)) for name in ("ssim ↑", "fid ↓"))
    assert ".729 .186 .543 [" in ssim and ssim.endswith("A")  # p is 2 of 2^7
    assert fid.split()[2:] == ["40.0", "40.0", "0", "-", "-", "-", "at", "this", "n"]
    assert json.loads(data.stdout)["metrics"]["ssim"]["significant"] is True
    refused = run("compare", folders[0], str(tmp_path))
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)


def test_info_on_a_data_set_has_its_caution(tmp_path: Path) -> None:
    shown = run("datasets", "info", "eegcvpr").stdout
    assert "Block design" in shown and "2012.03849" in shown
    assert "caution" not in run("datasets", "info", "sim-things").stdout


@pytest.mark.parametrize(("kind", "name"), [("methods", "mean_image"), ("datasets", "sim-things"), ("metrics", "ssim")])
def test_what_is_listed_as_text_is_listed_as_json(kind: str, name: str) -> None:
    rows = json.loads(run("list", kind, "--json").stdout)
    text = run("list", kind).stdout
    assert name in [row["name"] for row in rows]
    assert [line.split()[0] for line in text.splitlines()[1:]] == [row["name"] for row in rows]


def test_a_data_set_says_that_it_is_simulated_and_draws_itself(tmp_path: Path) -> None:
    done = run("datasets", "info", "sim-things", "--picture", str(tmp_path / "p.png"), "--set", "train_images=1")
    assert done.exit_code == 0
    assert "SIMULATED" in done.stdout
    with Image.open(tmp_path / "p.png") as picture:
        assert min(picture.size) > 500


def test_doctor_names_the_fault_and_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(module: str) -> None:
        raise RuntimeError(f"{doctor.NMS} ({module})")

    monkeypatch.setattr(doctor, "import_module", fail)
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    done = run("doctor")
    assert done.exit_code == 3
    assert f"{doctor.NMS}; torch and torchvision come from different places" in done.stdout
    assert "not installed; python -m pip install no-such-package" in done.stdout
    found = {row["subject"]: row["good"] for row in json.loads(run("doctor", "--json").stdout)}
    assert found["numpy"]
    assert not found["import torchvision"]


def test_weights_of_unknown_digest_are_used_only_when_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_: Any, **__: Any) -> None:
        raise MissingError("went on to the judges")

    monkeypatch.setattr(PriorOnly, "weights", lambda _: {"someone/model": ""})
    monkeypatch.setattr(backbones, "suite", reached)
    words = ("evaluate", "--method", "prior_only", "--subject", "8")
    refused, allowed = run(*words), run(*words, "--allow-unverified-weights")
    assert refused.exit_code == 2
    assert "someone/model: --allow-unverified-weights" in refused.stderr
    assert (allowed.exit_code, allowed.stderr) == (3, "eegbench: went on to the judges\n")


@pytest.fixture
def two_runs(tmp_path: Path) -> Path:
    """Two scored runs whose images are not there."""
    for method, value in (("atm", 0.5), ("llm_caption", 0.4)):
        spec = RunSpec("sim-things", "1", {}, 8, "eeg", method, {})
        rows = (ManifestRow("a/b", 0, "reconstructions/a/b.png", "0" * 64),)
        record = RunRecord(spec, "method", True, "complete", {}, {}, rows)
        record.write(tmp_path / "runs" / spec.folder / "run.json")
        scores = {"ssim": Score("ssim", 1, value, (value - 0.1, value + 0.1), True)}
        sheet = ScoreSheet(1, "micro", "sal512", scores, truths="1" * 64, reconstructions=record.images)
        (tmp_path / "runs" / spec.folder / "scores.json").write_text(sheet.to_json())
    return tmp_path / "runs"


def test_the_board_is_written_in_every_format(two_runs: Path, tmp_path: Path) -> None:
    for form, mark in (("md", "| atm |"), ("html", "<!doctype html>"), ("csv", "dataset,"), ("json", "[\n")):
        done = run("leaderboard", str(two_runs), "--format", form, "-o", str(tmp_path / f"board.{form}"))
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
        assert mark in (tmp_path / f"board.{form}").read_text()
        assert run("leaderboard", str(two_runs), "--format", form).stdout
    assert (
        "no share: no floor and no ceiling on these subjects"
        in run("leaderboard", str(two_runs), "--normalised").stdout
    )
    claims = run("leaderboard", str(two_runs), "--claims", "all").stdout
    assert "## Published numbers" in claims and "li2024atm" in claims
    assert "Published numbers" not in run("leaderboard", str(two_runs)).stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["leaderboard", "RUNS", "--format", "pdf"], 2, "There is: md, csv, json, html"),
        (["leaderboard", "RUNS", "--claims", "some"], 2, "There is: auto, all, none"),
        (["verify", "RUNS"], 2, "with --all"),
        (["verify", "RUNS", "--all"], 1, "2 of 2 runs are not what their files say"),
        (["merge", "RUNS", "--into", "RUNS"], 2, "lie within each other"),
        (["merge", "RUNS", "--into", "OURS"], 1, "2 of 2 runs were refused"),
        (["merge", "NOWHERE", "--into", "OURS"], 2, "no such folder"),
        (["check", "RUNS", "--baseline", "NOWHERE"], 2, "no such file"),
        (["check", "RUNS", "--baseline", "NOWHERE", "--format", "xml", "--update"], 2, "There is: text, md, junit"),
    ],
)  # fmt: skip
def test_verbs_that_check_runs_say_in_one_line_what_is_wrong(
    two_runs: Path, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    places = {"RUNS": two_runs, "OURS": tmp_path / "ours", "NOWHERE": tmp_path / "nowhere"}
    done = run(*(str(places.get(word, word)) for word in words))
    assert done.exit_code == code and said in done.stderr
    assert done.stderr.startswith("eegbench: ") and done.stderr.count("\n") == 1
    assert not places["NOWHERE"].exists()


def test_a_baseline_is_written_holds_and_fails_once_a_number_moves(two_runs: Path, tmp_path: Path) -> None:
    words = ["check", str(two_runs), "--baseline", str(tmp_path / "baseline.json")]
    first = run(*words, "--update")
    assert first.exit_code == 0 and "2 runs are the baseline now" in first.stderr
    assert run(*words).stdout == "2 comparisons: 2 same\n"
    sheet = next(two_runs.rglob("atm/*/*/scores.json"))
    sheet.write_text(sheet.read_text().replace('"value": 0.5', '"value": 0.6'))
    moved = run(*words, "--format", "md", "-o", str(tmp_path / "drift.md"))
    assert (moved.exit_code, moved.stdout) == (1, "") and "raise a metric's version" in moved.stderr
    assert "**moved**: by +0.1" in (tmp_path / "drift.md").read_text()


def test_a_link_to_itself_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    done = CliRunner().invoke(app, ["compare", str(tmp_path / "loop"), str(tmp_path / "loop")])
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
