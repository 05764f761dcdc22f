"""RunSpec, ManifestRow, RunRecord: a run's run.json. Frozen, JSON in and out, checked when it is made.

A record may come from a stranger: reading one gives a checked record, or raises InputError. The same rules are in
`eegbench/schemas/run.schema.json`, as JSON Schema.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Self

from eegbench.errors import InputError, short
from eegbench.files import Json, check_name, digest, is_inside, read_json, write_text
from eegbench.guards import limits
from eegbench.guards.fields import as_json, read_fields
from eegbench.guards.limits import MAX_WHOLE, SHA256, Free, NamedValues, OneOf, Sha256, Text, Within
from eegbench.runs.seal import RECORD_STEPS, SCHEMA_VERSION, check_version, current, sealed

STATUSES = ("started", "complete", "failed")
ROLES = ("method", "floor", "ceiling")
METHOD_TRACKS = ("eeg", "oracle")  # on which methods run
TRACKS = (*METHOD_TRACKS, "ceiling")  # "ceiling" is that of the references, which get the answers
TRAINED_ON = ("own", "others", "all")  # whose training data a method is fitted on, seen from the test subject
SCALES = ("training", "test")
SIMULATED_EEG = "SIMULATED EEG"  # what every table and picture of a run on simulated EEG says
MAX_IMAGES = 100_000  # in a manifest: six times THINGS-EEG2's training set
MAX_VALUE = 1e12  # of a score: no metric comes near, and sums of such stay finite
Words = Annotated[str, Text()]
Digest = Annotated[str, Sha256()]
Digests = Annotated[dict[str, str], NamedValues(Sha256())]
Object = Annotated[Json, Free()]
Count = Annotated[int, Within(0, MAX_WHOLE)]


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides what a run computes. Two runs with the same `key` compute the same images.

    train_on: the subject's "own" training data; those of all "others", with `calibration` of the subject's own training
    stimuli; or of "all". others: how many of the others, drawn by seed; 0 is all of them. scale: by what a stranger's
    EEG is standardised, the "training" subjects' EEG, or that stranger's own of the "test", which is transductive.
    view: what of the EEG is seen; {} is all of it.
    """

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
    train_on: Annotated[str, OneOf(TRAINED_ON)] = field(default="own", metadata={"later": True})
    calibration: Annotated[int, Within(0, MAX_IMAGES)] = field(default=0, metadata={"later": True})
    others: Annotated[int, Within(0, MAX_IMAGES)] = field(default=0, metadata={"later": True})
    scale: Annotated[str, OneOf(SCALES)] = field(default="training", metadata={"later": True})
    view: Object = field(default_factory=dict, metadata={"later": True})

    def __post_init__(self) -> None:
        for what in ("dataset", "revision", "method", "selection"):
            check_name(what, getattr(self, what))
        limits.check(self)
        if isinstance(self.average, str) and self.average != "all":
            raise InputError(f"average is {short(self.average)}; wanted 'all' or a number of repetitions")
        for name in ("calibration", "others"):
            if self.train_on != "others" and (given := getattr(self, name)):
                raise InputError(f"{name} is {given}, and train_on {self.train_on}; it is for train_on others alone")
        if self.scale == "test" and not self.stranger:
            raise InputError("scale is test, and the subject is trained on; it is for train_on others, calibration 0")
        if not isinstance(inner := self.dataset_configuration.get("inner", {}), dict):
            raise InputError(f"inner of dataset_configuration is {short(inner)}; wanted an object")

    @property
    def stranger(self) -> bool:
        """Whether not one trial of the subject is trained on."""
        return self.train_on == "others" and not self.calibration

    @property
    def key(self) -> str:
        return digest(as_json(self))

    @property
    def folder(self) -> Path:
        """Below the runs folder: <dataset>/<track>/<method>/sub-08/seed-0."""
        return Path(self.dataset, self.track, self.method, f"sub-{self.subject:02d}", f"seed-{self.seed}")


@dataclass(frozen=True)
class ManifestRow:
    """One image of a run: its path below the run's folder, and the sha256 of its file."""

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
    """A run: its specification, data, weights, environment and images. `role` is method, floor or ceiling.

    seal: sha256 of the file without it (`is_sealed`). It shows an accidental change. A deliberate one can be sealed
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
    seconds: Annotated[dict[str, float], NamedValues(Within(0, MAX_VALUE))] = field(default_factory=dict)
    peak_memory_bytes: Count = 0
    training: Object = field(default_factory=dict, metadata={"later": True})  # on whom it was fitted, and on how much
    reason: Words = ""  # why it failed
    seal: Digest = field(default="", compare=False)
    schema_version: int = SCHEMA_VERSION

    def write(self, path: Path) -> None:
        """Write the record, sealed."""
        write_text(path, sealed(as_json(self)))

    @property
    def images(self) -> str:
        """`files_digest` of the manifest."""
        return files_digest((row.stimulus, row.sample, row.sha256) for row in self.manifest)

    def __post_init__(self) -> None:
        check_version(self.schema_version)
        limits.check(self)
        check_count("the manifest", len(self.manifest), MAX_IMAGES, "images")
        if len({(row.stimulus, row.sample) for row in self.manifest}) < len(self.manifest):
            raise InputError("the manifest names a stimulus and sample twice")

    @classmethod
    def read(cls, path: Path, *, manifest: bool = True) -> Self:
        """Read and check a record; raises InputError naming the file and the field.

        With `manifest=False` the rows of the manifest are neither checked nor kept: they are most of a record, and are
        needed only where images are opened.
        """
        value = read_json(path)
        try:
            value = current(value, RECORD_STEPS)
            if isinstance(rows := value.get("manifest"), list):
                check_count("the manifest", len(rows), MAX_IMAGES, "images")
                value["manifest"] = rows if manifest else []
            return read_fields(cls, value, "run record")
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def of_floor(view: Json) -> Json:
    """What of a run's view concerns its floors, which see no EEG: how many training stimuli there are."""
    return {name: value for name, value in view.items() if name == "train_stimuli"}


def files_digest(rows: Iterable[tuple[str, int, str]]) -> str:
    """One digest of a set of images: of (stimulus, sample, sha256 of the file), in any order."""
    return digest(sorted(map(list, rows)))


def check_count(what: str, count: int, most: int, of: str) -> None:
    if count > most:
        raise InputError(f"{what} has {count} {of}; at most {most} are read")
