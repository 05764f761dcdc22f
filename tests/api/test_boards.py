"""`eegbench.leaderboard`, `eegbench.compare` and `eegbench.dataset`."""

import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import eegbench
from eegbench.cli import app
from eegbench.studies import gallery
from small_world import Drawn, Lab


@pytest.fixture
def runs(lab: Lab) -> Path:
    """Two methods, a floor and two ceilings."""
    for method in ("uses-eeg", "ignores-eeg"):
        evaluated(lab, method)
    return lab.runs


def evaluated(lab: Lab, method: str) -> eegbench.Run:
    return eegbench.evaluate(method, subject=8, dataset="drawn", device="cpu", runs=lab.runs, audit=False)


def command(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), prog_name="eegbench")
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_board_has_the_texts_of_the_command(runs: Path, tmp_path: Path) -> None:
    board = eegbench.leaderboard(runs)
    assert board.markdown() == command("leaderboard", str(runs))
    for form in ("csv", "json"):
        file = board.save(tmp_path / f"board.{form}")
        assert file.read_text() == board.render(form) == command("leaderboard", str(runs), "--format", form)
    page = tmp_path / "page.html"
    command("leaderboard", str(runs), "--format", "html", "-o", str(page))
    assert board.html(page) == page.read_text()


def test_a_boards_frame_has_a_row_for_each_cell(runs: Path) -> None:
    board = eegbench.leaderboard(str(runs))
    frame = board.frame()
    assert len(frame) == len(list(csv.DictReader(io.StringIO(board.render("csv")))))
    own = frame[(frame["method"] == "uses-eeg") & (frame["metric"] == "pixcorr")].iloc[0]
    opened = eegbench.open_run(runs / "drawn/eeg/uses-eeg/sub-08/seed-0")
    assert own["value"] == pytest.approx(opened.sheet["pixcorr"]) and own["ci_low"] < own["value"] < own["ci_high"]


def test_a_run_that_cannot_be_read_is_warned_of_and_fails_the_check(runs: Path) -> None:
    (runs / "drawn/eeg/uses-eeg/sub-08/seed-0/run.json").write_text("{")
    with pytest.warns(eegbench.Notice, match="cannot be read: drawn/eeg/uses-eeg") as warned:
        board = eegbench.leaderboard(runs)
    assert warned[0].filename == __file__
    assert "cannot be read" in board._repr_html_()
    with pytest.raises(eegbench.CheckFailed, match="1 of 5 runs cannot be read"):
        board.check_whole()


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a folder that is not there": ({"runs": "nowhere"}, eegbench.InputError, "nowhere: no such folder"),
    "a folder of another type": ({"runs": 3}, eegbench.UsageError, "runs is 3; wanted a path"),
    "claims": ({"claims": "som"}, eegbench.UsageError, "'som'"),
    "a subject that no run is on": ({"subjects": [3]}, eegbench.InputError, "no run is on"),
    "subjects in words": ({"subjects": "1-10"}, eegbench.UsageError, r"wanted numbers, as \[1, 2, 8\]"),
    "a margin": ({"margin": "1"}, eegbench.UsageError, "margin is '1'"),
    "a metric that no table ranks": ({"primary": "clop"}, eegbench.UsageError, "clop"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_board_that_cannot_be_is_refused_in_one_line(case: str, runs: Path) -> None:
    changes, error, message = WRONG[case]
    with pytest.raises(error, match=message) as raised:
        eegbench.leaderboard(**{"runs": runs, **changes})
    assert "\n" not in str(raised.value)


def test_a_board_is_saved_by_its_suffix_alone(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(eegbench.UsageError, match=r"unknown suffix of a board '\.pdf'"):
        eegbench.leaderboard(runs).save(tmp_path / "board.pdf")


def test_a_saved_page_has_the_true_pictures_where_settings_say_where_they_lie(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, given = eegbench.leaderboard(runs), list[tuple[Any, bool]]()
    collect = gallery.collect

    def listening(groups: Any, *, settings: Any, allow_plugins: bool) -> Any:
        given.append((settings, allow_plugins))
        return collect(groups, settings=settings, allow_plugins=allow_plugins)

    monkeypatch.setattr(gallery, "collect", listening)
    for settings in ({"root": tmp_path}, {"dataset": {"root": tmp_path}}, {"dataset.root": str(tmp_path)}):
        board.save(tmp_path / "page.html", settings=settings, allow_plugins=True)
    assert given == [({"root": str(tmp_path)}, True)] * 3


def test_a_board_without_runs_has_the_columns_of_any_board(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    columns = list(eegbench.leaderboard(runs).frame().columns)
    assert list(eegbench.leaderboard(tmp_path / "empty").frame().columns) == columns
    assert columns == next(csv.reader(io.StringIO(eegbench.leaderboard(runs).render("csv"))))


def test_a_comparison_without_metrics_has_the_columns_of_any_comparison(runs: Path) -> None:
    compared = eegbench.compare(*(runs / f"drawn/eeg/{method}/sub-08/seed-0" for method in ("uses-eeg", "ignores-eeg")))
    bare = eegbench.Comparison(dataclasses.replace(compared.record, metrics={}))
    assert list(bare.frame().columns) == list(compared.frame().columns) and len(bare.frame()) == 0
    assert {"metric", "p_holm", "pairs"} <= set(bare.frame().columns)


def test_two_runs_are_compared_as_by_the_command(runs: Path) -> None:
    folders = [runs / f"drawn/eeg/{method}/sub-08/seed-0" for method in ("uses-eeg", "ignores-eeg")]
    compared = eegbench.compare(eegbench.open_run(folders[0]), str(folders[1]))
    assert compared.to_json() == command("compare", *map(str, folders), "--json")
    frame = compared.frame().set_index("metric")
    row = frame.loc["pixcorr"]
    assert row["low"] <= row["difference"] <= row["high"] and row["pairs"] == 8
    assert row["difference"] == pytest.approx(row["a"] - row["b"], abs=1e-12)  # a sum in another order
    assert frame["p"].isna().to_dict()["spread"]


def test_a_run_is_not_compared_with_itself_nor_with_what_is_none(runs: Path) -> None:
    folder = runs / "drawn/eeg/uses-eeg/sub-08/seed-0"
    with pytest.raises(eegbench.UsageError, match="is named twice"):
        eegbench.compare(folder, eegbench.open_run(folder))
    with pytest.raises(eegbench.InputError, match="holds no"):
        eegbench.compare(folder, runs)


def test_a_data_set_comes_with_its_options(lab: Lab) -> None:
    data = eegbench.dataset("drawn", noise=0.5, count=4)
    assert data == Drawn(noise=0.5, count=4)
    assert len(data.queries(8).stimuli) == 4


def test_a_data_sets_options_are_checked_as_settings_are(lab: Lab) -> None:
    assert eegbench.dataset("drawn", count="4") == Drawn(count=4)
    for options, message in (({"cuont": 1}, "did you mean 'count'"), ({"count": 1.5}, "wanted a whole number")):
        with pytest.raises(eegbench.UsageError, match=message):
            eegbench.dataset("drawn", **options)
    with pytest.raises(eegbench.UsageError, match="did you mean 'drawn'"):
        eegbench.dataset("drown")
