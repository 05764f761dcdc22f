"""Arrays with a row for each stimulus or concept, as a run keeps them: safetensors whose header has the names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from eegbench.errors import InputError, MissingError
from eegbench.files import canonical, write_bytes
from eegbench.guards import stored_tensors

Embeddings = Mapping[str, NDArray[np.float32]]  # stimulus id, or concept, to (d,)

Maps = Mapping[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]  # by stimulus, of the reconstruction and of the truth
MOST_SIDE = 128  # px of a map


def write_tensors(file: Path, names: Sequence[str], *, of: str = "stimuli", **arrays: NDArray[np.generic]) -> None:
    """Write arrays (n, ...) by name, whose rows are in the order of `names`: those `of` stimuli, or concepts."""
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_bytes(file, save(tensors, {of: canonical(list(names))}))


def read_rows(file: Path, name: str, *, of: str = "stimuli") -> Embeddings:
    """The rows of an array (n, d) by stimulus id or concept; raises InputError for a file that holds something else."""
    try:
        with stored_tensors.opened(file, "np") as stored:
            return dict(zip(stored_tensors.read_words(stored, of), stored.get_tensor(name), strict=True))
    except (InputError, MissingError, TypeError, ValueError) as error:
        problem = str(error).removeprefix(f"{file}: ")
        raise InputError(f"{file}: cannot be read ({problem}); delete {file.parent} to make the run again") from None


def read_maps(file: Path, stimuli: Sequence[str]) -> Maps:
    """The maps of those of these stimuli that have some.

    Raises InputError, or what a broken file makes a reader raise.
    """
    with stored_tensors.opened(file, "np") as stored:
        names = stored_tensors.read_words(stored, "stimuli")
        slices = [stored.get_slice(name) for name in ("reconstructions", "truths")]
        for maps in slices:
            count, *sides = maps.get_shape()
            if (
                maps.get_dtype() != "U8"
                or count != len(names)
                or len(sides) != 2
                or not 1 <= min(sides) <= max(sides) <= MOST_SIDE
            ):
                raise InputError(f"{maps.get_dtype()} of shape {maps.get_shape()}; wanted U8, {len(names)} maps")
        places = {name: place for place, name in enumerate(names)}
        made, true = ({s: maps[places[s] : places[s] + 1][0] for s in stimuli if s in places} for maps in slices)
    return {stimulus: (made[stimulus], true[stimulus]) for stimulus in made}


def undefined(embeddings: Embeddings) -> str:
    """How many embeddings hold NaN or infinite values, which no image is near to, in words; "" if none does."""
    bad = [stimulus for stimulus, row in embeddings.items() if not np.isfinite(row).all()]
    return f"{len(bad)} of {len(embeddings)} embeddings have NaN or infinite values" if bad else ""
