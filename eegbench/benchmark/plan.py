"""The first stage: names and options in, a checked plan out. Nothing is fitted or written yet, no data set loaded."""

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eegbench.benchmark import people
from eegbench.benchmark.embedded import Embedded
from eegbench.benchmark.options import BATCH_SIZE, CHOICES, Options, check_protocol
from eegbench.benchmark.people import TrainedOn
from eegbench.configuration import keys
from eegbench.contracts import TRACKS, Dataset, Method, Queries, TrainingSet
from eegbench.datasets.captions import CaptionsFile, captioned, read
from eegbench.datasets.views import View
from eegbench.errors import InputError, UsageError, short, unknown
from eegbench.files import Json
from eegbench.guards.fields import written_fields
from eegbench.guards.limits import MAX_WHOLE
from eegbench.plugins import entering, registry
from eegbench.runs.record import MAX_IMAGES, RunSpec
from eegbench.runs.sheet import PROTOCOLS

# Options that some data sets have and that have a word of their own on the command line; what to say of the others.
RECORDED = {
    "train_repetitions": "does not let its training repetitions be chosen",
    "sessions": "does not tell sessions apart",
    "test_sessions": "does not tell sessions apart",
}


@dataclass(frozen=True)
class Plan:
    """A run that can be carried out: its specification and the objects that it names."""

    spec: RunSpec
    dataset: Dataset
    method: Method[Any]
    suite: str  # "micro" or "reference"
    protocol: str
    device: str
    runs: Path
    batch_size: int
    captions: CaptionsFile | None = None

    @functools.cached_property
    def queries(self) -> Queries:
        """The data set's queries, read and checked once."""
        queries = View.of(self.spec.view).of_queries(
            entering.queries(self.dataset, self.spec.subject, average=self.spec.average)
        )
        if (images := len(queries.stimuli) * self.spec.samples) > MAX_IMAGES:
            raise UsageError(f"{self.spec.samples} samples make {images} images; a run has {MAX_IMAGES} at most")
        return queries

    @property
    def images_at_once(self) -> int:
        """How many images a batch has: a transductive method is handed all trials at once."""
        return len(self.queries.stimuli) if self.method.transductive else self.batch_size

    def training(self) -> tuple[TrainingSet, TrainedOn]:
        """The training data, with the captions of the file where one was given, and whose they are."""
        train, trained_on = people.training_data(self.dataset, self.spec)
        return train if self.captions is None else captioned(train, self.captions), trained_on

    def train(self) -> TrainingSet:
        """The training data of `training`."""
        return self.training()[0]


def plan(method: str, subject: int, options: Options, *, device: str) -> Plan:
    """The checked plan of one run; `device` is a torch device, not "auto".

    Raises UsageError naming what there is: unknown method, data set, subject, track, suite, protocol or key; a
    track that the method does not support; a count or seed out of range. InputError for a faulty captions file.
    """
    built_dataset = dataset_of(options)
    built_method: Method[Any] = registry.built("method", method, options.method_table)
    _check(built_dataset, built_method, subject, options)
    captions = None if options.captions is None else read(options.captions)
    check_protocol(options)
    view = View.of(dict(options.view))
    captions_digest = {} if captions is None else {"captions_file": captions.sha256}
    spec = RunSpec(
        dataset=built_dataset.name,
        revision=built_dataset.revision,
        dataset_configuration=describe(built_dataset),
        subject=subject,
        track=options.track,
        method=built_method.name,
        configuration=describe(built_method) | captions_digest,
        seed=options.seed,
        samples=options.samples,
        average=options.repetitions,
        train_on=options.train_on,
        calibration=options.calibration,
        others=options.others,
        scale=options.scale,
        view=view.described(),
        selection="first" if options.samples == 1 else "mean",  # the mean over samples, never the best of them
    )
    info = entering.info(built_dataset)
    if spec.train_on != "own" and info.unit == "embedding":
        raise UsageError(f"published embeddings are one person's; --train-on {spec.train_on} wants EEG")
    people.people(built_dataset, spec)  # raises where there are no others
    view.info(info)
    return Plan(
        spec=spec,
        dataset=built_dataset,
        method=built_method,
        suite=suite_of(built_dataset, options.suite),
        protocol=options.protocol,
        device=device,
        runs=options.runs,
        batch_size=options.batch_size or BATCH_SIZE,
        captions=captions,
    )


