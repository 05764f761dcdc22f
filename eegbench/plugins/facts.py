"""What a plug-in's class says of itself, checked once, when it is loaded."""

import dataclasses
import inspect
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from eegbench.configuration import keys
from eegbench.contracts import PIXELS, TRACKS, Card, Dataset, Laws, Method, Metric, Reconstructor, Reference
from eegbench.errors import InputError, short
from eegbench.files import check_name
from eegbench.runs.metric_facts import GRAINS, MAX_COLUMN

CONTRACTS: dict[str, type] = {"method": Method, "dataset": Dataset, "metric": Metric, "reference": Reference}
MAY_BE_NONE = ("chance", "jackknife", "column", "laws", "card")
CHANCE = re.compile(r"permuted|[1-9][0-9]{0,5}/N")

Rule = tuple[Callable[[Any], bool], str]  # whether a value keeps it, and what was wanted


def word(kind: str) -> str:
    """A kind as people call it."""
    return "data set" if kind == "dataset" else kind


def problem(kind: str, name: str, plugin: Any) -> str:
    """What keeps `plugin` from being of the kind, as in "... that <problem>"; "" where all is well."""
    contract = CONTRACTS[kind]
    cls = type(plugin) if kind == "metric" else plugin
    if not (isinstance(cls, type) and issubclass(cls, contract)):
        wanted = "an instance" if kind == "metric" else "a subclass"
        return f"is no {word(kind)}; it must name {wanted} of eegbench.contracts.{contract.__name__}"
    if lost := sorted(getattr(cls, "__abstractmethods__", ())):
        return f"does not define {', '.join(lost)}, which every {word(kind)} has"
    return _form(kind, cls) or _facts(kind, name, plugin)


def _form(kind: str, cls: Any) -> str:
    """Whether the class is a frozen dataclass whose fields can be set, and whose facts are no fields."""
    if not dataclasses.is_dataclass(cls):
        return "" if kind == "reference" else "is no dataclass; write @dataclass(frozen=True) above the class"
    if not getattr(cls, "__dataclass_params__").frozen:  # noqa: B009 - unknown to type checkers
        return "is a dataclass that can be changed; write @dataclass(frozen=True) above the class"
    if kind == "metric":  # its facts are fields
        return ""
    if settings := [field.name for field in dataclasses.fields(cls) if field.name in RULES[kind]]:
        return f"has {settings[0]} among its settings; write {settings[0]}: ClassVar[...] = ..."
    try:
        list(keys(cls))
    except Exception as error:  # an annotation may be any expression
        return f"has annotations that cannot be read ({type(error).__name__}: {error})"
    return ""


def _facts(kind: str, name: str, plugin: Any) -> str:
    for fact, (holds, wanted) in RULES[kind].items():
        value = getattr(plugin, fact, None)
        if value is None and fact not in MAY_BE_NONE:
            return f"does not say its {fact}; wanted {wanted}"
        if not holds(value):
            return f"has the {fact} {short(value)}; wanted {wanted}"
    if kind == "metric" and plugin.needs == PIXELS and not plugin.per_item:
        return f"scores a whole set by {PIXELS}, of which only a few are in memory at once; set per_item to True"
    declared = plugin.id if kind == "metric" else plugin.name
    return "" if declared == name else f"calls itself {declared!r}; give the class and the entry point one name"


def _is_name(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(check_name("name", value))
    except InputError:
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _tuple_of(holds: Callable[[Any], bool], *, least: int = 0) -> Callable[[Any], bool]:
    def of(value: object) -> bool:
        return isinstance(value, tuple) and len(value) >= least and all(map(holds, value))

    return of


def _are_subjects(value: object) -> bool:
    if not isinstance(value, tuple | range) or not value:
        return False
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in value)
    return whole and len(value) == len(set(value)) and min(value) >= 0


def _is_reconstructor(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Reconstructor) and not inspect.isabstract(value)


def _is_ablation(value: object) -> bool:
    return isinstance(value, Mapping) and all(_is_text(k) and isinstance(v, Mapping) for k, v in value.items())


def _is_chance(value: object) -> bool:
    finite = _is_number(value) and math.isfinite(value)  # type: ignore[arg-type]
    return value is None or finite or (isinstance(value, str) and bool(CHANCE.fullmatch(value)))


def _is_share(value: object) -> bool:
    return value is None or (_is_number(value) and 0 < value < 1)  # type: ignore[operator]


def _is_column(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COLUMN)


def _are_bounds(value: object) -> bool:
    return _tuple_of(_is_number, least=2)(value) and len(value) == 2 and value[0] < value[1]  # type: ignore


NAME: Rule = _is_name, "letters, digits and . _ + - only, at most 128"
TEXT: Rule = _is_text, "a text"
TRUTH: Rule = _is_truth, "True or False"
COUNT: Rule = _is_count, "a whole number from 1"
WORDS: Rule = _tuple_of(_is_text), "a tuple of words"

RULES: dict[str, dict[str, Rule]] = {
    "method": {
        "name": NAME,
        "paper": TEXT,
        "reference": TEXT,
        "tracks": (_tuple_of(TRACKS.__contains__, least=1), f"a tuple of {', '.join(TRACKS)}"),
        "requires": WORDS,
        "hints": WORDS,
        "role": (("method", "floor").__contains__, "'method' or 'floor'"),
        "transductive": TRUTH,
        "ablation": (_is_ablation, "a mapping of a row's name to its settings"),
        "ablated": WORDS,
        "fit_version": COUNT,
        "reconstructor": (_is_reconstructor, "the class that fit gives, a subclass of Reconstructor with all methods"),
    },
    "dataset": {
        "name": NAME,
        "revision": NAME,
        "subjects": (_are_subjects, "a tuple of whole numbers, each once"),
        "simulated": TRUTH,
        "about": TEXT,
        "caution": TEXT,
    },
    "metric": {
        "id": NAME,
        "version": COUNT,
        "higher_is_better": TRUTH,
        "chance": (_is_chance, "a number, 'permuted', '1/N' or None"),
        "bounds": (_are_bounds, "a tuple of the least and the greatest value"),
        "needs": (lambda value: _is_text(value) and bool(value), "the name of what both sides are turned into"),
        "per_item": TRUTH,
        "rivals": TRUTH,
        "jackknife": (_is_share, "a share between 0 and 1, or None"),
        "most_paired": COUNT,
        "grain": (GRAINS.__contains__, f"one of {', '.join(map(repr, GRAINS))}"),
        "on_request": TRUTH,
        "column": (_is_column, f"a whole number from 0 to {MAX_COLUMN}, or None"),
        "laws": (lambda value: value is None or isinstance(value, Laws), "eegbench.contracts.Laws(...), or None"),
        "card": (lambda value: value is None or isinstance(value, Card), "eegbench.contracts.Card(...), or None"),
    },
    "reference": {"name": NAME, "about": TEXT},
}
