"""What the gate calls drift, and what it prints."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from eegbench.checks import drift, drift_report
from eegbench.checks.drift import Comparison, Entry, Known
from eegbench.checks.sketches import sketches
from eegbench.cli import app
from eegbench.errors import InputError, UsageError
from eegbench.runs.items import ItemValues, write_values

AddRun = Callable[..., Path]
IMAGES = "a" * 64
KNOWN = Known(version=2, variant="", value=0.5, identical=0.001, generated=0.05)


def entry(images: str = IMAGES, name: str = "runs/a", key: str = "k", **metrics: Known) -> Entry:
    return Entry(name, key, images, metrics or {"ssim": KNOWN})


def one(now: Known, images: str = IMAGES) -> Comparison:
    [found] = drift.comparisons([entry(images, ssim=now)], [entry()])
    return found


def now(**changes: Any) -> Known:
    return dataclasses.replace(KNOWN, **changes)


@pytest.mark.parametrize(
    ("here", "images", "state", "stage"),
    [
        (now(), IMAGES, "same", "identical"),
        (now(value=0.5009), IMAGES, "same", "identical"),
        (now(value=0.502), IMAGES, "moved", "identical"),
        (now(value=0.498), IMAGES, "moved", "identical"),
        (now(value=0.502), "b" * 64, "same", "generated"),
        (now(value=0.56), "b" * 64, "moved", "generated"),
        (now(value=0.56), "", "moved", "generated"),
        (now(value=None), IMAGES, "moved", "identical"),
        (now(value=0.9, version=3), IMAGES, "not comparable", ""),
        (now(value=0.9, variant="half"), IMAGES, "other variant", "identical"),
        (now(version=1), IMAGES, "version fell", "identical"),
    ],
)
def test_a_number_is_drift_by_its_stage_and_version(here: Known, images: str, state: str, stage: str) -> None:
    found = one(here, images)
    assert (found.state, found.stage) == (state, stage)
    assert found.failed == (state in ("moved", "version fell", "other variant"))


def test_the_tolerance_is_the_baselines_and_not_that_of_the_change() -> None:
    assert one(now(value=0.502, identical=1.0, generated=1.0)).failed


def test_what_the_baseline_has_must_be_there_and_what_is_new_is_told() -> None:
    found = drift.comparisons(
        [entry(ssim=KNOWN, kid=KNOWN), entry(name="runs/new", key="n")],
        [entry(ssim=KNOWN, clip=KNOWN), entry(name="runs/gone", key="g")],
    )
    told = {(one.run, one.metric): one.state for one in found}
    assert told == {
        ("runs/a", "ssim"): "same", ("runs/a", "clip"): "missing", ("runs/a", "kid"): "new",
        ("runs/gone", ""): "missing", ("runs/new", ""): "new",
    }  # fmt: skip
    assert {(one.run, one.metric) for one in drift.failures(found)} == {("runs/a", "clip"), ("runs/gone", "")}


def test_an_undefined_number_that_stays_so_is_no_drift() -> None:
    nothing = now(value=None)
    [found] = drift.comparisons([entry(ssim=nothing)], [entry(ssim=nothing)])
    assert found.state == "same"


def test_a_folder_of_runs_is_its_own_baseline_and_a_moved_score_is_named(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4, "clip": 0.8}, scored=IMAGES)
    add_run("neuroimagen", {"ssim": 0.3}, scored=IMAGES)
    before = drift.read_scores(tmp_path)
    (tmp_path / "baseline.json").write_text(drift.to_json(before))
    assert drift.read_baseline(tmp_path / "baseline.json") == before
    add_run("atm", {"ssim": 0.41, "clip": 0.8}, scored=IMAGES)
    [failed] = drift.failures(drift.comparisons(drift.read_scores(tmp_path), before))
    assert (failed.run, failed.metric, failed.why) == (
        "sim-things/eeg/atm/sub-08/seed-0", "ssim", "by +0.01 without a new version",
    )  # fmt: skip


def test_a_run_is_found_again_wherever_it_lies(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4}, scored=IMAGES, folder="here/a")
    before = drift.read_scores(tmp_path / "here")
    add_run("atm", {"ssim": 0.4}, scored=IMAGES, folder="there/b")
    assert [one.state for one in drift.comparisons(drift.read_scores(tmp_path / "there"), before)] == ["same"]


def test_of_runs_that_are_one_the_first_counts_and_the_other_is_named(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4}, scored=IMAGES, folder="a")
    before = drift.read_scores(tmp_path)
    add_run("atm", {"ssim": 0.1}, scored=IMAGES, folder="b")
    twins = drift.read_scores(tmp_path)
    found = drift.comparisons(twins, before)
    assert [(one.run, one.state, one.failed) for one in found] == [("b", "left out", False), ("a", "same", False)]
    text = drift_report.render(found, "junit")
    assert 'skipped="1"' in text and "the same run as a, which counts" in text
    (tmp_path / "baseline.json").write_text(drift.to_json(twins))
    assert drift.read_baseline(tmp_path / "baseline.json") == before


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path, add_run: AddRun) -> None:
    add_run("b", {"ssim": 0.4, "clip": 0.8}, scored=IMAGES)
    add_run("a", {"clip": 0.8}, scored=IMAGES)
    entries = drift.read_scores(tmp_path)
    assert drift.to_json(entries) == drift.to_json(entries[::-1])


def test_an_unfinished_run_is_named_and_not_passed_over(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4}, status="failed", reason="out of memory")
    with pytest.raises(InputError, match="status failed: out of memory"):
        drift.read_scores(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "wanted a JSON object"),
        ('{"schema_version": 1, "entries": []}', "has no run"),
        ('{"schema_version": 9, "entries": []}', "schema version '9'"),
        ('{"schema_version": 1, "entries": [{}]}', "is missing"),
        ('{"schema_version": 1, "entries": [], "x": 1}', "'x' is unknown"),
        ("<html>", "cannot be read as JSON"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "baseline.json").write_text(text)
    with pytest.raises(InputError, match=words):
        drift.read_baseline(tmp_path / "baseline.json")


def test_a_baseline_with_a_run_twice_or_a_hostile_metric_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps({"schema_version": 1, "entries": [dataclasses.asdict(entry())] * 2}))
    with pytest.raises(InputError, match="a run twice"):
        drift.read_baseline(path)
    path.write_text(drift.to_json([dataclasses.replace(entry(), metrics={"<b>": KNOWN})]))
    with pytest.raises(InputError, match="metric is '<b>'"):
        drift.read_baseline(path)


HOSTILE = "a<script>|`x`\u202e\x00"
FINDINGS = (
    Comparison("runs/a", "ssim", "moved", 0.5, 0.52, 0.001, "identical", "by +0.02 without a new version"),
    Comparison("runs/a", "clip", "same", 0.8, 0.8, 0.001, "identical"),
    Comparison("runs/a", "kid", "not comparable", 0.1, 0.2, why="version 1, now 2"),
    Comparison(HOSTILE, "", "missing", why="the baseline has this run"),
)


def test_text_names_what_is_not_as_before_and_counts_the_rest() -> None:
    lines = drift_report.render(FINDINGS, "text").splitlines()
    assert lines[0].startswith(
        "MOVED          runs/a, ssim: 0.5 -> 0.52 by +0.02 without a new version (tolerance 0.001"
    )
    assert lines[-1] == "4 comparisons: 1 missing, 1 moved, 1 not comparable, 1 same"
    assert len(lines) == 4


def test_markdown_has_the_failures_first_and_obeys_nobody() -> None:
    text = drift_report.render(FINDINGS, "md")
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert "**Failed**" in text and [("**" in row) for row in rows] == [True, True, False]
    assert "<script>" not in text and "\u202e" not in text
    assert "**Passed**" in drift_report.render(FINDINGS[1:3], "md")


def test_no_text_of_others_is_live_in_markdown() -> None:
    lost = Comparison("@someone/see #12", "", "missing", why="https://evil.example deadbeef1234567")
    text = drift_report.render([lost], "md")
    shown = "@<!-- -->someone/see #<!-- -->12", "https:<!-- -->//evil.example deadbe<!-- -->ef1234<!-- -->567"
    assert all(words in text for words in shown)


def test_junit_is_xml_with_a_case_for_each_metric() -> None:
    root = ElementTree.fromstring(drift_report.render(FINDINGS, "junit"))
    suites = [(s.get("tests"), s.get("failures"), s.get("skipped")) for s in root]
    assert suites == [("3", "1", "1"), ("1", "1", "0")]
    [failure] = root[0].findall("testcase[@name='ssim']/failure")
    assert "0.5 -> 0.52" in str(failure.get("message"))


def test_an_unknown_format_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown format 'xml'"):
        drift_report.render(FINDINGS, "xml")


def test_the_file_is_plain_json_with_its_tolerances(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4, "clip": 0.8}, scored=IMAGES)
    [one] = json.loads(drift.to_json(drift.read_scores(tmp_path)))["entries"]
    assert one["metrics"]["clip"]["identical"] == 2 / (200 * 199)  # two comparisons of all
    assert one["metrics"]["ssim"]["identical"] == pytest.approx(1e-6)  # 2.5e-6 of .4
    assert one["metrics"]["ssim"]["generated"] == pytest.approx(0.03)  # half its interval


def with_table(folder: Path, items: NDArray[np.float64]) -> None:
    """A run's values by stimulus, and the digest of its images in its record."""
    stimuli = [f"{place:03d}_thing/a" for place in range(len(items))]
    (folder / "scores.csv").write_text(write_values({("ssim", 1): items[None]}, stimuli))


