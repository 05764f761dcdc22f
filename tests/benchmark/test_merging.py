"""Runs of others are taken in whole and checked, and what is hostile in them does no harm."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from eegbench.checks import alone
from eegbench.checks.merging import REFUSED, TAKEN, THERE, Outcome, merge, require
from eegbench.checks.verify import Verifier
from eegbench.cli import app
from eegbench.contracts import Silent
from eegbench.errors import CheckFailed, InputError, UsageError
from eegbench.files import file_digest
from eegbench.leaderboard import collect, render
from eegbench.runs import layout
from eegbench.runs.opened import Opened
from eegbench.runs.record import RunRecord, RunSpec, files_digest
from eegbench.runs.search import find_runs
from eegbench.runs.sheet import ScoreSheet
from forgery import as_version_1, flip, repaint, reseal, with_score

HTML = "<script>alert(1)</script>"


@pytest.fixture
def theirs(lab: Any, once: Any) -> Path:
    """A stranger's tree: one method's run with its floor and ceilings."""
    folder: Path = once("eeg", lambda: lab.evaluate().run_folder)
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


def edited(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value))


def ceiling(lab: Any) -> Path:
    """A run all of whose scores follow from its images: it keeps no embedding."""
    folder: Path = lab.runs / "drawn/ceiling/vae_roundtrip/sub-08/seed-0"
    return folder


def test_a_run_of_schema_version_1_is_taken_in_with_the_scores_that_its_images_give(lab: Any, theirs: Path) -> None:
    old = ceiling(lab)
    before = ScoreSheet.read(old / "scores.json")
    as_version_1(old)  # which has intervals of -0.5 to 0.5
    Image.new("RGB", (6, 6)).save(old / "reconstructions.png")
    [outcome] = [one for one in merged(lab) if "schema version 2" in one.why]
    target = ours(lab, old)
    record, sheet = RunRecord.read(target / "run.json"), ScoreSheet.read(target / "scores.json")
    assert outcome.state == TAKEN and json.loads((target / "run.json").read_text())["schema_version"] == 2
    assert sheet.reconstructions == record.images == record.digests["reconstructions"]
    assert (sheet.metrics, list(sheet.files)) == (before.metrics, ["scores.csv"])
    assert Verifier(Silent()).verify(target).lines()[0].startswith("ok") and "reconstructions.png" not in files(target)


def test_a_run_of_schema_version_1_whose_scores_are_not_all_computed_again_is_refused(lab: Any, theirs: Path) -> None:
    as_version_1(theirs)
    [refused] = [one for one in merged(lab) if one.state == REFUSED]
    assert "retrieval: the run keeps no target embeddings; nothing binds" in refused.why
    assert "`eegbench evaluate` on it, where it was made" in refused.why
    [refused] = [one for one in merged(lab, digests_only=True) if one.state == REFUSED]
    assert "digests say too little" in refused.why


@pytest.mark.parametrize("what", ["scores.json", "scores.csv"])
def test_a_forged_run_of_schema_version_1_is_refused_also_when_it_was_known(lab: Any, theirs: Path, what: str) -> None:
    old, known = ceiling(lab), lab.runs.parent / "known"
    as_version_1(old)
    if what == "scores.json":
        edited(old / what, lambda s: s["metrics"]["top1"].update(value=0.5))
    else:
        head, *rows = (old / what).read_text().splitlines()
        other = [
            f"{row[: row.rindex(',')]},{place % 2 * 2}" if "distance" in row else row for place, row in enumerate(rows)
        ]
        (old / what).write_text("\n".join([head, *other]) + "\n")
        edited(old / "scores.json", lambda s: s["metrics"]["distance"].update(value=1.0))
    shutil.copytree(lab.runs, known)
    outcomes = list(merge([lab.runs], lab.runs.parent / "ours", Verifier(Silent()), known=known))
    [refused] = [one for one in outcomes if one.state == REFUSED]
    assert refused.run == str(old) and ("computed again" in refused.why or "is not what its image gives" in refused.why)


def turn_round(folder: Path, metric: str) -> None:
    """Give the stimuli each other's values of a metric in scores.csv: the mean stays."""
    head, *rows = [line.split(",") for line in (folder / "scores.csv").read_text().splitlines()]
    column = head.index(f"{metric}@1")
    for row, value in zip(rows, [row[column] for row in rows][::-1], strict=True):
        row[column] = value
    (folder / "scores.csv").write_text("\n".join(",".join(row) for row in [head, *rows]) + "\n")


def test_two_pull_requests_that_would_forge_a_table_nothing_binds_are_refused(lab: Any, theirs: Path) -> None:
    sheet = ScoreSheet.read(theirs / "scores.json")
    (theirs / "scores.json").write_text(dataclasses.replace(sheet, files={}).to_json())
    [first] = [one for one in merged(lab) if one.state == REFUSED]
    assert "is bound by no digest of this run" in first.why
    base = lab.runs.parent / "base"  # a repository that took it in before this was looked at
    shutil.copytree(lab.runs, base)
    turn_round(theirs, "distance")
    outcomes = list(merge([lab.runs], lab.runs.parent / "judged", Verifier(Silent()), known=base))
    [second] = [one for one in outcomes if one.state == REFUSED]
    assert second.run == str(theirs) and "is bound by no digest of this run" in second.why


