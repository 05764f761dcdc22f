"""Runs of several methods on one metric, laid side by side: the same subjects, as many seeds, the same stimuli."""

import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench.errors import InputError, Notice, UsageError, unknown
from eegbench.files import canonical, digest
from eegbench.guards.walking import few
from eegbench.runs.folder import Run
from eegbench.runs.search import Unreadable, find_runs, read_found
from eegbench.runs.sheet import Score
from eegbench.studies import compare

SHARED = 0.5  # of the stimuli: subjects who have fewer in common saw others

Array = NDArray[np.float64]
BySubject = Mapping[int, Sequence[Run]]  # the runs of one method, in the order of their seeds


@dataclass(frozen=True)
class PairedRuns:
    """values: (methods, subjects, seeds, stimuli), all finite. runs: whose they are. notes: what is left out.

    unreadable: the runs that cannot be read; read: how many can be.
    """

    methods: tuple[str, ...]
    runs: tuple[Run, ...]
    values: Array
    notes: tuple[str, ...]
    unreadable: tuple[Unreadable, ...] = ()
    read: int = 0


def paired_runs(folder: Path, metric: str, methods: Sequence[str] = ()) -> PairedRuns:
    """The scored runs below a folder whose values pair, over the subjects, seeds and stimuli that all methods share.

    methods: which; without, all but floors and ceilings. Of several settings (data set, track, suite and so on) the one
    with most methods, then most runs, is taken, and the others are named. A seed of one method is paired with any of
    another, for they are fitted apart. Raises UsageError for an unknown metric or method; InputError where no two
    methods pair, for a metric without values by stimulus, and for runs that were scored or made differently.
    Warns with a Notice of each run that cannot be read.
    """
    every, unreadable = read_found(find_runs(folder))
    for one in unreadable:
        warnings.warn(one.line(), Notice, stacklevel=2)
    scored = [run for run in every if run.sheet is not None and (methods or run.record.role == "method")]
    if not scored:
        raise InputError(f"{folder}: no scored run of a method lies below it; run `eegbench evaluate` first")
    _check_metric(metric, scored)
    having = [run for run in scored if _values(run, metric) is not None]
    groups = _settings(_once(having))
    named = {setting: _methods(runs, methods) for setting, runs in groups.items()}
    _check_names(methods, having)
    order = sorted(named, key=lambda setting: (-len(named[setting]), -len(groups[setting]), setting))
    chosen = named[order[0]]
    if len(chosen) < 2:
        raise InputError(
            f"{folder}: {metric} of only one method ({', '.join(chosen) or 'none of those named'}) under one setting; "
            "a difference wants two on the same data, track and suite"
        )
    table = _table(metric, chosen)
    without = [run for run in every if run.record.role == "method" and _values(run, metric) is None]
    left = [f"left out, no values of {metric}: {few([run.path for run in without])}"] if without else []
    beside = [f"left out, another setting: {_title(groups[one][0])}; name its folder" for one in order[1:]]
    notes = (*left, *beside, *table.notes)
    return PairedRuns(table.methods, table.runs, table.values, notes, tuple(unreadable), len(every))


def _check_metric(metric: str, runs: Sequence[Run]) -> None:
    """Raise where no run has the metric, or only for its whole set."""
    by_item = {name: None for run in runs if run.values for name, _ in run.values.metrics}
    known = {name: None for run in runs if run.sheet for name in run.sheet.metrics}
    if metric not in known:
        raise unknown("metric", metric, by_item)
    if metric not in by_item:
        raise InputError(
            f"{metric} has no values by stimulus in these runs, so that nothing can be paired: name one of "
            f"{', '.join(by_item) or 'another folder'}"
        )


def _check_names(methods: Sequence[str], runs: Sequence[Run]) -> None:
    known = sorted({name for own in _settings(runs).values() for name in _labels(own)})
    for name in methods:
        if name not in known:
            raise unknown("method", name, known)
    if methods and len(set(methods)) < 2:
        raise UsageError(f"--methods names {methods[0]} alone; name two or more, with commas between them")


def _once(runs: Sequence[Run]) -> list[Run]:
    """Each specification once: a copied run adds nothing."""
    kept: dict[str, Run] = {}
    for run in runs:
        kept.setdefault(run.record.spec.key, run)
    return list(kept.values())


