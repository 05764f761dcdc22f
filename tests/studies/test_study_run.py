"""Studies in processes of their own, with a toy that is quick: failures, crashes, kills, and what is done twice."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eegbench.api.study import Study
from eegbench.cli import app
from eegbench.errors import MissingError, Notice, UsageError
from eegbench.runs.search import find_runs
from eegbench.studies.engine.running import running
from eegbench.studies.engine.tasks import FIT, REFERENCES, RUN, tasks_of
from kills import disturbed
from small_world import Lab
from toy_study import entries, installed, study_file

EEGBENCH = [sys.executable, "-m", "eegbench"]


class Place:
    """A folder with the toy, a cache, and a journal of what was done."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.journal = folder, folder / "journal"
        self.environment = installed(folder / "site", self.journal) | {"EEGBENCH_CACHE": str(folder / "cache")}

    def run(self, verb: str, file: Path, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*EEGBENCH, "study", verb, str(file), *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def whose(self, what: str, state: str) -> list[str]:
        return sorted(whose for whose, _ in entries(self.journal, what, state))


@pytest.fixture
def there(tmp_path: Path) -> Place:
    return Place(tmp_path)


def method(fault: str, **settings: Any) -> dict[str, Any]:
    return {"name": "paints", "label": fault or "well", "settings": {"fault": fault, **settings}}


def test_a_failure_stops_what_depends_on_it_alone_and_is_told_with_its_traceback(there: Place) -> None:
    faults = ["", "raises", "dies", "memory", "fit raises"]
    file = study_file(
        there.folder / "study", methods=[method(f) for f in faults], subjects=[1], batch_size=4, references=False
    )
    done = there.run("run", file, "--workers", "2", "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    states = {row["methods"]: (row["complete"], row["failed"]) for row in told["rows"]}
    assert states == {"well": (1, 0), "raises": (0, 1), "dies": (0, 1), "memory": (1, 0), "fit raises": (0, 1)}
    reasons = " | ".join(failure["reason"] for failure in told["failed"])
    assert "a fault of the toy's (toy_study.py" in reasons
    assert "ended by SIGSEGV" in reasons
    assert "not tried, for what it needs failed" in reasons
    kept = [
        json.loads(f.read_text())
        for f in (there.folder / "study/runs/.study").rglob("*.json")
        if f.name != "study.json"
    ]
    assert any("ValueError: a fault of the toy's\n" in one["traceback"] for one in kept)
    assert "failed: raises on toy sub-01, eeg, seed 0" in done.stderr
    # What failed stays failed; what was done is not done again.
    before = there.journal.read_text()
    again = there.run("run", file, "--workers", "2")
    assert again.returncode == 1 and there.journal.read_text() == before
    assert there.whose("fit", "ended") == ["1/0/0"] * 4  # one for each method that has one
    assert len(there.whose("fit", "begun")) == 5


def test_a_study_makes_the_runs_that_evaluate_makes(there: Place) -> None:
    file = study_file(there.folder / "study", subjects=[1])
    assert there.run("run", file, "--workers", "2").returncode == 0
    words = ["--method", "paints", "--dataset", "toy", "--subject", "1", "--suite", "micro", "--no-audit"]
    subprocess.run(
        [*EEGBENCH, "evaluate", *words, "--device", "cpu", "--runs", str(there.folder / "runs")],
        env=there.environment | {"EEGBENCH_CACHE": str(there.folder / "other")}, check=True, capture_output=True,
    )  # fmt: skip
    ours, theirs = (pictures_and_scores(folder) for folder in (there.folder / "study/runs", there.folder / "runs"))
    assert ours.keys() == theirs.keys()
    assert all(ours[name] == theirs[name] for name in ours)
    assert sum(name.endswith("scores.json") for name in ours) == 5  # two floors and two ceilings beside it


def pictures_and_scores(runs: Path) -> dict[str, bytes]:
    wanted = [f for f in runs.rglob("*") if f.suffix in (".png", ".csv") or f.name == "scores.json"]
    return {f.relative_to(runs).as_posix(): f.read_bytes() for f in wanted}


def test_a_second_study_in_a_folder_is_told_who_runs_the_first(lab: Lab) -> None:
    study = Study(["uses-eeg"], datasets=["drawn"], runs=lab.runs, device="cpu")
    with running(lab.runs), pytest.raises(UsageError, match=f"process {os.getpid()} on .* runs a study there"):
        study.run()


WHOLE = 'kind = "slurm"\nqueue = "q"\njobs = 1\ncores = 1\nmemory = "1 GB"\nwalltime = "01:00:00"\n'


@pytest.mark.parametrize(
    ("words", "file", "code", "told"),
    [
        (["--scheduler", "tcp://127.0.0.1:9"], "", 3, "no Dask scheduler answers at 'tcp://127.0.0.1:9'"),
        (["--workers", "2", "--scheduler", "tcp://127.0.0.1:9"], "", 2, "do not go together"),
        (["--cluster"], WHOLE.replace('queue = "q"\n', ""), 2, "names no queue"),
        (["--cluster"], WHOLE.replace("slurm", "slurn"), 2, "unknown kind of cluster 'slurn'; did you mean 'slurm'?"),
        (["--cluster"], WHOLE + "gpu = 1\n", 2, "unknown key of the cluster file"),
        (["--cluster"], WHOLE.replace("01:00:00", "an hour"), 2, "walltime is 'an hour'; wanted hours:minutes"),
        (["--cluster"], WHOLE.replace("jobs = 1", "jobs = 0"), 2, "jobs is 0; wanted 1 or more"),
        (["--cluster"], WHOLE.replace("jobs = 1", 'jobs = "1"'), 2, "jobs is '1'; wanted int"),
        (["--cluster"], None, 2, "cluster.toml"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    lab: Lab, words: list[str], file: str | None, code: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegbench.studies.engine.cluster.ANSWER", 0.5)
    place = lab.runs.parent / "cluster.toml"
    if file:
        place.write_text(file)
    given = [*words, str(place)] if words == ["--cluster"] else words
    study = study_file(lab.runs.parent, methods=["uses-eeg"], datasets=["drawn"], subjects=[1], suite="auto")
    done = CliRunner().invoke(app, ["study", "run", str(study), *given])
    assert (done.exit_code, told in done.stderr) == (code, True), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_kills_cost_nothing_that_was_finished(tmp_path: Path) -> None:
    found = disturbed(tmp_path, cells=2, kills=3, seed=1, workers=2, pause=0.3)
    assert found.killed.total() == 3
    assert not found.again and not found.differing and not found.given_up


def test_the_board_names_what_is_missing_and_shows_the_study_alone(lab: Lab) -> None:
    study = Study(["uses-eeg"], datasets=["drawn"], seeds=[0, 1], subjects=[8], runs=lab.runs, device="cpu")
    lab.evaluate()
    lab.evaluate(seed=5)
    with pytest.warns(Notice, match="1 of the study's 2 runs are not complete: uses-eeg on drawn sub-08, eeg, seed 1"):
        board = study.board()
    rows = {row.method: row for table in board.record.tables for row in table.rows}
    assert rows["uses-eeg"].seeds == (0,) and len(rows) > 1
    assert "seed 1 (to do)" in board.markdown()


def test_what_a_study_says_of_its_work_is_no_news_to_a_board(lab: Lab) -> None:
    with running(lab.runs):
        assert find_runs(lab.runs).notes() == []
    (lab.runs / ".hidden").mkdir()
    assert ".hidden/" in find_runs(lab.runs).notes()[0]


def test_without_dask_a_study_says_what_to_install(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    study = Study(["uses-eeg"], datasets=["drawn"], subjects=[8], runs=lab.runs, device="cpu")
    with pytest.raises(MissingError, match=r"python -m pip install 'eegbench\[cluster\]' installs it"):
        study.run("tcp://127.0.0.1:9")


def test_floors_and_ceilings_are_a_task_for_all_runs_that_may_share_them(lab: Lab) -> None:
    views: list[dict[str, Any]] = [{}, {"window": "0:0.2"}, {"train_stimuli": 4}]
    study = Study(
        ["uses-eeg"], datasets=["drawn"], subjects=[8], seeds=[0, 1], views=views, runs=lab.runs, device="cpu"
    )
    tasks = tasks_of(study.cells, set())
    assert [sum(task.kind == kind for task in tasks) for kind in (FIT, REFERENCES, RUN)] == [6, 2, 6]
    order = [task.key for task in tasks]
    assert all(order.index(need) < order.index(task.key) for task in tasks for need in task.needs)
