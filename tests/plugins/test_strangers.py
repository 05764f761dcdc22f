"""What a stranger's record names is imported only if the user allows it; a list names plug-ins without any import."""

import json
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from eegbench.benchmark.evaluate import evaluate
from eegbench.benchmark.options import Options
from eegbench.checks import merging
from eegbench.checks.verify import Verifier
from eegbench.contracts import Silent
from eegbench.errors import MissingError
from eegbench.leaderboard.board import Board
from eegbench.plugins import facts, registry
from eegbench.studies import gallery

Install = Callable[..., None]
Run = Callable[..., Result]

SOURCES = {  # by kind: the package, what it names, and its module
    "dataset": ("eegbench.datasets", "Mine", "from small_plugins import Small\nclass Mine(Small):\n    name = 'mine'"),
    "method": (
        "eegbench.methods",
        "Mine",
        "from eegbench.methods.controls import MeanImage\nclass Mine(MeanImage):\n    name = 'mine'",
    ),
    "metric": (
        "eegbench.metrics",
        "mine",
        "from dataclasses import replace\nfrom eegbench.metrics import METRICS\n"
        "mine = replace(METRICS['clip'], id='mine')",
    ),
}
MODULE = "eegbench_test_plugin_mine"
TOLD = f"'mine' is a plug-in ({MODULE}); --allow-plugins imports it, which runs its code"


@pytest.fixture(params=SOURCES)
def made(
    request: pytest.FixtureRequest, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Path]:
    """A run that a stranger's plug-in had a part in, whose module leaves a file behind wherever it is imported."""
    kind: str = request.param
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path / "cache"))
    group, what, source = SOURCES[kind]
    install("eegbench.datasets", None, "small_plugins", small="Small")
    install(group, f"{source}\nopen({str(tmp_path / 'imported')!r}, 'w').close()", MODULE, mine=what)
    dataset, method = "mine" if kind == "dataset" else "small", "mine" if kind == "method" else "mean_image"
    options = Options(dataset, runs=tmp_path / "runs", device="cpu", audit=False, companions=False)
    outcome = evaluate(method, 1, options, Silent())
    if kind != "dataset":  # small is the user's own wish here
        monkeypatch.setitem(registry.OWN, "dataset", {**registry.OWN["dataset"], "small": "small_plugins:Small"})
    (tmp_path / "imported").unlink()
    del sys.modules[MODULE]
    return kind, outcome.run_folder


def test_what_a_record_names_is_imported_only_where_it_is_allowed(
    made: tuple[str, Path], tmp_path: Path, eegbench: Run
) -> None:
    kind, folder = made
    imported = tmp_path / "imported"
    verdict = Verifier(Silent()).verify(folder)
    assert verdict.problems == () and f"{facts.word(kind)} {TOLD}" in verdict.unknown
    assert verdict.lines()[0].startswith("IN PART")

    done = eegbench("merge", "runs", "--into", "own", "--device", "cpu")
    assert done.exit_code == 1 and TOLD in done.stdout and not list(tmp_path.glob("own/**/run.json"))
    digests = Verifier(Silent(), digests_only=True)
    assert [one.state for one in merging.merge([tmp_path / "runs"], tmp_path / "own", digests)] == [merging.TAKEN]

    page = _board(tmp_path, allow_plugins=False)
    assert ("no true pictures: data set &#x27;mine&#x27; is a plug-in" in page) == (kind == "dataset")
    done = eegbench("sheet", str(folder), "-o", "sheet.png")
    assert done.exit_code == (3 if kind == "dataset" else 0) and (TOLD in done.stderr) == (kind == "dataset")
    assert not imported.exists() and MODULE not in sys.modules

    assert "no true pictures" not in _board(tmp_path, allow_plugins=True)
    assert imported.exists() == (kind == "dataset")
    done = eegbench("verify", "runs", "--all", "--device", "cpu", "--allow-plugins")
    assert imported.exists() and "--allow-plugins" not in done.stdout


def _board(top: Path, *, allow_plugins: bool) -> str:
    board = Board.of(top / "runs")
    return board.html(
        top / "board.html", pictures=gallery.collect(board.exhibited(), settings={}, allow_plugins=allow_plugins)
    )


