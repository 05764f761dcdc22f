"""torch's own files, in a zip archive and as torch before 1.6 wrote them."""

import io
import pickle
import random
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from attack.cases import Generator, Maker, count, of_files
from attack.kinds.pickles import check_plain, text
from attack.spoiling import PROGRAMS
from eegbench.backbones.embeddings import WIDTH, read_embeddings
from eegbench.backbones.tensors import read_tensors_as_arrays

STORAGE = b"ctorch\nFloatStorage\n"


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    value = {"eeg": torch.ones(3, 4), "labels": ["a", "b"], "n": 3, "half": torch.ones(2, dtype=torch.float16)}
    wholes = [saved(value, legacy=legacy) for legacy in (False, True)]
    return of_files(shared, "a.pth", wholes, read_tensors_as_arrays, MADE, check_plain)


def make_embeddings(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    """Published EEG embeddings: one tensor in a file, or in a dictionary."""
    rows = torch.ones(4, WIDTH)
    wholes = [saved(rows), saved({"features": rows}), saved(rows.half(), legacy=True)]
    return of_files(
        shared, "a.pt", wholes, lambda path: read_embeddings(path, 2, repetitions=2), MADE | {"rows": _rows}
    )


def saved(value: Any, *, legacy: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def _packed(program: bytes, *, storages: int = 1, packing: int = zipfile.ZIP_STORED) -> bytes:
    """An archive as torch writes it, whose data.pkl is `program`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/byteorder", "little")
        for number in range(storages):
            archive.writestr(f"archive/data/{number}", bytes(64))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def _in_either(program: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return _packed(program, packing=rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    head = saved(0, legacy=True)
    return (
        head[: head.index(pickle.dumps(0, protocol=2), 60) if pickle.dumps(0, 2) in head[60:] else len(head)] + program
    )


def _bytearray(rng: random.Random) -> bytes:
    size = count(rng, 1000, 2**31 - 1)
    return _in_either(b"\x80\x02c__builtin__\nbytearray\nJ" + struct.pack("<i", size) + b"\x85R.", rng)


def _encoded(rng: random.Random) -> bytes:
    head = b"\x80\x02c_codecs\nencode\nq\x00" + text("a" * count(rng, 100, 1_000_000)) + text("latin1") + b"\x86q\x01]("
    return _in_either(head + b"h\x00h\x01R" * count(rng, 10, 5_000) + b"e.", rng)


def _tensor(sizes: bytes, strides: bytes, *, offset: bytes = b"K\x00", key: bytes = b"0", numel: int = 16) -> bytes:
    stored = b"(" + text("storage") + STORAGE + text(key) + text("cpu") + b"J" + struct.pack("<i", numel) + b"tQ"
    hooks = b"\x89ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + stored + offset + sizes + strides + hooks + b"tR"


def _strides(rng: random.Random) -> bytes:
    """A storage of sixteen values in which a tensor sees more, by steps of none, or beyond its end."""
    number = struct.pack("<i", count(rng, 2, 2**31 - 1))
    sizes, strides = b"J" + number + b"\x85", rng.choice((b"K\x00", b"K\x01", b"J\xff\xff\xff\xff")) + b"\x85"
    return _packed(
        b"\x80\x02" + _tensor(sizes, strides, offset=rng.choice((b"K\x00", b"K\x0f", b"J\xff\xff\xff\x7f"))) + b"."
    )


def _announced(rng: random.Random) -> bytes:
    numel = count(rng, 17, 2**31 - 1)
    return _packed(b"\x80\x02" + _tensor(b"K\x04\x85", b"K\x01\x85", numel=numel) + b".")


def _many(rng: random.Random) -> bytes:
    """Thousands of tensors in one storage, or of none."""
    one = _tensor(rng.choice((b"K\x00\x85", b"K\x10\x85", b")")), rng.choice((b"K\x01\x85", b")")))
    return _packed(b"\x80\x02](" + one * count(rng, 10, 3_000) + b"e.")


def _deflated(rng: random.Random) -> bytes:
    words = text("a" * count(rng, 1000, 30_000_000))
    return _packed(b"\x80\x02" + words + b".", packing=zipfile.ZIP_DEFLATED)


def _repeated(rng: random.Random) -> bytes:
    return _in_either(b"\x80\x02" + text("a") + b"q\x000](" + b"h\x00" * count(rng, 100, 1_000_000) + b"e.", rng)


def _doubled(rng: random.Random) -> bytes:
    width, made = rng.choice((2, 10, 100)), b"\x80\x02]q\x00"
    for _ in range(rng.randint(2, 40)):
        made += b"](" + b"h\x00" * width + b"eq\x00"
    return _in_either(made + b".", rng)


def _deep(rng: random.Random) -> bytes:
    depth = count(rng, 10, 20_000)
    return _in_either(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".", rng)


def _strange(rng: random.Random) -> bytes:
    """Tensors of which numpy has no array, and containers that are none of a recording's."""
    values: tuple[Any, ...] = (
        torch.sparse_coo_tensor(torch.zeros(2, 1).long(), torch.ones(1), (10**9, 10**9), check_invariants=False),
        torch.empty(10**9, device="meta"), torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.complex64),
        torch.ones(1).expand(count(rng, 10, 2**30)), torch.nn.Parameter(torch.ones(2)), {1, 2}, OrderedDict(a=1),
        torch.float32, torch.Size([1]), torch.device("cpu"), {(1, 2): 3}, {1.5: 2}, 1j, b"bytes", {"a": {"b": b"c"}},
        torch.tensor(float("nan")), torch.ones(3).as_strided((10, 3), (0, 1)),
    )  # fmt: skip
    return saved(rng.choice(values), legacy=False)


def _rows(rng: random.Random) -> bytes:
    """Embeddings of other shapes, types and values."""
    rows = torch.full(
        (rng.choice((0, 1, 4, 5, 8)), rng.choice((WIDTH, 1, WIDTH + 1))), rng.choice((1.0, float("nan"), 1e38))
    )
    made = rows.to(rng.choice((torch.float32, torch.float64, torch.int64, torch.float16)))
    return saved(rng.choice((made, [made], {"a": made, "b": made}, {"a": made})))


def _programs(rng: random.Random) -> bytes:
    program = rng.choice(PROGRAMS)
    return rng.choice((program, _packed(program), _in_either(program, rng)))


MADE: dict[str, Generator] = {
    "a program": _programs,
    "bytearray": _bytearray,
    "one text encoded many times": _encoded,
    "strides": _strides,
    "a storage that does not come": _announced,
    "many tensors": _many,
    "deflated data.pkl": _deflated,
    "one text many times": _repeated,
    "a list in lists": _doubled,
    "deep nesting": _deep,
    "strange values": _strange,
}
