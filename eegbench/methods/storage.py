"""Fitted state on disk: safetensors and JSON, written to a temporary name and renamed; never pickle."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn

from eegbench.backbones.weights import read_tensors
from eegbench.errors import InputError
from eegbench.records import read_json, write_text

__all__ = ["read_arrays", "read_json", "read_module", "write_arrays", "write_json", "write_module"]


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
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    # on the heap first: safetensors' own writing hides why a file system refused
    data = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, dict(header) if header else None)
    temporary.write_bytes(data)
    temporary.replace(path)


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
