"""The rows of a table before it is known over which of their runs they are compared."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eegbench.files import canonical, digest
from eegbench.leaderboard.cells import Pair
from eegbench.leaderboard.filling import UNVERIFIED, Problem, named, note
from eegbench.leaderboard.variants import differences
from eegbench.runs.folder import Run
from eegbench.runs.record import ROLES
from eegbench.runs.sheet import Score

Key = tuple[int, str, str]  # role, method, configuration: one row


@dataclass(frozen=True)
class Draft:
    """One method in one configuration: its scored runs, and what is to be said of all that it has.

    barred: why it can be compared with none, "" if it can. unfinished: why it cannot be ranked though it could be
    compared, for a run of it has no scores.
    """

    label: str
    role: str
    method: str
    configuration: dict[str, Any]
    runs: tuple[Run, ...]
    notes: tuple[str, ...]
    barred: str
    unfinished: str
    transductive: bool

    @property
    def pairs(self) -> frozenset[Pair]:
        return frozenset(pair_of(run) for run in self.runs)

    @property
    def subjects(self) -> set[int]:
        return {run.record.spec.subject for run in self.runs}


def pair_of(run: Run) -> Pair:
    return run.record.spec.subject, run.record.spec.seed


def drafts_of(runs: Sequence[Run]) -> list[Draft]:
    """The drafts of a table's runs: methods, floors, ceilings, each by name."""
    members: dict[Key, list[Run]] = defaultdict(list)
    for run in runs:
        spec = run.record.spec
        members[ROLES.index(run.record.role), spec.method, canonical(spec.configuration)].append(run)
    labels = _labels(members)
    ordered = sorted(members, key=lambda key: (key[0], labels[key], key))
    return [_draft(labels[key], members[key]) for key in ordered]


def _draft(label: str, runs: Sequence[Run]) -> Draft:
    kept, repeated = _without_repeats(runs)
    scored = tuple(run for run in kept if run.sheet is not None)
    unscored = note(runs, [(run, run.unscored) for run in kept if run.sheet is None], "left out")
    unlike, unknown = _weight_doubts(scored)
    record = runs[0].record
    return Draft(
        label=label,
        role=record.role,
        method=record.spec.method,
        configuration=record.spec.configuration,
        runs=scored,
        notes=tuple(filter(None, (unscored, note(runs, repeated, "left out"), unknown))),
        barred=unlike or (UNVERIFIED if _all_unverified(scored) else ""),
        unfinished=_why_unfinished(kept, scored),
        transductive=any(run.record.transductive for run in kept),
    )


def _why_unfinished(kept: Sequence[Run], scored: Sequence[Run]) -> str:
    if len(scored) < len(kept):
        return "not all of its runs are complete and scored" if scored else "no run of it is complete and scored"
    return "" if any(_values(run) for run in scored) else "it has no value on any metric"


def _labels(keys: Iterable[Key]) -> dict[Key, str]:
    """A method's name, and in brackets what sets this configuration apart from its others in the table."""
    variants: dict[tuple[int, str], list[Key]] = defaultdict(list)
    for key in keys:
        variants[key[:2]].append(key)
    labels: dict[Key, str] = {}
    for (_, method), same in variants.items():
        options = {key: json.loads(key[2]) for key in same}
        for key, words in zip(options, differences(list(options.values()), "="), strict=True):
            labels[key] = f"{method} ({', '.join(words)})" if words else method
        if len({labels[key] for key in same}) < len(same):  # values that differ only past where they are cut
            labels |= {key: f"{labels[key]} #{digest(options[key])[:8]}" for key in same}
    return labels


def _without_repeats(runs: Sequence[Run]) -> tuple[list[Run], list[Problem]]:
    """Each specification once: a copy counted twice would weigh twice. The scored one stays, then the first by path."""
    kept: dict[str, Run] = {}
    repeated = []
    for run in sorted(runs, key=lambda r: (r.sheet is None, r.record.status != "complete", r.path)):
        first = kept.setdefault(run.record.spec.key, run)
        if first is not run:
            repeated.append((run, f"{run.path} has the same specification as {first.path}, which counts"))
    return sorted(kept.values(), key=lambda r: r.path), repeated


def _weight_doubts(runs: Sequence[Run]) -> tuple[str, str]:
    """Why the runs of a row are no one method, for other weights made some; and which weights nobody vouches for."""
    head, weights = "weights/", defaultdict(set)
    for run in runs:
        for name, sha256 in run.record.digests.items():
            if name.startswith(head):
                weights[name.removeprefix(head)].add(sha256)
    unknown = sorted(name for name, digests in weights.items() if "" in digests)
    unlike = differing(weights)
    return (
        f"its runs were made with different weights of {named(unlike)}" if unlike else "",
        f"made with weights of unknown digest: {named(unknown)}" if unknown else "",
    )


def _all_unverified(runs: Sequence[Run]) -> bool:
    scores = [score for run in runs for score in _values(run)]
    return bool(scores) and all(score.unverified for score in scores)


def _values(run: Run) -> list[Score]:
    """A run's scores that have a value."""
    return [score for score in run.sheet.metrics.values() if score.value is not None] if run.sheet else []


def differing(found: Mapping[str, set[str]]) -> list[str]:
    """The names with more than one value."""
    return sorted(name for name, values in found.items() if len(values) > 1)
