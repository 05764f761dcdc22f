"""From runs to tables: which runs share a table, a row, a cell; what is missing, and which value is best."""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from eegbench.leaderboard import ranking
from eegbench.leaderboard.average import FEWEST_SUBJECTS, Scored, average
from eegbench.leaderboard.cells import Cell, Column, Row, Setting, Source, Table
from eegbench.leaderboard.grouping import grouped
from eegbench.records import ROLES, Score, canonical, digest
from eegbench.runs import Run, read_all

LONGEST = 60  # characters of a configuration's value in a row's label
NAMED = 4  # runs named in a note before the rest are counted

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
    rows = [_row(setting, labels[key], members[key], columns, everybody) for key in ordered]
    cautions = tuple(sorted({run.record.caution for run in runs} - {""}))
    if differing := _differing_judges(runs):
        note = f"the runs were scored by different weights of: {', '.join(differing)}; score them again: no bold"
        return Table(setting, columns, tuple(rows), (note,), cautions)
    counting = {row: _without_repeats(members[key])[0] for row, key in zip(map(id, rows), ordered, strict=True)}
    marked, notes = ranking.rank(rows, columns, lambda row, column: _scores(column, counting[id(row)])[0])
    return Table(setting, columns, tuple(marked), tuple(notes), cautions)


def _columns(runs: Sequence[Run]) -> tuple[Column, ...]:
    floors: dict[Column, set[float | None]] = defaultdict(set)
    for run in runs:
        for score in run.sheet.metrics.values() if run.sheet else ():
            column = _column(score)
            floors[column] |= {score.floor} if run.record.role == "method" else set()
    agreed = {column: next(iter(values)) if len(values) == 1 else None for column, values in floors.items()}
    return tuple(dataclasses.replace(c, chance=agreed[c]) for c in sorted(floors, key=lambda c: c.place))


def _column(score: Score) -> Column:
    return Column(score.metric, score.version, score.higher_is_better, score.variant)


def _labels(keys: Iterable[Key]) -> dict[Key, str]:
    """A method's name, and in brackets what sets this configuration apart from its others in the table."""
    variants: dict[tuple[int, str], list[Key]] = defaultdict(list)
    for key in keys:
        variants[key[:2]].append(key)
    labels: dict[Key, str] = {}
    for (_, method), same in variants.items():
        options = {key: json.loads(key[2]) for key in same}
        differing = _differing(list(options.values()))
        for key, configuration in options.items():
            words = [f"{name}={_short(configuration[name])}" for name in differing if name in configuration]
            words += [f"{name} unset" for name in differing if name not in configuration]
            labels[key] = f"{method} ({', '.join(words)})" if words else method
        if len({labels[key] for key in same}) < len(same):  # values that differ only past where they are cut
            labels |= {key: f"{labels[key]} #{digest(options[key])[:8]}" for key in same}
    return labels


def _differing(configurations: Sequence[dict[str, Any]]) -> list[str]:
    names = sorted(set().union(*configurations))
    return [n for n in names if len({canonical(c[n]) if n in c else None for c in configurations}) > 1]


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _row(setting: Setting, label: str, runs: Sequence[Run], columns: Sequence[Column], everybody: set[int]) -> Row:
    kept, repeated = _without_repeats(runs)
    scored = [run for run in kept if run.sheet is not None]
    notes = [_note(runs, [(run, run.unscored) for run in kept if run.sheet is None], "left out")]
    notes.append(_note(runs, repeated, "left out"))
    if runs[0].record.role == "floor" and runs[0].record.spec.track != setting.track:
        notes.append(f"made on the track {runs[0].record.spec.track}: it sees no hint")
    subjects = sorted({run.record.spec.subject for run in scored})
    if 1 < len(subjects) < FEWEST_SUBJECTS:
        notes.append(f"{len(subjects)} subjects: too few for an interval over subjects")
    if subjects and (absent := sorted(everybody - set(subjects))):
        notes.append(f"no scored run of {_named([f'sub-{subject:02d}' for subject in absent])}, whom others have")
    counts = [run.sheet.n for run in scored if run.sheet] or [0]
    return Row(
        label=label,
        role=runs[0].record.role,
        method=runs[0].record.spec.method,
        configuration=runs[0].record.spec.configuration,
        subjects=tuple(subjects),
        seeds=tuple(sorted({run.record.spec.seed for run in scored})),
        items=(min(counts), max(counts)),
        cells=tuple(_cell(column, scored) for column in columns) if scored else (Cell(),) * len(columns),
        verdict=_verdict(runs[0].record.role, [run.sheet.verdict for run in scored if run.sheet]),
        notes=tuple(filter(None, notes)),
        complete=len(scored) == len(runs),
        runs=tuple(Source(run.path, run.record.spec.subject, run.record.spec.seed) for run in scored),
    )


