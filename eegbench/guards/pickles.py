"""A machine for the small part of the pickle language that plain containers are written in.

A pickle is a program. The machine calls nothing that a file names: names are looked up in a table of stand-ins, which
check sizes before they make anything. Anything else that a file asks for is refused by name. What a program makes is
held to the budget of its file, and no opcode's work is more than a fixed part of that: a text is encoded once for each
time that it stands in the file, and a key is a word or a whole number, whose hash takes no time.
"""

import io
import pickle
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO, cast

from eegbench.guards.budget import Budget

# The part of the language that arrays and plain containers are written in, protocols 2 to 5.
OPCODES = (
    "PROTO FRAME STOP MARK MEMOIZE BINPUT LONG_BINPUT BINGET LONG_BINGET NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 "
    "LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 EMPTY_LIST "
    "EMPTY_TUPLE EMPTY_DICT APPEND APPENDS TUPLE TUPLE1 TUPLE2 TUPLE3 SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE BUILD"
)
KNOWN = {getattr(pickle, name)[0] for name in OPCODES.split()}

# Bytes and steps that an opcode may take, reading what it made included: of a number; of a place in the memo; of a
# container, its copy and its place among what is known; of a call.
SMALL, PLACE, LARGE, CALL = (64, 2), (160, 2), (384, 8), (384, 20)
Costs = Mapping[int, tuple[int, int]]  # by opcode; of any other, SMALL


