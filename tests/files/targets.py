"""What reads files of strangers: for each format a file to spoil, whole ones, and how it is read."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import eegcvpr_files
import raw_files
import things_files
from eegbench.backbones.tensors import read_tensors_as_arrays
from eegbench.contracts import Silent
from eegbench.datasets.archives import unpack
from eegbench.datasets.eegcvpr import source
from eegbench.datasets.images import read_image
from eegbench.datasets.prepared import MANIFEST, Prepared, preparing
from eegbench.datasets.things_eeg2 import published
from eegbench.datasets.things_eeg2.recording import TARGET, events, read_session

Target = tuple[Path, list[bytes], Callable[[Path], object]]
SMALL = things_files.Small(concepts=1, tests=10, repetitions=(1, 2))  # ten conditions in both parts


def things(version: str) -> Callable[[Path], Target]:
    def make(folder: Path) -> Target:
        wholes = []
        for split, name in things_files.NAMES.items():
            things_files.save(version, folder / name, things_files.held(version, SMALL, split, 8))
            wholes.append((folder / name).read_bytes())
        return folder / "spoilt.npy", wholes, lambda path: list(published.read_recording(path, version, 10).blocks())

    return make


def metadata(folder: Path) -> Target:
    things_files.write_images(folder, SMALL, side=8)
    path = folder / "image_metadata.npy"
    return path, [path.read_bytes()], lambda path: published.read_metadata(path.parent)


def raw(folder: Path) -> Target:
    held = raw_files.recording("test", [1, TARGET, 2], np.random.default_rng(0), 1e-6)
    held["raw_eeg_data"] = held["raw_eeg_data"][:, :3000]
    raw_files.save(folder / "raw.npy", held)

    def read(path: Path) -> object:
        session = read_session(path)
        return session.signal.sum(), events(session, 2)

    return folder / "spoilt.npy", [(folder / "raw.npy").read_bytes()], read


def trials(legacy: bool) -> Callable[[Path], Target]:
    def make(folder: Path) -> Target:
        small = eegcvpr_files.Small(each=1, lengths=(460, 100, 470))
        eegcvpr_files.write(folder, small=small, legacy=legacy)
        whole = (folder / eegcvpr_files.RECORDINGS["5_95"]).read_bytes()

        def read(path: Path) -> object:
            found = source.read_trials(path, read_tensors_as_arrays)
            return [source.cropped(path, i, trial) for i, trial in enumerate(found) if trial.kept]

        return folder / "spoilt.pth", [whole], read

    return make


def splits(folder: Path) -> Target:
    eegcvpr_files.write(folder)
    wholes = [(folder / name).read_bytes() for name in eegcvpr_files.SPLITS.values()]
    return folder / "spoilt.pth", wholes, lambda path: source.read_splits(path, read_tensors_as_arrays)


def image(folder: Path) -> Target:
    things_files.write_images(folder, SMALL, side=64)
    names = ("palette.png", "plain.bmp", "plain.tif", "packed.tif", "plain.webp")
    for name in names:
        options = {"compression": "tiff_lzw"} if name.startswith("packed") else {}
        Image.new("P", (20, 30)).convert("P" if name == names[0] else "RGB").save(folder / name, **options)
    wholes = [next(folder.glob("image_set/*/*/*.jpg")).read_bytes(), *((folder / name).read_bytes() for name in names)]
    return folder / "spoilt.jpg", wholes, read_image


def _prepared(folder: Path) -> dict[str, bytes]:
    with preparing(folder / "made", {"from": "nothing"}) as preparation:
        with preparation.array("eeg.npy", (4, 3)) as rows:
            rows.add(np.ones((4, 3)))
        preparation.table("trials.csv", ("stimulus", "concept"), [("a", "b")] * 3)
    return {path.name: path.read_bytes() for path in (folder / "made").iterdir()}


def _read_prepared(path: Path) -> object:
    found = Prepared.read(path.parent, remedy="prepare it")
    return found.array("eeg.npy").sum(), found.table("trials.csv")


def manifest(folder: Path) -> Target:
    return folder / "made" / MANIFEST, [_prepared(folder)[MANIFEST]], _read_prepared


def array(folder: Path) -> Target:
    """An array whose manifest, a stranger's too, says that its size is right."""
    whole = _prepared(folder)["eeg.npy"]

    def read(path: Path) -> object:
        beside = path.parent / MANIFEST
        told = json.loads(beside.read_text())
        told["files"]["eeg.npy"]["bytes"] = path.stat().st_size
        beside.write_text(json.dumps(told))
        return _read_prepared(path)

    return folder / "made" / "eeg.npy", [whole], read


def archive(folder: Path) -> Target:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("images/a.jpg", b"abc" * 100)
        file.writestr("images/b.jpg", b"b" * 500)

    def read(path: Path) -> object:
        shutil.rmtree(folder / "out", ignore_errors=True)  # what is there already is left
        return unpack(path, folder / "out", progress=Silent())

    return folder / "a.zip", [packed.getvalue()], read


TARGETS: dict[str, Callable[[Path], Target]] = {
    "things-eeg2, nice": things("nice"),
    "things-eeg2, official": things("official"),
    "things-eeg2, metadata": metadata,
    "things-eeg2, raw": raw,
    "eegcvpr, trials": trials(legacy=False),
    "eegcvpr, trials, old torch": trials(legacy=True),
    "eegcvpr, splits": splits,
    "image": image,
    "prepared, manifest": manifest,
    "prepared, array": array,
    "zip archive": archive,
}
