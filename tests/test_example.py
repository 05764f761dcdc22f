"""The example of a method of one's own: installed as a stranger would, found by its entry point, and in order."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "colour_grid"


def test_an_installed_example_is_a_method_that_keeps_the_contract(tmp_path: Path) -> None:
    source, place = tmp_path / "source", tmp_path / "place"
    shutil.copytree(EXAMPLE, source)  # building writes beside its source
    install = ["pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(place)]
    subprocess.run([sys.executable, "-m", *install, str(source)], check=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(EXAMPLE.parents[1])])}

    def eegbench(*words: str) -> str:
        command = [sys.executable, "-c", "from eegbench.cli import app; app()", *words]
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout

    assert "colour_grid" in eegbench("list", "methods")
    lines = eegbench("check-method", "colour_grid", "--set", "dataset.train_images=1").splitlines()
    assert len(lines) == 8 and all(line.startswith("ok ") for line in lines)
