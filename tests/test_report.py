"""Tables that a person reads in a hundred columns, and progress that does not flood a log."""

import dataclasses
import io

import pytest
from rich.console import Console

from eegbench.progress import Terminal
from eegbench.records import Score, ScoreSheet
from eegbench.report import interval, number, show
from eegbench.tables import WIDTH

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
    wide = dataclasses.replace(WIDE, contribution_ci=(-0.2345, -0.1))
    sheet = ScoreSheet(200, "micro", "sal512", {name: dataclasses.replace(wide, metric=name) for name in IDS})
    text = shown(sheet)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "…" not in text
    for name in IDS:
        row = next(line for line in text.splitlines() if line.startswith(name))
        expected = [name, "↓", "-.123", "[-.234,", "-.100]", ".500", "-.200", "-.123", "[-.234,", "-.100]"]
        assert row.split() == [*expected, *["-.123"] * 3]


def test_columns_of_an_audit_that_was_not_made_are_left_out() -> None:
    bare = dataclasses.replace(WIDE, permuted=None, contribution=None)
    assert "permuted" not in shown(ScoreSheet(2, "micro", "sal512", {"x": bare}), beside=False)


def test_what_a_stranger_wrote_is_printed_as_it_is() -> None:
    hostile = Score("x", 1, None, None, True, reason="[red]why[/nothing]")
    text = shown(ScoreSheet(2, "micro", "sal512", {"x": hostile}, verdict="[link]v"), beside=False)
    assert "x: [red]why[/nothing]" in text
    assert "[bold]title" in text
    assert "Audit: [link]v" in text


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


def test_in_a_terminal_bars_stand_inside_one_another() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    progress = Terminal(console)
    with progress.bar("outer", 2) as outer, progress.bar("inner", 3) as inner:
        inner(3)
        outer(2)
    assert isinstance(console.file, io.StringIO)
    assert "2/2" in console.file.getvalue()
    assert "3/3" in console.file.getvalue()
