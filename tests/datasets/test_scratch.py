"""Scratch: what does not fit in memory lies on disk for as long as it is used, and nobody has to clean up."""

import gc
import itertools
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.arrays import let_go, on_disk
from eegbench.datasets import scratch
from eegbench.datasets.scratch import gathered, stored
from eegbench.errors import MissingError, UsageError

VALUES = np.arange(5 * 3 * 4, dtype=np.float32).reshape(5, 3, 4)
Disk = namedtuple("Disk", "total used free")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path))
    return tmp_path


def mapped(folder: Path, values: NDArray[Any]) -> NDArray[Any]:
    np.save(folder / "values.npy", values)
    array: NDArray[Any] = np.load(folder / "values.npy", mmap_mode="r")
    return array


def test_parts_become_a_read_only_array_on_disk(cache: Path) -> None:
    array = stored(VALUES.shape, np.float32, (VALUES[:2], VALUES[:0], VALUES[2:].astype(np.float64)))
    assert isinstance(array, np.memmap) and on_disk(array) and not array.flags.writeable and array.dtype == np.float32
    let_go(array)
    np.testing.assert_array_equal(array, VALUES)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file has a name there, and loses it when it is closed")
def test_the_file_has_no_name(cache: Path) -> None:
    array = stored(VALUES.shape, np.float32, [VALUES])
    assert list(cache.rglob("*")) == [cache / "scratch"] and on_disk(array)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_kill_leaves_nothing(cache: Path) -> None:
    code = (
        "import numpy, os, signal\n"
        "from eegbench.datasets.scratch import stored\n"
        "def parts():\n"
        "    yield numpy.ones((2, 3))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "stored((4, 3), float, parts())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list((cache / "scratch").iterdir()) == []


def test_disk_space_is_free_again_when_the_array_is_gone(cache: Path) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("open files are listed on Linux alone")

    def held() -> int:
        return sum("(deleted)" in str(link.resolve()) for link in descriptors.iterdir() if link.is_symlink())

    before = held()
    array = stored(VALUES.shape, np.float32, [VALUES])
    assert held() == before + 1
    del array
    gc.collect()
    assert held() == before


def test_too_few_or_too_many_rows_are_an_error_of_ours(cache: Path) -> None:
    with pytest.raises(ValueError, match="192 bytes came for an array of 240"):
        stored(VALUES.shape, np.float32, [VALUES[:4]])


def test_no_rows_make_an_array_too(cache: Path) -> None:
    assert stored((0, 3), np.float32, []).shape == (0, 3)


def test_a_disk_without_room_is_said_before_a_byte_is_written(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(10**9, 10**9, 10**6))
    asked = []
    with pytest.raises(
        MissingError, match=r"scratch: needs 0\.00 GB, and the disk has 0\.00 GB free; .*EEGBENCH_CACHE"
    ):
        stored(VALUES.shape, np.float32, (asked.append(i) or VALUES[i : i + 1] for i in range(5)))  # type: ignore[func-returns-value]
    assert asked == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device to write to")
def test_a_disk_that_fills_up_meanwhile_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "r+b", buffering=0) as full:
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full)
        with pytest.raises(MissingError, match="scratch: no space left on the disk; free some, then run the same"):
            stored(VALUES.shape, np.float32, [VALUES])


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(
        UsageError, match=r"scratch: cannot be written \(.*\); set EEGBENCH_CACHE to a folder on another"
    ):
        stored(VALUES.shape, np.float32, [VALUES])


@pytest.mark.parametrize("at_once", [1, 100, 2**23])
@pytest.mark.parametrize("disk", [False, True])
def test_rows_are_gathered_alike_in_memory_and_on_disk(
    cache: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, disk: bool
) -> None:
    monkeypatch.setattr(scratch, "AT_ONCE", at_once)
    source = mapped(cache, VALUES) if disk else VALUES
    array = gathered(source, np.array([4, 0, 2]), lambda part: part[:, 1:, ::2].astype(np.float64) * 2)
    assert on_disk(array) == disk and array.dtype == np.float64
    np.testing.assert_array_equal(array, VALUES[[4, 0, 2], 1:, ::2] * 2)


def test_what_changes_a_part_in_place_leaves_the_source(cache: Path) -> None:
    source = VALUES.copy()

    def emptied(part: NDArray[Any]) -> NDArray[Any]:
        part[:] = 0
        return part

    assert not gathered(source, np.arange(5), emptied).any()
    np.testing.assert_array_equal(source, VALUES)


def test_a_view_of_a_file_is_on_disk_and_a_copy_is_not(cache: Path) -> None:
    source = mapped(cache, VALUES)
    on = [source, source[1:], source.reshape(15, 4), np.asarray(source), source[:, ::2].transpose(1, 0, 2)]
    off = [VALUES, VALUES[1:], source[[0, 1]], np.array(source), source + 1]
    assert [on_disk(array) for array in itertools.chain(on, off)] == [True] * 5 + [False] * 5


def test_an_error_in_a_part_is_handed_on(cache: Path) -> None:
    def parts() -> Iterator[NDArray[Any]]:
        yield VALUES[:1]
        raise OSError(5, "of the source")

    with pytest.raises(OSError, match="of the source"):
        stored(VALUES.shape, np.float32, parts())
