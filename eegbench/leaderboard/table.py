"""From runs to tables: which runs share a table, a row, a cell; over what they are compared, and what is best there."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegbench.leaderboard import ranking, sharing, standing, wording
from eegbench.leaderboard.average import FEWEST_SUBJECTS, Scored
from eegbench.leaderboard.cells import BOUNDS, Cell, Column, Limits, Row, Setting, Source, Table
from eegbench.leaderboard.drafts import drafts_of
from eegbench.leaderboard.filling import Entry, Kept, column_of, gather
from eegbench.leaderboard.grouping import grouped
from eegbench.leaderboard.normalise import Shares
from eegbench.leaderboard.places import Layout, Place, layout, why_not
from eegbench.leaderboard.references import References, Span
from eegbench.leaderboard.variants import variants
from eegbench.leaderboard.verdicts import verdict_of
from eegbench.runs import Run, read_all


def collect(
    runs: Path, subjects: Sequence[int] = (), *, primary: str = "", normalised: bool = False
) -> tuple[Table, ...]:
    """The leaderboard of all runs below a folder, one table per setting, in a fixed order; as `tabulate`.

    Raises InputError for a folder that is none and for a record that breaks the format.
    """
    return tabulate(read_all(runs), subjects, primary=primary, normalised=normalised)


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
    found = {setting: _found(groups[setting], wanted) for setting in sorted(groups)}
    standing.check_primary(primary, [one.column for every in found.values() for one in every.filled])
    return tuple(_table(setting, every, apart[setting], primary, normalised) for setting, every in found.items())


def rows_of_all(runs: Iterable[Run]) -> list[tuple[Setting, list[Column], list[Row]]]:
    """By setting a row for each method over all its scored runs; `reason` where it could not be ranked."""
    found = []
    for setting, members in sorted(_groups(runs).items()):
        columns = _columns(members)
        places = [Place(d, "ranked", d.runs, why_not(d)) for d in drafts_of(members) if d.role == "method"]
        rows = [_row(setting, place, [gather(c, place.runs).cell(c) for c in columns]) for place in places]
        found.append((setting, columns, rows))
    return found


def _groups(runs: Iterable[Run]) -> dict[Setting, list[Run]]:
    return grouped(sorted(runs, key=lambda run: run.path))


@dataclass(frozen=True)
class Filled:
    """A column, its cells and their scores, one of each for a row; by row what a method's share counts from.

    running: the rows that are compared, by their places. reason: why none is.
    """

    column: Column
    cells: tuple[Cell, ...]
    scores: tuple[tuple[Scored, ...], ...]
    spans: Mapping[int, Span]
    running: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Found:
    """What stands in one table before anything is called best: its runs, rows and columns."""

    runs: tuple[Run, ...]
    layout: Layout
    filled: tuple[Filled, ...]


def _found(runs: Sequence[Run], subjects: Sequence[int]) -> Found:
    found = layout(drafts_of(runs), subjects)
    references = References([] if found.doubts else [place.draft for place in found.places])
    filled = (_fill(column, found.places, references, not found.doubts) for column in _columns(runs))
    return Found(tuple(runs), found, tuple(filled))


def _table(setting: Setting, found: Found, variant: tuple[str, ...], primary: str, normalised: bool) -> Table:
    rows, doubts = found.layout.places, found.layout.doubts
    first = standing.primary_of(primary, [(one.column, len(one.running)) for one in found.filled])
    filled, marks = _marked(found.filled, first)
    filled = [_as_shares(one, rows) for one in filled] if normalised else filled
    cells = zip(*(one.cells for one in filled), strict=True) if filled else [()] * len(rows)
    untested = [one.column.metric for one, mark in zip(filled, marks, strict=True) if mark.untested]
    told = f"not tested who is tied with the best, for want of values by stimulus: {', '.join(untested)}"
    ranked = [place.runs for place in rows if place.block == "ranked"]
    named = "" if first is None else wording.release(filled[first].column)
    reasons = [
        (wording.release(one.column), one.reason or mark.reason)
        for one, mark in zip(filled, marks, strict=True)
        if one.column.at_n is None
    ]
    compares = len(ranked) > 1 and not doubts
    return Table(
        setting,
        tuple(one.column for one in filled),
        tuple(_row(setting, place, own) for place, own in zip(rows, cells, strict=True)),
        (told,) if untested else (),
        tuple(sorted({run.record.caution for run in found.runs} - {""})),
        normalised=normalised,
        ranking=standing.sentences(found.layout, reasons, named, ranked),
        shared=found.layout.shared,
        variant=variant,
        primary=named,
        generalises=standing.generalises(found.layout.shared, ranked) if compares else "",
        fits=standing.fits(ranked) if compares else 0,
    )


def _columns(runs: Sequence[Run]) -> list[Column]:
    floors: dict[Column, set[float | None]] = defaultdict(set)
    bounds: dict[Column, list[Limits | None]] = defaultdict(list)
    for run in runs:
        for score in run.sheet.metrics.values() if run.sheet else ():
            column = column_of(score)
            floors[column] |= {score.floor} if run.record.role == "method" else set()
            bounds[column].append(score.bounds)
    agreed = {column: next(iter(values)) if len(values) == 1 else None for column, values in floors.items()}
    return [
        dataclasses.replace(column, chance=agreed[column], bounds=_bounds(column.metric, bounds[column]))
        for column in sorted(floors, key=lambda column: column.place)
    ]


def _bounds(metric: str, stated: Sequence[Limits | None]) -> Limits:
    """A metric's bounds: of the package's own those that are known, else the widest that the scores state."""
    if metric in BOUNDS:
        return BOUNDS[metric]
    known = [one for one in stated if one is not None]
    lows, highs = ([end for one in known if (end := one[side]) is not None] for side in (0, 1))
    return (
        min(lows) if len(lows) == len(stated) else None,
        max(highs) if len(highs) == len(stated) else None,
    )


def _fill(column: Column, places: Sequence[Place], references: References, comparable: bool) -> Filled:
    """The cells of a column: of the rows that are compared, over the stimuli on which they are."""
    entries = [gather(column, place.runs) for place in places]
    ranked = [number for number, place in enumerate(places) if place.block == "ranked"]
    compared = sharing.compared(column, [entries[number] for number in ranked])
    column = dataclasses.replace(
        column, at_n=sharing.at_n(column, [entries[number] for number in ranked or range(len(entries))])
    )
    running = [ranked[place] for place in compared.rows]
    if compared.kept:
        column = dataclasses.replace(column, left_out=_left_out([entries[number] for number in running], compared.kept))
        beside = [number for number, place in enumerate(places) if place.block in ("floor", "ceiling")]
        for number in (*running, *beside):
            entries[number] = entries[number].over(compared.kept)
    cells = [entry.cell(column) for entry in entries]
    spans: dict[int, Span] = {}
    for number, place in enumerate(places):
        if place.draft.role == "method":
            kept = compared.kept if number in running else None
            spans[number] = references.span(column, entries[number], kept)
            cells[number] = dataclasses.replace(
                cells[number], floor=spans[number].floor, ceiling=spans[number].ceiling, caveats=spans[number].caveats
            )
    entered = tuple(entry.scores for entry in entries)
    if not comparable or column.at_n:
        return Filled(column, tuple(cells), entered, spans)
    for number in set(ranked) - set(running) if running else ():
        told = f"not compared: {sharing.why_not(entries[number])}"
        if cells[number].value is not None:
            cells[number] = dataclasses.replace(cells[number], notes=(told, *cells[number].notes))
    return Filled(column, tuple(cells), entered, spans, tuple(running), compared.reason)


def _marked(filled: Sequence[Filled], primary: int | None) -> tuple[list[Filled], list[ranking.Marks]]:
    """The columns with what is best, what is tied, and the smallest visible difference."""
    comparisons = sum(max(0, len(one.running) - 1) for one in filled)
    contests = []
    for one in filled:
        values = [value for number in one.running if (value := one.cells[number].value) is not None]
        scores = [one.scores[number] for number in one.running]
        contests.append(ranking.contest(one.column, values, scores, comparisons=comparisons))
    marks = ranking.mark(contests, primary)
    marked = []
    for one, contest, mark in zip(filled, contests, marks, strict=True):
        cells = list(one.cells)
        for order, number in enumerate(one.running):
            best, tied = order in mark.best, order in mark.tied
            cells[number] = dataclasses.replace(cells[number], compared=True, best=best, tied=tied)
        column = dataclasses.replace(one.column, visible=contest.visible)
        marked.append(dataclasses.replace(one, column=column, cells=tuple(cells)))
    return marked, marks


def _as_shares(filled: Filled, places: Sequence[Place]) -> Filled:
    """The column with its methods as shares, and the smallest visible difference as one."""
    shares = Shares(filled.column, {place.draft.role for place in places})
    cells = list(filled.cells)
    for number, span in filled.spans.items():
        cells[number] = shares.cell(cells[number], filled.scores[number], span)
    shown = [filled.spans[number].way for number in filled.running if cells[number].value is not None]
    ways = [way for way in shown if way]
    visible = filled.column.visible
    column = dataclasses.replace(filled.column, visible=visible / ways[0] if visible and ways else None)
    return dataclasses.replace(filled, column=column, cells=tuple(cells))


def _left_out(entries: Sequence[Entry], kept: Kept) -> tuple[tuple[int, str], ...]:
    """The pairs of subject and stimulus that were scored and are not compared."""
    scored = {(one.subject, stimulus) for entry in entries for one in entry.scores for stimulus in one.stimuli}
    return tuple(sorted(pair for pair in scored if pair[1] not in kept[pair[0]]))


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
