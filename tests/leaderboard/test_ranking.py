"""Which values are tied with the best, and what an interval over subjects and stimuli stands on."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench import values
from eegbench.errors import InputError
from eegbench.leaderboard import Table, collect, normalise
from eegbench.leaderboard.average import Scored, average, over_stimuli, over_subjects, shares
from eegbench.leaderboard.cells import Column
from eegbench.leaderboard.ranking import mark
from eegbench.records import Score, ScoreSheet, write_text

AddRun = Callable[..., Path]
STIMULI = tuple(f"0000{i}_thing/thing_{i:02d}" for i in range(40))
HARD = np.linspace(0, 0.5, 40)


@pytest.fixture
def add_values(add_run: AddRun) -> AddRun:
    """A run of one metric with its values by stimulus."""

    def add(method: str, items: NDArray[np.float64], metric: str = "ssim", n: int = 40, **more: Any) -> Path:
        folder = add_run(method, {metric: float(np.nanmean(items))}, n=n, **more)
        write_text(folder / "scores.csv", values.write({(metric, 1): items[None]}, STIMULI[: len(items)]))
        return folder

    return add


def marks(tmp_path: Path) -> dict[str, tuple[bool, bool]]:
    [table] = collect(tmp_path)
    return {row.label: (row.cells[0].best, row.cells[0].tied) for row in table.rows}


def noise(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 0.05, 40)


def test_what_cannot_be_told_apart_from_the_best_is_tied_and_what_can_is_not(
    tmp_path: Path, add_values: AddRun
) -> None:
    add_values("best", HARD + 0.02)
    add_values("close", HARD + 0.015 + noise(0) - noise(0).mean())
    add_values("far", HARD - 0.1 + noise(1))
    assert marks(tmp_path) == {"best": (True, False), "close": (False, True), "far": (False, False)}


def test_ties_follow_the_direction_of_the_metric(tmp_path: Path, add_values: AddRun) -> None:
    for name, shift in (("best", -0.1), ("far", 0.1)):
        add_values(name, HARD + shift + noise(2), metric="swav")
    assert marks(tmp_path) == {"best": (True, False), "far": (False, False)}


def test_a_difference_that_every_stimulus_shows_is_seen_though_intervals_overlap(
    tmp_path: Path, add_values: AddRun
) -> None:
    add_values("best", HARD + 0.01)
    add_values("other", HARD)
    assert marks(tmp_path)["other"] == (False, False)


def test_floors_and_unfinished_methods_are_never_tied(tmp_path: Path, add_values: AddRun) -> None:
    add_values("best", HARD)
    add_values("far", HARD - 0.1)
    add_values("floor", HARD, role="floor")
    add_values("late", HARD, status="started")
    none = (False, False)
    assert marks(tmp_path) == {"best": (True, False), "far": none, "floor": none, "late": none}


def test_methods_without_values_on_the_same_stimuli_are_not_tested_and_it_is_told(
    tmp_path: Path, add_values: AddRun, add_run: AddRun
) -> None:
    add_values("best", HARD)
    add_run("summary", {"ssim": 0.1}, n=40)
    [table] = collect(tmp_path)
    assert marks(tmp_path)["summary"] == (False, False)
    assert table.notes == ("not tested who is tied with the best, for want of values by stimulus: ssim",)


def scores_of(tables: Sequence[NDArray[np.float64]]) -> list[list[Scored]]:
    return [[Scored(8, float(x.mean()), None, STIMULI, x)] for x in tables]


def test_best_and_tied_hold_the_truly_best_method_in_95_of_100_boards() -> None:
    rng = np.random.default_rng(5)
    lost = 0
    for _ in range(100):
        tables = list(HARD + rng.normal(0, 0.1, (10, 40)))
        found = mark(Column("ssim", 1, True), [float(x.mean()) for x in tables], scores_of(tables))
        lost += 0 not in found.best | found.tied  # all are equals: any is the truly best
    assert lost <= 5 + 3 * 2.2  # three standard deviations of a share of 5 in 100


def test_shares_of_subjects_who_saw_the_same_stimuli_are_their_mean() -> None:
    first, second = np.arange(4.0), np.array([1.0, 1.0, 1.0, 5.0])
    one = Scored(1, 1.5, None, STIMULI[:4], first)
    found = shares([one, Scored(2, 2.0, None, STIMULI[:4], second)])
    assert found is not None
    np.testing.assert_allclose(found.values, (first + second) / 2, atol=1e-15)  # rounding of float64


@pytest.mark.parametrize("lost", [None, 1])
def test_shares_average_to_the_mean_over_subjects_whatever_each_one_saw(lost: int | None) -> None:
    first, second = np.arange(4.0), np.array([1.0, 5.0])
    if lost is not None:
        first[lost] = np.nan
    scores = [
        Scored(1, float(np.nanmean(first)), None, STIMULI[:4], first),
        Scored(2, float(second.mean()), None, STIMULI[3:5], second),
    ]
    found = shares(scores)
    assert found is not None and found.stimuli == STIMULI[:5]
    assert np.nanmean(found.values) == pytest.approx((np.nanmean(first) + 3.0) / 2, abs=1e-12)
    assert np.isnan(found.values).sum() == (lost is not None)


def test_an_interval_over_subjects_is_wider_where_all_share_what_is_easy() -> None:
    rng = np.random.default_rng(3)
    ease = rng.normal(0, 1, 40)
    ability = np.array([0.1, -0.1, 0.05, 0.0])
    scores = [Scored(i, float((a + ease).mean()), None, STIMULI, a + ease) for i, a in enumerate(ability)]
    mean, both = average(scores)
    means = np.array([one.value for one in scores])
    subjects, stimuli = over_subjects(means), over_stimuli(ease + ability.mean())
    assert both and subjects and stimuli
    for end in (0, 1):
        assert (both[end] - mean) ** 2 == pytest.approx((subjects[end] - mean) ** 2 + (stimuli[end] - mean) ** 2)


def test_a_metric_of_a_whole_set_has_its_own_interval_where_subjects_agree() -> None:
    scores = [Scored(i, 2.0, (1.5, 2.5 + i)) for i in range(3)]
    assert average(scores) == (2.0, (1.5, 3.5))
    assert average([*scores, Scored(3, 2.0)]) == (2.0, (2.0, 2.0))  # one of them says nothing


def test_a_metric_of_a_whole_set_is_not_said_to_want_values(tmp_path: Path, add_values: AddRun) -> None:
    for method, shift in (("best", 0.1), ("other", 0.0)):
        folder = add_values(method, HARD + shift)
        sheet = ScoreSheet.read(folder / "scores.json")
        kid = Score("kid", 1, shift, (shift - 0.1, shift + 0.1), False)
        write_text(folder / "scores.json", dataclasses.replace(sheet, metrics={**sheet.metrics, "kid": kid}).to_json())
    [table] = collect(tmp_path)
    assert table.notes == () and not any(row.cells[1].tied for row in table.rows)


def test_several_seeds_of_one_subject_have_an_interval_over_stimuli_of_their_mean() -> None:
    rng = np.random.default_rng(4)
    tables = [HARD + rng.normal(0, 0.3, 40) for _ in range(3)]
    mean, ci = average([Scored(8, float(x.mean()), (0.0, 1.0), STIMULI, x) for x in tables])
    assert ci == pytest.approx(over_stimuli(np.mean(tables, axis=0)), abs=1e-12)  # rounding of float64
    assert mean == pytest.approx(np.mean(tables), abs=1e-15)


def test_scores_of_other_images_count_nowhere(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3}, subject=1)
    add_run("atm", {"ssim": 0.9}, subject=2, digests={"reconstructions": "a" * 64}, scored="b" * 64)
    [table] = collect(tmp_path)
    assert table.rows[0].cells[0].value == 0.3
    assert "its scores.json belongs to other images: score it again" in table.rows[0].notes[0]


def three(add_run: AddRun, tmp_path: Path, metric: str, floor: float, method: float, ceiling: float) -> Table:
    add_run("random", {metric: floor}, role="floor")
    add_run("worse", {metric: floor - (0.1 if metric == "ssim" else -0.1)}, role="floor")
    add_run("told", {metric: ceiling}, role="ceiling", track="ceiling")
    add_run("atm", {metric: method})
    [table] = collect(tmp_path)
    return normalise.normalised(table)


@pytest.mark.parametrize(("metric", "floor", "method", "ceiling"), [("ssim", 0.2, 0.5, 0.8), ("swav", 0.8, 0.5, 0.2)])
def test_a_share_is_taken_from_the_best_floor_to_the_best_ceiling(
    tmp_path: Path, add_run: AddRun, metric: str, floor: float, method: float, ceiling: float
) -> None:
    table = three(add_run, tmp_path, metric, floor, method, ceiling)
    cell = table.rows[0].cells[0]
    assert cell.value == pytest.approx(0.5) and not cell.notes and table.normalised
    assert cell.ci == pytest.approx((0.45, 0.55))  # .03 of .6, to either side
    assert {row.label: row.cells[0].value for row in table.rows[1:]}["random"] == floor


def test_a_share_out_of_all_bounds_is_marked(tmp_path: Path, add_run: AddRun) -> None:
    table = three(add_run, tmp_path, "ssim", 0.4, 0.9, 0.5)
    assert table.rows[0].cells[0].notes == ("outside -1 to 2: floor, ceiling or score is wrong",)


def test_a_share_without_floor_or_between_turned_ends_is_a_blank_with_its_reason(
    tmp_path: Path, add_run: AddRun
) -> None:
    turned = three(add_run, tmp_path, "ssim", 0.8, 0.5, 0.2).rows[0].cells[0]
    assert turned.value is None and turned.notes == ("no share: the ceiling is no better than the floor",)
    add_run("lone", {"ssim": 0.4}, dataset="other")
    alone = next(table for table in collect(tmp_path) if table.setting.dataset == "other")
    told = "no share: no floor and no ceiling on these subjects; run `eegbench evaluate` without --no-references"
    assert normalise.normalised(alone).rows[0].cells[0].notes == (told,)


def test_a_copy_that_a_stranger_sends_dethrones_nobody(tmp_path: Path, add_run: AddRun) -> None:
    add_run("best", {"ssim": 0.9}, folder="a")
    add_run("best", {"ssim": 0.9}, folder="b", digests={"extra": "c" * 64})
    add_run("other", {"ssim": 0.1}, folder="c")
    assert marks(tmp_path)["best"] == (True, False)


@pytest.mark.parametrize(
    ("weights", "said", "ranked"),
    [
        (("a" * 64, "b" * 64), "its runs were made with different weights of unet", False),
        (("", ""), "made with weights of unknown digest: unet", True),
    ],
)
def test_runs_of_other_weights_are_not_ranked_and_unknown_ones_are_told(
    tmp_path: Path, add_run: AddRun, weights: tuple[str, str], said: str, ranked: bool
) -> None:
    for subject, sha256 in enumerate(weights, 1):
        add_run("atm", {"ssim": 0.9}, subject=subject, digests={"weights/unet": sha256})
        for i, other in enumerate(("other", "worse")):
            add_run(other, {"ssim": 0.2 - i / 10}, subject=subject, digests={"weights/unet": "c" * 64})
    [table] = collect(tmp_path)
    [atm] = [row for row in table.rows if row.label == "atm"]
    assert said in (*atm.notes, atm.reason)
    assert [label for label, (best, _) in marks(tmp_path).items() if best] == ["atm" if ranked else "other"]


def test_runs_scored_against_other_true_images_are_not_ranked_together(tmp_path: Path, add_run: AddRun) -> None:
    for method, truths in (("a", "1" * 64), ("b", "2" * 64)):
        folder = add_run(method, {"ssim": 0.5})
        sheet = dataclasses.replace(ScoreSheet.read(folder / "scores.json"), truths=truths)
        write_text(folder / "scores.json", sheet.to_json())
    [table] = collect(tmp_path)
    assert table.ranking == ("Nothing is ranked: the runs of sub-08 were scored against different true images.",)
    assert not any(best for best, _ in marks(tmp_path).values())


def test_a_share_is_not_taken_from_the_floor_of_other_subjects(tmp_path: Path, add_run: AddRun) -> None:
    for subject in (1, 2, 8):
        add_run("random", {"ssim": 0.3 if subject == 8 else 0.0}, subject=subject, role="floor")
        add_run("told", {"ssim": 0.9}, subject=subject, role="ceiling", track="ceiling")
    add_run("told", {"ssim": 0.9}, subject=3, role="ceiling", track="ceiling")
    for subject, share, notes in ((8, 0.0, ()), (3, None, ("no share: no floor with a value on these subjects",))):
        add_run(f"on_{subject}", {"ssim": 0.3}, subject=subject)
        tables = [normalise.normalised(table) for table in collect(tmp_path)]
        [cell] = [row.cells[0] for row in tables[0].rows if row.label == f"on_{subject}"]
        assert (cell.value, cell.notes) == (share, notes)


def test_many_hopeless_methods_do_not_make_all_tied() -> None:
    rng = np.random.default_rng(6)
    tables = [HARD + 1.0, *(HARD + rng.normal(0, 0.05, 40) for _ in range(600))]
    found = mark(Column("ssim", 1, True), [float(x.mean()) for x in tables], scores_of(tables))
    assert found.best == {0} and not found.tied


def test_a_value_lies_within_its_interval_where_a_seed_lacks_a_stimulus() -> None:
    items = [np.array([0.0, 0.0, np.nan]), np.array([0.0, 0.0, 15.0])]
    mean, ci = average([Scored(8, float(np.nanmean(x)), (0.0, 1.0), STIMULI[:3], x) for x in items])
    assert ci is not None and ci[0] <= mean <= ci[1]


def test_a_folder_that_cannot_be_read_stops_the_board(tmp_path: Path, add_run: AddRun, monkeypatch: Any) -> None:
    add_run("atm", {"ssim": 0.5}, folder="a/b")

    def refused(path: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    seen = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: refused(path) if str(path).endswith("/a") else seen(path))
    with pytest.raises(InputError, match=r"a: cannot be read \(Permission denied\)"):
        collect(tmp_path)
