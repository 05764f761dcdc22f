"""Methods under several protocols side by side, as a section of the Markdown page below its tables."""

from collections.abc import Sequence

from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Cell
from eegbench.leaderboard.markdown import LONGEST_LEGEND, entry, escape, line, marks
from eegbench.leaderboard.protocols import Line, SideBySide

TITLE = "Protocols side by side"
LEGEND = (
    "A method is compared with itself, under protocols whose runs never share a table above. Own: trained on the "
    "subject's own training data. Others: on those of all others, and not one trial of the subject. Others + N: on "
    "these and on N of the subject's own training stimuli. All: on everybody's.",
    "A drop is the value under own less that under the other protocol, signed so that a positive drop is a loss. It "
    "is a mean of differences paired by stimulus, over the subjects and seeds that both protocols have. A "
    "value stands on all runs of its protocol. The last column names them.",
    "The interval of a drop speaks of new stimuli; of several seeds also of new fits, of three or more subjects also "
    "of new people. Two subjects have none. Nothing is ranked here, and no interval is corrected for their number.",
)


def block(shown: Sequence[SideBySide]) -> str:
    """The section, which ends in a line break; "" for nothing to show."""
    if not shown:
        return ""
    legend = "\n".join(f"- {escape(words, LONGEST_LEGEND)}" for words in LEGEND)
    parts = [f"## {TITLE}", legend, *(part for one in shown for part in _part(one))]
    return "\n\n".join(parts) + "\n"


def title(shown: SideBySide) -> str:
    """The heading of one grid."""
    setting = ", ".join((wording.heading(shown.setting), *shown.variant))
    return f"{wording.release(shown.column)} {wording.direction(shown.column)}: {setting}"


def heads(shown: SideBySide) -> list[str]:
    """The heads of the grid's columns."""
    return ["method", *(one.words for one in shown.trained), *(one.drop for one in shown.dropped), "over"]


def decimals(shown: SideBySide) -> int:
    """The decimals of all intervals of the grid."""
    return wording.decimals_of([cell for one in shown.lines for cell in (*one.values, *one.drops)])


def _part(shown: SideBySide) -> list[str]:
    footnotes: dict[str, int] = {}
    names, places = heads(shown), decimals(shown)
    grid = [line(names), line([":--", *["--:"] * (len(names) - 2), ":--"])]
    grid += [line(_entries(one, places, footnotes)) for one in shown.lines]
    said = [f"**{escape(words)}**" for words in wording.loud(shown.setting)]
    notes = "\n".join(f"{number}. {escape(words)}" for words, number in footnotes.items())
    return [f"### {escape(title(shown))}", *([" ".join(said)] if said else []), "\n".join(grid), *filter(None, [notes])]


def _entries(one: Line, places: int, footnotes: dict[str, int]) -> list[str]:
    def shown(cell: Cell) -> str:
        return entry(cell, places) + marks(cell.notes, footnotes)

    label = escape(one.label) + marks(one.notes, footnotes)
    return [label, *map(shown, (*one.values, *one.drops)), escape(one.over)]
