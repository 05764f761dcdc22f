"""`rehearse`: each method at its paper's size, and timed where it is small enough for this machine."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from eegbench.benchmark import rehearse as rehearsing
from eegbench.benchmark.rehearse import Report, Stopwatch, rehearse
from eegbench.cli import app
from eegbench.configuration import read_tables, shipped
from eegbench.contracts import Silent
from eegbench.errors import CheckFailed, InputError, MissingError, UsageError

METHODS = ("saliency_controlnet", "atm", "neuroimagen", "llm_caption")


def table(name: str, scale: str) -> dict[str, Any]:
    return read_tables(shipped(Path(scale), name), [])["method"]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["rehearse", *words], catch_exceptions=False)


WANTED = {  # of each paper, parameters of its networks and what a reconstruction gives
    "saliency_controlnet": {
        "CLIP": 986_109_441, "generator, unet": 865_910_724, "generator, vae": 83_653_863,
        "generator, text_encoder": 340_387_840,
    },
    "atm": {
        "CLIP": 986_109_441, "generator, unet": 2_567_463_684, "generator, text_encoder_2": 694_659_840,
        "IP-Adapter": 349_188_096, "diffusion prior": 9_675_648,
    },
    "neuroimagen": {"generator, unet": 859_520_964, "generator, text_encoder": 123_060_480},
    "llm_caption": {"CLIP": 427_616_513, "generator, unet": 859_520_964},
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_a_paper_scale_method_fits_together_on_the_meta_device(name: str) -> None:
    report = rehearse(name, table(name, "paper"), device="meta", progress=Silent())
    counted = {row["network"]: row["parameters"] for row in report.networks}
    assert WANTED[name].items() <= counted.items()
    assert report.stages[-1]["gives"] == "1 x 3 x 512 x 512"
    assert report.seconds == [] and "nothing was timed" in report.note
    assert all(row["fp32_bytes"] == 2 * row["fp16_bytes"] for row in report.networks)  # type: ignore[operator]


@pytest.mark.parametrize("name", METHODS)
def test_the_micro_scale_goes_the_same_way_and_is_timed(name: str) -> None:
    quick = table(name, "micro") | {"sampling.steps": 2}
    report = rehearse(name, quick, device="cpu", recording="sim-things", progress=Silent())
    steps = [str(row["step"]) for row in report.seconds]
    assert steps[-1] == "reconstruction, all its steps" and len(steps) > 1
    assert {step.removeprefix("training: ") for step in steps[:-1]} <= set(rehearsing.ITEMS_OF)
    assert all(float(str(row["per image"])) > 0 for row in report.seconds)
    assert report.note.startswith("Timed on cpu, on noise")


def test_an_encoder_from_a_checkpoint_is_not_trained(tmp_path: Path) -> None:
    given = {"encoder.checkpoint": str(tmp_path / "40.pth")}
    counts = [
        {row["network"]: row["trained"] for row in rehearse("atm", t, device="meta", progress=Silent()).networks}
        for t in (table("atm", "paper"), table("atm", "paper") | given)
    ]
    assert counts[0].pop("ATM-S") and not counts[1].pop("ATM-S")
    assert counts[0] == counts[1]


@pytest.mark.usefixtures("tiny")
def test_networks_without_weights_are_timed_where_they_have_room() -> None:
    blank = {
        "generator": "tiny", "adapter": "tiny_adapter", "low_level_settings.widths": [8, 8], "sampling.steps": 2,
        "prior.steps": 2,
    }  # fmt: skip
    report = rehearse("atm", table("atm", "micro") | blank, device="cpu", recording="sim-things", progress=Silent())
    assert report.stages[-1]["gives"] == "1 x 3 x 8 x 8"
    assert [row["step"] for row in report.seconds][-1] == "reconstruction, all its steps"


def test_parts_that_cannot_be_built_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("shapes\nthat do not fit")

    monkeypatch.setattr("eegbench.benchmark.rehearse.rehearsal_of", fail)
    with pytest.raises(CheckFailed, match=r"atm: its networks cannot be built \(shapes that do not fit\)"):
        rehearse("atm", table("atm", "micro"), device="meta", recording="sim-things", progress=Silent())


def test_a_recording_too_short_for_the_window_is_said() -> None:
    settings = table("atm", "micro") | {"encoder.window.kernel": 300}
    with pytest.raises(InputError, match="ATM-S needs at least 319 samples"):
        rehearse("atm", settings, device="meta", recording="sim-things", progress=Silent())


def test_without_a_gpu_nothing_is_timed_and_the_report_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    report = rehearse("llm_caption", table("llm_caption", "micro"), device="auto", progress=Silent())
    assert report.seconds == [] and report.note.startswith("No GPU is here: shapes alone")


def test_without_memory_nothing_is_timed_and_the_report_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsing, "free_memory", lambda device: 10**6)
    report = rehearse("llm_caption", table("llm_caption", "micro"), device="cpu", progress=Silent())
    assert report.seconds == [] and report.note.startswith("cpu has 1.0 MB free, and weights and optimiser need")


class OutOfMemoryError(RuntimeError):
    """As torch calls its own."""


def test_a_device_that_runs_out_of_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def out(*_: Any, **__: Any) -> None:
        raise OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("eegbench.methods.llm_caption.fit_heads", out)
    with pytest.raises(MissingError, match="llm_caption: cpu has not enough memory; --device meta"):
        rehearse("llm_caption", table("llm_caption", "micro"), device="cpu", progress=Silent())


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(UsageError, match="unknown method 'atn'; did you mean 'atm'"):
        rehearse("atn", {}, device="meta", progress=Silent())
    with pytest.raises(UsageError, match=r"unknown recording 'things'.*eegcvpr"):
        rehearse("atm", {}, device="meta", progress=Silent(), recording="things")


def test_a_stopwatch_keeps_every_step_and_passes_it_on() -> None:
    watch = Stopwatch(Silent())
    with watch.bar("fit", 3) as advance:
        for count in (0, 1, 2):
            advance(count)
    assert len(watch.steps["fit"]) == 3 and min(watch.steps["fit"]) >= 0


def test_text_and_json_say_the_same(tmp_path: Path) -> None:
    words = ("--method", "llm_caption", "--config", "micro", "--recording", "sim-things", "--device", "meta")
    done = run(*words, "--json")
    report = Report(**json.loads(done.stdout))
    assert done.exit_code == 0 and report.method == "llm_caption"
    printed = run(*words).stdout
    assert rehearsing.text(report) == printed
    for row in report.networks:
        assert f"{row['parameters']:,}" in printed


def test_a_checkpoint_of_another_method_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"a.weight": torch.zeros(2)}, path)
    done = run("--method", "llm_caption", "--config", "micro", "--checkpoint", str(path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "no checkpoint of this method" in done.stderr


@pytest.mark.parametrize("words", [("--method", "mean_image"), ("--method", "atm", "--config", "papr")])
def test_wrong_words_are_one_line_and_exit_code_2(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
