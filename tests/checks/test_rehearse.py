"""`rehearse`: each method at its paper's size, and timed where it is small enough for this machine."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from typer.testing import CliRunner, Result

from eegbench.checks import rehearse as rehearsing
from eegbench.checks.rehearse import Report, rehearse
from eegbench.cli import app
from eegbench.configuration import read_tables, shipped
from eegbench.contracts import Silent
from eegbench.errors import CheckFailed, InputError, MissingError, UsageError
from eegbench.methods.controls import MeanImage
from eegbench.methods.rehearsal import Network, Parts, Rehearsal, Stage
from eegbench.plugins import registry

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
def test_the_micro_scale_goes_the_same_way_and_is_timed(name: str, heard: Any) -> None:
    report = rehearse(name, table(name, "micro"), device="cpu", recording="sim-things", progress=heard)
    steps = [str(row["step"]) for row in report.seconds]
    stages = [f"training: {label}" for label in heard.labels if label.startswith("fit ")]
    assert stages == [step for step in steps if step.startswith("training: ")]
    assert steps[-1].startswith("reconstruction, 1 of its ") and len(steps) > 1
    assert all(float(str(row["per image"])) > 0 for row in report.seconds)
    assert report.note.startswith("Timed on cpu, on noise") and report.peak_bytes > 0
    assert {row["step"]: (row["items"], row["steps"]) for row in report.seconds} == {
        # A triplet loss compares two of two; the saliency head takes all that there are.
        step: (4 if "EEG features" in step else 2 if "saliency head" in step else 1, 1)
        for step in steps
    }


TINY = {
    "generator": "tiny", "adapter": "tiny_adapter", "low_level_settings.widths": [8, 8], "sampling.steps": 3,
    "prior.steps": 2,
}  # fmt: skip


@pytest.mark.usefixtures("tiny")
def test_networks_without_weights_are_timed_where_they_have_room() -> None:
    settings = table("atm", "micro") | TINY | {"half": True}
    report = rehearse("atm", settings, device="cpu", recording="sim-things", progress=Silent())
    assert report.stages[-1]["gives"] == "1 x 3 x 8 x 8"
    assert [row["step"] for row in report.seconds][-1] == "reconstruction, 1 of its 2 steps"
    assert "in float32, the generator's weights in bfloat16 in the place of float16." in report.note


@pytest.mark.usefixtures("tiny")
def test_a_caption_stage_is_timed_too(git_folder: Path) -> None:
    settings = table("atm", "micro") | TINY | {"captioner": str(git_folder), "caption.most_tokens": 3}
    report = rehearse("atm", settings, device="cpu", recording="sim-things", progress=Silent())
    assert ("training: fit caption stage", 1) in [(row["step"], row["items"]) for row in report.seconds]


@pytest.mark.usefixtures("tiny")
def test_on_a_cpu_every_stage_has_one_step_and_says_what_it_builds_before(heard: Any) -> None:
    rehearse("atm", table("atm", "micro") | TINY, device="cpu", recording="sim-things", progress=heard)
    labels = heard.labels
    assert labels[0] == "atm: shapes of its networks"
    assert labels.index("build UNet of tiny") < labels.index("latents of images") < labels.index("fit low level")
    assert {total for label, total in zip(labels, heard.totals, strict=True) if label.startswith("fit ")} == {1}
    assert heard.done == heard.totals


@pytest.mark.usefixtures("tiny")
def test_batches_that_are_set_and_a_number_of_steps_are_kept_on_a_cpu() -> None:
    report = rehearse(
        "atm", table("atm", "micro") | TINY, settings={"prior": {"batch": "3"}}, steps=2, device="cpu",
        recording="sim-things", progress=Silent(),
    )  # fmt: skip
    timed = {str(row["step"]): (row["items"], row["steps"]) for row in report.seconds}
    assert timed["training: fit prior"] == (3, 2) and timed["training: fit low level"] == (1, 2)
    assert timed["reconstruction, all its steps"] == (1, 2)
    assert "2 steps of every stage, batch 1" in report.note and "; prior.batch=3 as set" in report.note


def test_batches_and_steps_are_options_of_the_command_line() -> None:
    words = ("--method", "llm_caption", "--config", "micro", "--recording", "sim-things", "--device", "cpu", "--json")
    done = run(*words, "--set", "captions.batch=3", "--steps", "2")
    first = json.loads(done.stdout)["seconds"][0]
    assert (first["step"], first["items"], first["steps"]) == ("training: fit caption heads", 3, 2)
    assert done.stderr.startswith("load torch and its libraries")


def test_parts_that_cannot_be_built_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("shapes\nthat do not fit")

    monkeypatch.setattr("eegbench.methods.atm.Atm._parts", fail)
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


def test_a_gpu_without_the_memory_runs_shapes_alone_where_no_device_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rehearsing, "resolve_device", lambda device: "cuda")
    monkeypatch.setattr(rehearsing, "free_memory", lambda device: 10**6)
    report = rehearse("llm_caption", table("llm_caption", "micro"), device="auto", progress=Silent())
    assert report.seconds == [] and report.note.startswith("cuda has 1.0 MB free, and weights and optimiser need")


def test_a_device_that_was_asked_for_and_has_not_the_memory_is_refused_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = SimpleNamespace(available=2 * 10**9)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    monkeypatch.setattr("eegbench.methods.neuroimagen.NeuroImagen.fit", None)
    done = run("--method", "neuroimagen", "--device", "cpu")
    assert (done.exit_code, done.stdout) == (3, "")
    last = done.stderr.splitlines()[-1]
    assert re.search(r"neuroimagen: weights and optimiser need \d\.\d\d GB, and cpu has 2\.00 GB free", last)


def test_a_device_that_runs_out_of_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def out(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("eegbench.methods.llm_caption.method.fit_heads", out)
    with pytest.raises(MissingError, match="llm_caption: cpu has not enough memory; --device meta"):
        rehearse("llm_caption", table("llm_caption", "micro"), device="cpu", progress=Silent())


@dataclass(frozen=True)
class Listed(MeanImage):
    """A method of somebody's that lists one network; it has no sampler."""

    name: ClassVar[str] = "listed"

    def rehearse(self) -> object:
        network = torch.nn.Linear(3, 4)
        stage = Stage("a pass", 1, lambda: network(torch.zeros(1, 3)), (1, 4))
        parts = Parts((Network("linear", network, "all"),), (stage,))
        return Rehearsal("things-eeg2", lambda info: parts, ())


