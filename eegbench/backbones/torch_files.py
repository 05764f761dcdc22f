"""Files in torch's own format, looked through before torch reads them.

torch reads such a file as data alone (`weights_only`), and still makes the room that the file announces, whatever its
size. `check` runs the pickles inside on `Machine`, with stand-ins for torch's names that add up what torch would make.
Two forms are known: since torch 1.6 an archive, each storage an entry of its own; before, several pickles in a row, the
storages behind them.
"""

import io
import math
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from eegbench.guards import zips
from eegbench.guards.budget import Budget
from eegbench.guards.pickles import CALL, CHAIN, COSTS, KNOWN, LARGE, Bounded, Machine, Named, Refused, costs, shown

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001  # of the older form
AXES = 64
BINPERSID, SHORT_BINSTRING, EMPTY_SET = b"Q"[0], b"U"[0], b"\x8f"[0]
# What an opcode takes here and again in torch, half as much more for safety, where that is not as of any pickle: names
# are looked up, containers are not copied, and of calls those that make a tensor are dear.
TAKEN = COSTS | costs(
    {
        "BINGET LONG_BINGET BINFLOAT": (64, 3),
        "BINUNICODE SHORT_BINUNICODE BINUNICODE8 SHORT_BINSTRING LONG1": (64, 5),
        "GLOBAL STACK_GLOBAL": (64, 9),
        "EMPTY_LIST EMPTY_DICT EMPTY_SET": (LARGE[0], 6),
        "TUPLE TUPLE1 TUPLE2 TUPLE3": (LARGE[0], 3),
        "REDUCE BINPERSID": (CALL[0], 12),
    }
)
MADE = 15  # steps of a tensor beyond any call
SCALARS = (str, int, float, bool, bytes, type(None))

_WIDTHS = {
    **dict.fromkeys(("Byte", "Char", "Bool", "QInt8", "QUInt8", "QUInt4x2", "QUInt2x4", "Untyped"), 1),
    **dict.fromkeys(("Half", "BFloat16", "Short"), 2),
    **dict.fromkeys(("Float", "Int", "QInt32"), 4),
    **dict.fromkeys(("Double", "Long", "ComplexFloat"), 8),
    "ComplexDouble": 16,
}
# bytes of an item, by the name of a storage's class
WIDTHS = {
    f"{module}.{name}Storage": width
    for name, width in _WIDTHS.items()
    for module in ("torch", "torch.storage", "torch.cuda")
}
DTYPES = {f"torch.{name}": dtype.itemsize for name, dtype in vars(torch).items() if isinstance(dtype, torch.dtype)}
CLASSES = (
    *("torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter"),
    *("torch.per_tensor_affine", "torch.per_tensor_symmetric", "torch.per_channel_affine"),
    *("torch.per_channel_symmetric", "torch.per_channel_affine_float_qparams"),
)


def check(path: Path) -> None:
    """Raises InputError for a file that asks for more than its size can need, Refused for what holds no tensors."""
    budget = Budget.of(path)
    with path.open("rb") as file:
        archive = file.read(2) == b"PK"
        file.seek(0)
        if archive:
            _check_archive(file, budget)
        else:
            _check_pickles(file, budget)


@dataclass(frozen=True)
class _Storage:
    """What stands for a storage: how many bytes it has, and each of its items."""

    size: int
    width: int


class _Tensor:
    """What stands for a tensor."""


