"""Real recordings: from the published files on disk to what the data sets read."""

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
    """The data set with its options, `root` and `origin` among them; UsageError for one that has no files."""
    kind = registry.find("dataset", name)
    if not issubclass(kind, Recorded):
        raise UsageError(f"data set {name!r} is computed: it has no files to fetch, prepare or verify")
    field: str = kind.origin
    if origin is not None and table.get(field, origin) != origin:
        raise UsageError(f"--from says {origin}, and --set {field}={table[field]}; give one of them")
    given = ({} if root is None else {"root": root}) | ({} if origin is None else {field: origin})
    found: Recorded = configuration.build(kind, table | given)
    return found


def fetch(
    dataset: Recorded, subjects: Sequence[int] | None, *, progress: Progress, offline: bool = False
) -> tuple[str, ...]:
    """Download what these subjects need and is not there; the paths that came. Raises ByHand for the rest."""
    wanted = dataset.remote(_checked(dataset, subjects))
    return remote.fetch(wanted, dataset.root, progress=progress, offline=offline)


def prepare(dataset: Recorded, subjects: Sequence[int] | None, *, progress: Progress) -> list[Path]:
    """The folders that are prepared now, of all subjects if None."""
    return dataset.prepare(_checked(dataset, subjects), tensors=_tensors, progress=progress)


def notes(dataset: Recorded, subjects: Sequence[int] | None) -> list[str]:
    """What `prepare` found wrong with the signals, and left, a line each; of all subjects if None."""
    return dataset.notes(_checked(dataset, subjects))


def verify(dataset: Recorded, subjects: Sequence[int] | None, *, progress: Progress) -> tuple[list[str], list[str]]:
    """What is wrong with the prepared data, and what is to be known of its signals, a line each.

    Of all subjects that are prepared if None.
    """
    chosen = _checked(dataset, subjects or dataset.ready())
    problems = dataset.verify(chosen, progress=progress)
    try:
        found = dataset.examine(chosen, progress=progress)
    except InputError:
        if not problems:
            raise
        return problems, []  # which say that the arrays are damaged
    refusals = [f"{name}: {each.refusal}" for name, each in found.items() if each.refusal]
    return problems + refusals, [f"{name}: {note}" for name, each in found.items() for note in each.notes]


def _tensors(path: Path) -> Any:
    from eegbench.backbones.tensors import read_tensors_as_arrays  # late: only some recordings are torch's files

    return read_tensors_as_arrays(path)


def _checked(dataset: Recorded, subjects: Sequence[int] | None) -> Sequence[int]:
    for subject in subjects or ():
        if subject not in dataset.subjects:
            raise unknown("subject", str(subject), dataset.subjects)
    return subjects or dataset.subjects
