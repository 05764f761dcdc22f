"""What a board shows of runs: the pixels that their manifests vouch for, beside the truth, and nothing else."""

import base64
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save_file

from eegbench.benchmark.reconstruct import spread
from eegbench.files import canonical, file_digest
from eegbench.leaderboard.exhibits import Gallery, Thumbnail
from eegbench.runs import layout
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord
from eegbench.runs.sheet import ScoreSheet
from eegbench.studies import gallery
from eegbench.studies.gallery import SHOWN, SIDE, collect, thumbnail
from small_world import Lab


def run_of(lab: Lab, method: str = "uses-eeg", **changes: Any) -> Run:
    folder = lab.reconstruct(method, **changes).folder
    return Run.open(folder, top=lab.runs, manifest=False)


def show(*shown: Run, **settings: object) -> Gallery:
    return collect({"one": shown}, settings=settings)["one"]


def pixels(picture: Thumbnail) -> Image.Image:
    head, _, data = picture.data.partition(",")
    assert head in ("data:image/webp;base64", "data:image/png;base64")
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def images(run: Run) -> list[Path]:
    return sorted((run.folder / layout.IMAGES).rglob("*.png"))


def shown_of(found: Gallery, run: Run, kind: str = "image") -> int:
    return sum(p.run == run.path and p.kind == kind for one in found.shown for p in one.pictures)


def test_truth_stands_first_and_then_each_run(lab: Lab) -> None:
    first, second = run_of(lab), run_of(lab, "ignores-eeg")
    found = show(first, second)
    assert (found.of, found.notes) == (8, ())
    assert [one.stimulus for one in found.shown] == [f"{i:02d}_thing/test_{i}" for i in range(8)]
    assert [one.concept for one in found.shown] == [f"thing_{i}" for i in range(8)]
    kinds = [("", "image"), (first.path, "image"), (first.path, "control"), (second.path, "image")]
    assert [(p.run, p.kind) for p in found.shown[0].pictures] == [*kinds, (second.path, "control")]


def test_pictures_are_those_of_the_stimulus(lab: Lab) -> None:
    answers = lab.plan().dataset.answers(8)
    for one in show(run_of(lab)).shown:
        true = answers.images[answers.stimuli.index(one.stimulus)]
        assert one.pictures[0].data == thumbnail(true)


@pytest.mark.parametrize(("size", "fitted"), [((300, 200), (128, 85)), ((64, 64), (64, 64)), ((4000, 2), (128, 1))])
def test_thumbnails_are_small_copies(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    wide, high = size
    shades = np.linspace(0, 255, wide).astype(np.uint8)
    copy = pixels(Thumbnail("", "image", thumbnail(np.broadcast_to(shades[None, :, None], (high, wide, 3)).copy())))
    assert copy.size == fitted and max(copy.size) <= SIDE
    wanted = np.asarray(Image.fromarray(shades[None]).resize((fitted[0], 1)), dtype=float)[0]
    seen = np.asarray(copy.convert("L"), dtype=float).mean(axis=0)
    assert np.abs(seen - wanted).max() < 12  # of 255: lossy, but the same picture


def test_a_strangers_bytes_do_not_go_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, image: Any) -> None:
        note = PngInfo()
        note.add_text("Comment", "SECRET<script>")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, pnginfo=note)

    monkeypatch.setattr("eegbench.benchmark.paint.write_png", write)
    run = run_of(lab)
    assert b"SECRET" in images(run)[0].read_bytes()
    found = show(run)
    data = [base64.b64decode(p.data.partition(",")[2]) for one in found.shown for p in one.pictures]
    assert len(data) == 8 * 3 and not any(b"SECRET" in one for one in data)


def swap(path: Path) -> None:
    Image.fromarray(np.zeros((6, 6, 3), np.uint8)).save(path)


def lead_away(path: Path) -> None:
    path.rename(path.parents[6] / "elsewhere.png")
    path.symlink_to(path.parents[6] / "elsewhere.png")