def costs(names: Mapping[str, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """The costs by opcode, from costs by the names of several opcodes."""
    return {getattr(pickle, name)[0]: cost for several, cost in names.items() for name in several.split()}


COSTS = costs(
    {
        "MEMOIZE BINPUT LONG_BINPUT SETITEM MARK": PLACE,
        "EMPTY_LIST EMPTY_DICT EMPTY_SET TUPLE TUPLE1 TUPLE2 TUPLE3": LARGE,
        "REDUCE BUILD BINPERSID": CALL,
    }
)
CHAIN = 32  # whole numbers can be chosen so that each of a dictionary meets all others: so many, a step

Stands = Mapping[str, Callable[..., Any] | None]  # by dotted name; None can be held and not called


class Refused(Exception):
    """A file asks for what it does not need."""


class _Short(reprlib.Repr):
    def repr_bytes(self, value: bytes, level: int) -> str:
        return repr(value[: self.maxstring])


_SHORT = _Short()
_SHORT.maxlevel = 3


def shown(value: object) -> str:
    """A value from a file in a few letters of one line, however large it is: a list may hold one list many times."""
    return " ".join(_SHORT.repr(value)[:200].split())[:60]


class Named:
    """What stands for a name. A file can call it with values, if at all, and do nothing else with it."""

    __slots__ = ("make", "name")

    def __init__(self, name: str, make: Callable[..., Any] | None) -> None:
        self.name, self.make = name, make

    def __call__(self, *values: Any) -> Any:
        if self.make is None:
            raise Refused(f"it calls {self.name}")
        return self.make(*values)


class Bounded(io.RawIOBase):
    """A file that never makes room for more than it holds."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__()
        self._file, self._left = file, size - file.tell()

    def read(self, size: int = -1) -> bytes:
        if size > self._left:
            raise EOFError(f"{size} bytes are announced, {self._left} are left")
        data = self._file.read(self._left if size < 0 else size)
        self._left -= len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        view[:] = self.read(len(view))
        return len(view)

    def readline(self, size: int | None = -1) -> bytes:
        line = self._file.readline(256)  # of a name
        if not line.endswith(b"\n"):
            raise EOFError("a name without an end")
        self._left -= len(line)
        return line


class Machine(pickle._Unpickler):
    """Runs the opcodes above on a file within its budget; `file` must never give, or make room for, more than it holds.

    It is the machine written in Python: its memo takes no room in advance, and its table of opcodes can be cut down.
    """

    stack: list[Any]
    pop_mark: Callable[[], list[Any]]
    states: tuple[type, ...] = ()  # stand-ins that take a state
    needs = "plain containers alone are read"

    def __init__(self, file: io.BytesIO | Bounded, budget: Budget, stands: Stands) -> None:
        super().__init__(cast(Any, file), encoding="utf-8")
        self.budget, self.stands, self._text = budget, stands, budget.size

    def find_class(self, module: str, name: str) -> Named:
        full_name = f"{module}.{name}"
        if full_name not in self.stands and full_name != "_codecs.encode":
            raise Refused(f"it asks for {full_name[:120]!r}; {self.needs}")
        return Named(full_name, self.encode if full_name == "_codecs.encode" else self.stands[full_name])

    def encode(self, text: object, coding: object = "latin1") -> bytes:
        """How protocol 2 writes bytes. All of a file's are no more than its letters: none is encoded again."""
        if not isinstance(text, str) or coding not in ("latin1", "latin-1"):
            raise Refused("text in another code")
        self._text -= len(text)
        if self._text < 0:
            raise Refused("it makes more bytes than it holds")
        return text.encode("latin1")

    def check_keys(self, keys: Iterable[object], many: int) -> None:
        """Refuses what is no key, for a container that has `many` items already."""
        for key in keys:
            if isinstance(key, int):
                self.budget.steps(1 + many // CHAIN)
            elif not isinstance(key, str):
                raise Refused("a dictionary whose keys are not words or whole numbers")
            many += 1

    def _build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, self.states):
            raise Refused(f"it changes {type(target).__name__.strip('_').lower()} {shown(target)}")
        cast(Any, target).__setstate__(state)

    def _reduce(self) -> None:
        values, function = self.stack.pop(), self.stack[-1]
        if not isinstance(function, Named) or not isinstance(values, tuple):
            raise Refused("it calls what is no name")
        self.stack[-1] = function(*values)

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _set_items(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise Refused("it sets items of what is no dictionary")
        self.check_keys(items[::2], len(target))
        self.budget.memory(SMALL[0] * len(items))
        target.update(zip(items[::2], items[1::2], strict=True))

    def _add(self) -> None:
        self._extend([self.stack.pop()])

    def _add_all(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise Refused("it adds to what is no list")
        self.stack[-1].extend(items)

    def _refuse(self) -> None:
        raise Refused("a part of the pickle language that plain containers do not need")

    @staticmethod
    def table(
        known: Iterable[int], handlers: Mapping[int, Callable[[Any], None]] | None = None, taken: Costs = COSTS
    ) -> dict[int, Any]:
        """What runs each opcode: those of `known` as Python does or as here, all others refused.

        taken: bytes and steps of each.
        """
        runs = {**_PYTHON, **_OURS, **(handlers or {})}
        allowed = {code: _charged(taken.get(code, SMALL), runs[code]) for code in known}
        return {**dict.fromkeys(runs, cast(Any, Machine._refuse)), **allowed}


def _charged(cost: tuple[int, int], run: Callable[[Any], None]) -> Callable[[Any], None]:
    memory, steps = cost

    def step(machine: Machine) -> None:
        budget = machine.budget  # spent from at once: this is done for each opcode of an honest file too
        budget.memory_left -= memory
        budget.steps_left -= steps
        if budget.memory_left < 0 or budget.steps_left < 0:
            budget.memory(0)
            budget.steps(0)
        run(machine)

    return step


_PYTHON: dict[int, Callable[[Any], None]] = dict(pickle._Unpickler.dispatch)
_OURS: dict[int, Callable[[Any], None]] = {
    pickle.BYTEARRAY8[0]: _PYTHON[pickle.BINBYTES8[0]],  # its own makes room before it asks for the bytes
    pickle.BUILD[0]: Machine._build,
    pickle.REDUCE[0]: Machine._reduce,
    pickle.SETITEM[0]: Machine._set_item,
    pickle.SETITEMS[0]: Machine._set_items,
    pickle.APPEND[0]: Machine._add,
    pickle.APPENDS[0]: Machine._add_all,
}
Machine.dispatch = Machine.table(KNOWN)
