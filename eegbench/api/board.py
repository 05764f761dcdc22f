"""`leaderboard`: the board of a folder of runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eegbench.api import notebook
from eegbench.api.arguments import Place, Settings, place, switch, whole, word
from eegbench.api.arguments import settings as settings_of
from eegbench.api.border import notice, own_errors
from eegbench.configuration import read_tables
from eegbench.errors import UsageError, short, unknown
from eegbench.files import write_output
from eegbench.guards.walking import Links
from eegbench.leaderboard import board as boards
from eegbench.leaderboard import plain, wording
from eegbench.leaderboard.cells import Row, Setting, Table
from eegbench.leaderboard.exhibits import Gallery
from eegbench.tables import Column

if TYPE_CHECKING:
    from pandas import DataFrame

FORMS = {".md": "md", ".csv": "csv", ".json": "json", ".html": "html", ".htm": "html"}  # by the suffix of a file


@dataclass(frozen=True, eq=False)
class Board:
    """The leaderboard of a folder of runs. record: its tables, its runs, published numbers, and unreadable runs."""

    record: boards.Board

    def frame(self) -> "DataFrame":
        """The board in long form: a row for each cell, with its place and its content.

        dataset, track, suite, protocol and what else sets a table apart; row, role, method; metric, version, value,
        ci_low, ci_high, floor, ceiling, chance; best, tied, ranked; subjects, seeds, notes, and the paths of the runs.
        A blank has no value and its reason in notes. The columns are those of `--format csv`.
        """
        import pandas as pd

        return pd.DataFrame(plain.rows(self.record.tables), columns=plain.COLUMNS)

    def markdown(self) -> str:
        """The board as Markdown, with published numbers below it."""
        return self.render("md")

    @own_errors()
    def render(self, form: str) -> str:
        """The board as "md", "csv" or "json"; raises UsageError for another form."""
        return self.record.render(word("form", form))

    @own_errors()
    def html(self, output: Place = "leaderboard.html", *, settings: Settings = (), allow_plugins: bool = False) -> str:
        """The board as one HTML page with the runs' pictures, which will lie at `output`: its links lead from there.

        settings: keys of the data sets that a record does not hold, such as where they lie. allow_plugins: import the
        data sets of other packages that records name, which runs their code.
        """
        groups = self.record.exhibited()
        shown: Mapping[Setting, Gallery] = {}
        if any(groups.values()):
            allowed = switch("allow_plugins", allow_plugins)
            from eegbench.studies import gallery  # here, for it loads torch

            shown = gallery.collect(groups, settings=data_table(settings), allow_plugins=allowed)
        return self.record.html(place("output", output), pictures=shown)

    @own_errors()
    def save(self, path: Place, *, settings: Settings = (), allow_plugins: bool = False) -> Path:
        """Write the board to a file, in the form that its suffix says: .md, .csv, .json or .html.

        settings, allow_plugins: for the true pictures of an HTML page, as `html` has them. Raises UsageError for
        another suffix, and where the file cannot be written.
        """
        file = place("path", path)
        if file.suffix.lower() not in FORMS:
            raise unknown("suffix of a board", file.suffix, FORMS)
        form = FORMS[file.suffix.lower()]
        text = self.html(file, settings=settings, allow_plugins=allow_plugins) if form == "html" else self.render(form)
        write_output(file, text, mend="choose another file")
        return file

    def check_whole(self) -> None:
        """Raises CheckFailed where runs are not on the board, for they cannot be read."""
        self.record.check_whole()

    def __repr__(self) -> str:
        return f"<Board of {len(self.record.runs)} runs in {self.record.folder}>"

    def __str__(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        """The HTML that a notebook shows: every table with its warnings and notes, and runs that cannot be read."""
        if not self.record.tables:
            return notebook.block(notebook.paragraph("No runs."))
        lost = [f"cannot be read: {broken.path}: {broken.why}" for broken in self.record.unreadable]
        parts = [notebook.paragraph(words, warning=True) for words in lost]
        for table in self.record.tables:
            parts += _section(table)
        return notebook.block(*parts)


@own_errors()
def leaderboard(
    runs: Place = "runs",
    *,
    normalised: bool = False,
    claims: str = "auto",
    margin: float | None = None,
    subjects: Iterable[int] = (),
    primary: str = "",
    follow_links: bool = False,
) -> Board:
    """The leaderboard of all runs below a folder, as by the command `eegbench leaderboard`.

    normalised: scores as shares of the way from floor to ceiling. claims: published numbers, "auto" (on the board's
    data sets), "all" or "none". margin: the difference below which published and measured numbers are said to agree,
    where a test says so. subjects: rank over these alone. primary: the metric whose ties are corrected by themselves;
    clip, or the first there is. follow_links: also links that lead out of the folder.

    Runs that cannot be read are left out, each with a warning (eegbench.Notice); `check_whole` raises CheckFailed then.
    Raises InputError for a folder that is none, and for a subject that no run is on; UsageError for a metric that no
    table ranks, and other words that cannot be.
    """
    if margin is not None and (isinstance(margin, bool) or not isinstance(margin, int | float)):
        raise UsageError(f"margin is {short(margin)}; wanted a number above 0")
    if isinstance(subjects, str) or not isinstance(subjects, Iterable):
        raise UsageError(f"subjects is {short(subjects)}; wanted numbers, as [1, 2, 8] or range(1, 11)")
    board = boards.Board.of(
        place("runs", runs),
        normalised=switch("normalised", normalised),
        claims=word("claims", claims),
        margin=margin,
        subjects=[whole("subjects", subject) for subject in subjects],
        primary=word("primary", primary),
        links=Links.of(switch("follow_links", follow_links)),
        note=notice,
    )
    return Board(board)


def data_table(settings: Settings) -> Mapping[str, object]:
    """The data set's table from settings, whose keys need no `dataset.` here, where no method is meant."""
    given = settings_of(settings)

    def of_dataset(key: str) -> str:
        return key if key == "dataset" or key.startswith("dataset.") else f"dataset.{key}"

    keys = (
        {of_dataset(k): v for k, v in given.items()}
        if isinstance(given, Mapping)
        else [of_dataset(key) for key in given]
    )
    return read_tables(None, keys)["dataset"]


