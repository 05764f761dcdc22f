"""Tables that a person reads in a hundred columns, and progress that does not flood a log."""

import dataclasses
import io
import re
import threading
import time

import pytest
from rich.console import Console

from eegbench.api.report import show
from eegbench.progress import Terminal
from eegbench.runs.sheet import CANNOT_TELL, STATISTICS, Audited, Score, ScoreSheet
from eegbench.tables import WIDTH, Column, interval, laid, number, probability

NUMBERS = [
    (None, "-"),
    (0.0, "0"),
    (-0.0, "0"),
    (-8e-13, "0"),
    (9e-10, "0"),
    (float("nan"), "-"),
    (0.7123, ".712"),
    (-0.7123, "-.712"),
    (0.9999, "1.00"),
    (1.234, "1.23"),
    (123.4, "123"),
    (0.00012, "1e-04"),
]


@pytest.mark.parametrize(("value", "text"), NUMBERS)
def test_a_number_has_three_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_what_is_outside_a_metrics_bounds_is_shown_at_the_bound() -> None:
    assert interval(0.5, (-0.2, 1.3), (0.0, 1.0)) == ".500 [0, 1.00]"
    assert interval(0.5, (-0.2, 1.3), (0.0, None)) == ".500 [0, 1.30]"
    assert number(-0.1, (0.0, None)) == "0" and number(-0.1, (None, None)) == number(-0.1) == "-.100"
    fid = Score("fid", 1, 0.762, (-0.209, 1.73), False, permuted=-1e-12, floor=-0.5, bounds=(0.0, None))
    row = next(line for line in shown(ScoreSheet(9, "micro", "sal512", {"fid": fid})).splitlines() if "fid" in line)
    assert row.split()[2:6] == [".762", "[0,", "1.73]", "0"]


def test_an_interval_stands_behind_its_value() -> None:
    assert interval(0.5, (0.4, 0.6)) == ".500 [.400, .600]"
    assert interval(0.5, None) == ".500"


WIDE = Score("retrieval_top1", 1, -0.1234, (-0.2345, -0.1), False, floor=0.5, permuted=-0.2, contribution=-0.123)
IDS = ("retrieval_top1", "nway50_top1", "kl_reversed", "ssim_columns")


def shown(sheet: ScoreSheet, *, beside: bool = True, width: int = WIDTH) -> str:
    names = (("random_train_image",), ("vae_roundtrip", "true_embedding")) if beside else ((), ())
    floors, ceilings = (dict.fromkeys(some, sheet) for some in names)
    return show(sheet, title="[bold]title", floors=floors, ceilings=ceilings, width=width)


def test_the_widest_table_fits_in_a_hundred_columns_and_cuts_nothing() -> None:
    wide = dataclasses.replace(WIDE, contribution_ci=(-0.2345, -0.1), contribution_p=0.001)
    scores = {name: dataclasses.replace(wide, metric=name) for name in IDS}
    audit = Audited("pairing", 0.5, 200)
    text = shown(ScoreSheet(200, "micro", "sal512", scores, {}, CANNOT_TELL, audit, STATISTICS))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "…" not in text
    for name in IDS:
        row = next(line for line in text.splitlines() if line.startswith(name))
        expected = [name, "↓", "-.123", "[-.234,", "-.100]", ".500", "-.200", "-.123", "[-.234,", "-.100]", ".001"]
        assert row.split() == [*expected, *["-.123"] * 3]


def test_columns_of_an_audit_that_was_not_made_are_left_out() -> None:
    bare = dataclasses.replace(WIDE, permuted=None, contribution=None)
    assert "permuted" not in shown(ScoreSheet(2, "micro", "sal512", {"x": bare}), beside=False)
    assert " p\n" not in shown(ScoreSheet(2, "micro", "sal512", {"x": WIDE}), beside=False)


@pytest.mark.parametrize(
    ("p", "text"), [(None, "-"), (0.0001, "<.001"), (0.001, ".001"), (0.0999, ".10"), (0.431, ".43"), (1.0, "1.00")]
)
def test_a_p_value_is_never_printed_as_nothing(p: float | None, text: str) -> None:
    assert probability(p) == text


