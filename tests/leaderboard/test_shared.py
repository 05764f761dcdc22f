"""A board compares only what all ranked methods share: nobody looks good because something is missing."""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from eegbench.cli import app
from eegbench.errors import UsageError
from eegbench.files import write_text
from eegbench.leaderboard import collect
from eegbench.leaderboard.board import Board
from eegbench.runs.items import write_values
from eegbench.runs.sheet import Score, ScoreSheet

AddRun = Callable[..., Path]
Items = NDArray[np.float64]
STIMULI = tuple(f"s{i:03d}" for i in range(40))
EASE = np.linspace(0.1, 0.4, 40)


@pytest.fixture
def add_items(add_run: AddRun) -> AddRun:
    """A run with its values by stimulus: an array, or metrics with theirs; NaN is undefined."""

    def add(method: str, items: Items | Mapping[str, Items], stimuli: tuple[str, ...] = STIMULI, **more: Any) -> Path:
        metrics = items if isinstance(items, Mapping) else {"ssim": items}
        stimuli = stimuli[: len(next(iter(metrics.values())))]
        shown = {name: score(one) for name, one in metrics.items()}
        folder = add_run(method, shown, n=len(stimuli), **more)
        table = {(name, 1): one[None] for name, one in metrics.items()}
        write_text(folder / "scores.csv", write_values(table, stimuli))
        return folder

    return add


def score(items: Items) -> dict[str, Any]:
    known = items[np.isfinite(items)]
    defined = None if len(known) == len(items) else len(known)
    return {"value": float(known.mean()) if len(known) else None, "items": defined}


