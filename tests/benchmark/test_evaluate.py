"""The whole way: run, floors, ceilings, picture; and again with the same result."""

import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegbench.arrays import Images
from eegbench.benchmark import code, companions, preflight, provenance, score, shared
from eegbench.benchmark import evaluate as evaluating
from eegbench.benchmark.evaluate import evaluate
from eegbench.checks.verify import Verifier
from eegbench.contracts import Silent
from eegbench.datasets.images import read_image
from eegbench.errors import MissingError, UsageError
from eegbench.plugins import registry
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord
from eegbench.runs.sheet import STATISTICS, ScoreSheet
from forgery import flip
from small_world import Copy, Lab


def test_one_command_brings_the_run_its_floor_and_its_ceilings(lab: Lab) -> None:
    outcome = lab.evaluate()
    records = {r.spec.method: r for r in (RunRecord.read(f) for f in lab.runs.rglob("run.json"))}
    assert {name: (r.role, r.spec.track, r.status) for name, r in records.items()} == {
        "uses-eeg": ("method", "eeg", "complete"),
        "random_train_image": ("floor", "eeg", "complete"),
        "vae_roundtrip": ("ceiling", "ceiling", "complete"),
        "true_embedding": ("ceiling", "ceiling", "complete"),
    }
    assert outcome.ceilings["vae_roundtrip"].metrics["pixcorr"].value == pytest.approx(1)
    assert outcome.floors["random_train_image"].verdict == ""  # floors are not audited
    assert len(list(lab.runs.rglob("scores.json"))) == 4
    assert {"fit", "reconstruct", "score", "audit: reconstruct", "floors and ceilings"} <= outcome.seconds.keys()


def test_every_record_has_the_data_sets_caution(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(lab.plan().dataset), "caution", "Shown in blocks.", raising=False)
    assert lab.evaluate().caution == "Shown in blocks."
    assert [RunRecord.read(file).caution for file in lab.runs.rglob("run.json")] == ["Shown in blocks."] * 4
    assert [ScoreSheet.read(file).caution for file in lab.runs.rglob("scores.json")] == ["Shown in blocks."] * 4


def test_sheets_of_before_the_caution_get_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.evaluate()
    monkeypatch.setattr(type(lab.plan().dataset), "caution", "Shown in blocks.", raising=False)
    lab.evaluate()
    assert [ScoreSheet.read(file).caution for file in lab.runs.rglob("scores.json")] == ["Shown in blocks."] * 4


def test_the_same_command_twice_gives_the_same_scores_to_the_last_digit(lab: Lab, tmp_path: Path) -> None:
    files = ("scores.json", "scores.csv", "reconstructions.png")
    first, again, elsewhere = lab.evaluate(), lab.evaluate(), lab.evaluate(runs=tmp_path / "elsewhere")
    for name in files:
        contents = {(outcome.run_folder / name).read_bytes() for outcome in (first, again, elsewhere)}
        assert len(contents) == 1
    assert not first.notes and "scored again" in again.notes[0]


