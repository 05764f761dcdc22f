"""Pictures for a board: small copies of what runs made, beside the truth, as data URIs.

Runs may come from a stranger: an image is read only from below its run's folder and only with the digest of its
manifest, and its pixels are encoded anew. What cannot be shown is left out, and a note says so.
"""

import base64
import dataclasses
import io
import os
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from eegbench.benchmark.plan import dataset_of_run
from eegbench.benchmark.reconstruct import PICTURED, spread
from eegbench.configuration import keys
from eegbench.contracts import Answers
from eegbench.datasets.images import read_image
from eegbench.errors import InputError
from eegbench.files import canonical, file_digest
from eegbench.leaderboard.exhibits import Exhibit, Gallery, Thumbnail
from eegbench.plugins import entering, registry
from eegbench.runs import layout
from eegbench.runs.binding import controls_digest
from eegbench.runs.folder import Run
from eegbench.runs.layout import RECORD
from eegbench.runs.record import ManifestRow, RunRecord, RunSpec
from eegbench.runs.tensors import Maps

SHOWN = 2 * PICTURED - 1  # every second one is in a run's own picture, and has its control map
SIDE = 128  # px, at most
QUALITY = 90
MAX_BYTES = 2**30  # of a file that is opened
IMAGE, CONTROL, MAP = "image", "control", "saliency"

Key = TypeVar("Key", bound=Hashable)


@dataclass
class Shelf:
    """What several galleries share: thumbnails by file, answers by data set; notes: of the gallery being made."""

    settings: Mapping[str, object]
    thumbnails: dict[Path, str] = field(default_factory=dict)
    answers: dict[str, Answers | str] = field(default_factory=dict)  # or why there are none
    notes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Opened:
    """A run that was opened. rows: its images by stimulus, of the first sample. saliency: its saliency maps.

    guided: whether its control maps are those of its record.
    """

    run: Run
    spec: RunSpec
    rows: Mapping[str, ManifestRow]
    guided: bool
    saliency: Maps


def collect(
    groups: Mapping[Key, Sequence[Run]], *, settings: Mapping[str, object], allow_plugins: bool = False
) -> dict[Key, Gallery]:
    """A gallery for each group of runs, side by side: up to SHOWN stimuli, spread evenly over their ids.

    settings: keys of a data set that a record does not hold, such as where it lies; a data set without such a key
    ignores it. allow_plugins: import the plug-ins that records name as their data sets.
    """
    shelf = Shelf(settings)
    with registry.only_own(not allow_plugins):
        return {key: _gallery(runs, shelf) for key, runs in groups.items()}


def thumbnail(pixels: NDArray[np.uint8]) -> str:
    """A data URI of an image (h, w, 3) or map (h, w), no side longer than SIDE."""
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    form = "webp" if features.check("webp") else "png"
    buffer = io.BytesIO()
    image.save(buffer, format=form, quality=QUALITY, method=4)
    return f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _gallery(runs: Sequence[Run], shelf: Shelf) -> Gallery:
    shelf.notes = Counter()
    opened = [member for run in runs if (member := _opened(run, shelf.notes)) is not None]
    common = set.intersection(*(set(member.rows) for member in opened)) if opened else set()
    stimuli = sorted(common or set().union(*(member.rows for member in opened)))
    chosen = [stimuli[i] for i in spread(stimuli, SHOWN)]
    opened = [_with_saliency(member, chosen, shelf.notes) for member in opened]
    shown = tuple(_shown(stimulus, opened, shelf) for stimulus in chosen)
    notes = (f"{note}, {count} times" if count > 1 else note for note, count in shelf.notes.items())
    return Gallery(tuple(member for member in shown if any(p.run for p in member.pictures)), len(stimuli), tuple(notes))


def _opened(run: Run, notes: Counter[str]) -> Opened | None:
    try:
        record = RunRecord.read(run.folder / RECORD)
    except (InputError, MemoryError):
        notes[f"{run.path}: record cannot be read"] += 1
        return None
    rows = [row for row in record.manifest if row.sample == 0 and not layout.SAMPLE.match(row.stimulus)]
    guided = _guided(run, record)
    if not guided:
        notes[f"{run.path}: control maps others than its record says"] += 1
    return Opened(run, record.spec, {row.stimulus: row for row in rows}, guided, {})


def _guided(run: Run, record: RunRecord) -> bool:
    """Whether the control maps are those of the record; True for records of schema version 1, which do not say."""
    if "controls" not in record.digests:
        return True
    try:
        files = (run.folder / layout.CONTROLS).rglob("*.png")
        return all(_is_own(file, run.folder) for file in files) and (
            controls_digest(run.folder) == record.digests["controls"]
        )
    except (OSError, RuntimeError, InputError):
        return False


