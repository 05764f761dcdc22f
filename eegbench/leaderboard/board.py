"""The whole leaderboard of a folder of runs: its tables, published numbers beside them, and every format."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from eegbench.errors import InputError, unknown
from eegbench.leaderboard import claims_markdown
from eegbench.leaderboard.cells import Setting, Table
from eegbench.leaderboard.claims import Assessed, assess
from eegbench.leaderboard.html import exhibited, home_of, page
from eegbench.leaderboard.html_gallery import Gallery
from eegbench.leaderboard.ledger import read_claims
from eegbench.leaderboard.render import FORMATS, render
from eegbench.leaderboard.table import tabulate
from eegbench.leaderboard.wording import subjects as subjects_of
from eegbench.runs import Run, find, read_found
from eegbench.walking import Links, Note, few, unheard


@dataclass(frozen=True)
class Board:
    """Tables, the runs that they were made of, and what papers claim of the same data sets."""

    folder: Path
    runs: tuple[Run, ...]
    tables: tuple[Table, ...]
    claims: tuple[Assessed, ...] = ()

    @classmethod
    def of(
        cls,
        folder: Path,
        *,
        normalised: bool = False,
        claims: str = "auto",
        margin: float | None = None,
        subjects: Sequence[int] = (),
        primary: str = "",
        links: Links = Links.INSIDE,
        note: Note = unheard,
    ) -> Self:
        """The board of all runs below a folder. claims: auto (those on its data sets), all or none.

        margin: the difference below which published and measured numbers are said to agree, where a test says so.
        subjects: over whom to rank; without, over what the largest set of methods shares. primary: the metric whose
        ties are corrected by themselves; "" for `standing.PRIMARY`. Links that are not followed stand among each
        table's notes. Raises InputError for a folder that is none, for the first record that breaks the format, and for
        a subject that no run is on; UsageError for another word for `claims`, a metric that no table ranks, or a margin
        that is not above 0.
        """
        found = find(folder, links)
        for line in found.notes():
            note(line)
        runs = read_found(found)
        known = {run.record.spec.subject for run in runs}
        if lacking := sorted(set(subjects) - known):
            there = f"runs are on {subjects_of(sorted(known))}" if known else "there are no runs"
            raise InputError(f"{folder}: no run is on {subjects_of(lacking)}; {there}")
        tables = tabulate(runs, subjects, primary=primary, normalised=normalised)
        if found.lost:
            names = few([f"{one.path} ({one.reason})" for one in found.lost])
            lost = f"not looked at, so that runs may be missing here: {names}"
            tables = tuple(dataclasses.replace(table, notes=(*table.notes, lost)) for table in tables)
        assessed = assess(read_claims(), runs, claims, margin=margin)
        return cls(folder, tuple(runs), tables, tuple(assessed))

    def render(self, form: str) -> str:
        """The board as Markdown, CSV or JSON: the same runs give the same bytes. Published numbers stand in Markdown.

        Raises UsageError for another form.
        """
        if form not in FORMATS:
            raise unknown("format", form, [*FORMATS, "html"])
        parts = [render(self.tables, form), claims_markdown.block(self.claims) if form == "md" else ""]
        return "\n".join(filter(None, parts))

    def html(self, output: Path, *, pictures: Mapping[Setting, Gallery] | None = None) -> str:
        """The board as one HTML page that will lie at `output`, from where its links to records lead."""
        home = home_of(self.folder, output)
        return page(self.tables, self.runs, pictures=pictures or {}, home=home, claims=self.claims)

    def exhibited(self) -> dict[Setting, Sequence[Run]]:
        """By table the runs whose pictures a gallery shows; none where no images lie there."""
        return {table.setting: exhibited(table, self.runs) for table in self.tables}
