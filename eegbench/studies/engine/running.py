"""What a study leaves in its folder of runs while it runs: who runs it, and why a task failed."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eegbench.benchmark.code import code, named
from eegbench.errors import InputError, UsageError
from eegbench.files import Json, claimed, read_json, write_bytes, writing
from eegbench.runs.layout import STUDY
from eegbench.studies.engine.outcome import Outcome
from eegbench.studies.engine.tasks import Task, failure_of

LOCK, RECORD = f"{STUDY}/lock", f"{STUDY}/study.json"  # below the folder of runs
LONGEST = 200  # bytes of what it says


@contextmanager
def running(runs: Path) -> Iterator[None]:
    """Inside it no other process runs a study in this folder of runs; raises UsageError that says who does."""
    place = runs / LOCK
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        file = place.open("a+b")
    with file:
        if not claimed(file):
            file.seek(0)
            who = file.read(LONGEST).decode(errors="replace").strip() or "another process"
            raise UsageError(f"{runs}: {who} runs a study there; wait for it, or end it")
        file.truncate(0)
        who = f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%Y-%m-%d %H:%M:%S')},"
        file.write(who.encode())
        file.flush()
        yield


def begun(runs: Path) -> str:
    """Note that the code of here makes the study's runs; gives what it was begun with, where that was other code."""
    file, here = runs / RECORD, code()
    earlier: Json = {}
    with suppress(InputError, OSError):
        found = read_json(file).get("code")
        earlier = found if isinstance(found, dict) else {}
    if not earlier:
        write_bytes(file, (json.dumps({"code": here}, indent=1) + "\n").encode())
    same = not earlier or earlier.get("sources") == here["sources"]
    return "" if same else f"begun with {named(earlier)}, and goes on with {named(here)}"


def remember(task: Task, outcome: Outcome, runs: Path) -> None:
    """Keep why a task failed; or forget it, where it was done now."""
    file = failure_of(runs, task.key)
    if outcome.done:
        with writing(file):
            file.unlink(missing_ok=True)
        return
    facts = {"task": task.words, "reason": outcome.reason, "traceback": outcome.traceback}
    write_bytes(file, (json.dumps(facts, indent=1) + "\n").encode())
