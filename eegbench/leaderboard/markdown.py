"""Tables as Markdown: the same runs give the same bytes."""

import re
from collections.abc import Sequence

from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Cell, Row, Table
from eegbench.leaderboard.wording import LONGEST, LONGEST_CAUTION

LONGEST_LEGEND = 2000  # which is our own
PARTED = "\0"  # in text that is prepared: no text of a record has it any more
MARKUP = {c: f"\\{c}" for c in "\\`*[]|~$"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;", PARTED: "<!-- -->"}
# What a code host makes a link, a call or a picture of in any text. Parted by an empty comment it reads the same and is
# none. `clip@1` calls nobody, for a letter stands before its @.
LIVE = (
    re.compile(r"(?<![A-Za-z0-9_])@(?=[A-Za-z0-9_])|@(?=[A-Za-z0-9._-]*\.[A-Za-z0-9])"),  # a person; a mail address
    re.compile(r":(?=//)|www(?=\.)|:(?=[A-Za-z0-9_+-]+:)", re.IGNORECASE),  # an address of the web; a picture by name
    re.compile(r"[#!&$%~](?=[0-9])|gh(?=-[0-9])", re.IGNORECASE),  # an issue, a change
)
HASH = re.compile(r"(?<!\w)(?:(?<!\.)[0-9]{7,40}|(?=[0-9]*[a-f])[0-9a-f]{7,40})(?!\w)", re.IGNORECASE)  # a commit
SHORT = 6  # digits of a hash that are taken for none


def markdown(tables: Sequence[Table], notice: str = "") -> str:
    """The leaderboard as one Markdown page. notice: a block of Markdown above all tables."""
    parts = ["# EEG-to-image leaderboard"]
    parts += [f"> **{escape(warning)}** {escape(why)}" for warning, why in wording.warnings(tables)]
    parts += [notice] if notice else []
    parts += [_legend(tables)] if tables else ["No runs."]
    parts += [part for table in tables for part in _section(table)]
    return "\n\n".join(parts) + "\n"


def escape(text: str, longest: int = LONGEST) -> str:
    """`text` on one line, with nothing in it that Markdown, HTML or a code host would act on."""
    shown = wording.visible(text, longest)
    for live in LIVE:
        shown = live.sub(lambda match: match[0] + PARTED, shown)
    shown = HASH.sub(lambda match: PARTED.join(re.findall(f".{{1,{SHORT}}}", match[0])), shown)
    return "".join(MARKUP.get(character, character) for character in shown)


def _legend(tables: Sequence[Table]) -> str:
    lines = [f"- {escape(words, LONGEST_LEGEND)}" for words in wording.legend(tables)]
    return "\n".join(lines).replace("- Bold:", "- **Bold**:")


def _section(table: Table) -> list[str]:
    footnotes: dict[str, int] = {}
    grid = "\n".join(_grid(table, footnotes))
    warned = [f"> **Caution.** {escape(text, LONGEST_CAUTION)}" for text in table.cautions]
    sentences = [f"**{escape(text)}**" for text in wording.loud(table.setting)] + [
        escape(text) for text in wording.facts(table)
    ]
    first, *more = [escape(sentence, LONGEST_LEGEND) for sentence in table.ranking] or [""]
    ranking = [" ".join([f"**{first}**", *more])] if first else []
    parts = [f"## {escape(wording.title(table))}", *warned, " ".join(sentences), *ranking, grid]
    parts += ["Notes: " + "; ".join(escape(note) for note in table.notes) + "."] if table.notes else []
    if footnotes:
        parts.append("\n".join(f"{number}. {escape(text)}" for text, number in footnotes.items()))
    return parts


def _grid(table: Table, footnotes: dict[str, int]) -> list[str]:
    places = wording.decimals(table)
    headings = [f"{escape(wording.release(c))} {wording.direction(c)}" for c in table.columns]
    titles = ["method", "subjects", "seeds", "items", *headings, "audit"]
    lines = [line(titles), line([":--", *["--:"] * (len(titles) - 2), ":--"])]
    feet = [line([f"*{name}*", *[""] * 3, *values, ""]) for name, values in wording.foot(table, places)]
    block = "ranked"
    for row in table.rows:
        if row.block != block:
            lines += feet if block == "ranked" else []
            block = row.block
            lines.append(line([f"*{wording.BLOCKS[block]}*", *[""] * (len(titles) - 1)]))
        lines.append(line(_entries(row, places, footnotes)))
    return lines + (feet if block == "ranked" else [])


def _entries(row: Row, places: Sequence[int], footnotes: dict[str, int]) -> list[str]:
    label = escape(row.label) + (f" ({escape(row.reason)})" if row.reason else "") + marks(row.notes, footnotes)
    cells = [entry(cell, d) + marks(cell.notes, footnotes) for cell, d in zip(row.cells, places, strict=True)]
    return [label, str(len(row.subjects)), str(len(row.seeds)), wording.items(row), *cells, escape(row.verdict)]


def marks(notes: Sequence[str], footnotes: dict[str, int]) -> str:
    """Numbers of the notes' footnotes; a text that was seen before keeps its number."""
    numbers = [footnotes.setdefault(note, len(footnotes) + 1) for note in notes]
    return f"<sup>{','.join(map(str, numbers))}</sup>" if numbers else ""


def entry(cell: Cell, places: int) -> str:
    value = wording.value(cell, places)
    words = [f"**{value}**" if cell.best else value, wording.interval(cell, places), wording.TIED if cell.tied else ""]
    return " ".join(filter(None, words))


def line(entries: Sequence[str]) -> str:
    return "| " + " | ".join(entries) + " |"