def test_what_a_stranger_wrote_is_printed_as_it_is() -> None:
    hostile = Score("x", 1, None, None, True, reason="[red]why[/nothing]")
    text = shown(ScoreSheet(2, "micro", "sal512", {"x": hostile}, verdict="[link]v"), beside=False)
    assert "x: [red]why[/nothing]" in text
    assert "[bold]title" in text
    assert "Audit: [link]v" in text


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_table_drops_columns_from_the_right_and_keeps_names_whole(width: int) -> None:
    sheet = ScoreSheet(200, "micro", "sal512", {name: dataclasses.replace(WIDE, metric=name) for name in IDS})
    grid = shown(sheet, width=width).partition("\n\n")[2].rstrip().splitlines()
    assert max(map(len, grid)) <= width
    assert [line.split()[:4] for line in grid if "↓" in line] == [[name, "↓", "-.123", "[-.234,"] for name in IDS]
    left = " ".join(" ".join(grid).split()).partition("Left out for want of room: ")[2]
    assert "ceiling: true CLIP" in left and left.endswith("columns show all, --json has all at any width.")
    needed = int(left.partition("; ")[2].split()[0])
    assert "Left out" not in shown(sheet, width=needed) and "Left out" in shown(sheet, width=needed - 1)


def test_a_last_column_of_sentences_is_broken_between_words() -> None:
    columns = [Column("name", ["a", "b"], right=False), Column("about", ["word " * 12, "short"], right=False)]
    assert laid(columns, 40, gap=2).splitlines()[1:3] == [f"a     {'word ' * 6}word", f"      {'word ' * 4}word"]
    assert laid(columns, None, gap=2).splitlines()[1] == "a     " + " ".join(["word"] * 12)
    assert laid(columns, 24, gap=2).endswith("show all.\n")


def test_wide_letters_take_two_columns() -> None:
    grid = laid([Column("n", ["脳波", "ab"], right=False), Column("v", ["1", "2"])], None).splitlines()
    assert grid[1:] == ["脳波 1", "ab   2"]


def said(advances: list[float], total: int) -> list[str]:
    """Lines of a bar without a terminal, whose steps come at these seconds."""
    times = iter([0.0, *advances, advances[-1]])
    console = Console(file=io.StringIO(), width=40)
    with Terminal(console, clock=lambda: next(times)).bar("fit", total) as advance:
        for _ in advances:
            advance(1)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_without_a_terminal_a_line_comes_at_most_every_ten_seconds_and_at_the_end() -> None:
    lines = said([float(second) for second in range(1, 26)], 25)
    assert lines == ["fit: 10/25, about 15 s left", "fit: 20/25, about 5 s left", "fit: 25/25 in 25.0 s"]


def quiet(seconds: float) -> tuple[Terminal, io.StringIO]:
    console = Console(file=io.StringIO(), width=100)
    assert isinstance(console.file, io.StringIO)
    return Terminal(console, soon=seconds, still=3 * seconds), console.file


def test_a_stage_whose_first_step_is_long_says_that_it_began_and_that_it_is_at_work() -> None:
    progress, lines = quiet(0.05)
    with progress.bar("fit LoRA", 125) as advance:
        while "still" not in lines.getvalue():
            time.sleep(0.01)
        advance(125)
    began, still, end = (
        lines.getvalue().splitlines()[0],
        lines.getvalue().splitlines()[1],
        lines.getvalue().splitlines()[-1],
    )
    assert began == "fit LoRA: begun, 125 to do"
    assert still.startswith("fit LoRA: still at 0/125, ") and end.startswith("fit LoRA: 125/125 in ")


def test_only_the_inner_stage_says_that_it_is_at_work_and_none_does_after_its_end() -> None:
    progress, lines = quiet(0.05)
    with progress.bar("outer", 2), progress.bar("inner", 3):
        time.sleep(0.3)
    told = lines.getvalue()
    assert "inner: begun" in told and "outer: begun" not in told and "outer: still" not in told
    time.sleep(0.3)
    assert lines.getvalue() == told and threading.active_count() < 10
    assert not [thread for thread in threading.enumerate() if "_watch" in thread.name]


def test_a_stage_that_fails_stops_speaking() -> None:
    progress, lines = quiet(0.05)
    with pytest.raises(ValueError, match="no"), progress.bar("fit", 3):
        raise ValueError("no")
    time.sleep(0.2)
    assert lines.getvalue() == ""


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_long_label_is_whole_and_leaves_room_for_the_bar(width: int) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    with Terminal(console).bar("saliency_controlnet: images, permuted EEG", 200) as advance:
        advance(100)
    assert isinstance(console.file, io.StringIO)
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    rows = [line.rstrip() for line in drawn.replace("\r", "\n").splitlines() if line.strip()]
    assert max(map(len, rows)) <= width
    assert "saliency_controlnet:" in drawn and "100/200" in drawn and "…" not in drawn
    assert ("━" * 4 in drawn) == (width > 40)


def test_in_a_terminal_bars_stand_inside_one_another() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    progress = Terminal(console)
    with progress.bar("outer", 2) as outer, progress.bar("inner", 3) as inner:
        inner(3)
        outer(2)
    assert isinstance(console.file, io.StringIO)
    assert "2/2" in console.file.getvalue()
    assert "3/3" in console.file.getvalue()
