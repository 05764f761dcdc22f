"""Plug-ins that tests install: entry points to modules on the path, as an installed package would have them."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eegbench.cli import app
from eegbench.plugins import registry

Install = Callable[..., None]
Run = Callable[..., Result]

PLUGIN = """
from dataclasses import dataclass, replace
from eegbench.methods.controls import MeanImage
from eegbench.metrics import METRICS

class Mine(MeanImage):
    name = "mine"

metric = replace(METRICS["clip"], id="mine")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a module on the path and entry points to it into a group; without a source, the module is there already."""
    points: dict[str, list[EntryPoint]] = {}
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "entry_points", lambda group: points.get(group, []))
    registry._points.cache_clear()
    before = set(sys.modules)

    def install(group: str, source: str | None = PLUGIN, module: str = "eegbench_test_plugin", **names: str) -> None:
        if source is not None:
            (tmp_path / f"{module}.py").write_text(source)
        points.setdefault(group, []).extend(EntryPoint(n, f"{module}:{what}", group) for n, what in names.items())
        registry._points.cache_clear()

    yield install
    registry._points.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith("eegbench_test_plugin"):
            del sys.modules[name]


@pytest.fixture
def small(install: Install) -> Install:
    """The plug-ins of tests/files/small_plugins.py; metrics are installed by those who want them."""
    install("eegbench.datasets", None, "small_plugins", small="Small")
    install("eegbench.methods", None, "small_plugins", fails="Fails")
    return install


@pytest.fixture
def eegbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line, with a cache and a folder of its own."""
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, list(words), prog_name="eegbench")
