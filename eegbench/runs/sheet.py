"""Score, Audited, ScoreSheet: a run's scores.json. Frozen, JSON in and out, checked when it is made.

A sheet may come from a stranger: reading one gives a checked sheet, or raises InputError. The same rules are in
`eegbench/schemas/scores.schema.json`, as JSON Schema.
"""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Self

from eegbench.errors import InputError
from eegbench.files import Json, check_name, is_inside, read_json
from eegbench.guards import limits
from eegbench.guards.fields import read_fields
from eegbench.guards.limits import NamedValues, OneOf, Sha256, Within
from eegbench.runs.metric_facts import MetricFacts
from eegbench.runs.record import MAX_IMAGES, MAX_VALUE, Digest, Digests, Words, check_count
from eegbench.runs.seal import SCHEMA_VERSION, SHEET_STEPS, check_version, current, sealed

STATISTICS = 2  # edition of the statistics: rises where intervals, floors or verdicts are made otherwise
LEVEL = 0.05  # of the audit's test
LEAK_LEVEL = 0.01  # of its test for leaks: an honest method fails it once in a hundred audits
LEAK = "images made from another stimulus's EEG still match their stimulus"  # what that test finds, in words
CONTRIBUTES, NO_SIGN, CANNOT_TELL = (
    "EEG contributes",
    "no sign that the EEG contributes",
    "cannot tell",
)  # its verdict begins
RULES = ("pairing", "regenerated")  # by which an audit tests
SUITES = ("micro", "reference")  # of judges
BASES = {"sal512": 512, "me256": 256}  # px: how images reach the judges, by the first size of both sides
PROTOCOLS = tuple(BASES)
MAX_ITEMS = 10_000_000  # scored: folders of images may hold more than a run
MAX_METRICS = 200
MAX_VERSION = 10**9 - 1  # of a metric
Items = Annotated[int, Within(0, MAX_ITEMS)]
Number = Annotated[float | None, Within(-MAX_VALUE, MAX_VALUE)]


@dataclass(frozen=True)
class Score:
    """One metric of one run. NaN or a value that could not be computed is None, and `reason` says why.

    floor: what chance gives. permuted: the same metric on EEG permuted between stimuli, where that was run.
    """

    metric: str
    version: Annotated[int, Within(1, MAX_VERSION)]
    value: Number
    ci: tuple[float, float] | None
    higher_is_better: bool
    items: Annotated[int | None, Within(0, MAX_ITEMS)] = (
        None  # how many the value is computed from, where some of the run's were undefined
    )
    floor: Number = None
    permuted: Number = None
    contribution: Number = None  # value minus permuted, signed so that up is better
    contribution_ci: tuple[float, float] | None = None
    contribution_p: Annotated[float | None, Within(0, 1)] = (
        None  # of the audit by pairing, adjusted for the number of metrics
    )
    variant: str = ""  # how the judge departed from its default, as "half": behind the version, never averaged with it
    unverified: bool = False  # made with weights that are not the published ones
    bounds: tuple[float | None, float | None] | None = None  # the metric's; None in either place: no bound there
    reason: Words = ""
    facts: MetricFacts | None = None  # of a plug-in's metric; those of the package's own are known

    def __post_init__(self) -> None:
        check_name("metric", self.metric)
        limits.check(self, self.metric)
        if self.variant:
            check_name("variant", self.variant)
        ends = (*(self.ci or ()), *(self.contribution_ci or ()), *(self.bounds or ()))
        if any(abs(end) > MAX_VALUE for end in ends if end is not None):
            raise InputError(f"{self.metric}: an end of an interval beyond {MAX_VALUE:g}, where no metric comes")
        for low, high in filter(None, (self.ci, self.contribution_ci, self.bounds)):
            if low is not None and high is not None and not low <= high:
                raise InputError(f"{self.metric}: an interval from {low} to {high}")


@dataclass(frozen=True)
class Audited:
    """What the audit found. rule: "pairing" (images belong to their stimuli) or "regenerated" (they are better than
    those from permuted EEG: on the track `oracle`, and of more stimuli than all pairs are kept of).

    p: of no contribution. stimuli: how many it is computed from. carried_by: the metrics whose adjusted p is at most
    .05, the clearest first. visible: by metric the smallest contribution that so many stimuli show in 4 of 5 cases.
    leak_p: on the track `eeg`, of images from permuted EEG not belonging to their stimuli: they do where something else
    than the EEG says what was shown.
    """

    rule: Annotated[str, OneOf(RULES)]
    p: Annotated[float, Within(0, 1)]
    stimuli: Annotated[int, Within(1, MAX_IMAGES)]
    carried_by: tuple[str, ...] = ()
    visible: Annotated[dict[str, float], NamedValues(Within(0, MAX_VALUE), MAX_METRICS)] = field(default_factory=dict)
    leak_p: Annotated[float | None, Within(0, 1)] = None

    def __post_init__(self) -> None:
        limits.check(self, "the audit")
        if len(set(self.carried_by)) < len(self.carried_by):
            raise InputError("carried_by of the audit names a metric twice")


