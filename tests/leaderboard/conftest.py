"""Small run folders, made from records as a real run makes them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from eegbench.files import write_text
from eegbench.runs.record import RunRecord, RunSpec
from eegbench.runs.sheet import Audited, Score, ScoreSheet

AddRun = Callable[..., Path]
COUNTED = "EEG contributes: 2 of 2 metrics clear of the permuted EEG"
Shown = float | dict[str, Any] | None


@pytest.fixture
def add_run(tmp_path: Path) -> AddRun:
    """Writes one run below `tmp_path` and returns its folder; scores are values, or fields of a Score."""

    def add(
        method: str,
        scores: Mapping[str, Shown] | None,
        *,
        subject: int = 8,
        role: str = "method",
        simulated: bool = True,
        caution: str = "",
        status: str = "complete",
        reason: str = "",
        verdict: str | None = None,  # without one a sheet of the first edition has `COUNTED`, and others none
        suite: str = "micro",
        protocol: str = "sal512",
        judges: dict[str, str] | None = None,
        folder: str = "",
        digests: dict[str, str] | None = None,
        n: int = 200,
        scored: str = "",  # digest of the images that were scored; without `digests` the record has it too
        transductive: bool = False,
        statistics: int = 1,  # the edition that made intervals and audit; 2 or an `audit` for those of today
        audit: Audited | None = None,
        **spec: Any,
    ) -> Path:
        given: dict[str, Any] = {"dataset": "sim-things", "revision": "1", "dataset_configuration": {}, "track": "eeg"}
        given |= {"configuration": {}} | spec
        run = RunSpec(method=method, subject=subject, **given)
        place = tmp_path / (folder or run.folder)
        more: dict[str, Any] = {"reason": reason, "caution": caution}
        more |= {"transductive": True} if transductive else {}
        bound = {"reconstructions": scored} if scored else {}
        record = RunRecord(run, role, simulated, status, {}, bound if digests is None else digests, **more)
        record.write(place / "run.json")
        if scores is not None:
            metrics = {name: _score(name, shown) for name, shown in scores.items()}
            today: dict[str, Any] = {"audit": audit, "statistics": 2 if audit else statistics}
            words = (COUNTED if today["statistics"] == 1 else "") if verdict is None else verdict
            sheet = ScoreSheet(n, suite, protocol, metrics, judges or {}, words, reconstructions=scored, **today)
            write_text(place / "scores.json", sheet.to_json())
        return place

    return add


def _score(name: str, shown: Shown) -> Score:
    """A score from its value alone, with an interval of width .06, or from the fields that are not as usual."""
    fields = shown if isinstance(shown, dict) else {"value": shown}
    value = fields["value"]
    ci = None if value is None else (value - 0.03, value + 0.03)
    usual: dict[str, Any] = {"version": 1, "ci": ci, "higher_is_better": name not in ("kid", "fid", "swav")}
    return Score(metric=name, **(usual | fields))