def board(top: Path, *options: str) -> str:
    done = CliRunner().invoke(app, ["leaderboard", str(top), *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def rows(top: Path, *options: str) -> list[list[str]]:
    """The lines of the Markdown board's tables, as lists of cells."""
    lines = board(top, *options).splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ") and not line.startswith("| :")]


def cells(top: Path, *options: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(board(top, "--format", "csv", *options))))


def ranking(top: Path, *options: str) -> str:
    [table] = json.loads(board(top, "--format", "json", *options))
    return " ".join(table["ranking"])


def bold(top: Path, metric: str = "ssim", *options: str) -> list[str]:
    return [c["row"] for c in cells(top, *options) if c["best"] == "True" and c["metric"] == metric]


def tied(top: Path, metric: str = "ssim") -> list[str]:
    return [c["row"] for c in cells(top) if c["tied"] == "True" and c["metric"] == metric]


@pytest.fixture
def first_case(tmp_path: Path, add_items: AddRun) -> Path:
    """A poor method on the subjects 8 and 1, a good one on 8 alone; a floor and a ceiling on both."""
    for subject in (8, 1):
        add_items("poor", EASE + 0.1 * (subject == 1), subject=subject)
        add_items("random", EASE - 0.1 - 0.2 * (subject == 1), subject=subject, role="floor")
        add_items("told", EASE + 0.5, subject=subject, role="ceiling", track="ceiling")
    add_items("good", EASE + 0.4)
    return tmp_path


def test_a_method_on_more_subjects_does_not_beat_a_better_one(first_case: Path) -> None:
    assert "Ranked over subject 8, seed 0, 40 stimuli: what both methods share." in board(first_case)
    shown = {(row[0], row[1]): row[4] for row in rows(first_case) if len(row) > 4}
    assert shown["good", "1"].startswith("**.650**") and shown["poor", "1"].startswith(".250")
    assert shown["random", "1"].startswith(".150") and shown["told", "1"].startswith(".750")


def test_what_a_ranked_method_has_beyond_is_shown_once_more_and_said_not_to_be_ranked(first_case: Path) -> None:
    labels = [row[0] for row in rows(first_case)]
    assert labels[-2:] == ["*not ranked: the same methods on more than all of them share*", "poor<sup>1</sup>"]
    assert rows(first_case)[-1][1] == "2" and rows(first_case)[-1][4].startswith(".300")


def test_programs_are_told_what_is_ranked_and_over_what(first_case: Path) -> None:
    found = [(c["row"], c["block"], c["ranked"], round(float(c["value"]), 9), c["best"]) for c in cells(first_case)]
    assert found == [
        ("good", "ranked", "True", 0.65, "True"),
        ("poor", "ranked", "True", 0.25, "False"),
        ("random", "floor", "False", 0.15, "False"),
        ("told", "ceiling", "False", 0.75, "False"),
        ("poor", "wider", "False", 0.3, "False"),
    ]
    assert {c["ranked_over"] for c in cells(first_case)} == {"sub-08/seed-0"}
    [table] = json.loads(board(first_case, "--format", "json"))
    assert table["shared"] == [[8, 0]] and [row["block"] for row in table["rows"]].count("ranked") == 2


def test_shares_are_counted_from_the_floors_of_the_shared_subjects(first_case: Path) -> None:
    shares = {(c["row"], c["block"]): c["value"][:6] for c in cells(first_case, "--normalised")}
    assert float(shares["good", "ranked"]) == pytest.approx((0.65 - 0.15) / 0.6, abs=1e-4)
    assert float(shares["poor", "ranked"]) == pytest.approx((0.25 - 0.15) / 0.6, abs=1e-4)
    assert float(shares["poor", "wider"]) == pytest.approx((0.3 - 0.05) / 0.7, abs=1e-4)
    assert bold(first_case, "ssim", "--normalised") == ["good"]


def test_html_keeps_what_is_not_ranked_in_bodies_of_its_own(first_case: Path, add_run: AddRun) -> None:
    add_run("late", None, status="started")
    source = board(first_case, "--format", "html")
    assert '<p class="ranking"><strong>Ranked over subject 8' in source
    bodies = re.findall(r'<tbody class="([^"]*)">(.*?)</tbody>', source, re.DOTALL)
    methods = [(kind, re.findall(r'<tr data-method="(\w+)"', body)) for kind, body in bodies if kind != "foot"]
    assert methods[0] == ("method", ["good", "poor"])
    assert methods[3:5] == [("method apart", ["poor"]), ("method apart out", ["late"])]
    assert "no run of it is complete and scored</small>" in source


@pytest.mark.parametrize("other", [{"subject": 1}, {"seed": 1}], ids=str)
def test_methods_without_a_common_run_are_not_ranked(tmp_path: Path, add_items: AddRun, other: dict[str, int]) -> None:
    add_items("a", EASE)
    add_items("b", EASE + 0.3, **other)
    assert bold(tmp_path) == [] and tied(tmp_path) == []
    assert ranking(tmp_path).startswith("Nothing is best: one method alone can be compared (subject")
    assert ranking(tmp_path).endswith("1 method is left out; its row says why.")
    [row] = [row[0] for row in rows(tmp_path) if "which the ranked methods share" in row[0]]
    assert re.search(r"\(no run on subject [18], seed 0, which", row)


def test_seeds_that_not_all_have_are_passed_over(tmp_path: Path, add_items: AddRun) -> None:
    for seed in (0, 1, 2):
        add_items("lucky", EASE + 0.3 * seed, seed=seed)
    add_items("steady", EASE + 0.1)
    assert bold(tmp_path) == ["steady"]
    assert "Ranked over subject 8, seed 0, 40 stimuli" in ranking(tmp_path)


def test_one_method_alone_is_not_best(tmp_path: Path, add_items: AddRun) -> None:
    add_items("alone", EASE)
    assert bold(tmp_path) == []
    assert ranking(tmp_path) == ("Nothing is best: one method alone can be compared (subject 8, seed 0, 40 stimuli).")


def test_one_value_in_a_column_is_not_best_there(tmp_path: Path, add_items: AddRun) -> None:
    add_items("a", {"ssim": EASE, "clip": EASE})
    add_items("b", {"ssim": EASE + 0.1})
    assert bold(tmp_path) == ["b"] and bold(tmp_path, "clip") == []
    assert "Nothing is best in clip@1: fewer than two methods have a value" in ranking(tmp_path)


def test_the_largest_set_of_methods_is_ranked_and_a_stray_is_left_out(tmp_path: Path, add_items: AddRun) -> None:
    for subject in (1, 2, 3):
        add_items("a", EASE, subject=subject)
        add_items("b", EASE + 0.1, subject=subject)
    add_items("stray", EASE + 0.5, subject=9)
    assert bold(tmp_path) == ["b"]
    assert "Ranked over subjects 1 to 3, seed 0, 40 stimuli each: what both methods share." in ranking(tmp_path)


def test_a_value_that_a_seed_of_one_subject_lacks_is_left_out_for_that_subject(
    tmp_path: Path, add_items: AddRun
) -> None:
    for subject in (1, 2):
        for seed in (0, 1):
            items = EASE + 0.1
            items[4] = np.nan if (subject, seed) == (2, 1) else 1.0
            add_items("a", items, subject=subject, seed=seed)
            add_items("b", EASE, subject=subject, seed=seed)
    found = {c["row"]: float(c["value"]) for c in cells(tmp_path)}
    first, second = np.append(np.delete(EASE, 4) + 0.1, 1.0).mean(), (np.delete(EASE, 4) + 0.1).mean()
    assert found["a"] == pytest.approx((first + second) / 2, abs=1e-9)
    assert found["b"] == pytest.approx((EASE.mean() + np.delete(EASE, 4).mean()) / 2, abs=1e-9)
    assert bold(tmp_path) == ["a"]


def test_subjects_named_beforehand_keep_a_stray_from_shrinking_the_board(tmp_path: Path, add_items: AddRun) -> None:
    for subject in (1, 2, 3):
        add_items("a", EASE, subject=subject)
        add_items("b", EASE + 0.1, subject=subject)
    add_items("stray", EASE + 0.5, subject=2)
    assert bold(tmp_path) == ["stray"] and "Ranked over subject 2," in ranking(tmp_path)
    for asked in ("1-3", "1,2,3"):
        assert bold(tmp_path, "ssim", "--subjects", asked) == ["b"]
        assert "Ranked over subjects 1 to 3, seed 0" in ranking(tmp_path, "--subjects", asked)
    assert any("stray (no run on subjects 1 and 3)" in row[0] for row in rows(tmp_path, "--subjects", "1-3"))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("7", "no run is on subject 7; runs are on subject 8"),
        ("8-", "wanted numbers"),
        ("3-1", "wanted numbers"),
        ("x", "wanted numbers"),
        ("1--2", "wanted numbers"),
    ],
)
def test_subjects_that_are_not_there_are_an_error(tmp_path: Path, add_items: AddRun, asked: str, told: str) -> None:
    add_items("a", EASE)
    done = CliRunner().invoke(app, ["leaderboard", str(tmp_path), "--subjects", asked])
    assert done.exit_code != 0 and (told in done.output or told in str(done.exception))


