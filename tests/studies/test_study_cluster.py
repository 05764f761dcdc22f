"""Studies on a Dask cluster: workers of a scheduler, and jobs of a real SLURM that lose some of them."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slurm_here import lacking, slurm
from toy_study import entries, installed, study_file

pytest.importorskip("distributed")


@contextmanager
def process(words: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A module as a process, in a folder of which it imports nothing."""
    words = [sys.executable, "-m", *words]
    place = environment["EEGBENCH_CACHE"]
    Path(place).mkdir(exist_ok=True)
    found = subprocess.Popen(
        words, env=environment, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield found
    finally:
        found.terminate()
        found.communicate()


def run(file: Path, address: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "eegbench", "study", "run", str(file), "--scheduler", address]
    return subprocess.run(words, env=environment, cwd=file.parent, capture_output=True, text=True, check=False)


def until(met: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_workers_of_a_scheduler_make_a_study_and_one_with_other_code_is_refused(tmp_path: Path) -> None:
    environment = installed(tmp_path / "site", tmp_path / "journal") | {"EEGBENCH_CACHE": str(tmp_path / "cache")}
    known = tmp_path / "scheduler.json"
    file = study_file(tmp_path / "study", subjects=[1, 2], references=False)
    dask = ["distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(known)]
    worker = ["distributed.cli.dask_worker", "--scheduler-file", str(known), "--nthreads", "1", "--no-dashboard"]
    with process(dask, environment):
        until(known.is_file)
        address = json.loads(known.read_text())["address"]
        other = tmp_path / "other"
        (other / "eegbench").parent.mkdir()
        subprocess.run(["cp", "-r", str(Path(__file__).parents[2] / "eegbench"), str(other)], check=True)
        changed = other / "eegbench" / "kinds.py"
        changed.write_text(changed.read_text() + "# changed\n")
        with process(worker, environment | {"PYTHONPATH": f"{other}:{environment['PYTHONPATH']}"}):
            done = run(file, address, environment)
            assert done.returncode == 3 and "give both the same" in done.stderr
        with process(worker, environment), process(worker, environment):
            done = run(file, address, environment)
            assert done.returncode == 0, done.stderr
    assert "2 runs (2 complete)" in done.stdout
    assert sorted(whose for whose, _ in entries(tmp_path / "journal", "fit", "begun")) == ["1/0/0", "2/0/0"]


CLUSTER = """kind = "slurm"
queue = "short"
jobs = 2
cores = 1
memory = "1 GB"
walltime = "00:01:00"
options = { worker_extra_args = ["--nthreads", "1", "--memory-limit", "0"] }
"""


@pytest.mark.skipif(bool(lacking()), reason=f"no SLURM: {lacking()}")
def test_jobs_of_slurm_make_a_study_though_one_is_cancelled_and_others_meet_their_limit(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    toy = [{"name": "paints", "settings": {"pause": 2.0}}]
    file = study_file(tmp_path / "study", methods=toy, subjects=list(range(1, 8)), references=False)
    cluster = tmp_path / "cluster.toml"
    cluster.write_text(CLUSTER)  # without a lifetime: SLURM itself ends the jobs
    with slurm(tmp_path / "slurm") as known:
        environment = installed(tmp_path / "site", journal) | {
            "EEGBENCH_CACHE": str(tmp_path / "cache"),
            "SLURM_CONF": known["SLURM_CONF"],
        }
        with process(["eegbench", "study", "run", str(file), "--cluster", str(cluster)], environment) as study:
            until(lambda: journal.is_file() and bool(entries(journal, "fit", "begun")))
            subprocess.run(["scancel", "1"], env=known, check=True)  # in the middle of a fit
            told, _ = study.communicate(timeout=400)
        ends = subprocess.run(["scontrol", "show", "job"], env=known, capture_output=True, text=True, check=True).stdout
    assert study.returncode == 0, told
    assert "7 runs (7 complete)" in told
    assert "JobState=CANCELLED" in ends and "JobState=TIMEOUT" in ends
    ended = [whose for whose, _ in entries(journal, "fit", "ended")]
    assert len(set(ended)) == 7


def test_a_queue_that_takes_no_job_ends_the_study_with_its_words(tmp_path: Path) -> None:
    environment = installed(tmp_path / "site", tmp_path / "journal") | {"EEGBENCH_CACHE": str(tmp_path / "cache")}
    (tmp_path / "cluster.toml").write_text(CLUSTER)
    file = study_file(tmp_path / "study", subjects=[1], references=False)
    words = [sys.executable, "-m", "eegbench", "study", "run", str(file), "--cluster", str(tmp_path / "cluster.toml")]
    nowhere = environment | {"PATH": str(Path(sys.executable).parent)}  # no sbatch there
    done = subprocess.run(words, env=nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "the queue did not take a job" in done.stderr and "Traceback" not in done.stderr
