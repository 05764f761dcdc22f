"""A board over runs that cannot be read: it has the others, names these, and the verb fails."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eegbench.checks import drift
from eegbench.cli import app
from eegbench.errors import CheckFailed
from eegbench.leaderboard import board as boards
from eegbench.leaderboard.board import Board
from eegbench.runs import search
from eegbench.runs.folder import MIXED, OTHER_IMAGES, read_run
from eegbench.runs.record import RunRecord
from eegbench.runs.search import Unreadable, read_runs

AddRun = Callable[..., Path]
Spoil = Callable[[Path], object]


def changed(file: str, change: Callable[[dict[str, Any]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        value = json.loads((folder / file).read_text())
        change(value)
        (folder / file).write_text(json.dumps(value))

    return spoil


def folder_in_its_place(folder: Path) -> None:
    (folder / "run.json").unlink()
    (folder / "run.json").mkdir()


TABLE = "stimulus,sample,ssim@1\na,0,{}\nb,0,{}\n"
BAD: dict[str, tuple[Spoil, str]] = {  # what was done to a run, and what is said of it
    "cut": (lambda f: (f / "run.json").write_text('{"schema_version": 2'), "run.json: cannot be read as JSON"),
    "bytes": (lambda f: (f / "run.json").write_bytes(b"\xff\xfe\x00"), "run.json: cannot be read as JSON"),
    "folder": (folder_in_its_place, "run.json: not a file"),
    "inner": (changed("run.json", lambda r: r["spec"].update(dataset_configuration={"inner": "x"})), "inner of"),
    "subject": (changed("run.json", lambda r: r["spec"].update(subject="8")), "subject is a string"),
    "version": (changed("run.json", lambda r: r.update(schema_version=9)), "schema version '9'"),
    "control": (changed("run.json", lambda r: r.update({"a\x1b[31mb": 1})), "is unknown"),
    "page": (lambda f: (f / "scores.json").write_text("<script>alert(1)</script>"), "scores.json: cannot be read"),
    "protocol": (changed("scores.json", lambda s: s.update(protocol="nope")), "protocol is 'nope'; wanted one of"),
    "metrics": (changed("scores.json", lambda s: s.update(metrics=[1])), "metrics: wanted an object"),
    "garbage": (lambda f: (f / "scores.csv").write_bytes(bytes(range(256))), "scores.csv: cannot be read"),
    "forged": (lambda f: (f / "scores.csv").write_text(TABLE.format(0.9, 0.9)), "scores.csv: has 0.9 as the mean"),
}


@pytest.fixture
def top(tmp_path: Path, add_run: AddRun) -> Path:
    """Five good runs and the twelve of BAD."""
    for number in range(5):
        add_run(f"good{number}", {"ssim": 0.3 + number / 10}, folder=f"good/{number}")
    for name, (spoil, _) in BAD.items():
        spoil(add_run(name, {"ssim": 0.5}, n=2, folder=f"bad/{name}"))
    return tmp_path


def test_the_board_has_the_good_runs_and_names_the_bad_ones(top: Path) -> None:
    told: list[str] = []
    board = Board.of(top, note=told.append)
    assert [run.path for run in board.runs] == [f"good/{number}" for number in range(5)]
    assert [one.path for one in board.unreadable] == sorted(f"bad/{name}" for name in BAD)
    for one in board.unreadable:
        assert BAD[one.path.removeprefix("bad/")][1] in one.why and str(top) not in one.why
    assert told == [one.line() for one in board.unreadable]
    assert all(line.isprintable() for line in told)
    with pytest.raises(CheckFailed, match="12 of 17 runs cannot be read, and are not on the board; see above"):
        board.check_whole()


@pytest.mark.parametrize("form", ["md", "html", "json", "csv"])
def test_every_format_has_the_good_runs_and_the_notice_where_there_is_room(top: Path, form: str) -> None:
    board = Board.of(top)
    text = board.html(top / "board.html") if form == "html" else board.render(form)
    assert all(f"good{number}" in text for number in range(5))
    assert ("12 of 17 runs cannot be read, and are not on the board." in text) == (form != "csv")
    assert [name for name in BAD if re.search(rf"bad/{name}\b", text)] == ([] if form == "csv" else list(BAD))
    assert "<script>alert" not in text and "\x1b" not in text


@pytest.mark.parametrize("form", ["md", "html", "json", "csv"])
def test_the_verb_writes_the_board_and_ends_with_1(top: Path, form: str) -> None:
    done = CliRunner().invoke(app, ["leaderboard", str(top), "--format", form, "-o", str(top / "board")])
    *notes, error = done.stderr.strip().split("\n")
    assert done.exit_code == 1 and "good4" in (top / "board").read_text()
    assert error == "eegbench: 12 of 17 runs cannot be read, and are not on the board; see above"
    assert len(notes) == 12 and all(note.startswith("note: cannot be read: bad/") for note in notes)


def test_a_board_of_bad_runs_alone_says_so(tmp_path: Path, add_run: AddRun) -> None:
    BAD["cut"][0](add_run("a", {"ssim": 0.5}, folder="a"))
    text = Board.of(tmp_path).render("md")
    assert "**1 of 1 runs cannot be read, and are not on the board.**" in text and "No runs." in text


def test_a_board_of_good_runs_has_no_notice(tmp_path: Path, add_run: AddRun) -> None:
    add_run("a", {"ssim": 0.5})
    board = Board.of(tmp_path)
    board.check_whole()
    assert "cannot be read" not in board.render("md") + board.html(tmp_path / "x.html") + board.render("json")


@pytest.mark.parametrize("error", [TypeError("x"), KeyError("x"), MemoryError(), RecursionError(), OSError(5, "I/O")])
def test_whatever_one_run_brings_about_is_that_runs_alone(
    tmp_path: Path, add_run: AddRun, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    for name in "abc":
        add_run(name, {"ssim": 0.5}, folder=name)
    for where, call in ((search, "read_run"), (boards, "tabulate")):
        with monkeypatch.context() as patch:
            patch.setattr(where, call, _stopped_by("b", getattr(where, call), error))
            board = Board.of(tmp_path)
        assert [run.path for run in board.runs] == ["a", "c"]
        assert board.unreadable[0].path == "b" and type(error).__name__ in board.unreadable[0].why


def _stopped_by(name: str, call: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """`call`, which raises where its first argument is the run of that name, or has it."""

    def stopped(first: Any, *rest: Any, **more: Any) -> Any:
        names = [first.name] if isinstance(first, Path) else [run.path for run in first]
        if name in names:
            raise error
        return call(first, *rest, **more)

    return stopped


def test_an_interrupt_is_no_fault_of_a_run(tmp_path: Path, add_run: AddRun, monkeypatch: pytest.MonkeyPatch) -> None:
    add_run("a", {"ssim": 0.5}, folder="a")
    monkeypatch.setattr(search, "read_run", _stopped_by("a", read_run, KeyboardInterrupt()))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        Board.of(tmp_path)


def test_a_folder_that_cannot_be_read_is_named_too(
    tmp_path: Path, add_run: AddRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run("atm", {"ssim": 0.5}, folder="shut/a")
    add_run("other", {"ssim": 0.5}, folder="b")
    seen = os.scandir

    def refused(path: Any) -> Any:
        if str(path).rstrip("/").endswith("/shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return seen(path)

    monkeypatch.setattr(os, "scandir", refused)
    board = Board.of(tmp_path)
    assert [run.path for run in board.runs] == ["b"]
    assert board.unreadable == (Unreadable("shut/", "Permission denied"),)
    done = CliRunner().invoke(app, ["verify", str(tmp_path), "--all", "--digests-only"])
    assert done.exit_code != 0 and "cannot be read: shut/: Permission denied" in done.stderr


UNBOUND = {
    "scores of version 1 beside a later record": ("a" * 64, "", MIXED),
    "scores of a later version beside a record of version 1": ("", "a" * 64, OTHER_IMAGES),
    "scores of other images": ("a" * 64, "b" * 64, OTHER_IMAGES),
}


@pytest.mark.parametrize("kind", UNBOUND)
def test_scores_that_nothing_binds_to_their_record_do_not_count_and_are_told(
    tmp_path: Path, add_run: AddRun, kind: str
) -> None:
    own, scored, why = UNBOUND[kind]
    add_run("good", {"ssim": 0.4})
    add_run("mixed", {"ssim": 0.9}, folder="m", digests={"reconstructions": own} if own else {}, scored=scored)
    told: list[str] = []
    board = Board.of(tmp_path, note=told.append)
    assert told == [f"not scored: m: {why}"] and ".9" not in board.render("md")
    assert why in board.html(tmp_path / "x.html") and why in board.render("csv") and why in board.render("json")
    assert f"({'no run of it is complete and scored'})" in board.render("md")


def test_an_older_record_that_was_scored_anew_counts(tmp_path: Path, add_run: AddRun) -> None:
    folder = add_run("old", {"ssim": 0.9}, folder="a")
    images = RunRecord.read(folder / "run.json").images
    changed("scores.json", lambda s: s.update(reconstructions=images))(folder)
    [run] = read_runs(tmp_path)
    assert run.sheet is not None and run.unscored == ""


def test_the_gate_does_not_pass_over_what_it_cannot_read(top: Path) -> None:
    told: list[str] = []
    with pytest.raises(CheckFailed, match="12 of 17 runs cannot be read, and a baseline over the others is no pass"):
        drift.read_scores(top, note=told.append)
    assert len(told) == 12
    done = CliRunner().invoke(app, ["check", str(top), "--baseline", str(top / "baseline.json"), "--update"])
    assert done.exit_code == 1 and not (top / "baseline.json").exists()
