"""A run is verified from its files: a flipped byte or digit fails and is named, a forgery is found by the scores."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from eegbench.benchmark import verdicts
from eegbench.checks.rescoring import EARLIER
from eegbench.checks.verify import VERSION_1, Verdict, Verifier, each, require
from eegbench.cli import app
from eegbench.contracts import Silent
from eegbench.errors import CheckFailed, InputError, MissingError
from eegbench.runs.items import read_values, write_values
from eegbench.runs.record import RunRecord
from eegbench.runs.search import find_runs, read_runs
from eegbench.runs.sheet import Score, ScoreSheet
from forgery import as_edition_1, as_version_1, flip, repaint, reseal, with_score
from small_world import Lab


@pytest.fixture
def run(lab: Lab, once: Any) -> Path:
    folder: Path = once("oracle", lambda: lab.evaluate(track="oracle").run_folder)
    return folder


def verified(folder: Path, **options: Any) -> Verdict:
    return Verifier(Silent(), **options).verify(folder)


def test_an_honest_run_holds_with_every_image_and_score(run: Path) -> None:
    verdict = verified(run)
    assert (verdict.problems, verdict.unknown, verdict.images, verdict.scores) == ((), "", 8, 6)
    assert verdict.lines() == [f"ok  {run}: 8 images and 6 scores are as they say"]
    require([verdict])


@pytest.mark.parametrize("role", ["floor", "ceiling"])
def test_floors_and_ceilings_hold_too(lab: Lab, run: Path, role: str) -> None:
    [folder] = [one.folder for one in read_runs(lab.runs) if one.record.role == role][:1]
    assert verified(folder).problems == ()


def test_other_bounds_than_the_metrics_fail_and_older_sheets_have_none(run: Path) -> None:
    for bounds, problems in ((None, []), ((0.0, 1.0), [True])):
        reseal(run, lambda sheet: with_score(sheet, "spread", bounds=bounds))  # noqa: B023 - called at once
        assert ["bounds of spread" in problem for problem in verified(run).problems] == problems


FILES = (
    "reconstructions/03_thing/test_3.png", "permuted/05_thing/test_5.png", "controls/00_thing/test_0.png",
    "embedding.safetensors", "targets.safetensors", "reconstructions.png", "scores.csv",
)  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_of_a_file_fails_and_is_named(run: Path, name: str) -> None:
    flip(run / name)
    problems = verified(run).problems
    assert problems and problems[0].startswith(name.split("/", maxsplit=1)[0].split(".", maxsplit=1)[0])
    assert "controls" in name or "embedding" in name or problems[0].startswith(name)


@pytest.mark.parametrize("name", FILES)
def test_a_lost_file_fails_and_is_named(run: Path, name: str) -> None:
    (run / name).unlink()
    assert name.split("/", maxsplit=1)[0].split(".", maxsplit=1)[0] in verified(run).problems[0]


def digits(text: str) -> list[int]:
    return [place for place, character in enumerate(text) if character.isdigit()]


@pytest.mark.parametrize("name", ["run.json", "scores.json", "permuted/permutation.json"])
def test_any_digit_that_is_changed_in_a_record_fails_and_is_named(run: Path, name: str) -> None:
    text = (run / name).read_text()
    for place in np.random.default_rng(0).choice(digits(text), 25, replace=False):
        changed = str((int(text[place]) + 1) % 10)
        (run / name).write_text(text[:place] + changed + text[place + 1 :])
        problems = verified(run, digests_only=True).problems
        assert problems and Path(name).name in problems[0], (place, text[place - 30 : place + 10])


def test_a_changed_score_is_named_with_what_the_images_give(run: Path) -> None:
    text = (run / "scores.json").read_text()
    value = ScoreSheet.read(run / "scores.json").metrics["pixcorr"].value
    assert value is not None
    (run / "scores.json").write_text(text.replace(repr(value), repr(value + 0.001)))
    problems = " ".join(verified(run).problems)
    assert "scores.json: was changed" in problems
    assert f"value of pixcorr is {value + 0.001!r}; computed again {value!r}" in problems


FORGED: dict[str, Callable[[ScoreSheet], ScoreSheet]] = {
    "verdict": lambda s: dataclasses.replace(s, verdict="cannot tell: it was late"),
    "value of top1": lambda s: with_score(s, "top1", value=0.4),
    "floor of pixcorr": lambda s: with_score(s, "pixcorr", floor=-0.5),
    "permuted of pixcorr": lambda s: with_score(s, "pixcorr", permuted=-0.5),
    "ci of pixcorr": lambda s: with_score(s, "pixcorr", ci=(0.9, 0.99)),
    "contribution_ci of pixcorr": lambda s: with_score(s, "pixcorr", contribution_ci=(0.9, 0.99)),
    "distance": lambda s: with_score(s, "distance", version=2),
    "higher_is_better of distance": lambda s: with_score(s, "distance", higher_is_better=True),
    "value of unseen": lambda s: with_score(s, "unseen", value=0.5),
    "n is 9": lambda s: dataclasses.replace(s, n=9),
    "truths": lambda s: dataclasses.replace(s, truths="a" * 64),
    "the judge fake": lambda s: dataclasses.replace(s, judges={"fake": "b" * 64}),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_sheet_with_a_good_seal_is_found_by_the_scores(run: Path, what: str) -> None:
    reseal(run, FORGED[what])
    verdict = verified(run)
    assert any(what in problem for problem in (*verdict.problems, verdict.unknown))


@pytest.fixture
def audited(lab: Lab, once: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run on the track `eeg` whose eight stimuli are enough for a verdict."""
    monkeypatch.setattr(verdicts, "FEWEST_STIMULI", 8)
    folder: Path = once("eeg with a verdict", lambda: lab.evaluate().run_folder)
    return folder


