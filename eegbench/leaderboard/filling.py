"""What stands in one cell: the scores of a row's runs on one metric, their mean, and what it does not stand on."""

from collections import defaultdict
from collections.abc import Sequence

from eegbench.leaderboard.average import Scored, average
from eegbench.leaderboard.cells import Cell, Column
from eegbench.records import Score
from eegbench.runs import Run

NAMED = 4  # runs named in a note before the rest are counted

Problem = tuple[Run, str]  # a run and what is wrong with it


def fill(column: Column, runs: Sequence[Run]) -> tuple[Cell, list[Scored]]:
    """The cell of scored runs, and the scores that it is the mean of."""
    scores: list[Scored] = []
    missing: list[Problem] = []
    doubts: list[Problem] = []
    for run in runs:
        score = run.sheet.metrics.get(column.metric) if run.sheet else None
        if score is None or score.value is None or not _same(column, score):
            missing.append((run, _why_missing(column, score)))
            continue
        values = run.values
        items = values.metrics.get((column.metric, column.version)) if values else None
        stimuli = values.stimuli if values else ()
        scores.append(Scored(run.record.spec.subject, score.value, score.ci, stimuli, items))
        if run.sheet and score.items is not None and score.items < run.sheet.n:
            doubts.append((run, f"defined for {score.items} of {run.sheet.n} items"))
        if score.unverified:
            doubts.append((run, "judged by weights that are not the published ones"))
    value, ci = average(scores) if scores else (None, None)
    return Cell(value, ci, tuple(filter(None, (note(runs, missing, "left out"), note(runs, doubts, ""))))), scores


def column_of(score: Score) -> Column:
    return Column(score.metric, score.version, score.higher_is_better, score.variant)


def _same(column: Column, score: Score) -> bool:
    own = (score.version, score.variant, score.higher_is_better)
    return own == (column.version, column.variant, column.higher_is_better)


def _why_missing(column: Column, score: Score | None) -> str:
    if score is None:
        return f"not scored on {column.metric}"
    if not _same(column, score):
        own = column_of(score).release
        return f"scored as {column.metric}@{own}, not @{column.release}: score it again"
    return f"{column.metric}: {score.reason or 'no value, and no reason given'}"


def note(runs: Sequence[Run], problems: Sequence[tuple[Run, str]], what: str) -> str:
    """One sentence for all problems of a row or cell: which runs of how many, and why."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for run, reason in problems:
        reasons[reason].append(run.name)
    sentences = []
    for reason, names in sorted(reasons.items()):
        told = named(names)
        head = f"{len(names)} of {len(runs)} runs {what}".rstrip() + f" ({told})" if len(runs) > 1 else told
        sentences.append(f"{head}: {reason}")
    return "; ".join(sentences)


def named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
