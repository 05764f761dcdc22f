"""The examples of plug-ins: installed as a stranger would, found by their entry points, and in order."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def eegbench(tmp_path: Path) -> Callable[..., str]:
    """The command line where the three examples are installed."""
    place = tmp_path / "place"
    for name in ("colour_grid", "clip_ridge", "my_dataset"):
        shutil.copytree(EXAMPLES / name, tmp_path / name)  # building writes beside its source
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(place)]
    sources = [str(tmp_path / name) for name in ("colour_grid", "clip_ridge", "my_dataset")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *sources], check=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(EXAMPLES.parent)])}

    def run(*words: str) -> str:
        command = [sys.executable, "-c", "from eegbench.cli import app; app()", *words]
        return subprocess.run(command, check=True, env=environment, cwd=tmp_path, capture_output=True, text=True).stdout

    return run


def sound(told: str) -> bool:
    lines = told.splitlines()
    return len(lines) >= 8 and all(line.startswith("ok ") for line in lines)


def test_installed_examples_keep_their_contracts(eegbench: Callable[..., str], tmp_path: Path) -> None:
    subprocess.run([sys.executable, EXAMPLES / "my_dataset" / "my_dataset.py", tmp_path / "my_data"], check=True)
    assert {"colour_grid", "clip_ridge"} <= set(eegbench("list", "methods").split())
    assert "my_dataset" in eegbench("list", "datasets")
    assert sound(eegbench("check-dataset", "my_dataset"))
    for method in ("colour_grid", "clip_ridge"):
        assert sound(eegbench("check-method", method, "--subject", "1", "--dataset", "my_dataset"))
