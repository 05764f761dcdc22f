"""From runs to tables: which runs share a table, a row, a cell; over what they are compared, and what is best there."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegbench.leaderboard import ranking, sharing, wording
from eegbench.leaderboard.average import FEWEST_SUBJECTS
from eegbench.leaderboard.cells import BOUNDS, Cell, Column, Limits, Row, Setting, Source, Table
from eegbench.leaderboard.drafts import drafts_of
from eegbench.leaderboard.filling import Entry, Kept, column_of, gather
from eegbench.leaderboard.grouping import grouped
from eegbench.leaderboard.places import Layout, Place, layout, why_not
from eegbench.leaderboard.references import References
from eegbench.leaderboard.variants import variants
from eegbench.runs import Run, read_all


def collect(runs: Path, subjects: Sequence[int] = ()) -> tuple[Table, ...]:
    """The leaderboard of all runs below a folder, one table per setting, in a fixed order.

    Raises InputError for a folder that is none and for a record that breaks the format.
    """
    return tabulate(read_all(runs), subjects)


def tabulate(runs: Iterable[Run], subjects: Sequence[int] = ()) -> tuple[Table, ...]:
    """Tables from runs, in any order.

    subjects: over whom to rank; runs on others are passed over, and methods that lack one of them are left out.
    Without it the largest set of methods that share a run is ranked, over all the runs that they share.
    """
    wanted = sorted(set(subjects))
    groups = _groups(run for run in runs if not wanted or run.record.spec.subject in wanted)
    apart = variants(sorted(groups))
    return tuple(_table(setting, groups[setting], wanted, apart[setting]) for setting in sorted(groups))


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


def _table(setting: Setting, runs: Sequence[Run], subjects: Sequence[int], variant: tuple[str, ...]) -> Table:
    found = layout(drafts_of(runs), subjects)
    references = References([] if found.doubts else [place.draft for place in found.places])
    filled = [_fill(column, found.places, references, not found.doubts) for column in _columns(runs)]
    cells = zip(*(one.cells for one in filled), strict=True) if filled else [()] * len(found.places)
    untested = [one.column.metric for one in filled if one.untested]
    told = f"not tested who is tied with the best, for want of values by stimulus: {', '.join(untested)}"
    return Table(
        setting,
        tuple(one.column for one in filled),
        tuple(_row(setting, place, own) for place, own in zip(found.places, cells, strict=True)),
        (told,) if untested else (),
        tuple(sorted({run.record.caution for run in runs} - {""})),
        ranking=_ranking(found, filled),
        shared=found.shared,
        variant=variant,
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


@dataclass(frozen=True)
class Filled:
    """A column and its cells, one for each row; reason: why nothing is best. untested: whether ties are not known."""

    column: Column
    cells: tuple[Cell, ...]
    reason: str = ""
    untested: bool = False


def _fill(column: Column, places: Sequence[Place], references: References, comparable: bool) -> Filled:
    """The cells of a column: of the rows that are compared, over the stimuli on which they are."""
    entries = [gather(column, place.runs) for place in places]
    ranked = [number for number, place in enumerate(places) if place.block == "ranked"]
    compared = sharing.compared(column, [entries[number] for number in ranked])
    running = [ranked[place] for place in compared.rows]
    if compared.kept:
        column = dataclasses.replace(column, left_out=_left_out([entries[number] for number in running], compared.kept))
        beside = [number for number, place in enumerate(places) if place.block in ("floor", "ceiling")]
        for number in (*running, *beside):
            entries[number] = entries[number].over(compared.kept)
    cells = [entry.cell(column) for entry in entries]
    for number, place in enumerate(places):
        if place.draft.role == "method":
            kept = compared.kept if number in running else None
            span = references.span(column, entries[number], kept)
            cells[number] = dataclasses.replace(
                cells[number], floor=span.floor, ceiling=span.ceiling, caveats=span.caveats
            )
    if not comparable:
        return Filled(column, tuple(cells))
    for number in set(ranked) - set(running) if running else ():
        told = f"not compared: {sharing.why_not(entries[number])}"
        if cells[number].value is not None:
            cells[number] = dataclasses.replace(cells[number], notes=(told, *cells[number].notes))
    values = [value for number in running if (value := cells[number].value) is not None]
    marks = ranking.mark(column, values, [entries[number].scores for number in running])
    for order, number in enumerate(running):
        best, tied = order in marks.best, order in marks.tied
        cells[number] = dataclasses.replace(cells[number], compared=True, best=best, tied=tied)
    return Filled(column, tuple(cells), compared.reason or marks.reason, marks.untested)


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
    return Row(
        label=draft.label,
        role=draft.role,
        method=draft.method,
        configuration=draft.configuration,
        subjects=tuple(subjects),
        seeds=tuple(sorted({spec.seed for spec in specs})),
        items=(min(counts), max(counts)),
        cells=tuple(cells),
        verdict=_verdict(draft.role, [run.sheet.verdict for run in place.runs if run.sheet]),
        notes=tuple(notes),
        complete=not draft.unfinished and not draft.barred,
        runs=tuple(Source(run.path, run.record.spec.subject, run.record.spec.seed) for run in place.runs),
        block=place.block,
        reason=place.reason,
    )


def _verdict(role: str, verdicts: Sequence[str]) -> str:
    """The audit's verdict of a run, or how many of the runs got which."""
    said = [verdict for verdict in verdicts if verdict]
    if not said:
        return "not audited" if verdicts and role == "method" else ""
    if len(verdicts) == 1:
        return said[0]
    counts: dict[str, int] = defaultdict(int)
    for verdict in verdicts:
        counts[verdict.partition(":")[0] or "not audited"] += 1
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return "; ".join(f"{words} ({count} of {len(verdicts)} runs)" for words, count in ordered)


def _ranking(found: Layout, filled: Sequence[Filled]) -> tuple[str, ...]:
    """The sentences of a table's heading on what is ranked."""
    methods = [place for place in found.places if place.draft.role == "method"]
    ranked = sum(place.block == "ranked" for place in methods)
    left = [place.draft.role for place in found.places if place.block in ("transductive", "left out")]
    if not methods:
        return ()
    unmarked: dict[str, list[str]] = defaultdict(list)
    for one in filled:
        if one.reason:
            unmarked[one.reason].append(wording.release(one.column))
    said = [wording.ranked(ranked, wording.over(found.shared, found.stimuli), found.doubts)]
    if ranked > 1 and not found.doubts:
        every = len(filled)
        said += [wording.unmarked(reason, [] if len(n) == every else n) for reason, n in unmarked.items()]
    said += [wording.left_out(left)] if left else []
    return tuple(said)
