"""Time and memory of real data sets at full size, on synthetic files in the published formats.

usage: python perf/recordings.py FOLDER [official nice eegcvpr]

FOLDER takes up to 35 GB: noise in the shape of one subject's files (16,540 x 4 and 200 x 80 trials; the authors' 17
channels at 100 Hz, NICE's 63 at 250 Hz), and as many images as there are. Each step runs in a process of its own:
preparing (its peak memory beside the source file's size), the averaged test set (wanted: under 0.2 s), an epoch over
all training trials in shuffled batches (wanted: under 1 GB).
"""

import json
import math
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "files"))
import things_files as things

PIECE = 2**26  # bytes
FULL = things.Small(concepts=1654, tests=200, repetitions=(4, 80))
STEP = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from eegbench.contracts import Silent
from eegbench.datasets.things_eeg2 import ThingsEEG2
root, version, step = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
data, since = ThingsEEG2(preprocessing=version, trials="each", root=root), time.perf_counter()
if step == "prepare":
    data.prepare([8], tensors=None, progress=Silent())
elif step == "test":
    data.queries(8)
elif step == "epoch":
    train = data.train(8)
    order = np.random.default_rng(0).permutation(len(train.eeg))
    total = sum(float(train.eeg[np.sort(order[i : i + 1024])].sum()) for i in range(0, len(order), 1024))
seconds = time.perf_counter() - since
own = {l.split(":")[0]: int(l.split()[1]) for l in open("/proc/self/status") if l.startswith(("VmHWM", "RssAnon"))}
print(json.dumps({"seconds": seconds, "peak": 1024 * own["VmHWM"], "own": 1024 * own["RssAnon"]}))
"""


def main() -> None:
    root, versions = Path(sys.argv[1]), sys.argv[2:] or ["official", "nice"]
    if not (root / "image_metadata.npy").is_file():
        print("writing images", file=sys.stderr)
        things.write_images(root, FULL)
    for version in versions:
        size = write(root, version)
        for step in ("prepare", "test", "test", "epoch"):
            done = subprocess.run(
                [sys.executable, "-c", STEP, str(root), version, step], capture_output=True, text=True, check=True
            )
            found = json.loads(done.stdout)
            ratio = f", {found['peak'] / size:.2f} of the file" if step == "prepare" else ""
            print(f"{version:<9} {step:<8} {found['seconds']:8.2f} s   peak {found['peak'] / 1e9:6.2f} GB{ratio}")


def write(root: Path, version: str) -> int:
    """One subject's files of noise, piece by piece; the size of the larger in bytes."""
    sizes = []
    for split, name in things.NAMES.items():
        path = root / things.FOLDERS[version] / "sub-08" / name
        if not path.is_file():
            print(f"writing {path.name}, {version}", file=sys.stderr)
            stream(path, version, split)
        sizes.append(path.stat().st_size)
    return max(sizes)


def stream(path: Path, version: str, split: str) -> None:
    """The file of `things.held` at full size, its numbers written as they are drawn: in memory it has no room."""
    content = things.held(version, things.Small(concepts=1, tests=1, repetitions=(1, 1)), split, 8)
    size = content["preprocessed_eeg_data"].shape[2:]
    shape = (FULL.conditions[split], FULL.repetitions[split == "test"], *size)
    content["preprocessed_eeg_data"] = Array(shape, np.dtype("f8"), Noise(8 * math.prod(shape)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        if version == "official":
            np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        whole = Array((), np.dtype("O"), [content]) if version == "official" else content
        Streaming(file, protocol=4).dump(whole)


class Noise(int):
    """So many bytes of float64."""


class Array:
    """Is pickled as numpy's arrays are."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], data: object) -> None:
        self.state = (1, shape, dtype, False, data)

    def __reduce__(self) -> tuple[Any, ...]:
        return (*np.zeros(0).__reduce__()[:2], self.state)


class Streaming(pickle._Pickler):
    """Writes Noise as the bytes that it stands for, some at a time."""

    framer: Any
    dispatch: ClassVar[dict[Any, Any]] = dict(pickle._Pickler.dispatch)

    def save_noise(self, count: Noise) -> None:
        self.framer.commit_frame(force=True)
        write, rng = self.framer.file_write, np.random.default_rng(0)
        write(pickle.BINBYTES8 + struct.pack("<Q", count))
        for start in range(0, count, PIECE):
            write(rng.standard_normal(min(PIECE, count - start) // 8).tobytes())

    dispatch[Noise] = save_noise


if __name__ == "__main__":
    main()
