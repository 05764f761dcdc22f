"""A prepared folder: whole or not there, taken up where it was, read as it was written."""

import errno
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from eegbench.contracts import Silent
from eegbench.datasets import prepared as module
from eegbench.datasets.prepared import MANIFEST, UNFINISHED, Prepared, preparing
from eegbench.errors import InputError, MissingError, UsageError

VALUES = np.arange(24, dtype=np.float32).reshape(4, 3, 2)


def make(folder: Path, made_from: str = "a", *, stop: str = "") -> list[str]:
    """Prepare two arrays and a table; the files that had to be made. `stop`: where a crash comes."""
    made = []
    with preparing(folder, {"sources": made_from}) as preparation:
        preparation.facts = {"rate": 100.0}
        for name in ("one.npy", "two.npy"):
            if preparation.lacks(name):
                with preparation.array(name, VALUES.shape) as rows:
                    rows.add(VALUES[:3])
                    if name == stop:
                        raise KeyboardInterrupt
                    rows.add(VALUES[3:].astype(np.float64))
                made.append(name)
        preparation.table("rows.csv", ("stimulus", "number"), [("a, b", 1), ("c", 2)])
    return made


def read(folder: Path) -> Prepared:
    return Prepared.read(folder, remedy="prepare it")


def test_what_was_written_is_read_memory_mapped(tmp_path: Path) -> None:
    assert make(tmp_path / "p") == ["one.npy", "two.npy"]
    found = read(tmp_path / "p")
    values = found.array("one.npy")
    np.testing.assert_array_equal(values, VALUES)
    assert isinstance(values, np.memmap) and not values.flags.writeable and values.dtype == np.float32
    assert found.table("rows.csv") == [{"stimulus": "a, b", "number": "1"}, {"stimulus": "c", "number": "2"}]
    assert found.facts == {"rate": 100.0} and found.made_from == {"sources": "a"}
    assert found.problems(Silent()) == []
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        ".lock", MANIFEST, "one.npy", "rows.csv", "two.npy",
    ]  # fmt: skip


def test_what_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, stop="two.npy")
    with pytest.raises(MissingError, match="not prepared to its end; prepare it"):
        read(tmp_path)
    assert not list(tmp_path.glob("*.part"))
    assert make(tmp_path) == ["two.npy"]
    assert make(tmp_path) == [] and not (tmp_path / UNFINISHED).exists()
    before = read(tmp_path).sha256
    assert make(tmp_path, "b") == ["one.npy", "two.npy"]  # from other sources: anew
    assert read(tmp_path).sha256 != before


def test_a_preparation_that_fails_leaves_no_manifest_of_the_one_before(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, "b", stop="one.npy")
    assert not (tmp_path / MANIFEST).exists()


def test_what_a_killed_preparation_from_other_sources_left_is_not_taken_up(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, "a", stop="two.npy")
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, "b", stop="one.npy")
    (tmp_path / "one.npy").write_bytes(b"x" * 224)  # of b, killed before it was noted
    assert make(tmp_path, "a") == ["one.npy", "two.npy"]
    assert read(tmp_path).problems(Silent()) == []


def test_what_another_version_of_this_code_wrote_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path)
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    assert make(tmp_path) == ["one.npy", "two.npy"]


def test_a_file_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "one.npy").unlink()
    with pytest.raises(InputError, match=r"one.npy: missing, wanted 224 bytes; delete it, and prepare"):
        read(tmp_path).array("one.npy")
    assert read(tmp_path).problems(Silent()) == [f"{tmp_path / 'one.npy'}: is missing; {module.REMAKE}"]
    assert make(tmp_path) == ["one.npy"]


def test_a_second_process_stops_and_says_so(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from eegbench.datasets.prepared import preparing\n"
        "with preparing(Path(sys.argv[1]), {}): print('in', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "in\n"
        with pytest.raises(UsageError, match="another process prepares it; wait until it is done"):
            make(tmp_path)
        other.kill()
    assert make(tmp_path) == ["one.npy", "two.npy"]  # a killed process holds nothing


@pytest.mark.parametrize("count", [3, 5])
def test_an_array_has_all_its_rows_or_is_not_kept(tmp_path: Path, count: int) -> None:
    with (
        pytest.raises(ValueError, match="are missing, or too many"),
        preparing(tmp_path, {}) as preparation,
        preparation.array("a.npy", (4, 2)) as rows,
    ):
        rows.add(np.zeros((count, 2)))
    assert not (tmp_path / "a.npy").exists() and not (tmp_path / MANIFEST).exists()


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(10**9, 10**9, 10**6))
    with pytest.raises(MissingError, match=r"one.npy: needs 0.00 GB, and the disk has 0.00 GB free; free some, then"):
        make(tmp_path)
    assert not list(tmp_path.glob("*.part"))


class Full(io.FileIO):
    """A file on a disk that has room for 150 bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + min(len(data), 50) > 150:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[:50])  # a part, as a raw file may


def test_a_disk_that_fills_up_is_one_line_and_what_was_whole_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.open

    def opened(path: Path, mode: str = "r", **options: Any) -> Any:
        return Full(path, "w") if path.name == "two.npy.part" else whole(path, mode, **options)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(MissingError, match=r"two.npy.part: no space left on the disk; free some, then run the same"):
        make(tmp_path)
    monkeypatch.undo()
    assert make(tmp_path) == ["two.npy"] and read(tmp_path).problems(Silent()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m | {"schema_version": 2}, "no manifest of version 1"),
        (lambda m: m | {"files": []}, "no manifest of version 1"),
        (lambda m: m | {"files": {"../one.npy": m["files"]["one.npy"]}}, "no manifest of version 1"),
        (lambda m: m | {"files": {"one.npy": {"bytes": "many", "sha256": "a"}}}, "no manifest of version 1"),
        (lambda m: m | {"files": {}}, "names no one.npy"),
        (lambda m: m | {"files": {"one.npy": m["files"]["one.npy"] | {"shape": [3, 4, 2]}}}, "its manifest says"),
        (lambda m: m | {"files": {"one.npy": m["files"]["one.npy"] | {"bytes": 7}}}, "224 bytes, wanted 7 bytes"),
    ],
)
def test_a_manifest_that_is_not_so_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    make(tmp_path)
    path = tmp_path / MANIFEST
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(InputError, match=message):
        read(tmp_path).array("one.npy")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"cannot be written .*; choose another folder with --root"):
        make(tmp_path / "file" / "p")
