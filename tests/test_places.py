"""Where eegbench writes: also on file systems that have no locks."""

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from eegbench.datasets.captions import taken_up
from eegbench.datasets.prepared import preparing
from eegbench.download import _claimed
from eegbench.files import claimed

fcntl = pytest.importorskip("fcntl")
WRITERS: dict[str, Callable[[Path], AbstractContextManager[Any]]] = {
    "a download": _claimed,
    "captions": taken_up,
    "a preparation": lambda path: preparing(path, {}),
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
