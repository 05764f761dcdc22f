"""`eegbench plan-size`: which runs pair, what their differences show, and what it says where they show nothing."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from eegbench import statistics
from eegbench.cli import app
from eegbench.errors import InputError, UsageError
from eegbench.runs.record import RunRecord, RunSpec
from eegbench.runs.sheet import Score, ScoreSheet
from eegbench.studies.plan_size import Plan, plan_size

Add = Callable[..., Path]
N = 40


@pytest.fixture
def add(tmp_path: Path) -> Add:
    """Writes a scored run whose values are drawn by method, subject and seed."""

    def one(method: str, subject: int = 8, seed: int = 0, *, items: int = N, first: int = 0, **more: Any) -> Path:
        spec = {"track": "eeg", "configuration": {}, "dataset_configuration": {}} | more.pop("spec", {})
        run = RunSpec("sim-things", "1", subject=subject, method=method, seed=seed, **spec)
        folder: Path = tmp_path / more.pop("folder", run.folder)
        record = RunRecord(run, "method", True, "complete", {}, {"data/test": f"{subject:064x}"})
        dataclasses.replace(record, **more.pop("record", {})).write(folder / "run.json")
        rng = np.random.default_rng([subject, seed, sum(method.encode())])
        values = 0.5 + np.round(0.1 * rng.normal(size=items) + 0.02 * rng.normal(), 6)
        values[0] = more.pop("value", values[0])
        known = values[np.isfinite(values)]
        score = Score("clip", 1, float(known.mean()), None, True)
        scores = {"clip": dataclasses.replace(score, **more.pop("score", {})), "fid": Score("fid", 1, 9.0, None, False)}
        (folder / "scores.json").write_text(ScoreSheet(items, "micro", "sal512", scores, **more).to_json())
        rows = "".join(f"s{first + i},0,{v if np.isfinite(v) else ''}\n" for i, v in enumerate(values))
        (folder / "scores.csv").write_text("stimulus,sample,clip@1\n" + rows)
        return folder

    return one


def eegbench(*words: str | Path, columns: int = 80) -> Result:
    return CliRunner().invoke(app, ["plan-size", *map(str, words)], env={"COLUMNS": str(columns)})


def shape(plan: Plan) -> tuple[int, int, int]:
    return plan.subjects, plan.seeds, plan.stimuli


def test_two_runs_show_what_their_comparison_shows(tmp_path: Path, add: Add) -> None:
    values = [np.loadtxt(add(name) / "scores.csv", delimiter=",", skiprows=1, usecols=2) for name in ("a", "b")]
    plan = plan_size(tmp_path, 0.02)
    assert shape(plan) == (1, 1, N) and plan.methods == ("a", "b")
    assert plan.components.stimuli == pytest.approx(float((values[0] - values[1]).var(ddof=1)))
    # The sum of Student's or the normal quantiles is near the exact noncentrality: 1.5 % at 40 stimuli.
    assert plan.visible == pytest.approx(statistics.minimum_detectable(values[0] - values[1]), rel=0.04)
    assert [(need.subjects, need.seeds, need.speaks_of) for need in plan.needs] == [
        (1, 1, "this person and these fits")
    ]


def test_subjects_and_seeds_that_are_there_answer_for_others(tmp_path: Path, add: Add) -> None:
    for method in ("a", "b", "c"):
        for subject in (1, 2, 3):
            for seed in (0, 1):
                add(method, subject, seed)
    plan = plan_size(tmp_path, 0.02)
    assert shape(plan) == (3, 2, N) and plan.speaks_of == "other people"
    assert [(need.subjects, need.seeds) for need in plan.needs] == [(1, 1), (1, 3), (3, 1), (3, 3), (10, 1), (10, 3)]
    assert [need.seeds for need in plan.more_people] == [1, 3]
    assert plan.by_pair[0] < plan.visible < plan.by_pair[1]
    assert None not in dataclasses.astuple(plan.components)


def test_only_what_all_methods_share_counts_and_what_some_have_more_is_told(tmp_path: Path, add: Add) -> None:
    for subject, seed in ((1, 0), (1, 1), (2, 0), (2, 4)):
        add("a", subject, seed)
        add("b", subject, seed + 5)  # another seed is another fit: which of them pair does not matter
    add("c", 1)
    plan = plan_size(tmp_path, 0.02)
    assert shape(plan) == (1, 1, N)
    assert plan.notes == ("more subjects than the 1 that all share: a 2, b 2; --methods narrows the choice",
                          "more seeds than the 1 that all share: a 2, b 2; --methods narrows the choice")  # fmt: skip
    assert shape(plan_size(tmp_path, 0.02, methods=["a", "b"])) == (2, 2, N)


def test_a_copied_run_counts_once_and_floors_only_by_name(tmp_path: Path, add: Add) -> None:
    add("a"), add("b"), add("a", folder="copy")
    add("nothing", record={"role": "floor"})
    assert plan_size(tmp_path, 0.02).methods == ("a", "b") and plan_size(tmp_path, 0.02).seeds == 1
    assert plan_size(tmp_path, 0.02, methods=["a", "nothing"]).methods == ("a", "nothing")


def test_two_configurations_of_a_method_are_two_and_have_names(tmp_path: Path, add: Add) -> None:
    add("a"), add("a", spec={"configuration": {"x": 1}}, folder="x")
    plan = plan_size(tmp_path, 0.02)
    assert len(plan.methods) == 2 and all(name.startswith("a#") for name in plan.methods)
    assert plan_size(tmp_path, 0.02, methods=plan.methods) == plan


def test_of_two_settings_the_larger_is_taken_and_the_other_named(tmp_path: Path, add: Add) -> None:
    for method in ("a", "b", "c"):
        add(method)
        if method != "c":
            add(method, spec={"track": "oracle"})
    plan = plan_size(tmp_path, 0.02)
    assert (plan.track, len(plan.methods)) == ("eeg", 3)
    assert plan.notes == ("left out, another setting: sim-things, track oracle, suite micro, protocol sal512; "
                          "name its folder",)  # fmt: skip


def test_stimuli_without_a_value_are_left_out_of_all(tmp_path: Path, add: Add) -> None:
    add("a", value=np.nan), add("b")
    plan = plan_size(tmp_path, 0.02)
    assert shape(plan) == (1, 1, N - 1) and plan.notes == (
        f"over {N - 1} of {N} stimuli: those with a value everywhere",
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"difference": 0.0}, "the difference is 0; wanted one above 0"),
        ({"difference": -0.1}, "wanted one above 0"),
        ({"difference": float("nan")}, "wanted one above 0"),
        ({"power": 1.0}, "the power is 1; wanted"),
        ({"power": 0.01}, "wanted a probability between"),
        ({"metric": "clop"}, "unknown metric 'clop'; did you mean 'clip'"),
        ({"methods": ["a", "bb"]}, "unknown method 'bb'"),
        ({"methods": ["a"]}, "names a alone"),
    ],
)
def test_wrong_use_is_told_in_a_line(tmp_path: Path, add: Add, options: dict[str, Any], words: str) -> None:
    add("a"), add("b")
    with pytest.raises(UsageError, match=words) as caught:
        plan_size(tmp_path, **({"difference": 0.02} | options))
    assert "\n" not in str(caught.value)


def test_a_metric_of_a_whole_set_has_nothing_to_pair(tmp_path: Path, add: Add) -> None:
    add("a"), add("b")
    with pytest.raises(InputError, match=r"fid has no values by stimulus in these runs, .*: name one of clip"):
        plan_size(tmp_path, 0.02, metric="fid")


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (None, "clip of only one method"),
        ({"method": "b", "spec": {"track": "oracle"}}, "clip of only one method"),
        ({"method": "b", "subject": 7}, "a, b share no subject"),
        ({"method": "b", "first": 30}, "the runs share 10 of 40 stimuli"),
        ({"method": "b", "judges": {"clip": "b" * 64}}, "differ in the weights of the judge clip"),
        ({"method": "b", "record": {"digests": {"data/test": "f" * 64}}}, "differ in the data test of subject 8"),
        ({"method": "b", "score": {"unverified": True}}, "differ in the version of clip"),
    ],
    ids=str,
)
def test_runs_that_do_not_pair_are_refused(tmp_path: Path, add: Add, second: Any, words: str) -> None:
    add("a", judges={"clip": "a" * 64})
    if second:
        add(**second)
    with pytest.raises(InputError, match=words) as caught:
        plan_size(tmp_path, 0.02)
    assert "\n" not in str(caught.value)


def test_a_folder_without_scored_runs_is_refused(tmp_path: Path, add: Add) -> None:
    with pytest.raises(InputError, match="no scored run of a method"):
        plan_size(tmp_path, 0.02)


@pytest.mark.parametrize("columns", [40, 80])
def test_the_verb_answers_in_a_table_that_fits(tmp_path: Path, add: Add, columns: int) -> None:
    for method in ("a", "b"):
        for subject in (1, 2):
            add(method, subject)
    done = eegbench(tmp_path, "--difference", "0.02", columns=columns)
    assert done.exit_code == 0 and max(map(len, done.stdout.splitlines())) <= columns
    said = " ".join(done.stdout.split())
    assert said.startswith("SIMULATED EEG") and "2 subjects, 1 seed, 40 stimuli" in said
    assert "To find a difference of .02 in 80 % of cases at .05:" in said and "from fit to fit unknown" in said
    assert "other seeds (--seed 1)" in said


def test_what_no_number_of_stimuli_reaches_is_said_with_the_reason(tmp_path: Path, add: Add) -> None:
    for method in ("a", "b"):
        for subject in (1, 2):
            add(method, subject)
    done = eegbench(tmp_path, "--difference", "0.001", columns=120)
    spread = plan_size(tmp_path, 0.001).components.people
    assert spread is not None and f"none  other people, who differ by .0{round(1000 * spread**0.5)}" in done.stdout
    assert "not reachable with any number of stimuli" in done.stdout


def test_json_alone_has_all_of_it_and_the_same_bytes_each_time(tmp_path: Path, add: Add) -> None:
    add("a"), add("b")
    done, again = (eegbench(tmp_path, "--difference", ".02", "--json") for _ in range(2))
    found = json.loads(done.stdout)
    assert done.stdout == again.stdout and found["components"]["people"] is None and found["schema_version"] == 1
    assert found["needs"][0]["stimuli"] > 100


def test_the_help_has_an_example() -> None:
    assert "eegbench plan-size runs --difference .02" in eegbench("--help").stdout


def test_a_run_that_cannot_be_read_is_told_and_stops_no_other(tmp_path: Path, add: Add) -> None:
    for name in ("a", "b"):
        add(name)
    (add("c") / "scores.csv").write_text("nothing")
    done = eegbench(tmp_path, "--difference", ".02", "--json")
    assert json.loads(done.stdout)["methods"] == ["a", "b"]
    assert json.loads(done.stdout)["unreadable"][0]["path"] == "sim-things/eeg/c/sub-08/seed-0"
    assert done.exit_code == 1 and done.stderr.startswith("note: cannot be read: sim-things/eeg/c/sub-08/seed-0: ")
    assert "1 of 3 runs cannot be read, and do not count; see above" in done.stderr
