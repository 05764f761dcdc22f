"""Which runs share a table, a row and a cell, and which never do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegbench.errors import InputError
from eegbench.leaderboard import Cell, Row, Table, collect, wording
from eegbench.leaderboard.average import Scored, average
from eegbench.runs.sheet import Audited
from eegbench.statistics import combined_p
from eegbench.tables import p_is

AddRun = Callable[..., Path]
Shown = dict[str, Any]


def score(value: float | None, **more: Any) -> Shown:
    """What `add_run` turns into a score: its value, and what is not as usual."""
    return {"value": value, **more}


def only(tables: tuple[Table, ...]) -> Table:
    assert len(tables) == 1
    return tables[0]


def row(table: Table, label: str) -> Row:
    return next(row for row in table.rows if row.label == label)


def cell(table: Table, label: str, metric: str, version: int = 1) -> Cell:
    place = [(column.metric, column.version) for column in table.columns].index((metric, version))
    return row(table, label).cells[place]


def bold(table: Table, metric: str = "ssim") -> list[str]:
    return [r.label for r in table.rows if cell(table, r.label, metric).best]


def test_single_run_keeps_its_own_interval(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": score(0.4, ci=(0.31, 0.44))})
    table = only(collect(tmp_path))
    assert cell(table, "atm", "ssim") == Cell(0.4, (0.31, 0.44))
    assert (table.rows[0].subjects, table.rows[0].seeds, table.rows[0].items) == ((8,), (0,), (200, 200))


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "things-eeg2"},
        {"revision": "2"},
        {"dataset_configuration": {"snr": 0.0}},
        {"track": "oracle"},
        {"suite": "reference"},
        {"protocol": "me256"},
        {"average": 4},
        {"samples": 4},
        {"selection": "best"},
        {"simulated": False},
    ],
)
def test_runs_of_different_settings_never_share_a_table(
    tmp_path: Path, add_run: AddRun, change: dict[str, object]
) -> None:
    add_run("atm", {"ssim": 0.4}, folder="a")
    add_run("atm", {"ssim": 0.8}, folder="b", **change)
    assert sorted(table.rows[0].cells[0].value or 0 for table in collect(tmp_path)) == [0.4, 0.8]


def test_subjects_count_alike_whatever_their_number_of_seeds(tmp_path: Path, add_run: AddRun) -> None:
    for subject, seed, value in ((1, 0, 0.2), (1, 1, 0.4), (2, 0, 0.6), (3, 0, 0.9)):
        add_run("atm", {"ssim": value}, subject=subject, seed=seed)
    table = only(collect(tmp_path))
    assert cell(table, "atm", "ssim").value == pytest.approx((0.3 + 0.6 + 0.9) / 3, abs=1e-15)
    assert (row(table, "atm").subjects, row(table, "atm").seeds) == ((1, 2, 3), (0, 1))


def test_seeds_without_values_by_stimulus_join_their_spread_with_their_intervals() -> None:
    value, ci = average([Scored(8, 0.4, (0.3, 0.5), seed=0), Scored(8, 0.6, (0.5, 0.9), seed=1)])
    assert ci is not None and value == 0.5
    spread = 12.7062047 * 0.1  # Student's quantile for one degree of freedom, times the standard error of the mean
    assert ci == pytest.approx((0.5 - np.hypot(spread, 0.1), 0.5 + np.hypot(spread, 0.2)), abs=1e-6)
    assert average([Scored(8, 0.4, (0.3, 0.5)), Scored(8, 0.6, seed=1)]) == (0.5, None)


def test_two_subjects_have_a_mean_and_a_reason_for_no_interval(tmp_path: Path, add_run: AddRun) -> None:
    for subject, value in ((1, 0.25), (2, 0.75)):
        add_run("atm", {"ssim": value}, subject=subject)
    table = only(collect(tmp_path))
    assert (cell(table, "atm", "ssim").value, cell(table, "atm", "ssim").ci) == (0.5, None)
    assert row(table, "atm").notes == ("2 subjects: too few for an interval over subjects",)


@pytest.mark.parametrize("people", [True, False])
@pytest.mark.parametrize("rows", [3, 10])
def test_intervals_of_several_subjects_and_of_several_seeds_speak_of_others(rows: int, people: bool) -> None:
    rng = np.random.default_rng(rows)
    stimuli = tuple(map(str, range(200)))
    hits = 0
    for _ in range(300):
        able, ease = rng.normal(0, 0.04, (rows, 1)), rng.normal(0, 0.15, 200)
        table = able + ease + rng.normal(0, 0.2, (rows, 200))
        runs = [Scored(i if people else 8, float(x.mean()), None, stimuli, x, seed=i) for i, x in enumerate(table)]
        _, ci = average(runs)
        hits += ci is not None and ci[0] <= 0 <= ci[1]
    assert hits / 300 == pytest.approx(0.95, abs=0.038)  # three standard deviations of a share of 300


def test_configurations_are_rows_of_their_own_named_by_what_differs(tmp_path: Path, add_run: AddRun) -> None:
    for control, folder in ((True, "a"), (False, "b")):
        add_run("saliency_controlnet", {"ssim": 0.4}, configuration={"control": control, "steps": 20}, folder=folder)
    add_run("atm", {"ssim": 0.4}, configuration={"steps": 30})
    labels = [r.label for r in only(collect(tmp_path)).rows]
    assert labels == ["atm", "saliency_controlnet (control=false)", "saliency_controlnet (control=true)"]


def test_configurations_that_differ_past_the_end_of_a_label_stay_apart(tmp_path: Path, add_run: AddRun) -> None:
    for ending in "ab":
        add_run("atm", {"ssim": 0.4}, configuration={"prompt": "x" * 200 + ending}, folder=ending)
    labels = {r.label for r in only(collect(tmp_path)).rows}
    assert len(labels) == 2
    assert max(map(len, labels)) < 100


def test_option_that_only_one_configuration_has_is_shown(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4}, configuration={}, folder="a")
    add_run("atm", {"ssim": 0.4}, configuration={"lora": None}, folder="b")
    assert [r.label for r in only(collect(tmp_path)).rows] == ["atm (lora unset)", "atm (lora=null)"]


@pytest.mark.parametrize(("metric", "winner"), [("ssim", "high"), ("swav", "low")])
def test_best_value_follows_the_direction_of_the_metric(
    tmp_path: Path, add_run: AddRun, metric: str, winner: str
) -> None:
    add_run("high", {metric: 0.9})
    add_run("low", {metric: 0.1})
    assert bold(only(collect(tmp_path)), metric) == [winner]


def test_equal_values_are_both_best_unless_all_are_equal(tmp_path: Path, add_run: AddRun) -> None:
    for method in ("a", "b"):
        add_run(method, {"ssim": 0.5})
    assert bold(only(collect(tmp_path))) == []
    assert "Nothing is best: all values are equal." in only(collect(tmp_path)).ranking
    add_run("c", {"ssim": 0.4})
    assert bold(only(collect(tmp_path))) == ["a", "b"]


def test_floors_and_ceilings_stand_below_and_are_never_best(tmp_path: Path, add_run: AddRun) -> None:
    add_run("vae_roundtrip", {"ssim": 0.9}, role="ceiling", track="ceiling")
    add_run("mean_image", {"ssim": 0.8}, role="floor", verdict="")
    add_run("atm", {"ssim": 0.4}, verdict="")
    add_run("worse", {"ssim": 0.3})
    table = only(collect(tmp_path))
    assert [row(table, label).verdict for label in ("atm", "mean_image")] == ["not audited", ""]
    assert [r.role for r in table.rows] == ["method", "method", "floor", "ceiling"]
    assert bold(table) == ["atm"]


def test_floors_and_ceilings_join_every_table_that_they_serve(tmp_path: Path, add_run: AddRun) -> None:
    add_run("vae_roundtrip", {"ssim": 0.9}, role="ceiling", track="ceiling")
    add_run("mean_image", {"ssim": 0.2}, role="floor")
    add_run("shuffled", {"ssim": 0.1}, role="floor")
    add_run("shuffled", {"ssim": 0.3}, role="floor", track="oracle")
    add_run("atm", {"ssim": 0.4}, samples=4)
    add_run("saliency", {"ssim": 0.5}, track="oracle")
    first, second = collect(tmp_path)
    assert [(r.label, r.cells[0].value) for r in first.rows[1:]] == [
        ("mean_image", 0.2),
        ("shuffled", 0.1),
        ("vae_roundtrip", 0.9),
    ]
    assert [(r.label, r.cells[0].value) for r in second.rows[1:]] == [
        ("mean_image", 0.2),
        ("shuffled", 0.3),
        ("vae_roundtrip", 0.9),
    ]
    assert row(second, "mean_image").notes == ("made on the track eeg: it sees no hint",)


@pytest.mark.parametrize("role", ["floor", "ceiling"])
def test_floor_or_ceiling_of_another_data_set_stays_away(tmp_path: Path, add_run: AddRun, role: str) -> None:
    add_run("atm", {"ssim": 0.4})
    add_run("other", {"ssim": 0.2}, role=role, dataset_configuration={"snr": 0.0})
    assert [[r.label for r in table.rows] for table in collect(tmp_path)] == [["other"], ["atm"]]


def test_metric_versions_never_share_a_cell(tmp_path: Path, add_run: AddRun) -> None:
    for subject, version, value in ((1, 1, 0.2), (2, 1, 0.4), (3, 2, 0.9)):
        add_run("atm", {"ssim": score(value, version=version)}, subject=subject)
    table = only(collect(tmp_path))
    assert cell(table, "atm", "ssim", 1).value == pytest.approx(0.3, abs=1e-15)
    assert cell(table, "atm", "ssim", 2).value == 0.9
    assert cell(table, "atm", "ssim", 1).notes == (
        "1 of 3 runs left out (sub-03 seed-0): scored as ssim@2, not @1: score it again",
    )
    assert not any(c.best for c in row(table, "atm").cells)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({}, "sub-08 seed-0: not scored on ssim"),
        ({"ssim": score(None, reason="no weights")}, "sub-08 seed-0: ssim: no weights"),
        ({"ssim": score(None)}, "sub-08 seed-0: ssim: no value, and no reason given"),
    ],
)
def test_missing_metric_is_a_blank_with_its_reason(
    tmp_path: Path, add_run: AddRun, entry: dict[str, Shown], reason: str
) -> None:
    add_run("whole", {"ssim": 0.4})
    add_run("holed", entry)
    assert cell(only(collect(tmp_path)), "holed", "ssim") == Cell(None, None, (reason,))


def test_value_over_fewer_items_is_marked_and_not_best(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": score(0.9, items=150)})
    add_run("whole", {"ssim": 0.4})
    add_run("worse", {"ssim": 0.3})
    table = only(collect(tmp_path))
    assert cell(table, "atm", "ssim").notes == (
        "not compared: it is not known on which of its stimuli it has no value",
        "sub-08 seed-0: defined for 150 of 200 items",
    )
    assert bold(table) == ["whole"]


@pytest.mark.parametrize(
    ("scores", "status", "reason", "told"),
    [
        ({"ssim": 0.9}, "started", "", "status started"),
        (None, "failed", "out of memory", "status failed: out of memory"),
        (None, "complete", "", "not scored yet"),
    ],
)
def test_unfinished_run_counts_nowhere_and_is_told(
    tmp_path: Path, add_run: AddRun, scores: dict[str, float] | None, status: str, reason: str, told: str
) -> None:
    add_run("atm", {"ssim": 0.4}, subject=1)
    add_run("atm", scores, subject=2, status=status, reason=reason)
    table = only(collect(tmp_path))
    assert cell(table, "atm", "ssim").value == 0.4
    assert row(table, "atm").notes == (f"1 of 2 runs left out (sub-02 seed-0): {told}",)
    assert bold(table) == []


def test_method_with_unfinished_runs_alone_is_a_row_of_blanks(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4})
    add_run("late", None, status="failed", reason="killed")
    table = only(collect(tmp_path))
    assert cell(table, "late", "ssim") == Cell()
    assert row(table, "late").notes == ("sub-08 seed-0: status failed: killed",)
    assert (row(table, "late").block, row(table, "late").reason) == ("left out", "no run of it is complete and scored")
    assert bold(table) == []


def test_runs_without_any_scores_still_make_a_table(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", None)
    table = only(collect(tmp_path))
    assert (table.columns, table.setting.suite, table.rows[0].notes) == ((), "", ("sub-08 seed-0: not scored yet",))


def test_copy_of_a_run_does_not_count_twice(tmp_path: Path, add_run: AddRun) -> None:
    for folder, value, subject in (("a", 0.2, 1), ("copy", 0.2, 1), ("b", 0.8, 2)):
        add_run("atm", {"ssim": value}, subject=subject, folder=folder)
    table = only(collect(tmp_path))
    assert cell(table, "atm", "ssim").value == 0.5
    assert "copy has the same specification as a, which counts" in row(table, "atm").notes[0]


def test_runs_scored_by_other_weights_of_a_judge_are_told(tmp_path: Path, add_run: AddRun) -> None:
    add_run("a", {"ssim": 0.3}, judges={"alexnet": "aa" * 32, "clip": "cc" * 32})
    add_run("b", {"ssim": 0.9}, judges={"alexnet": "bb" * 32, "clip": "cc" * 32})
    table = only(collect(tmp_path))
    assert table.ranking == (
        "Nothing is ranked: the runs were scored by different weights of alexnet: score them again.",
    )
    assert bold(table) == []


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (["mixed: 3 of 12"], "mixed: 3 of 12 (counted rule)"),
        ([""], "not audited"),
        (
            ["EEG contributes: 9 of 12", "EEG contributes: 8 of 12", "mixed: 3 of 12"],
            "EEG contributes, counted rule (2 of 3 runs); mixed, counted rule (1 of 3 runs)",
        ),
        (["mixed: 3 of 12", "", ""], "not audited (2 of 3 runs); mixed, counted rule (1 of 3 runs)"),
    ],
)
def test_verdicts_of_a_row(tmp_path: Path, add_run: AddRun, verdicts: list[str], words: str) -> None:
    for subject, verdict in enumerate(verdicts, 1):
        add_run("atm", {"ssim": 0.3}, subject=subject, verdict=verdict)
    assert only(collect(tmp_path)).rows[0].verdict == words


def audited(p: float, subject: int = 8, seed: int = 0, words: str = "") -> dict[str, Any]:
    """A run that was audited by pairing."""
    said = words or ("EEG contributes (p)" if p <= 0.05 else "no sign that the EEG contributes (p)")
    return {"subject": subject, "seed": seed, "verdict": said, "audit": Audited("pairing", p, 200)}


@pytest.mark.parametrize(
    ("runs", "words", "p"),
    [
        ([audited(0.03)], "EEG contributes (p)", [[0.03]]),
        (
            [audited(0.04, 1), audited(0.06, 2), audited(0.03, 5)],
            "EEG contributes ({p}): 3 runs of 3 subjects, 2 of which show it by themselves",
            [[0.04], [0.06], [0.03]],
        ),
        (
            [audited(0.4, 1), audited(0.5, 1, 1), audited(0.6, 2)],
            "no sign that the EEG contributes ({p}): 3 runs of 2 subjects, 0 of which show it by themselves",
            [[0.4, 0.5], [0.6]],
        ),
        (
            [audited(0.01, 1), {"subject": 2, "verdict": "mixed: 3 of 12"}],
            "EEG contributes (1 of 2 runs); mixed, counted rule (1 of 2 runs)",
            None,
        ),
        (
            [audited(0.01, 1), {"subject": 2, "verdict": "cannot tell: 8 stimuli are too few", "statistics": 2}],
            "cannot tell: 8 stimuli are too few (1 of 2 runs)",
            None,
        ),
    ],
)
def test_several_runs_have_one_verdict_with_one_p_and_old_rules_are_told_apart(
    tmp_path: Path, add_run: AddRun, runs: list[dict[str, Any]], words: str, p: list[list[float]] | None
) -> None:
    for run in runs:
        add_run("atm", {"ssim": 0.3}, **run)
    [row] = only(collect(tmp_path)).rows
    joined = combined_p(p) if p else None
    assert row.audit_p == joined
    assert row.verdict == (words if joined is None else words.format(p=p_is(joined)))


@pytest.mark.parametrize(
    ("leaks", "words"),
    [
        (
            [0.008, *[0.2, 0.4, 0.6, 0.8] * 2, 0.5],
            "EEG contributes (p < .001): 10 runs of 10 subjects, 9 of which show it",
        ),
        (
            [0.02, 0.03, 0.04],
            "cannot tell: images made from another stimulus's EEG still match their stimulus (p = .001)",
        ),
        ([0.03, 0.3, None], "EEG contributes (p < .001): 3 runs of 3 subjects, 3 of which show it"),
        (
            [0.01, 0.01, None],
            "cannot tell: images made from another stimulus's EEG still match their stimulus (p = .001)",
        ),
    ],
)
def test_a_row_is_tested_for_leaks_once_whatever_its_runs_say(
    tmp_path: Path, add_run: AddRun, leaks: list[float | None], words: str
) -> None:
    for subject, leak in enumerate(leaks, 1):
        own = "cannot tell: images match" if leak is not None and leak <= 0.01 else "EEG contributes (p = .020)"
        audit = Audited("pairing", 0.02, 200, leak_p=leak)
        add_run("atm", {"ssim": 0.3}, subject=subject, verdict=own, audit=audit)
    [row] = only(collect(tmp_path)).rows
    assert row.verdict.startswith(words)
    assert row.audit_p == combined_p([[0.02]] * len(leaks))


def test_a_single_run_keeps_its_own_words_of_a_leak(tmp_path: Path, add_run: AddRun) -> None:
    words = "cannot tell: images made from another stimulus's EEG still match their stimulus (p = .010): the seed"
    add_run("atm", {"ssim": 0.3}, verdict=words, audit=Audited("pairing", 0.01, 200, leak_p=0.01))
    assert only(collect(tmp_path)).rows[0].verdict == words


@pytest.mark.parametrize(("p", "words"), [(0.3, "p = .30"), (0.0007, "p = .001"), (0.0004, "p < .001")])
def test_p_of_a_row_is_written_as_the_audit_writes_it(tmp_path: Path, add_run: AddRun, p: float, words: str) -> None:
    # One subject with two equal p: their average is the same p.
    for seed in (0, 1):
        add_run("atm", {"ssim": 0.3}, **audited(p, 1, seed))
    assert f"({words})" in only(collect(tmp_path)).rows[0].verdict


def test_the_legend_explains_the_old_rule_where_it_stands_on_the_board(tmp_path: Path, add_run: AddRun) -> None:
    add_run("new", {"ssim": 0.3}, **audited(0.03))
    assert wording.COUNTED not in wording.legend(collect(tmp_path))
    add_run("old", {"ssim": 0.3})
    assert wording.legend(collect(tmp_path)).count(wording.COUNTED) == 1
    assert [r.audit_rules for r in only(collect(tmp_path)).rows] == [("pairing",), ("counted",)]


def test_chance_stands_in_a_column_where_all_methods_agree(tmp_path: Path, add_run: AddRun) -> None:
    for method, floor in (("a", 0.1), ("b", 0.2)):
        add_run(method, {"clip": score(0.8, floor=0.5), "ssim": score(0.3, floor=floor)})
    assert {c.metric: c.chance for c in only(collect(tmp_path)).columns} == {"clip": 0.5, "ssim": None}


def test_columns_follow_the_order_of_the_papers_then_the_alphabet(tmp_path: Path, add_run: AddRun) -> None:
    add_run("a", dict.fromkeys(("zeta", "kid", "alpha", "clip", "pixcorr"), 0.5))
    assert [c.metric for c in only(collect(tmp_path)).columns] == ["pixcorr", "clip", "kid", "alpha", "zeta"]


def test_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        collect(tmp_path / "nowhere")


@pytest.mark.parametrize("file", ["run.json", "scores.json"])
def test_broken_record_stops_the_board_and_is_named(tmp_path: Path, add_run: AddRun, file: str) -> None:
    add_run("a", {"ssim": 0.3})
    broken = add_run("b", {"ssim": 0.3}) / file
    broken.write_text('{"schema_version": 1')
    with pytest.raises(InputError, match=f"{file}: cannot be read as JSON"):
        collect(tmp_path)


def test_what_lies_below_a_run_is_no_run(tmp_path: Path, add_run: AddRun) -> None:
    add_run("a", {"ssim": 0.3}, folder="a")
    add_run("b", {"ssim": 0.3}, folder="a/reconstructions/b")
    assert [r.label for r in only(collect(tmp_path)).rows] == ["a"]


def test_a_value_by_unverified_weights_is_marked_and_not_best(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": score(0.9, unverified=True), "clip": 0.5})
    add_run("whole", {"ssim": 0.4})
    add_run("worse", {"ssim": 0.3})
    table = only(collect(tmp_path))
    assert cell(table, "atm", "ssim").notes == (
        "not compared: its judge has other weights than the published ones",
        "sub-08 seed-0: judged by weights that are not the published ones",
    )
    assert bold(table) == ["whole"]


def test_half_precision_never_shares_a_column(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"clip": score(0.9, variant="half")})
    add_run("other", {"clip": score(0.3)})
    table = only(collect(tmp_path))
    assert [column.release for column in table.columns] == ["1", "1-half"]
    assert "scored as clip@1-half, not @1" in table.rows[0].cells[0].notes[0]
