"""What is done to a run's files: damage, and forgeries whose digests and seals fit."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from eegbench.files import file_digest
from eegbench.runs import layout
from eegbench.runs.record import RunRecord, files_digest
from eegbench.runs.sheet import ScoreSheet

SHEET_2 = ("seal", "files", "truths", "reconstructions", "statistics", "audit")  # what version 1 did not have


def flip(path: Path, place: int = -20) -> None:
    """Turn one bit of one byte."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def with_score(sheet: ScoreSheet, name: str, **changes: Any) -> ScoreSheet:
    changed = dataclasses.replace(sheet.metrics[name], **changes)
    return dataclasses.replace(sheet, metrics={**sheet.metrics, name: changed})


def reseal(folder: Path, change: Callable[[ScoreSheet], ScoreSheet]) -> None:
    """Change a score sheet so that its seal and the digests of its files fit."""
    sheet = change(ScoreSheet.read(folder / layout.SHEET))
    files = {name: file_digest(folder / name) for name in sheet.files if (folder / name).is_file()}
    (folder / layout.SHEET).write_text(dataclasses.replace(sheet, files=files).to_json())


def repaint(folder: Path) -> None:
    """Put black images in place of a run's own, so that all digests and seals fit; the scores stay."""
    record = RunRecord.read(folder / layout.RECORD)
    rows = []
    for row in record.manifest:
        Image.fromarray(np.zeros((6, 6, 3), np.uint8)).save(folder / row.file)
        rows.append(dataclasses.replace(row, sha256=file_digest(folder / row.file)))
    images = files_digest((row.stimulus, row.sample, row.sha256) for row in rows)
    digests = record.digests | {"reconstructions": images}
    dataclasses.replace(record, manifest=tuple(rows), digests=digests).write(folder / layout.RECORD)
    reseal(folder, lambda sheet: dataclasses.replace(sheet, reconstructions=images))


def as_edition_1(folder: Path) -> None:
    """The scores as the first edition of the statistics made them: other intervals, floors and verdict, and no p."""
    old: dict[str, Any] = {"ci": (-0.5, 0.5), "floor": 0.123, "contribution_p": None}

    def change(sheet: ScoreSheet) -> ScoreSheet:
        own = {**old, "contribution_ci": (-0.4, 0.4)} if sheet.verdict else old  # where it was audited
        scores = {name: dataclasses.replace(score, **own) for name, score in sheet.metrics.items()}
        verdict = "mixed: 1 of 5 metrics clear of the permuted EEG" if sheet.verdict else ""
        return dataclasses.replace(sheet, metrics=scores, audit=None, statistics=1, verdict=verdict)

    reseal(folder, change)


def as_version_1(folder: Path) -> None:
    """Take away what schema version 1 did not have."""
    as_edition_1(folder)
    for name, new in (("run.json", ("seal",)), ("scores.json", SHEET_2)):
        value = {k: v for k, v in json.loads((folder / name).read_text()).items() if k not in new}
        for what in ("reconstructions", "controls"):
            value.get("digests", {}).pop(what, None)
        (folder / name).write_text(json.dumps(value | {"schema_version": 1}))
    head, *rows = [line.split(",") for line in (folder / "scores.csv").read_text().splitlines()]
    lines = ["stimulus,sample,metric,version,value"]
    for row in rows:
        pairs = zip(head[2:], row[2:], strict=True)
        lines += [",".join([*row[:2], *title.split("@"), value]) for title, value in pairs]
    (folder / "scores.csv").write_text("\n".join(lines) + "\n")
    for name in ("targets.safetensors", "saliency.safetensors"):
        (folder / name).unlink(missing_ok=True)
