"""Compares two runs metric by metric: difference, interval, test, and the smallest difference that could be seen.

Both runs scored the same stimuli, so their values are paired by stimulus id. For each metric of single stimuli:

- the mean difference A - B, with a 95 % interval over stimuli and a two-sided p (`statistics.paired_test`). p is the
  larger of sign flips, which are exact for interchangeable methods only, and of the studentised bootstrap, which also
  follows differences that are skewed around zero. p <= .05 and an interval that holds zero never stand together;
- p corrected for as many tests as there are metrics (Holm, A simple sequentially rejective multiple test procedure,
  1979). A difference is called significant by this p alone;
- the smallest true difference that this many stimuli show in four of five cases at a level of .05 before correction,
  from the spread of the differences (`statistics.minimum_detectable`).

Where there are so few pairs that no difference, however large, could have a Holm p of .05 or less, two things are left
out: the smallest visible difference, and which run is better.

Levels and power of the test, and coverage of its interval, are measured by `perf/statistics.py`. For hits and misses
of equal methods, fewer than 5 % of the tests find a difference: many differences are zero, so that p takes few values.
The test errs on the safe side.

A metric of a whole set (is, kid, fid) has no pairs: its two values at this n are shown without a test.
All of this is about stimuli: another seed, another fit or another subject may differ by more.
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench import seeds, statistics
from eegbench.errors import InputError, UsageError
from eegbench.files import canonical
from eegbench.metrics import METRICS
from eegbench.runs.folder import Run, open_scored
from eegbench.runs.record import RunRecord
from eegbench.runs.sheet import Score, ScoreSheet

LEVEL = 0.05
SEEN = ("train-on", "calibration", "others", "scale", "view")  # which no floor and no ceiling depends on

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """One metric's paired differences. pairs: stimuli where both runs have a value; a, b: their means over those."""

    pairs: int
    a: float
    b: float
    difference: float
    ci: tuple[float, float] | None
    p: float
    p_holm: float
    detectable: float | None

    @property
    def significant(self) -> bool:
        return self.p_holm <= LEVEL


@dataclass(frozen=True)
class Compared:
    """One metric of both runs. `paired` is None for a metric of a whole set.

    better: "A", "B", or "" if they are equal, have too few pairs to tell, or cannot be tested.
    """

    version: int
    variant: str
    higher_is_better: bool
    a: float
    b: float
    difference: float
    better: str
    significant: bool
    unverified: bool  # judged by weights that are not the published ones
    paired: Paired | None
    bounds: tuple[float | None, float | None] | None = None  # of the metric: no value or interval is shown outside


@dataclass(frozen=True)
class Side:
    """The run on one side of a comparison. key: of its specification."""

    folder: str
    method: str
    role: str
    track: str
    seed: int
    samples: int
    key: str
    transductive: bool = False


@dataclass(frozen=True)
class Comparison:
    """Everything that `eegbench compare` says."""

    a: Side
    b: Side
    dataset: str
    subject: int
    simulated: bool
    caution: str
    suite: str
    protocol: str
    stimuli: int
    metrics: dict[str, Compared]
    left_out: dict[str, str]  # metric to the reason
    schema_version: int = 1

    @property
    def tests(self) -> int:
        return sum(compared.paired is not None for compared in self.metrics.values())

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, allow_nan=False) + "\n"


def compare(folder_a: Path, folder_b: Path) -> Comparison:
    """The comparison of two run folders: the same runs give the same bytes.

    Raises InputError for a folder that holds no complete and scored run, and for runs that are not comparable;
    UsageError if both folders are the same.
    """
    if os.path.realpath(folder_a) == os.path.realpath(folder_b):
        raise UsageError(f"{folder_a} is named twice; name two runs")
    a, b = open_scored(folder_a), open_scored(folder_b)
    check_comparable(a, b)
    reasons = {name: _why_not(name, a, b) for name in _ordered({*a.scores.metrics, *b.scores.metrics})}
    kept = [name for name, reason in reasons.items() if not reason]
    if not kept:
        raise InputError(f"A and B share no metric ({'; '.join(sorted(set(reasons.values())))}); score both again")
    tested = paired({name: (a.items[name], b.items[name]) for name in kept if name in a.items})
    spec = a.record.spec
    return Comparison(
        a=_side(a),
        b=_side(b),
        dataset=spec.dataset,
        subject=spec.subject,
        simulated=a.record.simulated,
        caution=" ".join(dict.fromkeys(filter(None, (a.record.caution, b.record.caution)))),
        suite=a.scores.suite,
        protocol=a.scores.protocol,
        stimuli=len(a.stimuli),
        metrics={
            name: _compared(a.scores.metrics[name], b.scores.metrics[name], tested.get(name), len(tested))
            for name in kept
        },
        left_out={name: reason for name, reason in reasons.items() if reason},
    )


def paired(values: Mapping[str, tuple[Array, Array]]) -> dict[str, Paired]:
    """By metric the paired differences of the values of A and B, both of shape (n,), in the order of the same stimuli.

    A stimulus where either is NaN is left out of that metric; each metric must keep at least one.
    """
    results: dict[str, Paired] = {}
    for name, (a, b) in values.items():
        differences = statistics.differences(a, b)
        defined = np.isfinite(differences)
        test = statistics.paired_test(differences, seed=seeds.seed("compare", name))
        reached = (
            statistics.least_p(int(defined.sum())) * len(values) <= LEVEL
        )  # else no difference could be significant
        detectable = statistics.minimum_detectable(differences) if reached and test.ci else None
        means = float(a[defined].mean()), float(b[defined].mean())
        results[name] = Paired(int(defined.sum()), *means, test.mean, test.ci, test.p, test.p, detectable)
    corrected = statistics.holm([result.p for result in results.values()])
    return {
        name: dataclasses.replace(result, p_holm=float(p))
        for (name, result), p in zip(results.items(), corrected, strict=True)
    }