def _shown(stimulus: str, opened: Sequence[Opened], shelf: Shelf) -> Exhibit:
    concept, pictures = _truth(stimulus, opened, shelf)
    maps = [member.saliency[stimulus][1] for member in opened if stimulus in member.saliency]
    pictures += [Thumbnail("", MAP, thumbnail(maps[0]))] if maps else []
    for member in opened:
        pictures += _pictures(stimulus, member, shelf)
    return Exhibit(stimulus, concept, tuple(pictures))


def _pictures(stimulus: str, member: Opened, shelf: Shelf) -> list[Thumbnail]:
    """The reconstruction of one run, its control map and its saliency map, as far as they are there."""
    row = member.rows.get(stimulus)
    image = _file(member.run, row.file, row.sha256, "reconstruction", shelf) if row else ""
    if row is None or not image:
        return []
    control = f"{layout.CONTROLS}/{layout.image_file(stimulus)}"
    guide = _file(member.run, control, "", "control map", shelf) if member.guided else ""
    saliency = thumbnail(member.saliency[stimulus][0]) if stimulus in member.saliency else ""
    candidates = ((IMAGE, image), (CONTROL, guide), (MAP, saliency))
    return [Thumbnail(member.run.path, kind, data) for kind, data in candidates if data]


def _file(run: Run, file: str, sha256: str, kind: str, shelf: Shelf) -> str:
    """The thumbnail of a run's image; "" and a note where there is none, no note for a missing file without sha256."""
    path = run.folder / file
    if path in shelf.thumbnails:
        return shelf.thumbnails[path]
    try:
        if not os.path.lexists(path):
            problem = "missing" if sha256 else ""
        elif not _is_own(path, run.folder):
            problem = "no file of the run"
        elif sha256 and file_digest(path) != sha256:
            problem = "another than its record says"
        else:
            return shelf.thumbnails.setdefault(path, thumbnail(read_image(path)))
    except Exception:  # of any kind: links that lead in a circle, an image that no memory holds
        problem = "cannot be read"
    if problem:
        shelf.notes[f"{run.path}: {kind} {problem}"] += 1
    return ""


def _is_own(path: Path, folder: Path) -> bool:
    """Whether `path` is a file inside the folder, also after following links, of at most MAX_BYTES."""
    real = Path(os.path.realpath(path))
    return real.is_relative_to(os.path.realpath(folder)) and real.is_file() and real.stat().st_size <= MAX_BYTES


def _with_saliency(member: Opened, stimuli: Sequence[str], notes: Counter[str]) -> Opened:
    path, sheet = member.run.folder / layout.SALIENCY, member.run.sheet
    if not os.path.lexists(path):
        return member
    try:
        if not _is_own(path, member.run.folder):
            raise InputError("no file of the run")
        if sheet and layout.SALIENCY in sheet.files and file_digest(path) != sheet.files[layout.SALIENCY]:
            raise InputError("another than its scores say")
        return dataclasses.replace(member, saliency=member.run.saliency(stimuli))
    except Exception as error:  # of any kind, it is this run's alone
        reason = str(error).removeprefix(f"{path}: ") if isinstance(error, InputError) else type(error).__name__
        notes[f"{member.run.path}: {layout.SALIENCY} cannot be read ({reason})"] += 1
        return member


def _truth(stimulus: str, opened: Sequence[Opened], shelf: Shelf) -> tuple[str, list[Thumbnail]]:
    """Concept and true picture, from the first run whose data set, as its subject saw it, has the stimulus."""
    specs = {_place(member.spec): member.spec for member in opened if stimulus in member.rows}
    for place, spec in specs.items():
        if place not in shelf.answers:
            try:
                shelf.answers[place] = _answers(spec, shelf.settings)
            except registry.NotAllowed as error:
                shelf.answers[place] = f"no true pictures: {error}"
            except Exception:  # of any kind: a stranger's record is asked for; and its words may hold paths
                shelf.answers[place] = f"no true pictures: {spec.dataset} is not here as the runs saw it"
        answers = shelf.answers[place]
        if isinstance(answers, str):
            shelf.notes[answers] = 1
        elif stimulus in answers.stimuli:
            i = answers.stimuli.index(stimulus)
            return answers.concepts[i], [Thumbnail("", IMAGE, thumbnail(np.asarray(answers.images[i])))]
    return "", []


def _place(spec: RunSpec) -> str:
    return canonical([spec.dataset, spec.revision, spec.dataset_configuration, spec.subject])


def _answers(spec: RunSpec, settings: Mapping[str, object]) -> Answers:
    """What the subject of a run saw, from the data set as the run saw it; raises EegbenchError where it is not here."""
    dataset_keys = {key.partition(".")[0] for key in keys(registry.find("dataset", spec.dataset))}
    dataset_settings = {key: value for key, value in settings.items() if key.partition(".")[0] in dataset_keys}
    return entering.answers(dataset_of_run(spec, dataset_settings), spec.subject)
