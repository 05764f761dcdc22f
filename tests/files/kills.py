"""A study that is killed again and again, and ends as one that was left alone.

    python tests/files/kills.py FOLDER [--cells 40] [--kills 50] [--seed 0] [--workers 2] [--pause 0.3]

At random moments it kills, with SIGKILL, the process that runs the study, a worker, or a task's process, and begins the
study again where it has ended. It prints what was killed, and what was done twice although it was finished.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from toy_study import entries, installed, study_file

VOLATILE = ("seconds", "environment", "peak_memory_bytes", "seal")  # of a record: times, machines, and what seals it


@dataclass
class Disturbed:
    """What came of it. again: what was begun anew after it was finished."""

    killed: Counter[str] = field(default_factory=Counter)
    begun: int = 0
    given_up: int = 0
    again: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    seconds: float = 0.0


def disturbed(folder: Path, *, cells: int, kills: int, seed: int, workers: int, pause: float) -> Disturbed:
    """Make a study of the toy's twice, once in peace and once with kills; everything lies below `folder`."""
    subjects = list(range(1, cells // 2 + 1))
    keys: dict[str, Any] = {"subjects": subjects, "seeds": [0, 1][: 1 + cells // 2 // len(subjects)]}
    keys |= {"methods": [{"name": "paints", "settings": {"pause": pause}}], "references": False}
    peace = _environment(folder / "peace")
    command = _command(study_file(folder / "peace" / "study", **keys), workers)
    subprocess.run(command, env=peace, check=True, capture_output=True)

    found, lot = Disturbed(), random.Random(seed)
    war = _environment(folder / "war")
    command = _command(study_file(folder / "war" / "study", **keys), workers)
    since = time.monotonic()
    process = _begin(command, war, found)
    while found.killed.total() < kills:
        time.sleep(lot.uniform(0.2, 3.0))
        if process.poll() is not None:
            if process.returncode == 0:
                break  # it came to its end before all kills were done
            process = _begin(command, war, found)
            continue
        if (victim := _victim(process, lot)) is not None:
            what, chosen = victim
            try:
                chosen.kill()
                found.killed[what] += 1
            except psutil.NoSuchProcess:
                continue
            if what == "study":
                process.wait()
                process = _begin(command, war, found)
    process.wait()
    if process.returncode:
        told = json.loads(subprocess.run([*command, "--json"], env=war, capture_output=True, check=False).stdout)
        found.given_up = len(told["failed"])
        subprocess.run([*command, "--retry-failed"], env=war, check=True, capture_output=True)
    found.seconds = time.monotonic() - since
    found.again = _again(folder / "war")
    found.differing = _differing(folder / "peace" / "study" / "runs", folder / "war" / "study" / "runs")
    return found


def _environment(folder: Path) -> dict[str, str]:
    return installed(folder / "site", folder / "journal") | {"EEGBENCH_CACHE": str(folder / "cache")}


def _command(file: Path, workers: int) -> list[str]:
    return [sys.executable, "-m", "eegbench", "study", "run", str(file), "--workers", str(workers)]


def _begin(command: list[str], environment: dict[str, str], found: Disturbed) -> "subprocess.Popen[bytes]":
    found.begun += 1
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _victim(process: "subprocess.Popen[bytes]", lot: random.Random) -> tuple[str, psutil.Process] | None:
    """The study's process one time in five; else a worker or a task's process, where there is one."""
    try:
        study = psutil.Process(process.pid)
        workers = study.children()
        tasks = [task for worker in workers for task in worker.children()]
    except psutil.NoSuchProcess:
        return None
    kinds = {"study": [study], "worker": workers, "task": tasks}
    kind = lot.choices(list(kinds), weights=(1, 2, 2))[0]
    return (kind, lot.choice(kinds[kind])) if kinds[kind] else None


def _again(folder: Path) -> list[str]:
    """Fits and images that were begun after the fit's card, or the run's record of complete images, was written."""
    finished: dict[tuple[str, str], float] = {}
    for card in (folder / "cache" / "fitted").glob("*/fit.json"):
        whose = json.loads((card.parent / "toy.json").read_text())[0]
        finished["fit", whose] = card.stat().st_mtime
    for record in (folder / "study" / "runs").glob("toy/eeg/paints/*/*/run.json"):
        spec = json.loads(record.read_text())["spec"]
        finished["images", f"{spec['subject']}/{spec['seed']}/0"] = record.stat().st_mtime
    begun = [
        (what, whose, when) for what in ("fit", "images") for whose, when in entries(folder / "journal", what, "begun")
    ]
    return [f"{what} of {whose}" for what, whose, when in begun if when > finished[what, whose]]


def _differing(one: Path, other: Path) -> list[str]:
    """Files below two folders of runs that are not the same, but for times."""
    ours, theirs = _files(one), _files(other)
    return sorted(ours.keys() ^ theirs.keys()) + sorted(
        name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]
    )


def _files(runs: Path) -> dict[str, object]:
    """What each file holds, by its path below the folder of runs."""
    found: dict[str, object] = {}
    for file in runs.rglob("*"):
        name = file.relative_to(runs).as_posix()
        if file.is_file() and not name.startswith((".study/", ".locks/")):
            found[name] = file.read_bytes()
            if file.name == "run.json":
                found[name] = {k: v for k, v in json.loads(file.read_text()).items() if k not in VOLATILE}
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name, kind, usual in (
        ("cells", int, 40),
        ("kills", int, 50),
        ("seed", int, 0),
        ("workers", int, 2),
        ("pause", float, 0.3),
    ):
        parser.add_argument(f"--{name}", type=kind, default=usual)
    given = vars(parser.parse_args())
    found = disturbed(given.pop("folder"), **given)
    killed = ", ".join(f"{count} {what}" for what, count in sorted(found.killed.items()))
    print(f"killed {found.killed.total()} ({killed}) in {found.seconds:.0f} s; the study was begun {found.begun} times")
    print(f"given up, and made with --retry-failed: {found.given_up}")
    print(f"begun again after they were finished: {found.again or 'none'}")
    print(f"files that differ from those of an undisturbed study: {found.differing or 'none'}")
    if found.again or found.differing:
        sys.exit(1)


if __name__ == "__main__":
    main()
