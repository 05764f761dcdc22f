"""What boards and `eegbench check` know of a metric, which they do not load."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegbench.checks import drift
from eegbench.leaderboard.table import collect
from eegbench.metrics import METRICS
from eegbench.runs.items import write_values
from eegbench.runs.metric_facts import GRAINS, TABLE, MetricFacts, known

ROOT = Path(__file__).parents[2]
AddRun = Callable[..., Path]


def test_what_boards_know_of_our_metrics_is_what_the_metrics_declare() -> None:
    place = importlib.util.spec_from_file_location("write_docs", ROOT / "scripts" / "write_docs.py")
    assert place and place.loader
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    assert TABLE.read_text() == module.known_metrics(), "run: python scripts/write_docs.py"
    assert set(known()) == set(METRICS)


def test_every_metric_of_ours_has_a_column_of_its_own() -> None:
    columns = [metric.column for metric in METRICS.values()]
    assert None not in columns and len(set(columns)) == len(columns)


def test_columns_stand_where_their_metrics_declare_and_others_follow_by_name(tmp_path: Path, add_run: AddRun) -> None:
    own = dict.fromkeys(("swav", "effnet", "pixcorr"), 0.5)
    between: dict[str, Any] = {"value": 0.5, "facts": MetricFacts(True, column=85)}
    add_run("atm", own | {"zeta": 0.5, "beta": 0.5, "mine": between})
    [table] = collect(tmp_path)
    assert [column.metric for column in table.columns] == ["pixcorr", "effnet", "mine", "swav", "beta", "zeta"]


@pytest.mark.parametrize(
    ("grain", "expected"), [("comparisons", 2 / (200 * 199)), ("stimuli", 2 / 200), ("classes", 0.4 / 200), ("", 2e-6)]
)
def test_near_ties_of_a_metric_that_is_not_installed_may_tip_over_too(
    tmp_path: Path, add_run: AddRun, grain: str, expected: float
) -> None:
    assert grain in GRAINS
    add_run("atm", {"mine": {"value": 0.8, "facts": MetricFacts(True, rivals=True, grain=grain)}})
    [entry] = drift.read_scores(tmp_path)
    assert entry.metrics["mine"].identical == pytest.approx(expected, rel=1e-12)


def test_a_score_cannot_declare_other_facts_for_a_metric_of_ours(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": {"value": 0.4, "facts": MetricFacts(False, grain="stimuli", column=0)}, "pixcorr": 0.1})
    [entry] = drift.read_scores(tmp_path)
    assert entry.metrics["ssim"].identical == pytest.approx(1e-6)
    assert [column.metric for column in collect(tmp_path)[0].columns] == ["pixcorr", "ssim"]


@pytest.mark.parametrize(("rivals", "compared"), [(False, True), (True, False), (None, False)])
def test_methods_on_other_stimuli_are_compared_where_the_metric_declares_no_rivals(
    tmp_path: Path, add_run: AddRun, rivals: bool | None, compared: bool
) -> None:
    facts = None if rivals is None else MetricFacts(True, rivals=rivals)
    for place, method in enumerate(("atm", "neuroimagen")):
        folder = add_run(method, {"mine": {"value": 0.5, "facts": facts}}, n=30)
        stimuli = [f"{i:03d}_thing/a" for i in range(place, place + 30)]
        items = 0.5 + (np.arange(30) % 3 - 1) / 10
        (folder / "scores.csv").write_text(write_values({("mine", 1): items[None]}, stimuli))
    [table] = collect(tmp_path)
    ranked = [row for row in table.rows if row.block == "ranked"]
    assert [row.cells[0].compared for row in ranked] == [compared, compared]
