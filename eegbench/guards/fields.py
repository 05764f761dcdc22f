"""Frozen dataclasses to JSON and, by their type hints, back. A value of another type is an InputError that names it.

A field marked {"later": True} came to a class that had files and digests already: while it has its default it is left
out, so that these stay as they are.
"""

import dataclasses
import functools
import math
import types
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from eegbench.errors import InputError, short

MAX_DEPTH = 32  # of nested lists and objects in a free-form field; deeper ones would exhaust the stack later

T = TypeVar("T")
Reader = Callable[[Any, str], Any]


def as_json(value: object) -> Any:
    """A dataclass as JSON objects and lists, without its later fields that have their default."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in written_fields(value)}
    if isinstance(value, dict):
        return {name: as_json(entry) for name, entry in value.items()}
    return [as_json(entry) for entry in value] if isinstance(value, list | tuple) else value


def written_fields(value: Any) -> list["dataclasses.Field[Any]"]:
    """The fields of a dataclass's instance but for later ones that have their default."""
    return [
        f for f in dataclasses.fields(value) if not (f.metadata.get("later") and getattr(value, f.name) == _default(f))
    ]


def _default(field: "dataclasses.Field[Any]") -> object:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def read_fields(cls: type[T], value: object, where: str) -> T:
    """An instance of the dataclass `cls` from a JSON object; `where` is what messages call it.

    Fields may be str, int, float, bool, None, Literal words, unions of these, fixed or open tuples, dict[str, X],
    dict[str, Any] (any JSON) and dataclasses. Raises InputError for a missing, unknown or mistyped field.
    """
    readers, required = _plan(cast(Hashable, cls))
    if not isinstance(value, dict):
        raise InputError(f"{where} is {_kind(value)}; wanted an object")
    if not (value.keys() <= readers.keys() and required <= value.keys()):
        problem = [f"{name!r} is missing" for name in sorted(required - value.keys())]
        problem += [f"{name[:80]!r} is unknown" for name in sorted(value.keys() - readers.keys())]
        raise InputError(f"{where}: {', '.join(problem[:5])}; its fields are {', '.join(readers)}")
    return cls(**{name: readers[name](entry, name) for name, entry in value.items()})


@functools.cache
def _plan(cls: Hashable) -> tuple[dict[str, Reader], frozenset[str]]:
    hints = get_type_hints(cls)
    fields = dataclasses.fields(cast(Any, cls))
    missing = dataclasses.MISSING
    required = frozenset(f.name for f in fields if f.default is missing and f.default_factory is missing)
    return {f.name: _reader(hints[f.name]) for f in fields}, required


def _reader(hint: Any) -> Reader:
    """What checks and converts one value of the type `hint`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is float:
        return _read_float
    if hint in (str, int, bool, types.NoneType):
        return functools.partial(_read_plain, hint)
    if hint is Any:
        return functools.partial(_read_any, MAX_DEPTH)
    if origin is Literal:
        return functools.partial(_read_word, arguments)
    if origin in (Union, types.UnionType):
        return functools.partial(_read_union, [(a, _reader(a)) for a in arguments], types.NoneType in arguments)
    if origin is tuple and arguments[-1] is ...:
        return functools.partial(_read_list, _reader(arguments[0]))
    if origin is tuple:
        return functools.partial(_read_tuple, [_reader(a) for a in arguments])
    if origin is dict:
        return functools.partial(_read_dict, _reader(arguments[1]))
    if dataclasses.is_dataclass(hint):
        return functools.partial(read_fields, cast(type[Any], hint))
    raise TypeError(f"no JSON form for a field of type {hint}")


def _read_plain(wanted: type, value: Any, where: str) -> Any:
    # type() and not isinstance(): True is an int to Python, and is none to a reader of the record.
    if type(value) is not wanted:
        raise InputError(f"{where} is {_kind(value)}; wanted {_NAMES[wanted]}")
    return value


def _read_word(known: tuple[str, ...], value: Any, where: str) -> Any:
    if type(value) is not str or value not in known:
        raise InputError(f"{where} is {short(value)}; wanted one of {', '.join(known)}")
    return value


def _read_float(value: Any, where: str) -> float:
    if type(value) not in (float, int):
        raise InputError(f"{where} is {_kind(value)}; wanted a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{where} is not a finite number")
    return number


def _read_union(readers: list[tuple[Any, Reader]], optional: bool, value: Any, where: str) -> Any:
    if value is None and optional:
        return None
    problems = []
    for _, reader in readers:
        try:
            return reader(value, where)
        except InputError as error:
            problems.append(error)
    named = [_NAMES[hint] for hint, _ in readers if hint in _NAMES]
    # With one structured alternative, its own complaint says more than the list of types.
    raise (
        problems[0]
        if len(named) < len(readers)
        else InputError(f"{where} is {_kind(value)}; wanted {' or '.join(named)}")
    )


def _read_list(reader: Reader, value: Any, where: str) -> tuple[Any, ...]:
    if type(value) is not list:
        raise InputError(f"{where} is {_kind(value)}; wanted a list")
    return tuple([reader(entry, where) for entry in value])


def _read_tuple(readers: list[Reader], value: Any, where: str) -> tuple[Any, ...]:
    if type(value) is not list or len(value) != len(readers):
        raise InputError(f"{where} is {_kind(value)}; wanted a list of {len(readers)}")
    return tuple([reader(entry, where) for reader, entry in zip(readers, value, strict=True)])


def _read_dict(reader: Reader, value: Any, where: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise InputError(f"{where} is {_kind(value)}; wanted an object")
    return {name: reader(entry, f"{where}[{name[:80]!r}]") for name, entry in value.items()}


def _read_any(depth: int, value: Any, where: str) -> Any:
    if depth == 0:
        raise InputError(f"{where} is nested deeper than {MAX_DEPTH} levels")
    if type(value) is list:
        return [_read_any(depth - 1, entry, where) for entry in value]
    if type(value) is dict:
        return {name: _read_any(depth - 1, entry, where) for name, entry in value.items()}
    return value


_NAMES: dict[Any, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    types.NoneType: "null",
}


def _kind(value: object) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else _NAMES.get(type(value), type(value).__name__)
