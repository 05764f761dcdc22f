"""A whole method in one file: ridge regression from EEG to a coarse grid of colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file, save_file

from eegbench.arrays import EEG, Images
from eegbench.contracts import Hints, Method, Progress, Reconstructor, TrainingSet

SIZE = 64  # pixels


class Grid(Reconstructor):
    """Weights (inputs, side * side * 3), over the EEG's mean (inputs,) and the colours' mean (side * side * 3,)."""

    def __init__(self, weights: NDArray[np.float32], centre: NDArray[np.float32], colour: NDArray[np.float32]) -> None:
        self.weights, self.centre, self.colour = weights, centre, colour

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        side = round((len(self.colour) / 3) ** 0.5)
        values = (eeg.reshape(len(eeg), -1) - self.centre) @ self.weights + self.colour
        grids = np.clip(np.rint(values), 0, 255).astype(np.uint8).reshape(-1, side, side, 3)
        smooth = [Image.fromarray(grid).resize((SIZE, SIZE), Image.Resampling.BICUBIC) for grid in grids]
        return np.stack([np.asarray(image) for image in smooth])

    def save(self, folder: Path) -> None:
        save_file({"weights": self.weights, "centre": self.centre, "colour": self.colour}, folder / "grid.safetensors")

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        return cls(**load_file(folder / "grid.safetensors"))


@dataclass(frozen=True)
class ColourGrid(Method[Grid]):
    """`side` colours a row; `ridge`, the penalty, in units of the mean variance of the EEG's samples."""

    name: ClassVar[str] = "colour_grid"
    paper: ClassVar[str] = "an example"
    reference: ClassVar[str] = ""
    reconstructor: ClassVar[type[Reconstructor]] = Grid

    side: int = 4
    ridge: float = 1000.0

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> Grid:
        eeg = train.eeg.reshape(len(train.eeg), -1).astype(np.float64)
        small = [Image.fromarray(i).resize((self.side, self.side), Image.Resampling.BOX) for i in train.images]
        colours = np.stack([np.asarray(i, np.float64).ravel() for i in small])[train.shown]
        centre, colour = eeg.mean(axis=0), colours.mean(axis=0)
        x = eeg - centre
        gram = x.T @ x
        gram[np.diag_indices_from(gram)] += self.ridge * x.var()
        weights = np.linalg.solve(gram, x.T @ (colours - colour))
        return Grid(weights.astype(np.float32), centre.astype(np.float32), colour.astype(np.float32))