def test_a_method_without_a_value_on_two_stimuli_is_compared_on_the_others(tmp_path: Path, add_items: AddRun) -> None:
    easy, plain = EASE + 0.1, EASE.copy()
    plain[[3, 5]] = np.nan
    easy[[3, 5]] = -1.0  # on which it would lose
    add_items("easy", easy)
    add_items("plain", plain)
    add_items("random", EASE - 0.1, role="floor")
    assert bold(tmp_path) == ["easy"]
    found = {c["row"]: c for c in cells(tmp_path)}
    others = np.delete(EASE, [3, 5])
    for name, shift in (("easy", 0.1), ("plain", 0.0), ("random", -0.1)):
        assert float(found[name]["value"]) == pytest.approx(others.mean() + shift, abs=1e-9)
    assert found["easy"]["notes"] == "over 38 of 40 stimuli: those on which all ranked methods have a value"
    assert found["plain"]["notes"] == "sub-08 seed-0: defined for 38 of 40 items"


def test_a_method_with_hardly_any_value_does_not_take_the_others_along(tmp_path: Path, add_items: AddRun) -> None:
    broken = np.full(40, np.nan)
    broken[0] = 0.9
    add_items("broken", broken)
    add_items("good", EASE + 0.1)
    add_items("poor", EASE)
    found = {c["row"]: (c["value"][:4], c["best"]) for c in cells(tmp_path)}
    assert found == {"broken": ("0.9", "False"), "good": ("0.35", "True"), "poor": ("0.25", "False")}


