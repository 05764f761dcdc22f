"""Arrays with a row for each stimulus, as a run keeps them: safetensors files whose header has the stimulus ids."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from eegbench.errors import InputError, MissingError
from eegbench.files import canonical, write_bytes
from eegbench.guards import stored_tensors

Embeddings = Mapping[str, NDArray[np.float32]]  # stimulus id to (d,)


def write_tensors(file: Path, stimuli: Sequence[str], **arrays: NDArray[np.generic]) -> None:
    """Write arrays (n, ...) by name, whose rows are in the order of `stimuli`."""
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_bytes(file, save(tensors, {"stimuli": canonical(list(stimuli))}))


def read_rows(file: Path, name: str) -> Embeddings:
    """The rows of an array (n, d) by stimulus id; raises InputError for a file that holds something else."""
    try:
        with stored_tensors.opened(file, "np") as stored:
            return dict(zip(stored_tensors.read_words(stored, "stimuli"), stored.get_tensor(name), strict=True))
    except (InputError, MissingError, TypeError, ValueError) as error:
        problem = str(error).removeprefix(f"{file}: ")
        raise InputError(f"{file}: cannot be read ({problem}); delete {file.parent} to make the run again") from None


def undefined(embeddings: Embeddings) -> str:
    """How many embeddings hold NaN or infinite values, which no image is near to, in words; "" if none does."""
    bad = [stimulus for stimulus, row in embeddings.items() if not np.isfinite(row).all()]
    return f"{len(bad)} of {len(embeddings)} embeddings have NaN or infinite values" if bad else ""
