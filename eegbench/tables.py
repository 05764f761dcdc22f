"""Text for people: numbers as papers print them, tables whose columns fit a width, and no sign that acts."""

import math
import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 108  # of what is printed where there is no terminal that says its own
NARROW = 6  # of a head, which is broken between words where its cells are no wider
LEAST = 24  # of a column of sentences: with less room it is left out

# What a terminal obeys: control characters but tab and newline, line separators, and what turns the direction of text.
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Column:
    """One column of a table. `right`: its cells are aligned on the right, as numbers are; else on the left."""

    head: str
    cells: Sequence[str]
    right: bool = True


def visible(text: str) -> str:
    """The text, in which signs that a terminal would obey are spelled as JSON spells them: \\u001b."""
    return ACTING.sub(_spelled, text)


def line(text: str) -> str:
    """The text on one line: as `visible`, and ends of lines and tabs are spelled too."""
    return re.sub("[\t\n]", _spelled, visible(text))


def _spelled(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def wrapped(text: str, width: int | None) -> str:
    """Each line of a text broken between words where it is longer than `width`; words stay whole."""
    if width is None:
        return text
    return "\n".join(row if measure(row) <= width else "\n".join(_broken(row, width)) for row in text.split("\n"))


def laid(columns: Sequence[Column], width: int | None, *, gap: int = 1, elsewhere: str = "") -> str:
    """A table as lines, each ended by a newline: the columns from the left that fit into `width`, None for all.

    Cells stay whole, but a last column of sentences is broken between words. What does not fit is named below the
    table, with the width that shows it, and `elsewhere`, where all of it is to be had at any width. The first column
    is always shown.
    """
    shown = [Column(line(c.head), [line(cell) for cell in c.cells], c.right) for c in columns]
    widths = [_own_width(column) for column in shown]
    needed = [sum(widths[: i + 1]) + gap * i for i in range(len(widths))]
    kept = len(widths) if width is None else max(1, sum(need <= width for need in needed))
    if width is not None and kept < len(shown) and (room := _room(shown[kept], width - needed[kept - 1] - gap)):
        widths[kept] = room
        kept += 1
    lines = _lines(
        [_head(column, size) for column, size in zip(shown[:kept], widths, strict=False)], shown, widths, gap
    )
    for row in zip(*(column.cells for column in shown[:kept]), strict=True):
        cells = [_broken(cell, size) for cell, size in zip(row, widths, strict=False)]
        height = max(map(len, cells))
        lines += _lines([cell + [""] * (height - len(cell)) for cell in cells], shown, widths, gap)
    if omitted := [column.head for column in shown[kept:]]:
        how = f"{needed[-1]} columns show all" + (f", {elsewhere} has all at any width" if elsewhere else "")
        lines.append(wrapped(f"Left out for want of room: {', '.join(omitted)}; {how}.", width))
    return "".join(f"{text_line}\n" for text_line in lines)


def measure(text: str) -> int:
    """The width of a text in a terminal, where a wide letter takes two columns and an accent of its own none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def _own_width(column: Column) -> int:
    cells = max(map(measure, column.cells), default=0)
    if not column.right:
        return max(measure(column.head), cells)
    return max(cells, *map(measure, _broken(column.head, max(NARROW, cells))))


def _room(column: Column, left: int) -> int:
    """`left` for a column of sentences whose words all fit into it, else 0."""
    words = [word for cell in column.cells for word in cell.split()]
    sentences = not column.right and len(words) > len(column.cells)
    return left if sentences and left >= max(LEAST, *map(measure, words)) else 0


def _head(column: Column, width: int) -> list[str]:
    return _broken(column.head, width) if column.right else [column.head]


def _lines(cells: list[list[str]], columns: Sequence[Column], widths: Sequence[int], gap: int) -> list[str]:
    """Lines of cells that have several; a head of fewer lines than another stands at the bottom."""
    height = max(map(len, cells))
    padded = [[""] * (height - len(cell)) + cell for cell in cells]
    return [
        (" " * gap).join(_set(part, c, w) for part, c, w in zip(parts, columns, widths, strict=False)).rstrip()
        for parts in zip(*padded, strict=True)
    ]


def _set(text: str, column: Column, width: int) -> str:
    blank = " " * (width - measure(text))
    return blank + text if column.right else text + blank


def _broken(text: str, width: int) -> list[str]:
    if measure(text) <= width:
        return [text]
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


NOTHING = 1e-9  # what is nearer to 0 is the rounding of sums, and is printed as 0
Bounds = tuple[float | None, float | None] | None


def of_rows(rows: Sequence[Mapping[str, object]], width: int | None = None) -> str:
    """Rows with the same keys as lines in columns below their heads, as many as fit; "" for no row."""
    columns = [Column(head, [str(row[head]) for row in rows], right=False) for head in (rows[0] if rows else ())]
    return laid(columns, width, gap=2, elsewhere="--json") if columns else ""


def number(value: float | None, bounds: Bounds = None) -> str:
    """Three digits, without the zero before the point, as the field's tables have it: ".712"; "-" for None.

    What a mean or an interval put outside the metric's bounds, (low, high), is shown at the bound.
    """
    if value is None or math.isnan(value):
        return "-"
    value = within(value, bounds)
    if abs(value) < NOTHING:
        return "0"
    if abs(value) < 0.0005:
        return f"{value:.0e}"
    places = next((p for p, top in ((3, 0.9995), (2, 9.995), (1, 99.95)) if abs(value) < top), 0)
    return _bare(f"{value:.{places}f}")


def fixed(value: float, decimals: int) -> str:
    """So many decimals, without the zero before the point: ".712", "-.05", "12.3"; "0" for what rounds to nothing."""
    text = f"{value:.{decimals}f}" if abs(value) < 1e7 else f"{value:.3g}"
    return _bare(text) if text.strip("-0.") else "0"


def _bare(text: str) -> str:
    """The digits of a number without the zero before its point, as papers print scores."""
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def probability(p: float | None) -> str:
    """A p-value without the zero before its point: ".001", ".43"; "<.001" for what would be printed as 0."""
    if p is None:
        return "-"
    if p < 0.0005:
        return "<.001"
    return f"{p:.{2 if p >= 0.0995 else 3}f}".removeprefix("0")


def p_is(p: float) -> str:
    """ "p = .043"; "p < .001" below what is printed: see `probability`."""
    text = probability(p)
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"


def within(value: float, bounds: Bounds) -> float:
    """The value, or the bound that it lies beyond."""
    low, high = bounds or (None, None)
    return min(max(value, -math.inf if low is None else low), math.inf if high is None else high)


def interval(value: float | None, ci: tuple[float, float] | None, bounds: Bounds = None) -> str:
    """A value with its 95 % interval, ".712 [.680, .744]"."""
    shown = number(value, bounds)
    return shown if ci is None else f"{shown} [{number(ci[0], bounds)}, {number(ci[1], bounds)}]"
