"""Runs of others are taken in whole and checked, and what is hostile in them does no harm."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from eegbench.benchmark.merging import REFUSED, TAKEN, THERE, Outcome, merge, require
from eegbench.benchmark.verify import Verifier
from eegbench.contracts import Silent
from eegbench.errors import CheckFailed, InputError, UsageError
from eegbench.leaderboard import collect, render
from eegbench.records import RunRecord, ScoreSheet
from forgery import as_version_1, flip, repaint, reseal, with_score

HTML = "<script>alert(1)</script>"


@pytest.fixture
def theirs(lab: Any) -> Path:
    """A stranger's tree: one method's run with its floor and ceilings."""
    folder: Path = lab.evaluate().run_folder
    return folder


def merged(lab: Any, **options: Any) -> list[Outcome]:
    return list(merge([lab.runs], lab.runs.parent / "ours", Verifier(Silent(), **options)))


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def ours(lab: Any, theirs: Path) -> Path:
    folder: Path = lab.runs.parent / "ours" / theirs.relative_to(lab.runs)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_tree_is_taken_in_byte_by_byte_and_not_twice(lab: Any, theirs: Path) -> None:
    assert states(merged(lab)) == [TAKEN] * 4
    assert files(lab.runs) == files(lab.runs.parent / "ours")
    again = merged(lab)
    assert states(again) == [THERE] * 4
    require(again)


def test_the_board_of_what_was_taken_in_is_the_same(lab: Any, theirs: Path) -> None:
    merged(lab)
    boards = [render(collect(folder), "md") for folder in (lab.runs, lab.runs.parent / "ours")]
    assert boards[0] == boards[1] and "uses-eeg" in boards[0]


def test_what_does_not_hold_is_refused_and_the_rest_is_taken_in(lab: Any, theirs: Path) -> None:
    flip(theirs / "reconstructions/03_thing/test_3.png")
    outcomes = merged(lab)
    assert sorted(states(outcomes)) == [REFUSED, TAKEN, TAKEN, TAKEN]
    [refused] = [outcome for outcome in outcomes if outcome.state == REFUSED]
    assert "test_3.png" in refused.why and not ours(lab, theirs).exists()
    with pytest.raises(CheckFailed, match="1 of 4 runs were refused"):
        require(outcomes)


def test_a_forged_score_is_refused(lab: Any, theirs: Path) -> None:
    reseal(theirs, lambda sheet: with_score(sheet, "top1", value=0.4))
    [refused] = [outcome for outcome in merged(lab) if outcome.state == REFUSED]
    assert "value of top1 is 0.4; computed again" in refused.why


def test_the_same_run_with_other_images_is_refused_and_ours_stays(lab: Any, theirs: Path) -> None:
    merged(lab)
    before = files(ours(lab, theirs))
    repaint(theirs)
    [refused] = [outcome for outcome in merged(lab, digests_only=True) if outcome.state == REFUSED]
    assert "with other images" in refused.why
    assert files(ours(lab, theirs)) == before


def test_a_run_of_schema_version_1_is_brought_up_to_date(lab: Any, theirs: Path) -> None:
    as_version_1(theirs)
    [refused] = [one for one in merged(lab) if one.state == REFUSED]
    assert "keeps no target embeddings; " in refused.why and refused.why.endswith(
        "; --digests-only takes it in all the same"
    )
    [outcome] = [one for one in merged(lab, digests_only=True) if "schema version 2" in one.why]
    assert outcome.state == TAKEN
    target = ours(lab, theirs)
    record, sheet = RunRecord.read(target / "run.json"), ScoreSheet.read(target / "scores.json")
    assert json.loads((target / "run.json").read_text())["schema_version"] == 2
    assert sheet.reconstructions == record.images == record.digests["reconstructions"]
    assert Verifier(Silent()).verify(target).problems == ()


@pytest.mark.parametrize("name", ["reconstructions/03_thing/test_3.png", "scores.csv", "run.json"])
def test_a_link_is_not_followed(lab: Any, theirs: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes((theirs / name).read_bytes())
    (theirs / name).unlink()
    (theirs / name).symlink_to(tmp_path / "secret")
    [refused] = [outcome for outcome in merged(lab) if outcome.state == REFUSED]
    assert "is a link" in refused.why


def test_a_folder_that_is_a_link_is_not_followed(lab: Any, theirs: Path, tmp_path: Path) -> None:
    shutil.move(theirs / "reconstructions", tmp_path / "elsewhere")
    (theirs / "reconstructions").symlink_to(tmp_path / "elsewhere")
    [refused] = [outcome for outcome in merged(lab) if outcome.state == REFUSED]
    assert "is a link" in refused.why


def edited(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value))


HOSTILE: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "HTML as a method's name": ("run.json", lambda r: r["spec"].update(method=HTML), "method is '<script>"),
    "a path that climbs": ("run.json", lambda r: r["manifest"][0].update(file="../../x.png"), "not a path inside"),
    "an absolute path": ("run.json", lambda r: r["manifest"][0].update(file="/etc/passwd"), "not a path inside"),
    "a stimulus that climbs": ("run.json", lambda r: r["manifest"][0].update(stimulus=".."), "names the stimulus"),
    "a huge number": (
        "scores.json",
        lambda s: s["metrics"]["top1"].update(value=1e300),
        "value of top1 is 1e+300; wanted",
    ),
    "a huge whole number": ("run.json", lambda r: r.update(peak_memory_bytes=10**30), "digits; at most"),
    "a million rows": ("run.json", lambda r: r.update(manifest=[{}] * 1_000_000), "1000000 images; at most"),
    "files that climb": ("scores.json", lambda s: s.update(files={"../../x": "a" * 64}), "not a path inside"),
    "deep nesting": ("run.json", lambda r: r["spec"].update(configuration=nested(40)), "nested deeper"),
}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_records_are_refused_in_one_line(lab: Any, theirs: Path, case: str) -> None:
    name, change, words = HOSTILE[case]
    edited(theirs / name, change)
    [refused] = [outcome for outcome in merged(lab) if outcome.state == REFUSED]
    assert words in refused.why and "\n" not in refused.line() and len(refused.line()) < 900


def test_nan_and_infinity_are_refused(lab: Any, theirs: Path) -> None:
    text = (theirs / "scores.json").read_text()
    (theirs / "scores.json").write_text(text.replace('"n": 8', '"n": NaN'))
    [refused] = [outcome for outcome in merged(lab) if outcome.state == REFUSED]
    assert "NaN is not JSON" in refused.why


def test_html_in_free_text_does_no_harm_on_the_board(lab: Any, theirs: Path) -> None:
    record = RunRecord.read(theirs / "run.json")
    spec = dataclasses.replace(record.spec, configuration=record.spec.configuration | {"note": HTML})
    dataclasses.replace(record, spec=spec, caution=HTML).write(theirs / "run.json")
    reseal(theirs, lambda sheet: dataclasses.replace(sheet, caution=HTML))
    shutil.rmtree(theirs / "permuted")
    assert HTML not in render(collect(lab.runs), "md")


def test_our_own_folder_is_not_merged_into_itself(lab: Any, theirs: Path) -> None:
    for folder, into in ((lab.runs, lab.runs), (theirs, lab.runs), (lab.runs, theirs)):
        with pytest.raises(UsageError, match="lie within each other"):
            list(merge([folder], into, Verifier(Silent())))


def test_no_run_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run below"):
        require(list(merge([tmp_path], tmp_path.with_name("ours"), Verifier(Silent()))))


def test_nothing_is_left_half_copied(lab: Any, theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(shutil, "copyfile", full)
    outcomes = merged(lab)
    assert set(states(outcomes)) == {REFUSED} and "no space left" in outcomes[0].why
    assert not [path for path in (lab.runs.parent / "ours").rglob("*") if path.is_file()]


def test_runs_that_were_verified_before_are_not_scored_again(lab: Any, theirs: Path) -> None:
    before = lab.runs.parent / "before"
    shutil.copytree(lab.runs, before)
    lab.judge.seen.clear()
    into = lab.runs.parent / "ours"
    assert states(list(merge([lab.runs], into, Verifier(Silent()), known=before))) == [TAKEN] * 4
    assert not lab.judge.seen  # no judge was asked
    shutil.rmtree(into)
    flip(theirs / "reconstructions/03_thing/test_3.png")
    assert REFUSED in states(list(merge([lab.runs], into, Verifier(Silent()), known=before)))


@pytest.mark.parametrize("name", ["x" * 300, "a\ud800"])
def test_a_name_that_no_file_can_have_is_refused_and_the_rest_goes_on(lab: Any, theirs: Path, name: str) -> None:
    edited(theirs / "run.json", lambda r: r["manifest"][0].update(file=f"reconstructions/{name}.png"))
    assert sorted(states(merged(lab))) == [REFUSED, TAKEN, TAKEN, TAKEN]


def test_a_file_that_no_run_has_is_not_taken_along(lab: Any, theirs: Path) -> None:
    (theirs / "index.html").write_text(HTML)
    sheet = ScoreSheet.read(theirs / "scores.json")
    files = sheet.files | {"index.html": "a" * 64}
    (theirs / "scores.json").write_text(dataclasses.replace(sheet, files=files).to_json())
    [refused] = [outcome for outcome in merged(lab) if outcome.state == REFUSED]
    assert "'index.html', which no run has" in refused.why


def test_a_huge_image_is_refused_before_it_is_scored(lab: Any, theirs: Path) -> None:
    Image.new("RGB", (2049, 2)).save(theirs / "reconstructions/03_thing/test_3.png")
    [refused] = [outcome for outcome in merged(lab) if outcome.state == REFUSED]
    assert "larger than 2048 px" in refused.why


def test_what_is_being_copied_is_no_run_of_the_board(lab: Any, theirs: Path) -> None:
    shutil.copytree(theirs, theirs.with_name(".seed-0.abcd.tmp"))
    assert "has the same specification" not in render(collect(lab.runs), "md")


def test_a_pipe_is_no_file(lab: Any, theirs: Path) -> None:
    os.mkfifo(theirs / "controls.png")
    (theirs / "scores.csv").unlink()
    os.mkfifo(theirs / "scores.csv")
    [refused] = [outcome for outcome in merged(lab) if outcome.state == REFUSED]
    assert "is no file" in refused.why


def test_a_folder_that_is_a_link_is_not_merged(lab: Any, theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(lab.runs)
    with pytest.raises(InputError, match="is a link; name the folder itself"):
        list(merge([tmp_path / "link"], tmp_path / "ours", Verifier(Silent())))


@pytest.mark.parametrize("inside", [True, False])
def test_a_link_to_a_folder_is_refused_by_name_and_the_rest_is_taken_in(lab: Any, theirs: Path, inside: bool) -> None:
    target = theirs if inside else lab.runs.parent / "elsewhere"
    target.mkdir(exist_ok=True)
    (lab.runs / "linked").symlink_to(target, target_is_directory=True)
    outcomes = merged(lab, digests_only=True)
    assert (outcomes[0].state, outcomes[0].run) == (REFUSED, str(lab.runs / "linked/"))
    assert states(outcomes[1:]) == [TAKEN] * 4


def test_what_is_hidden_is_told(lab: Any, theirs: Path) -> None:
    (lab.runs / ".hidden").mkdir()
    notes: list[str] = []
    into, verifier = lab.runs.parent / "ours", Verifier(Silent(), digests_only=True)
    assert states(list(merge([lab.runs], into, verifier, note=notes.append))) == [TAKEN] * 4
    assert notes == [f"{lab.runs}: 1 not read: .hidden/ (hidden)"]
