"""What `eegbench.Run` and `eegbench.Sheet` hold on to: their own values, wherever they are read, saved or sent."""

import dataclasses
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

import eegbench
from door_images import Pictures
from eegbench import backbones
from small_world import Lab

NAME = "03_thing/test_3"


def evaluate(lab: Lab, method: str = "uses-eeg", **changes: Any) -> eegbench.Run:
    given = {"dataset": "drawn", "device": "cpu", "runs": lab.runs, "audit": False, "references": False, **changes}
    return eegbench.evaluate(method, subject=8, **given)


@pytest.mark.filterwarnings("ignore::eegbench.errors.Notice")  # scored again as it is
def test_values_of_another_scoring_are_not_shown_as_those_of_this_one(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = evaluate(lab)
    monkeypatch.setattr(backbones, "suite", lambda *_, **__: dataclasses.replace(lab.suite, protocol="me256"))
    again = evaluate(lab, protocol="me256")
    with pytest.raises(eegbench.InputError, match="has other scores by now than these"):
        _ = run.items
    assert again.items.shape == (8, 4)


def test_images_of_a_run_know_which_ids_they_have_without_reading_one(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = evaluate(lab).images
    monkeypatch.setattr("eegbench.api.results.read_image", lambda file: pytest.fail("an image was read"))
    assert NAME in images and "another" not in images and ["a"] not in images  # type: ignore[comparison-overlap]


def test_names_that_are_no_words_are_unknown(lab: Lab) -> None:
    run = evaluate(lab)
    with pytest.raises(eegbench.UsageError, match=r"unknown metric \"\['pixcorr'\]\""):
        run.sheet[["pixcorr"]]  # type: ignore[index]
    with pytest.raises(KeyError, match="unknown stimulus") as raised:
        run.images[[NAME]]  # type: ignore[index]
    assert isinstance(raised.value, eegbench.InputError)


def test_runs_and_sheets_are_pickled(lab: Lab, truths: Pictures, made: Pictures) -> None:
    run, sheet = evaluate(lab, references=True), eegbench.score(made, truths)
    other_run, other = pickle.loads(pickle.dumps((run, sheet)))
    assert other.items.equals(sheet.items) and other.to_json() == sheet.to_json()
    assert other_run.items.equals(run.items) and (other_run.images[NAME] == run.images[NAME]).all()
    floor = "random_train_image"
    assert other_run.floors[floor].items.equals(run.floors[floor].items)


def test_a_run_of_a_relative_folder_outlives_a_change_of_directory(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = evaluate(lab, runs="runs", references=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert str(run.folder) == "runs/drawn/eeg/uses-eeg/sub-08/seed-0"
    assert run.images[NAME].shape == (6, 6, 3) and run.record.spec.seed == 0 and len(run.items) == 8
    assert len(run.floors["random_train_image"].items) == 8 and "data:image/png" in run._repr_html_()


def test_a_sheet_and_a_board_are_written_into_pipes_and_through_links(
    lab: Lab, truths: Pictures, made: Pictures, tmp_path: Path
) -> None:
    sheet = eegbench.score(made, truths)
    pipe, link = tmp_path / "pipe.json", tmp_path / "link.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    sheet.save(pipe)
    assert os.read(reader, 2**20).decode() == sheet.to_json() and pipe.is_fifo()
    os.close(reader)
    link.symlink_to(tmp_path / "board.csv")
    evaluate(lab)
    eegbench.leaderboard(lab.runs).save(link)
    assert link.is_symlink() and "pixcorr" in (tmp_path / "board.csv").read_text()


def test_a_path_that_no_system_has_is_refused(lab: Lab, truths: Pictures, made: Pictures) -> None:
    with pytest.raises(eegbench.UsageError, match="path") as raised:
        eegbench.score(made, truths).save("x\ud800")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"samples": 2}, {"settings": {"steps": 11}}])
def test_a_floor_that_the_user_made_another_way_does_not_stand_beside_a_run(lab: Lab, changed: dict[str, Any]) -> None:
    run = evaluate(lab)
    evaluate(lab, "random_train_image", **changed)
    assert eegbench.open_run(run.folder).floors == {}
    evaluate(lab, "random_train_image")
    assert list(eegbench.open_run(run.folder).floors) == ["random_train_image"]


def test_a_run_is_opened_by_a_link_and_at_the_top_of_the_disk(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = evaluate(lab, references=True)
    link = tmp_path / "link"
    link.symlink_to(run.folder)
    assert eegbench.open_run(link).floors.keys() == run.floors.keys() != set()
    monkeypatch.setattr(Path, "resolve", lambda self: Path("/short"))
    opened = eegbench.open_run(run.folder)
    assert opened.floors == {} == opened.ceilings
