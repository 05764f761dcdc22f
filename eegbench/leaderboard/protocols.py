"""A method in one configuration under several protocols: trained on its subject, on others, or on both.

Runs of different protocols never share a table, for their numbers answer different questions. Here a method is compared
with itself. Its drop is the value under `own` less that under another protocol, signed so that a positive drop is a
loss, over the subjects and seeds that both protocols have; differences are paired by stimulus, and the interval is that
of a cell of such values (`average`). What does not pair is not compared, and says why.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eegbench.leaderboard import sharing, standing, wording
from eegbench.leaderboard.average import FEWEST_SUBJECTS, Scored, average
from eegbench.leaderboard.cells import Cell, Column, Pair, Setting
from eegbench.leaderboard.columns import columns_of
from eegbench.leaderboard.drafts import Draft, drafts_of
from eegbench.leaderboard.filling import Entry, gather
from eegbench.leaderboard.grouping import setting_of
from eegbench.leaderboard.places import scoring_doubts
from eegbench.leaderboard.variants import variants
from eegbench.runs.folder import Run
from eegbench.runs.metric_facts import Limits
from eegbench.runs.record import TRAINED_ON, RunSpec

RETRIEVAL = "retrieval_top1"  # shown beside the primary metric where runs have it
UNPAIRED = "no value by stimulus, so that nothing pairs"
UNDEFINED = "no value on more than a tenth of the stimuli"


@dataclass(frozen=True)
class Trained:
    """Whose training data a method was fitted on: train_on and calibration of a RunSpec."""

    train_on: str = "own"
    calibration: int = 0

    @property
    def words(self) -> str:
        return f"{self.train_on} + {self.calibration}" if self.calibration else self.train_on

    @property
    def drop(self) -> str:
        """What the drop is called."""
        return f"own − ({self.words})" if self.calibration else f"own − {self.words}"

    @property
    def place(self) -> tuple[int, int]:
        """What columns are sorted by: own, others, others with calibration as it grows, all."""
        return TRAINED_ON.index(self.train_on), self.calibration


OWN = Trained()


@dataclass(frozen=True)
class Line:
    """One method in one configuration: its value under each protocol, a blank for none, and its drops from `own`.

    over: what the values and drops stand on, in words. notes: what is to be said of all its runs.
    """

    label: str
    values: tuple[Cell, ...]
    drops: tuple[Cell, ...]
    over: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SideBySide:
    """The lines of one setting on one metric. setting: as of runs trained on `own`. trained: the columns.

    dropped: the protocols whose drop is shown, in their order. variant: as of a Table.
    """

    setting: Setting
    variant: tuple[str, ...]
    column: Column
    trained: tuple[Trained, ...]
    dropped: tuple[Trained, ...]
    lines: tuple[Line, ...]


def side_by_side(runs: Iterable[Run], subjects: Sequence[int] = (), *, primary: str = "") -> tuple[SideBySide, ...]:
    """For each setting with a method under two or more protocols, its primary metric and `RETRIEVAL`; () for none.

    subjects: those alone; () for all. primary: as of `tabulate`. Runs that were trained on a part of the others, or
    scaled by their own test EEG, have tables of their own and no place here.
    """
    groups: dict[Setting, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.path):
        spec = run.record.spec
        if run.record.role == "method" and run.sheet and _usual(spec) and (not subjects or spec.subject in subjects):
            groups[dataclasses.replace(setting_of(run), train_on="own", calibration=0)].append(run)
    kept = {home: drafts for home in sorted(groups) if (drafts := [d for d in drafts_of(groups[home]) if _several(d)])}
    apart = variants(list(kept))
    return tuple(
        shown
        for home, drafts in kept.items()
        for column in _columns(drafts, primary)
        if (shown := _shown(home, apart[home], column, drafts)).lines
    )


def _usual(spec: RunSpec) -> bool:
    return not spec.others and spec.scale == "training"


def trained_of(run: Run) -> Trained:
    return Trained(run.record.spec.train_on, run.record.spec.calibration)


def _several(draft: Draft) -> bool:
    return len({trained_of(run) for run in draft.runs}) > 1


def _columns(drafts: Sequence[Draft], primary: str) -> list[Column]:
    """The column of the primary metric, and that of `RETRIEVAL` where it is another."""
    counted = []
    for column in columns_of([run for draft in drafts for run in draft.runs]):
        entries = [gather(column, draft.runs) for draft in drafts]
        of_sets = dataclasses.replace(column, at_n=sharing.at_n(entries, []))
        counted.append((of_sets, sum(not entry.missing for entry in entries)))
    retrieval = [entry for entry in counted if entry[0].metric == RETRIEVAL]
    places = (counted, standing.primary_of(primary, counted)), (retrieval, standing.primary_of(RETRIEVAL, retrieval))
    return list(dict.fromkeys(found[place][0] for found, place in places if place is not None))


def _shown(home: Setting, variant: tuple[str, ...], column: Column, drafts: Sequence[Draft]) -> SideBySide:
    entries = [(draft, _entries(column, draft)) for draft in drafts]
    entries = [(draft, own) for draft, own in entries if sum(bool(entry.scores) for entry in own.values()) > 1]
    trained = sorted({one for _, own in entries for one in own}, key=lambda one: one.place)
    dropped = [one for one in trained if one.train_on == "others" and OWN in trained]
    lines = tuple(_line(column, draft, own, trained, dropped) for draft, own in entries)
    return SideBySide(home, variant, column, tuple(trained), tuple(dropped), lines)


def _entries(column: Column, draft: Draft) -> dict[Trained, Entry]:
    runs: dict[Trained, list[Run]] = defaultdict(list)
    for run in draft.runs:
        runs[trained_of(run)].append(run)
    return {one: gather(column, own) for one, own in runs.items()}


def _line(
    column: Column,
    draft: Draft,
    entries: Mapping[Trained, Entry],
    trained: Sequence[Trained],
    dropped: Sequence[Trained],
) -> Line:
    values = [entries[one].cell(column) if one in entries else Cell() for one in trained]
    drops = [_drop(column, draft, entries.get(OWN), entries.get(one)) for one in dropped]
    stands = {one.words: _over(entries[one].scores) for one in trained if one in entries and entries[one].scores}
    for one, (_, found) in zip(dropped, drops, strict=True):
        if found and found not in (stands[OWN.words], stands[one.words]):  # else it goes without saying
            stands[one.drop] = found
    over: dict[str, list[str]] = defaultdict(list)
    for name, words in stands.items():
        over[words].append(name)
    said = [words if len(over) == 1 else f"{', '.join(names)}: {words}" for words, names in over.items()]
    notes = (*draft.notes, *([wording.BLOCKS["transductive"]] if draft.transductive else []))
    return Line(draft.label, tuple(values), tuple(cell for cell, _ in drops), "; ".join(said), notes)


def _over(scores: Sequence[Scored]) -> str:
    """What scores stand on: subjects, seeds, stimuli."""
    counts = [score.defined for score in scores]
    return wording.over(sorted(map(_pair, scores)), (min(counts), max(counts)))


def _pair(score: Scored) -> Pair:
    return score.subject, score.seed


def _drop(column: Column, draft: Draft, own: Entry | None, other: Entry | None) -> tuple[Cell, str]:
    """The mean of `own` less `other`, signed so that a loss is positive, and what it stands on, "" for nothing."""
    if own is None or other is None or not own.scores or not other.scores:
        return Cell(), ""
    others = {_pair(score): score for score in other.scores}
    both = [(score, others[_pair(score)]) for score in own.scores if _pair(score) in others]
    chosen = {_pair(score) for score, _ in both}
    judged = [run for run in (*own.runs, *other.runs) if (run.record.spec.subject, run.record.spec.seed) in chosen]
    reasons = [draft.barred, *scoring_doubts(judged)] if both else ["no subject and seed has both"]
    paired = [_difference(column, a, b, alone=own.alone and other.alone) for a, b in both]
    reasons += [reason for reason in paired if isinstance(reason, str)]
    if reasons := list(dict.fromkeys(filter(None, reasons))):
        return Cell(notes=(f"no drop: {'; '.join(reasons)}",)), ""
    differences = [score for score in paired if isinstance(score, Scored)]
    value, ci = average(differences, _limits(column.bounds))
    people = len({score.subject for score in differences})
    few = f"{people} subjects: too few for an interval over subjects" if 1 < people < FEWEST_SUBJECTS else ""
    return Cell(value, ci, tuple(filter(None, [few]))), _over(differences)


def _difference(column: Column, own: Scored, other: Scored, *, alone: bool) -> Scored | str:
    """One run less another of the same subject and seed, by stimulus; in words why they do not pair.

    alone: a value on one stimulus does not depend on which other stimuli there are.
    """
    if own.items is None or other.items is None:
        return UNPAIRED
    first = dict(zip(own.stimuli, own.items.tolist(), strict=True))
    second = dict(zip(other.stimuli, other.items.tolist(), strict=True))
    stimuli = tuple(stimulus for stimulus in own.stimuli if stimulus in second)
    if not stimuli or (first.keys() != second.keys() and not alone):
        return sharing.OTHER_STIMULI.replace("methods", "runs")
    sign = 1.0 if column.higher_is_better else -1.0
    items = sign * np.array([first[stimulus] - second[stimulus] for stimulus in stimuli])
    known = items[np.isfinite(items)]
    if len(known) < (1 - sharing.MOST_UNDEFINED) * len(items):
        return UNDEFINED
    return Scored(own.subject, float(known.mean()), None, stimuli, items, len(items), None, own.seed)


def _limits(bounds: Limits) -> Limits:
    """Between what a difference of two values within these bounds lies."""
    low, high = bounds
    return (None, None) if low is None or high is None else (low - high, high - low)
