"""Broken plug-ins of every kind: each is named, and the verbs go on without it."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from eegbench.benchmark.evaluate import evaluate
from eegbench.benchmark.options import Options
from eegbench.checks.verify import Verifier
from eegbench.contracts import Silent
from eegbench.errors import Notice

Install = Callable[..., None]
Run = Callable[..., Result]

METHOD = """
from dataclasses import dataclass
from eegbench.contracts import Method
from eegbench.methods.controls import TrainImages

@dataclass(frozen=True)
class Bad(Method):
    name, paper, reference, reconstructor = "bad", "", "", TrainImages
    def fit(self, train, *, seed, progress, device="cpu", folder=None): ...
"""
MODULES: dict[str, tuple[str | None, str]] = {  # source, and what the note says
    "no such module": (None, "whose module 'eegbench_test_plugin_bad' is not there"),
    "no such class": ("x = 1", "AttributeError"),
    "raises": ("x = 1 / 0", "ZeroDivisionError"),
    "leaves": ("raise SystemExit(0)", "SystemExit: 0"),
    "needs a package": ("import not_there_at_all", "needs 'not_there_at_all', which is not installed"),
    "an instance": ("Bad = 3", "is no method"),
    "of another contract": ("from eegbench.contracts import Dataset as Bad", "is no method"),
    "abstract": (METHOD.replace("    def fit", "    def fitted"), "does not define fit"),
    "no dataclass": (METHOD.replace("@dataclass(frozen=True)", ""), "is no dataclass"),
    "not frozen": (METHOD.replace("(frozen=True)", ""), "can be changed"),
    "no name": (METHOD.replace("name, ", "nane, "), "does not say its name"),
    "another name": (METHOD.replace('"bad"', '"other"'), "calls itself 'other'"),
    "no reconstructor": (METHOD.replace(", TrainImages", ", int"), "has the reconstructor <class 'int'>"),
    "tracks that are a word": (METHOD + '    tracks = "eeg"', "has the tracks 'eeg'"),
    "a role that is none": (METHOD + '    role = "judge"', "has the role 'judge'"),
    "a version that is none": (METHOD + "    fit_version = 0", "has the fit_version 0"),
    "a name that is a setting": (METHOD + '    paper: str = ""', "has paper among its settings"),
    "an annotation that is none": (METHOD + '    size: "Sise" = 3', "has annotations that cannot be read"),
}
LOOKING = {
    "explain": ("explain", "--method", "mean_image", "-o", "here"),
    "ablate": ("ablate", "--method", "mean_image", "--subject", "8"),
}


def broken(install: Install, group: str, modules: dict[str, tuple[str | None, str]], what: str) -> dict[str, str]:
    """Installs all of them at once; what is to be told of each, by name."""
    told = {}
    for number, (source, words) in enumerate(modules.values()):
        name = f"bad{number}"
        own = None if source is None else source.replace('"bad"', f'"{name}"')
        install(group, own, f"eegbench_test_plugin_{name}", **{name: what})
        told[name] = words.replace("plugin_bad'", f"plugin_{name}'")
    return told


@pytest.mark.parametrize("verb", LOOKING)
def test_broken_methods_are_named_once_each_and_the_verbs_go_on(verb: str, install: Install, eegbench: Run) -> None:
    told = broken(install, "eegbench.methods", MODULES, "Bad")
    done = eegbench(*LOOKING[verb])
    *notes, error = done.stderr.strip().split("\n")
    assert done.exit_code == 2 and ("llm_caption" in error or "neuroimagen" in error) and "bad" not in error
    assert len(notes) == len(told)
    for (name, words), note in zip(sorted(told.items()), notes, strict=True):
        assert note.startswith(f"note: method '{name}' is a plug-in") and words in note


def test_broken_methods_are_listed_with_their_problem(install: Install, eegbench: Run) -> None:
    told = broken(install, "eegbench.methods", MODULES, "Bad")
    listed = eegbench("list", "methods", "--allow-plugins")
    assert listed.exit_code == 0 and "atm " in listed.stdout
    lines = [line for line in listed.stdout.split("\n") if " cannot be used: " in line]
    assert [words in line for line, words in zip(lines, dict(sorted(told.items())).values(), strict=True)] == [
        True
    ] * len(told)


@pytest.mark.parametrize("kind", MODULES)
def test_a_broken_method_that_is_asked_for_is_one_line(kind: str, install: Install, eegbench: Run) -> None:
    source, told = MODULES[kind]
    install("eegbench.methods", source, "eegbench_test_plugin_bad", bad="Bad")
    asked = eegbench("evaluate", "--method", "bad", "--subject", "8")
    assert asked.exit_code == (3 if kind == "needs a package" else 2)
    assert told in asked.stderr and asked.stderr.count("\n") == 1


def test_two_packages_with_one_name_are_both_refused(install: Install, eegbench: Run) -> None:
    install("eegbench.methods", METHOD, "eegbench_test_plugin_one", bad="Bad")
    install("eegbench.methods", METHOD, "eegbench_test_plugin_two", bad="Bad")
    done = eegbench("evaluate", "--method", "bad", "--subject", "8")
    assert done.exit_code == 2 and "of more than one package" in done.stderr
    assert "eegbench_test_plugin_one:Bad, eegbench_test_plugin_two:Bad" in done.stderr


def test_an_entry_point_that_is_none_is_refused(install: Install, eegbench: Run) -> None:
    install("eegbench.methods", METHOD, bad="")
    done = eegbench("evaluate", "--method", "bad", "--subject", "8")
    assert done.exit_code == 2 and "whose entry point is none; wanted a module" in done.stderr


def test_a_name_that_is_none_is_refused(install: Install, eegbench: Run) -> None:
    install("eegbench.methods", METHOD, **{"../bad": "Bad"})
    done = eegbench("evaluate", "--method", "../bad", "--subject", "8")
    assert done.exit_code == 2 and "a name has letters, digits" in done.stderr


def test_a_plug_in_that_wants_a_name_of_ours_is_told_of(install: Install, eegbench: Run) -> None:
    install("eegbench.methods", METHOD, atm="Bad")
    done = eegbench(*LOOKING["explain"])
    assert "note: method 'atm' is a plug-in (eegbench_test_plugin:Bad), and eegbench has a method" in done.stderr
    assert "atm cannot be used: method 'atm' is a plug-in" in eegbench("list", "methods").stdout


def test_an_interrupt_while_a_plug_in_is_imported_is_one(install: Install, eegbench: Run) -> None:
    install("eegbench.methods", "raise KeyboardInterrupt", bad="Bad")
    assert eegbench("list", "methods", "--allow-plugins").exit_code == 130


def test_a_plug_in_that_prints_spoils_no_json(install: Install, eegbench: Run) -> None:
    install("eegbench.metrics", "print('hello')", bad="bad")
    assert "hello" not in eegbench("list", "metrics", "--allow-plugins").stdout


METRIC = """
from eegbench.metrics import METRICS
from dataclasses import replace
bad = replace(METRICS["clip"], id="bad"{})
"""
DECLARED = """
from eegbench.metrics.identification import TwoWay
class Bad(TwoWay):
    {}
