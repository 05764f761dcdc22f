"""Names to what they stand for: the package's own literal dicts, and entry points of other packages.

Nothing is imported before it is asked for. Groups of entry points: eegbench.methods, eegbench.datasets,
eegbench.references (each a class) and eegbench.metrics (an instance). The package's own names cannot be taken over.
"""

import functools
import importlib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from eegbench.contracts import Dataset, Method, Metric, Reference
from eegbench.datasets import DATASETS
from eegbench.errors import InputError, MissingError, unknown
from eegbench.methods import METHODS, REFERENCES
from eegbench.metrics import METRICS

OWN: dict[str, Mapping[str, object]] = {
    "method": METHODS,
    "dataset": DATASETS,
    "metric": METRICS,
    "reference": REFERENCES,
}
CONTRACTS: dict[str, type] = {"method": Method, "dataset": Dataset, "metric": Metric, "reference": Reference}


def names(kind: str) -> list[str]:
    """Every name of a kind, our own first; nothing is imported, so a broken plug-in hides no other."""
    return list(OWN[kind]) + sorted(set(_points(kind)) - set(OWN[kind]))


def find(kind: str, name: str) -> Any:
    """What a name stands for: a class for the kinds method, dataset and reference, an instance for metric.

    Raises UsageError listing what there is for an unknown name; for a plug-in that cannot be used InputError, or
    MissingError where a package that it imports is not installed.
    """
    if name in OWN[kind]:
        found = OWN[kind][name]
        return _imported(found) if isinstance(found, str) else found
    if name not in _points(kind):
        raise unknown(kind, name, names(kind))
    return _loaded(kind, _points(kind)[name])


def _imported(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _loaded(kind: str, point: EntryPoint) -> Any:
    named = f"{kind} {point.name!r} is a plug-in ({point.value})"
    try:
        found = point.load()
    except ModuleNotFoundError as error:
        raise MissingError(f"{named} that needs {error.name!r}, which is not installed") from error
    except Exception as error:  # whatever a stranger's module raises, this border names the plug-in
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"{named} that cannot be imported ({problem}); mend or uninstall it") from error
    contract = CONTRACTS[kind]
    if not (
        isinstance(found, contract) if kind == "metric" else isinstance(found, type) and issubclass(found, contract)
    ):
        wanted = "an instance" if kind == "metric" else "a subclass"
        raise InputError(f"{named} that is no {kind}; it must name {wanted} of eegbench.contracts.{contract.__name__}")
    return found


@functools.cache
def _points(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"eegbench.{kind}s")}
