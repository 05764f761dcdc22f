"""From a TOML table, or `--set key=value`, to a frozen dataclass: an unknown key lists the valid ones."""

import dataclasses
import functools
import math
import tomllib
import types
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from eegbench.errors import InputError, UsageError, short, unknown
from eegbench.guards.budget import read_bytes

TomlTable = dict[str, object]
TABLES = ("method", "dataset", "view")
SHIPPED = Path(__file__).parent / "configurations"  # <method>.<name>.toml
MOST_BYTES = 2**16  # of a configuration file: ten times the longest that comes along
DEEPEST = 8  # tables within tables, and parts of a dotted key
LARGEST = 2**63  # whole numbers are below, and above its negative: a record holds no longer ones
WANTED = {int: "a whole number", float: "a finite number", bool: "true or false", str: "a word", Path: "a path"}


def build(cls: Any, table: Mapping[str, object]) -> Any:
    """An instance of the frozen dataclass `cls` with the fields of `table` in place of its defaults.

    Keys may be dotted ("encoder.epochs") or nested tables, which keep the other values of the field's default.
    Values are converted by the field's annotation; strings are accepted for every type, as they come from a
    command line. Raises UsageError naming the key: unknown, of a wrong type, or missing where there is no default.
    """
    return _build(cls, dataclasses.MISSING, nest(table), "")


def keys(cls: Any, path: str = "") -> Iterator[str]:
    """Every key that can be set on `cls`, fields of nested dataclasses dotted."""
    for name, hint in _hints(cls).items():
        if dataclasses.is_dataclass(hint):
            yield from keys(hint, f"{path}{name}.")
        else:
            yield path + name


def nest(table: Mapping[str, object]) -> TomlTable:
    """Dotted keys as nested tables: {"encoder.epochs": 3} to {"encoder": {"epochs": 3}}."""
    nested: TomlTable = {}
    for key, value in table.items():
        head, _, rest = key.partition(".")
        inner: object = nest(value) if isinstance(value, Mapping) else value
        nested = _merge(nested, {head: nest({rest: inner}) if rest else inner})
    return nested


def flat(table: Mapping[str, object]) -> TomlTable:
    """Nested tables as dotted keys: {"encoder": {"epochs": 3}} to {"encoder.epochs": 3}."""
    dotted: TomlTable = {}
    for key, value in table.items():
        inner = {f"{key}.{rest}": leaf for rest, leaf in flat(value).items()} if isinstance(value, Mapping) else None
        dotted |= {key: value} if inner is None else inner
    return dotted


def read_tables(file: Path | None, settings: Sequence[str] | Mapping[str, object]) -> dict[str, TomlTable]:
    """The tables of a TOML file and of settings, which win: `--set` words, or values by key.

    A word is key=value; "dataset.snr=0" goes to the data set, "method.rank=4" and any other key to the method. As in a
    file, {"dataset": {"snr": 0}} is a table.
    Raises UsageError for an unknown table or a word of another form, InputError for a file that is no TOML.
    """
    tables: dict[str, TomlTable] = {name: {} for name in TABLES}
    for name, table in (read_toml(file) if file else {}).items():
        if name not in TABLES:
            raise unknown("table", name, TABLES)
        if not isinstance(table, dict):
            raise UsageError(f"{file}: {name} is not a table; write [{name}] above its keys")
        tables[name] = nest(table)
    for key, value in settings.items() if isinstance(settings, Mapping) else map(_assignment, settings):
        if not all(key.split(".")) or key.count(".") >= DEEPEST:
            raise UsageError(f"setting {short(key)}; wanted a key of at most {DEEPEST} parts, such as dataset.snr")
        owner, _, rest = key.partition(".")
        if key in TABLES and isinstance(value, Mapping):
            tables[key] = _merge(tables[key], nest(value))
            continue
        name, own = (owner, rest) if owner in TABLES and rest else ("method", key)
        tables[name] = _merge(tables[name], nest({own: value}))
    return tables