bad = Bad("bad", needs="clip")
"""
METRICS: dict[str, tuple[str | None, str]] = {
    "a class": ("from eegbench.metrics.pixel import PixelCorrelation as bad", "is no metric"),
    "version": (METRIC.format(", version='1'"), "has the version '1'"),
    "direction": (METRIC.format(", higher_is_better='up'"), "has the higher_is_better 'up'"),
    "chance": (METRIC.format(", chance='often'"), "has the chance 'often'"),
    "bounds": (METRIC.format(", bounds=(1.0, 0.0)"), "has the bounds (1.0, 0.0)"),
    "bounds of no number": (METRIC.format(", bounds=(0.0, float('nan'))"), "has the bounds (0.0, nan)"),
    "needs": (METRIC.format(", needs=None"), "does not say its needs"),
    "pixels of a set": (METRIC.format(", needs='pixels425', per_item=False"), "scores a whole set by pixels425"),
    "card": (METRIC.format(", card='mine'"), "has the card 'mine'"),
    "laws": (METRIC.format(", laws='symmetric'"), "has the laws 'symmetric'"),
    "column": (METRIC.format(", column='first'"), "has the column 'first'"),
    "rivals": (DECLARED.format("rivals = 'yes'"), "has the rivals 'yes'"),
    "grain": (DECLARED.format("grain = 'hits'"), "has the grain 'hits'"),
    "most_paired": (DECLARED.format("most_paired = -1"), "has the most_paired -1"),
    "jackknife": (DECLARED.format("jackknife = 2.0"), "has the jackknife 2.0"),
    "raises": ("raise RuntimeError('a\\nb')", "RuntimeError: a b"),
}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, ...]:
    """Two folders of images, and the words that score one against the other."""
    for name in ("true", "made"):
        (tmp_path / name).mkdir()
        for i in range(3):
            pixels = np.random.default_rng(i).integers(256, size=(32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    return ("score", "--truth", "true", "--reconstructions", "made")


def test_broken_metrics_are_named_and_the_others_are_scored(
    install: Install, eegbench: Run, folders: tuple[str, ...]
) -> None:
    told = broken(install, "eegbench.metrics", dict(METRICS), "bad")
    done = eegbench(*folders)
    assert done.exit_code == 0 and "pixcorr" in done.stdout
    notes = [line for line in done.stderr.split("\n") if line.startswith("note: ")]
    for (name, words), note in zip(sorted(told.items()), notes, strict=True):
        assert note.startswith(f"note: metric '{name}' is a plug-in") and words in note


@pytest.mark.parametrize("kind", METRICS)
def test_a_broken_metric_that_is_asked_for_is_one_line(
    kind: str, install: Install, eegbench: Run, folders: tuple[str, ...]
) -> None:
    source, told = METRICS[kind]
    install("eegbench.metrics", source, "eegbench_test_plugin_bad", bad="bad")
    asked = eegbench(*folders, "--metrics", "bad,clip")
    assert asked.exit_code == 2 and told in asked.stderr and asked.stderr.count("\n") == 1


def test_a_broken_data_set_is_listed_and_hides_no_other(install: Install, eegbench: Run) -> None:
    source = (
        "from eegbench.datasets.sim_things import SimThings\nclass Bad(SimThings):\n    name = 'bad'\n    subjects = 8"
    )
    install("eegbench.datasets", source, bad="Bad")
    done = eegbench("list", "datasets", "--allow-plugins")
    assert done.exit_code == 0 and "bad cannot be used" in done.stdout and "has the subjects 8" in done.stdout
    assert eegbench("datasets", "info", "bad").exit_code == 2


def test_a_run_scored_by_a_metric_that_is_broken_now_is_verified_in_its_other_scores(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path / "cache"))
    install("eegbench.datasets", None, "small_plugins", small="Small")
    install("eegbench.metrics", METRIC.format(""), "eegbench_test_plugin_bad", bad="bad")
    options = Options("small", runs=tmp_path / "runs", device="cpu", audit=False, companions=False)
    outcome = evaluate("mean_image", 1, options, Silent())
    assert "bad" in outcome.sheet.metrics
    (tmp_path / "eegbench_test_plugin_bad.py").write_text("bad = 3")
    del sys.modules["eegbench_test_plugin_bad"]
    with pytest.warns(Notice, match="metric 'bad' is a plug-in .* that is no metric"):
        verdict = Verifier(Silent(), allow_plugins=True).verify(outcome.run_folder)
    assert verdict.problems == () and verdict.scores == len(outcome.sheet.metrics) - 1
    assert "not computed again: bad: metric 'bad' is a plug-in" in verdict.unknown
