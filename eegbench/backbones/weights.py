"""Where weights are: `pack:NAME` is a part of the micro pack, anything else a folder on disk or a hub id."""

import functools
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from eegbench.backbones import torch_files
from eegbench.errors import InputError, MissingError
from eegbench.files import digest, file_digest, read_json
from eegbench.guards import stored_tensors

Shape = tuple[int, ...]
Shapes = dict[str, Shape]  # of the tensors in a file or a module, by key

PART = 2**26  # bytes of tensors that are read before the file is opened anew
PACK = Path(__file__).parent / "micro" / "pack"


def locate(name: str) -> str:
    """The folder or file behind `pack:NAME`, its digests checked; other names come back as they are."""
    if not name.startswith("pack:"):
        return name
    path = PACK / name.removeprefix("pack:")
    digests(name)
    return str(path)


@functools.cache
def digests(name: str) -> dict[str, str]:
    """sha256 by file of a part of the pack, after comparing every file with the pack's own list.

    Raises MissingError for a file that is not there and InputError for one whose bytes are not the listed ones.
    Other names give {}: their digests are recorded by whoever loads them.
    """
    if not name.startswith("pack:"):
        return {}
    part = name.removeprefix("pack:")
    listed = _listed_digests()
    wanted = {file: sha for file, sha in listed.items() if file == part or file.startswith(part + "/")}
    if not wanted:
        raise MissingError(
            f"the micro pack has no part {part!r}; it has: {', '.join(sorted({f.split('/')[0] for f in listed}))}"
        )
    for file, sha in wanted.items():
        path = PACK / file
        if not path.is_file():
            raise MissingError(f"{path}: missing from the micro pack; reinstall eegbench")
        if file_digest(path) != sha:
            raise InputError(
                f"{path}: damaged, its sha256 is not the one in {PACK / 'digests.json'}; reinstall eegbench"
            )
    return wanted


def combined(name: str) -> str:
    """One sha256 for a part of the pack; "" for other names."""
    listed = digests(name)
    return digest(listed) if listed else ""


def fill(module: nn.Module, path: Path) -> nn.Module:
    """Load safetensors into `module` as float32, all keys and shapes agreeing, and set it to inference."""
    state = read_tensors(path)
    try:
        module.load_state_dict(
            {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
        )
    except RuntimeError as error:
        raise InputError(
            f"{path}: not the weights of {type(module).__name__}: {str(error).splitlines()[-1].strip()}"
        ) from None
    return module.eval().requires_grad_(False)


def read_tensors(path: Path, below: str = "") -> dict[str, Tensor]:
    """The tensors of a safetensors file; MissingError or InputError naming it.

    With `below`, only those are read whose names begin with it, which is taken away.
    """
    if not path.is_file():
        raise MissingError(f"{path}: no such weight file")
    with stored_tensors.opened(path, "pt") as file:
        names = [name for name in file.keys() if name.startswith(below)]  # noqa: SIM118
    tensors: dict[str, Tensor] = {}
    while len(tensors) < len(names):  # while the file is open, all that was read of it counts as memory
        with stored_tensors.opened(path, "pt") as file:
            read = 0
            while len(tensors) < len(names) and read < PART:
                name = names[len(tensors)]
                tensor = tensors[name.removeprefix(below)] = file.get_tensor(name).clone()
                read += tensor.nbytes
    return tensors


def differences(mine: Shapes, other: Shapes) -> list[str]:
    """What keys or shapes of `other` are not those of `mine`, in words."""
    words = [f"{key} is {other[key]}, wanted {mine[key]}" for key in mine if key in other and mine[key] != other[key]]
    words += [f"{key} is missing" for key in mine if key not in other]
    return words + [f"{key} is unknown" for key in other if key not in mine]


def read_unpickled(path: Path, what: str) -> Any:
    """What a file in torch's own format holds; nothing but tensors and plain containers is unpickled.

    Raises InputError for a file that cannot be read as `what`, that holds code, or that asks for more memory or work
    than its size can need.
    """
    try:
        torch_files.check(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickle protocols: what cannot be read is refused below
            with path.open("rb") as file:
                mapped = file.read(2) == b"PK"  # not what torch wrote before 1.6
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except InputError:
        raise
    except Exception as error:  # rubbish makes the unpickler fail in any way
        problem = _reason(str(error)) or type(error).__name__
        raise InputError(f"{path}: cannot be read as {what}, or holds more than tensors ({problem[:200]})") from None


def _reason(message: str) -> str:
    """The first thing that torch says is wrong, without its advice to load the file unsafely."""
    _, _, reason = message.partition("WeightsUnpickler error: ")
    lines = (line.strip() for line in (reason or message).splitlines())
    return next((line for line in lines if line and "weights_only" not in line), "")


def read_header(path: Path) -> dict[str, str]:
    """The text in a safetensors file's own header."""
    with stored_tensors.opened(path, "pt") as file:
        return dict(file.metadata() or {})


@functools.cache
def _listed_digests() -> dict[str, str]:
    path = PACK / "digests.json"
    if not path.is_file():
        raise MissingError(f"{path}: the micro pack is not installed; reinstall eegbench")
    return {str(k): str(v) for k, v in read_json(path).items()}


def write_digests() -> None:
    """Write the list that `digests` compares with, over all files of the pack; for the training script alone."""
    files = sorted(p for p in PACK.rglob("*") if p.is_file() and p.name != "digests.json")
    listed = {p.relative_to(PACK).as_posix(): file_digest(p) for p in files}
    (PACK / "digests.json").write_text(json.dumps(listed, indent=1) + "\n")
