"""Methods under several protocols side by side, as a section of the HTML page below its tables."""

from collections.abc import Sequence

from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Cell
from eegbench.leaderboard.html_table import footnotes_of, marks
from eegbench.leaderboard.html_text import breakable, text
from eegbench.leaderboard.protocols import Line, SideBySide
from eegbench.leaderboard.protocols_markdown import LEGEND, TITLE, decimals, heads, title

NAME = "protocols"  # in addresses
APART = 'style="margin-top: 1.3rem"'
OVER = 'style="min-width: 14rem; max-width: 26rem; text-align: left; white-space: normal"'


def protocols(shown: Sequence[SideBySide]) -> str:
    """The section; "" for nothing to show."""
    if not shown:
        return ""
    legend = "".join(f"<li>{text(words, len(words))}</li>\n" for words in LEGEND)
    parts = "".join(_part(one, f"{NAME}-{number}") for number, one in enumerate(shown, start=1))
    head = f'<section class="setting" id="{NAME}">\n<h2>{TITLE}</h2>\n<ul class="facts">\n{legend}</ul>\n'
    return f"{head}{parts}</section>\n"


def _part(shown: SideBySide, name: str) -> str:
    footnotes: dict[str, int] = {}
    names = "".join(f'<th scope="col">{text(head)}</th>' for head in heads(shown))
    rows = "".join(_row(one, decimals(shown), name, footnotes) for one in shown.lines)
    said = " ".join(f"<strong>{text(words)}</strong>" for words in wording.loud(shown.setting))
    facts = f'<p class="facts">{said}</p>\n' if said else ""
    return (
        f'<div {APART} data-track="{text(shown.setting.track)}">\n<h3>{text(title(shown))}</h3>\n{facts}'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(title(shown))}">\n<table>\n'
        f'<thead><tr>{names}</tr></thead>\n<tbody class="method">\n{rows}</tbody>\n</table>\n</div>\n'
        f"{footnotes_of(name, footnotes)}</div>\n"
    )


def _row(one: Line, places: int, name: str, footnotes: dict[str, int]) -> str:
    label = f"{breakable(one.label)}{marks(one.notes, name, footnotes)}"
    cells = "".join(_cell(cell, places, name, footnotes) for cell in (*one.values, *one.drops))
    return (
        f'<tr data-method="{text(one.label)}"><th scope="row">{label}</th>{cells}'
        f"<td {OVER}>{text(one.over)}</td></tr>\n"
    )


def _cell(cell: Cell, places: int, name: str, footnotes: dict[str, int]) -> str:
    ends = wording.interval(cell, places)
    shown = f' <span class="interval">{ends}</span>' if ends else ""
    return f"<td>{wording.value(cell, places)}{shown}{marks(cell.notes, name, footnotes)}</td>"