def test_only_own_holds_for_what_is_within_it_alone(install: Install) -> None:
    install("eegbench.methods", mine="Mine")
    with registry.only_own():
        with registry.only_own(False), pytest.raises(MissingError, match="--allow-plugins imports it"):
            registry.find("method", "mine")
        assert "mine" not in registry.every("method") and registry.find("method", "atm").name == "atm"
        with pytest.raises(MissingError):
            registry.built("method", "mine", {})
    assert "eegbench_test_plugin" not in sys.modules
    assert registry.find("method", "mine").name == "mine"


@pytest.mark.parametrize("kind", SOURCES)
def test_a_list_names_plug_ins_and_their_package_without_importing_them(
    kind: str, install: Install, tmp_path: Path, eegbench: Run
) -> None:
    group, what, source = SOURCES[kind]
    install("eegbench.datasets", None, "small_plugins")  # imported before
    install(group, f"{source}\nopen({str(tmp_path / 'imported')!r}, 'w').close()", MODULE, mine=what)
    row = {name: value for name, value in _row(eegbench("list", f"{kind}s", "--json")).items() if value != "-"}
    assert row == {"name": "mine", "package": MODULE}
    line = next(line for line in eegbench("list", f"{kind}s").stdout.split("\n") if line.startswith("mine "))
    assert line.split()[:3] == ["mine", MODULE, "-"]
    assert not (tmp_path / "imported").exists()
    full = _row(eegbench("list", f"{kind}s", "--json", "--allow-plugins"))
    assert (tmp_path / "imported").exists() and "-" not in list(full.values())[:3] and full["package"] == MODULE


def _row(done: Result) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(done.stdout)[-1]
    return row


def test_a_card_is_the_users_own_wish(install: Install, eegbench: Run) -> None:
    install("eegbench.methods", mine="Mine")
    done = eegbench("list", "methods", "--card", "mine")
    assert done.exit_code == 0 and done.stdout.startswith("# mine\n")


def test_the_package_of_a_plug_in_is_the_distribution_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, install: Install, eegbench: Run
) -> None:
    (tmp_path / "their_package-1.dist-info").mkdir()
    (tmp_path / "their_package-1.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: their-package\nVersion: 1\n"
    )
    [distribution] = __import__("importlib.metadata").metadata.distributions(path=[str(tmp_path)])
    point = EntryPoint("mine", "nowhere:Mine", "eegbench.methods")
    vars(point).update(dist=distribution)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == "eegbench.methods" else [])
    registry._points.cache_clear()
    assert _row(eegbench("list", "methods", "--json"))["package"] == "their-package"


def test_a_list_of_our_own_has_no_column_of_packages(install: Install, eegbench: Run) -> None:
    assert eegbench("list", "methods").stdout.split()[:3] == ["name", "role", "tracks"]
    assert _row(eegbench("list", "methods", "--json"))["package"] == "eegbench"


def test_what_is_wrong_with_a_plug_in_without_an_import_is_listed(install: Install, eegbench: Run) -> None:
    install("eegbench.methods", "", "eegbench_test_plugin_one", two="Mine", **{"../bad": "Bad"}, none="")
    install("eegbench.methods", "", "eegbench_test_plugin_two", two="Mine")
    told = eegbench("list", "methods").stdout
    assert (
        "../bad cannot be used" in told and "of more than one package" in told and "whose entry point is none" in told
    )
    assert not [name for name in sys.modules if name.startswith("eegbench_test_plugin")]


def test_a_data_set_draws_itself(install: Install, eegbench: Run, tmp_path: Path) -> None:
    source = "from dataclasses import dataclass\nfrom small_plugins import Small\n"
    source += "@dataclass(frozen=True)\nclass Drawn(Small):\n    name = 'drawn'\n"
    source += "    def draw_picture(self, subject, path):\n        path.write_text(f'subject {subject}')\n"
    install("eegbench.datasets", source, drawn="Drawn")
    done = eegbench("datasets", "info", "drawn", "--subject", "1", "--picture", "drawn.png")
    assert (done.exit_code, (tmp_path / "drawn.png").read_text()) == (0, "subject 1"), done.stderr


def test_a_data_set_that_draws_nothing_says_so(small: Install, eegbench: Run) -> None:
    done = eegbench("datasets", "info", "small", "--subject", "1", "--picture", "drawn.png")
    assert done.exit_code == 2 and "data set 'small' draws no picture; leave --picture out" in done.stderr
