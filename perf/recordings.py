"""Time and memory of real data sets at full size, on synthetic files in the published formats.

usage: python perf/recordings.py FOLDER [official nice 5_95]

FOLDER takes up to 40 GB: noise in the shape of one subject's files of THINGS-EEG2 (16,540 x 4 and 200 x 80 trials; the
authors' 17 channels at 100 Hz, NICE's 63 at 250 Hz) with as many images as there are, and of EEGCVPR (12,000 trials of
128 channels by 500 samples). Each step runs in a process of its own: preparing, and once more with all done (peak
memory beside the size of the larger source file; wanted: at most 1.5), the averaged test set, twice (wanted: under
0.2 s), an epoch over all training trials in shuffled batches as a fit takes them, after a pass for their scale (wanted
of THINGS-EEG2: under 1 GB).
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
import eegcvpr_files as eegcvpr
import things_files as things
from eegbench.datasets.eegcvpr.labels import NAMES

PIECE = 2**26  # bytes
FULL = things.Small(concepts=1654, tests=200, repetitions=(4, 80))
STEP = """
import json, sys, time
from pathlib import Path
import numpy as np
from eegbench.benchmark import recordings
from eegbench.contracts import Silent
root, name, origin, step = Path(sys.argv[1]), *sys.argv[2:]
table = {"trials": "each"} if name == "things-eeg2" else {"protocol": "pooled"}
data, subject = recordings.find(name, table, root=root, origin=origin), 4
since = time.perf_counter()
if step == "prepare":
    recordings.prepare(data, [subject], progress=Silent())
elif step == "test":
    float(data.queries(subject).eeg.sum())  # what is mapped is read when it is asked for
else:
    from eegbench.methods.standard import Standardised
    eeg = Standardised(data.train(subject).eeg, "cpu")
    order = np.random.default_rng(0).permutation(eeg.shape[0])
    total = sum(float(eeg[order[i : i + 1024]].sum()) for i in range(0, len(order), 1024))
seconds = time.perf_counter() - since
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "peak": 1024 * peak}))
"""
SETS = {"official": "things-eeg2", "nice": "things-eeg2", "5_95": "eegcvpr"}


def main() -> None:
    folder, origins = Path(sys.argv[1]), sys.argv[2:] or list(SETS)
    for origin in origins:
        root = folder / SETS[origin]
        size = write_eegcvpr(root) if SETS[origin] == "eegcvpr" else write_things(root, origin)
        print(f"{SETS[origin]}, {origin}: the larger source file has {size / 1e9:.2f} GB", flush=True)
        for step in ("prepare", "prepare", "test", "test", "epoch"):
            done = subprocess.run(
                [sys.executable, "-c", STEP, str(root), SETS[origin], origin, step],
                capture_output=True,
                text=True,
                check=True,
            )
            found = json.loads(done.stdout)
            ratio = f", {found['peak'] / size:.2f} of the file" if step == "prepare" else ""
            print(f"  {step:<8} {found['seconds']:8.3f} s   peak {found['peak'] / 1e9:6.2f} GB{ratio}", flush=True)


def write_eegcvpr(root: Path) -> int:
    """All six people's file of noise, 40 classes of 50 images; its size in bytes."""
    path = root / eegcvpr.RECORDINGS["5_95"]
    if not path.is_file():
        print("writing eegcvpr", file=sys.stderr)
        eegcvpr.WNIDS = tuple(NAMES)
        eegcvpr.write(root, small=eegcvpr.Small(each=50, lengths=(500,)))
    return path.stat().st_size


def write_things(root: Path, version: str) -> int:
    """One subject's files of noise, piece by piece, and all images; the size of the larger file in bytes."""
    if not (root / "image_metadata.npy").is_file():
        print("writing images", file=sys.stderr)
        things.write_images(root, FULL)
    sizes = []
    for split, name in things.NAMES.items():
        path = root / things.FOLDERS[version] / "sub-04" / name
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
