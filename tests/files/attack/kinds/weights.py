"""safetensors: weight files, and what a run keeps in them."""

import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import numpy as safetensors

from attack.cases import Generator, Maker, count, of_files
from attack.hostile import changed, value
from eegbench.backbones.weights import read_tensors
from eegbench.runs.tensors import read_rows


def saved(tensors: dict[str, NDArray[Any]], metadata: dict[str, str]) -> bytes:
    return bytes(safetensors.save(tensors, metadata=metadata))


STIMULI = {"stimuli": json.dumps(["a", "b"])}
WHOLE = saved({"decoded": np.ones((2, 3), np.float32), "other": np.arange(4)}, metadata=STIMULI)


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    return of_files(shared, "a.safetensors", (WHOLE,), read, MADE, check)


def read(path: Path) -> Any:
    """The tensors; and the embeddings by stimulus, which a run keeps so."""
    return read_tensors(path), read_rows(path, "decoded")


def check(found: Any) -> None:
    tensors, rows = found
    assert all(isinstance(name, str) for name in rows)
    assert all(row.shape == tensors["decoded"].shape[1:] for row in rows.values())


def file_of(header: Any, data: bytes = b"", size: int | None = None) -> bytes:
    packed = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(packed) if size is None else size) + packed + data


def _fields(rng: random.Random) -> bytes:
    length = struct.unpack("<Q", WHOLE[:8])[0]
    return file_of(changed(json.loads(WHOLE[8 : 8 + length]), rng), WHOLE[8 + length :])


def _empty(rng: random.Random) -> bytes:
    shape = rng.choice(([0], [0, 2**40], [2**62, 0], [0] * 100))
    names = range(count(rng, 10, 5_000))
    return file_of({f"t{i}": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for i in names})


def _header_size(rng: random.Random) -> bytes:
    return file_of({}, size=rng.choice((0, 1, 2**27, 2**31, 2**40, 2**63, 2**64 - 1)))


def _overlapping(rng: random.Random) -> bytes:
    """Tensors that lie on one another, with gaps, or beyond the end."""
    ends = [sorted(rng.randrange(0, 64, 4) for _ in range(2)) for _ in range(rng.randint(1, 5))]
    return file_of(
        {f"t{i}": {"dtype": "F32", "shape": [(b - a) // 4], "data_offsets": [a, b]} for i, (a, b) in enumerate(ends)},
        bytes(rng.choice((64, 32, 100))),
    )


def _metadata(rng: random.Random) -> bytes:
    """The names of stimuli, which stand as JSON in a text."""
    names: Any = rng.choice(
        (value(rng), ["a"], ["a", "a"], ["a", "b", "c"], [1, 2], "ab", {"a": 1, "b": 2}, [["a"], "b"])
    )
    words = rng.choice((json.dumps(names), "[" * count(rng, 10, 100_000), "[" + "1," * 10_000 + "1]", "9" * 5000, ""))
    return saved({"decoded": np.ones((2, 3), np.float32)}, metadata={"stimuli": words})


def _nested(rng: random.Random) -> bytes:
    depth = count(rng, 10, 100_000)
    return file_of(rng.choice((b"[" * depth, b'{"a":' * depth, b'{"__metadata__":{"a":"' + b"a" * depth + b'"}}')))


def _shapes(rng: random.Random) -> bytes:
    shape = rng.choice(([2**63], [2**32, 2**32], [-1], [1.5], [], [1] * 1000, ["a"], [2**64], [3, 2**62, 0]))
    return file_of(
        {
            "decoded": {
                "dtype": rng.choice(("F32", "F8", "X", "BF16", "U64", "")),
                "shape": shape,
                "data_offsets": [0, 4],
            }
        },
        bytes(4),
    )


def _large(rng: random.Random) -> bytes:
    rows, width = rng.choice(((1, 1), (1000, 1000), (2, 0), (0, 3), (50_000, 1)))
    names = {"stimuli": json.dumps([f"s{i}" for i in range(rows)])}
    return saved(
        {"decoded": np.zeros((rows, width), rng.choice((np.float32, np.float16, np.int8, np.bool_)))}, metadata=names
    )


MADE: dict[str, Generator] = {
    "fields": _fields,
    "empty tensors": _empty,
    "the header's size": _header_size,
    "overlapping tensors": _overlapping,
    "metadata": _metadata,
    "deep nesting": _nested,
    "shapes": _shapes,
    "large": _large,
}