def lead_in_a_circle(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (Path.unlink, "reconstruction missing"),
        (swap, "reconstruction another than its record says"),
        (lead_away, "reconstruction no file of the run"),
        (lead_in_a_circle, "reconstruction "),
    ],
)
def test_an_image_that_is_not_the_runs_is_left_out_and_told(
    lab: Lab, damage: Callable[[Path], object], told: str
) -> None:
    run, other = run_of(lab), run_of(lab, "ignores-eeg")
    for path in images(run)[:2]:
        damage(path)
    found = show(run, other)
    assert (shown_of(found, run), shown_of(found, other)) == (6, 8)
    [note] = found.notes
    assert note.startswith(f"{run.path}: {told}") and note.endswith(", 2 times")


def test_control_maps_that_are_not_the_runs_are_left_out_and_told(lab: Lab) -> None:
    run = run_of(lab)
    swap(sorted((run.folder / layout.CONTROLS).rglob("*.png"))[0])
    found = show(run)
    assert (shown_of(found, run), shown_of(found, run, "control")) == (8, 0)
    assert found.notes == (f"{run.path}: control maps others than its record says",)


def unsigned(run: Run) -> Run:
    """The run with a record that does not know its control maps, as those of schema version 1 do not."""
    record = RunRecord.read(run.folder / layout.RECORD)
    digests = {name: sha256 for name, sha256 in record.digests.items() if name != "controls"}
    dataclasses.replace(record, digests=digests).write(run.folder / layout.RECORD)
    return run


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_control_map_that_is_no_image_is_left_out_and_told(lab: Lab, content: bytes) -> None:
    run = run_of(lab)
    sorted((run.folder / layout.CONTROLS).rglob("*.png"))[0].write_bytes(content)
    found = show(unsigned(run))
    assert (shown_of(found, run), shown_of(found, run, "control")) == (8, 7)
    assert found.notes == (f"{run.path}: control map cannot be read",)


def test_a_control_map_that_leads_away_is_left_out(lab: Lab, tmp_path: Path) -> None:
    run = run_of(lab)
    path = sorted((run.folder / layout.CONTROLS).rglob("*.png"))[0]
    path.symlink_to(path.rename(tmp_path / "elsewhere.png"))
    assert shown_of(show(run), run, "control") == 0
    found = show(unsigned(run))
    assert shown_of(found, run, "control") == 7
    assert found.notes == (f"{run.path}: control map no file of the run",)


def saliency(run: Run, count: int = 8, **changes: Any) -> None:
    maps = np.arange(count, dtype=np.uint8)[:, None, None] * np.full((1, 64, 64), 30, np.uint8)
    tensors = {"reconstructions": maps, "truths": 255 - maps} | changes.get("tensors", {})
    stimuli = changes.get("stimuli", canonical([f"{i:02d}_thing/test_{i}" for i in range(count)]))
    save_file(tensors, run.folder / layout.SALIENCY, {"stimuli": stimuli})


def test_saliency_maps_of_reconstruction_and_truth_are_shown(lab: Lab) -> None:
    run, bare = run_of(lab), run_of(lab, "ignores-eeg")
    saliency(run)
    found = show(bare, run)
    assert (shown_of(found, run, "saliency"), shown_of(found, bare, "saliency"), found.notes) == (8, 0, ())
    for i, one in enumerate(found.shown):
        true, made = [np.asarray(pixels(p).convert("L")).mean() for p in one.pictures if p.kind == "saliency"]
        assert abs(made - 30 * i) < 4 and abs(true - (255 - 30 * i)) < 4  # of 255: lossy


