"""Arrays that are larger than memory: written part by part to a file without a name, and read where they are asked for.

The file has no name as soon as it is open, so that its room is free again when the array goes, also by a kill.
"""

import tempfile
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import parts
from eegbench.files import user_cache, writing

MEND = "set EEGBENCH_CACHE to a folder on a larger disk"


class Growing:
    """A memory-mapped array that grows by rows; `array` is what was appended, read-only.

    Use it as a context: the file is given up where the rows do not come to their end. Raises MissingError for a full
    disk, UsageError where the user's cache cannot be written.
    """

    def __init__(self) -> None:
        folder = user_cache("scratch")
        with writing(folder, mend=MEND):
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)
        self._folder, self._rows = folder, 0
        self._dtype: np.dtype[Any] = np.dtype(np.float32)
        self._shape: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()  # a mapping of it lives on

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows (n, ...), of one shape and dtype all of them."""
        self._shape, self._dtype = rows.shape[1:], rows.dtype
        with writing(self._folder, mend=MEND):
            for part in parts(rows):
                self._file.write(np.ascontiguousarray(part).tobytes())
        self._rows += len(rows)

    @property
    def array(self) -> NDArray[Any]:
        """All rows, (n, ...), read-only, on disk."""
        with writing(self._folder, mend=MEND):
            self._file.flush()
        mapped: NDArray[Any] = np.memmap(self._file, self._dtype, "r", shape=(self._rows, *self._shape))
        return mapped
