"""Seconds and memory of an epoch on other people's brains, at the size of THINGS-EEG2: 9 x 16,540 trials of 63 x 250.

    python perf/people.py [--trials 16540] [--folder FOLDER]

It writes ten synthetic recordings of noise (10.4 GB at full size) into a temporary folder, pools nine of them as
`--train-on others` does, and fits ATM-S for one epoch with the published batch of 64 on random image embeddings. The
pooled EEG takes another 9.4 GB below EEGBENCH_CACHE while it is used. Memory is what no file stands behind: pages of
memory-mapped files, which the system takes back as it likes, do not count.
"""

import argparse
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import psutil

from eegbench.arrays import EEGInfo
from eegbench.benchmark.people import training_data
from eegbench.channels import THINGS_NICE
from eegbench.contracts import Answers, Dataset, Queries, TrainingSet
from eegbench.methods.encoders.atm_s import Window
from eegbench.methods.encoders.fitting import EncoderSettings, fit_embedder
from eegbench.methods.training import Training
from eegbench.progress import Terminal
from eegbench.runs.record import RunSpec

INFO = EEGInfo(THINGS_NICE, 250.0, 0.0, 250, "whitened")
EACH = 10  # stimuli of a concept
BLOCK = 500  # trials that are drawn; the rest repeats them
WIDTH = 1024


@dataclass(frozen=True)
class Noise(Dataset):
    """Ten people's synthetic recordings, memory-mapped."""

    folder: Path = field(default_factory=Path)
    trials: int = 16540

    name: ClassVar[str] = "noise"
    revision: ClassVar[str] = "1"
    subjects: ClassVar[tuple[int, ...]] = tuple(range(1, 11))
    simulated: ClassVar[bool] = True
    about: ClassVar[str] = "SIMULATED: noise of the size of THINGS-EEG2."

    @property
    def info(self) -> EEGInfo:
        return INFO

    def write(self) -> None:
        """The recordings, a file for each person."""
        shape = (self.trials, len(INFO.channels), INFO.times)
        for subject in self.subjects:
            drawn = np.random.default_rng(subject).normal(size=(BLOCK, *shape[1:])).astype(np.float32) * subject
            eeg = np.lib.format.open_memmap(self.folder / f"{subject}.npy", "w+", np.float32, shape)
            for start in range(0, self.trials, BLOCK):
                eeg[start : start + BLOCK] = drawn[: min(BLOCK, self.trials - start)]
            del eeg

    def train(self, subject: int) -> TrainingSet:
        stimuli = tuple(f"{i // EACH:05d}_thing/thing_{i % EACH:02d}" for i in range(self.trials))
        return TrainingSet(
            eeg=np.load(self.folder / f"{subject}.npy", mmap_mode="r"),
            info=INFO,
            shown=np.arange(self.trials),
            stimuli=stimuli,
            images=np.zeros((self.trials, 8, 8, 3), np.uint8),
            concepts=tuple(stimulus.partition("/")[0] for stimulus in stimuli),
            captions=((),) * self.trials,
            subject=subject,
        )

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        raise NotImplementedError

    def answers(self, subject: int) -> Answers:
        raise NotImplementedError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=16540)
    parser.add_argument("--folder", type=Path, help="where the recordings go; by default a temporary folder")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        dataset = Noise(Path(folder), chosen.trials)
        dataset.write()
        held = Held()
        since = time.perf_counter()
        spec = RunSpec("noise", "1", {}, 8, "eeg", "atm", {}, train_on="others")
        train, trained_on = training_data(dataset, spec)
        held.say(f"pooled {trained_on.facts['trials']} trials of {len(trained_on.facts['subjects'])} people", since)
        targets = np.random.default_rng(0).normal(size=(len(train.stimuli), WIDTH)).astype(np.float32)
        since = time.perf_counter()
        settings = EncoderSettings(epochs=1, batch=64, window=Window(), validation_concepts=100)
        fit_embedder(Training(0, Terminal()), train, targets, settings)
        held.say("an epoch of ATM-S, its validation and the scale of the EEG", since)


class Held:
    """The most memory that this process has held since, but for pages of files; looked at ten times a second."""

    def __init__(self) -> None:
        self._most = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        process = psutil.Process()
        while True:
            now = process.memory_info()
            self._most = max(self._most, now.rss - now.shared)
            time.sleep(0.1)

    def say(self, what: str, since: float) -> None:
        """Print seconds and the peak so far."""
        print(f"{what}: {time.perf_counter() - since:.0f} s, peak {self._most / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
