"""`eegbench.evaluate` and `eegbench.open_run`: what comes out, what stays as it was, and what is refused."""

import asyncio
import json
import math
import os
import random
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import eegbench
from eegbench.backbones.shared import shared
from eegbench.cli import app
from eegbench.datasets.images import read_image
from eegbench.metrics import METRICS
from small_world import Copy, Decoder, Lab

CHOSEN: dict[str, Any] = {"subject": 8, "dataset": "drawn", "device": "cpu", "batch_size": 3}


def evaluate(lab: Lab, method: str = "uses-eeg", **changes: Any) -> eegbench.Run:
    return eegbench.evaluate(method, **{**CHOSEN, "runs": lab.runs, **changes})


def told(folder: Path) -> dict[str, bytes]:
    """Every file of a run; of its record what neither the clock nor the machine decides."""
    files = {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}
    record = json.loads(files.pop("run.json"))
    kept = {key: record[key] for key in record if key not in ("seconds", "environment", "peak_memory_bytes", "seal")}
    return {**files, "run.json": json.dumps(kept).encode()}


def test_the_command_and_python_give_the_same_bytes(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.laws["retrieval2_top1"] = METRICS["retrieval2_top1"]  # type: ignore[assignment]
    asked: dict[str, Any] = {"settings": {"weight": 0.5, "dataset.noise": 0}, "also": ["retrieval2_top1"]}
    run = evaluate(lab, seed=3, samples=2, **asked)
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path / "other cache"))
    words = ["--method", "uses-eeg", "--subject", "8", "--dataset", "drawn", "--device", "cpu", "--batch-size", "3"]
    words += ["--seed", "3", "--samples", "2", "--set", "weight=0.5", "--set", "dataset.noise=0"]
    words += ["--also", "retrieval2_top1", "--json"]
    done = CliRunner().invoke(app, ["evaluate", *words, "--runs", str(tmp_path / "other")])
    other = tmp_path / "other" / run.folder.relative_to(lab.runs)
    assert done.stdout == run.sheet.to_json() == (run.folder / "scores.json").read_text()
    assert told(run.folder) == told(other) and run.sheet["retrieval2_top1"] > 0.5
    assert len(list(other.rglob("*.png"))) == 16 + 16 + 8 + 1  # images, those of the audit, control maps, the picture


def test_a_run_has_scores_beside_the_best_floor_and_ceiling(lab: Lab) -> None:
    run = evaluate(lab)
    first = ["metric", "version", "value", "low", "high", "chance", "floor", "ceiling", "permuted", "adds"]
    assert list(run.scores.columns[:10]) == first
    row = run.scores.set_index("metric").loc["distance"]  # the lower the better
    assert row["floor"] == min(sheet["distance"] for sheet in run.floors.values()) > row["value"] > row["ceiling"] == 0
    assert list(run.floors) == ["random_train_image"] and list(run.ceilings) == ["vae_roundtrip", "true_embedding"]
    assert math.isnan(run.sheet["unseen"]) and "swav" in run.scores.set_index("metric").loc["unseen", "reason"]


def test_a_run_has_its_images_record_verdict_and_values(lab: Lab) -> None:
    run = evaluate(lab, samples=2)
    name = "03_thing/test_3"
    assert (run.images[name] == read_image(run.folder / f"reconstructions/{name}.png")).all()
    assert len(run.images) == 16 and f"{name}.sample-1" in run.images and "another" not in run.images
    assert run.record.spec.seed == 0 and run.verdict == run.sheet.record.verdict != ""
    assert run.items.shape == (8, 4) and run.items["pixcorr"].mean() == pytest.approx(run.sheet["pixcorr"], rel=1e-9)
    assert run.floors["random_train_image"].items.shape == (8, 3)


def test_an_image_that_was_changed_or_that_is_none_is_refused(lab: Lab) -> None:
    run = evaluate(lab, audit=False, references=False)
    (run.folder / "reconstructions/03_thing/test_3.png").write_bytes(b"another")
    with pytest.raises(eegbench.InputError, match="has changed since the run wrote it"):
        run.images["03_thing/test_3"]
    with pytest.raises(eegbench.InputError, match=r"^unknown stimulus 'test_3'"):
        run.images["test_3"]


