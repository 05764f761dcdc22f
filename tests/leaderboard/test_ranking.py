"""Which values are tied with the best, and what an interval over subjects and stimuli stands on."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.errors import InputError
from eegbench.files import write_text
from eegbench.leaderboard import Table, collect
from eegbench.leaderboard.average import Scored, average, rows_of, seeds_sd
from eegbench.leaderboard.cells import Column
from eegbench.leaderboard.ranking import Marks, contest, mark
from eegbench.runs.items import write_values
from eegbench.runs.sheet import Score, ScoreSheet

AddRun = Callable[..., Path]
STIMULI = tuple(f"0000{i}_thing/thing_{i:02d}" for i in range(40))
HARD = np.linspace(0, 0.5, 40)


@pytest.fixture
def add_values(add_run: AddRun) -> AddRun:
    """A run of one metric with its values by stimulus."""

    def add(method: str, items: NDArray[np.float64], metric: str = "ssim", n: int = 40, **more: Any) -> Path:
        folder = add_run(method, {metric: float(np.nanmean(items))}, n=n, **more)
        write_text(folder / "scores.csv", write_values({(metric, 1): items[None]}, STIMULI[: len(items)]))
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


def marked(scores: Sequence[Sequence[Scored]]) -> Marks:
    """The marks of one column alone, of runs that count alike."""
    values = [float(np.mean([one.value for one in own])) for own in scores]
    return mark([contest(Column("ssim", 1, True), values, scores, comparisons=len(scores) - 1)], 0)[0]


def test_best_and_tied_hold_the_truly_best_method_in_95_of_100_boards() -> None:
    rng = np.random.default_rng(5)
    lost = 0
    for _ in range(100):
        tables = list(HARD + rng.normal(0, 0.1, (10, 40)))
        found = marked(scores_of(tables))
        lost += 0 not in found.best | found.tied  # all are equals: any is the truly best
    assert lost <= 5 + 3 * 2.2  # three standard deviations of a share of 5 in 100


def test_rows_are_subjects_with_their_seeds_averaged_and_of_one_subject_its_seeds() -> None:
    first, second, third = np.arange(4.0), np.array([1.0, 1.0, 1.0, 5.0]), np.full(4, 2.0)
    runs = [Scored(1, 1.5, None, STIMULI[:4], first), Scored(1, 2.0, None, STIMULI[:4], second, seed=1)]
    np.testing.assert_array_equal(rows_of(runs[::-1]), [first, second])
    both = rows_of([*runs, Scored(2, 2.0, None, STIMULI[:4], third)])
    np.testing.assert_array_equal(both, [(first + second) / 2, third])


def test_rows_of_subjects_who_saw_other_stimuli_have_no_value_there() -> None:
    one = Scored(1, 1.5, None, STIMULI[:4], np.arange(4.0))
    table = rows_of([one, Scored(2, 3.0, None, STIMULI[3:5], np.array([1.0, 5.0]))])
    np.testing.assert_array_equal(table, [[0, 1, 2, 3, np.nan], [np.nan, np.nan, np.nan, 1, 5]])
    assert rows_of([one, Scored(2, 3.0)]) is None


def equals(rng: np.random.Generator, methods: int, subjects: int, sd: float) -> list[list[Scored]]:
    """Methods that are equal in truth, whose ability differs from subject to subject by `sd`."""
    names = tuple(map(str, range(200)))
    ease = rng.normal(0, 0.15, 200)
    tables = [ease + rng.normal(0, sd, (subjects, 1)) + rng.normal(0, 0.2, (subjects, 200)) for _ in range(methods)]
    return [[Scored(s, float(x.mean()), None, names, x) for s, x in enumerate(table)] for table in tables]


def test_two_equal_methods_are_called_different_in_5_of_100_boards_whatever_suits_which_subject() -> None:
    rng = np.random.default_rng(7)
    apart = sum(not marked(equals(rng, 2, 5, 0.02)).tied for _ in range(200))
    # Flipping signs of the mean over subjects, as if these were all the people there are, calls 50 of 200 different.
    assert apart <= 10 + 3 * 3.1  # three standard deviations of a share of 5 in 100


def test_of_many_columns_of_equals_few_call_any_method_worse() -> None:
    rng = np.random.default_rng(8)
    lost = 0
    for _ in range(60):
        boards = [equals(rng, 2, 3, 0.02) for _ in range(16)]
        values = [[float(np.mean([one.value for one in own])) for own in board] for board in boards]
        contests = [
            contest(Column("ssim", 1, True), value, board, comparisons=16)
            for value, board in zip(values, boards, strict=True)
        ]
        lost += any(not one.tied for one in mark(contests, 0)[1:])
    assert lost <= 3 + 3 * 1.7  # without a correction over columns 31 of 60 boards


def test_the_primary_column_is_corrected_by_itself() -> None:
    items = np.random.default_rng(9).normal(0, 0.1, 40)
    near = (items - items.mean()) / items.std() * 0.1  # p is between .05 / 2 and .05
    scores = scores_of([HARD + 0.034, HARD + near])
    column = [contest(Column("ssim", 1, True), [own[0].value for own in scores], scores, comparisons=4)] * 4
    assert 0.025 < column[0].p[0] < 0.05
    assert [bool(one.tied) for one in mark(column, 0)] == [False, True, True, True]


def test_the_smallest_visible_difference_falls_with_the_stimuli_and_knows_what_differs_between_subjects() -> None:
    rng = np.random.default_rng(10)

    def visible(scores: list[list[Scored]]) -> float:
        found = contest(Column("ssim", 1, True), [0.5, 0.4], scores, comparisons=1)
        assert found.visible is not None
        return found.visible

    one = equals(rng, 2, 1, 0.0)
    assert visible(one) == pytest.approx(2.8 * 0.2 * 2**0.5 / 200**0.5, rel=0.15)  # z of .975 and .8; the sample's sd
    few = [[Scored(8, 0.5, None, own[0].stimuli[:50], own[0].items[:50])] for own in one if own[0].items is not None]
    assert visible(few) == pytest.approx(2 * visible(one), rel=0.3)
    assert visible(equals(rng, 2, 5, 0.2)) > 3 * visible(equals(rng, 2, 5, 0.0))


def test_a_metric_of_a_whole_set_has_its_own_interval_where_subjects_agree() -> None:
    scores = [Scored(i, 2.0, (1.5, 2.5 + i)) for i in range(3)]
    assert average(scores) == (2.0, (1.5, 3.5))
    assert average([*scores, Scored(3, 2.0)]) == (2.0, None)  # one of them says nothing


def test_a_metric_of_a_whole_set_is_not_ranked_and_says_at_what_n_it_stands(tmp_path: Path, add_values: AddRun) -> None:
    for method, shift in (("best", 0.1), ("other", 0.0)):
        folder = add_values(method, HARD + shift)
        sheet = ScoreSheet.read(folder / "scores.json")
        sets = {name: Score(name, 1, shift, (shift - 0.1, shift + 0.1), False) for name in ("kid", "zeta")}
        write_text(folder / "scores.json", dataclasses.replace(sheet, metrics={**sheet.metrics, **sets}).to_json())
    [table] = collect(tmp_path)
    assert [column.at_n for column in table.columns] == [None, (40, 40), (40, 40)]
    assert table.notes == () and not any(cell.best or cell.tied for row in table.rows for cell in row.cells[1:])
    assert [row.cells[0].best for row in table.rows] == [True, False]


def test_a_metric_of_a_whole_set_that_floors_alone_have_says_at_what_n_too(tmp_path: Path, add_values: AddRun) -> None:
    add_values("atm", HARD)
    folder = add_values("random", HARD, role="floor")
    sheet = ScoreSheet.read(folder / "scores.json")
    metrics = {**sheet.metrics, "zeta": Score("zeta", 1, 0.5, None, False)}
    write_text(folder / "scores.json", dataclasses.replace(sheet, metrics=metrics).to_json())
    [table] = collect(tmp_path)
    assert [column.at_n for column in table.columns] == [None, (40, 40)]


def test_several_seeds_of_one_subject_say_how_far_they_spread(tmp_path: Path, add_values: AddRun) -> None:
    for seed, shift in enumerate((0.0, 0.1, 0.2)):
        add_values("atm", HARD + shift, seed=seed)
    add_values("atm", HARD, subject=1)
    [table] = collect(tmp_path)
    assert table.rows[0].cells[0].seeds_sd == pytest.approx(0.1, abs=1e-12)
    assert seeds_sd([Scored(1, 0.1), Scored(2, 0.5)]) is None


def test_an_interval_of_the_first_edition_is_made_anew_from_the_values(tmp_path: Path, add_values: AddRun) -> None:
    hits = np.zeros(40)
    hits[:2] = 1
    for method, edition in (("old", 1), ("new", 2)):
        add_values(method, hits, metric="retrieval_top1", statistics=edition, verdict="")
    [table] = collect(tmp_path)
    cells = {row.label: row.cells[0].ci for row in table.rows}
    assert cells["new"] == pytest.approx((0.02, 0.08)) and cells["old"] == pytest.approx((0.0138, 0.165), abs=1e-3)


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
    [table] = collect(tmp_path, normalised=True)
    return table


@pytest.mark.parametrize(("metric", "floor", "method", "ceiling"), [("ssim", 0.2, 0.5, 0.8), ("swav", 0.8, 0.5, 0.2)])
def test_a_share_is_taken_from_the_best_floor_to_the_best_ceiling(
    tmp_path: Path, add_run: AddRun, metric: str, floor: float, method: float, ceiling: float
) -> None:
    table = three(add_run, tmp_path, metric, floor, method, ceiling)
    cell = table.rows[0].cells[0]
    assert cell.value == pytest.approx(0.5) and not cell.notes and table.normalised
    assert cell.ci is None  # there are no values by stimulus
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
    alone = next(table for table in collect(tmp_path, normalised=True) if table.setting.dataset == "other")
    told = "no share: no floor and no ceiling on these subjects; run `eegbench evaluate` without --no-references"
    assert alone.rows[0].cells[0].notes == (told,)


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
        tables = collect(tmp_path, normalised=True)
        [cell] = [row.cells[0] for row in tables[0].rows if row.label == f"on_{subject}"]
        assert (cell.value, cell.notes) == (share, notes)


def test_many_hopeless_methods_do_not_make_all_tied() -> None:
    rng = np.random.default_rng(6)
    tables = [HARD + 1.0, *(HARD + rng.normal(0, 0.05, 40) for _ in range(600))]
    found = marked(scores_of(tables))
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
    with pytest.raises(InputError, match=r"a: cannot be read \(Permission denied\), and runs may lie there"):
        collect(tmp_path)
