"""Names to what they stand for, with entry points of other packages beside our own; one that is broken hides none."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from eegbench.assets.catalogue import rows
from eegbench.contracts import Dataset, Method, Metric, Reference
from eegbench.errors import InputError, MissingError, UsageError
from eegbench.plugins import registry

Install = Callable[..., None]
CONTRACTS = {"method": Method, "dataset": Dataset, "metric": Metric, "reference": Reference}
OWN = [(kind, name) for kind in CONTRACTS for name in registry.OWN[kind]]


@pytest.mark.parametrize(("kind", "name"), OWN)
def test_every_name_stands_for_what_keeps_its_contract(kind: str, name: str) -> None:
    found = registry.find(kind, name)
    assert isinstance(found, CONTRACTS[kind]) if kind == "metric" else issubclass(found, CONTRACTS[kind])
    assert (found.id if kind == "metric" else found.name) == name


@pytest.mark.parametrize("kind", CONTRACTS)
def test_an_unknown_name_lists_what_there_is_and_the_nearest(kind: str) -> None:
    near = registry.names(kind)[0]
    with pytest.raises(UsageError) as caught:
        registry.find(kind, near[:-1] + "~")
    assert f"did you mean {near!r}" in str(caught.value)
    assert all(name in str(caught.value) for name in registry.names(kind))


def test_a_plug_in_is_listed_behind_our_own_and_found(install: Install) -> None:
    install("eegbench.methods", mine="Mine")
    install("eegbench.metrics", mine="metric")
    assert registry.names("method")[-1] == "mine"
    assert registry.find("method", "mine").name == "mine"
    assert registry.find("metric", "mine").id == "mine"


def test_a_plug_in_cannot_take_over_a_name_of_ours(install: Install) -> None:
    install("eegbench.methods", mean_image="Mine")
    assert registry.names("method").count("mean_image") == 1
    assert registry.find("method", "mean_image").__module__ == "eegbench.methods.controls"


BROKEN: list[tuple[str, str, type[Exception], str]] = [
    ("import not_there_at_all", "Mine", MissingError, "needs 'not_there_at_all', which is not installed"),
    ("x = 1 / 0", "Mine", InputError, "cannot be imported (ZeroDivisionError"),
    ("def (", "Mine", InputError, "cannot be imported (SyntaxError"),
    ("", "Mine", InputError, "cannot be imported (AttributeError"),
    ("Mine = 3", "Mine", InputError, "no method; it must name a subclass of eegbench.contracts.Method"),
    ("class Mine: pass", "Mine", InputError, "no method"),
]


@pytest.mark.parametrize(("source", "what", "error", "message"), BROKEN)
def test_a_broken_plug_in_is_a_clear_error_and_hides_no_other(
    install: Install, source: str, what: str, error: type[Exception], message: str
) -> None:
    install("eegbench.methods", source, module="eegbench_test_plugin_broken", broken=what)
    install("eegbench.methods", mine="Mine")
    with pytest.raises(error) as caught:
        registry.find("method", "broken")
    assert message in str(caught.value)
    assert "eegbench_test_plugin_broken:Mine" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert registry.find("method", "mine").name == "mine"
    listed: dict[Any, Any] = {row["name"]: row for row in rows("methods", allow_plugins=True)}
    assert message in listed["broken"]["problem"]
    assert {"role", "tracks"} <= listed["mine"].keys()


def test_listing_names_imports_no_plug_in(install: Install) -> None:
    install("eegbench.methods", mine="Mine")
    registry.names("method")
    assert "eegbench_test_plugin" not in sys.modules
