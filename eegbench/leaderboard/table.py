"""From runs to tables: which runs share a table and a row, and what the table says of its ranking."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegbench.leaderboard import standing, wording
from eegbench.leaderboard.average import FEWEST_SUBJECTS
from eegbench.leaderboard.cells import Cell, Column, Row, Setting, Source, Table
from eegbench.leaderboard.columns import Filled, as_shares, columns_of, fill, marked
from eegbench.leaderboard.drafts import drafts_of
from eegbench.leaderboard.filling import gather
from eegbench.leaderboard.grouping import grouped
from eegbench.leaderboard.places import Layout, Place, layout, why_not
from eegbench.leaderboard.references import References
from eegbench.leaderboard.variants import variants
from eegbench.leaderboard.verdicts import verdict_of
from eegbench.runs.folder import Run
from eegbench.runs.search import read_runs


def collect(
    runs: Path, subjects: Sequence[int] = (), *, primary: str = "", normalised: bool = False
) -> tuple[Table, ...]:
    """The leaderboard of all runs below a folder, one table per setting, in a fixed order; as `tabulate`.

    Raises InputError for a folder that is none and for a record that breaks the format.
    """
    return tabulate(read_runs(runs), subjects, primary=primary, normalised=normalised)


def tabulate(
    runs: Iterable[Run], subjects: Sequence[int] = (), *, primary: str = "", normalised: bool = False
) -> tuple[Table, ...]:
    """Tables from runs, in any order.

    subjects: over whom to rank; runs on others are passed over, and methods that lack one of them are left out.
    Without it the largest set of methods that share a run is ranked, over all the runs that they share.
    primary: the metric whose ties and bold are corrected by themselves; a table without it, or "", takes `PRIMARY`, or
    its first column with values by stimulus. normalised: methods as shares of the way from floor to ceiling.
    Raises UsageError for a metric that no table ranks.
    """
    wanted = sorted(set(subjects))
    groups = _groups(run for run in runs if not wanted or run.record.spec.subject in wanted)
    apart = variants(sorted(groups))
    contents = {setting: _contents(groups[setting], wanted) for setting in sorted(groups)}
    standing.check_primary(primary, [filled.column for every in contents.values() for filled in every.filled])
    return tuple(_table(setting, every, apart[setting], primary, normalised) for setting, every in contents.items())


def rows_of_all(runs: Iterable[Run]) -> list[tuple[Setting, list[Column], list[Row]]]:
    """By setting a row for each method over all its scored runs; `reason` where it could not be ranked."""
    groups = []
    for setting, members in sorted(_groups(runs).items()):
        columns = columns_of(members)
        places = [Place(d, "ranked", d.runs, why_not(d)) for d in drafts_of(members) if d.role == "method"]
        rows = [_row(setting, place, [gather(c, place.runs).cell(c) for c in columns]) for place in places]
        groups.append((setting, columns, rows))
    return groups


def _groups(runs: Iterable[Run]) -> dict[Setting, list[Run]]:
    return grouped(sorted(runs, key=lambda run: run.path))


@dataclass(frozen=True)
class Contents:
    """What stands in one table before anything is called best: its runs, rows and columns."""

    runs: tuple[Run, ...]
    layout: Layout
    filled: tuple[Filled, ...]


def _contents(runs: Sequence[Run], subjects: Sequence[int]) -> Contents:
    places = layout(drafts_of(runs), subjects)
    references = References([] if places.doubts else [place.draft for place in places.places])
    filled = (fill(column, places.places, references, not places.doubts) for column in columns_of(runs))
    return Contents(tuple(runs), places, tuple(filled))


def _table(setting: Setting, contents: Contents, variant: tuple[str, ...], primary: str, normalised: bool) -> Table:
    rows, doubts = contents.layout.places, contents.layout.doubts
    first = standing.primary_of(primary, [(entry.column, len(entry.running)) for entry in contents.filled])
    filled, marks = marked(contents.filled, first)
    filled = [as_shares(entry, rows) for entry in filled] if normalised else filled
    cells = zip(*(entry.cells for entry in filled), strict=True) if filled else [()] * len(rows)
    untested = [entry.column.metric for entry, mark in zip(filled, marks, strict=True) if mark.untested]
    note = f"not tested who is tied with the best, for want of values by stimulus: {', '.join(untested)}"
    ranked = [place.runs for place in rows if place.block == "ranked"]
    named = "" if first is None else wording.release(filled[first].column)
    reasons = [
        (wording.release(entry.column), entry.reason or mark.reason)
        for entry, mark in zip(filled, marks, strict=True)
        if entry.column.at_n is None
    ]
    compares = len(ranked) > 1 and not doubts
    generalises = standing.generalises(contents.layout.shared, ranked, pooled=setting.pooled) if compares else ""
    return Table(
        setting,
        tuple(entry.column for entry in filled),
        tuple(_row(setting, place, own) for place, own in zip(rows, cells, strict=True)),
        (note,) if untested else (),
        tuple(sorted({run.record.caution for run in contents.runs} - {""})),
        normalised=normalised,
        ranking=standing.sentences(contents.layout, reasons, named, ranked, generalises),
        shared=contents.layout.shared,
        variant=variant,
        primary=named,
        generalises=generalises,
        fits=standing.fits(ranked) if compares else 0,
    )


def _row(setting: Setting, place: Place, cells: Sequence[Cell]) -> Row:
    draft, specs = place.draft, [run.record.spec for run in place.runs]
    subjects = sorted({spec.subject for spec in specs})
    notes = list(draft.notes)
    if draft.role == "floor" and specs and specs[0].track != setting.track:
        notes.append(f"made on the track {specs[0].track}: it sees no hint")
    if 1 < len(subjects) < FEWEST_SUBJECTS:
        notes.append(f"{len(subjects)} subjects: too few for an interval over subjects")
    counts = [run.sheet.n for run in place.runs if run.sheet] or [0]
    verdict = verdict_of(draft.role, place.runs)
    return Row(
        label=draft.label,
        role=draft.role,
        method=draft.method,
        configuration=draft.configuration,
        subjects=tuple(subjects),
        seeds=tuple(sorted({spec.seed for spec in specs})),
        items=(min(counts), max(counts)),
        cells=tuple(cells),
        verdict=verdict.words,
        notes=tuple(notes),
        complete=not draft.unfinished and not draft.barred,
        runs=tuple(Source(run.path, run.record.spec.subject, run.record.spec.seed) for run in place.runs),
        block=place.block,
        reason=place.reason,
        audit_p=verdict.p,
        audit_rules=verdict.rules,
    )