def _assignment(word: str) -> tuple[str, str]:
    """Key and value of a `--set` word."""
    key, equals, value = word.partition("=")
    if not equals or not all(key.split(".")):
        raise UsageError(f"--set {short(word)}; wanted key=value, such as rank=8 or dataset.snr=0")
    if key.count(".") >= DEEPEST:
        raise UsageError(f"--set {short(word)}: the key has {key.count('.') + 1} parts; at most {DEEPEST} are read")
    return key, value


def shipped(file: Path | None, method: str) -> Path | None:
    """`file`; or for a bare word that names no file, such as `paper`, the configuration of that name that comes along.

    Raises UsageError listing the names there are for `method`.
    """
    if file is None or file.exists() or file.name != str(file) or file.suffix:
        return file
    files = shipped_files(method)
    if str(file) in files:
        return files[str(file)]
    if files:
        raise unknown(f"configuration of {method}", str(file), files)
    raise UsageError(f"{file}: no such configuration file, and none comes along for {method}; give a TOML file")


def shipped_files(method: str) -> dict[str, Path]:
    """The configurations that come along for a method, by name (micro, paper)."""
    return {path.name.split(".")[1]: path for path in sorted(SHIPPED.glob(f"{method}.*.toml"))}


def _merge(old: Mapping[str, object], new: Mapping[str, object]) -> TomlTable:
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _merge(cast(TomlTable, before), cast(TomlTable, value)) if both else value
    return merged


def read_toml(file: Path, what: str = "configuration") -> dict[str, Any]:
    """The table of a TOML file; what: the word for such a file. Raises UsageError where there is none, InputError for
    one that is no TOML, or that is deeper or longer than such a file can be."""
    try:
        if not file.exists():
            raise UsageError(f"{file}: no such {what} file")
        table = tomllib.loads(read_bytes(file, MOST_BYTES, f"a {what} file").decode())
        if not _is_flat(table, DEEPEST):
            raise InputError(f"{file}: nested deeper than {DEEPEST} levels; a {what} is less deep")
        if not _is_short(table):
            raise InputError(f"{file}: holds a whole number that is not below 2^63")
        return table
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file}: not readable as TOML ({' '.join(str(error).split())[:200]})") from None
    except RecursionError:
        raise InputError(f"{file}: not readable as TOML (nested too deep)") from None
    except ValueError:  # Python reads no number of so many digits
        raise InputError(f"{file}: not readable as TOML (a number of thousands of digits)") from None


def _is_flat(value: object, levels: int) -> bool:
    """Whether tables and lists lie within one another at most so many levels deep, dotted keys counted."""
    if isinstance(value, dict):
        return levels > 0 and all(_is_flat(inner, levels - 1 - key.count(".")) for key, inner in value.items())
    return not isinstance(value, list) or (levels > 0 and all(_is_flat(inner, levels - 1) for inner in value))


def _is_short(value: object) -> bool:
    """Whether all whole numbers within are below LARGEST: longer ones, as 0xfff..., cannot even be shown."""
    if isinstance(value, dict | list):
        return all(map(_is_short, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, int) or -LARGEST < value < LARGEST


def _build(cls: Any, default: object, table: Mapping[str, object], path: str) -> Any:
    """`default` with the values of `table`, or a new `cls` where there is no default."""
    hints = _hints(cls)
    if strange := [key for key in table if key not in hints]:
        raise unknown("configuration key", path + strange[0], keys(cls, path))
    defaults = {f.name: f.default for f in dataclasses.fields(cls)} if hints else {}
    changed = {
        key: _convert(hints[key], value, getattr(default, key, defaults[key]), path + key)
        for key, value in table.items()
    }
    fresh = default is dataclasses.MISSING
    if fresh and (missing := [name for name in _required(cls) if name not in changed]):
        raise UsageError(f"{path}{missing[0]} has no default: set it, in the file of --config or by --set")
    try:
        return cls(**changed) if fresh else dataclasses.replace(cast(Any, default), **changed)
    except UsageError as error:  # a value out of its range: the class names the field, and this its group
        raise UsageError(f"{path.rstrip('.')}: {error}" if path else str(error)) from None


@functools.cache
def _hints(cls: Hashable) -> dict[str, Any]:
    """Field name to type; a class that is no dataclass has no fields to set."""
    if not dataclasses.is_dataclass(cls):
        return {}
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls) if f.init}