def of_audit(**changes: Any) -> Callable[[ScoreSheet], ScoreSheet]:
    """The sheet whose audit says something else, in words too."""

    def change(sheet: ScoreSheet) -> ScoreSheet:
        assert sheet.audit is not None
        other = dataclasses.replace(sheet.audit, **changes)
        return dataclasses.replace(sheet, audit=other, verdict=verdicts.verdict(other))

    return change


def unaudited(sheet: ScoreSheet) -> ScoreSheet:
    scores = {name: dataclasses.replace(score, contribution_p=None) for name, score in sheet.metrics.items()}
    return dataclasses.replace(sheet, metrics=scores, audit=None, verdict=verdicts.NOTHING)


AUDITS: dict[str, Callable[[ScoreSheet], ScoreSheet]] = {
    "p of the audit": of_audit(p=0.4),
    "leak_p of the audit": of_audit(leak_p=0.0),
    "carried_by of the audit": of_audit(carried_by=("top1",)),
    "visible of distance": lambda s: of_audit(visible={**s.audit.visible, "distance": 0.9})(s),  # type: ignore[union-attr]
    "computed again Audited": of_audit(stimuli=4),
    "audit is None": unaudited,
    "contribution_p of top1": lambda s: of_audit()(with_score(s, "top1", contribution_p=0.2)),
    "verdict is 'EEG contributes (p = .001): all'": lambda s: dataclasses.replace(
        s, verdict="EEG contributes (p = .001): all"
    ),
}


@pytest.mark.parametrize("what", AUDITS)
def test_a_forged_audit_with_a_good_seal_is_found(audited: Path, what: str) -> None:
    assert verified(audited).lines()[0].startswith("ok")
    reseal(audited, AUDITS[what])
    assert what in " ".join(verified(audited).problems)


