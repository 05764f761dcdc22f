"""A folder of somebody else is read by descriptors: no link, pipe or change meanwhile leads anybody astray."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from eegbench.errors import InputError
from eegbench.runs import opened
from eegbench.runs.opened import FILE, LINK, OTHER, Opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "theirs"
    (place / "inner").mkdir(parents=True)
    (place / "inner/a.txt").write_text("theirs")
    return place


@pytest.fixture(params=["by descriptors", "by paths"])
def way(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways: systems without descriptors of folders go by paths."""
    if request.param == "by paths":
        monkeypatch.setattr(opened, "_BY_DESCRIPTOR", False)
    return str(request.param)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    place = tmp_path / "secret"
    (place / "inner").mkdir(parents=True)
    (place / "inner/a.txt").write_text("SECRET")
    return place


def refused(folder: Path, name: str, target: Path) -> str:
    with Opened(folder) as source, pytest.raises(InputError) as error:
        source.copy(name, target)
    return str(error.value)


def test_a_file_is_copied_and_what_lies_there_is_listed_by_kind(folder: Path, way: str, tmp_path: Path) -> None:
    (folder / ".hidden").mkdir()
    (folder / "inner/.a.tmp").write_text("left")
    (folder / "link").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    with Opened(folder) as source:
        assert source.names() == {"inner/a.txt": FILE, "link": LINK, "pipe": OTHER}
        source.copy("inner/a.txt", tmp_path / "ours/a.txt")
    assert (tmp_path / "ours/a.txt").read_text() == "theirs"


@pytest.mark.parametrize("name", ["inner/a.txt", "inner"])
def test_a_link_at_any_component_is_refused(folder: Path, way: str, secret: Path, tmp_path: Path, name: str) -> None:
    shutil.rmtree(folder / "inner") if name == "inner" else (folder / name).unlink()
    (folder / name).symlink_to(secret / name)
    assert "is a link" in refused(folder, "inner/a.txt", tmp_path / "copy")
    with Opened(folder) as source:
        assert source.names() == {name: LINK}


def test_the_folder_itself_and_those_above_are_no_links(folder: Path, way: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(InputError, match="is a link"):
        Opened(tmp_path / "link")
    with Opened(tmp_path / "link", links=True) as source:
        assert list(source.names()) == ["inner/a.txt"]


def test_what_is_no_file_or_not_there_is_refused_and_holds_nobody(folder: Path, way: str, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert "is no file" in refused(folder, "pipe", tmp_path / "copy")
    assert "is missing" in refused(folder, "inner/b.txt", tmp_path / "copy")


def test_a_hard_link_is_copied_as_a_file_of_its_own(folder: Path, way: str, tmp_path: Path) -> None:
    os.link(folder / "inner/a.txt", tmp_path / "other")
    with Opened(folder) as source:
        source.copy("inner/a.txt", tmp_path / "copy")
    (tmp_path / "other").write_text("changed afterwards")
    assert (tmp_path / "copy").read_text() == "theirs" and (tmp_path / "copy").stat().st_nlink == 1


def test_a_file_that_grows_while_it_is_copied_is_refused(
    folder: Path, way: str, tmp_path: Path, monkeypatch: Any
) -> None:
    file, read = folder / "inner/a.txt", Opened._read

    def growing(self: Opened, *rest: Any) -> bytes:
        with file.open("a") as more:
            more.write("more")
        return read(self, *rest)

    monkeypatch.setattr(Opened, "_read", growing)
    assert "grew while it was copied" in refused(folder, "inner/a.txt", tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_size <= len("theirs")


def test_sizes_and_numbers_are_bounded(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "MAX_BYTES", 10)
    with Opened(folder) as source:
        source.copy("inner/a.txt", tmp_path / "one")
        with pytest.raises(InputError, match="have more than 10 bytes"):
            source.copy("inner/a.txt", tmp_path / "two")
    monkeypatch.setattr(opened, "MAX_FILE", 5)
    assert "6 bytes; at most 5" in refused(folder, "inner/a.txt", tmp_path / "three")
    monkeypatch.setattr(opened, "MAX_FILES", 1)
    with Opened(folder) as source, pytest.raises(InputError, match="more than 1 files"):
        source.names()


def test_a_very_deep_tree_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "deep"
    place.joinpath(*["x" * 200] * 6).mkdir(parents=True)
    with Opened(place) as source, pytest.raises(InputError, match="a path of more than"):
        source.names()


@pytest.mark.parametrize("name", ["inner", "inner/a.txt"])
def test_what_is_swapped_for_a_link_after_it_was_looked_at_leads_nowhere(
    folder: Path, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    look = os.stat

    def swapped(path: Any, **options: Any) -> os.stat_result:
        found = look(path, **options)
        if options.get("dir_fd") and path == Path(name).name and not (folder / name).is_symlink():
            (folder / name).rename(tmp_path / "aside")
            (folder / name).symlink_to(secret / name)
        return found

    monkeypatch.setattr(os, "stat", swapped)
    assert "became a link" in refused(folder, "inner/a.txt", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_folder_that_is_opened_stays_the_one_that_was_opened(folder: Path, secret: Path, tmp_path: Path) -> None:
    with Opened(folder) as source:
        folder.rename(tmp_path / "aside")
        folder.symlink_to(secret)
        source.copy("inner/a.txt", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "theirs"
