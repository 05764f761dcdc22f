"""From runs to tables: which runs share a table, a row, a cell; what is missing, and which value is best."""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eegbench.leaderboard import ranking
from eegbench.leaderboard.average import FEWEST_SUBJECTS, Scored
from eegbench.leaderboard.cells import Cell, Column, Row, Setting, Source, Table
from eegbench.leaderboard.filling import Problem, column_of, fill, named, note
from eegbench.leaderboard.grouping import grouped
from eegbench.records import ROLES, canonical, digest
from eegbench.runs import Run, read_all

LONGEST = 60  # characters of a configuration's value in a row's label

Key = tuple[int, str, str]  # role, method, configuration: one row


def collect(runs: Path) -> tuple[Table, ...]:
    """The leaderboard of all runs below a folder, one table per setting, in a fixed order.

    Raises InputError for a folder that is none and for a record that breaks the format.
    """
    return tabulate(read_all(runs))


def tabulate(runs: Iterable[Run]) -> tuple[Table, ...]:
    """Tables from runs, in any order."""
    groups = grouped(sorted(runs, key=lambda run: run.path))
    return tuple(_table(setting, groups[setting]) for setting in sorted(groups))


def _table(setting: Setting, runs: Sequence[Run]) -> Table:
    members: dict[Key, list[Run]] = defaultdict(list)
    for run in runs:
        spec = run.record.spec
        members[ROLES.index(run.record.role), spec.method, canonical(spec.configuration)].append(run)
    columns = _columns(runs)
    labels = _labels(members)
    ordered = sorted(members, key=lambda key: (key[0], labels[key], key))
    everybody = {run.record.spec.subject for run in runs if run.sheet and run.record.role == "method"}
    made = [_row(setting, labels[key], members[key], columns, everybody) for key in ordered]
    rows = [row for row, _ in made]
    cautions = tuple(sorted({run.record.caution for run in runs} - {""}))
    if doubts := _scoring_doubts(runs):
        return Table(setting, columns, tuple(rows), doubts, cautions)
    marked, notes = ranking.rank(rows, columns, [scores for _, scores in made])
    return Table(setting, columns, tuple(marked), tuple(notes), cautions)


def _columns(runs: Sequence[Run]) -> tuple[Column, ...]:
    floors: dict[Column, set[float | None]] = defaultdict(set)
    for run in runs:
        for score in run.sheet.metrics.values() if run.sheet else ():
            column = column_of(score)
            floors[column] |= {score.floor} if run.record.role == "method" else set()
    agreed = {column: next(iter(values)) if len(values) == 1 else None for column, values in floors.items()}
    return tuple(dataclasses.replace(c, chance=agreed[c]) for c in sorted(floors, key=lambda c: c.place))


def _labels(keys: Iterable[Key]) -> dict[Key, str]:
    """A method's name, and in brackets what sets this configuration apart from its others in the table."""
    variants: dict[tuple[int, str], list[Key]] = defaultdict(list)
    for key in keys:
        variants[key[:2]].append(key)
    labels: dict[Key, str] = {}
    for (_, method), same in variants.items():
        options = {key: json.loads(key[2]) for key in same}
        differing = _varied(list(options.values()))
        for key, configuration in options.items():
            words = [f"{name}={_short(configuration[name])}" for name in differing if name in configuration]
            words += [f"{name} unset" for name in differing if name not in configuration]
            labels[key] = f"{method} ({', '.join(words)})" if words else method
        if len({labels[key] for key in same}) < len(same):  # values that differ only past where they are cut
            labels |= {key: f"{labels[key]} #{digest(options[key])[:8]}" for key in same}
    return labels