def test_a_run_of_the_first_edition_is_verified_in_part_and_evaluate_brings_it_up_to_date(
    lab: Lab, audited: Path
) -> None:
    new = ScoreSheet.read(audited / "scores.json")
    as_edition_1(audited)
    verdict = verified(audited)
    assert (verdict.problems, verdict.scores) == ((), 6)
    assert verdict.lines() == [f"IN PART  {audited}: 6 scores hold; {EARLIER}"]
    made = {file: file.stat().st_mtime_ns for file in audited.rglob("*.png") if file.parent != audited}
    again = lab.evaluate().sheet
    assert {file: file.stat().st_mtime_ns for file in made} == made  # no image is made again
    assert (again.metrics, again.audit, again.verdict) == (new.metrics, new.audit, new.verdict)
    assert verified(audited).lines()[0].startswith("ok")


@pytest.mark.parametrize("what", ["value of top1", "permuted of pixcorr", "contribution of pixcorr"])
def test_what_no_edition_changes_is_checked_in_a_run_of_the_first(audited: Path, what: str) -> None:
    name, _, metric = what.split()
    as_edition_1(audited)
    reseal(audited, lambda sheet: with_score(sheet, metric, **{name: 0.4}))
    assert what in " ".join(verified(audited).problems)


def test_who_calls_a_sheet_older_than_it_is_gets_no_ok(audited: Path) -> None:
    reseal(audited, lambda sheet: with_score(sheet, "pixcorr", ci=(0.9, 0.99)))
    assert verified(audited).lines()[0].startswith("FAILED")
    text = (audited / "scores.json").read_text()
    (audited / "scores.json").write_text(text.replace('"statistics": 2', '"statistics": 1'))
    assert "edition 1 of the statistics has no p" in " ".join(verified(audited).problems)
    (audited / "scores.json").write_text(text)
    bare: dict[str, Any] = {"audit": None, "statistics": 1, "verdict": "EEG contributes: 9 of 9 metrics"}
    reseal(audited, lambda s: dataclasses.replace(s, **bare, metrics=without_p(s)))
    assert verified(audited).lines()[0].startswith("IN PART")


def without_p(sheet: ScoreSheet) -> dict[str, Score]:
    return {name: dataclasses.replace(one, contribution_p=None) for name, one in sheet.metrics.items()}


