"""Recordings in torch's own format, for rooms that know no torch: numpy arrays in the place of tensors."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.backbones.weights import read_unpickled
from eegbench.errors import InputError, MissingError
from eegbench.kinds import is_page

DEEPEST = 16  # containers in containers
HEAD = 512  # bytes, more than any white space before a page's first tag


def read_tensors_as_arrays(path: Path) -> Any:
    """What a .pth or .pt file holds: dictionaries, lists and tuples of numbers, text and read-only arrays.

    Nothing of the file is run. The arrays share the tensors' memory, which is the file itself, mapped, where torch
    1.6 or later wrote it. Raises MissingError if there is no such file, InputError if it is damaged, is a web page, or
    holds anything else.
    """
    if not path.is_file():
        raise MissingError(
            f"{path}: {'not a file' if path.exists() else 'no such file'}; see `eegbench datasets fetch`"
        )
    with path.open("rb") as file:
        head = file.read(HEAD)
    if is_page(head):
        raise InputError(f"{path}: a web page (HTML or XML), wanted torch data: get the file itself")
    try:
        return _plain(read_unpickled(path, "torch data"), {}, 0)
    except _Refused as error:
        raise InputError(f"{path}: refused: {error}; a recording needs tensors and plain containers alone") from None


class _Refused(Exception):
    """A file holds what no recording needs."""


def _plain(value: Any, known: dict[int, Any], depth: int) -> Any:
    """Tensors replaced by arrays; a container that comes again is the same one, and none holds itself."""
    if depth > DEEPEST:
        raise _Refused(f"containers more than {DEEPEST} deep")
    if isinstance(value, torch.Tensor):
        return _array(value)
    if value is None or type(value) in (bool, int, float, str):
        return value
    if not isinstance(value, list | tuple | dict):
        raise _Refused(f"it holds a {type(value).__name__}")
    if id(value) not in known:
        if isinstance(value, dict):
            if not all(type(key) in (str, int) for key in value):
                raise _Refused("a dictionary whose keys are not words or whole numbers")
            replaced: Any = {key: _plain(item, known, depth + 1) for key, item in value.items()}
        else:
            items = (_plain(item, known, depth + 1) for item in value)
            replaced = list(items) if isinstance(value, list) else tuple(items)
        known[id(value)] = replaced
    return known[id(value)]


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    try:  # of sparse, quantised and meta tensors, and of types that numpy lacks, torch makes no array
        array: NDArray[Any] = tensor.detach().numpy()
    except (RuntimeError, TypeError, NotImplementedError):
        raise _Refused(
            f"a tensor of {str(tensor.dtype).removeprefix('torch.')} on {tensor.device}, "
            f"{str(tensor.layout).removeprefix('torch.')}, that is no plain array"
        ) from None
    array = np.asarray(array)
    if array.nbytes > (held := tensor.untyped_storage().nbytes()):  # one value may stand for any number of them
        raise _Refused(f"a tensor of {array.nbytes} bytes in a storage of {held}")
    array.flags.writeable = False
    return array
