"""Files of published data sets, in their own formats, spoilt; and what was prepared from them."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import eegcvpr_files
import raw_files
import things_files
from attack.cases import Case, Maker, Read
from attack.spoiling import spoilt
from eegbench.backbones.tensors import read_tensors_as_arrays
from eegbench.datasets.eegcvpr import source
from eegbench.datasets.prepared import MANIFEST, Prepared, preparing
from eegbench.datasets.things_eeg2 import published
from eegbench.datasets.things_eeg2.recording import TARGET, events, read_session

SMALL = things_files.Small(concepts=1, tests=10, repetitions=(1, 2))  # ten conditions in both parts


@dataclass(frozen=True)
class Format:
    """Whole files of one format, the name under which one is read, and what must lie beside it."""

    name: str
    wholes: list[bytes]
    read: Read
    beside: dict[str, bytes] = field(default_factory=dict)


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    formats = {}
    for number, (name, prepare) in enumerate(FORMATS.items()):
        folder = shared / str(number)
        folder.mkdir()
        formats[name] = prepare(folder)
        for whole in formats[name].wholes:
            formats[name].read(_put(folder, formats[name], whole))

    def case(rng: random.Random, folder: Path) -> Case:
        name = rng.choice(sorted(formats))
        form = formats[name]
        data = spoilt(rng.choice(form.wholes), rng, rng.choice(form.wholes))
        path = _put(folder, form, data)
        return Case(name, len(data) + sum(map(len, form.beside.values())), lambda: form.read(path))

    return case


def _put(folder: Path, form: Format, data: bytes) -> Path:
    for name, content in (form.beside | {form.name: data}).items():
        (folder / name).write_bytes(content)
    return folder / form.name


def _things(version: str) -> Callable[[Path], Format]:
    def prepare(folder: Path) -> Format:
        wholes = []
        for split, name in things_files.NAMES.items():
            things_files.save(version, folder / name, things_files.held(version, SMALL, split, 8))
            wholes.append((folder / name).read_bytes())
        return Format("a.npy", wholes, lambda path: list(published.read_recording(path, version, 10).blocks()))

    return prepare


def _metadata(folder: Path) -> Format:
    things_files.write_images(folder, SMALL, side=8)
    path = folder / "image_metadata.npy"
    return Format(path.name, [path.read_bytes()], lambda path: published.read_metadata(path.parent))


def _raw(folder: Path) -> Format:
    held = raw_files.recording("test", [1, TARGET, 2], np.random.default_rng(0), 1e-6)
    held["raw_eeg_data"] = held["raw_eeg_data"][:, :3000]
    raw_files.save(folder / "raw.npy", held)

    def read(path: Path) -> object:
        session = read_session(path)
        return session.signal.sum(), events(session, 2)

    return Format("a.npy", [(folder / "raw.npy").read_bytes()], read)


def _trials(legacy: bool) -> Callable[[Path], Format]:
    def prepare(folder: Path) -> Format:
        small = eegcvpr_files.Small(each=1, lengths=(460, 100, 470))
        eegcvpr_files.write(folder, small=small, legacy=legacy)
        whole = (folder / eegcvpr_files.RECORDINGS["5_95"]).read_bytes()

        def read(path: Path) -> object:
            found = source.read_trials(path, read_tensors_as_arrays)
            return [source.cropped(path, i, trial) for i, trial in enumerate(found) if trial.kept]

        return Format("a.pth", [whole], read)

    return prepare


def _splits(folder: Path) -> Format:
    eegcvpr_files.write(folder)
    wholes = [(folder / name).read_bytes() for name in eegcvpr_files.SPLITS.values()]
    return Format("a.pth", wholes, lambda path: source.read_splits(path, read_tensors_as_arrays))


def _prepared(folder: Path) -> dict[str, bytes]:
    with preparing(folder / "made", {"from": "nothing"}) as preparation:
        with preparation.array("eeg.npy", (4, 3)) as rows:
            rows.add(np.ones((4, 3)))
        preparation.table("trials.csv", ("stimulus", "concept"), [("a", "b")] * 3)
    return {path.name: path.read_bytes() for path in (folder / "made").iterdir()}


def _read_prepared(path: Path) -> object:
    found = Prepared.read(path.parent, remedy="prepare it")
    return found.array("eeg.npy").sum(), found.table("trials.csv")


def _manifest(folder: Path) -> Format:
    beside = _prepared(folder)
    return Format(MANIFEST, [beside.pop(MANIFEST)], _read_prepared, beside)


def _part(name: str) -> Callable[[Path], Format]:
    """A file of a preparation whose manifest, a stranger's too, says that its size is right."""

    def read(path: Path) -> object:
        beside = path.parent / MANIFEST
        manifest = json.loads(beside.read_text())
        manifest["files"][name]["bytes"] = path.stat().st_size
        beside.write_text(json.dumps(manifest))
        return _read_prepared(path)

    def prepare(folder: Path) -> Format:
        beside = _prepared(folder)
        return Format(name, [beside.pop(name)], read, beside)

    return prepare


FORMATS: dict[str, Callable[[Path], Format]] = {
    "things-eeg2, nice": _things("nice"),
    "things-eeg2, official": _things("official"),
    "things-eeg2, metadata": _metadata,
    "things-eeg2, raw": _raw,
    "eegcvpr, trials": _trials(legacy=False),
    "eegcvpr, trials, old torch": _trials(legacy=True),
    "eegcvpr, splits": _splits,
    "prepared, manifest": _manifest,
    "prepared, array": _part("eeg.npy"),
    "prepared, table": _part("trials.csv"),
}