def test_forged_values_by_stimulus_are_found(run: Path) -> None:
    lines = (run / "scores.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    for row in rows:  # the mean stays: what is taken from some is given to others
        row[2] = repr(float(row[2]) + (0.1 if int(row[0][:2]) % 2 else -0.1))
    (run / "scores.csv").write_text("\n".join([lines[0], *map(",".join, rows)]) + "\n")
    reseal(run, lambda sheet: sheet)
    assert "scores.csv: pixcorr of" in verified(run).problems[0]


def test_images_that_others_made_are_found_though_all_digests_fit(run: Path) -> None:
    repaint(run)
    assert any("computed again" in problem for problem in verified(run).problems)


def test_an_image_too_many_fails(run: Path) -> None:
    Image.new("RGB", (6, 6)).save(run / "reconstructions" / "extra.png")
    [problem] = verified(run).problems
    assert problem.startswith("reconstructions/extra.png: is bound by no digest of this run; take it away")


def test_a_run_that_is_not_complete_fails_and_one_that_is_no_run_is_refused(run: Path, tmp_path: Path) -> None:
    dataclasses.replace(RunRecord.read(run / "run.json"), status="started").write(run / "run.json")
    assert "its status is 'started'" in verified(run).problems[0]
    (run / "run.json").write_text("<html>")
    assert "cannot be read as JSON" in verified(run).problems[0]
    with pytest.raises(InputError, match="with --all"):
        verified(tmp_path / "nowhere")


def test_what_cannot_be_computed_here_is_said_and_is_no_failure(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise MissingError("the images of the data set are not here")

    monkeypatch.setattr("eegbench.checks.rescoring.dataset_of_run", gone)
    verdict = verified(run)
    assert (verdict.problems, verdict.unknown) == ((), "the images of the data set are not here")
    with pytest.raises(MissingError, match="1 of 1 runs could be verified in part"):
        require([verdict])
    with pytest.raises(CheckFailed, match="1 of 2 runs are not what their files say"):
        require([verdict, dataclasses.replace(verdict, problems=("a.png: is missing",))])


def test_several_samples_hold(lab: Lab) -> None:
    assert verified(lab.evaluate(samples=3).run_folder).problems == ()


def test_a_run_of_schema_version_1_holds_as_far_as_it_goes(run: Path) -> None:
    as_version_1(run)
    verdict = verified(run)
    assert (verdict.problems, verdict.scores) == ((), 5)
    lost = "not computed again: retrieval: the run keeps no target embeddings"
    assert verdict.unknown == f"{lost}; {EARLIER}; {VERSION_1}"
    assert verdict.lines()[0].startswith("IN PART")
    flip(run / "reconstructions/03_thing/test_3.png")
    assert verified(run).problems


@pytest.mark.parametrize("name", ["run.json", "scores.json"])
def test_a_record_that_calls_itself_older_than_it_is_fails(run: Path, name: str) -> None:
    text = (run / name).read_text()
    (run / name).write_text(text.replace('"schema_version": 2', '"schema_version": 1'))
    assert "schema version 1 has no 'seal'" in verified(run).problems[0]


def test_a_broken_sheet_is_a_failure_and_no_stop(run: Path) -> None:
    (run / "scores.json").write_text("{")
    assert "scores.json: cannot be read as JSON" in verified(run).problems[0]


def test_what_a_record_says_of_its_data_and_method_is_compared_with_them(run: Path) -> None:
    record = RunRecord.read(run / "run.json")
    dataclasses.replace(record, simulated=False, role="floor").write(run / "run.json")
    said = " ".join(verified(run).problems)
    assert "simulated is False; it is True" in said and "role is 'floor'; it is 'method'" in said


def test_a_verdict_over_chosen_metrics_is_not_taken_for_whole(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegbench.checks.rescoring.METRICS", {"distance": None, "pixcorr": None})
    kept = ("pixcorr", "top1")
    found = read_values(run / "scores.csv")
    of_kept = {(name, 1): found.metrics[name, 1][None] for name in kept}
    (run / "scores.csv").write_text(write_values(of_kept, found.stimuli))
    reseal(run, lambda s: dataclasses.replace(s, metrics={name: s.metrics[name] for name in kept}))
    assert "distance: the run has no score of it" in verified(run).unknown


def test_retrieval_without_its_targets_is_not_called_computed(run: Path) -> None:
    (run / "targets.safetensors").unlink()
    reseal(run, lambda s: with_score(s, "retrieval", value=1.0))
    verdict = verified(run)
    assert "retrieval: the run keeps no target embeddings" in verdict.unknown
    assert verdict.lines()[0].startswith("IN PART")


def test_what_a_killed_audit_left_is_named_and_scoring_without_audit_takes_it_away(lab: Lab) -> None:
    folder = lab.evaluate(audit=False).run_folder
    assert verified(folder).lines()[0].startswith("ok")
    (folder / "permuted").mkdir()
    (folder / "permuted/permutation.json").write_text(json.dumps({"run": "a" * 64, "eeg_of": {}, "images": []}))
    assert verified(folder).problems[0].startswith("permuted/permutation.json: is bound by no digest")
    lab.evaluate(audit=False)
    assert verified(folder).lines()[0].startswith("ok")


def test_judges_that_are_not_here_are_no_fault_of_the_run(lab: Lab, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.judge.provides, seen = ("pixels425", "saliency", "inception_probabilities"), lab.judge.embed
    monkeypatch.setattr(lab.judge, "embed", lambda images: {k: v for k, v in seen(images).items() if k != "clip"})
    lab.suite.missing["clip"] = "no weights here"
    verdict = verified(run)
    assert verdict.problems == () and "top1: no weights here" in verdict.unknown


def test_a_verified_run_never_breaks_a_board(run: Path) -> None:
    lines = (run / "scores.csv").read_text().splitlines()
    added = [lines[0] + ",foo@1", *(line + ",1" for line in lines[1:])]
    (run / "scores.csv").write_text("\n".join(added) + "\n")
    reseal(run, lambda sheet: sheet)
    assert "has foo@1" in " ".join(verified(run).problems)


def test_what_is_printed_has_nothing_that_a_terminal_acts_on() -> None:
    [line, problem] = Verdict("a", problems=("x\n::error::\x1b[31m",)).lines()
    assert line.isprintable() and problem.isprintable()


def test_all_says_which_links_were_not_followed(lab: Lab, run: Path) -> None:
    def verify(*words: str) -> Any:
        return CliRunner().invoke(app, ["verify", str(lab.runs), "--all", "--digests-only", *words])

    before = verify()
    assert before.exit_code == 0
    outside = lab.runs.parent / "outside"
    run.rename(outside)
    run.symlink_to(outside, target_is_directory=True)
    done, data = verify(), verify("--json")
    assert (done.exit_code, data.exit_code) == (2, 2)
    assert len(json.loads(data.stdout)) == len(done.stdout.splitlines()) == len(before.stdout.splitlines()) - 1
    assert "note: " in done.stderr and "--follow-links" in done.stderr.splitlines()[-1]
    followed = verify("--follow-links")
    assert (followed.exit_code, followed.stdout) == (0, before.stdout)


@pytest.mark.parametrize(
    "name", ["notes.txt", "reconstructions/03_thing/index.html", "controls/readme", "inner/run.json"]
)
def test_a_file_that_nothing_binds_fails_and_is_named(run: Path, name: str) -> None:
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).write_text("hello")
    assert verified(run).problems[0].startswith(f"{name}: is bound by no digest of this run")


def test_a_link_that_nothing_binds_fails_and_a_linked_folder_too(run: Path, tmp_path: Path) -> None:
    (run / "more").symlink_to(tmp_path)
    assert verified(run).problems[0].startswith("more: is a link, and is bound by no digest")


def test_names_that_begin_with_a_dot_are_no_part_of_a_run(run: Path) -> None:
    (run / ".git").mkdir()
    for name in (".git/config", ".DS_Store", "controls/._test_0.png", "reconstructions/.a.png.123.tmp"):
        (run / name).write_text("left by a system")
    assert verified(run).lines()[0].startswith("ok")


def test_a_sheet_that_names_no_files_binds_none(run: Path) -> None:
    sheet = dataclasses.replace(ScoreSheet.read(run / "scores.json"), files={})
    (run / "scores.json").write_text(sheet.to_json())
    told = " ".join(verified(run, digests_only=True).problems)
    for name in ("scores.csv", "targets.safetensors", "reconstructions.png", "permuted/permutation.json"):
        assert f"{name}: is bound by no digest" in told


def test_records_that_say_nothing_of_each_others_images_fail(run: Path) -> None:
    record = RunRecord.read(run / "run.json")
    digests = {name: sha256 for name, sha256 in record.digests.items() if name != "reconstructions"}
    dataclasses.replace(record, digests=digests).write(run / "run.json")
    reseal(run, lambda sheet: dataclasses.replace(sheet, reconstructions=""))
    told = " ".join(verified(run).problems)
    assert "run.json: has no digest of its images" in told and "does not say which images were scored" in told


def test_a_run_without_scores_is_verified_in_part(lab: Lab) -> None:
    folder = lab.reconstruct().folder
    assert verified(folder).lines() == [f"IN PART  {folder}: digests hold; the run is not scored"]


def test_records_of_two_schema_versions_fail_and_evaluate_brings_them_to_one(lab: Lab) -> None:
    folder = lab.evaluate(audit=False).run_folder
    new, sheet = (folder / "run.json").read_text(), (folder / "scores.json").read_text()
    as_version_1(folder)
    old = (folder / "scores.json").read_text()
    for record, scores in ((new, old), ((folder / "run.json").read_text(), sheet)):
        (folder / "run.json").write_text(record)
        (folder / "scores.json").write_text(scores)
        assert "its records are of two schema versions" in " ".join(verified(folder, digests_only=True).problems)
    lab.evaluate(audit=False)
    assert verified(folder).lines()[0].startswith("ok")


def test_evaluate_brings_a_run_of_schema_version_1_up_to_date_and_makes_no_image_again(lab: Lab) -> None:
    folder = lab.evaluate(track="oracle").run_folder
    as_version_1(folder)
    made = {file: file.stat().st_mtime_ns for file in (folder / "reconstructions").rglob("*.png")}
    lab.evaluate(track="oracle")
    assert {file: file.stat().st_mtime_ns for file in made} == made
    assert json.loads((folder / "run.json").read_text())["schema_version"] == 2
    assert verified(folder).lines()[0].startswith("ok")


@pytest.mark.parametrize("error", [TypeError("unhashable"), KeyError("nope"), MemoryError(), RecursionError("deep")])
def test_whatever_goes_wrong_with_one_run_is_its_own_verdict(
    lab: Lab, run: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    read = RunRecord.read

    def broken(path: Path, **options: Any) -> RunRecord:
        if path.parent == run:
            raise error
        return read(path, **options)

    monkeypatch.setattr(RunRecord, "read", broken)
    done = CliRunner().invoke(app, ["verify", str(lab.runs), "--all", "--digests-only"])
    lines = [line for line in done.stdout.splitlines() if line[:1].strip()]
    assert done.exit_code == 1 and len(lines) == len(find_runs(lab.runs).folders)
    assert [line for line in lines if line.startswith("FAILED")] == [f"FAILED  {run}"]
    assert f"        {type(error).__name__}" in done.stdout


def test_an_interrupt_from_the_keyboard_stops_all(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunRecord, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(each(Verifier(Silent()), [run]))


def test_no_more_problems_are_told_than_fit_and_the_others_are_counted(run: Path) -> None:
    for n in range(30):
        (run / f"extra-{n}.txt").touch()
    lines = verified(run, digests_only=True).lines()
    assert len(lines) == 22 and lines[-1].strip() == "and 10 more"
    assert all(str(run) not in line for line in lines[1:])


def test_a_file_of_which_no_digest_is_said_fails(run: Path) -> None:
    (run / "saliency.safetensors").unlink(missing_ok=True)
    sheet = ScoreSheet.read(run / "scores.json")
    files = {**sheet.files, "saliency.safetensors": ""}
    (run / "scores.json").write_text(dataclasses.replace(sheet, files=files).to_json())
    assert verified(run, digests_only=True).problems == ("saliency.safetensors: no digest is said of it",)


def test_other_stimuli_than_the_data_set_has_are_told_before_anything_is_scored(
    lab: Lab, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = RunRecord.read(run / "run.json")
    lost, *rows = record.manifest
    digests = record.digests | {"reconstructions": dataclasses.replace(record, manifest=tuple(rows)).images}
    new = dataclasses.replace(record, manifest=tuple(rows), digests=digests)
    new.write(run / "run.json")
    (run / lost.file).unlink()
    reseal(run, lambda sheet: dataclasses.replace(sheet, reconstructions=new.images))
    monkeypatch.setattr("eegbench.benchmark.score.scorer", lambda *_, **__: 1 / 0)
    assert verified(run).problems[0].startswith(f"run.json: no image of stimulus {lost.stimulus!r}")


def test_a_run_that_lists_no_image_fails(run: Path) -> None:
    record = RunRecord.read(run / "run.json")
    dataclasses.replace(record, manifest=()).write(run / "run.json")
    assert any(problem == "run.json: lists no image" for problem in verified(run, digests_only=True).problems)
