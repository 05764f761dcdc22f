"""Compares scores with a committed baseline, metric by metric, and says which numbers moved.

A run is found again by its specification, suite and protocol; a folder of images that `eegbench score` scored, by its
true images. How far a number may move depends on the stage: where the reconstructions are the same files, by rounding
alone (`identical`); where they were made anew, by `generated`. Both are in the baseline beside each number, so that a
change of a tolerance is seen in the file.

Where the reconstructions are the same files, the values by stimulus must be the same too: a baseline keeps two numbers
of each metric's (`sketches.py`), which move although the mean of the values does not.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from eegbench.checks import tolerances
from eegbench.checks.sketches import sketches
from eegbench.errors import InputError
from eegbench.files import check_name, digest, read_json
from eegbench.guards.fields import read_fields
from eegbench.guards.walking import Links, Note, unheard
from eegbench.runs.search import check_read, find_runs, read_found
from eegbench.runs.sheet import ScoreSheet

SCHEMA_VERSION = 1
FAILING = ("moved", "missing", "version fell", "other variant")
SKIPPED = ("not comparable", "left out")  # nothing is said of whether it moved


@dataclass(frozen=True)
class Known:
    """One metric's number in a baseline. identical, generated: the largest difference that is no drift.

    sketch: `sketches.sketch` of its values by stimulus; None where there are none, and in older baselines.
    """

    version: int
    variant: str
    value: float | None
    identical: float
    generated: float
    sketch: tuple[float, float] | None = None


@dataclass(frozen=True)
class Entry:
    """One run's numbers. key: identifies the run; images: digest of the files that were scored."""

    name: str
    key: str
    images: str
    metrics: dict[str, Known]