@pytest.fixture
def passed_over(tmp_path: Path, add_items: AddRun) -> Path:
    """Four methods on two seeds; a lacks clip in one of them, d is undefined on 15 % of the stimuli of ssim."""
    holes = np.where(np.arange(40) < 6, np.nan, EASE + 0.5)
    for seed in (0, 1):
        add_items("a", {"ssim": EASE, "clip": EASE + 0.4} if seed == 0 else {"ssim": EASE}, seed=seed)
        add_items("b", {"ssim": EASE + 0.1, "clip": EASE}, seed=seed)
        add_items("c", {"ssim": EASE + 0.2, "clip": EASE + 0.1}, seed=seed)
        add_items("d", {"ssim": holes, "clip": EASE + 0.2}, seed=seed)
    return tmp_path


def test_a_value_that_is_not_compared_says_so_first_and_why(passed_over: Path) -> None:
    found = {(c["row"], c["metric"]): c for c in cells(passed_over) if c["compared"] == "False"}
    assert {key: one["notes"].split("; ")[0].split(" (")[0] for key, one in found.items()} == {
        ("a", "clip"): "not compared: it does not have a value in each run that the methods share",
        ("d", "ssim"): "not compared: it has no value on more than a tenth of its stimuli",
    }
    assert bold(passed_over) == ["c"] and bold(passed_over, "clip") == ["d"]
    assert "\n1. not compared: it does not have" in board(passed_over)


def test_a_value_that_is_not_compared_is_sorted_and_shown_as_none_of_the_ranked(passed_over: Path) -> None:
    source = board(passed_over, "--format", "html")
    lines = {name: re.findall(r"<td[^>]*>", line) for name, line in re.findall(r'<tr data-method="(\w)">(.*)', source)}
    aside = '<td class="passed-over" data-value=""'
    assert lines["a"][4].startswith(aside) and lines["d"][3].startswith(aside) and source.count(aside) == 2


def test_where_nothing_is_compared_no_value_is_called_so(tmp_path: Path, add_items: AddRun) -> None:
    add_items("a", {"ssim": EASE, "clip": EASE})
    add_items("b", {"ssim": EASE + 0.1})
    assert {(c["metric"], c["compared"]) for c in cells(tmp_path)} == {("ssim", "True"), ("clip", "False")}
    assert "not compared" not in board(tmp_path) and 'class="passed-over"' not in board(tmp_path, "--format", "html")


def test_methods_scored_on_other_stimuli_are_compared_on_those_they_share(tmp_path: Path, add_items: AddRun) -> None:
    add_items("all", {"ssim": EASE, "retrieval_top1": EASE})
    half = EASE[20:]
    add_items("half", {"ssim": half - 0.1, "retrieval_top1": half - 0.1}, STIMULI[20:])
    assert bold(tmp_path) == ["all"] and bold(tmp_path, "retrieval_top1") == []
    assert "20 stimuli: what both" in ranking(tmp_path)
    assert "Nothing is best in retrieval_top1@1: the methods were scored on different stimuli." in ranking(tmp_path)


def test_a_metric_of_a_whole_set_is_not_compared_across_sets(tmp_path: Path, add_run: AddRun) -> None:
    add_run("few", {"fid": 1.0}, n=50)
    add_run("many", {"fid": 2.0}, n=200)
    assert bold(tmp_path, "fid") == []


def test_what_looks_at_the_whole_test_set_is_never_ranked(tmp_path: Path, add_items: AddRun) -> None:
    add_items("honest", EASE)
    add_items("other", EASE - 0.1)
    add_items("clever", EASE + 0.5, transductive=True)
    add_items("mixed", EASE + 0.6)
    add_items("mixed", EASE + 0.6, seed=1, transductive=True)
    assert bold(tmp_path) == ["honest"]
    labels = [row[0] for row in rows(tmp_path)]
    place = labels.index("*uses all test trials at once (transductive): not ranked*")
    assert labels[place + 1 :] == ["clever", "mixed"]


