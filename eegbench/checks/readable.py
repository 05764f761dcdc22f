"""Checks that every verb can read a run: a run from others must not break a board, a comparison or a picture later.

Each reader reads a part of the run as the verbs in its docstring do. The readers of boards, which know nothing of a
run's images, are passed in by the caller that takes runs in (`alone.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from eegbench.datasets.images import read_image
from eegbench.errors import InputError, in_words
from eegbench.runs import binding, layout
from eegbench.runs.folder import Run, open_scored
from eegbench.runs.record import RunRecord
from eegbench.runs.tensors import Embeddings, read_rows

MAX_SIDE = 2048  # px of an image: some thirty are in memory at once when they are scored

Reader = Callable[[Path], object]


def problems(folder: Path, readers: Mapping[str, Reader] | None = None) -> Iterator[str]:
    """What stops a reader in a complete run's folder, a line for each. readers: by default those of TABLES."""
    for file, read in (TABLES if readers is None else readers).items():
        try:
            read(folder)
        except Exception as error:  # a verb would end with it
            words = in_words(error)
            yield words if file in words else f"{file}: {words}"


def _scores(folder: Path) -> None:
    """Read record and scores as a board, `check`, `compare` and others do; of a run without scores the record alone."""
    if not (folder / layout.SHEET).exists():
        Run.open(folder)
    else:
        open_scored(folder)


def _embeddings(folder: Path) -> None:
    """Read decoded, target and text embeddings as `evaluate` and `verify` do, which score retrieval from them."""
    run = Run(folder, RunRecord.read(folder / layout.RECORD))
    if (decoded := run.embedding()) is not None:
        _check_rows(folder / layout.EMBEDDING, decoded, run.stimuli)
    if (folder / layout.TARGETS).exists():
        _check_rows(folder / layout.TARGETS, read_rows(folder / layout.TARGETS, "targets"), run.stimuli)
    if (texts := run.texts()) is not None:
        _check_rows(folder / layout.TEXTS, texts)


def _check_rows(file: Path, embeddings: Embeddings, wanted: frozenset[str] | None = None) -> None:
    if wanted is not None and embeddings.keys() != wanted:
        raise InputError(f"{file}: has the embeddings of {len(embeddings)} stimuli; wanted the run's {len(wanted)}")
    kinds = {(row.dtype.kind, row.shape) for row in embeddings.values()}
    if len(kinds) != 1 or any(kind not in "fiu" or len(shape) != 1 or not shape[0] for kind, shape in kinds):
        raise InputError(f"{file}: holds something else than a row of numbers for each name")


def _permutation(folder: Path) -> None:
    """Read the permutation as `verify` does, and `evaluate` when it continues an audit."""
    binding.permuted_rows(folder)


def _saliency(folder: Path) -> None:
    """Read the saliency maps as the gallery of an HTML board does."""
    if (folder / layout.SALIENCY).exists():
        run = Run(folder, RunRecord.read(folder / layout.RECORD))
        run.saliency(sorted(run.stimuli))


def _pictures(folder: Path) -> None:
    """Read every image as `sheet`, a gallery and scoring do, and the run's picture."""
    rows = (*RunRecord.read(folder / layout.RECORD).manifest, *binding.permuted_rows(folder))
    for name in dict.fromkeys((*(row.file for row in rows), *binding.controls(binding.listed(folder)))):
        if max(read_image(folder / name).shape) > MAX_SIDE:
            raise InputError(f"{folder / name}: is larger than {MAX_SIDE} px; no reconstruction is")
    if (folder / layout.PICTURE).exists():
        read_image(folder / layout.PICTURE)


TABLES: Mapping[str, Reader] = {  # readers of small files, by the file that is read
    layout.TABLE: _scores,
    layout.EMBEDDING: _embeddings,
    layout.PERMUTATION: _permutation,
    layout.SALIENCY: _saliency,
}
PICTURES: Mapping[str, Reader] = {"images": _pictures}
