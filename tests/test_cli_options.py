"""--help, and that an option is the same thing in every verb that has it."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner, Result

import eegbench
from eegbench import backbones
from eegbench.backbones import SUITES
from eegbench.benchmark import catalogue
from eegbench.benchmark.score import NWAY_JUDGES, PROTOCOLS
from eegbench.cli import app
from eegbench.cli.verbs import GROUPS
from eegbench.configuration import SCALES
from eegbench.leaderboard import board, claims, drift_report
from eegbench.records import TRACKS

# Options that do not have one help in all verbs, and why. What they want is of one kind all the same.
DIFFERENT: Mapping[str, str] = {
    "--output": "what is written differs: one file in place of stdout, a picture, or a folder of several",
    "--format": "each report has its own forms",
    "--json": "`score` takes a file too, which it always did; without one it is the flag of all other verbs",
    "--subject": "recordings are fetched, prepared and verified for several subjects at once; a picture shows one",
    "--check": "of `captions make` it names a file, of others it is a flag",
}


def verbs(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from verbs(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


ROOT = typer.main.get_command(app)
assert isinstance(ROOT, TyperGroup)
VERBS = dict(verbs(ROOT))
OPTIONS = [(verb, p) for verb, one in VERBS.items() for p in one.params if p.param_type_name == "option"]


def helped(*words: str, columns: int = 100) -> Result:
    return CliRunner().invoke(app, [*words, "--help"], prog_name="eegbench", env={"COLUMNS": str(columns)})


def test_an_option_has_one_meaning_and_one_type_in_all_verbs() -> None:
    meanings: dict[str, dict[object, str]] = {}
    for verb, option in OPTIONS:
        what = (option.help, str(option.type_descriptor.annotation), option.metavar, tuple(option.opts))
        for name in option.opts:
            meanings.setdefault(name, {})[what] = verb
    several = {name: found for name, found in meanings.items() if len(found) > 1 and name not in (*DIFFERENT, "-o")}
    assert several == {}


def test_every_option_says_what_it_wants_and_what_it_does() -> None:
    for verb, option in OPTIONS:
        assert option.help and option.help.endswith("."), (verb, option.opts)
        assert option.is_flag or option.metavar, (verb, option.opts)
    for verb, command in VERBS.items():
        for argument in (p for p in command.params if p.param_type_name == "argument"):
            assert argument.help and argument.metavar, (verb, argument.name)


CHOICES: Mapping[str, tuple[str, object]] = {
    "evaluate --track": ("track", TRACKS),
    "evaluate --suite": ("suite", SUITES),
    "score --suite": ("suite", ["auto", *SUITES]),
    "evaluate --protocol": ("protocol", PROTOCOLS),
    "evaluate --nway-judge": ("n-way judge", NWAY_JUDGES),
    "leaderboard --format": ("format", [*board.FORMATS, "html"]),
    "leaderboard --claims": ("choice of claims", claims.WHICH),
    "check --format": ("format", drift_report.FORMATS),
}


@pytest.mark.parametrize("case", CHOICES)
def test_choices_are_shown_and_another_is_refused_before_any_work(case: str) -> None:
    kind, known = CHOICES[case]
    verb, name = case.split()
    names = list(known)  # type: ignore[call-overload]
    (option,) = [option for other, option in OPTIONS if other == verb and name in option.opts]
    assert set(option.metavar.split("|")) == set(names) | ({"auto"} if kind == "suite" else set())
    rest = {"evaluate": ["--method", "x", "--subject", "8"], "score": ["--truth", "a", "--reconstructions", "b"]}
    done = CliRunner().invoke(app, [verb, *rest.get(verb, ["a"]), name, f"{names[0]}x", *["--baseline", "b"][: 2 * (verb == "check")]])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"eegbench: unknown {kind} '{names[0]}x'; did you mean '{names[0]}'? There is: ")


def test_the_kinds_of_list_are_shown() -> None:
    assert "|".join(catalogue.KINDS) in helped("list").stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_help_has_every_verb_in_its_group_with_whole_sentences(columns: int) -> None:
    text = helped(columns=columns).stdout
    lines = text.splitlines()
    assert max(map(len, lines)) <= columns and "..." not in text and "…" not in text
    assert [line[:-1].lower() for line in lines if re.fullmatch(r"\w+:", line)] == [*GROUPS, "options"]
    flat = " ".join(text.split())
    for verb, command in VERBS.items():
        assert command.rich_help_panel in GROUPS or " " in verb, f"{verb} names no group"
        said = " ".join(command.help.partition("\n\n")[0].split())
        assert f"{verb} {said}" in flat


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_fits_and_shows_names_choices_and_defaults(verb: str) -> None:
    for columns in (44, 80):
        text = helped(*verb.split(), columns=columns).stdout
        assert max(map(len, text.splitlines())) <= columns
        assert not re.search(r"<(str|int|float|path|file|bool)", text) and "..." not in text.replace("...]", "").replace("... [", "").replace("...\n", "\n")
        for option in (p for p in VERBS[verb].params if p.param_type_name == "option"):
            assert option.opts[-1] in text
            if not option.is_flag and option.default not in (None, []) and not option.required:
                assert f"(default: {option.default})" in " ".join(text.split())


def test_the_version_is_said_and_doctor_says_it_too() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"eegbench {eegbench.__version__}\n")


def test_help_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "pandas", "scipy", "matplotlib", "rich", "mne", "PIL")
    code = f"import sys\nfrom eegbench.cli import app\ntry: app()\nexcept SystemExit: pass\nfor name in {heavy}: assert name not in sys.modules, name"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "evaluate" in done.stdout


@pytest.mark.parametrize("verb", ["curve", "ablate", "explain", "check-method", "captions make"])
def test_a_subject_that_was_not_named_is_told(verb: str) -> None:
    (option,) = [option for other, option in OPTIONS if other == verb and "--subject" in option.opts]
    assert option.default == 8
    shown = CliRunner().invoke(app, ["captions", "make", "--check", "nowhere"], prog_name="eegbench")
    assert shown.stderr.count("\n") == 1, "an error is one line"
