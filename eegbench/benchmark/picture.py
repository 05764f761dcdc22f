"""Pictures to look at before believing any number: reconstructions.png of a run, and a sheet of several runs."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from eegbench.arrays import Images
from eegbench.benchmark.plan import dataset_of_run
from eegbench.benchmark.reconstruct import spread
from eegbench.contracts import Answers
from eegbench.datasets.images import read_image
from eegbench.errors import UsageError
from eegbench.files import write_bytes
from eegbench.plugins import entering
from eegbench.runs import layout
from eegbench.runs.folder import Run
from eegbench.runs.record import SIMULATED_EEG, RunRecord

CELL, GAP, LABELS, TITLE, CAPTION = 144, 6, 150, 44, 40  # pixels
LINE, LETTER = 18, 8  # of the data set's caution: height of a line, width of a letter, at most
INK, PAPER, WARNING = "#1a1a1a", "#ffffff", "#b00020"
ROWS = (
    ("control map", layout.CONTROLS),
    ("reconstruction", layout.IMAGES),
    ("reconstruction from\npermuted EEG", layout.PERMUTED),
)


def draw(run: Run, answers: Answers) -> Path:
    """The picture of a complete run: twelve stimuli, spread evenly over the sorted ids, and up to four rows.

    The rows are truth, control map, reconstruction, and reconstruction from permuted EEG; one that the run does
    not have is left out. Every row shows the first sample.
    """
    chosen = spread(answers.stimuli)
    stimuli = [answers.stimuli[i] for i in chosen]
    rows: list[tuple[str, list[Image.Image]]] = [("truth", _cells([answers.images[i] for i in chosen]))]
    for label, below in ROWS:
        files = [run.folder / below / layout.image_file(stimulus) for stimulus in stimuli]
        if all(file.is_file() for file in files):
            rows.append((label, _cells([read_image(file) for file in files])))
    concepts = [answers.concepts[i] for i in chosen]
    record = run.record
    page = _page(_title(record), concepts, rows, simulated=record.simulated, caution=record.caution)
    write_bytes(run.folder / layout.PICTURE, _png(page))
    return run.folder / layout.PICTURE


def sheet(folders: Sequence[Path], path: Path, settings: Mapping[str, object]) -> None:
    """The stimuli of `draw` as several complete runs of one data set and subject made them, a row for each run.

    `settings` are keys of the data set that a record does not hold, such as where it lies. Raises UsageError for
    folders without a complete run, or with runs that saw different things.
    """
    if not folders:
        raise UsageError("no run to draw; name their folders, as runs/sim-things/eeg/*/sub-08/seed-0")
    records = [_complete(folder) for folder in folders]
    first = records[0].spec
    for folder, record in zip(folders, records, strict=True):
        if _recorded_data(record) != _recorded_data(records[0]):
            raise UsageError(f"{folder}: not of the data set, revision and subject of {folders[0]}; draw it by itself")
    dataset = dataset_of_run(first, settings)
    answers = entering.answers(dataset, first.subject)
    chosen = spread(answers.stimuli)
    rows = [("truth", _cells([answers.images[i] for i in chosen]))]
    for folder, record in zip(folders, records, strict=True):
        files = [folder / layout.IMAGES / layout.image_file(answers.stimuli[i]) for i in chosen]
        label = textwrap.fill(record.spec.method.replace("_", " "), 18)
        alike = [r for r in records if (r.spec.method, r.spec.track) == (record.spec.method, record.spec.track)]
        which = f", {folder.name}" if len(alike) > 1 else ""
        rows.append((f"{label}\n({record.spec.track}{which})", _cells([read_image(file) for file in files])))
    simulated = records[0].simulated
    title = f"{first.dataset}{f' ({SIMULATED_EEG})' if simulated else ''}   subject {first.subject}"
    concepts = [answers.concepts[i] for i in chosen]
    page = _page(title, concepts, rows, simulated=simulated, caution=dataset.caution)
    write_bytes(path, _png(page), mend="choose another file with --output")


def _complete(folder: Path) -> RunRecord:
    record = layout.existing(folder) if folder.is_dir() else None
    if record is None or record.status != "complete":
        state = "holds no run" if record is None else f"holds a run that is {record.status}"
        raise UsageError(f"{folder}: {state}; wanted the folder of a complete one, such as .../sub-08/seed-0")
    return record


def _recorded_data(record: RunRecord) -> tuple[object, ...]:
    spec = record.spec
    return spec.dataset, spec.revision, spec.dataset_configuration, spec.subject


def _title(record: RunRecord) -> str:
    spec = record.spec
    simulated = f" ({SIMULATED_EEG})" if record.simulated else ""
    return (
        f"{spec.dataset}{simulated}   {spec.method}   subject {spec.subject}   track: {spec.track}   seed {spec.seed}"
    )


def _cells(images: Sequence[NDArray[np.uint8]] | Images) -> list[Image.Image]:
    """Each image fitted into a cell, its proportions kept."""
    cells = []
    for image in images:
        scale = CELL / max(image.shape[:2])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        cells.append(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    return cells


def _page(
    title: str,
    captions: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Image.Image]]],
    *,
    simulated: bool,
    caution: str,
) -> Image.Image:
    width = max(LABELS + len(captions) * (CELL + GAP) + GAP, 900)
    warned = textwrap.wrap(caution, (width - GAP * 4) // LETTER)
    head = TITLE + len(warned) * LINE
    page = Image.new("RGB", (width, head + CAPTION + len(rows) * (CELL + GAP) + GAP), PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((GAP * 2, GAP * 2), title, fill=WARNING if simulated else INK, font=ImageFont.load_default(20))
    for place, line in enumerate(warned):
        pen.text((GAP * 2, TITLE - GAP + place * LINE), line, fill=WARNING, font=ImageFont.load_default(14))
    for column, caption in enumerate(captions):
        lines = textwrap.wrap(caption.replace("_", " "), 20)[:2]
        pen.text((_left(column), head), "\n".join(lines), fill=INK, font=ImageFont.load_default(14))
    for row, (label, images) in enumerate(rows):
        top = head + CAPTION + row * (CELL + GAP)
        pen.text((GAP * 2, top + CELL // 2 - 16), label, fill=INK, font=ImageFont.load_default(14))
        for column, image in enumerate(images):
            page.paste(image, (_left(column), top))
    return page


def _png(page: Image.Image) -> bytes:
    buffer = io.BytesIO()
    page.save(buffer, format="PNG")
    return buffer.getvalue()


def _left(column: int) -> int:
    return LABELS + column * (CELL + GAP)