@pytest.mark.parametrize(("n", "methods", "ranked"), [(5, 2, False), (6, 2, True), (6, 3, False), (7, 3, True)])
def test_where_stimuli_are_too_few_to_tell_nothing_is_best_or_tied(
    tmp_path: Path, add_items: AddRun, n: int, methods: int, ranked: bool
) -> None:
    for i in range(methods):
        add_items(f"m{i}", EASE[:n] + i / 10 + np.arange(n) % 2 * 0.5 * (i == 0))
    assert (bold(tmp_path) + tied(tmp_path) != []) == ranked
    told = f"Nothing is best: {n} stimuli are too few to tell {methods} methods apart."
    assert (told in ranking(tmp_path)) != ranked


def test_equals_are_not_best(tmp_path: Path, add_items: AddRun) -> None:
    for name in ("a", "b", "c"):
        add_items(name, EASE)
    assert bold(tmp_path) == tied(tmp_path) == []
    assert "Nothing is best: all values are equal." in ranking(tmp_path)


def test_a_floor_on_other_subjects_is_left_out(tmp_path: Path, add_items: AddRun) -> None:
    add_items("a", EASE)
    add_items("b", EASE + 0.1)
    add_items("random", EASE - 0.1, role="floor", subject=1)
    assert rows(tmp_path)[-1][0] == "random (no run on subject 8, on which methods are ranked)"


def test_a_floor_scored_on_other_stimuli_is_left_out(tmp_path: Path, add_items: AddRun) -> None:
    add_items("a", EASE[:20])
    add_items("b", EASE[:20] + 0.1)
    add_items("random", EASE - 0.1, role="floor")
    assert rows(tmp_path)[-1][0] == "random (scored on other stimuli than the ranked methods)"
    assert "no floor" in board(tmp_path, "--normalised")


def test_a_floor_scored_by_other_judges_is_left_out_and_the_methods_are_ranked(
    tmp_path: Path, add_items: AddRun
) -> None:
    add_items("a", EASE, judges={"eyes": "1" * 64})
    add_items("b", EASE + 0.1, judges={"eyes": "1" * 64})
    add_items("random", EASE - 0.1, role="floor", judges={"eyes": "2" * 64})
    assert bold(tmp_path) == ["b"]
    assert "scored by different weights of eyes" in rows(tmp_path)[-1][0]


@pytest.mark.parametrize(
    ("metric", "floor", "chance", "ceiling", "share"),
    [
        ("ssim", 0.4, 0.5, 0.9, 0.25),  # from chance
        ("ssim", 0.4, 0.3, 0.9, 0.4),  # from the floor
        ("swav", 0.9, 0.7, 0.2, 0.2),  # from chance, where less is better
    ],
)
def test_a_share_counts_from_chance_where_that_is_better_than_the_floors(
    tmp_path: Path, add_run: AddRun, metric: str, floor: float, chance: float, ceiling: float, share: float
) -> None:
    add_run("a", {metric: {"value": 0.6, "floor": chance}}, statistics=2)
    add_run("random", {metric: floor}, role="floor")
    add_run("told", {metric: ceiling}, role="ceiling", track="ceiling")
    assert float(cells(tmp_path, "--normalised")[0]["value"]) == pytest.approx(share, abs=1e-12)


def test_chance_of_an_older_record_counts_neither_for_shares_nor_beside_newer_ones(
    tmp_path: Path, add_run: AddRun
) -> None:
    add_run("old", {"nway50_top1": {"value": 0.6, "floor": 0.5}})
    add_run("random", {"nway50_top1": 0.4}, role="floor", statistics=2)
    add_run("told", {"nway50_top1": 0.9}, role="ceiling", track="ceiling", statistics=2)
    [alone] = collect(tmp_path, normalised=True)
    assert alone.columns[0].chance == 0.5 and alone.rows[0].cells[0].value == pytest.approx(0.4)
    assert alone.rows[0].cells[0].notes == ("chance of an older record does not count: score it again",)
    add_run("new", {"nway50_top1": {"value": 0.7, "floor": 0.6}}, statistics=2)
    [both] = collect(tmp_path, normalised=True)
    shares = {row.label: row.cells[0] for row in both.rows}
    assert both.columns[0].chance == 0.6
    assert shares["new"].value == pytest.approx(1 / 3) and not shares["new"].notes
    assert shares["old"].value == pytest.approx(0.4)