def _settings(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by all that they must share but the subject, as canonical JSON."""
    found: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        assert run.sheet is not None
        shared = compare.settings(run.record, run.sheet) | {"samples": run.record.spec.samples}
        found[canonical({name: value for name, value in shared.items() if name != "subject"})].append(run)
    return found


def _title(run: Run) -> str:
    assert run.sheet is not None
    spec = run.record.spec
    return f"{spec.dataset}, track {spec.track}, suite {run.sheet.suite}, protocol {run.sheet.protocol}"


def _labels(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by method; where a method has several configurations, with the digest of each behind its name."""
    configurations: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        configurations[run.record.spec.method][digest(run.record.spec.configuration)[:8]].append(run)
    return {
        method if len(own) == 1 else f"{method}#{mark}": members
        for method, own in sorted(configurations.items())
        for mark, members in sorted(own.items())
    }


def _methods(runs: Sequence[Run], wanted: Sequence[str]) -> dict[str, dict[int, list[Run]]]:
    """By method and subject its runs, in the order of their seeds."""
    found: dict[str, dict[int, list[Run]]] = {}
    for name, own in _labels(runs).items():
        if not wanted or name in wanted:
            found[name] = defaultdict(list)
            for run in sorted(own, key=lambda run: run.record.spec.seed):
                found[name][run.record.spec.subject].append(run)
    return found


def _table(metric: str, methods: Mapping[str, BySubject]) -> PairedRuns:
    """The table over what all share; raises InputError where that is nothing."""
    subjects = sorted(set.intersection(*(set(own) for own in methods.values())))
    if not subjects:
        raise InputError(f"{', '.join(methods)} share no subject; name those that do by --methods")
    seeds = min(len(own[subject]) for own in methods.values() for subject in subjects)
    used = [run for own in methods.values() for subject in subjects for run in own[subject][:seeds]]
    _check_same(metric, used)
    rows = [_values(run, metric) or {} for run in used]
    shared = sorted(set.intersection(*(set(row) for row in rows)))
    most = max(len(row) for row in rows)
    if len(shared) < max(2, SHARED * most):
        raise InputError(
            f"the runs share {len(shared)} of {most} stimuli with a value of {metric}; wanted the same ones"
        )
    values = np.array([[row[stimulus] for stimulus in shared] for row in rows])
    shape = (len(methods), len(subjects), seeds, len(shared))
    notes = [f"over {len(shared)} of {most} stimuli: those with a value everywhere"] if len(shared) < most else []
    return PairedRuns(tuple(methods), tuple(used), values.reshape(shape), (*notes, *_more(methods, subjects, seeds)))


def _more(methods: Mapping[str, BySubject], subjects: Sequence[int], seeds: int) -> Iterator[str]:
    """Which methods have runs that others lack."""
    for what, most in (("subjects", len(subjects)), ("seeds", seeds)):
        own = {m: len(by) if what == "subjects" else min(len(by[s]) for s in subjects) for m, by in methods.items()}
        if more := [f"{method} {count}" for method, count in own.items() if count > most]:
            yield f"more {what} than the {most} that all share: {', '.join(more)}; --methods narrows the choice"


def _check_same(metric: str, runs: Sequence[Run]) -> None:
    """Raise InputError where runs were scored by other judges or versions, or made of other data."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for run in runs:
        score = _score(run, metric)
        assert run.sheet is not None and score is not None
        found[f"the version of {metric}"][f"{score.version} {score.variant} {score.unverified}"] = None
        for judge, weights in run.sheet.judges.items():
            found[f"the weights of the judge {judge}"][weights] = None
        for name, sha256 in compare.data(run.record).items():
            found[f"the data {name} of subject {run.record.spec.subject}"][sha256] = None
    for what, values in found.items():
        if len(values) > 1:
            raise InputError(f"the runs differ in {what}; make or score them with the same files and eegbench")


def _score(run: Run, metric: str) -> Score | None:
    return run.sheet.metrics.get(metric) if run.sheet else None


def _values(run: Run, metric: str) -> dict[str, float] | None:
    """The finite values by stimulus; None where the run has none."""
    score = _score(run, metric)
    items = run.values.metrics.get((metric, score.version)) if run.values and score else None
    if items is None or run.values is None:
        return None
    pairs = zip(run.values.stimuli, items.tolist(), strict=True)
    return {stimulus: value for stimulus, value in pairs if np.isfinite(value)} or None
