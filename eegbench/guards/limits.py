"""What a field of a record may hold, stated once beside the field: `seed: Annotated[int, Whole(0, 9)]`.

`check` asks each field of a dataclass; it runs when one is made, so that nothing can be written that is not read again.
`as_schema` says the same as JSON Schema, as far as JSON Schema can.
"""

import dataclasses
import functools
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, cast, get_type_hints

from eegbench.errors import InputError, short

MAX_WHOLE = 2**64 - 1  # of a seed or a count of bytes
MAX_TEXT = 10_000  # characters: a verdict names each metric, a caution has references
MAX_KEY = 1000  # characters of a name in a table, which may be a path
MAX_ENTRIES = 1000  # of a table
MAX_OBJECT = 2**16  # characters of a free-form object as JSON: the longest of our own has 1300

SURROGATE = re.compile("[\ud800-\udfff]")  # which no file and no terminal can show
SHA256 = re.compile(r"[0-9a-f]{64}")


class Limit(ABC):
    """One rule. Optional fields may be None as well, which no rule is asked about."""

    @abstractmethod
    def problem(self, value: Any) -> str:
        """What is wrong with a value of the right type, as in "seed <problem>"; "" where nothing is."""

    @abstractmethod
    def as_schema(self) -> dict[str, Any]:
        """What JSON Schema can say of it."""


@dataclass(frozen=True)
class OneOf(Limit):
    """One of the known words."""

    known: tuple[str, ...]

    def problem(self, value: Any) -> str:
        return "" if value in self.known else f"is {short(value)}; wanted one of {', '.join(self.known)}"

    def as_schema(self) -> dict[str, Any]:
        return {"enum": list(self.known)}


@dataclass(frozen=True)
class Text(Limit):
    """Words for people, which are shown by those who take out what acts: here they are bounded and can be encoded."""

    most: int = MAX_TEXT

    def problem(self, value: Any) -> str:
        if len(value) > self.most:
            return f"has {len(value)} characters; at most {self.most} are read"
        return "holds half of a character (a surrogate)" if SURROGATE.search(value) else ""

    def as_schema(self) -> dict[str, Any]:
        return {"maxLength": self.most}


@dataclass(frozen=True)
class Sha256(Limit):
    """A sha256 of 64 hex digits, or "" where it is not known."""

    def problem(self, value: Any) -> str:
        return "" if not value or SHA256.fullmatch(value) else f"is {short(value)}; wanted a sha256 of 64 hex digits"

    def as_schema(self) -> dict[str, Any]:
        return {"pattern": "^([0-9a-f]{64})?$"}


@dataclass(frozen=True)
class Within(Limit):
    """A number from `low` to `high`."""

    low: float
    high: float

    def problem(self, value: Any) -> str:
        if value is None or isinstance(value, str) or self.low <= value <= self.high:
            return ""
        return f"is {short(value)}; wanted {self.low:g} to {self.high:g}"

    def as_schema(self) -> dict[str, Any]:
        return {"minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class NamedValues(Limit):
    """A dict with names of bounded length, at most `most` of them, and one rule for all values."""

    value: Limit
    most: int = MAX_ENTRIES

    def problem(self, value: Any) -> str:
        if len(value) > self.most:
            return f"has {len(value)} entries; at most {self.most} are read"
        for name, entry in value.items():
            if wrong := Text(MAX_KEY).problem(name):
                return f"has a name that {wrong}"
            if wrong := self.value.problem(entry):
                return f"[{short(name)}] {wrong}"
        return ""

    def as_schema(self) -> dict[str, Any]:
        names = Text(MAX_KEY).as_schema()
        return {"maxProperties": self.most, "propertyNames": names, "additionalProperties": self.value.as_schema()}


@dataclass(frozen=True)
class Free(Limit):
    """Any JSON object of bounded size."""

    most: int = MAX_OBJECT

    def problem(self, value: Any) -> str:
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > self.most:
            return f"has {len(text)} characters as JSON; at most {self.most} are read"
        return "holds half of a character (a surrogate)" if SURROGATE.search(text) else ""

    def as_schema(self) -> dict[str, Any]:
        return {"type": "object"}


def check(record: object, name: str = "") -> None:
    """Raises InputError for the first field of a dataclass that is beyond its limit; `name` is whose field it is."""
    for field, limit in limits_of(cast(Hashable, type(record))).items():
        value = getattr(record, field)
        if value is not None and (wrong := limit.problem(value)):
            space = "" if wrong.startswith("[") else " "
            raise InputError(f"{field}{f' of {name}' if name else ''}{space}{wrong}")


def fitting(text: str) -> str:
    """The text as a field of words may hold it: cut, and what cannot be encoded replaced."""
    return text[:MAX_TEXT].encode(errors="replace").decode()


@functools.cache
def limits_of(cls: Hashable) -> dict[str, Limit]:
    """The limits of a dataclass by field."""
    hints = get_type_hints(cls, include_extras=True)
    return {
        field.name: limit
        for field in dataclasses.fields(cast(Any, cls))
        for limit in getattr(hints[field.name], "__metadata__", ())
        if isinstance(limit, Limit)
    }
