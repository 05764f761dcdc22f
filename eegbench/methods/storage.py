"""Fitted state on disk: safetensors and JSON, each file whole or not at all; never pickle."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn

from eegbench.arrays import let_go
from eegbench.backbones.weights import read_tensors
from eegbench.errors import InputError
from eegbench.files import read_json, replacing, write_text, write_whole
from eegbench.guards import stored_tensors

__all__ = [
    "StoredArray", "read_arrays", "read_json", "read_module", "write_arrays", "write_json", "write_large",
    "write_module",
]  # fmt: skip

KINDS = {"uint8": "U8", "float32": "F32"}  # numpy's and safetensors' names of what `write_large` takes
PART = 2**26  # bytes that it writes at once


def write_json(path: Path, value: Mapping[str, object]) -> None:
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def write_arrays(
    path: Path,
    arrays: Mapping[str, NDArray[np.generic] | torch.Tensor],
    *,
    half: bool = False,
    header: Mapping[str, str] | None = None,
) -> None:
    """Write named arrays; `half` stores floating point in 16 bits; `header` is text for the file's own header."""
    tensors = {
        k: (torch.from_numpy(np.require(v, requirements=["C", "W"])) if isinstance(v, np.ndarray) else v)
        for k, v in arrays.items()
    }
    if half:
        tensors = {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}
    # on the heap first: safetensors' own writing hides why a file system refused
    whole = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    write_whole(path, save(whole, dict(header) if header else None))


def write_large(path: Path, arrays: Mapping[str, "NDArray[Any] | StoredArray"]) -> None:
    """Write uint8 and float32 arrays as `write_arrays` does, but part by part: they may be larger than memory."""
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))  # so that each is aligned
    header, end = {}, 0
    for name, array in ordered:
        start, end = end, end + math.prod(array.shape) * array.dtype.itemsize
        header[name] = {"dtype": KINDS[array.dtype.name], "shape": array.shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in ordered:
            count = max(1, PART // max(1, math.prod(array.shape[1:]) * array.dtype.itemsize))
            for i in range(0, len(array), count):
                rows = array[i : i + count]
                file.write(np.ascontiguousarray(rows, rows.dtype.newbyteorder("<")).data)
                let_go(rows)


class StoredArray:
    """An array of a file by `write_large`, whose rows are read when they are asked for: `array[[3, 1]]`, `array[:8]`.

    Raises MissingError or InputError naming the file.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        with self._opened() as stored:
            kind = {short: long for long, short in KINDS.items()}.get(stored.get_dtype())
            self.shape = tuple(stored.get_shape())
        if kind is None or not self.shape:
            raise InputError(f"{path}: {name} has no rows of {' or '.join(KINDS)}")
        self.dtype = np.dtype(kind)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, items: slice | Sequence[int] | NDArray[np.int64]) -> NDArray[Any]:
        chosen = range(len(self))[items] if isinstance(items, slice) else items
        read = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        with self._opened() as stored:
            for place, item in enumerate(chosen):
                read[place] = stored[int(item) : int(item) + 1][0]
        return read

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """The file, opened anew for each reading: while it is open, all that was read of it counts as memory."""
        with stored_tensors.opened(self.path, "np") as file:
            yield file.get_slice(self.name)


def read_arrays(path: Path) -> dict[str, torch.Tensor]:
    """What `write_arrays` wrote, floating point as float32."""
    return {k: v.float() if v.is_floating_point() else v for k, v in read_tensors(path).items()}


def write_module(
    path: Path, module: nn.Module, rest: Mapping[str, NDArray[np.generic]] | None = None, *, half: bool = False
) -> None:
    """Write a module's weights, in 16 bits if `half`, and arrays beside them, always as they are: EEG is in volts."""
    state = module.state_dict()
    if half:
        state = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    write_arrays(path, {**state, **(rest or {})})


def read_module(path: Path, module: nn.Module, rest: Sequence[str] = ()) -> dict[str, torch.Tensor]:
    """Fill `module`, set it to inference, return the arrays named in `rest`. InputError if keys or shapes differ."""
    state = read_arrays(path)
    try:
        extra = {name: state.pop(name) for name in rest}
        module.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise InputError(
            f"{path}: not the weights of {type(module).__name__} ({str(error).splitlines()[-1].strip()})"
        ) from None
    module.eval().requires_grad_(False)
    return extra