def test_a_ceiling_is_made_where_its_record_says(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    devices: list[str] = []

    def reconstruct(self: object, truths: Images, *, seeds: Sequence[int], device: str = "cpu") -> Images:
        devices.append(device)
        return truths

    monkeypatch.setattr(Copy, "reconstruct", reconstruct)
    monkeypatch.setattr(preflight, "resolve_device", lambda device: "cuda:1")  # which is not here
    monkeypatch.setattr(preflight, "free_memory", lambda device: 2**40)
    monkeypatch.setattr(provenance, "environment", lambda device: {"device": device})
    lab.evaluate(device="cuda:1")
    records = [RunRecord.read(file) for file in lab.runs.glob("*/ceiling/**/run.json")]
    assert [record.environment for record in records] == [{"device": "cuda:1"}] * 2 and set(devices) == {"cuda:1"}


def test_companions_are_made_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lab.evaluate()
    monkeypatch.setattr(Run, "write_scores", lambda *_: None)  # scoring one again would show
    again = lab.evaluate("ignores-eeg")
    assert again.floors == first.floors and again.ceilings == first.ceilings


def made(lab: Lab, patch: pytest.MonkeyPatch) -> list[str]:
    """What is asked for images, or scored, from now on."""
    asked: list[str] = []
    for name, kind in (
        ("floor", lab.plan("random_train_image").method.reconstructor),
        ("ceiling", registry.find("reference", "vae_roundtrip")),
    ):
        plain = kind.reconstruct

        def reconstruct(self: Any, *given: Any, _name: str = name, _plain: Any = plain, **more: Any) -> Any:
            asked.append(_name)
            return _plain(self, *given, **more)

        patch.setattr(kind, "reconstruct", reconstruct)
    plain_write = Run.write_scores

    def write(*given: Any) -> Any:
        asked.append("scores")
        return plain_write(*given)

    patch.setattr(Run, "write_scores", write)
    return asked


@pytest.mark.parametrize("subject", [8, 1])
def test_companions_serve_every_runs_folder_and_every_subject_with_the_same_images(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subject: int
) -> None:
    first = lab.evaluate(audit=False)
    asked = made(lab, monkeypatch)
    again = evaluate("uses-eeg", subject, lab.options(runs=tmp_path / "others", audit=False), Silent())
    assert again.floors == first.floors and again.ceilings == first.ceilings
    assert asked.count("ceiling") == 0 and asked.count("scores") == 1  # of the method itself
    for name in ("random_train_image", "vae_roundtrip"):
        (folder,) = [f.parent for f in (tmp_path / "others").rglob("run.json") if name in f.as_posix()]
        assert RunRecord.read(folder / "run.json").spec.subject == subject
        assert Verifier(Silent()).verify(folder).problems == ()


def test_what_is_damaged_in_the_cache_is_made_again(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lab.evaluate(audit=False)
    for file in (tmp_path / "cache" / "references").rglob("*_3.png"):
        flip(file)
    for file in (tmp_path / "cache" / "scores").rglob("scores.csv"):
        flip(file)
    asked = made(lab, monkeypatch)
    again = lab.evaluate(runs=tmp_path / "others", audit=False)
    assert (
        again.ceilings == first.ceilings and "ceiling" in asked and asked.count("scores") == 3
    )  # both ceilings give the same images
    asked.clear()
    lab.evaluate(runs=tmp_path / "third", audit=False)
    assert "ceiling" not in asked  # what was made again is whole


def test_without_references_there_are_none(lab: Lab) -> None:
    outcome = lab.evaluate(companions=False)
    assert outcome.floors == outcome.ceilings == {} and len(list(lab.runs.rglob("run.json"))) == 1


def test_a_sheet_of_an_older_metric_is_not_taken_for_a_floor(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.evaluate()
    for name, law in lab.laws.items():
        monkeypatch.setitem(lab.laws, name, dataclasses.replace(law, version=2))
    assert {score.version for score in lab.evaluate().floors["random_train_image"].metrics.values()} == {2}


def test_scores_of_an_older_edition_of_the_statistics_are_made_again(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what a floor's own folder has nor what the cache keeps serves another edition."""
    with monkeypatch.context() as before:
        for module in (companions, score, shared):
            before.setattr(module, "STATISTICS", 1)
        older = lab.evaluate(audit=False)
    assert {sheet.statistics for sheet in older.floors.values()} == {1}
    for runs in (tmp_path / "others", lab.runs):
        beside = lab.evaluate(runs=runs, audit=False)
        assert {sheet.statistics for sheet in (*beside.floors.values(), *beside.ceilings.values())} == {STATISTICS}


def test_on_the_oracle_track_the_hint_comes_from_the_true_image_by_id(lab: Lab) -> None:
    outcome = lab.evaluate(track="oracle")
    assert "/oracle/" in outcome.run_folder.as_posix()
    answers = lab.plan().dataset.answers(8)
    for stimulus, truth in zip(answers.stimuli, answers.images, strict=True):
        grey = truth.astype(np.float32).mean(2)
        hint = round(float((grey[0, 0] - grey.min()) / (grey.max() - grey.min()) * 255))
        shown = int(read_image(outcome.run_folder / "reconstructions" / f"{stimulus}.png")[0, 0, 0])
        assert abs(shown - hint) <= 1  # float32 against float64 may round to the neighbouring level


def test_on_the_eeg_track_nothing_is_asked_before_the_images_are_there(lab: Lab) -> None:
    lab.evaluate()
    calls = lab.calls
    assert calls.index("answers") > calls.index("queries")


def test_a_ceiling_without_its_weights_is_left_out_and_said(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise MissingError("no weights of the VAE; run eegbench weights fetch")

    monkeypatch.setattr(companions, "_ceiling", missing)
    outcome = lab.evaluate()
    assert outcome.ceilings == {} and "vae_roundtrip was left out: no weights of the VAE" in outcome.notes[0]


def test_a_floor_brings_no_floor_of_its_own(lab: Lab) -> None:
    assert lab.evaluate("random_train_image").floors == {}


def test_a_device_that_is_none_is_refused(lab: Lab) -> None:
    with pytest.raises(UsageError, match="device 'tpu9x'"):
        evaluate("uses-eeg", 8, lab.options(device="tpu9x"), Silent())


def test_the_picture_shows_truth_control_reconstruction_and_permuted(lab: Lab) -> None:
    with_audit = read_image(lab.evaluate().picture)
    without = read_image(lab.evaluate("uses-eeg", seed=1, audit=False).picture)
    assert with_audit.shape[0] - without.shape[0] == 150 and with_audit.shape[1] == without.shape[1]


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("")
    assert code.checkout(tmp_path) == (None, None)


def test_what_a_run_was_made_on_holds_no_word_of_the_environment_and_of_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HF_TOKEN", "OPENAI_API_KEY", "https_proxy"):
        monkeypatch.setenv(name, "http://u:topsecretword@h:1")
    monkeypatch.setattr("sys.argv", ["eegbench", "topsecretword"])
    assert "topsecretword" not in str(provenance.environment("cpu"))


def test_the_environment_says_what_decides_about_numbers() -> None:
    found = provenance.environment("cpu")
    assert {"python", "packages", "dtype", "tf32_matmul", "cudnn_deterministic", "commit", "dirty"} <= found.keys()
    assert found["packages"]["numpy"] == np.__version__


def test_what_an_audit_found_outlives_a_run_without_one(lab: Lab) -> None:
    audited = lab.evaluate().sheet
    again = lab.evaluate(audit=False)
    assert again.sheet.verdict == audited.verdict and again.sheet.metrics == audited.metrics
    (again.run_folder / "permuted" / "permutation.json").unlink()
    assert lab.evaluate(audit=False).sheet.verdict != audited.verdict


def test_two_processes_at_one_run_take_turns_and_make_it_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads here, which hold locks of their own as processes do."""
    inner, inside, most = evaluating.make, 0, 0

    def slow(*words: Any) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.05)
        made = inner(*words)
        inside -= 1
        return made

    monkeypatch.setattr(evaluating, "make", slow)
    with ThreadPoolExecutor(3) as pool:
        done = [one.result() for one in [pool.submit(lab.evaluate) for _ in range(3)]]
    assert most == 1 and lab.fits.count("uses-eeg") == 1
    assert sorted(one.run.reused for one in done) == [False, True, True]
    assert len({one.sheet.to_json() for one in done}) == 1
    assert not (lab.runs / ".locks").exists()