def check_comparable(a: Run, b: Run) -> None:
    """Raise InputError for the first thing in which two runs differ that must be the same for their values to pair."""
    free = _free(a, b)
    settings_a, settings_b = settings(a.record, a.scores), settings(b.record, b.scores)
    for setting in [*settings_a, *sorted(settings_b.keys() - settings_a.keys())]:
        if setting not in free and (value_a := settings_a.get(setting)) != (value_b := settings_b.get(setting)):
            raise InputError(
                f"A and B differ in {setting}: {str(value_a)[:100]} and {str(value_b)[:100]}; "
                "name two runs that share it"
            )
    for kind, files_a, files_b in (
        ("the data", data(a.record), data(b.record)),
        ("the weights of the judge", a.scores.judges, b.scores.judges),
    ):
        for name in sorted(files_a.keys() & files_b.keys()):
            if files_a[name] != files_b[name]:
                raise InputError(
                    f"A and B differ in {kind} {name}: sha256 {files_a[name][:12]} and {files_b[name][:12]}; make or "
                    "score both runs with the same files"
                )
    if astray := sorted(a.stimuli ^ b.stimuli):
        shared = len(a.stimuli & b.stimuli)
        owner = "A" if astray[0] in a.stimuli else "B"
        raise InputError(
            f"A has {len(a.stimuli)} stimuli, B {len(b.stimuli)}, and they share {shared}: {astray[0]!r} is in {owner} "
            "alone; name two runs on the same stimuli"
        )


def _free(a: Run, b: Run) -> set[str]:
    """The settings in which two runs may differ.

    A ceiling is made from the answers, so that it depends neither on the track nor on the EEG. A floor that was made on
    the track `eeg` sees no more than the EEG, so that it is a floor for the track `oracle` too.
    """
    roles = {a.record.role, b.record.role}
    if "ceiling" in roles:
        return {"track", "average", "train stimuli", *SEEN}
    lent = any(run.record.role == "floor" and run.record.spec.track == "eeg" for run in (a, b))
    return ({"track"} if lent else set()) | (set(SEEN) if "floor" in roles else set())


def settings(record: RunRecord, sheet: ScoreSheet) -> dict[str, object]:
    """By name, the settings that two runs must share so that their values pair."""
    spec = record.spec
    options = {f"dataset.{key}": canonical(value) for key, value in sorted(spec.dataset_configuration.items())}
    return {
        "dataset": spec.dataset,
        "the revision of the data set": spec.revision,
        "whether the EEG is simulated": record.simulated,
        **options,
        "subject": spec.subject,
        "track": spec.track,
        "average": spec.average,
        "train-on": spec.train_on,
        "calibration": spec.calibration,
        "others": spec.others,
        "scale": spec.scale,
        "view": canonical({name: value for name, value in spec.view.items() if name != "train_stimuli"}),
        "train stimuli": spec.view.get("train_stimuli"),
        "suite": sheet.suite,
        "protocol": sheet.protocol,
    }


def data(record: RunRecord) -> dict[str, str]:
    """The digest of each file or array of the data set that a run was made of."""
    head = "data/"
    return {name.removeprefix(head): sha for name, sha in record.digests.items() if name.startswith(head)}


def _why_not(name: str, a: Run, b: Run) -> str:
    """Why a metric is left out; "" if it is not."""
    score_a, score_b = a.scores.metrics.get(name), b.scores.metrics.get(name)
    for side, score in (("A", score_a), ("B", score_b)):
        if score is None:
            return f"{side} was not scored on it"
        if score.value is None:
            return f"{side} has no value: {score.reason or 'no reason given'}"
    if score_a is None or score_b is None:
        return "not scored"
    if _release(score_a) != _release(score_b):
        return f"A has {_release(score_a)}, B {_release(score_b)}: score both with the same eegbench"
    if score_a.higher_is_better != score_b.higher_is_better:
        return "A and B do not agree on which direction is better: score both with the same eegbench"
    if (name in a.items) != (name in b.items):
        return f"only {'A' if name in a.items else 'B'} has its values by stimulus: score both again"
    if name not in a.items:
        return ""
    defined = np.isfinite(a.items[name]) & np.isfinite(b.items[name])
    return "" if defined.any() else "no stimulus has a value in both"


def _release(score: Score) -> str:
    mark = ", unverified weights" if score.unverified else ""
    return f"version {score.version}{f'-{score.variant}' if score.variant else ''}{mark}"


def _compared(a: Score, b: Score, tested: Paired | None, tests: int) -> Compared:
    values = (tested.a, tested.b) if tested else (a.value or 0.0, b.value or 0.0)
    difference = tested.difference if tested else values[0] - values[1]
    ahead = difference if a.higher_is_better else -difference
    testable = tested is not None and statistics.least_p(tested.pairs) * tests <= LEVEL
    better = ("A" if ahead > 0 else "B" if ahead < 0 else "") if testable else ""
    significant = tested is not None and tested.significant
    facts = (a.version, a.variant, a.higher_is_better, *values, difference, better, significant, a.unverified, tested)
    return Compared(*facts, a.bounds or b.bounds)


def _side(run: Run) -> Side:
    spec, record = run.record.spec, run.record
    facts = (spec.method, record.role, spec.track, spec.seed, spec.samples, spec.key)
    return Side(str(run.folder), *facts, record.transductive)


def _ordered(names: set[str]) -> list[str]:
    """Our own metrics in the order in which they are shown, then others by name."""
    return [name for name in METRICS if name in names] + sorted(names - METRICS.keys())
