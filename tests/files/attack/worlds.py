"""The small world of the tests with runs in it, for kinds that attack whole runs."""

import functools
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from small_world import Lab, small_world


@dataclass(frozen=True)
class World:
    """`run` is a complete run of `lab.runs`, in which there are five others."""

    lab: Lab
    run: Path

    @property
    def others(self) -> list[Path]:
        return sorted(path.parent for path in self.lab.runs.rglob("run.json") if path.parent != self.run)

    def copy(self, folder: Path, run: Path) -> Path:
        """A copy of one of the runs at its own place below `folder`."""
        target = folder / run.relative_to(self.lab.runs)
        shutil.copytree(run, target)
        return target


def evaluated(folder: Path, patch: pytest.MonkeyPatch) -> World:
    """Six runs: a method that was audited, with its floor and two ceilings, another seed of it and another method."""
    Image.init()  # Pillow looks for all its plug-ins at the first image that it does not know
    lab = small_world(folder, patch)
    shutil.copytree(_made(), lab.runs)
    return World(lab, lab.runs / "drawn/eeg/uses-eeg/sub-08/seed-0")


@functools.cache
def _made() -> Path:
    """The folder of these runs, made once for all kinds of a process."""
    _kept.append(tempfile.TemporaryDirectory(prefix="attack-runs-"))
    folder = Path(_kept[-1].name)
    with pytest.MonkeyPatch.context() as patch:
        lab = small_world(folder, patch)
        lab.evaluate()
        lab.evaluate(seed=1)
        lab.evaluate("ignores-eeg")
    return lab.runs


_kept: list[tempfile.TemporaryDirectory[str]] = []  # until the process ends
