"""A whole data set in one file: EEG in .npy files beside folders of pictures.

    <root>/train/<concept>/<picture>.png     what was shown in training, all pictures of one size
    <root>/test/<concept>/<picture>.png
    <root>/captions.json                     {"train/<concept>/<picture>": [ten captions], ...}, if there are any
    <root>/sub-01/train.npy, train.txt       EEG (trials, channels, times), and a line for each trial: what it showed
    <root>/sub-01/test.npy, test.txt         EEG (stimuli, repetitions, channels, times), and a line for each stimulus

`python my_dataset.py FOLDER` writes such a folder with made-up EEG, to try this on and to be replaced by your own.
"""

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eegbench.arrays import EEG, EEGInfo, Images
from eegbench.contracts import CAPTION_LEVELS, Answers, Dataset, Queries, TrainingSet
from eegbench.errors import MissingError, UsageError

INFO = EEGInfo(channels=("O1", "Oz", "O2", "PO7", "PO8"), rate=100.0, start=-0.2, times=100, unit="V")


@dataclass(frozen=True)
class MyDataset(Dataset):
    """Facts are class variables, options are fields. A Path says where things lie and enters no record."""

    name: ClassVar[str] = "my_dataset"
    revision: ClassVar[str] = "1"  # raise it when the data change
    subjects: ClassVar[tuple[int, ...]] = (1, 2)
    simulated: ClassVar[bool] = True  # False for recordings
    about: ClassVar[str] = "an example: coloured squares and made-up EEG"
    caution: ClassVar[str] = "Made-up EEG of a few squares: it shows how a data set is added, and no more."

    root: Path = Path("my_data")

    @property
    def info(self) -> EEGInfo:
        return INFO

    def digests(self, subject: int) -> dict[str, str]:
        own = self._file(f"sub-{subject:02d}")
        files = [*own.iterdir(), *self.root.glob("*/*/*.png"), *self.root.glob("captions.json")]
        sha256 = {f.relative_to(self.root).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
        return dict(sorted(sha256.items()))

    def train(self, subject: int) -> TrainingSet:
        stimuli, images, concepts = self._pictures("train")
        place = {stimulus: i for i, stimulus in enumerate(stimuli)}
        return TrainingSet(
            eeg=self._eeg(subject, "train"),  # memory-mapped: it may be larger than memory
            info=self.info,
            shown=np.array([place[line] for line in self._lines(subject, "train")], dtype=np.int64),
            stimuli=stimuli,
            images=images,
            concepts=concepts,
            captions=self._captions(stimuli),
            subject=subject,
        )

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        eeg = self._eeg(subject, "test")  # (stimuli, repetitions, channels, times)
        count = eeg.shape[1] if average == "all" else int(average)
        if count > eeg.shape[1]:
            raise UsageError(f"average is {count}; {self.name} has {eeg.shape[1]} repetitions of a test stimulus")
        return Queries(eeg[:, :count].mean(axis=1, dtype=np.float32), self.info, self._lines(subject, "test"))

    def answers(self, subject: int) -> Answers:
        return Answers(*self._pictures("test"))

    def _file(self, name: str) -> Path:
        path = self.root / name
        if not path.exists():
            raise MissingError(f"{path} is not there; set root to the folder of the data")
        return path

    def _eeg(self, subject: int, part: str) -> EEG:
        eeg: EEG = np.load(self._file(f"sub-{subject:02d}/{part}.npy"), mmap_mode="r")
        return eeg

    def _lines(self, subject: int, part: str) -> tuple[str, ...]:
        return tuple(self._file(f"sub-{subject:02d}/{part}.txt").read_text(encoding="utf-8").split("\n")[:-1])

    def _pictures(self, part: str) -> tuple[tuple[str, ...], Images, tuple[str, ...]]:
        """Stimulus ids, which are paths without suffix, with each one's picture and concept."""
        files = sorted(self._file(part).glob("*/*.png"))
        stimuli = tuple(file.relative_to(self.root).with_suffix("").as_posix() for file in files)
        images = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
        return stimuli, images, tuple(file.parent.name for file in files)

    def _captions(self, stimuli: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        path = self.root / "captions.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return tuple(tuple(known.get(stimulus, ())) for stimulus in stimuli)


def write_example(root: Path) -> None:
    """Three training concepts and two test concepts of two pictures each; the EEG's size follows their colour."""
    rng = np.random.default_rng(0)
    captions = {}
    for part, concepts in (("train", ("brick", "leaf", "sky")), ("test", ("plum", "sand"))):
        stimuli, colours = [], []
        for concept in concepts:
            colour = rng.integers(40, 216, size=3)
            for number in range(2):
                stimuli.append(f"{part}/{concept}/{concept}_{number}")
                colours.append(np.clip(colour + rng.integers(-30, 31, 3), 0, 255))
                file = root / f"{stimuli[-1]}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full((64, 64, 3), colours[-1], np.uint8)).save(file)
        if part == "train":
            captions = {s: [f"a {level} view of a {s.split('/')[1]}" for level in CAPTION_LEVELS] for s in stimuli}
        for subject in MyDataset.subjects:
            _write_eeg(root / f"sub-{subject:02d}", part, stimuli, np.array(colours), rng)
    (root / "captions.json").write_text(json.dumps(captions, indent=1), encoding="utf-8")


def _write_eeg(
    folder: Path, part: str, stimuli: list[str], colours: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """Four repetitions of each stimulus: as trials for training, side by side for test."""
    folder.mkdir(parents=True, exist_ok=True)
    times = INFO.start + np.arange(INFO.times) / INFO.rate
    wave = np.exp(-(((times - 0.15) / 0.05) ** 2))
    mixed = colours / 255 @ np.eye(3, len(INFO.channels)) + 0.1
    noise = rng.normal(0, 0.2, (len(stimuli), 4, len(INFO.channels), INFO.times))
    eeg = 1e-5 * (mixed[:, None, :, None] * wave + noise)
    lines = stimuli
    if part == "train":
        eeg, lines = eeg.reshape(-1, *eeg.shape[2:]), [stimulus for stimulus in stimuli for _ in range(4)]
    np.save(folder / f"{part}.npy", eeg.astype(np.float32))
    (folder / f"{part}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    write_example(Path(sys.argv[1]))
