"""A folder is read by one walker, which says what it did not read and why."""

import os
from pathlib import Path
from typing import Any

import pytest

from eegbench.errors import InputError
from eegbench.guards import walking
from eegbench.guards.walking import Links, Tree, unread_lines, walk


def tree_of(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(file)
    return root


def found(tree: Tree) -> list[str]:
    return [path for path, _ in tree.files()]


def reasons(tree: Tree) -> dict[str, str]:
    return {one.path: one.reason for one in tree.unread}


def link(at: Path, to: Path) -> None:
    at.symlink_to(to, target_is_directory=to.is_dir())


def test_files_come_in_the_order_of_their_names_at_any_depth(tmp_path: Path) -> None:
    tree = walk(tree_of(tmp_path, "b/2", "b/10", "a/x/1", "c"))
    assert (found(tree), tree.unread) == (["c", "a/x/1", "b/10", "b/2"], ())


def test_what_is_hidden_is_named_and_not_read(tmp_path: Path) -> None:
    tree = walk(tree_of(tmp_path, "a", ".a", "._a", ".git/b", "__MACOSX/c"))
    assert found(tree) == ["a"]
    assert reasons(tree) == dict.fromkeys([".a", "._a", ".git/", "__MACOSX/"], walking.HIDDEN)


def test_a_link_inside_is_followed_and_one_that_leads_out_is_named(tmp_path: Path) -> None:
    top, outside = tree_of(tmp_path / "top", "a/1", "b"), tree_of(tmp_path / "top-too", "2")
    link(top / "c", top / "a")
    link(top / "d", outside)
    link(top / "e", outside / "2")
    link(top / "f", top / "b")
    link(top / "g", tmp_path / "gone")
    tree = walk(top)
    assert sorted(found(tree)) == ["a/1", "b", "c/1", "f"]
    assert reasons(tree) == {"d/": walking.OUT, "e": walking.OUT, "g": walking.NOWHERE}
    assert sorted(found(walk(top, links=Links.ALL))) == ["a/1", "b", "c/1", "d/2", "e", "f"]
    assert sorted(found(walk(top, links=Links.NONE))) == ["a/1", "b"]


def test_the_top_folder_may_be_a_link(tmp_path: Path) -> None:
    link(tmp_path / "top", tree_of(tmp_path / "scratch", "a/1"))
    link(tmp_path / "scratch" / "b", tmp_path / "top" / "a")
    assert found(walk(tmp_path / "top")) == ["a/1", "b/1"]


@pytest.mark.parametrize("links", [Links.INSIDE, Links.ALL])
def test_loops_have_an_end(tmp_path: Path, links: Links) -> None:
    top = tree_of(tmp_path / "top", "a/1", "b/2")
    link(top / "a" / "up", top)
    link(top / "a" / "b", top / "b")
    link(top / "b" / "a", top / "a")
    link(top / "itself", top / "itself")
    tree = walk(top, links=links)
    assert {"a/1", "b/2", "a/b/2", "b/a/1"} == set(found(tree))
    assert set(reasons(tree).values()) <= {walking.LOOP, walking.AGAIN, walking.NOWHERE}


def test_a_link_that_leads_up_and_out_is_no_way_around(tmp_path: Path) -> None:
    top = tree_of(tmp_path / "all" / "top", "1")
    link(top / "out", tmp_path / "all")
    assert found(walk(top, links=Links.ALL)) == ["1"]


def test_folders_that_link_to_one_another_are_entered_once_each(tmp_path: Path) -> None:
    names = [f"{i:02d}" for i in range(12)]
    top = tree_of(tmp_path, *(f"{name}/file" for name in names))
    for name in names:
        for other in names:
            link(top / name / f"to{other}", top / other)
    tree = walk(top)  # every way through all folders: 12! of them
    assert len(found(tree)) <= 2 * len(names)
    assert {f"{name}/file" for name in names} <= set(found(tree))


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top, scandir = tree_of(tmp_path, "a/1", "b/2"), os.scandir

    def closed(path: Any) -> Any:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)  # who is root may read everything
    tree = walk(top)
    assert (found(tree), reasons(tree)) == (["a/1"], {"b/": walking.UNREADABLE})
    with pytest.raises(InputError, match=r"b: cannot be read \(Permission denied\)"):
        walk(top / "b")


def test_a_pipe_is_no_file_and_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert reasons(walk(tmp_path)) == {"pipe.png": walking.SPECIAL}


def test_a_note_tells_a_reason_its_count_and_the_first_few_names_on_one_line(tmp_path: Path) -> None:
    tree = walk(tree_of(tmp_path, ".a", ".b", ".c\nd", ".e", "f"))
    assert unread_lines(Path("top"), tree.unread) == ["top: 4 not read: .a, .b, .c\\u000ad and 1 more (hidden)"]
    assert unread_lines(Path("top"), ()) == []


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        walk(tmp_path / "none")
    tree_of(tmp_path, "file")
    with pytest.raises(InputError, match="no such folder"):
        walk(tmp_path / "file")
