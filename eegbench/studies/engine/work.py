"""A process that waits for tasks, and does each in a process of its own: `python -m eegbench.studies.engine.work`.

A line of JSON on stdin is a task, a line on stdout how it ended. What a task says goes to its log. All that is heavy is
imported once, here; a task's process is a copy of this one, so that its crash, its leak or the memory of its GPU ends
with it. It ends when this process does, or whoever hands out the tasks. Where a process cannot be copied safely, this
one does a single task, and ends.
"""

import gc
import json
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eegbench.backbones.environment import disconnected
from eegbench.benchmark.evaluate import evaluate, references
from eegbench.benchmark.fit import fit
from eegbench.benchmark.preflight import examine
from eegbench.contracts import Progress
from eegbench.errors import in_words, out_of_memory
from eegbench.files import Json
from eegbench.progress import Terminal
from eegbench.studies.engine.tasks import FIT, REFERENCES, options_from
from eegbench.studies.engine.worker import COPIES

ALONE = 75  # the exit code of a task for which nobody waits any more


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    gc.freeze()  # what is loaded by now is shared with every copy, and looked through in none
    for line in iter(sys.stdin.readline, ""):
        task = json.loads(line)
        answers.write(json.dumps(attended(task) if COPIES else {"code": 0, "told": logged(task, waiting=(0,))}) + "\n")
        answers.flush()
        if not COPIES:
            os._exit(0)


def attended(task: Mapping[str, Any]) -> Json:
    """A task done in a process of its own: what it told, None where it told nothing, and its exit code."""
    alive, life = os.pipe()  # the reading end of one, which the task has, ends with this process
    listening, telling = os.pipe()
    child = os.fork()
    if not child:
        os.close(life)
        os.close(listening)
        _alone(task, telling, waiting=(alive, 0))
    os.close(alive)
    os.close(telling)
    with os.fdopen(listening, "rb") as file:
        told = file.read()
    _, status = os.waitpid(child, 0)
    os.close(life)
    return {"code": os.waitstatus_to_exitcode(status), "told": json.loads(told) if told else None}


def _alone(task: Mapping[str, Any], telling: int, waiting: tuple[int, ...]) -> None:
    """Do a task, tell of it, and end this process."""
    code = 1
    try:
        found = logged(task, waiting)
        with os.fdopen(telling, "w") as answer:
            json.dump(found, answer)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def logged(task: Mapping[str, Any], waiting: tuple[int, ...]) -> Json:
    """How a task ended; what this process says goes to the task's log, and it ends when one of these pipes does."""
    for end in waiting:
        threading.Thread(target=_end_with, args=(end,), daemon=True).start()
    log = Path(task["log"])
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    return outcome(task, Terminal())


def _end_with(end: int) -> None:
    """End this process when nobody holds the other end of a pipe any more."""
    os.read(end, 1)
    os._exit(ALONE)


def outcome(task: Mapping[str, Any], progress: Progress) -> Json:
    """How a task ended, as JSON."""
    try:
        do(task, progress)
    except Exception as error:
        traceback.print_exc()
        told = "".join(traceback.format_exception(error))
        return {"reason": in_words(error), "traceback": told, "memory": out_of_memory(error)}
    return {"reason": "", "traceback": "", "memory": False}


def do(task: Mapping[str, Any], progress: Progress) -> None:
    """Do a task; raises what fitting and evaluating raise."""
    method, subject, options = task["method"], task["subject"], options_from(task["options"])
    with disconnected(options.offline):
        if task["kind"] == FIT:
            planned, _, _ = examine(method, subject, options).require()
            fit(planned, progress=progress)
        elif task["kind"] == REFERENCES:
            references(method, subject, options, progress)
        else:
            evaluate(method, subject, options, progress)


if __name__ == "__main__":
    main()