class _Machine(Machine):
    needs = "tensors and plain containers alone are read"

    def __init__(self, file: io.BytesIO | Bounded, budget: Budget, held: Callable[[str, int], int]) -> None:
        super().__init__(file, budget, self._names())
        self._held = held  # bytes of the storage of a key, of which so many are announced

    def _names(self) -> dict[str, Callable[..., Any] | None]:
        rebuilt: Mapping[str, Callable[..., Any]] = {
            "_rebuild_tensor": self._tensor,
            "_rebuild_tensor_v2": self._tensor,
            "_rebuild_tensor_v3": self._tensor_of_type,
            "_rebuild_qtensor": self._tensor,
            "_rebuild_parameter": _same,
            "_rebuild_parameter_with_state": _same,
            "_rebuild_sparse_tensor": self._described,
            "_rebuild_meta_tensor_no_storage": self._described,
        }
        plain: Mapping[str, Callable[..., Any]] = {
            "collections.OrderedDict": self._dictionary,
            "collections.Counter": self._dictionary,
            "torch.Size": self._sized,
            "torch.device": _empty_tensor,
            "torch.serialization._get_layout": _empty_tensor,
            "torch._tensor._rebuild_from_type_v2": _from_type,
        }
        built: Mapping[str, Callable[..., Any]] = {
            "set": self._set_of,
            "bytearray": self._bytearray,
            "complex": _complex,
        }
        return {
            **dict.fromkeys((*WIDTHS, *DTYPES, *CLASSES)),
            **plain,
            **{f"torch._utils.{name}": make for name, make in rebuilt.items()},
            **{f"{module}.{name}": make for module in ("builtins", "__builtin__") for name, make in built.items()},
        }

    def persistent_load(self, pid: object) -> _Storage:
        parts = pid if isinstance(pid, tuple) else ()
        if len(parts) not in (5, 6) or parts[0] not in ("storage", b"storage"):
            raise Refused("it names what is no storage")
        _, kind, key, _, count, *view = parts
        width = _width(kind, WIDTHS)
        if not isinstance(key, str) or type(count) is not int or count < 0:
            raise Refused(f"a storage {shown(key)} of {shown(count)} items")
        held = self._held(key, count * width)
        if view and view[0] is not None:
            return _Storage(_viewed(view[0], width, held), width)
        return _Storage(held, width)

    def _tensor(self, storage: object, offset: object, shape: object, strides: object, *rest: object) -> _Tensor:
        return self._placed(storage, offset, shape, strides)

    def _tensor_of_type(
        self, storage: object, offset: object, shape: object, strides: object, *rest: object
    ) -> _Tensor:
        """As `_tensor`; behind whether it has a gradient and its hooks comes the type of its items."""
        kind = rest[2] if len(rest) > 2 else None
        return self._placed(storage, offset, shape, strides, _width(kind, DTYPES))

    def _placed(self, storage: object, offset: object, shape: object, strides: object, width: int = 0) -> _Tensor:
        if not isinstance(storage, _Storage):
            raise Refused("a tensor without a storage")
        sizes, steps = _shape(shape), _shape(strides)
        if len(sizes) != len(steps) or type(offset) is not int or offset < 0:
            raise Refused(f"a tensor of shape {shown(shape)} with the strides {shown(strides)}")
        count, width = math.prod(sizes), width or storage.width
        last = offset + sum((n - 1) * step for n, step in zip(sizes, steps, strict=True)) + 1
        if count and last * width > storage.size:
            raise Refused(f"a tensor of shape {shown(shape)} in a storage of {storage.size} bytes")
        self.budget.memory(count * max(4, width))  # weights become float32
        self.budget.steps(MADE)
        return _Tensor()

    def _described(self, *values: object) -> _Tensor:
        self.budget.steps(MADE)
        return _Tensor()

    def _dictionary(self, items: object = ()) -> dict[Any, Any]:
        self._several(items)
        pairs = list(items.items() if isinstance(items, dict) else cast(Iterable[Any], items))
        self.check_keys((pair[0] for pair in pairs), 0)
        return dict(pairs)

    def _bytearray(self, data: object = b"", coding: object = "latin1") -> bytes:
        if not isinstance(data, str | bytes):  # of a number, so many zeros
            raise Refused(f"a bytearray of {shown(data)}")
        return self.encode(data.decode("latin1") if isinstance(data, bytes) else data, coding)

    def _sized(self, sizes: object = ()) -> tuple[int, ...]:
        return _shape(sizes)

    def _set_of(self, items: object = ()) -> set[Any]:
        self._several(items)
        for place, item in enumerate(cast(Any, items)):
            if type(item) not in SCALARS:
                raise Refused(f"a set with a {type(item).__name__}")
            self.budget.steps(1 + place // CHAIN * (not isinstance(item, str | bytes)))
        return set(cast(Any, items))

    def _several(self, items: object) -> None:
        if not isinstance(items, list | tuple | dict):
            raise Refused(f"many of {shown(items)}")
        self.budget.memory(LARGE[0] * len(items))
        self.budget.steps(LARGE[1] * len(items))

    def _build_dictionary(self) -> None:
        """Attributes of a dictionary, such as a state dict's versions of modules."""
        state = self.stack.pop()
        if type(self.stack[-1]) is not dict or not isinstance(state, dict):
            raise Refused("it changes what is no dictionary")
        self.budget.memory(LARGE[0] * len(state))
        self.budget.steps(len(state))

    dispatch = Machine.table({*KNOWN, BINPERSID, SHORT_BINSTRING, EMPTY_SET}, {b"b"[0]: _build_dictionary}, TAKEN)


def _width(kind: object, widths: Mapping[str, int]) -> int:
    if not isinstance(kind, Named) or kind.name not in widths:
        raise Refused(f"items of type {shown(kind.name if isinstance(kind, Named) else kind)}")
    return widths[kind.name]


def _same(tensor: object, *rest: object) -> object:
    if not isinstance(tensor, _Tensor):
        raise Refused("a parameter that is no tensor")
    return tensor


def _empty_tensor(*values: object) -> _Tensor:
    return _Tensor()


def _from_type(make: object, kind: object, values: object, state: object) -> object:
    if not isinstance(make, Named) or not isinstance(values, tuple):
        raise Refused("it calls what is no name")
    return make(*values)


def _complex(real: object, imaginary: object) -> complex:
    if not isinstance(real, float) or not isinstance(imaginary, float):
        raise Refused("a number in two parts that are none")
    return complex(real, imaginary)


def _shape(values: object) -> tuple[int, ...]:
    if isinstance(values, tuple) and len(values) <= AXES:
        for number in values:
            if type(number) is not int or number < 0:
                break
        else:
            return values
    raise Refused(f"a tensor of shape {shown(values)}")


def _viewed(view: object, width: int, held: int) -> int:
    """Bytes of a part of a storage: its key, and its offset and number of items."""
    parts = view if isinstance(view, tuple) and len(view) == 3 else (None, -1, -1)
    offset, count = parts[1:]
    if not all(type(n) is int and n >= 0 for n in (offset, count)) or (offset + count) * width > held:
        raise Refused(f"a part {shown(view)} of a storage of {held} bytes")
    return int(count) * width


def _check_archive(file: BinaryIO, budget: Budget) -> None:
    places = _list_places(file, budget.size)
    with zips.opened(file, budget) as archive:
        if places != {archive.start_dir}:  # readers of zip differ in which list they take, where there are two
            raise Refused("its list of entries is not where its end says")
        entries = _entries(archive.infolist(), budget)
        pickles = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1:
            raise Refused(f"{len(pickles)} entries data.pkl in the archive; wanted one")
        entry = entries[pickles[0]]
        del entry.CRC  # torch may write none, and never looks; `zipfile` does where there is one
        program = archive.read(entry)
    root = pickles[0].removesuffix("data.pkl")

    def held(key: str, announced: int) -> int:
        if (entry := entries.get(f"{root}data/{key}")) is None or entry.file_size != announced:
            content = "no such entry" if entry is None else f"{entry.file_size} bytes"
            raise Refused(f"the storage {shown(key)} of {announced} bytes: in the archive is {content}")
        return announced

    _Machine(io.BytesIO(program), budget, held).load()


def _list_places(file: BinaryIO, size: int) -> set[int]:
    """Where the list of entries begins, by the archive's end and by the record of a large archive before it."""
    file.seek(max(0, size - zips.END - zips.LOCATOR))
    tail = file.read()
    locator, end = tail[: -zips.END], tail[-zips.END :]
    if not end.startswith(b"PK\5\6") or end[-2:] != b"\0\0":
        raise Refused("no whole archive")
    places = {int.from_bytes(end[16:20], "little")}
    if locator.startswith(b"PK\6\7"):
        record = size - zips.END - zips.LOCATOR - zips.END64
        if int.from_bytes(locator[8:16], "little") != record:
            raise Refused("its end points elsewhere")
        file.seek(record + 48)
        places = places - {0xFFFFFFFF} | {int.from_bytes(file.read(8), "little")}
    return places


def _entries(infos: Sequence[zipfile.ZipInfo], budget: Budget) -> dict[str, zipfile.ZipInfo]:
    """Of an archive as torch writes them: each entry as it is, none twice, none upon another."""
    by_name: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for info in infos:
        name = info.orig_filename
        if not name.isascii() or name.lower() in folded:
            raise Refused(f"the entry {shown(name)} is there twice, or has no plain name")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
            raise Refused(f"the entry {shown(name)} is packed; torch writes them as they are")
        if info.header_offset + info.file_size > budget.size:
            raise Refused(f"the entry {shown(name)} of {info.file_size} bytes ends behind the file")
        folded.add(name.lower())
        by_name[name] = info
    if sum(info.file_size for info in infos) > budget.size:
        raise Refused("its entries lie upon one another")
    return by_name


def _check_pickles(file: BinaryIO, budget: Budget) -> None:
    try:
        tarfile.open(fileobj=file, mode="r:").close()
    except tarfile.TarError:
        file.seek(0)
    else:
        raise Refused("a tar archive, as torch wrote before 0.1.10")
    storages: dict[str, int] = {}
    left = budget.size

    def held(key: str, announced: int) -> int:
        nonlocal left
        if key not in storages:
            storages[key], left = announced, left - announced
        if left < 0:
            raise Refused(f"storages of {budget.size - left} bytes in a file of {budget.size}")
        if storages[key] != announced:
            raise Refused(f"the storage {shown(key)} in two sizes")
        return announced

    for wanted in (MAGIC, VERSION):
        if _Machine(Bounded(file, budget.size), budget, held).load() != wanted:
            raise Refused("no file of torch's")
    for _ in range(3):  # of the system that wrote it; what it holds; the keys of the storages, which come next
        _Machine(Bounded(file, budget.size), budget, held).load()
