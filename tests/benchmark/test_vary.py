"""One method under several settings: curves over a key, ablations, and what is said where they make no sense."""

import csv
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from eegbench.contracts import Silent
from eegbench.errors import UsageError
from eegbench.runs.sheet import Score
from eegbench.studies import vary


def curve(lab: Any, key: str, *values: str) -> list[vary.Point]:
    return vary.curve("uses-eeg", 8, key, values, lab.options(), Silent())


def test_a_curve_over_the_method_s_weight_rises(lab: Any) -> None:
    points = curve(lab, "weight", "0", "0.5", "1")
    values = [point.sheet.metrics["pixcorr"].value or 0.0 for point in points]
    assert [p.label for p in points] == ["0", "0.5", "1"] and values == sorted(values) and values[2] == pytest.approx(1)
    assert vary.falls(points) == []
    assert "pixcorr" in vary.falls(points[::-1])


def test_multiples_of_the_default_are_the_values_where_none_are_given(lab: Any) -> None:
    assert [point.label for point in curve(lab, "method.weight")] == ["0", "0.2", "0.4", "0.8", "1.6", "3.2"]
    with pytest.raises(UsageError, match=r"noise is 0.0, which has no multiples; give --values"):
        curve(lab, "dataset.noise")


def test_a_value_that_cannot_be_is_said_before_any_run(lab: Any) -> None:
    with pytest.raises(UsageError, match=r"weight.*'x'.*; give others with --values"):
        curve(lab, "weight", "0", "x")
    assert not lab.runs.exists()


def test_an_unknown_key_lists_what_there_is(lab: Any) -> None:
    with pytest.raises(UsageError, match=r"unknown key 'wieght'; did you mean 'weight'\? There is: dataset\.noise"):
        curve(lab, "wieght")


def test_the_files_hold_every_value(lab: Any, tmp_path: Path) -> None:
    points = curve(lab, "weight", "0", "1")
    table, picture = vary.write(points, "weight", tmp_path / "out", title="SIMULATED")
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(points[0].sheet.metrics)
    first = next(row for row in rows if row["metric"] == "pixcorr" and row["value"] == "1")
    assert float(first["score"]) == points[1].sheet.metrics["pixcorr"].value and first["simulated"] == "True"
    with Image.open(picture) as image:
        assert image.width > 300


def test_the_data_sets_caution_stands_in_every_row(lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(lab.plan().dataset), "caution", "Shown in blocks, says Li.", raising=False)
    table, _ = vary.write(curve(lab, "weight", "1"), "weight", tmp_path, title="SIMULATED")
    with table.open() as file:
        assert {row["caution"] for row in csv.DictReader(file)} == {"Shown in blocks, says Li."}


def test_neither_floors_nor_audits_are_run(lab: Any) -> None:
    curve(lab, "weight", "1")
    assert lab.plan().method.fits == ["uses-eeg"]


def test_an_ablation_has_the_paper_s_rows(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(lab.plan().method), "ablation", {"none": {"weight": 0.0}, "all": {"weight": 1.0}})
    points = vary.ablate("uses-eeg", 8, lab.options(), Silent())
    assert [p.label for p in points] == ["none", "all"]
    values = [p.sheet.metrics["pixcorr"].value for p in points]
    assert values[0] is not None and values[1] is not None and values[0] < values[1]


def test_a_method_without_an_ablation_says_so(lab: Any) -> None:
    with pytest.raises(UsageError, match="method 'uses-eeg' names no ablation; these do: "):
        vary.ablate("uses-eeg", 8, lab.options(), Silent())


def test_a_fall_within_the_intervals_is_none(lab: Any) -> None:
    def point(value: float, ci: tuple[float, float] | None) -> vary.Point:
        sheet = curve(lab, "weight", "1")[0].sheet
        score = Score("pixcorr", 1, value, ci, True)
        return vary.Point("x", dataclasses.replace(sheet, metrics={"pixcorr": score}), True)

    assert vary.falls([point(0.5, (0.4, 0.6)), point(0.45, (0.35, 0.55))]) == []
    assert vary.falls([point(0.5, (0.4, 0.6)), point(0.3, (0.2, 0.39))]) == ["pixcorr"]
    assert vary.falls([point(0.5, None), point(0.1, (0.0, 0.2))]) == []