def test_a_method_no_better_than_a_floor_has_no_share(tmp_path: Path, add_run: AddRun) -> None:
    for name, value in (("a", 0.5), ("b", 0.4)):
        add_run(name, {"ssim": {"value": value, "floor": 0.1}})
    add_run("mean_image", {"ssim": 0.5}, role="floor")
    add_run("random", {"ssim": 0.2}, role="floor")
    add_run("told", {"ssim": 0.9}, role="ceiling", track="ceiling")
    assert [float(c["value"]) for c in cells(tmp_path, "--normalised")[:2]] == pytest.approx([0.0, -0.25], abs=1e-12)


@pytest.fixture
def part_of_a_floor(tmp_path: Path, add_items: AddRun) -> Path:
    """A method, a floor and a ceiling on the subjects 1 and 8; the stronger floor is on 8 alone, and knows no clip."""
    for subject in (1, 8):
        add_items("a", {"ssim": EASE, "clip": EASE}, subject=subject)
        add_items("random_train_image", {"ssim": EASE - 0.2, "clip": EASE - 0.2}, subject=subject, role="floor")
        add_items("told", {"ssim": EASE + 0.2, "clip": EASE}, subject=subject, role="ceiling", track="ceiling")
    add_items("mean_image", EASE - 0.1, role="floor")
    return tmp_path


def test_a_share_says_which_floors_of_the_table_it_does_not_count_from(part_of_a_floor: Path) -> None:
    told = "of the floors, counted from random_train_image alone: mean_image has no "
    assert cells(part_of_a_floor, "--normalised")[0]["notes"].endswith(f"{told}run on subject 1")
    own = [c["notes"] for c in cells(part_of_a_floor, "--normalised", "--subjects", "8")[:2]]
    assert own == ["", f"{told}value there that counts"]
    assert told not in board(part_of_a_floor)


def test_shares_of_a_board_without_mean_image_say_that_they_flatter_a_blur(first_case: Path, add_items: AddRun) -> None:
    told = "No mean_image among the floors: shares of pixel metrics flatter a blur; run `eegbench evaluate` again."
    shown = board(first_case, "--normalised").replace("\\`", "`")
    assert shown.count(told) == 1 and told not in board(first_case).replace("\\`", "`")
    add_items("mean_image", EASE, role="floor")
    assert "No mean_image" not in board(first_case, "--normalised")


@pytest.mark.parametrize(
    ("role", "told"),
    [("", "no floor and no ceiling"), ("floor", "no ceiling"), ("ceiling", "no floor")],
)
def test_what_all_shares_want_is_said_once_and_rightly(tmp_path: Path, add_items: AddRun, role: str, told: str) -> None:
    metrics = {"ssim": EASE, "pixcorr": EASE, "clip": EASE}
    add_items("a", metrics)
    if role:
        add_items("mean_image", metrics, role=role, track="ceiling" if role == "ceiling" else "eeg")
    shown = board(tmp_path, "--normalised").replace("\\`", "`")
    said = f"no share: {told} on these subjects; run `eegbench evaluate` without --no-references"
    assert re.findall(r"^\d\. .*", shown, re.MULTILINE) == [f"1. {said}"]


def test_floors_without_a_value_are_not_said_to_be_none(tmp_path: Path, add_items: AddRun) -> None:
    add_items("a", {"ssim": EASE, "retrieval_top1": EASE})
    add_items("mean_image", EASE - 0.1, role="floor")
    add_items("told", EASE + 0.1, role="ceiling", track="ceiling")
    notes = {c["metric"]: c["notes"] for c in cells(tmp_path, "--normalised")[:2]}
    assert notes == {"ssim": "", "retrieval_top1": "no share: no floor and no ceiling with a value on these subjects"}


