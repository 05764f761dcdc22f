"""One table of the HTML page: its grid, whose values lead to their records, its footnotes, and the list of records."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eegbench.files import canonical
from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Cell, Column, Row, Source, Table
from eegbench.leaderboard.filling import bare, column_of
from eegbench.leaderboard.html_text import address, breakable, text
from eegbench.runs.folder import Run
from eegbench.runs.layout import RECORD, SHEET

LONGEST_CONFIGURATION = 5000  # characters
_KINDS = {  # classes of a table's bodies; within each of these the page's script sorts
    "ranked": "method",
    "floor": "floor",
    "ceiling": "ceiling",
    "wider": "method apart",
    "transductive": "method apart out",
    "left out": "method apart out",
}
TIED = f'<span class="tied" title="not told apart from the best">{wording.TIED}</span>'


@dataclass(frozen=True)
class Linked:
    """A table, the name that its parts have in addresses (t1), its runs by path, and where they lie ("" for nowhere).

    known: of each run the columns in which it has a value.
    """

    table: Table
    name: str
    runs: Mapping[str, Run]
    home: str
    known: dict[str, set[Column]] = field(default_factory=dict)

    def standing(self, row: Row, column: Column) -> list[Source]:
        """The runs that a cell stands on."""
        return [source for source in row.runs if bare(column) in self._columns(source.path)]

    def _columns(self, path: str) -> set[Column]:
        if path not in self.known:
            sheet = self.runs[path].sheet
            scores = sheet.metrics.values() if sheet else ()
            self.known[path] = {column_of(score) for score in scores if score.value is not None}
        return self.known[path]


def grid(linked: Linked) -> str:
    """The table, in a container of its own that scrolls, and its footnotes."""
    table, footnotes = linked.table, dict[str, int]()
    places = wording.decimals(table)
    width = len(table.columns) + 5
    parts = [
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(wording.title(table))}">\n'
        f'<table class="board">\n<thead><tr>{_titles(table)}</tr></thead>\n'
    ]
    numbered = list(enumerate(table.rows, start=1))
    for block, rows in itertools.groupby(numbered, key=lambda pair: pair[1].block):
        heading = wording.BLOCKS[block]
        head = f'<tr class="block"><th colspan="{width}" scope="rowgroup"><span>{text(heading)}</span></th></tr>\n'
        lines = [_line(linked, number, row, places, footnotes) for number, row in rows]
        parts.append(f'<tbody class="{_KINDS[block]}">\n{head if heading else ""}{"".join(lines)}</tbody>\n')
        parts.append(_foot(table, places) if block == "ranked" else "")
    return "".join(parts) + "</table>\n</div>\n" + footnotes_of(linked.name, footnotes)


def records(linked: Linked) -> str:
    """The records that each row stands on: subject, seed, links to the files. Folded up."""
    rows = [_records(linked, number, row) for number, row in enumerate(linked.table.rows, start=1) if row.runs]
    if not rows:
        return ""
    count = sum(len(row.runs) for row in linked.table.rows)
    summary = f"<summary>Records <small>{count} {'run' if count == 1 else 'runs'}</small></summary>"
    return f'<details class="records" id="{linked.name}-records">{summary}\n{"".join(rows)}</details>\n'


def _titles(table: Table) -> str:
    first = [_title("method", "ascending", "text"), *(_title(t, "descending") for t in ("subjects", "seeds", "items"))]
    metrics = [
        _title(
            f'{breakable(c.metric)}<span class="version">@{text(c.release)}</span>',
            "descending" if c.higher_is_better else "ascending",
            more="".join(f' <span class="direction">{words}</span>' for words in wording.directions(c)),
        )
        for c in table.columns
    ]
    return "".join([*first, *metrics, _title("audit", "ascending", "text")])


def _title(name: str, first: str, kind: str = "number", more: str = "") -> str:
    """A column's head; `first` is how a first click sorts, the best on top."""
    return f'<th scope="col" data-kind="{kind}" data-first="{first}">{name}{more}</th>'


