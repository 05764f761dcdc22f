"""A method under several protocols stands side by side with itself, and its drops are of what pairs alone."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.files import write_text
from eegbench.leaderboard.board import Board
from eegbench.leaderboard.cells import Cell
from eegbench.leaderboard.protocols import SideBySide
from eegbench.runs.items import write_values

Items = NDArray[np.float64]
Add = Callable[..., Path]
N = 60
STIMULI = tuple(f"s{i:02d}" for i in range(N))
EASE = np.linspace(0.2, 0.5, N)
OTHERS, CALIBRATED = {"train_on": "others"}, {"train_on": "others", "calibration": 50}


def noise(*words: int) -> Items:
    return np.round(np.random.default_rng(words).normal(0, 0.02, N), 6)


@pytest.fixture
def add(add_run: Callable[..., Path]) -> Add:
    """A run with its values of one metric, or of several, by stimulus."""

    def one(values: Items | Mapping[str, Items], *, stimuli: tuple[str, ...] = STIMULI, **more: Any) -> Path:
        metrics = values if isinstance(values, Mapping) else {"ssim": values}
        means = {name: float(items[np.isfinite(items)].mean()) for name, items in metrics.items()}
        spec = [f"{value}" for value in more.values() if not isinstance(value, dict)]
        folder = more.pop("folder", "-".join([more.pop("method", "atm"), *spec]).replace("/", "_"))
        run = add_run("atm", means, n=len(stimuli), folder=folder, **more)
        write_text(run / "scores.csv", write_values({(m, 1): items[None] for m, items in metrics.items()}, stimuli))
        return run

    return one


def shown(top: Path, **options: Any) -> tuple[SideBySide, ...]:
    return Board.of(top, claims="none", **options).protocols


def only(top: Path, **options: Any) -> SideBySide:
    [one] = shown(top, **options)
    return one


def test_values_stand_in_the_order_of_their_protocols_and_drops_are_of_paired_differences(
    tmp_path: Path, add: Add
) -> None:
    own, others, calibrated = EASE + noise(0), EASE - 0.1 + noise(1), EASE - 0.04 + noise(2)
    add(EASE, train_on="all")
    add(EASE - 0.02, train_on="others", calibration=200)
    add(calibrated, **CALIBRATED)
    add(others, **OTHERS)
    add(own)
    one = only(tmp_path)
    assert [trained.words for trained in one.trained] == ["own", "others", "others + 50", "others + 200", "all"]
    assert [trained.drop for trained in one.dropped] == ["own − others", "own − (others + 50)", "own − (others + 200)"]
    [line] = one.lines
    assert [cell.value for cell in line.values][1:3] == pytest.approx([others.mean(), calibrated.mean()])
    for cell, other in zip(line.drops, (others, calibrated), strict=False):
        assert cell.value == pytest.approx((own - other).mean()) and not cell.notes
        assert cell.ci == pytest.approx(statistics.mean_interval(own - other)[1])
    assert line.drops[0].value is not None and line.drops[0].value > 0.09
    width = np.ptp(line.drops[0].ci or ())
    assert width < 0.3 * np.ptp(statistics.mean_interval(own)[1] or ())  # of differences, and not of two values
    assert line.over == "subject 8, seed 0, 60 stimuli"


def test_a_loss_is_positive_whichever_way_is_better(tmp_path: Path, add: Add) -> None:
    add({"swav": EASE})
    add({"swav": EASE + 0.2}, **OTHERS)
    [line] = only(tmp_path).lines
    assert line.drops[0].value == pytest.approx(0.2)


def test_the_primary_metric_is_shown_and_retrieval_beside_it(tmp_path: Path, add: Add) -> None:
    hits = np.repeat([0.0, 1.0], N // 2)
    for spec in ({}, OTHERS):
        add({"pixcorr": EASE, "clip": EASE + 0.1, "retrieval_top1": hits}, **spec)
    assert [one.column.metric for one in shown(tmp_path)] == ["clip", "retrieval_top1"]
    assert [one.column.metric for one in shown(tmp_path, primary="pixcorr")] == ["pixcorr", "retrieval_top1"]
    assert [one.column.metric for one in shown(tmp_path, primary="retrieval_top1")] == ["retrieval_top1"]


def test_a_drop_stands_on_what_both_protocols_have_and_the_row_says_so(tmp_path: Path, add: Add) -> None:
    for subject in (1, 2, 8):
        add(EASE + subject / 100, subject=subject)
    add(EASE - 0.1, subject=8, **OTHERS)
    [line] = only(tmp_path).lines
    assert line.values[0].value == pytest.approx(EASE.mean() + 0.11 / 3)
    assert line.drops[0].value == pytest.approx(0.18)
    assert line.over == ("own: subjects 1, 2 and 8, seed 0, 60 stimuli each; others: subject 8, seed 0, 60 stimuli")
    [alone] = only(tmp_path, subjects=[8]).lines
    assert alone.values[0].value == pytest.approx(EASE.mean() + 0.08)


def test_three_people_have_an_interval_over_people_and_two_have_none(tmp_path: Path, add: Add) -> None:
    drops = {1: 0.02, 2: 0.06, 8: 0.22}
    for subject, drop in drops.items():
        add(EASE, subject=subject)
        add(EASE - drop + noise(subject), subject=subject, **OTHERS)
    [line] = only(tmp_path).lines
    table = np.array([drop - noise(subject) for subject, drop in drops.items()])
    assert line.drops[0].ci == pytest.approx(statistics.crossed(table).interval())
    [two] = only(tmp_path, subjects=[1, 8]).lines
    assert (two.drops[0].ci, two.drops[0].notes) == (None, ("2 subjects: too few for an interval over subjects",))


def test_what_does_not_pair_is_not_compared(tmp_path: Path, add: Add) -> None:
    add(EASE, seed=1)
    add(EASE, **OTHERS)
    [line] = only(tmp_path).lines
    assert line.drops == (Cell(notes=("no drop: no subject and seed has both",)),)
    assert all(cell.value is not None for cell in line.values)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"judges": {"eyes": "b" * 64}}, "the runs were scored by different weights of eyes: score them again"),
        ({"digests": {"weights/vae": "b" * 64}}, "its runs were made with different weights of vae"),
    ],
    ids=["judges", "weights"],
)
def test_runs_by_other_weights_have_no_drop(tmp_path: Path, add: Add, more: dict[str, Any], reason: str) -> None:
    add(EASE, judges={"eyes": "a" * 64}, digests={"weights/vae": "a" * 64}, folder="a")
    add(EASE, **{"judges": {"eyes": "a" * 64}, "digests": {"weights/vae": "a" * 64}} | more, **OTHERS, folder="b")
    [line] = only(tmp_path).lines
    assert line.drops == (Cell(notes=(f"no drop: {reason}",)),)


@pytest.mark.parametrize(("metric", "pairs"), [("ssim", True), ("clip", False)])
def test_other_stimuli_pair_only_where_values_do_not_depend_on_rivals(
    tmp_path: Path, add: Add, metric: str, pairs: bool
) -> None:
    add({metric: EASE})
    add({metric: EASE[:50] - 0.1}, stimuli=STIMULI[:50], **OTHERS)
    [line] = only(tmp_path).lines
    assert line.drops[0].value == (pytest.approx(0.1) if pairs else None)
    assert ("different stimuli" in " ".join(line.drops[0].notes)) is not pairs


@pytest.mark.parametrize(("undefined", "compared"), [(6, True), (7, False)])
def test_a_tenth_of_the_stimuli_may_lack_a_value(tmp_path: Path, add: Add, undefined: int, compared: bool) -> None:
    holes = np.where(np.arange(N) < undefined, np.nan, EASE - 0.1)
    add(EASE)
    add(holes, **OTHERS)
    [line] = only(tmp_path).lines
    assert line.drops[0].value == (pytest.approx(0.1) if compared else None)


@pytest.mark.parametrize(
    "change",
    [
        {"train_on": "others", "others": 3},
        {"train_on": "others", "scale": "test"},
        {"train_on": "others", "average": 4},
        {"train_on": "others", "view": {"window": [0.0, 0.2]}},
        {"train_on": "others", "track": "oracle"},
        {"train_on": "others", "suite": "reference"},
        {"train_on": "others", "dataset_configuration": {"snr": 0.0}},
        {"train_on": "others", "configuration": {"steps": 3}},
        {"train_on": "others", "role": "floor"},
        {"average": 4},
    ],
    ids=str,
)
def test_only_the_protocol_may_differ(tmp_path: Path, add: Add, change: dict[str, Any]) -> None:
    add(EASE, folder="a")
    add(EASE, folder="b", **change)
    board = Board.of(tmp_path, claims="none")
    assert board.protocols == ()
    assert "side by side" not in board.render("md") + board.html(tmp_path / "board.html")


def test_readers_see_the_section_and_programs_find_their_board_as_it_was(tmp_path: Path, add: Add) -> None:
    steps = {"configuration": {"steps": "<b>|x"}}
    add(EASE, folder="a", **steps)
    add(EASE - 0.1 + noise(1), folder="b", **OTHERS, **steps)
    add(EASE, folder="c", seed=1, configuration={"steps": 1})
    add(EASE, folder="d", seed=2, configuration={"steps": 1}, train_on="all")
    board = Board.of(tmp_path, claims="none")
    text = board.render("md").partition("## Protocols side by side")[2]
    assert "### ssim@1 ↑: sim-things@1, track eeg, suite micro, protocol sal512" in text
    assert "| method | own | others | all | own − others | over |" in text and "**Simulated EEG.**" in text
    [first, second] = re.findall(r"^\| atm .*", text, re.MULTILINE)
    assert re.search(
        r"steps=1\) \| \.350\d* \[.*\] \|  \| \.350\d* \[.*\] \|  \| own: .* seed 1.*; all: .* seed 2", first
    )
    assert re.search(r"steps=&lt;b&gt;\\\|x\).*\| \.10\d* \[\.\d+, \.\d+\] \| subject 8, seed 0", second)
    page = board.html(tmp_path / "board.html")
    assert '<section class="setting" id="protocols">' in page and "<b>|x" not in page
    assert "Protocols side by side" in page and page.index('id="protocols"') > page.rindex('id="t3"')
    for form in ("json", "csv"):
        assert "side by side" not in board.render(form)
    assert len(json.loads(board.render("json"))) == 3