def test_floors_and_ceilings_that_are_left_out_are_counted_beside_the_methods(
    tmp_path: Path, add_items: AddRun, add_run: AddRun
) -> None:
    for name, shift in (("a", 0.0), ("b", 0.1)):
        add_items(name, EASE + shift)
    add_run("late", None, status="started")
    for name in ("random", "mean_image"):
        add_items(name, EASE - 0.1, role="floor", subject=1)
    assert ranking(tmp_path).endswith(" 1 method and 2 floors are left out; their rows say why.")
    add_items("told", EASE, role="ceiling", track="ceiling", subject=1)
    assert ranking(tmp_path).endswith(" 1 method, 2 floors and 1 ceiling are left out; their rows say why.")


def test_a_floor_alone_that_is_left_out_is_told(tmp_path: Path, add_items: AddRun) -> None:
    add_items("a", EASE)
    add_items("random", EASE - 0.1, role="floor", subject=1)
    assert ranking(tmp_path).endswith(" 1 floor is left out; its row says why.")


@pytest.mark.parametrize(
    ("runs", "speaks", "fits"),
    [
        ([(8, 0)], "new stimuli; of this person and these fits alone (1 fit per method).", 1),
        ([(8, 0), (8, 1)], "new stimuli and new fits; of this person alone (2 fits per method).", 2),
        ([(1, 0), (2, 0), (2, 1)], "new people and new stimuli (2 people, 3 fits per method).", 3),
    ],
)
def test_a_table_says_of_what_its_ties_speak(
    tmp_path: Path, add_items: AddRun, runs: list[tuple[int, int]], speaks: str, fits: int
) -> None:
    for subject, seed in runs:
        for method, shift in (("a", 0.0), ("b", 0.1)):
            add_items(method, EASE + shift, subject=subject, seed=seed)
    assert ranking(tmp_path).endswith(f"Ties and bold speak of {speaks}")
    assert {int(c["fits"]) for c in cells(tmp_path)} == {fits}
    assert {c["generalises"] for c in cells(tmp_path)} <= {"stimuli", "stimuli and fits", "people and stimuli"}


@pytest.mark.parametrize("people", [(1, 2, 3), (1,)])
def test_people_who_were_all_in_training_are_not_said_to_stand_for_new_people(
    tmp_path: Path, add_items: AddRun, people: tuple[int, ...]
) -> None:
    pooled = {"dataset": "eegcvpr", "dataset_configuration": {"protocol": "pooled"}}
    for subject in people:
        for method, shift in (("a", 0.0), ("b", 0.1)):
            add_items(method, EASE + shift, subject=subject, **pooled)
    said, page = ranking(tmp_path), board(tmp_path)
    assert "new people" not in said
    if len(people) > 1:
        assert said.endswith("new stimuli; of these 3 people, who were all in training (3 fits per method).")
        assert {c["generalises"] for c in cells(tmp_path)} == {"stimuli of people in training"}
    assert ("no number speaks of other people" in page) == (len(people) > 1)


def test_seeds_that_share_a_fit_are_not_said_to_be_fits(tmp_path: Path, add_items: AddRun) -> None:
    for seed in (0, 1):
        for method, shift in (("a", 0.0), ("b", 0.1)):
            add_items(method, EASE + shift, seed=seed, digests={"fit": "f" * 64})
    assert "new stimuli and new seeds; of this person and these fits alone (1 fit per method)." in ranking(tmp_path)


@pytest.fixture
def columns(tmp_path: Path, add_items: AddRun) -> Path:
    """Two methods, scored on three metrics with values by stimulus and one of whole sets."""
    for method, shift in (("a", 0.0), ("b", 0.1)):
        noise = np.random.default_rng(len(method)).normal(0, 0.1, 40)
        folder = add_items(method, dict.fromkeys(("pixcorr", "ssim", "clip"), EASE + shift + noise))
        sheet = ScoreSheet.read(folder / "scores.json")
        metrics = {**sheet.metrics, "fid": Score("fid", 1, 9.0 - shift, (8.0, 10.0), False)}
        write_text(folder / "scores.json", dataclasses.replace(sheet, metrics=metrics).to_json())
    return tmp_path


