"""RunSpec, RunRecord, Score, ScoreSheet: frozen, JSON in and out, with a schema version and a canonical hash.

What is read may come from a stranger: whatever stands in the file, reading it gives a checked record or InputError.
The same rules stand as JSON Schema in `eegbench/schemas/run.schema.json` and `scores.schema.json`.
"""

import dataclasses
import hashlib
import json
import math
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self

from eegbench import limits, migrations
from eegbench.budget import Budget, read_bytes
from eegbench.errors import InputError, short
from eegbench.fields import read_fields
from eegbench.limits import MAX_WHOLE, SHA256, SURROGATE, Free, OneOf, Sha256, Table, Text, Within

SCHEMA_VERSION = 2
STATISTICS = 2  # edition of the statistics: rises where intervals, floors or verdicts are made otherwise
STATUSES = ("started", "complete", "failed")
ROLES = ("method", "floor", "ceiling")
LEVEL = 0.05  # of the audit's test
LEAK_LEVEL = 0.01  # of its test for leaks: an honest method fails it once in a hundred audits
LEAK = "images made from another stimulus's EEG still match their stimulus"  # what that test finds, in words
CONTRIBUTES, NO_SIGN, CANNOT_TELL = (
    "EEG contributes",
    "no sign that the EEG contributes",
    "cannot tell",
)  # its verdict begins
RULES = ("pairing", "regenerated")  # by which an audit tests
TRACKS = ("eeg", "oracle", "ceiling")  # on "ceiling" stand the references, which are told the answers
SUITES = ("micro", "reference")  # of judges
PROTOCOLS = ("sal512", "me256")  # how images reach the judges
MAX_RECORD_BYTES = 64 * 2**20
MAX_DIGITS = 20  # of a whole number in JSON: seeds and byte counts stay below 2^64
MAX_IMAGES = 100_000  # in a manifest: six times THINGS-EEG2's training set
MAX_ITEMS = 10_000_000  # scored: folders of images may hold more than a run
MAX_METRICS = 200
MAX_VERSION = 10**9 - 1  # of a metric
MAX_PATH, MAX_NAME = 1000, 200  # characters of a path below a run's folder, and of one of its parts
MAX_VALUE = 1e12  # of a score: no metric comes near, and sums of such stay finite

Json = dict[str, Any]
Words = Annotated[str, Text()]
Digest = Annotated[str, Sha256()]
Digests = Annotated[dict[str, str], Table(Sha256())]
Object = Annotated[Json, Free()]
Count = Annotated[int, Within(0, MAX_WHOLE)]
Items = Annotated[int, Within(0, MAX_ITEMS)]
Number = Annotated[float | None, Within(-MAX_VALUE, MAX_VALUE)]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")  # a name is a folder too, on any system
_SEAL = re.compile(r'^ "seal": "([0-9a-f]*)"', re.MULTILINE)  # of the outermost object: one space stands before it
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.[^/]*)?", re.IGNORECASE)  # Windows' own
_INSIDE = re.compile(r"(?!/)(?:(?!\.\.?(?:/|$))[^/\\:\x00-\x1f\x7f]+(?:/(?!$)|$))+")  # below a folder, on any system


def is_inside(path: str) -> bool:
    """Whether `path` stays below the folder that it is joined to, and can name a file, on any system."""
    short = len(path) <= MAX_PATH and all(len(part) <= MAX_NAME for part in path.split("/"))
    inside = short and bool(_INSIDE.fullmatch(path)) and not SURROGATE.search(path)
    return inside and not any(map(_DEVICE.fullmatch, path.split("/")))


def canonical(value: object) -> str:
    """JSON with sorted keys and no white space; refuses NaN and infinity, so equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """sha256 of the canonical JSON, hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write to a temporary name beside `path`, then rename: a reader never sees half a file.

    The temporary name is the writer's own, so that two writers of one file cannot take it from each other.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> Json:
    """A JSON object from a file, all its numbers finite; raises InputError naming the file and what is wrong."""
    data = read_bytes(path, MAX_RECORD_BYTES, "a record")
    try:
        Budget(str(path), len(data)).json(data)
        value = json.loads(
            data.decode(),
            parse_constant=_no_constant,
            parse_float=_finite_float,
            parse_int=_short_int,
        )
    except (OSError, ValueError, RecursionError) as error:  # ValueError: not UTF-8, not JSON, or a number out of range
        raise InputError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds a {type(value).__name__}; wanted a JSON object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON: write null")