def test_a_method_of_somebodys_is_rehearsed_where_it_lists_its_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.OWN["method"], "listed", Listed)
    report = rehearse("listed", {}, device="cpu", progress=Silent())
    assert [(row["network"], row["parameters"], row["trained"]) for row in report.networks] == [("linear", 16, 16)]
    assert report.recording == "things-eeg2" and report.stages[0]["gives"] == "1 x 4"
    assert [row["step"] for row in report.seconds] == ["reconstruction, all its steps"]


def test_what_is_no_rehearsal_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Listed, "rehearse", lambda self: "networks")
    monkeypatch.setitem(registry.OWN["method"], "listed", Listed)
    with pytest.raises(InputError, match="method 'listed': rehearse gave 'networks'; wanted a Rehearsal, or None"):
        rehearse("listed", {}, device="meta", progress=Silent())


def test_a_method_without_a_rehearsal_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"method 'mean_image' has no rehearsal: its class does not list its networks"):
        rehearse("mean_image", {}, device="meta", progress=Silent())


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(UsageError, match="unknown method 'atn'; did you mean 'atm'"):
        rehearse("atn", {}, device="meta", progress=Silent())
    with pytest.raises(UsageError, match=r"unknown recording 'things'.*eegcvpr"):
        rehearse("atm", {}, device="meta", progress=Silent(), recording="things")


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
    assert "no checkpoint of this method" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("words", [("--method", "mean_image"), ("--method", "atm", "--config", "papr")])
def test_wrong_words_are_one_line_and_exit_code_2(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
