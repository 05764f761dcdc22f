"""Real recordings: finds, fetches, prepares and verifies the published files of a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eegbench import configuration
from eegbench.contracts import Progress
from eegbench.datasets import remote
from eegbench.datasets.recorded import Recorded
from eegbench.errors import InputError, UsageError, unknown
from eegbench.plugins import registry


def find(name: str, table: dict[str, object], *, root: Path | None, origin: str | None) -> Recorded:
    """The data set of this name with its options, also `root` and `origin`; UsageError for one that has no files."""
    kind = registry.find("dataset", name)
    if not issubclass(kind, Recorded):
        raise UsageError(f"data set {name!r} is computed: it has no files to fetch, prepare or verify")
    field: str = kind.origin
    if origin is not None and table.get(field, origin) != origin:
        raise UsageError(f"--from says {origin}, and --set {field}={table[field]}; give one of them")
    given = ({} if root is None else {"root": root}) | ({} if origin is None else {field: origin})
    dataset: Recorded = configuration.build(kind, table | given)
    return dataset


def fetch(
    dataset: Recorded, subjects: Sequence[int] | None, *, progress: Progress, offline: bool = False
) -> tuple[str, ...]:
    """The paths of the files that were downloaded, of those that these subjects need and that are not there.

    Raises ByHand for files that must be fetched by hand.
    """
    wanted = dataset.remote(_checked(dataset, subjects))
    return remote.fetch(wanted, dataset.root, progress=progress, offline=offline)


def prepare(dataset: Recorded, subjects: Sequence[int] | None, *, progress: Progress) -> list[Path]:
    """The folders of the prepared data of these subjects; of all subjects if None."""
    return dataset.prepare(_checked(dataset, subjects), tensors=_tensors, progress=progress)


def notes(dataset: Recorded, subjects: Sequence[int] | None) -> list[str]:
    """Faults of the signals that `prepare` found and did not change, a line each; of all subjects if None."""
    return dataset.notes(_checked(dataset, subjects))


def verify(dataset: Recorded, subjects: Sequence[int] | None, *, progress: Progress) -> tuple[list[str], list[str]]:
    """Problems with the prepared data, and notes on its signals, a line each; of all prepared subjects if None."""
    chosen = _checked(dataset, subjects or dataset.ready())
    problems = dataset.verify(chosen, progress=progress)
    try:
        examinations = dataset.examine(chosen, progress=progress)
    except InputError:
        if not problems:
            raise
        return problems, []  # which say that the arrays are damaged
    refusals = [f"{name}: {examination.refusal}" for name, examination in examinations.items() if examination.refusal]
    return problems + refusals, [
        f"{name}: {note}" for name, examination in examinations.items() for note in examination.notes
    ]


def _tensors(path: Path) -> Any:
    from eegbench.backbones.tensors import read_tensors_as_arrays  # late: only some recordings are torch's files

    return read_tensors_as_arrays(path)


def _checked(dataset: Recorded, subjects: Sequence[int] | None) -> Sequence[int]:
    for subject in subjects or ():
        if subject not in dataset.subjects:
            raise unknown("subject", str(subject), dataset.subjects)
    return subjects or dataset.subjects
