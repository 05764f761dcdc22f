"""Names to what they stand for: the package's own literal dicts, and entry points of other packages.

Nothing is imported before it is asked for. Groups of entry points: eegbench.methods, eegbench.datasets,
eegbench.references (each a class) and eegbench.metrics (an instance). The package's own names cannot be taken over.

To import a plug-in runs its code. A user asks for that by naming one, or by running a verb that takes all metrics. A
stranger's record must not cause it, and is read within `only_own`.
"""

import contextlib
import functools
import importlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from eegbench import configuration
from eegbench.datasets import DATASETS
from eegbench.errors import EegbenchError, InputError, MissingError, Notice, unknown
from eegbench.files import check_name
from eegbench.methods import METHODS, REFERENCES
from eegbench.metrics import METRICS
from eegbench.plugins import facts
from eegbench.plugins.authors import author_of, said

OWN: dict[str, Mapping[str, object]] = {
    "method": METHODS,
    "dataset": DATASETS,
    "metric": METRICS,
    "reference": REFERENCES,
}
_only_own: ContextVar[bool] = ContextVar("only_own", default=False)


class NotAllowed(MissingError):
    """A plug-in that a record names, where none is imported."""


@contextlib.contextmanager
def only_own(only: bool = True) -> Iterator[None]:
    """Within it no plug-in is imported: `find` raises NotAllowed for one, and `every` has none. only=False: no change.

    It holds in the thread that enters it.
    """
    before = _only_own.set(only or _only_own.get())
    try:
        yield
    finally:
        _only_own.reset(before)


def names(kind: str) -> list[str]:
    """Every name of a kind, our own first; nothing is imported, so a broken plug-in hides no other."""
    return list(OWN[kind]) + sorted(set(_points(kind)) - set(OWN[kind]))


def find(kind: str, name: str) -> Any:
    """What a name stands for: a class for the kinds method, dataset and reference, an instance for metric.

    Raises UsageError listing what there is for an unknown name; for a plug-in that cannot be used InputError, or
    MissingError where a package that it imports is not installed; NotAllowed within `only_own`.
    """
    if name in OWN[kind]:
        entry = OWN[kind][name]
        return _imported(entry) if isinstance(entry, str) else entry
    if name not in _points(kind):
        raise unknown(facts.word(kind), name, names(kind))
    if _only_own.get():
        named = f"{facts.word(kind)} {name!r} is a plug-in ({', '.join(packages(kind, name))})"
        raise NotAllowed(f"{named}; --allow-plugins imports it, which runs its code")
    return _loaded(kind, name, _points(kind)[name])


def packages(kind: str, name: str) -> list[str]:
    """The packages that a plug-in comes from, without importing it; of one that is not installed its module."""
    points = _points(kind)[name]
    return sorted({point.dist.name if point.dist else point.value.partition(":")[0] for point in points})


def checked(kind: str, name: str) -> None:
    """Raises InputError for what shows without an import that a plug-in cannot be used."""
    _entry_point(kind, name, _points(kind)[name])


def every(kind: str) -> dict[str, Any]:
    """All of a kind that can be used, by name; each other is left out with a Notice that says why.

    Within `only_own` just our own.
    """
    usable: dict[str, Any] = {}
    for name in names(kind):
        try:
            usable[name] = find(kind, name)
        except NotAllowed:
            continue
        except EegbenchError as error:
            warnings.warn(f"{error}; it is left out", Notice, stacklevel=2)
    for problem in taken(kind).values():
        warnings.warn(f"{problem}; it is left out", Notice, stacklevel=2)
    return usable


def taken(kind: str) -> dict[str, str]:
    """The plug-ins that cannot be used because eegbench has something of their name: by name, the problem in words."""
    problems = {}
    for name in sorted(set(_points(kind)) & set(OWN[kind])):
        values = ", ".join(sorted({point.value for point in _points(kind)[name]}))
        word = facts.word(kind)
        problems[name] = (
            f"{word} {name!r} is a plug-in ({values}), and eegbench has a {word} of this name; take another"
        )
    return problems


def built(kind: str, name: str, table: Mapping[str, object]) -> Any:
    """An instance of the class that a name stands for, with the fields of `table`.

    Raises what `find` raises, UsageError for a key or value that cannot be, and AuthorError.
    """
    cls = find(kind, name)
    with author_of(facts.word(kind), name, cls, "its constructor"):
        return configuration.build(cls, table)


def _imported(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _loaded(kind: str, name: str, points: tuple[EntryPoint, ...]) -> Any:
    point, named = _entry_point(kind, name, points)
    loaded = _import(point, named)
    try:
        problem = facts.problem(kind, name, loaded)
    except Exception as error:  # a stranger's class may do anything when it is looked at
        problem = f"cannot be looked at ({said(error)})"
    if problem:
        raise InputError(f"{named} that {problem}")
    return loaded


def _entry_point(kind: str, name: str, points: tuple[EntryPoint, ...]) -> tuple[EntryPoint, str]:
    """The one entry point of a name, and how messages call it; raises InputError where it is none, or several."""
    check_name(f"the name of a plug-in, a {facts.word(kind)},", name)
    values = sorted({point.value for point in points})
    named = f"{facts.word(kind)} {name!r} is a plug-in ({', '.join(values)})"
    if len(values) > 1:
        several = ", ".join(sorted({point.dist.name for point in points if point.dist})) or "several packages"
        raise InputError(f"{named} of more than one package ({several}); uninstall all but one")
    if not points[0].pattern.match(points[0].value):
        raise InputError(f"{named} whose entry point is none; wanted a module and what stands in it, module:name")
    return points[0], named


def _import(point: EntryPoint, named: str) -> Any:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # a module that prints spoils no --json
            return point.load()
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        package = point.value.partition(":")[0].partition(".")[0].strip()
        if (error.name or "").partition(".")[0] == package:
            raise InputError(f"{named} whose module {error.name!r} is not there; mend or uninstall it") from error
        raise MissingError(f"{named} that needs {error.name!r}, which is not installed") from error
    except BaseException as error:  # whatever a stranger's module raises, SystemExit too, the plug-in is named
        raise InputError(f"{named} that cannot be imported ({said(error)}); mend or uninstall it") from error


@functools.cache
def _points(kind: str) -> dict[str, tuple[EntryPoint, ...]]:
    """The entry points of a kind by name: two packages may use one."""
    points: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=f"eegbench.{kind}s"):
        points[point.name] = (*points.get(point.name, ()), point)
    return points
