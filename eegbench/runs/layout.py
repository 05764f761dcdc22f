"""Where a run lies, and what each file of its folder is called.

A run's folder is <runs>/<dataset>/<track>/<method>/sub-08/seed-0. The first run to come takes that name. A run
that differs from it (another configuration, another number of samples, other weights) stands beside it, with the
first 8 hex digits of its identity behind the name: seed-0-1a2b3c4d. A run of the same identity is taken up again
wherever it stands.
"""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from eegbench.errors import EegbenchError, InputError, UsageError
from eegbench.files import digest, file_digest, writing
from eegbench.guards.fields import as_json
from eegbench.runs.record import ManifestRow, RunRecord, RunSpec

RECORD, SHEET, TABLE = "run.json", "scores.json", "scores.csv"
IMAGES = "reconstructions"
PICTURE = "reconstructions.png"
PERMUTED, CONTROLS, EMBEDDING = "permuted", "controls", "embedding.safetensors"
TARGETS, SALIENCY = "targets.safetensors", "saliency.safetensors"  # of the true images; maps as the judge sees them
TEXTS = "texts.safetensors"  # embeddings of the concepts' texts, where zero-shot classification was asked for
LOCKS = ".locks"  # below the folder of runs
STUDY = ".study"  # below the folder of runs: what a study says of its work. It is no part of a run
PERMUTATION = f"{PERMUTED}/permutation.json"  # whose EEG each stimulus got, and the digest of every image
BESIDE = (TABLE, TARGETS, TEXTS, SALIENCY, PICTURE, PERMUTATION)  # what a score sheet has the digests of
# Kept as a record, no part of an identity: these move with a machine's rounding.
INFORMATIVE = ("queries", "embedding", "controls", "reconstructions")
SAMPLE = re.compile(r"^(?P<stimulus>.+)\.sample-(?P<sample>[1-9]\d*)$")


def write_record(folder: Path, record: RunRecord) -> None:
    """run.json of a run's folder."""
    with writing(folder / RECORD):
        record.write(folder / RECORD)


def image_name(stimulus: str, sample: int = 0) -> str:
    """<stimulus id>, or <stimulus id>.sample-<k> from the second sample on."""
    return stimulus if sample == 0 else f"{stimulus}.sample-{sample}"


def image_file(stimulus: str, sample: int = 0) -> PurePosixPath:
    """<stimulus id>.png, or <stimulus id>.sample-<k>.png from the second sample on.

    Raises InputError for an id that would lead out of the folder, or that reads like a sample of another.
    """
    file = f"{image_name(stimulus, sample)}.png"
    try:
        ManifestRow(stimulus, sample, file, digest(stimulus))
    except InputError as error:
        raise InputError(f"stimulus id {stimulus[:200]!r} cannot name a file: {error}") from None
    if SAMPLE.match(stimulus):
        raise InputError(f"stimulus id {stimulus!r} ends like a sample's file name; rename the stimulus")
    return PurePosixPath(file)


def identity(spec: RunSpec, digests: Mapping[str, str]) -> str:
    """The sha256 (hex) of a run's specification, fitted state and weights: runs with the same one are the same run."""
    shaping = {name: value for name, value in digests.items() if name not in INFORMATIVE}
    return digest({"spec": as_json(spec), "digests": shaping})


def place(runs: Path, spec: RunSpec, digests: Mapping[str, str]) -> Path:
    """The folder of this run, by the rule at the head of this file; nothing is written."""
    key = identity(spec, digests)
    plain = runs / spec.folder
    beside = plain.with_name(f"{plain.name}-{key[:8]}")
    holders = {folder: _holder(folder) for folder in (plain, beside)}
    for wanted in (key, None):
        for folder, holder in holders.items():
            if holder == wanted:
                return folder
    raise InputError(f"{beside}: holds a run of another identity; move it away")


def lock(runs: Path, *what: str) -> Path:
    """The file that is there while a process makes something below a folder of runs; it is no part of a run."""
    return runs / LOCKS / f"{digest(list(what))[:32]}.lock"


def existing(folder: Path) -> RunRecord | None:
    """The record of a run's folder, or None where there is none."""
    return RunRecord.read(folder / RECORD) if (folder / RECORD).exists() else None


def digests_beside(folder: Path) -> dict[str, str]:
    """The sha256 of each file beside the images that a score sheet binds, by name, of those that are there."""
    return {name: file_digest(folder / name) for name in BESIDE if (folder / name).is_file()}


def forget_results(folder: Path) -> None:
    """Take away what was computed from earlier images, so that nothing outlives the images that it describes."""
    for name in (SHEET, TABLE, PICTURE, EMBEDDING, TARGETS, TEXTS, SALIENCY):
        with writing(folder / name):
            (folder / name).unlink(missing_ok=True)


def _holder(folder: Path) -> str | None:
    try:
        record = existing(folder)
    except EegbenchError as error:
        raise InputError(f"{error}; move the folder away, or choose another folder of runs") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{folder}: cannot be read ({reason}); choose another folder of runs") from error
    return None if record is None else identity(record.spec, record.digests)
