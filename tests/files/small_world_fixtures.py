"""The fixtures of `small_world.py`: the small world for each test anew, and runs of it that are made once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from small_world import Lab

Once = Callable[[str, Callable[[], Path]], Path]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Lab":
    """The small world in place of the real data sets, methods, judges and metrics, with its own cache and runs."""
    from small_world import small_world  # here, for it loads torch

    return small_world(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def kept() -> dict[str, tuple[Path, Path]]:
    """Trees of runs that were made once, and of each the path of its run."""
    return {}


@pytest.fixture
def once(lab: "Lab", kept: dict[str, tuple[Path, Path]], tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Makes a tree of runs the first time that it is asked for by its name, and copies it into the lab from then on."""

    def of(name: str, make: Callable[[], Path]) -> Path:
        if name in kept:
            tree, run = kept[name]
            shutil.copytree(tree, lab.runs)
            return lab.runs / run
        folder = make()
        tree = tmp_path_factory.mktemp("kept") / "runs"
        shutil.copytree(lab.runs, tree)
        kept[name] = tree, folder.relative_to(lab.runs)
        return folder

    return of
