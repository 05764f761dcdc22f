"""Baselines of `eegbench check`: read, and compared with a sheet."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from attack.cases import Generator, Maker, of_files
from attack.hostile import JSON, changed, written
from attack.worlds import evaluated
from eegbench.checks import drift, drift_report


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    found = drift.read_scores(evaluated(shared, patch).lab.runs)
    whole = drift.to_json(found[:3]).encode()

    def check(known: Sequence[drift.Entry]) -> None:
        """The same entries when they are written again; a report of each form."""
        again = shared / "again.json"
        again.write_text(drift.to_json(known))
        assert sorted(entry.key for entry in drift.read_baseline(again)) == sorted(entry.key for entry in known)
        findings = drift.comparisons(found, known)
        assert {finding.run for finding in findings if finding.state != "new"} <= {
            entry.name for entry in (*known, *found)
        }
        assert all(drift_report.render(findings, form) for form in ("text", "md", "junit"))

    def fields(rng: random.Random) -> bytes:
        return written(changed(json.loads(whole), rng), rng)

    made: dict[str, Generator] = {"fields": fields, "more fields": fields, **JSON}
    return of_files(shared, "baseline.json", (whole,), drift.read_baseline, made, check)