@dataclass(frozen=True)
class Baseline:
    """The content of a baseline file, as it is kept in a repository."""

    entries: tuple[Entry, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Comparison:
    """One metric of one run, or a whole run (metric ""), against the baseline.

    state: same; moved, missing, version fell or other variant, which fail; not comparable or left out; or new. stage:
    identical or generated.
    """

    run: str
    metric: str
    state: str
    before: float | None = None
    now: float | None = None
    tolerance: float | None = None
    stage: str = ""
    why: str = ""

    @property
    def failed(self) -> bool:
        return self.state in FAILING


def read_scores(path: Path, links: Links = Links.INSIDE, *, note: Note = unheard) -> tuple[Entry, ...]:
    """The numbers of a folder of runs, or of one score sheet. Raises InputError for neither, and for broken records.

    In a folder all runs must be complete and scored: an unfinished one raises an InputError that names it, and so does
    a link that is not followed. note: called for each run that cannot be read, after which CheckFailed is raised.
    """
    if path.is_file():
        sheet = ScoreSheet.read(path)
        if not sheet.truths:
            raise InputError(f"{path}: does not say which true images were scored; make it again with `eegbench score`")
        return (_entry(path.name, [sheet.truths, sheet.suite, sheet.protocol], sheet),)
    tree = find_runs(path, links)
    for line in tree.notes():
        note(line)
    tree.check_whole()
    runs, unreadable = read_found(tree)
    for broken in unreadable:
        note(broken.line())
    check_read(unreadable, len(runs), "a baseline over the others is no pass")
    entries = []
    for run in runs:
        if run.sheet is None:
            raise InputError(f"{run.folder}: {run.unscored}; finish it with `eegbench evaluate`, or move it away")
        key = [run.record.spec.key, run.sheet.suite, run.sheet.protocol]
        entries.append(_entry(run.path, key, run.sheet, sketches(run.values)))
    return tuple(entries)


def tables_unseen(known: Sequence[Entry]) -> bool:
    """Whether a baseline has nothing of the values by stimulus, as older ones have not."""
    return all(metric.sketch is None for entry in known for metric in entry.metrics.values())


def read_baseline(path: Path) -> tuple[Entry, ...]:
    """The entries of a baseline; raises InputError naming the file and the field."""
    value = read_json(path)
    try:
        if value.get("schema_version") != SCHEMA_VERSION:
            version = str(value.get("schema_version"))[:80]
            raise InputError(f"schema version {version!r} of a baseline; this eegbench reads {SCHEMA_VERSION}")
        entries = read_fields(Baseline, value, "baseline").entries
        for entry in entries:
            for name in entry.metrics:
                check_name("metric", name)
    except InputError as error:
        raise InputError(f"{path}: {error}; `eegbench check --update` writes one") from None
    if not entries:
        raise InputError(f"{path}: has no run, so nothing could fail; write it anew with `eegbench check --update`")
    if len({entry.key for entry in entries}) < len(entries):
        raise InputError(f"{path}: has a run twice; write it anew with `eegbench check --update`")
    return entries


def to_json(entries: Sequence[Entry]) -> str:
    """A baseline of these numbers: the same numbers give the same bytes."""
    ordered = Baseline(tuple(sorted(_firsts(entries).values(), key=lambda entry: (entry.name, entry.key))))
    value = dataclasses.asdict(ordered)
    for metric in (metric for entry in value["entries"] for metric in entry["metrics"].values()):
        if metric["sketch"] is None:
            del metric["sketch"]
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"


def comparisons(entries: Sequence[Entry], known: Sequence[Entry]) -> tuple[Comparison, ...]:
    """A comparison for every metric of every run, in the baseline or not. Of runs with one key the first counts."""
    by_key = _firsts(entries)
    findings = [
        Comparison(entry.name, "", "left out", why=f"the same run as {first.name}, which counts in its place")
        for entry in entries
        if (first := by_key[entry.key]) is not entry
    ]
    for entry in known:
        here = by_key.pop(entry.key, None)
        if here is None:
            findings.append(Comparison(entry.name, "", "missing", why="the baseline has this run"))
        else:
            findings += _metrics(here, entry)
    findings += [
        Comparison(entry.name, "", "new", why="the baseline does not have this run") for entry in by_key.values()
    ]
    return tuple(findings)


def failures(findings: Iterable[Comparison]) -> list[Comparison]:
    """The comparisons that fail a check."""
    return [finding for finding in findings if finding.failed]


def _firsts(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The entries by their keys; of several with one key, the first."""
    return {entry.key: entry for entry in reversed(entries)}


def _entry(
    name: str, key: list[str], sheet: ScoreSheet, tables: Mapping[str, tuple[float, float]] = MappingProxyType({})
) -> Entry:
    metrics = {
        metric: Known(
            score.version,
            score.variant,
            score.value,
            tolerances.identical(score, sheet.n),
            tolerances.generated(score, sheet.n),
            tables.get(metric),
        )
        for metric, score in sorted(sheet.metrics.items())
    }
    return Entry(name, digest(key), sheet.reconstructions, metrics)


def _metrics(here: Entry, entry: Entry) -> list[Comparison]:
    same = bool(entry.images) and here.images == entry.images
    findings = []
    for metric in [*entry.metrics, *(name for name in here.metrics if name not in entry.metrics)]:
        before, now = entry.metrics.get(metric), here.metrics.get(metric)
        if before is None or now is None:
            state = "new" if before is None else "missing"
            findings.append(Comparison(here.name, metric, state, _value(before), _value(now), why=_absent(before, now)))
        else:
            findings.append(_compared(here.name, metric, before, now, "identical" if same else "generated"))
    return findings


def _compared(run: str, metric: str, before: Known, now: Known, stage: str) -> Comparison:
    near = before.identical if stage == "identical" else before.generated
    comparison = Comparison(run, metric, "same", before.value, now.value, near, stage)
    releases = f"version {_release(before)}, now {_release(now)}"
    if now.version < before.version:
        return dataclasses.replace(comparison, state="version fell", why=releases)
    if now.version > before.version:
        return dataclasses.replace(comparison, state="not comparable", tolerance=None, stage="", why=releases)
    if now.variant != before.variant:  # another judge is no new definition
        return dataclasses.replace(comparison, state="other variant", why=releases)
    if before.value is None or now.value is None:
        state = "same" if before.value is now.value else "moved"
        return dataclasses.replace(comparison, state=state, why="" if state == "same" else "a value came or went")
    if abs(now.value - before.value) > near:
        return dataclasses.replace(
            comparison, state="moved", why=f"by {now.value - before.value:+.3g} without a new version"
        )
    if stage == "identical" and before.sketch is not None and not _alike(before.sketch, now.sketch, near):
        why = "values by stimulus" + (" are gone" if now.sketch is None else " moved, though their mean did not")
        return dataclasses.replace(comparison, state="moved", why=f"its {why}")
    return comparison


def _alike(before: tuple[float, float], now: tuple[float, float] | None, near: float) -> bool:
    return now is not None and all(abs(a - b) <= near for a, b in zip(before, now, strict=True))


def _release(known: Known) -> str:
    return f"{known.version}-{known.variant}" if known.variant else f"{known.version}"


def _value(known: Known | None) -> float | None:
    return None if known is None else known.value


def _absent(before: Known | None, now: Known | None) -> str:
    return "the baseline does not have this metric" if before is None else "the baseline has this metric"
