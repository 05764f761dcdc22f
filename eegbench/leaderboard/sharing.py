"""What the methods of a table share, which is all that they may be ranked over: runs, and stimuli of a metric."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from eegbench.leaderboard.average import Scored
from eegbench.leaderboard.cells import Pair
from eegbench.leaderboard.filling import Entry, Kept

MOST_UNDEFINED = 0.1  # of a method's stimuli; with more it is not compared, rather than all others on what it has left

FEW = "fewer than two methods have a value that can be compared"
OTHER_STIMULI = "the methods were scored on different stimuli"
NO_STIMULUS = "there is no stimulus on which all methods have a value"


@dataclass(frozen=True)
class Compared:
    """Which rows are compared in a column, by their places, and over which stimuli; `reason` why there are none.

    kept: None where each of them has a value on all its stimuli, and these are the same.
    """

    rows: tuple[int, ...] = ()
    kept: Kept | None = None
    reason: str = ""


def shared_runs(having: Sequence[frozenset[Pair]], subjects: Sequence[int] = ()) -> tuple[list[int], frozenset[Pair]]:
    """The largest set of methods that share a run, by their places, and all the pairs of subject and seed they share.

    The pair that most methods have decides who belongs to it; of several such pairs the one whose methods share most,
    then the lowest. With `subjects` that is done for each of them in turn, among the methods that are left.
    """
    ranked = tuple(range(len(having)))
    steps: Sequence[int | None] = subjects or (None,)
    for subject in steps:
        members: dict[Pair, tuple[int, ...]] = defaultdict(tuple)
        for place in ranked:
            for pair in having[place]:
                if subject is None or pair[0] == subject:
                    members[pair] += (place,)
        if not members:
            return [], frozenset()
        common = {who: len(_common(having, who)) for who in set(members.values())}
        pivot = min(members, key=lambda pair: (-len(members[pair]), -common[members[pair]], pair))
        ranked = members[pivot]
    return list(ranked), _common(having, ranked)


def compared(entries: Sequence[Entry]) -> Compared:
    """Which of the ranked methods are compared in a column: those that have a value in each run, on the same stimuli.

    Stimuli on which one of them has no value are left out for all. A method without a value on more than a tenth of
    its stimuli is not compared. Methods that were scored on different stimuli are compared on those that they share,
    if the metric's value on a stimulus does not depend on the others.
    """
    rows = [place for place, entry in enumerate(entries) if not why_not(entry)]
    if len(rows) < 2:
        return Compared(reason=FEW)
    chosen = [entries[place] for place in rows]
    alike = _same_stimuli(chosen)
    if not all(entry.has_items for entry in chosen):
        return Compared(tuple(rows)) if alike else Compared(reason=OTHER_STIMULI)
    if not alike and not all(entry.alone for entry in chosen):
        return Compared(reason=OTHER_STIMULI)
    scores = [score for entry in chosen for score in entry.scores]
    if alike and all(score.defined == len(score.stimuli) for score in scores):
        return Compared(tuple(rows))
    kept = stimuli_of(scores)
    return Compared(tuple(rows), kept) if all(kept.values()) else Compared(reason=NO_STIMULUS)


def at_n(ranked: Sequence[Entry], others: Sequence[Entry]) -> tuple[int, int] | None:
    """Of a metric of whole sets on how many stimuli its values stand, the fewest and the most; None for others.

    Such is one that is known to be, and any other of which runs with values by stimulus have none. The values are those
    of ranked rows, and where these have none those of others.
    """
    own, beside = ([score for entry in entries for score in entry.scores] for entries in (ranked, others))
    scores = own or beside
    none = all(score.items is None for score in scores) and any(score.stimuli for score in scores)
    if not scores or not (none or any(entry.of_sets for entry in (*ranked, *others))):
        return None
    return min(score.n for score in scores), max(score.n for score in scores)


def why_not(entry: Entry) -> str:
    """Why a method's values on a metric are not compared, whatever others have; "" if they can be."""
    if entry.missing or not entry.scores:
        return "it does not have a value in each run that the methods share"
    if entry.unverified:
        return "its judge has other weights than the published ones"
    if _mostly_defined(entry):
        return ""
    unknown = "it is not known on which of its stimuli it has no value"
    return "it has no value on more than a tenth of its stimuli" if entry.has_items else unknown


def stimuli_of(scores: Sequence[Scored]) -> dict[int, frozenset[str]]:
    """By subject the stimuli on which all its scores have a value."""
    kept: dict[int, frozenset[str]] = {}
    for score in scores:
        assert score.items is not None
        own = frozenset(s for s, value in zip(score.stimuli, score.items.tolist(), strict=True) if math.isfinite(value))
        kept[score.subject] = kept[score.subject] & own if score.subject in kept else own
    return kept


def _common(having: Sequence[frozenset[Pair]], places: Sequence[int]) -> frozenset[Pair]:
    return frozenset.intersection(*(having[place] for place in places)) if places else frozenset()


def _mostly_defined(entry: Entry) -> bool:
    """Whether a method's values can be brought onto the stimuli of others: none undefined, or few and known which."""
    if not entry.has_items:
        return not entry.partial
    return all(score.defined >= (1 - MOST_UNDEFINED) * len(score.stimuli) for score in entry.scores)


def _same_stimuli(entries: Sequence[Entry]) -> bool:
    """Whether each subject's runs were scored on the same stimuli, or as many where it is not known which."""
    counts: dict[int, int] = {}
    stimuli: dict[int, tuple[str, ...]] = {}
    for score in (score for entry in entries for score in entry.scores):
        first = stimuli.setdefault(score.subject, score.stimuli) if score.stimuli else ()
        if counts.setdefault(score.subject, score.n) != score.n or (
            first is not score.stimuli and first != score.stimuli
        ):
            return False
    return True