def _varied(configurations: Sequence[dict[str, Any]]) -> list[str]:
    names = sorted(set().union(*configurations))
    return [n for n in names if len({canonical(c[n]) if n in c else None for c in configurations}) > 1]


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _row(
    setting: Setting, label: str, runs: Sequence[Run], columns: Sequence[Column], everybody: set[int]
) -> tuple[Row, list[list[Scored]]]:
    """A row, and for each column the scores that its cell is the mean of."""
    kept, repeated = _without_repeats(runs)
    scored = [run for run in kept if run.sheet is not None]
    notes = [note(runs, [(run, run.unscored) for run in kept if run.sheet is None], "left out")]
    notes.append(note(runs, repeated, "left out"))
    unlike, unknown = _weight_doubts(scored)
    notes += [unlike, unknown]
    if runs[0].record.role == "floor" and runs[0].record.spec.track != setting.track:
        notes.append(f"made on the track {runs[0].record.spec.track}: it sees no hint")
    subjects = sorted({run.record.spec.subject for run in scored})
    if 1 < len(subjects) < FEWEST_SUBJECTS:
        notes.append(f"{len(subjects)} subjects: too few for an interval over subjects")
    if subjects and (absent := sorted(everybody - set(subjects))):
        notes.append(f"no scored run of {named([f'sub-{subject:02d}' for subject in absent])}, whom others have")
    counts = [run.sheet.n for run in scored if run.sheet] or [0]
    filled = [fill(column, scored) if scored else (Cell(), []) for column in columns]
    row = Row(
        label=label,
        role=runs[0].record.role,
        method=runs[0].record.spec.method,
        configuration=runs[0].record.spec.configuration,
        subjects=tuple(subjects),
        seeds=tuple(sorted({run.record.spec.seed for run in scored})),
        items=(min(counts), max(counts)),
        cells=tuple(cell for cell, _ in filled),
        verdict=_verdict(runs[0].record.role, [run.sheet.verdict for run in scored if run.sheet]),
        notes=tuple(filter(None, notes)),
        complete=len(scored) == len(kept) and not unlike,
        runs=tuple(Source(run.path, run.record.spec.subject, run.record.spec.seed) for run in scored),
    )
    return row, [scores for _, scores in filled]


def _without_repeats(runs: Sequence[Run]) -> tuple[list[Run], list[Problem]]:
    """Each specification once: a copy counted twice would weigh twice. The scored one stays, then the first by path."""
    kept: dict[str, Run] = {}
    repeated = []
    for run in sorted(runs, key=lambda r: (r.sheet is None, r.record.status != "complete", r.path)):
        first = kept.setdefault(run.record.spec.key, run)
        if first is not run:
            repeated.append((run, f"{run.path} has the same specification as {first.path}, which counts"))
    return sorted(kept.values(), key=lambda r: r.path), repeated


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


def _scoring_doubts(runs: Sequence[Run]) -> tuple[str, ...]:
    """Why no two rows of a table can be compared: other judges, or other true images."""
    judges: dict[str, set[str]] = defaultdict(set)
    truths: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        if run.sheet:
            for judge, weights in run.sheet.judges.items():
                judges[judge].add(weights)
            truths[f"sub-{run.record.spec.subject:02d}"] |= {run.sheet.truths} - {""}
    doubts = []
    if differing := _differing(judges):
        doubts.append(
            f"the runs were scored by different weights of: {', '.join(differing)}; score them again: no bold"
        )
    if differing := _differing(truths):
        doubts.append(f"the runs of {named(differing)} were scored against different true images: no bold")
    return tuple(doubts)


def _weight_doubts(runs: Sequence[Run]) -> tuple[str, str]:
    """Why the runs of a row are no one method, for other weights made some; and which weights nobody vouches for."""
    head, weights = "weights/", defaultdict(set)
    for run in runs:
        for name, sha256 in run.record.digests.items():
            if name.startswith(head):
                weights[name.removeprefix(head)].add(sha256)
    unknown = sorted(name for name, found in weights.items() if "" in found)
    unlike = _differing(weights)
    return (
        f"not ranked: its runs were made with different weights of {named(unlike)}" if unlike else "",
        f"made with weights of unknown digest: {named(unknown)}" if unknown else "",
    )


def _differing(found: Mapping[str, set[str]]) -> list[str]:
    return sorted(name for name, values in found.items() if len(values) > 1)
