"""Where eegbench writes: also on file systems that have no locks."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from eegbench.datasets.captions import taken_up
from eegbench.datasets.prepared import preparing
from eegbench.download import _claimed
from eegbench.files import alone, claimed

fcntl = pytest.importorskip("fcntl")
WORKER = Path(__file__).parent / "files" / "at_work.py"
WRITERS: dict[str, Callable[[Path], AbstractContextManager[Any]]] = {
    "a download": _claimed,
    "captions": taken_up,
    "a preparation": lambda path: preparing(path, {}),
    "a run": alone,
}


def without_locks(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_system_without_locks_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str, code: int
) -> None:
    without_locks(monkeypatch, code)
    with WRITERS[writer](tmp_path / "a"):
        pass


def test_a_claimed_file_is_free_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("ab") as one, path.open("ab") as other:
        assert claimed(one) and claimed(one) and not claimed(other)
        one.close()
        assert claimed(other)


def test_other_faults_are_not_taken_for_a_want_of_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch, errno.EIO)
    with (tmp_path / "a").open("ab") as file, pytest.raises(OSError, match=os.strerror(errno.EIO)):
        claimed(file)


def test_processes_that_want_the_same_wait_for_each_other_and_leave_nothing(tmp_path: Path) -> None:
    lock, counter = tmp_path / "locks" / "one.lock", tmp_path / "counter"
    counter.write_text("0")
    words = [sys.executable, str(WORKER), str(lock), str(counter), "20"]
    workers = [subprocess.Popen(words) for _ in range(4)]
    assert [worker.wait(60) for worker in workers] == [0] * 4
    assert counter.read_text() == "80"
    assert not lock.parent.exists()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "one.lock"
    hold = f"import time, pathlib, eegbench.files as f\nwith f.alone(pathlib.Path({str(lock)!r})): time.sleep(60)"
    worker = subprocess.Popen([sys.executable, "-c", hold])
    while not lock.exists():
        time.sleep(0.01)
    worker.kill()
    worker.wait()
    assert lock.exists()
    with alone(lock, pause=0.01):
        pass
    assert not lock.exists()
