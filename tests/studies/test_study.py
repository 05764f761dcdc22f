"""A study's runs from its lists, and where each stands from files alone."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eegbench.api.study import Study
from eegbench.benchmark.plan import Plan, plan
from eegbench.cli import app
from eegbench.errors import InputError, UsageError
from eegbench.studies import cells
from eegbench.studies.state import COMPLETE, FAILED, STARTED, TO_DO
from small_world import Drawn, Lab, UsesEEG


@pytest.fixture
def three(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The small world with three subjects."""
    monkeypatch.setattr(Drawn, "subjects", (1, 2, 8))
    return lab


def study(lab: Lab, **changes: Any) -> Study:
    usual: dict[str, Any] = {"methods": ["uses-eeg"], "datasets": ["drawn"], "runs": lab.runs, "device": "cpu"}
    return Study(**{**usual, **changes})


def named(found: Study) -> list[tuple[object, ...]]:
    return [(cell.arm.facts["methods"], cell.arm.facts["tracks"], cell.subject, cell.seed) for cell in found.cells]


def test_the_runs_are_all_that_the_lists_give_together(three: Lab) -> None:
    found = study(three, methods=["uses-eeg", "ignores-eeg"], seeds=range(2), tracks=["eeg", "oracle"])
    assert len(found.cells) == 2 * 3 * 2 + 3 * 2
    assert found.left_out == ("ignores-eeg does not run on the track oracle",)
    assert named(found)[:3] == [("uses-eeg", "eeg", 1, 0), ("uses-eeg", "eeg", 1, 1), ("uses-eeg", "eeg", 2, 0)]


def test_lists_in_a_table_of_who_is_trained_on_multiply(three: Lab) -> None:
    people = ["own", {"train_on": "others", "calibration": [0, 2]}, "all"]
    found = study(three, trained=people)
    protocols = [(cell.options.train_on, cell.options.calibration) for cell in found.cells if cell.subject == 8]
    assert protocols == [("own", 0), ("others", 0), ("others", 2), ("all", 0)]
    assert [row.words["trained"] for row in found.status().rows] == ["own", "others", "others + 2", "all"]
    assert found.status().fits.wanted == 3 + 3 + 3 + 1  # one fit serves everybody under `all`


def test_a_cell_is_the_run_that_evaluate_plans(three: Lab) -> None:
    small = {"name": "uses-eeg", "label": "small", "settings": {"weight": 0.5}}
    found = study(three, methods=["uses-eeg", small], seeds=[3], views=[{"channels": "Oz"}, {}])
    for cell in found.cells:
        weight = 0.5 if cell.arm.facts["methods"] == "small" else 0.8
        view = cell.options.view
        planned = three.plan(seed=3, method_table={"weight": weight}, view=view)
        assert cell.spec == dataclasses.replace(planned.spec, subject=cell.subject)
        assert cell.spec_folder == cell.spec.folder


def test_what_is_named_twice_is_one_run_and_exclusions_need_all_that_they_say(three: Lab) -> None:
    again = study(three, include=[{"subjects": [8]}, {"subjects": [8], "seeds": [1]}])
    assert named(again) == [("uses-eeg", "eeg", subject, seed) for subject, seed in ((1, 0), (2, 0), (8, 0), (8, 1))]
    people = [{"train_on": "others", "calibration": [0, 2]}]
    out = [{"subjects": [1], "trained": [{"calibration": 2}]}, {"subjects": "2", "methods": "ignores-eeg"}]
    found = study(three, methods=["uses-eeg", "ignores-eeg"], trained=people, exclude=out)
    kept = {(cell.arm.method, cell.subject, cell.options.calibration) for cell in found.cells}
    whole = {(m, s, c) for m in ("uses-eeg", "ignores-eeg") for s in (1, 2, 8) for c in (0, 2)}
    assert whole - kept == {(m, 1, 2) for m in ("uses-eeg", "ignores-eeg")} | {("ignores-eeg", 2, c) for c in (0, 2)}


