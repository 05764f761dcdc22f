"""What is built of the project is whole, and runs where there is no repository."""

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hatchling import build

ROOT = Path(__file__).parents[1]
PAIRS = ROOT / "tests" / "golden"
AWAY = ("__pycache__", "_build")  # what tools leave


def files(folder: str) -> set[str]:
    """All files below a folder of the project."""
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in found if not {*AWAY} & {*path.parts}}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Builds `wheel` or `sdist` as pip would, in this process and without a network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)

        def make(kind: str) -> Path:
            folder = tmp_path_factory.mktemp(kind)
            name: str = getattr(build, f"build_{kind}")(str(folder))
            return folder / name

        yield make


@pytest.fixture(scope="module")
def wheel(built: Callable[[str], Path]) -> Path:
    """The wheel, unpacked as pip unpacks it."""
    path = built("wheel")
    folder = path.parent / "site"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def run(site: Path, cwd: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """`python -m eegbench` of that folder."""
    own = {"PYTHONPATH": str(site), "EEGBENCH_CACHE": str(cwd / "cache")}
    command = [sys.executable, "-m", "eegbench", *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=os.environ | own, capture_output=True, text=True, check=False)


def test_the_source_archive_has_the_package_its_tests_and_its_docs(built: Callable[[str], Path]) -> None:
    with tarfile.open(built("sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    folders = [files(folder) for folder in ("eegbench", "docs", "tests", "scripts", "examples", "perf")]
    single = {name for name in ("README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff") if (ROOT / name).is_file()}
    assert set().union(single, *folders) - names == set()


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    found = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    assert {name for name in found if ".dist-info/" not in name} == files("eegbench")


def test_the_wheel_scores_and_checks_where_there_is_no_repository(wheel: Path, tmp_path: Path) -> None:
    away = tmp_path / "elsewhere"
    away.mkdir()
    pairs = ("--truth", PAIRS / "pairs/truth", "--reconstructions", PAIRS / "pairs/reconstructions")
    done = run(wheel, away, "score", *pairs, "--metrics", "pixcorr,ssim,alexnet2", "--json", "scores.json")
    assert done.returncode == 0, done.stderr
    kept = run(wheel, away, "check", "scores.json", "--baseline", "baseline.json", "--update")
    checked = run(wheel, away, "check", "scores.json", "--baseline", "baseline.json")
    assert (kept.returncode, checked.returncode) == (0, 0), kept.stderr + checked.stderr
    assert "3 same" in checked.stdout


def test_the_command_is_a_module_too(wheel: Path, tmp_path: Path) -> None:
    place = subprocess.run(
        [sys.executable, "-c", "import eegbench; print(eegbench.__file__)"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(wheel)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(place.stdout.strip()).is_relative_to(wheel)
    assert run(wheel, tmp_path, "--version").stdout.startswith("eegbench ")
    assert "see `eegbench evaluate --help`" in run(wheel, tmp_path, "evaluate", "--seed", "x").stderr