def test_a_run_that_is_opened_is_the_one_that_was_evaluated(lab: Lab) -> None:
    run = evaluate(lab, track="oracle")
    opened = eegbench.open_run(run.folder)
    by_metric = [one.scores.sort_values("metric").reset_index(drop=True) for one in (run, opened)]
    assert by_metric[0].equals(by_metric[1])
    assert opened.sheet.to_json() == run.sheet.to_json() and opened.simulated
    assert opened.floors.keys() == run.floors.keys() and opened.ceilings.keys() == run.ceilings.keys()


def test_floors_of_other_images_or_judges_do_not_stand_beside_an_opened_run(lab: Lab) -> None:
    run = evaluate(lab)
    sheet = run.folder.parents[2] / "random_train_image/sub-08/seed-0/scores.json"
    text = json.loads(sheet.read_text())
    sheet.write_text(json.dumps(text | {"truths": "0" * 64}))
    opened = eegbench.open_run(run.folder)
    assert opened.floors == {} and len(opened.ceilings) == 2
    assert opened.scores["floor"].isna().all()


def test_a_folder_without_a_scored_run_is_not_opened(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(eegbench.InputError, match=r"holds no run\.json"):
        eegbench.open_run(tmp_path)
    folder = evaluate(lab, audit=False, references=False).folder
    (folder / "scores.json").unlink()
    with pytest.raises(eegbench.InputError, match="not scored yet"):
        eegbench.open_run(folder)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a method": ({"method": "uses-eg"}, "unknown method 'uses-eg'; did you mean 'uses-eeg'"),
    "a method of another type": ({"method": 3}, "method is 3; wanted a word"),
    "a subject": ({"subject": 2}, "unknown subject '2'"),
    "a subject in words": ({"subject": "8"}, "subject is '8'; wanted a whole number"),
    "a seed": ({"seed": -1}, "seed -1; wanted 0 or more"),
    "a seed of another type": ({"seed": 1.5}, "seed is 1.5; wanted a whole number"),
    "samples": ({"samples": 0}, "samples 0; wanted 1 or more"),
    "average": ({"average": 0}, "average is '0'; wanted 'all' or a whole number"),
    "a metric": ({"also": ["clop"]}, "unknown metric 'clop'"),
    "metrics of another type": ({"also": "clip"}, "also is 'clip'; wanted a list of names"),
    "a setting": ({"settings": {"wieght": 1}}, "unknown configuration key 'wieght'; did you mean 'weight'"),
    "a setting's value": ({"settings": {"weight": [1]}}, r"weight is \[1\]; wanted a finite number"),
    "settings of another type": ({"settings": 3}, "settings is 3; wanted a dict"),
    "a key within a setting": ({"settings": {"weight": {1: 2}}}, "settings is .*; wanted a dict"),
    "a table of the data set": ({"settings": {"dataset": {"nois": 1}}}, "did you mean 'noise'"),
    "a switch": ({"audit": "no"}, "audit is 'no'; wanted True or False"),
    "a path": ({"runs": 3}, "runs is 3; wanted a path"),
    "progress": ({"progress": "bar"}, "progress is 'bar'; wanted True, False"),
    "a device": ({"device": "tpu9"}, "device 'tpu9'; wanted auto"),
    "a device of torch's own": ({"device": "meta"}, "device 'meta'; wanted auto"),
    "a configuration": ({"config": "nowhere.toml"}, "nowhere.toml: no such configuration file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_in_one_line(case: str, lab: Lab) -> None:
    changes, message = WRONG[case]
    method = changes.pop("method", "uses-eeg") if "method" in changes else "uses-eeg"
    with pytest.raises(eegbench.UsageError, match=message) as raised:
        evaluate(lab, method, **changes)
    assert "\n" not in str(raised.value)
    assert not lab.runs.exists()


def test_an_unknown_argument_is_pythons_type_error() -> None:
    with pytest.raises(TypeError, match="sede"):
        eegbench.evaluate("uses-eeg", subject=8, sede=1)  # type: ignore[call-arg]


def test_a_folder_that_cannot_be_written_is_named(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(eegbench.EegbenchError, match="file") as raised:
        evaluate(lab, runs=tmp_path / "file" / "runs")
    assert "\n" not in str(raised.value) and "--" not in str(raised.value)


def state() -> list[Any]:
    threads = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    flags = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic
    draws = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]  # noqa: NPY002
    return [*threads, *flags, *draws, dict(os.environ)]


def test_the_callers_state_is_left_as_it_was_and_nothing_is_printed(
    lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(5)
    before = state()
    evaluate(lab)
    assert state() == before
    assert capfd.readouterr() == ("", "")


def test_a_failure_leaves_the_callers_state_as_it_was_too(lab: Lab) -> None:
    before = state()
    with pytest.raises(eegbench.UsageError):
        evaluate(lab, settings={"wieght": 1}, offline=True)
    assert state() == before


def test_the_callers_torch_settings_change_no_number(lab: Lab, tmp_path: Path) -> None:
    plain = evaluate(lab)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode(), torch.autocast("cpu"):
            other = evaluate(lab, runs=tmp_path / "other")
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert other.sheet.to_json() == plain.sheet.to_json()
    assert other.record.environment["dtype"] == "float32"


def in_a_thread(work: Callable[[], eegbench.Run]) -> eegbench.Run:
    done: list[eegbench.Run] = []
    thread = threading.Thread(target=lambda: done.append(work()))
    thread.start()
    thread.join()
    return done[0]


def in_an_event_loop(work: Callable[[], eegbench.Run]) -> eegbench.Run:
    async def run() -> eegbench.Run:
        return work()

    return asyncio.run(run())


@pytest.mark.parametrize("place", [in_a_thread, in_an_event_loop])
def test_it_works_from_a_thread_and_within_an_event_loop(
    place: Callable[[Callable[[], eegbench.Run]], eegbench.Run], lab: Lab
) -> None:
    assert place(lambda: evaluate(lab)).record.status == "complete"


def test_an_interrupt_leaves_a_run_that_is_taken_up_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "stop_after", 6)
        patch.setattr(Decoder, "__init__", _stopping(Decoder.__init__))
        with pytest.raises(KeyboardInterrupt):
            evaluate(lab, references=False)
    folder = lab.runs / "drawn/eeg/uses-eeg/sub-08/seed-0"
    assert json.loads((folder / "run.json").read_text())["status"] == "started"
    assert evaluate(lab, references=False).record.status == "complete"


def _stopping(init: Callable[..., None]) -> Callable[..., None]:
    def stopping(self: Decoder, *given: Any, **named: Any) -> None:
        init(self, *given, **named)
        self.stop_after, self.failure = 6, KeyboardInterrupt()

    return stopping


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("MPS out of memory")])
def test_a_device_without_memory_is_what_is_missing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Copy, "reconstruct", full)
    with pytest.warns(eegbench.Notice, match="was left out: the memory of cpu does not hold it"):
        assert evaluate(lab, audit=False).ceilings == {}
    monkeypatch.setattr(Decoder, "reconstruct", full)
    with pytest.raises(eegbench.MissingError, match="the memory of the device is full"):
        evaluate(lab, seed=1)


def test_networks_leave_the_memory_after_an_evaluation(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    network, held = shared(1)(lambda: Decoder(1.0)), list[weakref.ref[Decoder]]()
    reconstruct = Decoder.reconstruct

    def using(self: Decoder, *given: Any, **named: Any) -> Any:
        held.append(weakref.ref(network()))
        return reconstruct(self, *given, **named)

    monkeypatch.setattr(Decoder, "reconstruct", using)
    evaluate(lab, audit=False, references=False)
    assert held and all(one() is None for one in held)


def test_what_the_command_notes_python_warns_of(lab: Lab) -> None:
    evaluate(lab, references=False)
    with pytest.warns(eegbench.Notice, match="the run was complete, and is scored again as it is") as warned:
        run = evaluate(lab, references=False)
    assert len(run.notes) == 1 and warned[0].filename == __file__
