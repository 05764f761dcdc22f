"""A data set and a method that are quick, for studies in processes of their own: they note in a journal what they do.

EEGBENCH_TOY names the journal. A line of it is "fit" or "images", "begun" or "ended", whose, and when.
"""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from eegbench.arrays import EEG, Images
from eegbench.contracts import Hints, Method, Progress, Reconstructor, TrainingSet
from small_plugins import SIDE, Small

JOURNAL = "EEGBENCH_TOY"


@dataclass(frozen=True)
class Toy(Small):
    name: ClassVar[str] = "toy"
    subjects: ClassVar[tuple[int, ...]] = tuple(range(1, 1001))


def note(what: str, state: str, whose: str) -> None:
    """A line in the journal, in one piece, whoever else writes there."""
    file = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{what} {state} {whose} {time.time()}\n".encode())
    os.close(file)


class Painted(Reconstructor):
    """Pictures in one colour, which comes from the training data and each image's seed."""

    def __init__(self, whose: str, mean: float, fault: str, pause: float) -> None:
        self.whose, self.mean, self.fault, self.pause = whose, mean, fault, pause

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        note("images", "begun", self.whose)
        time.sleep(self.pause)
        if self.fault == "raises":
            raise ValueError("a fault of the toy's")
        if self.fault == "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.fault == "memory" and len(eeg) > 2:
            raise RuntimeError("CUDA out of memory, says the toy")
        shades = [int(self.mean + seed % 97) % 256 for seed in seeds]
        images = np.stack([np.full((SIDE, SIDE, 3), shade, np.uint8) for shade in shades])
        note("images", "ended", self.whose)
        return images

    def save(self, folder: Path) -> None:
        (folder / "toy.json").write_text(json.dumps([self.whose, self.mean, self.fault]))

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        whose, mean, fault = json.loads((folder / "toy.json").read_text())
        return cls(whose, mean, fault, 0.0)


@dataclass(frozen=True)
class Paints(Method[Painted]):
    """fault: what goes wrong, and where; "fit raises" in the fit. number: tells fits apart. pause: s of each step."""

    name: ClassVar[str] = "paints"
    paper: ClassVar[str] = "none"
    reference: ClassVar[str] = ""
    reconstructor: ClassVar[type[Reconstructor]] = Painted

    fault: str = ""
    number: int = 0
    pause: float = field(default=0.0, metadata={"stage": "reconstruct"})

    def configure(self, fitted: Painted) -> Painted:
        return Painted(fitted.whose, fitted.mean, fitted.fault, self.pause)

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> Painted:
        whose = f"{train.subject}/{seed}/{self.number}"
        note("fit", "begun", whose)
        time.sleep(self.pause)
        if self.fault == "fit raises":
            raise ValueError("a fault of the toy's fit")
        note("fit", "ended", whose)
        return Painted(whose, float(np.asarray(train.images).mean()), self.fault, self.pause)


def entries(journal: Path, what: str, state: str) -> list[tuple[str, float]]:
    """Whose, and when, by the journal."""
    found = [line.split() for line in journal.read_text().splitlines()]
    return [(whose, float(when)) for w, s, whose, when in found if (w, s) == (what, state)]


ENTRIES = """[eegbench.methods]
paints = toy_study:Paints

[eegbench.datasets]
toy = toy_study:Toy
"""


def installed(site: Path, journal: Path) -> dict[str, str]:
    """The environment of processes that find these two, installed below `site`, and write to the journal."""
    info = site / "toy_study-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-study\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    path = os.pathsep.join([str(site), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, JOURNAL: str(journal)}


def study_file(folder: Path, **keys: Any) -> Path:
    """A study of the toy's, as TOML; its runs lie beside it."""
    table: Mapping[str, Any] = {
        "methods": ["paints"], "datasets": ["toy"], "subjects": [1, 2], "suite": "micro", "device": "cpu",
        "audit": False, **keys,
    }  # fmt: skip
    file = folder / "toy.toml"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{name} = {toml(value)}\n" for name, value in table.items()))
    return file


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml(entry)}" for name, entry in value.items()) + " }"
    if isinstance(value, list | tuple | range):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)
