"""A run's records: run.json, scores.json and permutation.json, with fields changed, sealed anew or not."""

import json
import random
from pathlib import Path

import pytest

from attack.cases import Case, Maker
from attack.hostile import JSON, changed, written
from attack.spoiling import spoilt
from attack.worlds import evaluated
from eegbench import runs
from eegbench.benchmark import permuting, store
from eegbench.records import RunRecord, ScoreSheet, is_sealed

NAMES = (runs.RECORD, runs.SHEET, store.PERMUTATION)


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    run = evaluated(shared, patch).run
    wholes = {name: (run / name).read_bytes() for name in NAMES}
    read(run)

    def case(rng: random.Random, folder: Path) -> Case:
        name = rng.choice(NAMES)
        whole, what = wholes[name], rng.choice(["fields", "fields", "fields", "fields", "spoilt", *JSON])
        (folder / store.PERMUTED).mkdir()
        if what == "fields":
            data = written(changed(json.loads(whole), rng), rng)
        else:
            data = spoilt(whole, rng) if what == "spoilt" else JSON[what](rng)
        for other, content in wholes.items():
            (folder / other).write_bytes(data if other == name else content)
        return Case(f"{name}, {what}", sum(map(len, wholes.values())) - len(whole) + len(data), lambda: read(folder))

    return case


def read(folder: Path) -> object:
    """All three; what was read is written and read again, and must be the same."""
    record = RunRecord.read(folder / runs.RECORD)
    record.write(folder / "again.json")
    assert RunRecord.read(folder / "again.json") == record and is_sealed((folder / "again.json").read_text())
    sheet = ScoreSheet.read(folder / runs.SHEET)
    (folder / "again.json").write_text(sheet.to_json())
    assert ScoreSheet.read(folder / "again.json") == sheet
    return runs.read(folder), permuting.permuted_rows(folder), record.spec.key, record.images