def drifted(tmp_path: Path, add_run: AddRun, now: NDArray[np.float64]) -> list[Comparison]:
    """What the gate says of a run whose values by stimulus are others than when its baseline was written."""
    items = np.random.default_rng(0).normal(0.4, 0.1, 200)
    folder = add_run("atm", {"ssim": float(items.mean())}, scored=IMAGES)
    with_table(folder, items)
    (tmp_path / "baseline.json").write_text(drift.to_json(drift.read_scores(folder)))
    with_table(folder, items + now - now.mean())
    return list(drift.comparisons(drift.read_scores(folder), drift.read_baseline(tmp_path / "baseline.json")))


TABLES: dict[str, tuple[NDArray[np.float64], bool]] = {
    "as it was": (np.zeros(200), False),
    "rounded otherwise by another machine": (np.random.default_rng(1).normal(0, 1e-7, 200), False),
    "other values of the same mean": (np.random.default_rng(1).normal(0, 0.01, 200), True),
    "taken from one and given to another": (np.eye(200)[7] - np.eye(200)[8], True),
}


@pytest.mark.parametrize("what", TABLES)
def test_values_by_stimulus_that_moved_are_drift_though_their_mean_stays(
    tmp_path: Path, add_run: AddRun, what: str
) -> None:
    changes, failed = TABLES[what]
    [found] = drifted(tmp_path, add_run, changes)
    assert found.failed == failed
    assert ("values by stimulus moved, though their mean did not" in found.why) == failed


