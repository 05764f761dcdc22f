"""What reads files of strangers: for each format a file to spoil, whole ones, and how it is read."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

import things_files
from eegbench.contracts import Silent
from eegbench.datasets.archives import unpack
from eegbench.datasets.prepared import MANIFEST, Prepared, preparing
from eegbench.datasets.things_eeg2 import published

Target = tuple[Path, list[bytes], Callable[[Path], object]]
SMALL = things_files.Small(concepts=1, tests=1, repetitions=(1, 2))


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
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("images/a.jpg", b"abc" * 100)
        file.writestr("images/b.jpg", b"b" * 500)
    return folder / "a.zip", [packed.getvalue()], lambda path: unpack(path, folder / "out", progress=Silent())


TARGETS: dict[str, Callable[[Path], Target]] = {
    "things-eeg2, nice": things("nice"),
    "things-eeg2, official": things("official"),
    "things-eeg2, metadata": metadata,
    "prepared, manifest": manifest,
    "prepared, array": array,
    "zip archive": archive,
}