def test_the_primary_metric_is_named_and_is_clip_unless_another_is(columns: Path) -> None:
    assert "Primary metric: clip@1." in ranking(columns) and {c["primary"] for c in cells(columns)} == {"clip@1"}
    assert "Primary metric: ssim@1." in ranking(columns, "--primary", "ssim")


def test_without_clip_the_first_column_is_primary(tmp_path: Path, add_items: AddRun) -> None:
    for method, shift in (("a", 0.0), ("b", 0.1)):
        add_items(method, {"swav": EASE + shift, "ssim": EASE + shift})
    assert "Primary metric: ssim@1." in ranking(tmp_path)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("clap", "unknown primary metric 'clap'; did you mean 'clip'? There is: "),
        ("fid", "--primary fid is a metric of whole sets, which is not ranked; wanted one of pixcorr, ssim, clip"),
        ("zeta", "unknown primary metric 'zeta'. There is: "),
    ],
)
def test_a_primary_metric_that_no_table_ranks_is_an_error(columns: Path, asked: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        Board.of(columns, primary=asked)
    assert CliRunner().invoke(app, ["leaderboard", str(columns), "--primary", asked]).exit_code != 0


def test_the_smallest_visible_difference_stands_below_the_ranked_methods(tmp_path: Path, add_items: AddRun) -> None:
    rng = np.random.default_rng(5)
    for seed in (0, 1):
        for method in "ab":
            add_items(method, EASE + rng.normal(0, 0.1, 40), seed=seed)
    add_items("random", EASE - 0.1, role="floor")
    labels = [row[0] for row in rows(tmp_path)]
    assert labels[1:6] == [
        *("a", "b", "*smallest visible difference*", "*sd between seeds*"),
        "*floors: what is reached without a signal; not ranked*",
    ]
    source = board(tmp_path, "--format", "html")
    foot = re.findall(r'<tbody class="(\w+)">', source)
    assert foot == ["method", "foot", "floor"] and 'title="sd between seeds .0' in source
    [visible] = {c["visible"] for c in cells(tmp_path)}
    shown = rows(tmp_path)[3][4]
    assert float(visible) == pytest.approx(float(shown), abs=0.001) and float(visible) > 0.01
    assert {c["seeds_sd"] != "" for c in cells(tmp_path) if c["role"] == "method"} == {True}


def test_an_interval_of_a_share_knows_that_floors_are_estimates_too(tmp_path: Path, add_items: AddRun) -> None:
    rng = np.random.default_rng(6)
    add_items("a", 0.3 + rng.normal(0, 0.05, 40))
    for floor in ("mean_image", "random"):
        add_items(floor, 0.2 + rng.normal(0, 0.2, 40), role="floor")
    add_items("told", 0.9 + rng.normal(0, 0.05, 40), role="ceiling", track="ceiling")
    raw, share = cells(tmp_path)[0], cells(tmp_path, "--normalised")[0]
    way = float(share["ceiling"]) - float(share["floor"])
    alone = (float(raw["ci_high"]) - float(raw["ci_low"])) / way  # the interval of the method, as if both were exact
    assert float(share["ci_high"]) - float(share["ci_low"]) > 1.5 * alone
    assert float(share["ci_low"]) < float(share["value"]) < float(share["ci_high"])


def test_a_share_of_a_way_that_may_be_none_is_a_blank_with_its_reason(tmp_path: Path, add_items: AddRun) -> None:
    add_items("a", EASE)
    add_items("mean_image", EASE, role="floor")
    add_items("told", EASE + 0.002 + 0.1 * (-1.0) ** np.arange(40), role="ceiling", track="ceiling")
    share = cells(tmp_path, "--normalised")[0]
    assert (share["value"], share["notes"]) == ("", "no share: the ceiling is not clear of the floor")