def test_a_table_that_is_turned_round_is_noticed_and_one_that_is_gone_too(tmp_path: Path, add_run: AddRun) -> None:
    items = np.random.default_rng(0).normal(0.4, 0.1, 200)
    [found] = drifted(tmp_path, add_run, items[::-1] - items)
    assert found.state == "moved"
    before = drift.read_baseline(tmp_path / "baseline.json")
    for table in tmp_path.rglob("scores.csv"):
        table.unlink()
    [found] = drift.comparisons(drift.read_scores(tmp_path / "sim-things"), before)
    assert (found.state, found.why) == ("moved", "its values by stimulus are gone")


def test_values_of_new_images_may_move(tmp_path: Path, add_run: AddRun) -> None:
    before, after = (dataclasses.replace(KNOWN, sketch=sketch) for sketch in ((0.1, 0.2), (0.3, 0.4)))
    [found] = drift.comparisons([entry("b" * 64, ssim=after)], [entry(ssim=before)])
    assert found.state == "same"


def test_a_baseline_of_before_is_read_and_said_to_look_at_no_tables(tmp_path: Path, add_run: AddRun) -> None:
    folder = add_run("atm", {"ssim": 0.4}, scored=IMAGES)
    file = tmp_path / "baseline.json"
    file.write_text(drift.to_json(drift.read_scores(folder)))
    assert "sketch" not in file.read_text()
    with_table(folder, np.full(200, 0.4))
    done = CliRunner().invoke(app, ["check", str(folder), "--baseline", str(file)])
    assert done.exit_code == 0 and "looks at no values by stimulus; `eegbench check --update`" in done.stderr
    CliRunner().invoke(app, ["check", str(folder), "--baseline", str(file), "--update"])
    again = CliRunner().invoke(app, ["check", str(folder), "--baseline", str(file)])
    assert (again.exit_code, again.stderr) == (0, "") and "sketch" in file.read_text()


def test_the_weights_of_a_sketch_follow_from_the_ids_and_stay_within_one(tmp_path: Path) -> None:
    table = ItemValues(("a", "b"), {("ssim", 1): np.array([1.0, np.nan])})
    found = sketches(table)["ssim"]
    assert found == sketches(ItemValues(("a",), {("ssim", 1): np.array([1.0])}))["ssim"]
    assert all(0 < abs(weight) <= 1 for weight in found) and found[0] != found[1]