def test_saliency_maps_that_are_not_the_ones_that_were_scored_are_left_out(lab: Lab) -> None:
    run = run_of(lab)
    saliency(run)
    for sha256, count in ((file_digest(run.folder / layout.SALIENCY), 8), ("0" * 64, 0)):
        sheet = ScoreSheet(8, "micro", "sal512", {}, files={layout.SALIENCY: sha256})
        found = show(dataclasses.replace(run, sheet=sheet))
        assert (shown_of(found, run, "saliency"), len(found.notes)) == (count, count == 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"stimuli": "[1]"},
        {"stimuli": "{"},
        {"stimuli": "[" * 10**5},
        {"stimuli": canonical(["a"])},
        {"tensors": {"truths": np.zeros((8, 64, 64), np.float32)}},
        {"tensors": {"truths": np.zeros((8, 64, 300), np.uint8)}},
        {"tensors": {"truths": np.zeros((8,), np.uint8)}},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_strange_saliency_maps_are_left_out_and_told(lab: Lab, changes: dict[str, Any]) -> None:
    run = run_of(lab)
    saliency(run, **changes)
    found = show(run)
    assert (shown_of(found, run), shown_of(found, run, "saliency")) == (8, 0)
    assert len(found.notes) == 1 and found.notes[0].startswith(f"{run.path}: saliency.safetensors cannot be read")


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}"])
def test_what_is_no_file_of_tensors_is_left_out_and_told(lab: Lab, content: bytes) -> None:
    run = run_of(lab)
    (run.folder / layout.SALIENCY).write_bytes(content)
    found = show(run)
    assert shown_of(found, run) == 8 and len(found.notes) == 1


def test_without_the_data_set_there_is_no_truth_and_no_path_of_this_machine(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(lab)
    kept = type(lab.plan().dataset)
    monkeypatch.setattr(kept, "revision", "2")
    found = show(run)
    assert {p.run for one in found.shown for p in one.pictures} == {run.path}
    assert found.notes == ("no true pictures: drawn is not here as the runs saw it",)
    assert {one.concept for one in found.shown} == {""}


def test_a_configuration_that_is_not_the_data_sets_own_opens_nothing(lab: Lab) -> None:
    run = run_of(lab)
    lab.calls.clear()
    found = show(run, noise=0.5)  # which is no place, and makes it another
    assert found.notes == ("no true pictures: drawn is not here as the runs saw it",)
    assert lab.calls == []


def test_settings_concern_the_data_sets_that_have_them(lab: Lab) -> None:
    assert show(run_of(lab), folder="x", root="y").notes == ()


def test_many_stimuli_are_spread_as_in_a_runs_own_picture(lab: Lab) -> None:
    found = show(run_of(lab, dataset_table={"count": 60}))
    names = sorted(f"{i:02d}_thing/test_{i}" for i in range(60))
    shown = [one.stimulus for one in found.shown]
    assert (len(shown), found.of) == (SHOWN, 60) and shown == [names[i] for i in spread(names, SHOWN)]
    assert {names[i] for i in spread(names)} <= set(shown)
    controls = [p for one in found.shown for p in one.pictures if p.kind == "control"]
    assert len(controls) == 12


def test_a_record_that_cannot_be_read_any_more_is_told(lab: Lab) -> None:
    run, other = run_of(lab), run_of(lab, "ignores-eeg")
    (run.folder / "run.json").write_text("{")
    found = show(run, other)
    assert (shown_of(found, other), found.notes) == (8, (f"{run.path}: record cannot be read",))


def test_runs_without_images_make_an_empty_gallery(lab: Lab) -> None:
    run = run_of(lab)
    for path in images(run):
        path.unlink()
    assert show(run).shown == ()
    assert show() == Gallery((), 0, ())


def test_the_same_runs_give_the_same_pictures_and_each_group_its_own_notes(lab: Lab) -> None:
    run, other = run_of(lab), run_of(lab, "ignores-eeg")
    images(run)[0].unlink()
    found = collect({"a": [run], "b": [other], "c": [run]}, settings={})
    assert found["a"] == found["c"] == show(run)
    assert found["a"].notes == (f"{run.path}: reconstruction missing",) and found["b"].notes == ()


@pytest.mark.parametrize("error", [MemoryError(), TypeError("x"), OSError(5, "I/O")])
def test_an_image_that_cannot_be_read_for_whatever_reason_costs_that_picture_alone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    run, other = run_of(lab), run_of(lab, "ignores-eeg")
    read = gallery.read_image  # type: ignore[attr-defined]

    def stopped(path: Path) -> Any:
        if path.is_relative_to(run.folder / layout.IMAGES):
            raise error
        return read(path)

    monkeypatch.setattr(gallery, "read_image", stopped)
    found = show(run, other)
    assert (shown_of(found, run), shown_of(found, other)) == (0, 8)
    assert f"{run.path}: reconstruction cannot be read, 8 times" in found.notes
