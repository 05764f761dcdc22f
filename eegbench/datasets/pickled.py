"""Published recordings are pickles: numpy's files of Python objects, and plain pickles under the name .npy.

A pickle is a program. This reader runs a small part of its language, enough for arrays of numbers and text in lists,
tuples and dictionaries. It calls nothing that a file names: numpy's names stand for stand-ins of this module, which
check sizes before they make an array. Anything else that a file asks for is refused by name.
"""

import io
import math
import pickle
import re
import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from eegbench.errors import InputError, MissingError
from eegbench.kinds import is_page

MAGIC = b"\x93NUMPY"
DTYPE = re.compile(r"[<>|=]?(f[248]|[iu][1248]|b1|[US]\d{1,4}|O8?)")
DEEPEST = 16  # containers in containers
HEADER = 4096  # bytes of numpy's header

# The part of the pickle language that arrays and plain containers are written in, protocols 2 to 5.
OPCODES = (
    "PROTO FRAME STOP MARK MEMOIZE BINPUT LONG_BINPUT BINGET LONG_BINGET NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 "
    "LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 EMPTY_LIST "
    "EMPTY_TUPLE EMPTY_DICT APPEND APPENDS TUPLE TUPLE1 TUPLE2 TUPLE3 SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE BUILD"
)
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3
KNOWN = {getattr(pickle, name)[0] for name in OPCODES.split()}


def read_pickled(path: Path) -> Any:
    """What a file holds: dictionaries, lists and tuples of numbers, text, bytes and read-only arrays.

    A zero-dimensional array of an object is that object, a one-dimensional one a list. An array's numbers are held in
    memory once. Raises MissingError if there is no such file, InputError if it is damaged or asks for anything else.
    """
    if not path.is_file():
        raise MissingError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            if is_page(file.peek(HEADER)):
                raise _Refused("it is a page of the web, not data; get the file itself")
            if file.peek(len(MAGIC)).startswith(MAGIC):
                _skip_header(file)
            return _plain(_Reader(_Bounded(file, path.stat().st_size)).load(), {}, 0)
    except _Refused as error:
        raise InputError(f"{path}: refused: {error}") from None
    except (InputError, MissingError):
        raise
    except Exception as error:  # rubbish makes the machine fail in any way
        said = str(error).splitlines()
        raise InputError(
            f"{path}: not a whole numpy or pickle file ({type(error).__name__}{': ' + said[0][:120] if said else ''})"
        ) from None


def shown(value: object) -> str:
    """A value from a file in a few letters of one line, however large it is: a list may hold one list many times."""
    return " ".join(_SHORT.repr(value).split())[:60]


def words(value: object) -> list[str]:
    """A list, tuple or array of text, and of nothing but text; an empty list for anything else."""
    flat = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim == 1)
    found = cast(Any, value) if flat else ()
    return [str(word) for word in found] if all(isinstance(word, str) for word in found) else []


class _Refused(Exception):
    """A file asks for what no recording needs."""


class _Bounded(io.RawIOBase):
    """A file that never makes room for more than it holds."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__()
        self._file, self._size = file, size

    def read(self, size: int = -1) -> bytes:
        left = self._size - self._file.tell()
        if size > left:
            raise EOFError(f"{size} bytes are announced, {left} are left")
        return self._file.read(left if size < 0 else size)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        view[:] = self.read(len(view))
        return len(view)

    def readline(self, size: int | None = -1) -> bytes:
        return self._file.readline(256)  # of a name


class _Dtype:
    """A description of an array's items, checked."""

    def __init__(self, name: object, align: object = False, copy: object = True) -> None:
        if not isinstance(name, str) or not DTYPE.fullmatch(name):
            raise _Refused(f"items of type {shown(name)}")
        self.value = np.dtype(name)

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
            raise _Refused("items in an order that numpy does not know")
        if state[2] is not None or state[3] is not None or state[4] is not None:
            raise _Refused("items with parts")
        if state[1] in ("<", ">"):
            self.value = self.value.newbyteorder(state[1])


class _Array:
    """An array, empty until its state comes."""

    def __init__(self) -> None:
        self.value: Any = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise _Refused("an array without a shape and a type")
        _, shape, dtype, fortran, data = state
        self.value = _array(shape, dtype, data, "F" if fortran else "C")


def _array(shape: object, dtype: object, data: object, order: object) -> Any:
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 8:
        raise _Refused(f"an array of shape {shown(shape)}")
    if not isinstance(dtype, _Dtype) or order not in ("C", "F"):
        raise _Refused("an array without a type")
    count = math.prod(shape)
    if dtype.value.hasobject:
        if not isinstance(data, list) or len(data) != count or len(shape) > 1:
            raise _Refused(f"an array of objects of shape {shown(shape)}")
        return data if shape else data[0]
    if not isinstance(data, bytes) or len(data) != count * dtype.value.itemsize:
        raise ValueError(f"an array of shape {shape} and type {dtype.value} with the bytes of another")
    values: NDArray[Any] = np.frombuffer(data, dtype.value, count).reshape(shape, order="F" if order == "F" else "C")
    values.flags.writeable = False
    return values