def _section(table: Table) -> list[str]:
    """What a notebook shows of one table."""
    columns = [
        Column("method", [_label(row) for row in table.rows], right=False),
        Column("subjects", [str(len(row.subjects)) for row in table.rows]),
        Column("seeds", [str(len(row.seeds)) for row in table.rows]),
        Column("items", [wording.items(row) for row in table.rows]),
    ]
    bold = [[False] * len(table.rows) for _ in columns]
    for place_, (column, places) in enumerate(zip(table.columns, wording.decimals(table), strict=True)):
        cells = [row.cells[place_] for row in table.rows]
        shown = [" ".join(filter(None, (wording.value(c, places), wording.interval(c, places)))) for c in cells]
        columns.append(Column(f"{wording.release(column)} {wording.direction(column)}", shown))
        bold.append([cell.best for cell in cells])
    columns.append(Column("audit", [row.verdict for row in table.rows], right=False))
    bold.append([False] * len(table.rows))
    return [
        notebook.paragraph(wording.title(table), strong=True),
        *(notebook.paragraph(f"{warning} {why}", warning=True) for warning, why in wording.warnings([table])),
        *(notebook.paragraph(words, warning=True) for words in table.cautions),
        notebook.paragraph(" ".join([*wording.loud(table.setting), *wording.facts(table)])),
        notebook.paragraph(" ".join(table.ranking)),
        notebook.table(columns, bold),
        *(notebook.paragraph(note) for note in table.notes),
    ]


def _label(row: Row) -> str:
    role = "" if row.role == "method" else f"{row.role}: "
    return f"{role}{row.label}" + (f" ({row.reason})" if row.reason else "")