def _required(cls: Any) -> list[str]:
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    none = dataclasses.MISSING
    return [f.name for f in fields if f.init and f.default is none and f.default_factory is none]


def _convert(hint: Any, value: object, default: object, key: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise UsageError(f"{key} is a group; set one of {', '.join(keys(hint, key + '.'))}")
        return _build(hint, default, value, key + ".")
    if isinstance(value, Mapping):
        raise UsageError(f"{key} has no parts, and {', '.join(map(str, value))} came")
    origin, choices = get_origin(hint), get_args(hint)
    if origin is Literal:
        by_text = {str(choice): choice for choice in choices}
        if str(value) not in by_text:
            raise unknown(f"value of {key}", str(value), choices)
        return by_text[str(value)]
    if origin in (Union, types.UnionType):
        return _convert_union(choices, value, key)
    if origin is tuple:
        return _convert_tuple(choices, value, key)
    return _convert_plain(hint, value, key)


def _convert_union(hints: tuple[Any, ...], value: object, key: str) -> Any:
    if types.NoneType in hints and (value is None or value == "none"):  # TOML has no null
        return None
    problem = UsageError(f"{key} is {short(value)}")
    for hint in hints:
        if hint is not types.NoneType:
            try:
                return _convert(hint, value, dataclasses.MISSING, key)
            except UsageError as error:
                problem = error
    raise problem


def _convert_tuple(hints: tuple[Any, ...], value: object, key: str) -> tuple[Any, ...]:
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise UsageError(f"{key} is {short(value)}; wanted a list, such as 16,32,64")
    if hints[-1] is ...:
        hints = (hints[0],) * len(parts)
    if len(parts) != len(hints):
        raise UsageError(f"{key} has {len(parts)} values; wanted {len(hints)}")
    return tuple(_convert(hint, part, dataclasses.MISSING, key) for hint, part in zip(hints, parts, strict=True))


def _convert_plain(hint: Any, value: object, key: str) -> Any:
    """A value from TOML must have the type already; a string from a command line is read as the type."""
    if hint not in WANTED:
        raise TypeError(f"no configuration form for {key}: {hint}")
    problem = UsageError(f"{key} is {short(value)}; wanted {WANTED[hint]}")
    if isinstance(value, str) and not _is_text(value, of_a_path=hint is Path):
        raise UsageError(f"{key} is {short(value)}; wanted text without NUL characters and halves of characters")
    if hint is bool:
        if str(value).lower() not in ("true", "false"):
            raise problem
        return str(value).lower() == "true"
    accepted: tuple[type, ...] = (str, int, float) if hint is float else (str, hint)
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise problem
    if isinstance(value, str) and hint in (int, float) and not plain_number(value):
        raise problem
    try:
        converted = hint(value)
    except (ValueError, OverflowError):
        raise problem from None
    if hint is float and not math.isfinite(converted):
        raise problem
    if hint is int and not -LARGEST < converted < LARGEST:
        raise UsageError(f"{key} is {short(value)}; wanted a whole number below 2^63")
    return converted


def plain_number(text: str) -> bool:
    """Whether a word may be a number: Python reads 1_0 and the digits of every script as well."""
    return text.isascii() and "_" not in text


def _is_text(value: str, *, of_a_path: bool) -> bool:
    """Whether a file can hold it; the name of a file may have bytes that are no text."""
    try:
        value.encode(errors="surrogateescape" if of_a_path else "strict")
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def numbers(text: str, option: str) -> list[int]:
    """The whole numbers of "1-10" or "1,2,8"; raises UsageError for other text. option: what a message calls it."""
    chosen: list[int] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        ends = [end for end in (low, high if dash else low) if end.isascii() and end.isdigit() and len(end) <= 4]
        if len(ends) < 2 or int(ends[0]) > int(ends[1]):
            raise UsageError(f"{option} is {text[:80]!r}; wanted numbers, as 8, 1-10 or 1,2,8")
        chosen += range(int(ends[0]), int(ends[1]) + 1)
    return chosen
