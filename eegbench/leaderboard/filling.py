"""What stands in one cell: the scores of a row's runs on one metric, their mean, and what it does not stand on."""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eegbench.leaderboard.average import Scored, average, mean_over_subjects, seeds_sd
from eegbench.leaderboard.cells import Cell, Column
from eegbench.runs.folder import Run
from eegbench.runs.metric_facts import MetricFacts, facts_of
from eegbench.runs.sheet import Score, ScoreSheet

NAMED = 4  # runs named in a note before the rest are counted
ROUNDING = 1e-6  # of a score in single precision; further outside its bounds no metric comes
UNVERIFIED = "judged by weights that are not the published ones"
TOO_NARROW = frozenset(("is", "is_10split"))  # metrics whose intervals were so in the first edition of the statistics
OLDER_CHANCE = "chance of an older record does not count: score it again"  # its floors were made otherwise
LEFT_OUT = "no interval: those of is were too narrow when this was scored; score it again"

Problem = tuple[Run, str]  # a run and what is wrong with it
Kept = Mapping[int, frozenset[str]]  # by subject the stimuli that a column is compared on


@dataclass(frozen=True)
class Entry:
    """What a row has on one metric: scores of its runs; which have none, only a part, or unverified weights.

    older_chance: whether a run has a value for chance that does not count. facts: of the metric, as each of the scores
    has them; None where nothing is known.
    """

    runs: tuple[Run, ...]
    scores: tuple[Scored, ...] = ()
    missing: tuple[Problem, ...] = ()
    partial: tuple[Problem, ...] = ()
    unverified: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    older_chance: bool = False
    facts: tuple[MetricFacts | None, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether each run has a value by the published weights."""
        return bool(self.scores) and not self.missing and not self.unverified

    @property
    def has_items(self) -> bool:
        return all(score.items is not None for score in self.scores)

    @property
    def alone(self) -> bool:
        """Whether the values on one stimulus are known not to depend on which other stimuli there are."""
        return all(facts is not None and facts.alone for facts in self.facts)

    @property
    def of_sets(self) -> bool:
        """Whether the metric is known to have one value for a whole set."""
        return any(facts is not None and not facts.per_item for facts in self.facts)

    @property
    def chance(self) -> float | None:
        """What chance gives, the mean over subjects; None where a run does not say, or says it in an older record."""
        known = [(score.subject, score.chance) for score in self.scores if score.chance is not None]
        return mean_over_subjects(known) if known and len(known) == len(self.scores) else None

    def over(self, kept: Kept) -> "Entry":
        """The same over the stimuli kept: what was scored on them alone is as it was."""
        scores = tuple(_over(score, kept[score.subject]) if score.subject in kept else score for score in self.scores)
        had, has = (sum(score.defined for score in all_) for all_ in (self.scores, scores))
        if had == has:
            return dataclasses.replace(self, scores=scores)
        people = len({score.subject for score in scores})
        what = "stimuli" if len(scores) == 1 else f"values of {people} subjects" if people > 1 else "values"
        note = f"over {has} of {had} {what}: those on which all ranked methods have a value"
        return dataclasses.replace(self, scores=scores, partial=(), notes=(*self.notes, note))

    def cell(self, column: Column) -> Cell:
        """The mean with its interval, within the metric's bounds."""
        value, ci = average(self.scores, column.bounds) if self.scores else (None, None)
        notes = (note(self.runs, self.missing, "left out"), note(self.runs, [*self.partial, *self.unverified], ""))
        stale = column.metric == "is" and ci is None and any(not score.own for score in self.scores)
        return Cell(
            None if value is None else column.clipped(value),
            None if ci is None else (column.clipped(ci[0]), column.clipped(ci[1])),
            (*filter(None, notes), *self.notes, *([LEFT_OUT] if stale else [])),
            seeds_sd=seeds_sd(self.scores),
        )


def gather(column: Column, runs: Sequence[Run]) -> Entry:
    """What scored runs have on a metric."""
    scores: list[Scored] = []
    missing: list[Problem] = []
    partial: list[Problem] = []
    unverified: list[Problem] = []
    facts: list[MetricFacts | None] = []
    older_chance = False
    for run in runs:
        score = run.sheet.metrics.get(column.metric) if run.sheet else None
        if run.sheet is None or score is None or score.value is None or column_of(score) != bare(column):
            missing.append((run, _why_missing(column, score)))
            continue
        if abs(score.value - column.clipped(score.value)) > ROUNDING:
            missing.append((run, _astray(column, score.value)))
            continue
        scored = _scored(run, score, run.sheet)
        scores.append(scored)
        facts.append(facts_of(score.metric, score.facts))
        older_chance |= score.floor is not None and scored.chance is None
        defined = scored.defined if score.items is None else score.items
        if defined < run.sheet.n:
            partial.append((run, f"defined for {defined} of {run.sheet.n} items{_because(score)}"))
        if score.unverified:
            unverified.append((run, UNVERIFIED))
    problems = tuple(missing), tuple(partial), tuple(unverified)
    return Entry(tuple(runs), tuple(scores), *problems, older_chance=older_chance, facts=tuple(facts))


def column_of(score: Score) -> Column:
    return Column(score.metric, score.version, score.higher_is_better, score.variant)


def bare(column: Column) -> Column:
    """The column without what its table says of it."""
    return Column(column.metric, column.version, column.higher_is_better, column.variant)


def _scored(run: Run, score: Score, sheet: ScoreSheet) -> Scored:
    spec, values = run.record.spec, run.values
    items = values.metrics.get((score.metric, score.version)) if values else None
    stimuli = values.stimuli if values else ()
    assert score.value is not None
    own = sheet.statistics > 1
    ci = None if not own and score.metric in TOO_NARROW else score.ci
    chance = score.floor if own else None
    return Scored(spec.subject, score.value, ci, stimuli, items, sheet.n, chance, spec.seed, own)


def _over(score: Scored, kept: frozenset[str]) -> Scored:
    """A run's score over the stimuli kept; where it has none by stimulus, or no value elsewhere, its value stays."""
    if score.items is None:
        return score
    places = [i for i, stimulus in enumerate(score.stimuli) if stimulus in kept and math.isfinite(score.items[i])]
    if len(places) == len(score.stimuli) or not places:
        return score
    items, stimuli = score.items[places], tuple(score.stimuli[i] for i in places)
    if len(places) == score.defined:
        return dataclasses.replace(score, stimuli=stimuli, items=items)
    value = float(np.mean(items))
    return dataclasses.replace(score, value=value, ci=None, stimuli=stimuli, items=items, n=len(items), own=False)


def _why_missing(column: Column, score: Score | None) -> str:
    if score is None:
        return f"not scored on {column.metric}"
    if column_of(score) != bare(column):
        own = column_of(score).release
        return f"scored as {column.metric}@{own}, not @{column.release}: score it again"
    return f"{column.metric}: {score.reason or 'no value, and no reason given'}"


def _astray(column: Column, value: float) -> str:
    low, high = ("none" if end is None else f"{end:g}" for end in column.bounds)
    return f"{column.metric} is {value:g}, outside its bounds (lowest {low}, highest {high}): score it again"


def _because(score: Score) -> str:
    return f" ({score.reason})" if score.reason else ""


def note(runs: Sequence[Run], problems: Sequence[tuple[Run, str]], what: str) -> str:
    """One sentence for all problems of a row or cell: which runs of how many, and why."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for run, reason in problems:
        reasons[reason].append(run.name)
    sentences = []
    for reason, names in sorted(reasons.items()):
        runs_named = named(names)
        head = f"{len(names)} of {len(runs)} runs {what}".rstrip() + f" ({runs_named})" if len(runs) > 1 else runs_named
        sentences.append(f"{head}: {reason}")
    return "; ".join(sentences)


def named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