def test_what_evaluate_made_is_complete_and_counts_nothing_else(three: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    found = study(three, seeds=[0, 1])
    assert found.status().counts == {COMPLETE: 0, FAILED: 0, STARTED: 0, TO_DO: 6}
    three.evaluate(companions=False)
    assert found.status().counts == {COMPLETE: 1, FAILED: 0, STARTED: 0, TO_DO: 5}
    assert found.status().fits.there == 1
    other = study(three, seeds=[0, 1], methods=[{"name": "uses-eeg", "settings": {"weight": 0.3}}])
    assert other.status().counts[TO_DO] == 6  # another configuration is another run
    more = study(three, also=["retrieval"], audit=False)
    assert more.status().counts[COMPLETE] == 1
    unscored = study(three, protocol="me256")
    assert unscored.status().counts[STARTED] == 1  # its images are there, scored otherwise


def test_a_failed_run_is_told_with_its_reason(three: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, eeg: object, **_: object) -> object:
        return "no images"

    found = study(three, subjects=[8])
    with monkeypatch.context() as patch:
        patch.setattr(UsesEEG.reconstructor, "reconstruct", broken)
        with pytest.raises(InputError):
            three.evaluate()
    standing = found.status()
    assert standing.counts[FAILED] == 1 and "a str came; wanted a plain numpy array" in standing.failed[0][1]
    three.evaluate(companions=False)
    assert found.status().counts[COMPLETE] == 1


def test_a_record_that_cannot_be_read_is_a_failure_of_its_run_alone(three: Lab) -> None:
    three.evaluate(companions=False)
    found = study(three)
    folder = three.runs / found.cells[-1].spec_folder
    (folder / "run.json").write_text("{")
    standing = found.status()
    assert standing.counts == {COMPLETE: 0, FAILED: 1, STARTED: 0, TO_DO: 2}
    assert "run.json" in standing.failed[0][1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ["use-eeg"]}, "unknown method 'use-eeg'; did you mean 'uses-eeg'?"),
        ({"subject": [8]}, "unknown key of a study 'subject'; did you mean 'subjects'?"),
        ({"subjects": [9]}, "unknown subject of drawn '9'"),
        ({"subjects": "8-1"}, "subjects is '8-1'; wanted numbers"),
        ({"seeds": [0, 0]}, "seeds names 0 twice"),
        ({"seeds": []}, "seeds names none"),
        ({"trained": [{"train": "own"}]}, "unknown key of trained 'train'; did you mean 'train_on'?"),
        ({"trained": ["strangers"]}, "unknown train-on 'strangers'"),
        ({"exclude": [{"method": "uses-eeg"}]}, "unknown key of exclude 'method'; did you mean 'methods'?"),
        ({"methods": [{"label": "small"}]}, "methods has a table without a name"),
        ({"methods": [{"name": "uses-eeg", "settings": {"wait": 1}}]}, "unknown configuration key 'wait'"),
        ({"tracks": ["ear"]}, "unknown track 'ear'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(three: Lab, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        study(three, **changes).status()
    assert words in str(caught.value)


FILE = """
methods = ["uses-eeg", { name = "uses-eeg", label = "half", settings = { weight = 0.5 } }]
datasets = ["drawn"]
subjects = "1-2,8"
seeds = [0, 1]
device = "cpu"

[[exclude]]
methods = ["half"]
seeds = [1]
"""


def test_a_file_says_the_same_as_python_and_paths_count_from_it(three: Lab, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "paper.toml"
    file.parent.mkdir()
    file.write_text(FILE + "[[include]]\nsubjects = [8]\nseeds = [5]\n")
    found = Study.read(file)
    assert found.runs == file.parent / "runs"
    assert len(found.cells) == 3 * 2 + 3 + 2
    assert [cell.seed for cell in found.cells][-2:] == [5, 5]


@pytest.mark.parametrize("key", ["self", "cls", "progress", "method"])
def test_a_strange_key_of_a_file_is_refused_in_one_line(three: Lab, tmp_path: Path, key: str) -> None:
    file = tmp_path / "paper.toml"
    file.write_text(f"{key} = 1\n{FILE}")
    told = CliRunner().invoke(app, ["study", "status", str(file)])
    assert told.exit_code == 2 and f"unknown key of a study '{key}'" in told.output


def test_the_verbs_print_a_table_and_name_what_stands_in_the_way(three: Lab, tmp_path: Path) -> None:
    file = tmp_path / "paper.toml"
    file.write_text(FILE)
    told = CliRunner().invoke(app, ["study", "status", str(file)])
    assert told.exit_code == 0 and "9 runs (9 to do)" in told.output and "9 fits, of which 0 there" in told.output
    assert json.loads(CliRunner().invoke(app, ["study", "status", str(file), "--json"]).output)["states"]["to do"] == 9
    good = CliRunner().invoke(app, ["study", "plan", str(file)])
    assert good.exit_code == 0 and "BAD" not in good.output
    file.write_text(FILE.replace("weight = 0.5", "weight = 0.5 }, config = { a = 1"))
    assert CliRunner().invoke(app, ["study", "plan", str(file)]).exit_code == 2
    missing = CliRunner().invoke(app, ["study", "plan", str(tmp_path / "other.toml")])
    assert missing.exit_code == 2 and "no such study file" in missing.output


def test_many_runs_are_planned_in_seconds(three: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counting(method: str, *words: Any, **options: Any) -> Plan:
        asked.append(method)
        return plan(method, *words, **options)

    monkeypatch.setattr(cells, "plan", counting)
    since = time.perf_counter()
    found = study(three, methods=["uses-eeg", "ignores-eeg"], seeds=range(5000))
    assert len(found.cells) == 2 * 3 * 5000
    assert found.status().fits.wanted == len(found.cells)
    assert asked == ["uses-eeg", "ignores-eeg"]  # a plan for each arm, and not for each run
    assert time.perf_counter() - since < 10