def test_known_means_every_file_the_same(lab: Any, theirs: Path) -> None:
    known, into = lab.runs.parent / "known", lab.runs.parent / "judged"
    shutil.copytree(lab.runs, known)
    Image.new("RGB", (6, 6)).save(known / theirs.relative_to(lab.runs) / "reconstructions.png")
    lab.judge.seen.clear()
    assert states(list(merge([lab.runs], into, Verifier(Silent()), known=known))) == [TAKEN] * 4
    assert lab.judge.seen  # the records are the same to the byte, one picture is not


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

    monkeypatch.setattr(Opened, "copy", full)
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


def test_a_run_that_is_there_with_other_bytes_is_left_and_told(lab: Any, theirs: Path) -> None:
    merged(lab)
    before = files(ours(lab, theirs))
    record = RunRecord.read(theirs / "run.json")
    dataclasses.replace(record, seconds={"fit": 1.0}).write(theirs / "run.json")
    [outcome] = [one for one in merged(lab) if one.run == str(theirs)]
    assert outcome.state == THERE and outcome.why.endswith("which differs in run.json; ours stay")
    assert files(ours(lab, theirs)) == before


GARBAGE = {
    "scores.csv": "scores.csv",
    "reconstructions.png": "reconstructions.png: cannot be read as an image",
    "saliency.safetensors": "saliency.safetensors",
    "targets.safetensors": "targets.safetensors: cannot be read",
    "embedding.safetensors": "embedding.safetensors: cannot be read",
    "permuted/permutation.json": "permutation.json: cannot be read as JSON",
    "permuted/03_thing/test_3.png": "permuted/03_thing/test_3.png: cannot be read as an image",
    "reconstructions/03_thing/test_3.png": "reconstructions/03_thing/test_3.png: cannot be read as an image",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_no_verb_could_read_is_refused_also_where_only_digests_are_asked_for(
    lab: Any, theirs: Path, name: str
) -> None:
    (theirs / name).write_bytes(b"stimulus,sample\xff")
    sealed_anew(theirs)
    [refused] = [one for one in merged(lab, digests_only=True) if one.state == REFUSED]
    assert refused.run == str(theirs) and GARBAGE[name] in refused.why and ".tmp" not in refused.why


def sealed_anew(folder: Path) -> None:
    """Every digest and seal of a run as its files now are."""
    record = RunRecord.read(folder / "run.json")
    rows = tuple(dataclasses.replace(row, sha256=file_digest(folder / row.file)) for row in record.manifest)
    images = files_digest((row.stimulus, row.sample, row.sha256) for row in rows)
    digests = {**record.digests, "reconstructions": images, "embedding": file_digest(folder / "embedding.safetensors")}
    dataclasses.replace(record, manifest=rows, digests=digests).write(folder / "run.json")
    permutation = folder / "permuted/permutation.json"
    with suppress(ValueError):
        value = json.loads(permutation.read_bytes())
        for row in value["images"]:
            row["sha256"] = file_digest(folder / row["file"])
        permutation.write_text(json.dumps(value))
    reseal(folder, lambda sheet: dataclasses.replace(sheet, reconstructions=images))


def test_a_reader_that_is_brought_along_must_read_it_too(lab: Any, theirs: Path) -> None:
    def board(folder: Path) -> None:
        if "uses-eeg" in (folder / "run.json").read_text():
            raise ValueError("a board breaks")

    into = lab.runs.parent / "ours"
    outcomes = list(merge([lab.runs], into, Verifier(Silent(), digests_only=True), readers={"as a board": board}))
    [refused] = [one for one in outcomes if one.state == REFUSED]
    assert refused.why == "as a board: ValueError: a board breaks" and not ours(lab, theirs).exists()


def test_the_command_line_brings_the_boards_reader(lab: Any, theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    monkeypatch.setattr(alone, "READERS", {"as a board": seen.append})
    done = CliRunner().invoke(app, ["merge", str(lab.runs), "--into", str(lab.runs.parent / "ours"), "--digests-only"])
    assert (done.exit_code, len(seen)) == (0, 4)


def test_an_honest_run_is_read_as_a_board_and_by_check(lab: Any, theirs: Path) -> None:
    for read in alone.READERS.values():
        for folder in find_runs(lab.runs).folders:
            read(folder)


def test_records_of_two_schema_versions_are_refused(lab: Any, theirs: Path) -> None:
    new = (theirs / "run.json").read_text()
    as_version_1(theirs)
    (theirs / "run.json").write_text(new)
    [refused] = [one for one in merged(lab, digests_only=True) if one.state == REFUSED]
    assert "two schema versions, run.json of 2 and scores.json of 1" in refused.why


@pytest.mark.parametrize("error", [TypeError("unhashable"), KeyError("nope"), MemoryError(), RecursionError("deep")])
def test_whatever_goes_wrong_with_one_run_is_its_own_outcome(
    lab: Any, theirs: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    place, method = layout.place, RunRecord.read(theirs / "run.json").spec.method

    def broken(into: Path, spec: RunSpec, digests: dict[str, str]) -> Path:
        if spec.method == method:
            raise error
        return place(into, spec, digests)

    monkeypatch.setattr(layout, "place", broken)
    outcomes = merged(lab, digests_only=True)
    assert sorted(states(outcomes)) == [REFUSED, TAKEN, TAKEN, TAKEN]
    [refused] = [one for one in outcomes if one.state == REFUSED]
    assert refused.run == str(theirs) and refused.why.startswith(type(error).__name__)


@pytest.mark.parametrize("change", [{"count": "x"}, {"count": {"inner": []}}])
def test_a_configuration_that_no_data_set_can_have_stops_no_other_run(lab: Any, theirs: Path, change: Any) -> None:
    record = RunRecord.read(theirs / "run.json")
    spec = dataclasses.replace(record.spec, dataset_configuration=change)
    dataclasses.replace(record, spec=spec).write(theirs / "run.json")
    shutil.rmtree(theirs / "permuted")
    reseal(theirs, lambda sheet: sheet)
    outcomes = merged(lab)
    assert sorted(states(outcomes)) == [REFUSED, TAKEN, TAKEN, TAKEN]
    [refused] = [one for one in outcomes if one.state == REFUSED]
    assert "count" in refused.why


def test_a_record_that_is_swapped_after_it_was_copied_changes_nothing(
    lab: Any, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, record = Opened.copy, RunRecord.read(theirs / "run.json")
    other = dataclasses.replace(record, spec=dataclasses.replace(record.spec, seed=7))

    def swapping(self: Opened, name: str, target: Path) -> None:
        copy(self, name, target)
        if name == "run.json" and self.path == theirs:
            other.write(theirs / "run.json")

    monkeypatch.setattr(Opened, "copy", swapping)
    assert states(merged(lab, digests_only=True)) == [TAKEN] * 4
    assert RunRecord.read(ours(lab, theirs) / "run.json").spec.seed == 0


def test_a_folder_that_is_swapped_for_a_link_while_it_is_copied_is_refused(
    lab: Any, theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Opened.copy

    def swapping(self: Opened, name: str, target: Path) -> None:
        copy(self, name, target)
        if name == "run.json" and self.path == theirs:
            (theirs / "reconstructions").rename(tmp_path / "elsewhere")
            (theirs / "reconstructions").symlink_to(tmp_path / "elsewhere")

    monkeypatch.setattr(Opened, "copy", swapping)
    [refused] = [one for one in merged(lab, digests_only=True) if one.state == REFUSED]
    assert "reconstructions: is a link, or lies behind one" in refused.why and not ours(lab, theirs).exists()


def test_a_file_beside_a_run_is_refused_and_what_a_system_hides_there_is_not_copied(lab: Any, theirs: Path) -> None:
    (theirs / ".DS_Store").write_text("left by a system")
    assert states(merged(lab, digests_only=True)) == [TAKEN] * 4
    assert ".DS_Store" not in files(ours(lab, theirs))
    shutil.rmtree(lab.runs.parent / "ours")
    (theirs / "index.html").write_text(HTML)
    [refused] = [one for one in merged(lab, digests_only=True) if one.state == REFUSED]
    assert refused.why.startswith("index.html: is bound by no digest of this run")


@pytest.mark.parametrize("digests_only", [False, True])
def test_scores_under_a_protocol_that_nobody_knows_are_refused(lab: Any, theirs: Path, digests_only: bool) -> None:
    edited(theirs / "scores.json", lambda sheet: sheet.update(protocol="nope"))
    [refused] = [one for one in merged(lab, digests_only=digests_only) if one.state == REFUSED]
    assert "protocol is 'nope'; wanted one of sal512, me256" in refused.why


def renamed(folder: Path, name: str) -> None:
    """The first image of a run under another name, so that every digest and seal fits."""
    record = RunRecord.read(folder / "run.json")
    first, *rows = record.manifest
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / first.file).rename(folder / name)
    dataclasses.replace(record, manifest=(dataclasses.replace(first, file=name), *rows)).write(folder / "run.json")


@pytest.mark.parametrize("name", ["reconstructions/index.html", "deploy/CNAME", "reconstructions/00_thing/TEST_0.PNG"])
def test_an_image_under_another_name_than_a_run_gives_it_is_refused(lab: Any, theirs: Path, name: str) -> None:
    renamed(theirs, name)
    [refused] = [one for one in merged(lab, digests_only=True) if one.state == REFUSED]
    assert refused.why.startswith(f"{name}: is not what a run calls this image, which is reconstructions/")


def test_a_run_without_scores_is_refused(lab: Any, theirs: Path) -> None:
    for name in ("scores.json", "scores.csv", "reconstructions.png", "targets.safetensors", "saliency.safetensors"):
        (theirs / name).unlink(missing_ok=True)
    shutil.rmtree(theirs / "permuted")
    [refused] = [one for one in merged(lab, digests_only=True) if one.state == REFUSED]
    assert refused.why.startswith("is not scored; ")
