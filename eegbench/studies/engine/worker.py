"""A worker: it hands tasks, one at a time, to a process of `work` that it keeps."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from eegbench.files import Json
from eegbench.studies.engine.outcome import Outcome

# Whether the process may be copied: macOS's own libraries do not survive it, and Windows cannot.
COPIES = sys.platform.startswith("linux")
LAST = 2000  # bytes of what a process said before it died


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Worker:
    """Does tasks in processes with these variables of the environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - for as long as the worker is there

    def do(self, task: Json) -> Outcome:
        """A task as `Task.to_json` gives it, done."""
        answer = self._answer(json.dumps(task) + "\n")
        if answer is None:
            return Outcome(f"its worker's process died: {self._last_words()}", lost=True)
        told, code = answer["told"], answer["code"]
        if told is not None:
            return Outcome.from_json(told)
        if code < 0:
            return Outcome(f"its process was ended by {signal.Signals(-code).name}; see {task['log']}", killed=True)
        return Outcome(f"its process ended with {code} and said nothing of its own; see {task['log']}")

    def close(self) -> None:
        """End the process, and the task that it does; the worker is of no more use."""
        self._end()
        self._said.close()

    def _end(self) -> None:
        if (process := self._process) is None:
            return
        process.kill()
        self._process = None
        with suppress(OSError), process:  # which closes its pipes, and waits; one may be broken
            pass

    def _answer(self, line: str) -> Any:
        """What the process says to a line; None where it has died."""
        if self._process is None:
            self._process = self._begun()
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            if answer := self._process.stdout.readline():
                if not COPIES:
                    self._end()
                return json.loads(answer)
        except (OSError, ValueError):  # the pipe is broken, or half a line came
            pass
        self._end()
        return None

    def _begun(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "eegbench.studies.engine.work"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env={**os.environ, **self._environment},
        )

    def _last_words(self) -> str:
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - LAST))
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