def _line(linked: Linked, number: int, row: Row, places: Sequence[int], footnotes: dict[str, int]) -> str:
    label = text(row.label)
    noted = marks(row.notes, linked.name, footnotes)
    counts = [
        f'<td data-value="{value}">{shown}</td>'
        for value, shown in (
            (len(row.subjects), len(row.subjects)),
            (len(row.seeds), len(row.seeds)),
            (row.items[1], wording.items(row)),
        )
    ]
    cells = [
        _cell(
            row.cells[i],
            places[i],
            _target(linked, number, row, column),
            marks(row.cells[i].notes, linked.name, footnotes),
            linked.table.passed_over(row, i),
        )
        for i, column in enumerate(linked.table.columns)
    ]
    verdict = text(row.verdict)
    reason = f'<small class="reason">{text(row.reason)}</small>' if row.reason else ""
    return (
        f'<tr data-method="{label}"><th scope="row" data-value="{label}">{breakable(row.label)}{noted}{reason}</th>'
        f'{"".join(counts)}{"".join(cells)}<td class="audit" data-value="{verdict}">{verdict}</td></tr>\n'
    )


def _foot(table: Table, places: Sequence[int]) -> str:
    """What stands below the ranked methods, in a body of its own so that nothing sorts it among them."""
    lines = [
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{value}</td>" for value in ("", "", "", *values, ""))}</tr>\n'
        for name, values in wording.foot(table, places)
    ]
    return f'<tbody class="foot">\n{"".join(lines)}</tbody>\n' if lines else ""


def _target(linked: Linked, number: int, row: Row, column: Column) -> str:
    """Where the value of a cell leads: to its one record, or to the list of them; "" where there is nothing."""
    standing = linked.standing(row, column)
    if len(standing) == 1:
        return address(linked.home, standing[0].path, RECORD) if linked.home else ""
    return f"#{linked.name}-row-{number}" if standing else ""


def _cell(cell: Cell, places: int, target: str, marks: str, passed_over: bool) -> str:
    if cell.value is None:
        return f"<td>{marks}</td>"
    value, interval = wording.value(cell, places), wording.interval(cell, places)
    linked = f'<a href="{text(target, len(target))}">{value}</a>' if target else value
    ends = f' <span class="interval">{interval}</span>' if interval else ""
    kind = ' class="passed-over"' if passed_over else ' class="best"' if cell.best else ""
    spread = "" if cell.seeds_sd is None else f' title="sd between seeds {wording.spread(cell.seeds_sd, places)}"'
    sorted_by = "" if passed_over else repr(cell.value)  # what is not compared is sorted as a blank is
    return f'<td{kind} data-value="{sorted_by}"{spread}>{linked}{TIED if cell.tied else ""}{ends}{marks}</td>'


def marks(notes: Sequence[str], name: str, footnotes: dict[str, int]) -> str:
    """Links to the notes' footnotes; a text that was seen before keeps its number."""
    numbers = [footnotes.setdefault(note, len(footnotes) + 1) for note in notes]
    links = ",".join(f'<a href="#{name}-note-{number}">{number}</a>' for number in numbers)
    return f"<sup>{links}</sup>" if links else ""


def footnotes_of(name: str, footnotes: Mapping[str, int]) -> str:
    notes = [f'<li id="{name}-note-{number}">{text(note)}</li>\n' for note, number in footnotes.items()]
    return f'<ol class="footnotes">\n{"".join(notes)}</ol>\n' if notes else ""


def _records(linked: Linked, number: int, row: Row) -> str:
    lines = []
    for source in row.runs:
        files = [f'<a href="{address(linked.home, source.path, file)}">{file}</a>' for file in (RECORD, SHEET)]
        links = f": {' '.join(files)}" if linked.home else ""
        lines.append(f"<li>subject {source.subject}, seed {source.seed}{links}</li>\n")
    configuration = canonical(row.configuration) if row.configuration else ""
    folded = (
        f"<details><summary>configuration</summary><code>{text(configuration, LONGEST_CONFIGURATION)}</code></details>"
    )
    details = f"{folded}\n" if configuration else ""
    label = text(row.label)
    head = f'<section class="{row.role}" id="{linked.name}-row-{number}" data-method="{label}"><h4>{label}</h4>\n'
    return f"{head}{details}<ul>\n{''.join(lines)}</ul></section>\n"