def _finite_float(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError("a number is too large")
    return number


def _short_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a whole number has {len(text)} digits; at most {MAX_DIGITS} are read")
    return int(text)


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides what a run computes. Two runs with the same `key` compute the same images."""

    dataset: str
    revision: str
    dataset_configuration: Object
    subject: Count
    track: Annotated[str, OneOf(TRACKS)]
    method: str
    configuration: Object
    seed: Count = 0
    samples: Annotated[int, Within(1, MAX_IMAGES)] = 1
    selection: str = "first"
    average: Annotated[int | str, Within(1, MAX_IMAGES)] = "all"

    def __post_init__(self) -> None:
        for what in ("dataset", "revision", "method", "selection"):
            check_name(what, getattr(self, what))
        limits.check(self)
        if isinstance(self.average, str) and self.average != "all":
            raise InputError(f"average is {short(self.average)}; wanted 'all' or a number of repetitions")
        if not isinstance(inner := self.dataset_configuration.get("inner", {}), dict):
            raise InputError(f"inner of dataset_configuration is {short(inner)}; wanted an object")

    @property
    def key(self) -> str:
        return digest(dataclasses.asdict(self))

    @property
    def folder(self) -> Path:
        """Below the runs folder: <dataset>/<track>/<method>/sub-08/seed-0."""
        return Path(self.dataset, self.track, self.method, f"sub-{self.subject:02d}", f"seed-{self.seed}")


@dataclass(frozen=True)
class ManifestRow:
    """One image that came out: where it is, below the run's folder, and the sha256 of its file."""

    stimulus: str
    sample: int
    file: str
    sha256: str

    def __post_init__(self) -> None:
        if not is_inside(self.file):
            raise InputError(f"manifest names {self.file[:200]!r}, which is not a path inside the run's folder")
        if not is_inside(self.stimulus):
            raise InputError(
                f"manifest names the stimulus {self.stimulus[:200]!r}; wanted an image's path without suffix"
            )
        if not 0 <= self.sample < MAX_IMAGES or not SHA256.fullmatch(self.sha256):
            raise InputError(f"manifest, {self.stimulus!r}: wanted a sample from 0 and a sha256 of 64 hex digits")


@dataclass(frozen=True)
class RunRecord:
    """What was run, on what, from what, what came out. `role` is method, floor or ceiling.

    seal: sha256 of the file without it (`is_sealed`). It shows a change that nobody meant; who means one can seal it
    anew, which is why `eegbench verify` computes the scores again.
    """

    spec: RunSpec
    role: Annotated[str, OneOf(ROLES)]
    simulated: bool
    caution: Words = field(default="", kw_only=True)  # what every table of the data set must say, with references
    transductive: bool = field(default=False, kw_only=True)  # the method used all test trials at once: never ranked
    status: Annotated[str, OneOf(STATUSES)]
    environment: Object  # package versions, device, dtype, TF32 and cuDNN flags, commit, dirty
    digests: Digests  # data and weights by name
    manifest: tuple[ManifestRow, ...] = ()
    seconds: Annotated[dict[str, float], Table(Within(0, MAX_VALUE))] = field(default_factory=dict)
    peak_memory_bytes: Count = 0
    reason: Words = ""  # why it failed
    seal: Digest = field(default="", compare=False)
    schema_version: int = SCHEMA_VERSION

    def write(self, path: Path) -> None:
        """Write the record, sealed."""
        write_text(path, sealed(dataclasses.asdict(self)))

    @property
    def images(self) -> str:
        """`files_digest` of the manifest."""
        return files_digest((row.stimulus, row.sample, row.sha256) for row in self.manifest)

    def __post_init__(self) -> None:
        _check_version(self.schema_version)
        limits.check(self)
        _check_count("the manifest", len(self.manifest), MAX_IMAGES, "images")
        if len({(row.stimulus, row.sample) for row in self.manifest}) < len(self.manifest):
            raise InputError("the manifest names a stimulus and sample twice")

    @classmethod
    def read(cls, path: Path, *, manifest: bool = True) -> Self:
        """Read and check a record; raises InputError naming the file and the field.

        With `manifest=False` its rows are neither checked nor kept: they are most of a record, and who opens no
        image has no use for them.
        """
        value = read_json(path)
        try:
            value = _current(value, migrations.RECORD)
            if isinstance(rows := value.get("manifest"), list):
                _check_count("the manifest", len(rows), MAX_IMAGES, "images")
                value["manifest"] = rows if manifest else []
            return read_fields(cls, value, "run record")
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


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
        None  # how many the value stands on, where some of the run's were undefined
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

    p: of no contribution. stimuli: how many it stands on. carried_by: the metrics whose adjusted p is at most .05, the
    clearest first. visible: by metric the smallest contribution that so many stimuli show in 4 of 5 cases. leak_p: on
    the track `eeg`, of images from permuted EEG not belonging to their stimuli: they do where something else than the
    EEG says what was shown.
    """

    rule: Annotated[str, OneOf(RULES)]
    p: Annotated[float, Within(0, 1)]
    stimuli: Annotated[int, Within(1, MAX_IMAGES)]
    carried_by: tuple[str, ...] = ()
    visible: Annotated[dict[str, float], Table(Within(0, MAX_VALUE), MAX_METRICS)] = field(default_factory=dict)
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
    files: Annotated[dict[str, str], Table(Sha256(), MAX_IMAGES)] = field(default_factory=dict)
    subset: Words = ""  # "50 of 200 stimuli" where a part was scored, as asked; empty for the whole
    seal: Digest = field(default="", compare=False)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        _check_version(self.schema_version)
        limits.check(self)
        if astray := next((name for name in self.files if not is_inside(name)), None):
            raise InputError(f"files names {astray[:200]!r}, which is not a path inside the run's folder")
        _check_count("the sheet", len(self.metrics), MAX_METRICS, "metrics")
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
        """Nothing says more than the audit beside it."""
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
            name: {k: v for k, v in score.items() if k != "metric"} for name, score in value["metrics"].items()
        }
        return sealed(value)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check; raises InputError naming the file and the field."""
        value = read_json(path)
        try:
            value = _current(value, migrations.SHEET)
            value["metrics"] = _with_names(value.get("metrics"))
            return read_fields(cls, value, "score sheet")
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def finite(value: float) -> float | None:
    """`value` as JSON can hold it: None for NaN and infinity."""
    return float(value) if math.isfinite(value) else None


def check_name(what: str, name: str) -> str:
    """Return `name` if it is one: letters, digits and . _ + -, no white space, at most 128; else raise InputError."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{what} is {name[:200]!r}; a name has letters, digits and . _ + - only, at most 128")
    return name


def files_digest(rows: Iterable[tuple[str, int, str]]) -> str:
    """One digest of a set of images: of (stimulus, sample, sha256 of the file), in any order."""
    return digest(sorted(map(list, rows)))


def sealed(value: Json) -> str:
    """The text of a record's or sheet's file, with its seal: sha256 of the same text with an empty one."""
    text = json.dumps({**value, "seal": ""}, indent=1, sort_keys=True, allow_nan=False) + "\n"
    return _SEAL.sub(f' "seal": "{hashlib.sha256(text.encode()).hexdigest()}"', text, count=1)


def is_sealed(text: str) -> bool:
    """Whether a file is, to the byte, what was sealed: also a digit that no number would show breaks it."""
    found = _SEAL.findall(text)
    bare = _SEAL.sub(' "seal": ""', text, count=1)
    return len(found) == 1 and hashlib.sha256(bare.encode()).hexdigest() == found[0]


def _current(value: Json, steps: migrations.Steps) -> Json:
    """`value` as SCHEMA_VERSION has it; first of all, for another version may have other fields."""
    found = value.get("schema_version")
    if type(found) is not int or not (found == SCHEMA_VERSION or found in steps):
        raise InputError(
            f"schema version {str(found)[:80]!r}; this eegbench reads {', '.join(map(str, [*steps, SCHEMA_VERSION]))}"
        )
    while value["schema_version"] != SCHEMA_VERSION:
        value = steps[value["schema_version"]](value)
    return value


def _check_version(version: object) -> None:
    if type(version) is not int or version != SCHEMA_VERSION:
        raise InputError(f"schema version {str(version)[:80]!r}; this eegbench writes {SCHEMA_VERSION}")


def _check_count(what: str, count: int, most: int, of: str) -> None:
    if count > most:
        raise InputError(f"{what} has {count} {of}; at most {most} are read")


def _with_names(metrics: object) -> Json:
    """The scores of a sheet with each one's name, which the file holds as its key."""
    if not isinstance(metrics, dict) or not all(isinstance(entry, dict) for entry in metrics.values()):
        raise InputError("metrics: wanted an object that holds an object for each metric")
    if any("metric" in entry for entry in metrics.values()):
        raise InputError("metrics: 'metric' is unknown; a score's name is its key")
    return {name: {**entry, "metric": name} for name, entry in metrics.items()}