def dataset_of(options: Options) -> Dataset:
    """The data set that the options name, with its own table of options.

    `embeddings`, a key of every data set, is a folder of published EEG embeddings that stand in the EEG's place.
    """
    table = dict(options.dataset_table)
    folder = table.pop("embeddings", None)
    for option, lacking in RECORDED.items():
        if option in table and option not in keys(registry.find("dataset", options.dataset)):
            raise UsageError(f"data set {options.dataset!r} {lacking}; leave {option} out")
    dataset: Dataset = registry.built("dataset", options.dataset, table)
    return dataset if folder is None else Embedded.of(dataset, Path(str(folder)))


def dataset_of_run(spec: RunSpec, settings: Mapping[str, object]) -> Dataset:
    """The data set that a run saw, from its record; `settings` are keys that a record does not hold: where it lies.

    Raises UsageError for a data set that is not known here, or where settings or revision make it another one.
    """
    configuration: Any = spec.dataset_configuration
    configuration = configuration.get("inner", configuration)  # of a run on embeddings: the data set's own
    dataset: Dataset = registry.built("dataset", spec.dataset, {**configuration, **settings})
    if describe(dataset) != configuration:
        raise UsageError(f"these settings make {spec.dataset} another than the runs saw; give only where it lies")
    if dataset.revision != spec.revision:
        raise UsageError(f"{spec.dataset} here is revision {dataset.revision}, the runs saw {spec.revision}")
    return dataset


def suite_of(dataset: Dataset, suite: str) -> str:
    """The suite; for "auto" micro, whose judges know drawn scenes alone, or reference, for photographs."""
    if suite != "auto":
        return suite
    return "micro" if dataset.simulated else "reference"


def describe(built: Any, *, without_stage: str = "") -> Json:
    """The fields of a data set's or method's dataclass as JSON values.

    Paths are left out, for they say where things lie and not what they are; so are fields whose metadata names
    the stage `without_stage`, and later ones that have their default (`guards/fields.py`).
    """
    fields = written_fields(built)
    names = [f.name for f in fields if not without_stage or f.metadata.get("stage") != without_stage]
    values = {name: getattr(built, name) for name in names}
    kept: Json = json.loads(
        json.dumps({name: value for name, value in values.items() if not isinstance(value, Path)}, default=_plain)
    )
    return kept


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return describe(value)
    raise InputError(f"{value!r} is a {type(value).__name__}: a configuration holds numbers, words, and lists of them")


def _check(dataset: Dataset, method: Method[Any], subject: int, options: Options) -> None:
    known = {
        "subject": (str(subject), [str(s) for s in dataset.subjects]),
        "track": (options.track, list(TRACKS)),
        "suite": (options.suite, list(CHOICES)),
        "protocol": (options.protocol, list(PROTOCOLS)),
    }
    for kind, (name, names) in known.items():
        if name not in names:
            raise unknown(kind, name, names)
    if options.track not in method.tracks:
        tracks = ", ".join(method.tracks)
        raise UsageError(f"method {method.name!r} does not run on the track {options.track!r}; it runs on: {tracks}")
    if not 0 <= options.seed <= MAX_WHOLE:
        raise UsageError(f"seed {short(options.seed)}; wanted 0 or more, below 2^64")
    for name, count in (("samples", options.samples), ("batch size", options.batch_size)):
        if count is not None and not 1 <= count <= MAX_IMAGES:
            raise UsageError(f"{name} {short(count)}; wanted 1 or more, {MAX_IMAGES} at most")