@dataclass(frozen=True)
class ScoreSheet:
    """All scores of one run: a run's scores.json.

    truths: digest of the true pictures. reconstructions: `files_digest` of the images that were scored, which a run's
    record has under the same name. files: sha256 of what was written beside the sheet, by path below the run's folder.
    seal: as a record's. Sheets of schema version 1 have none of these.
    """

    n: Items
    suite: Annotated[str, OneOf(SUITES)]
    protocol: Annotated[str, OneOf(PROTOCOLS)]
    metrics: dict[str, Score]
    judges: Digests = field(default_factory=dict)  # judge name to digest of its weights
    verdict: Words = ""  # the audit's, in words
    audit: Audited | None = None  # sheets of the first edition of the statistics have the verdict alone
    statistics: int = 1  # edition of intervals, floors and audit: what made those of this sheet (STATISTICS)
    caution: Words = ""  # what every table of the data set must say, with references
    truths: Digest = ""
    reconstructions: Digest = ""
    files: Annotated[dict[str, str], NamedValues(Sha256(), MAX_IMAGES)] = field(default_factory=dict)
    subset: Words = ""  # "50 of 200 stimuli" where a part was scored, as asked; empty for the whole
    seal: Digest = field(default="", compare=False)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        check_version(self.schema_version)
        limits.check(self)
        if astray := next((name for name in self.files if not is_inside(name)), None):
            raise InputError(f"files names {astray[:200]!r}, which is not a path inside the run's folder")
        check_count("the sheet", len(self.metrics), MAX_METRICS, "metrics")
        if not 1 <= self.statistics <= STATISTICS:
            raise InputError(f"edition {self.statistics} of the statistics; this eegbench knows 1 to {STATISTICS}")
        tested = self.audit is not None or any(score.contribution_p is not None for score in self.metrics.values())
        if tested and self.statistics == 1:
            raise InputError("edition 1 of the statistics has no p of an audit: the edition was changed afterwards")
        if self.statistics > 1:
            self._check_verdict()
        named = (*self.audit.carried_by, *self.audit.visible) if self.audit else ()
        if astray := next((name for name in named if name not in self.metrics), None):
            raise InputError(f"the audit names {astray[:200]!r}, of which the sheet has no score")

    def _check_verdict(self) -> None:
        """Raises InputError where a p or the verdict says more than the audit found."""
        by_metric = any(score.contribution_p is not None for score in self.metrics.values())
        if by_metric and (self.audit is None or self.audit.rule != "pairing"):
            raise InputError("scores have a p of the audit, and there is no audit by pairing")
        head = CANNOT_TELL if self.audit is None else CONTRIBUTES if self.audit.p <= LEVEL else NO_SIGN
        if not (self.verdict or self.audit) or self.verdict.startswith((head, CANNOT_TELL)):
            return
        raise InputError(f"the verdict is {self.verdict[:80]!r}; after this audit it begins with {head!r}")

    def to_json(self) -> str:
        value = dataclasses.asdict(self)
        value["metrics"] = {
            name: {k: v for k, v in score.items() if k != "metric" and (k, v) != ("facts", None)}
            for name, score in value["metrics"].items()
        }
        return sealed(value)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check; raises InputError naming the file and the field."""
        value = read_json(path)
        try:
            value = current(value, SHEET_STEPS)
            value["metrics"] = _with_names(value.get("metrics"))
            return read_fields(cls, value, "score sheet")
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def finite(value: float) -> float | None:
    """`value` as JSON can hold it: None for NaN and infinity."""
    return float(value) if math.isfinite(value) else None


def _with_names(metrics: object) -> Json:
    """The scores of a sheet with each one's name, which the file holds as its key."""
    if not isinstance(metrics, dict) or not all(isinstance(entry, dict) for entry in metrics.values()):
        raise InputError("metrics: wanted an object that holds an object for each metric")
    if any("metric" in entry for entry in metrics.values()):
        raise InputError("metrics: 'metric' is unknown; a score's name is its key")
    return {name: {**entry, "metric": name} for name, entry in metrics.items()}
