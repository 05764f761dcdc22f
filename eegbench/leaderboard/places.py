"""Which rows of a table are ranked, over which runs, and in which block each stands, with the reason."""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from eegbench.leaderboard import sharing, wording
from eegbench.leaderboard.cells import BLOCKS, Pair
from eegbench.leaderboard.drafts import Draft, differing, pair_of
from eegbench.leaderboard.filling import named
from eegbench.runs.folder import Run


@dataclass(frozen=True)
class Place:
    """A draft in a block of the table, over some of its runs; reason: why it is neither ranked nor compared."""

    draft: Draft
    block: str
    runs: tuple[Run, ...]
    reason: str = ""


@dataclass(frozen=True)
class Layout:
    """The rows of a table from above, the pairs of subject and seed that its ranked methods share, how many stimuli.

    doubts: why even the ranked methods cannot be compared.
    """

    places: tuple[Place, ...]
    shared: tuple[Pair, ...]
    stimuli: tuple[int, int]
    doubts: tuple[str, ...]


def layout(drafts: Sequence[Draft], subjects: Sequence[int]) -> Layout:
    """Where each draft stands. subjects: over whom to rank; () leaves it to what most methods share."""
    reasons = {id(draft): _why_not(draft, subjects) for draft in drafts if draft.role == "method"}
    able = [draft for draft in drafts if reasons.get(id(draft)) == "" and not draft.transductive]
    ranked, shared = sharing.shared_runs([draft.pairs for draft in able], subjects)
    members = {id(able[place]) for place in ranked}
    judged = [run for draft in drafts if id(draft) in members for run in draft.runs if pair_of(run) in shared]
    stimuli, doubts = _shared_stimuli(judged), scoring_doubts(judged)
    places: list[Place] = []
    for draft in drafts:
        if id(draft) in members:
            places += _ranked(draft, shared, stimuli)
        elif draft.role == "method":
            places.append(_left_out(draft, reasons[id(draft)], shared))
        else:
            fit = draft if doubts else _unless_judged_otherwise(draft, judged)
            places.append(_reference(fit, {subject for subject, _ in shared}))
    counts = list(stimuli.values()) or [0]
    ordered = sorted(places, key=lambda place: BLOCKS.index(place.block))
    return Layout(tuple(ordered), tuple(sorted(shared)), (min(counts), max(counts)), doubts)


def why_not(draft: Draft) -> str:
    """Why a method could be ranked with none, whatever others have; "" if it could."""
    return draft.barred or draft.unfinished or (wording.BLOCKS["transductive"] if draft.transductive else "")


def _why_not(draft: Draft, subjects: Sequence[int]) -> str:
    if reason := draft.barred or draft.unfinished:
        return reason
    lacking = sorted(set(subjects) - draft.subjects)
    return f"no run on {wording.subjects(lacking)}" if lacking else ""


def _ranked(draft: Draft, shared: frozenset[Pair], stimuli: dict[int, int]) -> list[Place]:
    """A ranked method over what all share, and once more over all that it has where that is more."""
    runs = tuple(run for run in draft.runs if pair_of(run) in shared)
    more = len(runs) < len(draft.runs) or any(_count(run) > stimuli[run.record.spec.subject] for run in runs)
    return [Place(draft, "ranked", runs), *([Place(draft, "wider", draft.runs)] if more else [])]


def _left_out(draft: Draft, reason: str, shared: frozenset[Pair]) -> Place:
    if draft.transductive:
        return Place(draft, "transductive", draft.runs, reason)
    lacking = f"no run on {wording.over(sorted(shared))}, which the ranked methods share" if shared else ""
    return Place(draft, "left out", draft.runs, reason or lacking)


def _reference(draft: Draft, subjects: set[int]) -> Place:
    """A floor or ceiling, which is made once and serves all seeds of a subject, on the subjects of the ranked."""
    reason = draft.barred or (draft.unfinished if not draft.runs else "")
    if lacking := sorted(subjects - draft.subjects):
        reason = reason or f"no run on {wording.subjects(lacking)}, on which methods are ranked"
    if reason:
        return Place(draft, "left out", draft.runs, reason)
    runs = tuple(run for run in draft.runs if not subjects or run.record.spec.subject in subjects)
    return Place(draft, draft.role, runs)


def _unless_judged_otherwise(draft: Draft, judged: Sequence[Run]) -> Draft:
    """A floor or ceiling, barred if other judges, truths or stimuli scored it than the ranked methods."""
    doubts = list(scoring_doubts([*judged, *draft.runs])) if judged else []
    for run in draft.runs:
        beside = [other for other in judged if other.record.spec.subject == run.record.spec.subject]
        if beside and not doubts and not any(_same_stimuli(run, other) for other in beside):
            doubts.append("scored on other stimuli than the ranked methods")
    return dataclasses.replace(draft, barred=draft.barred or "; ".join(doubts))


def _same_stimuli(run: Run, other: Run) -> bool:
    """Whether two runs were scored on the same stimuli, or as many where it is not known which."""
    first, second = (scored.values.stimuli if scored.values else () for scored in (run, other))
    return _count(run) == _count(other) and (not first or not second or first == second)


def _count(run: Run) -> int:
    return run.sheet.n if run.sheet else 0


def _shared_stimuli(runs: Sequence[Run]) -> dict[int, int]:
    """By subject on how many stimuli all its runs were scored: the fewest of a run, where it is not known which."""
    counts: dict[int, int] = {}
    stimuli: dict[int, set[str] | tuple[str, ...]] = {}
    for run in runs:
        subject = run.record.spec.subject
        counts[subject] = min(counts.get(subject, _count(run)), _count(run))
        if run.values and run.values.stimuli:
            first = stimuli.setdefault(subject, run.values.stimuli)
            if first is not run.values.stimuli and first != run.values.stimuli:
                stimuli[subject] = set(first) & set(run.values.stimuli)
    return {subject: min(count, len(stimuli.get(subject, range(count)))) for subject, count in counts.items()}


def scoring_doubts(runs: Sequence[Run]) -> tuple[str, ...]:
    """Why runs cannot be compared: other judges, or other true images."""
    judges: dict[str, set[str]] = defaultdict(set)
    truths: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        if run.sheet:
            for judge, weights in run.sheet.judges.items():
                judges[judge].add(weights)
            truths[f"sub-{run.record.spec.subject:02d}"] |= {run.sheet.truths} - {""}
    doubts = []
    if unlike := differing(judges):
        doubts.append(f"the runs were scored by different weights of {', '.join(unlike)}: score them again")
    if unlike := differing(truths):
        doubts.append(f"the runs of {named(unlike)} were scored against different true images")
    return tuple(doubts)
