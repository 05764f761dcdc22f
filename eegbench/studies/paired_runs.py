"""Pairs the runs of several methods on one metric: the same subjects, the same number of seeds, the same stimuli."""

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

SHARED = 0.5  # the least share of stimuli in common; with fewer, the subjects saw other stimuli

Array = NDArray[np.float64]
BySubject = Mapping[int, Sequence[Run]]  # the runs of one method, in the order of their seeds


@dataclass(frozen=True)
class PairedRuns:
    """The values that pair. values: (methods, subjects, seeds, stimuli), all finite. runs: those with these values.

    notes: what is left out. unreadable: the runs that cannot be read; read: how many can be.
    """

    methods: tuple[str, ...]
    runs: tuple[Run, ...]
    values: Array
    notes: tuple[str, ...]
    unreadable: tuple[Unreadable, ...] = ()
    read: int = 0


def paired_runs(folder: Path, metric: str, methods: Sequence[str] = ()) -> PairedRuns:
    """The scored runs below a folder whose values pair, over the subjects, seeds and stimuli that all methods share.

    methods: which; by default all but floors and ceilings. Of several settings (data set, track, suite and so on) that
    with most methods, then most runs, is taken, and the notes name the others. Seeds are paired in their order, since
    methods are fitted independently. Raises UsageError for an unknown metric or method; InputError where no two methods
    pair, for a metric without values by stimulus, and for runs that were scored or made differently. Warns with a
    Notice of each run that cannot be read.
    """
    every, unreadable = read_found(find_runs(folder))
    for broken in unreadable:
        warnings.warn(broken.line(), Notice, stacklevel=2)
    scored = [run for run in every if run.sheet is not None and (methods or run.record.role == "method")]
    if not scored:
        raise InputError(f"{folder}: no scored run of a method lies below it; run `eegbench evaluate` first")
    _check_metric(metric, scored)
    valued = [run for run in scored if _values(run, metric) is not None]
    groups = _settings(_once(valued))
    by_method = {setting: _methods(runs, methods) for setting, runs in groups.items()}
    _check_names(methods, valued)
    order = sorted(by_method, key=lambda setting: (-len(by_method[setting]), -len(groups[setting]), setting))
    chosen = by_method[order[0]]
    if len(chosen) < 2:
        raise InputError(
            f"{folder}: {metric} of only one method ({', '.join(chosen) or 'none of those named'}) under one setting; "
            "a difference wants two on the same data, track and suite"
        )
    table = _table(metric, chosen)
    without = [run for run in every if run.record.role == "method" and _values(run, metric) is None]
    unvalued = [f"left out, no values of {metric}: {few([run.path for run in without])}"] if without else []
    other_settings = [
        f"left out, another setting: {_title(groups[setting][0])}; name its folder" for setting in order[1:]
    ]
    notes = (*unvalued, *other_settings, *table.notes)
    return PairedRuns(table.methods, table.runs, table.values, notes, tuple(unreadable), len(every))


def _check_metric(metric: str, runs: Sequence[Run]) -> None:
    """Raise UsageError where no run has the metric, InputError where it has no values by stimulus."""
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
    known = sorted({name for members in _settings(runs).values() for name in _labels(members)})
    for name in methods:
        if name not in known:
            raise unknown("method", name, known)
    if methods and len(set(methods)) < 2:
        raise UsageError(f"--methods names {methods[0]} alone; name two or more, with commas between them")


def _once(runs: Sequence[Run]) -> list[Run]:
    """The first run of each specification: a copied run adds nothing."""
    kept: dict[str, Run] = {}
    for run in runs:
        kept.setdefault(run.record.spec.key, run)
    return list(kept.values())


def _settings(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by their setting: all that they must share except the subject, as canonical JSON."""
    by_setting: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        assert run.sheet is not None
        shared = compare.settings(run.record, run.sheet) | {"samples": run.record.spec.samples}
        by_setting[canonical({name: value for name, value in shared.items() if name != "subject"})].append(run)
    return by_setting


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
        method if len(by_configuration) == 1 else f"{method}#{mark}": members
        for method, by_configuration in sorted(configurations.items())
        for mark, members in sorted(by_configuration.items())
    }


def _methods(runs: Sequence[Run], wanted: Sequence[str]) -> dict[str, dict[int, list[Run]]]:
    """By method and subject, the runs in the order of their seeds."""
    by_method: dict[str, dict[int, list[Run]]] = {}
    for name, members in _labels(runs).items():
        if not wanted or name in wanted:
            by_method[name] = defaultdict(list)
            for run in sorted(members, key=lambda run: run.record.spec.seed):
                by_method[name][run.record.spec.subject].append(run)
    return by_method


def _table(metric: str, methods: Mapping[str, BySubject]) -> PairedRuns:
    """The paired values over what all methods share; raises InputError where they share too little."""
    subjects = sorted(set.intersection(*(set(by_subject) for by_subject in methods.values())))
    if not subjects:
        raise InputError(f"{', '.join(methods)} share no subject; name those that do by --methods")
    seeds = min(len(by_subject[subject]) for by_subject in methods.values() for subject in subjects)
    used = [run for by_subject in methods.values() for subject in subjects for run in by_subject[subject][:seeds]]
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
    """Notes on methods that have more subjects or seeds than all share."""
    for kind, most in (("subjects", len(subjects)), ("seeds", seeds)):
        counts = {m: len(by) if kind == "subjects" else min(len(by[s]) for s in subjects) for m, by in methods.items()}
        if more := [f"{method} {count}" for method, count in counts.items() if count > most]:
            yield f"more {kind} than the {most} that all share: {', '.join(more)}; --methods narrows the choice"


def _check_same(metric: str, runs: Sequence[Run]) -> None:
    """Raise InputError where runs were scored by other judges or versions, or made of other data."""
    values_by_kind: dict[str, dict[str, None]] = defaultdict(dict)
    for run in runs:
        score = _score(run, metric)
        assert run.sheet is not None and score is not None
        values_by_kind[f"the version of {metric}"][f"{score.version} {score.variant} {score.unverified}"] = None
        for judge, weights in run.sheet.judges.items():
            values_by_kind[f"the weights of the judge {judge}"][weights] = None
        for name, sha256 in compare.data(run.record).items():
            values_by_kind[f"the data {name} of subject {run.record.spec.subject}"][sha256] = None
    for kind, values in values_by_kind.items():
        if len(values) > 1:
            raise InputError(f"the runs differ in {kind}; make or score them with the same files and eegbench")


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
