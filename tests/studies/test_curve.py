"""Curves over keys and over parts of the protocol: their values, points that are there already, table and figures."""

import csv
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from eegbench.api.curve import curve as drawn
from eegbench.arrays import EEGInfo
from eegbench.contracts import Silent
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import UsageError
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord
from eegbench.runs.sheet import Score
from eegbench.studies import curve as curves
from eegbench.studies import curve_pictures
from eegbench.studies.axes import Axis, Windows, axis_of
from eegbench.studies.curve import Curve
from small_world import Drawn, Lab

RECORDING = EEGInfo(("Oz",), 100.0, -0.2, 100)


def curve(lab: Lab, over: str, *values: str, methods: tuple[str, ...] = ("uses-eeg",), **changes: Any) -> Curve:
    options = [lab.options(**changes)] * len(methods)
    return curves.curve(methods, 8, over, values, options, Silent())


def test_a_curve_over_the_method_s_weight_rises(lab: Lab) -> None:
    result = curve(lab, "weight", "0", "0.5", "1")
    values = [point.sheet.metrics["pixcorr"].value or 0.0 for point in result.points]
    assert result.values == ("0", "0.5", "1") and values == sorted(values) and values[2] == pytest.approx(1)
    assert result.falls() == {"uses-eeg": []}
    assert "pixcorr" in dataclasses.replace(result, points=result.points[::-1]).falls()["uses-eeg"]


def test_multiples_of_the_default_are_the_values_where_none_are_given(lab: Lab) -> None:
    assert curve(lab, "method.weight", audit=False).values == ("0", "0.2", "0.4", "0.8", "1.6", "3.2")
    with pytest.raises(UsageError, match=r"noise is 0.0, which has no multiples; give --values"):
        curve(lab, "dataset.noise")


@pytest.mark.parametrize(
    ("over", "values", "words"),
    [
        ("weight", ("0", "x"), "weight.*'x'"),
        ("window", ("0:0.1", "0:9"), "window 0:9 s is not inside the recording"),
        ("channels", ("O1", "frontal"), "no electrode of this recording is frontal"),
        ("calibration", ("0", "some"), "'some' is no value for this curve; wanted a whole number"),
        ("subjects", ("1", "2"), "others 2; beside subject 8 there are 1"),
        ("train-repetitions", ("1",), "does not let its training repetitions be chosen"),
        ("average", ("1", "0"), "average is '0'"),
    ],
)
def test_a_value_that_cannot_be_is_said_before_any_run(
    lab: Lab, over: str, values: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        curve(lab, over, *values)
    assert not lab.runs.exists()


def test_an_unknown_axis_lists_what_there_is(lab: Lab) -> None:
    with pytest.raises(UsageError, match=r"unknown key 'wieght'; did you mean 'weight'\? There is: average, window"):
        curve(lab, "wieght")


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        (Windows(), ["0:0.1", "0:0.2", "0:0.3", "0:0.4", "0:0.5", "0:0.6", "0:0.7", "0:0.8"]),
        (Windows(0.2, 0.4), ["-0.2:0.2", "0:0.4", "0.2:0.6", "0.4:0.8"]),
    ],
)
def test_windows_grow_from_the_stimulus_or_slide_over_the_recording(windows: Windows, words: list[str]) -> None:
    assert windows.of(RECORDING) == words


@pytest.mark.parametrize("windows", [{"step": 0.0}, {"step": float("nan")}, {"width": -1.0}])
def test_a_step_or_width_that_is_none_is_refused(windows: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="wanted a number of s above 0"):
        Windows(**windows)


@pytest.mark.parametrize(
    ("over", "values"),
    [
        ("window", ("0:0.1", "0:0.2", "0:0.3")),
        ("train-stimuli", ("1", "2", "4", "8")),
        ("subjects", ("1",)),
        ("calibration", ("0",)),
    ],
)
def test_an_axis_of_the_protocol_has_the_values_that_the_data_have(
    lab: Lab, over: str, values: tuple[str, ...]
) -> None:
    assert curve(lab, over, audit=False).values == values


def test_channels_are_the_regions_that_have_an_electrode_and_all(lab: Lab) -> None:
    axis = axis_of("channels", "uses-eeg", 8, lab.options(), Windows())
    assert list(axis.usual()) == ["occipital", "all"]


def test_the_last_point_of_an_axis_is_the_usual_run(lab: Lab) -> None:
    usual = lab.evaluate().run_folder
    assert curve(lab, "train-stimuli", "4", "8").points[1].run.folder == usual


