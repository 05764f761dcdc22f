"""Zip archives from the web: what is unpacked, and what no archive can do."""

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eegbench.contracts import Silent
from eegbench.datasets.archives import names, unpack
from eegbench.errors import InputError

FILES = {"a/one.txt": b"one" * 1000, "a/b/two.txt": b"two", "three.txt": b""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "inner" / "folder"


def packed(path: Path, files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> Path:
    """An archive of the files, each entry's head changed before it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo("placeholder")
            info.filename = info.orig_filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, content)
    return path


def there(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(path: Path, folder: Path, **limits: Any) -> str:
    """What is said of an archive that is refused; nothing of it may be anywhere."""
    before = set(folder.parent.parent.rglob("*"))
    with pytest.raises(InputError) as error:
        unpack(path, folder, progress=Silent(), **limits)
    assert set(folder.parent.parent.rglob("*")) - before <= {folder, folder.parent}
    assert "\n" not in str(error.value)
    return str(error.value)


def test_all_files_come_out(tmp_path: Path, folder: Path) -> None:
    path = packed(tmp_path / "x.zip", {**FILES, "empty/": b""})
    assert set(unpack(path, folder, progress=Silent())) == names(path) == set(FILES)
    assert there(folder) == FILES
    assert list(folder.parent.iterdir()) == [folder]  # no temporary file stays


def test_a_folder_or_some_files_can_be_asked_for(tmp_path: Path, folder: Path) -> None:
    path = packed(tmp_path / "x.zip", FILES)
    assert unpack(path, folder, progress=Silent(), below="a", only={"b/two.txt"}) == ("b/two.txt",)
    assert there(folder) == {"b/two.txt": b"two"}


def test_it_goes_on_where_it_was_stopped(tmp_path: Path, folder: Path) -> None:
    path = packed(tmp_path / "x.zip", FILES)
    unpack(path, folder, progress=Silent())
    (folder / "a" / "b" / "two.txt").unlink()
    (folder / "a" / "one.txt").write_bytes(b"half")
    (folder / "three.txt").touch()
    kept = (folder / "three.txt").stat().st_ino
    unpack(path, folder, progress=Silent())
    assert there(folder) == FILES
    assert (folder / "three.txt").stat().st_ino == kept


@pytest.mark.parametrize(
    "name",
    [
        "/etc/x", "../x", "a/../../x", "a/./x", "C:/x", "C:x", "..\\x", "\\\\host\\x", "a//x", "a\x00b", "a\nb",
        "nul", "a/COM1.txt",
    ],
)  # fmt: skip
def test_no_entry_leaves_the_folder(tmp_path: Path, folder: Path, name: str) -> None:
    path = packed(tmp_path / "x.zip", {"good": b"1", name: b"x"})
    assert "which is no path inside a folder" in refused(path, folder)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, folder: Path, mode: int) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = (mode | 0o644) << 16

    assert "is a link or a device" in refused(packed(tmp_path / "x.zip", {"x": b"/etc"}, change), folder)


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (folder / "a").symlink_to(tmp_path / "elsewhere")
    assert "a link that leads out" in refused(packed(tmp_path / "x.zip", {"a/x": b"x"}), folder)


def test_encrypted_entries_are_refused(tmp_path: Path, folder: Path) -> None:
    path = packed(tmp_path / "x.zip", {"x": b"x"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    path.write_bytes(content)
    assert "is encrypted; unpack it by hand" in refused(path, folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["x", "x"], "holds 'x' twice"),
        (["a/X", "a/x"], "holds 'a/x' twice"),
        (["\u00e9", "e\u0301"], "twice"),
        (["a", "a/x"], "holds 'a' as a file and as a folder"),
    ],
)
def test_names_that_are_in_each_others_way_are_refused(
    tmp_path: Path, folder: Path, files: list[str], said: str
) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in files:
            archive.writestr(name, b"x")
    assert said in refused(path, folder)


def test_limits_hold(tmp_path: Path, folder: Path) -> None:
    path = packed(tmp_path / "x.zip", {"a": bytes(1000), "b": bytes(1000)})
    assert "holds 2000 bytes unpacked; at most 1999" in refused(path, folder, most_bytes=1999)
    assert "holds 2 entries; at most 1" in refused(path, folder, most_files=1)


def test_a_header_that_says_less_than_there_is_gains_nothing(tmp_path: Path, folder: Path) -> None:
    path = packed(tmp_path / "x.zip", {"bomb": bytes(100_000)})
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    assert "'bomb' is damaged" in refused(path, folder, most_bytes=100)


class Liar:
    """An entry that goes on for ever."""

    def __enter__(self) -> "Liar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        return bytes(size)


def test_what_is_written_is_counted(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "x.zip", {"bomb": bytes(10)})
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: Liar())
    assert "does not have the 10 bytes that its header says" in refused(path, folder)


def test_damage_is_found_by_the_checksum(tmp_path: Path, folder: Path) -> None:
    path = packed(tmp_path / "x.zip", {"x": b"content" * 100})
    content = bytearray(path.read_bytes())
    content[36] ^= 0xFF
    path.write_bytes(content)
    assert "'x' is damaged" in refused(path, folder)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04 and no more"])
def test_what_is_no_archive_is_refused(tmp_path: Path, folder: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    assert "cannot be read as a zip archive" in refused(path, folder)
