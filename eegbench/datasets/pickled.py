"""Published recordings are pickles: numpy's files of Python objects, and plain pickles under the name .npy.

`Machine` runs them: arrays of numbers and text in lists, tuples and dictionaries. numpy's names stand for stand-ins of
this module, which check sizes before they make an array.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from eegbench.errors import InputError, MissingError
from eegbench.guards.budget import Budget
from eegbench.guards.pickles import Bounded, Machine, Named, Refused, shown
from eegbench.kinds import is_page

MAGIC = b"\x93NUMPY"
DTYPE = re.compile(r"[<>|=]?(f[248]|[iu][1248]|b1|[US]\d{1,4}|O8?)")
AXES = 8
DEEPEST = 16  # containers in containers
HEADER = 4096  # bytes of numpy's header


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
                raise Refused("it is a page of the web, not data; get the file itself")
            if file.peek(len(MAGIC)).startswith(MAGIC):
                _skip_header(file)
            budget = Budget.of(path)
            return _plain(_Reader(Bounded(file, budget.size), budget, STANDS_FOR).load(), {}, 0)
    except Refused as error:
        raise InputError(f"{path}: refused: {error}") from None
    except (InputError, MissingError):
        raise
    except Exception as error:  # rubbish makes the machine fail in any way
        lines = str(error).splitlines()
        raise InputError(
            f"{path}: not a whole numpy or pickle file ({type(error).__name__}{': ' + lines[0][:120] if lines else ''})"
        ) from None


def words(value: object) -> list[str]:
    """A list, tuple or array of text, and of nothing but text; an empty list for anything else."""
    flat = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim == 1)
    items = cast(Any, value) if flat else ()
    return [str(word) for word in items] if all(isinstance(word, str) for word in items) else []


class _Dtype:
    """A description of an array's items, checked."""

    def __init__(self, name: object, align: object = False, copy: object = True) -> None:
        if not isinstance(name, str) or not DTYPE.fullmatch(name):
            raise Refused(f"items of type {shown(name)}")
        self.value = np.dtype(name)

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
            raise Refused("items in an order that numpy does not know")
        if state[2] is not None or state[3] is not None or state[4] is not None:
            raise Refused("items with parts")
        if state[1] in ("<", ">"):
            self.value = self.value.newbyteorder(state[1])


class _Array:
    """An array, empty until its state comes."""

    def __init__(self) -> None:
        self.value: Any = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise Refused("an array without a shape and a type")
        _, shape, dtype, fortran, data = state
        self.value = _array(shape, dtype, data, "F" if fortran else "C")


def _array(shape: object, dtype: object, data: object, order: object) -> Any:
    if not isinstance(shape, tuple) or len(shape) > AXES or not all(type(n) is int and n >= 0 for n in shape):
        raise Refused(f"an array of shape {shown(shape)}")
    if not isinstance(dtype, _Dtype) or order not in ("C", "F"):
        raise Refused("an array without a type")
    count = math.prod(shape)
    if dtype.value.hasobject:
        if not isinstance(data, list) or len(data) != count or len(shape) > 1:
            raise Refused(f"an array of objects of shape {shown(shape)}")
        return data if shape else data[0]
    if not isinstance(data, bytes) or len(data) != count * dtype.value.itemsize:
        raise ValueError(f"an array of shape {shape} and type {dtype.value} with the bytes of another")
    values: NDArray[Any] = np.frombuffer(data, dtype.value, count).reshape(shape, order="F" if order == "F" else "C")
    values.flags.writeable = False
    return values


def _reconstruct(kind: object, shape: object = (0,), typecode: object = b"b") -> _Array:
    return _Array()


def _from_buffer(data: object, dtype: object, shape: object, order: object, axes: object = None) -> _Array:
    if axes is not None:
        raise Refused("an array with its axes in another order")
    array = _Array()
    array.value = _array(shape, dtype, data, order)
    return array


def _scalar(dtype: object, data: object) -> _Array:
    array = _Array()
    array.value = _array((), dtype, data, "C")[()]
    return array


STANDS_FOR: dict[str, Callable[..., Any]] = {
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
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


class _Reader(Machine):
    states = (_Dtype, _Array)
    needs = "a recording needs arrays and plain containers alone"


def _skip_header(file: BinaryIO) -> None:
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise Refused(f"version {version} of numpy's files")
    shape, _, dtype = read(file, max_header_size=HEADER)
    if not dtype.hasobject or len(shape) > 1:
        raise Refused(f"an array of {dtype} of shape {shape}; wanted a dictionary in an array of objects")


def _plain(value: Any, known: dict[int, Any], depth: int) -> Any:
    """Stand-ins replaced by what they hold; a container that comes again is the same one, and none holds itself."""
    if depth > DEEPEST:
        raise Refused(f"containers more than {DEEPEST} deep")
    if isinstance(value, Named | _Dtype):
        raise Refused("a name of numpy's in the place of a value")
    if isinstance(value, _Array):
        held = value.value
        if held is None:
            raise Refused("an array without values")
        return _plain(held, known, depth + 1) if isinstance(held, list | dict | tuple | _Array) else held
    if not isinstance(value, list | dict | tuple):
        return value
    if id(value) not in known:
        if isinstance(value, dict):
            replaced: Any = {key: _plain(item, known, depth + 1) for key, item in value.items()}
        else:
            replaced = type(value)(_plain(item, known, depth + 1) for item in value)
        known[id(value)] = replaced
    return known[id(value)]
