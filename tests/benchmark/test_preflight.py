"""All that can be known is looked at before the first step, said at once, and with what mends it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eegbench import backbones
from eegbench.backbones import Suite, stored
from eegbench.benchmark import preflight
from eegbench.benchmark.evaluate import evaluate
from eegbench.contracts import Silent
from eegbench.datasets.captions import Captions
from eegbench.errors import EegbenchError, InputError, MissingError, UsageError
from small_world import Lab

Spoil = Callable[[Any, pytest.MonkeyPatch], dict[str, Any]]  # what it changes of the options


def examined(lab: Lab, **changes: Any) -> preflight.Preflight:
    return preflight.examine("uses-eeg", 8, lab.options(**changes))


def _a_file_for_a_folder(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    lab.runs.write_text("a file")
    return {}


def _no_room(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    usage = type("Usage", (), {"free": 2**20})
    patch.setattr("shutil.disk_usage", lambda _: usage)
    return {}


def _no_judge(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    lost = {law.needs for law in lab.laws.values()} - {"pixels425", "embedding"}
    needs = {feature: f"{feature} is not here; eegbench weights fetch it" for feature in lost}
    patch.setattr(backbones, "suite", lambda *_, **__: Suite("micro", "sal512", (), needs))
    return {}


def _no_saliency(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    bare = dataclasses.replace(lab.judge, provides=("pixels425", "clip"))
    patch.setattr(backbones, "suite", lambda *_, **__: Suite("micro", "sal512", (bare,)))
    return {"track": "oracle"}


def _unknown_weights(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    patch.setattr(type(lab.plan().method), "weights", lambda self: {"somebody/model": ""})
    return {}


def _weights_of_a_path(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    patch.setattr(type(lab.plan().method), "weights", lambda self: {"/no/such/folder": ""})
    return {"allow_unverified_weights": True}


def _weights_of_a_hub(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    patch.setenv("HF_HOME", str(lab.runs.parent))
    patch.setattr(type(lab.plan().method), "weights", lambda self: {"somebody/model": ""})
    return {"allow_unverified_weights": True, "offline": True}


def _too_large_weights(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    patch.setattr(type(lab.plan().method), "weights", lambda self: {"pack:generator": "ab" * 32})
    patch.setattr(preflight, "free_memory", lambda device: 10**6)
    return {}


def _bad_eeg(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    kind = type(lab.plan().dataset)
    plain = kind.queries
    broken = lambda self, subject, **o: dataclasses.replace(q := plain(self, subject, **o), eeg=q.eeg * float("nan"))  # noqa: E731
    patch.setattr(kind, "queries", broken)
    return {}


def _bad_record(lab: Lab, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    folder = lab.runs / lab.plan().spec.folder
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{")
    return {}


SPOILED: dict[str, tuple[Spoil, str, type[EegbenchError], str]] = {
    "the runs folder is a file": (_a_file_for_a_folder, "runs folder", UsageError, "choose another folder of runs"),
    "the disk is full": (_no_room, "runs folder", MissingError, "1 MiB free on its disk; free some"),
    "no judge has its weights": (_no_judge, "judges", MissingError, "eegbench weights fetch"),
    "no judge makes the hint": (_no_saliency, "judges", MissingError, "needs it: use --track eeg"),
    "weights of unknown digest": (_unknown_weights, "weights", UsageError, "--allow-unverified-weights"),
    "weights at a path where nothing lies": (_weights_of_a_path, "weights", MissingError, "no such folder or file"),
    "a hub's weights, offline": (_weights_of_a_hub, "weights", MissingError, "fetch them once without it"),
    "weights larger than memory": (_too_large_weights, "weights", MissingError, "choose another --device"),
    "test EEG that is no numbers": (_bad_eeg, "data", InputError, "NaN"),
    "a damaged record in its place": (_bad_record, "earlier run", InputError, "cannot be read as JSON"),
    "a device that is not there": (
        lambda lab, patch: {"device": "cuda:7"},
        "device",
        MissingError,
        "use the device cpu",
    ),
    "a word that names no device": (lambda lab, patch: {"device": "tpu9x"}, "device", UsageError, "wanted auto"),
    "an unknown key": (
        lambda lab, patch: {"method_table": {"wait": 1}},
        "names, settings",
        UsageError,
        "unknown configuration key",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_stands_in_the_way_is_said_before_the_fit_with_what_mends_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    spoil, subject, kind, words = SPOILED[name]
    changes = spoil(lab, monkeypatch)
    failed = {point.subject: point for point in examined(lab, **changes).failed}
    assert words in failed[subject].state and type(failed[subject].error) is kind
    with pytest.raises(kind, match=r"(?s).*") as caught:
        lab.evaluate(**changes)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert lab.fits == [] and not list(lab.runs.rglob("*.png"))


def test_all_of_it_is_said_at_once(lab: Lab) -> None:
    lab.runs.write_text("a file")
    with pytest.raises(
        MissingError, match=r"2 things stand in the way: \(1\) device 'cuda:7'.*; \(2\) .*folder of runs"
    ):
        lab.evaluate(device="cuda:7")


def test_looking_leaves_nothing_behind(lab: Lab) -> None:
    found = examined(lab)
    assert not found.failed and not lab.runs.exists()
    told = {point.subject: point.state for point in found.points}
    assert told["data"] == "8 test stimuli, 3 channels x 36 samples" and told["fit"].startswith("none as yet")
    lab.evaluate()
    told = {point.subject: point.state for point in examined(lab).points}
    assert told["fit"] == "cached" and "complete" in told["earlier run"]


def test_answers_stay_closed(lab: Lab) -> None:
    examined(lab)
    assert "answers" not in lab.calls


def test_a_captions_file_that_lacks_an_image_is_found_before_the_fit(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "captions.jsonl"
    stimuli = lab.plan().train().stimuli
    file.write_bytes(b"".join(Captions(stimulus, "a model", ("a",) * 10).line() for stimulus in stimuli[:-1]))
    (point,) = examined(lab, captions=file).failed
    assert point.subject == "captions" and point.code == 2 and stimuli[-1] in point.state
    with file.open("ab") as more:
        more.write(Captions(stimuli[-1], "a model", ("a",) * 10).line())
    assert not examined(lab, captions=file).failed


def test_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"12345")
    (tmp_path / "b.bin").symlink_to(tmp_path / "a.bin")
    assert stored.size(str(tmp_path)) == 5 and stored.size("blank:x") == 0
    assert (stored.size("pack:clip_judge") or 0) > 10**5


def test_the_hubs_cache_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert stored.size("somebody/model") is None
    for repository in ("somebody/model", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"):
        folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}" / "blobs"
        folder.mkdir(parents=True)
        (folder / "x").write_bytes(b"123")
    assert stored.size("somebody/model", offline=True) == 3
    assert stored.size("ViT-H-14/laion2b_s32b_b79k", offline=True) == 3


def test_progress_says_whose_work_it_is(lab: Lab) -> None:
    labels: list[str] = []

    class Listening(Silent):
        def bar(self, label: str, total: int) -> Any:
            labels.append(label)
            return super().bar(label, total)

    evaluate("uses-eeg", 8, lab.options(), Listening())
    assert {"uses-eeg sub-08: reconstructions", "uses-eeg sub-08: permuted"} <= set(labels)
    assert {"random_train_image: reconstructions", "vae_roundtrip: reconstructions"} <= set(labels)


def test_a_cache_that_cannot_be_written_is_no_fault_where_nothing_is_kept(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.evaluate(companions=False)
    plain = preflight._room

    def room(folder: Path, mend: str) -> str:
        if folder.name == "cache":
            raise UsageError(f"{folder}: cannot be written; {mend}")
        return plain(folder, mend)

    monkeypatch.setattr(preflight, "_room", room)
    assert not examined(lab, companions=False).failed
    assert [point.subject for point in examined(lab).failed] == ["cache"]
