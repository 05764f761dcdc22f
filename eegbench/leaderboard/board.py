"""The whole leaderboard of a folder of runs: its tables, published numbers beside them, and every format."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from eegbench.errors import InputError, UsageError, unknown
from eegbench.guards.walking import Links, Note, few, unheard
from eegbench.leaderboard import claims_markdown, missing, protocols_markdown
from eegbench.leaderboard.cells import Setting, Table
from eegbench.leaderboard.claims import Assessed, assess
from eegbench.leaderboard.exhibits import Gallery
from eegbench.leaderboard.html import exhibited, home_of, page
from eegbench.leaderboard.ledger import read_claims
from eegbench.leaderboard.markdown import markdown
from eegbench.leaderboard.protocols import SideBySide, side_by_side
from eegbench.leaderboard.render import FORMATS, render
from eegbench.leaderboard.table import tabulate
from eegbench.leaderboard.wording import subjects as subjects_of
from eegbench.runs.folder import NOT_YET, Run
from eegbench.runs.search import Unreadable, check_read, find_runs, read_found
from eegbench.tables import line

Made = tuple[tuple[Table, ...], tuple[SideBySide, ...], tuple[Assessed, ...]]


@dataclass(frozen=True)
class Board:
    """Tables, the runs that they were made of, what papers claim of the same data sets, and runs of no use.

    protocols: methods under several protocols side by side, for readers: Markdown and HTML have them.
    """

    folder: Path
    runs: tuple[Run, ...]
    tables: tuple[Table, ...]
    claims: tuple[Assessed, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    protocols: tuple[SideBySide, ...] = ()

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
        counts: Callable[[Run], bool] = lambda run: True,
        notes: Sequence[str] = (),
    ) -> Self:
        """The board of all runs below a folder. claims: auto (those on its data sets), all or none.

        margin: the difference below which published and measured numbers are said to agree, where a test says so.
        subjects: over whom to rank; without, over what the largest set of methods shares. primary: the metric whose
        ties are corrected by themselves; "" for `standing.PRIMARY`. Links that are not followed stand among each
        table's notes. note: is told of each run that is not on the board as it stands there, or not at all. counts:
        whether a run belongs on the board. notes: stand below every table. Raises InputError for a folder that is none,
        and for a subject that no run is on; UsageError for another word for `claims`, a metric that no table ranks, or
        a margin that is not above 0.
        """
        tree = find_runs(folder, links)
        runs, unreadable = read_found(tree)
        runs = [run for run in runs if counts(run)]
        for news in (*tree.notes(), *(broken.line() for broken in unreadable), *_not_counted(runs)):
            note(news)
        known = {run.record.spec.subject for run in runs}
        if lacking := sorted(set(subjects) - known):
            there = f"runs are on {subjects_of(sorted(known))}" if known else "there are no runs"
            raise InputError(f"{folder}: no run is on {subjects_of(lacking)}; {there}")

        def make(runs: Sequence[Run]) -> Made:
            tables = tabulate(runs, subjects, primary=primary, normalised=normalised)
            beside = side_by_side(runs, subjects, primary=primary)
            return tables, beside, assess(read_claims(), runs, claims, margin=margin)

        (tables, beside, assessed), runs, strange = _made(make, runs)
        for broken in strange:
            note(broken.line())
        unreadable = sorted([*unreadable, *strange], key=lambda broken: broken.path)
        for words in notes:
            tables = _noted(tables, words)
        if tree.lost:
            names = few([f"{broken.path} ({broken.reason})" for broken in tree.lost])
            tables = _noted(tables, f"not looked at, so that runs may be missing here: {names}")
        return cls(folder, tuple(runs), tables, assessed, tuple(unreadable), beside)

    def render(self, form: str) -> str:
        """The board as Markdown, CSV or JSON: the same runs give the same bytes. Published numbers stand in Markdown.

        Raises UsageError for another form.
        """
        if form not in FORMATS:
            raise unknown("format", form, [*FORMATS, "html"])
        if form == "md":
            notice = missing.markdown(self.unreadable, len(self.runs))
            parts = [
                markdown(self.tables, notice),
                protocols_markdown.block(self.protocols),
                claims_markdown.block(self.claims),
            ]
            return "\n".join(filter(None, parts))
        if form == "json" and self.unreadable:
            names = "; ".join(f"{broken.path} ({broken.why})" for broken in self.unreadable)
            told = f"{missing.sentence(self.unreadable, len(self.runs))} {names}"
            return render(_noted(self.tables, told), form)
        return render(self.tables, form)

    def check_whole(self) -> None:
        """Raises CheckFailed where runs are not on the board, for they cannot be read."""
        check_read(self.unreadable, len(self.runs), missing.WHAT)

    def html(self, output: Path, *, pictures: Mapping[Setting, Gallery] | None = None) -> str:
        """The board as one HTML page that will lie at `output`, from where its links to records lead."""
        home = home_of(self.folder, output)
        notice = missing.html(self.unreadable, len(self.runs))
        return page(
            self.tables,
            self.runs,
            pictures=pictures or {},
            home=home,
            claims=self.claims,
            protocols=self.protocols,
            notice=notice,
        )

    def exhibited(self) -> dict[Setting, Sequence[Run]]:
        """By table the runs whose pictures a gallery shows; none where no images lie there."""
        return {table.setting: exhibited(table, self.runs) for table in self.tables}


def _made(make: Callable[[Sequence[Run]], Made], runs: list[Run]) -> tuple[Made, list[Run], list[Unreadable]]:
    """Tables and claims, the runs that they are made of, and those of which none can be made.

    A record that can be read and still stops a table is a fault of ours: it costs its own run, and is named.
    """
    try:
        return make(runs), runs, []
    except UsageError:
        raise
    except Exception:
        sound, strange = [], []
        for run in runs:
            try:
                make([run])
                sound.append(run)
            except UsageError:  # as of a metric that this run alone does not have
                sound.append(run)
            except Exception as error:
                strange.append(Unreadable.of(run.folder, run.path, error))
        if not strange:
            raise
        return make(sound), sound, strange


def _not_counted(runs: Sequence[Run]) -> list[str]:
    """The complete runs whose scores are there and do not count, and why."""
    uncounted = [
        run for run in runs if run.sheet is None and run.record.status == "complete" and run.unscored != NOT_YET
    ]
    return [f"not scored: {line(run.path)}: {run.unscored}" for run in uncounted]


def _noted(tables: Sequence[Table], note: str) -> tuple[Table, ...]:
    return tuple(dataclasses.replace(table, notes=(*table.notes, note)) for table in tables)
