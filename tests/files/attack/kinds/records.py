"""A run's records: run.json, scores.json and permutation.json, with fields changed, sealed anew or not."""

import json
import random
from pathlib import Path

import pytest

from attack.cases import Case, Maker
from attack.hostile import JSON, changed, written
from attack.spoiling import spoilt
from attack.worlds import evaluated
from eegbench.benchmark import permuting
from eegbench.runs import layout
from eegbench.runs.folder import read_run
from eegbench.runs.record import RunRecord
from eegbench.runs.seal import is_sealed
from eegbench.runs.sheet import ScoreSheet

Read = tuple[Path, RunRecord, ScoreSheet]
NAMES = (layout.RECORD, layout.SHEET, layout.PERMUTATION)


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    run = evaluated(shared, patch).run
    wholes = {name: (run / name).read_bytes() for name in NAMES}
    check(read(run))
    (run / "again.json").unlink()

    def case(rng: random.Random, folder: Path) -> Case:
        name = rng.choice(NAMES)
        whole, what = wholes[name], rng.choice(["fields", "fields", "fields", "fields", "spoilt", *JSON])
        (folder / layout.PERMUTED).mkdir()
        if what == "fields":
            data = written(changed(json.loads(whole), rng), rng)
        else:
            data = spoilt(whole, rng) if what == "spoilt" else JSON[what](rng)
        for other, content in wholes.items():
            (folder / other).write_bytes(data if other == name else content)
        return Case(
            f"{name}, {what}", sum(map(len, wholes.values())) - len(whole) + len(data), lambda: read(folder), check
        )

    return case


def read(folder: Path) -> Read:
    """All three, and what stands in them together."""
    record, sheet = RunRecord.read(folder / layout.RECORD), ScoreSheet.read(folder / layout.SHEET)
    read_run(folder)
    contents = {row.stimulus: row.stimulus for row in record.manifest}
    permuting.stored(folder, record, None, contents=contents)
    return folder, record, sheet


def check(found: Read) -> None:
    """What was read is the same when it is written and read again, and its seal holds."""
    folder, record, sheet = found
    record.write(folder / "again.json")
    assert RunRecord.read(folder / "again.json") == record and is_sealed((folder / "again.json").read_text())
    (folder / "again.json").write_text(sheet.to_json())
    assert ScoreSheet.read(folder / "again.json") == sheet