def _without_repeats(runs: Sequence[Run]) -> tuple[list[Run], list[tuple[Run, str]]]:
    """Each specification once: a copy counted twice would weigh twice. The scored one stays, then the first by path."""
    kept: dict[str, Run] = {}
    repeated = []
    for run in sorted(runs, key=lambda r: (r.sheet is None, r.record.status != "complete", r.path)):
        first = kept.setdefault(run.record.spec.key, run)
        if first is not run:
            repeated.append((run, f"{run.path} has the same specification as {first.path}, which counts"))
    return sorted(kept.values(), key=lambda r: r.path), repeated


def _cell(column: Column, runs: Sequence[Run]) -> Cell:
    scores, missing = _scores(column, runs)
    notes = []
    for run in runs:
        score = run.sheet.metrics.get(column.metric) if run.sheet else None
        if run.sheet is None or score is None or score.value is None or _problem(column, score):
            continue
        if score.items is not None and score.items < run.sheet.n:
            notes.append((run, f"defined for {score.items} of {run.sheet.n} items"))
        if score.unverified:
            notes.append((run, "judged by weights that are not the published ones"))
    told = tuple(filter(None, (_note(runs, missing, "left out"), _note(runs, notes, ""))))
    value, ci = average(scores) if scores else (None, None)
    return Cell(value, ci, told)


def _scores(column: Column, runs: Sequence[Run]) -> tuple[list[Scored], list[tuple[Run, str]]]:
    """The scores of a column's own release, and which runs have none, and why."""
    scores, missing = [], []
    for run in runs:
        if run.sheet is None:
            continue
        score = run.sheet.metrics.get(column.metric)
        problem = _problem(column, score)
        if problem or score is None or score.value is None:
            missing.append((run, problem))
            continue
        items = run.values.of(column.metric) if run.values else None
        stimuli = run.values.stimuli if run.values else ()
        scores.append(Scored(run.record.spec.subject, score.value, score.ci, stimuli, items))
    return scores, missing


def _problem(column: Column, score: Score | None) -> str:
    if score is None:
        return f"not scored on {column.metric}"
    if (own := _column(score)) != dataclasses.replace(column, chance=None):
        return f"scored as {column.metric}@{own.release}, not @{column.release}: score it again"
    return "" if score.value is not None else f"{column.metric}: {score.reason or 'no value, and no reason given'}"


def _note(runs: Sequence[Run], problems: Sequence[tuple[Run, str]], what: str) -> str:
    """One sentence for all problems of a row or cell: which runs of how many, and why."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for run, reason in problems:
        reasons[reason].append(run.name)
    sentences = []
    for reason, names in sorted(reasons.items()):
        named = _named(names)
        head = f"{len(names)} of {len(runs)} runs {what}".rstrip() + f" ({named})" if len(runs) > 1 else named
        sentences.append(f"{head}: {reason}")
    return "; ".join(sentences)


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


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _differing_judges(runs: Sequence[Run]) -> list[str]:
    digests: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for judge, weights in run.sheet.judges.items() if run.sheet else ():
            digests[judge].add(weights)
    return sorted(judge for judge, found in digests.items() if len(found) > 1)