class _Named:
    """What stands for a name in numpy. A file can call it with values and do nothing else with it."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *values: Any) -> Any:
        return self._make(*values)


def _reconstruct(kind: object, shape: object = (0,), typecode: object = b"b") -> _Array:
    return _Array()


def _from_buffer(data: object, dtype: object, shape: object, order: object, axes: object = None) -> _Array:
    if axes is not None:
        raise _Refused("an array with its axes in another order")
    made = _Array()
    made.value = _array(shape, dtype, data, order)
    return made


def _scalar(dtype: object, data: object) -> _Array:
    made = _Array()
    made.value = _array((), dtype, data, "C")[()]
    return made


def _encode(text: object, coding: object = "latin1") -> bytes:
    """How protocol 2 writes bytes."""
    if not isinstance(text, str) or coding != "latin1":
        raise _Refused("text in another code")
    return text.encode("latin1")


STANDS_FOR: dict[str, Callable[..., Any]] = {
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "_codecs.encode": _encode,
    **{
        f"numpy.{core}.{name}": make
        for core in ("core", "_core")
        for name, make in (
            ("multiarray._reconstruct", _reconstruct),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _from_buffer),
        )
    },
}


class _Reader(pickle._Unpickler):
    """Runs the opcodes above; names are looked up in STANDS_FOR alone.

    It is the machine written in Python: its memo takes no room in advance, and its table of opcodes can be cut down.
    """

    stack: list[Any]
    pop_mark: Callable[[], list[Any]]

    def find_class(self, module: str, name: str) -> _Named:
        asked = f"{module}.{name}"
        if asked not in STANDS_FOR:
            raise _Refused(f"it asks for {asked[:120]!r}; a recording needs arrays and plain containers alone")
        return _Named(STANDS_FOR[asked])

    def _build(self) -> None:
        state, thing = self.stack.pop(), self.stack[-1]
        if not isinstance(thing, _Dtype | _Array):
            raise _Refused(f"it changes {type(thing).__name__.strip('_').lower()} {shown(thing)}")
        thing.__setstate__(state)

    def _reduce(self) -> None:
        values, thing = self.stack.pop(), self.stack[-1]
        if not isinstance(thing, _Named) or not isinstance(values, tuple):
            raise _Refused("it calls what is no name of numpy's")
        self.stack[-1] = thing(*values)

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _set_items(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or not all(isinstance(key, str | int) for key in items[::2]) or len(items) % 2:
            raise _Refused("a dictionary whose keys are not words or whole numbers")
        target.update(zip(items[::2], items[1::2], strict=True))

    def _add(self) -> None:
        self._extend([self.stack.pop()])

    def _add_all(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise _Refused("it adds to what is no list")
        self.stack[-1].extend(items)

    def _refuse(self) -> None:
        raise _Refused("a part of the pickle language that no recording needs")

    _all: dict[int, Callable[[Any], None]] = dict(pickle._Unpickler.dispatch)
    _ours: dict[int, Callable[[Any], None]] = {
        pickle.BYTEARRAY8[0]: _all[pickle.BINBYTES8[0]],  # its own makes room before it asks for the bytes
        pickle.BUILD[0]: _build,
        pickle.REDUCE[0]: _reduce,
        pickle.SETITEM[0]: _set_item,
        pickle.SETITEMS[0]: _set_items,
        pickle.APPEND[0]: _add,
        pickle.APPENDS[0]: _add_all,
    }
    dispatch = {
        **dict.fromkeys(_all, cast(Any, _refuse)),
        **{code: run for code, run in _all.items() if code in KNOWN},
        **_ours,
    }


def _skip_header(file: BinaryIO) -> None:
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise _Refused(f"version {version} of numpy's files")
    shape, _, dtype = read(file, max_header_size=HEADER)
    if not dtype.hasobject or len(shape) > 1:
        raise _Refused(f"an array of {dtype} of shape {shape}; wanted a dictionary in an array of objects")


def _plain(value: Any, known: dict[int, Any], depth: int) -> Any:
    """Stand-ins replaced by what they hold; a container that comes again is the same one, and none holds itself."""
    if depth > DEEPEST:
        raise _Refused(f"containers more than {DEEPEST} deep")
    if isinstance(value, _Named | _Dtype):
        raise _Refused("a name of numpy's in the place of a value")
    if isinstance(value, _Array):
        held = value.value
        if held is None:
            raise _Refused("an array without values")
        return _plain(held, known, depth + 1) if isinstance(held, list | dict | tuple | _Array) else held
    if not isinstance(value, list | dict | tuple):
        return value
    if id(value) not in known:
        if isinstance(value, dict):
            made: Any = {key: _plain(item, known, depth + 1) for key, item in value.items()}
        else:
            made = type(value)(_plain(item, known, depth + 1) for item in value)
        known[id(value)] = made
    return known[id(value)]