def test_points_that_are_there_are_read_and_not_made_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    first = curve(lab, "window", "0:0.1", "0:0.2")
    files = {file: file.stat().st_mtime_ns for file in lab.runs.rglob("*") if file.is_file()}
    monkeypatch.setattr(curves, "evaluate", lambda *_: pytest.fail("a point was made again"))
    again = curve(lab, "window", "0:0.1", "0:0.2")
    assert again.rows() == first.rows()
    assert files == {file: file.stat().st_mtime_ns for file in lab.runs.rglob("*") if file.is_file()}


def test_a_point_without_an_audit_is_audited_where_that_is_asked(lab: Lab) -> None:
    assert curve(lab, "window", "0:0.1", audit=False).rows()[0]["permuted"] is None
    assert curve(lab, "window", "0:0.1").rows()[0]["permuted"] is not None


def test_the_files_hold_every_value(lab: Lab, tmp_path: Path) -> None:
    made = drawn(
        ["uses-eeg", "ignores-eeg"], subject=8, over="weight", values=("0", "1"), output=tmp_path / "out",
        dataset="drawn", runs=lab.runs, device="cpu",
    )  # fmt: skip
    with made.table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * len(made.result.points[0].sheet.metrics)
    first = next(row for row in rows if (row["method"], row["metric"], row["value"]) == ("uses-eeg", "pixcorr", "1"))
    assert float(first["score"]) == made.result.points[1].sheet.metrics["pixcorr"].value
    assert first["simulated"] == "True" and float(first["ceiling"]) == pytest.approx(1)
    assert RunRecord.read(lab.runs / Run.open(made.result.points[1].run.folder).path / "run.json").status == "complete"
    svg, png = made.pictures
    with Image.open(png) as image:
        assert image.width > 300
    for word in ("SIMULATED EEG", "uses-eeg, permuted EEG", "floor", "ceiling", "pixcorr"):
        assert word in svg.read_text()


def test_the_same_points_give_the_same_figure(lab: Lab, tmp_path: Path) -> None:
    def figure(folder: str) -> bytes:
        made = drawn(
            ["uses-eeg"], subject=8, over="window", values=("0:0.1", "0:0.3"), output=tmp_path / folder,
            dataset="drawn", runs=lab.runs, device="cpu",
        )  # fmt: skip
        return made.pictures[0].read_bytes()

    assert figure("a") == figure("b")


def test_the_data_sets_caution_stands_in_every_row(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drawn, "caution", "Shown in blocks, says Li.", raising=False)
    assert {row["caution"] for row in curve(lab, "weight", "1").rows()} == {"Shown in blocks, says Li."}


def test_a_fall_within_the_intervals_is_none(lab: Lab) -> None:
    whole = curve(lab, "weight", "1").points[0]

    def falls(*scores: tuple[float, tuple[float, float] | None]) -> list[str]:
        points = [
            dataclasses.replace(
                whole,
                run=dataclasses.replace(
                    whole.run,
                    sheet=dataclasses.replace(
                        whole.sheet, metrics={"pixcorr": Score("pixcorr", 1, value, ci, True)}, audit=None, verdict=""
                    ),
                ),
            )
            for value, ci in scores
        ]
        return Curve(Axis("x", "x", lambda o, _: o, tuple), tuple(points)).falls()["uses-eeg"]

    assert falls((0.5, (0.4, 0.6)), (0.45, (0.35, 0.55))) == []
    assert falls((0.5, (0.4, 0.6)), (0.3, (0.2, 0.39))) == ["pixcorr"]
    assert falls((0.5, None), (0.1, (0.0, 0.2))) == []


def test_a_scalp_map_shows_what_each_region_alone_reaches(lab: Lab, tmp_path: Path) -> None:
    first, second = curve(lab, "weight", "0.5", "1").points
    axis = axis_of("channels", "uses-eeg", 8, lab.options(), Windows())
    regions = (dataclasses.replace(first, value="occipital"), dataclasses.replace(second, value="parietal"))
    drawn_files = curve_pictures.scalp(Curve(axis, regions), "pixcorr", SimThings().info, "SIMULATED", tmp_path)
    assert [file.name for file in drawn_files] == ["scalp.svg", "scalp.png"]
    assert "pixcorr, from this region alone" in drawn_files[0].read_text()
    named = tuple(dataclasses.replace(point, value="O1") for point in regions)
    assert curve_pictures.scalp(Curve(axis, named), "pixcorr", SimThings().info, "SIMULATED", tmp_path) == []
