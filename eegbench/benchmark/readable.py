"""Can every verb read this run? What is taken in from others must not break a board, a comparison or a picture later.

Each reader reads as the verbs do that it names. Those of boards, which know nothing of a run's images, are brought
along by who takes runs in.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from eegbench import runs
from eegbench.benchmark import binding, gallery, score, scored, store
from eegbench.benchmark.score import Embeddings
from eegbench.datasets.images import read_image
from eegbench.errors import InputError, in_words
from eegbench.records import RunRecord

MAX_SIDE = 2048  # px of an image: some thirty are in memory at once when they are scored

Reader = Callable[[Path], object]


def problems(folder: Path, readers: Mapping[str, Reader] | None = None) -> Iterator[str]:
    """What stops one of the `readers`, or else of TABLES, in a complete run's folder: a line for each."""
    for file, read in (TABLES if readers is None else readers).items():
        try:
            read(folder)
        except Exception as error:  # a verb would end with it
            words = in_words(error)
            yield words if file in words else f"{file}: {words}"


def _scores(folder: Path) -> None:
    """As a board, `check`, `plan-size`, `compare` and `verify`; of a run without scores they read the record alone."""
    if not (folder / runs.SHEET).exists():
        runs.read(folder)
    else:
        scored.read(folder)


def _embeddings(folder: Path) -> None:
    """As `evaluate` and `verify`, which score retrieval from them."""
    record = RunRecord.read(folder / runs.RECORD)
    if (decoded := score.decoded_embeddings(folder, record)) is not None:
        _check_rows(folder / store.EMBEDDING, decoded, record)
    if (folder / store.TARGETS).exists():
        _check_rows(folder / store.TARGETS, score.stored_embeddings(folder / store.TARGETS, "targets"), record)


def _check_rows(file: Path, embeddings: Embeddings, record: RunRecord) -> None:
    wanted = {row.stimulus for row in record.manifest}
    if embeddings.keys() != wanted:
        raise InputError(f"{file}: has the embeddings of {len(embeddings)} stimuli; wanted the run's {len(wanted)}")
    kinds = {(row.dtype.kind, row.shape) for row in embeddings.values()}
    if len(kinds) != 1 or any(kind not in "fiu" or len(shape) != 1 or not shape[0] for kind, shape in kinds):
        raise InputError(f"{file}: holds something else than a row of numbers for each stimulus")


def _permutation(folder: Path) -> None:
    """As `verify`, and `evaluate` when it takes an audit up again."""
    binding.permuted_rows(folder)


def _saliency(folder: Path) -> None:
    """As an HTML board's gallery."""
    if (folder / store.SALIENCY).exists():
        record = RunRecord.read(folder / runs.RECORD)
        gallery.saliency_maps(folder / store.SALIENCY, [row.stimulus for row in record.manifest if not row.sample])


def _pictures(folder: Path) -> None:
    """As `sheet`, a gallery and whoever scores them; also the picture for a person."""
    rows = (*RunRecord.read(folder / runs.RECORD).manifest, *binding.permuted_rows(folder))
    for name in dict.fromkeys((*(row.file for row in rows), *binding.controls(binding.listed(folder)))):
        if max(read_image(folder / name).shape) > MAX_SIDE:
            raise InputError(f"{folder / name}: is larger than {MAX_SIDE} px; no reconstruction is")
    if (folder / store.PICTURE).exists():
        read_image(folder / store.PICTURE)


TABLES: Mapping[str, Reader] = {  # what is small, by the file that is read
    runs.TABLE: _scores,
    store.EMBEDDING: _embeddings,
    store.PERMUTATION: _permutation,
    store.SALIENCY: _saliency,
}
PICTURES: Mapping[str, Reader] = {"images": _pictures}
