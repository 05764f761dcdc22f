"""Names to what they stand for, with entry points of other packages beside our own; one that is broken hides none."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from eegbench.benchmark import plugins
from eegbench.benchmark.catalogue import rows
from eegbench.contracts import Dataset, Method, Metric, Reference
from eegbench.errors import InputError, MissingError, UsageError

CONTRACTS = {"method": Method, "dataset": Dataset, "metric": Metric, "reference": Reference}
PLUGIN = """
from dataclasses import dataclass
from eegbench.methods.controls import MeanImage
from eegbench.metrics import METRICS

class Mine(MeanImage):
    name = "mine"

pixcorr = METRICS["pixcorr"]
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a module on the path and entry points to it into a group, as an installed package would."""
    points: dict[str, list[EntryPoint]] = {}
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugins, "entry_points", lambda group: points.get(group, []))
    plugins._points.cache_clear()
    before = set(sys.modules)

    def install(group: str, source: str = PLUGIN, module: str = "eegbench_test_plugin", **names: str) -> None:
        (tmp_path / f"{module}.py").write_text(source)
        points.setdefault(group, []).extend(EntryPoint(n, f"{module}:{what}", group) for n, what in names.items())

    yield install
    plugins._points.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith("eegbench_test_plugin"):
            del sys.modules[name]


OWN = [(kind, name) for kind in CONTRACTS for name in plugins.OWN[kind]]


@pytest.mark.parametrize(("kind", "name"), OWN)
def test_every_name_stands_for_what_keeps_its_contract(kind: str, name: str) -> None:
    found = plugins.find(kind, name)
    assert isinstance(found, CONTRACTS[kind]) if kind == "metric" else issubclass(found, CONTRACTS[kind])
    assert (found.id if kind == "metric" else found.name) == name


@pytest.mark.parametrize("kind", CONTRACTS)
def test_an_unknown_name_lists_what_there_is_and_the_nearest(kind: str) -> None:
    near = plugins.names(kind)[0]
    with pytest.raises(UsageError) as caught:
        plugins.find(kind, near[:-1] + "~")
    assert f"did you mean {near!r}" in str(caught.value)
    assert all(name in str(caught.value) for name in plugins.names(kind))


def test_a_plug_in_is_listed_behind_our_own_and_found(install: Install) -> None:
    install("eegbench.methods", mine="Mine")
    install("eegbench.metrics", mine="pixcorr")
    assert plugins.names("method")[-1] == "mine"
    assert plugins.find("method", "mine").name == "mine"
    assert plugins.find("metric", "mine").id == "pixcorr"


def test_a_plug_in_cannot_take_over_a_name_of_ours(install: Install) -> None:
    install("eegbench.methods", mean_image="Mine")
    assert plugins.names("method").count("mean_image") == 1
    assert plugins.find("method", "mean_image").__module__ == "eegbench.methods.controls"


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
        plugins.find("method", "broken")
    assert message in str(caught.value)
    assert "eegbench_test_plugin_broken:Mine" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert plugins.find("method", "mine").name == "mine"
    listed: dict[Any, Any] = {row["name"]: row for row in rows("methods")}
    assert message in listed["broken"]["problem"]
    assert {"role", "tracks"} <= listed["mine"].keys()


def test_listing_names_imports_no_plug_in(install: Install) -> None:
    install("eegbench.methods", mine="Mine")
    plugins.names("method")
    assert "eegbench_test_plugin" not in sys.modules
