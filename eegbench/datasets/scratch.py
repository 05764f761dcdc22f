"""Arrays that are larger than memory, worked out part by part: on disk for as long as they are used, and no longer.

They lie below the user's cache, in files that have no name from the start, so that a kill leaves nothing behind.
"""

import math
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from eegbench.arrays import let_go, on_disk
from eegbench.errors import MissingError
from eegbench.files import user_cache, writing

AT_ONCE, FEW = 2**23, 32  # bytes and rows: of a file, a system holds far more around each row than was asked for
SPARE = 2**26  # bytes of a disk that are left free
MEND = "set EEGBENCH_CACHE to a folder on another disk"


def gathered(
    source: NDArray[Any], rows: NDArray[np.int64], change: Callable[[NDArray[Any]], NDArray[Any]]
) -> NDArray[Any]:
    """`change(source[rows])`, a few rows at a time; memory-mapped if `source` is, else in memory.

    change: gets a copy of some rows and gives as many, of one shape. Raises as `stored`.
    """
    form = change(source[:1].copy())
    shape = (len(rows), *form.shape[1:])
    count = min(FEW, max(1, AT_ONCE // max(1, source[:1].nbytes)))

    def parts() -> Iterable[NDArray[Any]]:
        for i in range(0, len(rows), count):
            yield change(source[rows[i : i + count]])
            let_go(source)

    return stored(shape, form.dtype, parts()) if on_disk(source) else _filled(shape, form.dtype, parts())


def stored(shape: tuple[int | None, ...], kind: DTypeLike, parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """A read-only, memory-mapped array whose rows are `parts`, front to back; `arrays.let_go` frees what was read.

    shape: None in the first place takes as many rows as come. Its disk space is free again when nobody holds the array,
    or the process ends. Raises MissingError if the disk has not so much, UsageError for a cache that cannot be written.
    """
    kind, folder = np.dtype(kind), user_cache("scratch")
    rows, form = shape[0], tuple(n or 0 for n in shape[1:])
    row = math.prod(form) * kind.itemsize
    needed = row * (rows or 0)
    with _nameless(folder, needed) as file:
        for part in parts:
            with writing(folder, mend=MEND):
                _write(file, np.ascontiguousarray(part, kind))
        written = file.tell()
        if rows is not None and written != needed:
            raise ValueError(f"{written} bytes came for an array of {needed}")
        if not written:
            return np.empty((0, *form), kind)  # an empty file cannot be mapped
        return np.memmap(file, kind, mode="r", shape=(written // row, *form))


def _nameless(folder: Path, needed: int) -> IO[bytes]:
    """An empty file on a disk with room for so many bytes; on Windows it has a name, and is deleted at the end."""
    with writing(folder, mend=MEND):
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder, needed, mend=MEND)
        # Unbuffered: what a full disk refused must not come back when the file is closed.
        return tempfile.TemporaryFile(dir=folder, buffering=0)


def check_room(path: Path, needed: int, *, mend: str) -> None:
    """MissingError unless the disk of a folder, or of a file to be, has so many bytes free, and some to spare."""
    free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    if needed + SPARE > free:
        raise MissingError(
            f"{path}: needs {needed / 1e9:.2f} GB, and the disk has {free / 1e9:.2f} GB free; "
            f"free some, then run the same command again, or {mend}"
        )


def _write(file: IO[bytes], values: NDArray[Any]) -> None:
    data = values.data.cast("B") if values.size else b""
    while data:
        data = data[file.write(data) :]


def _filled(shape: tuple[int, ...], kind: np.dtype[Any], parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
    array, i = np.empty(shape, kind), 0
    for part in parts:
        array[i : i + len(part)] = part
        i += len(part)
    return array
