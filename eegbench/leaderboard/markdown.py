"""Tables as Markdown: the same runs give the same bytes."""

import math
import statistics
from collections.abc import Sequence

from eegbench.leaderboard.cells import Cell, Column, Row, Setting, Table

BLOCKS = {
    "method": "",
    "floor": "*floors: what is reached without a signal; not ranked*",
    "ceiling": "*ceilings: what is reached when told the answer; not ranked*",
}
SIMULATED = (
    "> **SIMULATED EEG: not comparable with any published number.** The EEG of the tables marked so was computed, "
    "not recorded from people."
)
MICRO = (
    "> **Suite `micro`: not comparable with papers.** Its judges are small networks trained for this package, "
    "not the networks that papers use."
)
ORACLE = "**Oracle: each method was given a hint that was computed from the true image.**"
LEGEND = (
    "Each cell: value and 95 % interval. ↑ more is better, ↓ less is better; behind @ stands the metric's version. "
    "One run: the interval is over its items, by bootstrap. Several seeds of one subject: the mean of their intervals. "
    "Several subjects: the mean over subjects, and a bootstrap over whole subjects, widened for their small number. "
    "**Bold**: the best value of the ranked methods, which need not be a significant difference."
)
LONGEST = 300  # characters of any text from a record
LONGEST_CAUTION = 1000  # which is sentences with references
MARKUP = {c: f"\\{c}" for c in "\\`*[]|~$"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown(tables: Sequence[Table]) -> str:
    """The leaderboard as one Markdown page."""
    parts = ["# EEG-to-image leaderboard"]
    parts += [SIMULATED] if any(table.setting.simulated for table in tables) else []
    parts += [MICRO] if any(table.setting.suite == "micro" for table in tables) else []
    parts += [LEGEND] if tables else ["No runs."]
    parts += [part for table in tables for part in _section(table)]
    return "\n\n".join(parts) + "\n"


def escape(text: str, longest: int = LONGEST) -> str:
    """`text` on one line, with nothing in it that Markdown or HTML would act on."""
    visible = "".join(character if character.isprintable() else " " for character in text[:longest])
    cut = "…" if len(text) > longest else ""
    return "".join(MARKUP.get(character, character) for character in visible) + cut


def _section(table: Table) -> list[str]:
    footnotes: dict[str, int] = {}
    grid = "\n".join(_grid(table, footnotes))
    warned = [f"> **Caution.** {escape(text, LONGEST_CAUTION)}" for text in table.cautions]
    parts = [f"## {_title(table.setting)}", *warned, " ".join(_facts(table.setting)), grid]
    parts += ["Notes: " + "; ".join(escape(note) for note in table.notes) + "."] if table.notes else []
    if footnotes:
        parts.append("\n".join(f"{number}. {escape(text)}" for text, number in footnotes.items()))
    return parts


def _title(setting: Setting) -> str:
    scored = f"suite {setting.suite}, protocol {setting.protocol}" if setting.suite else "not scored yet"
    return escape(f"{setting.dataset}@{setting.revision}, track {setting.track}, {scored}")


def _facts(setting: Setting) -> list[str]:
    facts = ["**Simulated EEG.**"] if setting.simulated else []
    facts += [ORACLE] if setting.track == "oracle" else []
    facts.append(f"Test EEG averaged over {escape(setting.average)} repetitions.")
    if setting.samples > 1:
        facts.append(f"{setting.samples} samples per stimulus, selection: {escape(setting.selection)}.")
    facts += [f"Options of the data set: {escape(setting.options)}."] if setting.options != "{}" else []
    return facts


def _grid(table: Table, footnotes: dict[str, int]) -> list[str]:
    decimals = [_decimals([row.cells[i] for row in table.rows]) for i in range(len(table.columns))]
    titles = ["method", "subjects", "seeds", "items", *(_heading(column) for column in table.columns), "audit"]
    lines = [_line(titles), _line([":--", *["--:"] * (len(titles) - 2), ":--"])]
    role = "method"
    for row in table.rows:
        if row.role != role:
            role = row.role
            lines.append(_line([BLOCKS[role], *[""] * (len(titles) - 1)]))
        lines.append(_line(_entries(row, decimals, footnotes)))
    return lines


def _entries(row: Row, decimals: Sequence[int], footnotes: dict[str, int]) -> list[str]:
    fewest, most = row.items
    items = str(most) if fewest == most else f"{fewest} to {most}"
    label = escape(row.label) + _marks(row.notes, footnotes)
    cells = [_entry(cell, d) + _marks(cell.notes, footnotes) for cell, d in zip(row.cells, decimals, strict=True)]
    return [label, str(len(row.subjects)), str(len(row.seeds)), items, *cells, escape(row.verdict)]


def _marks(notes: Sequence[str], footnotes: dict[str, int]) -> str:
    """Numbers of the notes' footnotes; a text that was seen before keeps its number."""
    numbers = [footnotes.setdefault(note, len(footnotes) + 1) for note in notes]
    return f"<sup>{','.join(map(str, numbers))}</sup>" if numbers else ""


def _heading(column: Column) -> str:
    chance = "" if column.chance is None else f" (chance {number(column.chance, 3).rstrip('0').rstrip('.') or '0'})"
    return escape(f"{column.metric}@{column.release}") + f" {'↑' if column.higher_is_better else '↓'}{chance}"


def _entry(cell: Cell, decimals: int) -> str:
    if cell.value is None:
        return ""
    value = number(cell.value, decimals + 1)
    value = f"**{value}**" if cell.best else value
    return value if cell.ci is None else f"{value} [{number(cell.ci[0], decimals)}, {number(cell.ci[1], decimals)}]"


def _decimals(cells: Sequence[Cell]) -> int:
    """Decimals of a column's intervals: as many as show half their typical width; values get one more."""
    widths = [cell.ci[1] - cell.ci[0] for cell in cells if cell.ci is not None and cell.ci[1] > cell.ci[0]]
    if not widths:
        return 2
    return min(6, max(0, -math.floor(math.log10(statistics.median(widths) / 4))))


def number(value: float, decimals: int) -> str:
    """`value` with that many decimals and no zero before the point, as papers print scores: .712, -.05, 12.3."""
    text = f"{value:.{decimals}f}" if abs(value) < 1e7 else f"{value:.3g}"
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if not digits.strip("0."):
        sign = ""
    return sign + (digits[1:] if digits.startswith("0.") else digits)


def _line(entries: Sequence[str]) -> str:
    return "| " + " | ".join(entries) + " |"
