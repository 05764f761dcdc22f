"""--help, and that an option is the same thing in every verb that has it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
from PIL import Image
from typer.core import TyperGroup
from typer.testing import CliRunner, Result

import eegbench
from eegbench.assets import catalogue
from eegbench.benchmark.options import CHOICES as SUITES
from eegbench.benchmark.score import NWAY_JUDGE
from eegbench.checks import drift_report
from eegbench.checks.rehearse import RECORDINGS
from eegbench.cli import app, output
from eegbench.cli import help as showing
from eegbench.cli.verbs import GROUPS
from eegbench.leaderboard import FORMATS, claims
from eegbench.methods.neuroimagen import NeuroImagen
from eegbench.metrics import VARIANTS
from eegbench.runs.record import TRACKS
from eegbench.runs.sheet import PROTOCOLS, Score, ScoreSheet
from eegbench.studies import ablation

# Options that do not have one help in all verbs, and why. What they want is of one kind all the same.
DIFFERENT: Mapping[str, str] = {
    "--output": "what is written differs: one file in place of stdout, a picture, or a folder of several",
    "--format": "each report has its own forms",
    "--json": "`score` takes a file too, which it always did; without one it is the flag of all other verbs",
    "--subject": "recordings are fetched, prepared and verified for several subjects at once; a picture shows one",
    "--metrics": "where none are named `score` takes all, and pictures of two brains are compared by four",
    "--method": "a curve takes several, with commas between them",
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
TYPES = {verb: showing.types(one) for verb, one in VERBS.items()}


def helped(*words: str, columns: int = 100) -> Result:
    return CliRunner().invoke(app, [*words, "--help"], prog_name="eegbench", env={"COLUMNS": str(columns)})


def test_an_option_has_one_meaning_and_one_type_in_all_verbs() -> None:
    meanings: dict[str, dict[object, str]] = {}
    for verb, option in OPTIONS:
        what = (option.help, str(TYPES[verb][option.name]), option.metavar)
        for name in option.opts:
            meanings.setdefault(name, {})[what] = verb
    several = {name: found for name, found in meanings.items() if len(found) > 1 and name not in (*DIFFERENT, "-o")}
    assert several == {}


@pytest.mark.parametrize("verb", ["evaluate", "curve", "ablate", "score", "verify"])
def test_verbs_that_score_take_weights_that_are_not_the_published_ones(verb: str) -> None:
    assert "--allow-unverified-weights" in [name for other, option in OPTIONS if other == verb for name in option.opts]


def test_every_option_says_what_it_wants_and_what_it_does() -> None:
    for verb, option in OPTIONS:
        assert option.help and option.help.endswith("."), (verb, option.opts)
        assert option.is_flag or option.metavar, (verb, option.opts)
    for verb, command in VERBS.items():
        for argument in (p for p in command.params if p.param_type_name == "argument"):
            assert argument.help and argument.metavar, (verb, argument.name)


CHOICES: Mapping[str, tuple[str, object]] = {
    "evaluate --track": ("track", TRACKS[:2]),
    "evaluate --suite": ("suite", SUITES),
    "score --suite": ("suite", SUITES),
    "evaluate --protocol": ("protocol", PROTOCOLS),
    "evaluate --nway-judge": ("n-way judge", [NWAY_JUDGE, *(name.removeprefix("nway50_top1_") for name in VARIANTS)]),
    "leaderboard --format": ("format", [*FORMATS, "html"]),
    "leaderboard --claims": ("choice of claims", claims.WHICH),
    "check --format": ("format", drift_report.FORMATS),
    "rehearse --recording": ("recording", RECORDINGS),
}


@pytest.mark.parametrize("case", CHOICES)
def test_choices_are_shown_and_another_is_refused_before_any_work(case: str) -> None:
    kind, known = CHOICES[case]
    verb, name = case.split()
    names = list(known)  # type: ignore[call-overload]
    (option,) = [option for other, option in OPTIONS if other == verb and name in option.opts]
    assert set(option.metavar.split("|")) == set(names)
    rest = {
        "evaluate": ["--method", "x", "--subject", "8"],
        "score": ["--truth", "a", "--reconstructions", "b"],
        "check": ["runs", "--baseline", "b"],
        "rehearse": ["--method", "atm"],
    }
    done = CliRunner().invoke(app, [verb, *rest.get(verb, []), name, f"{names[0]}x"])
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
        assert not re.search(r"<(str|int|float|path|file|bool)|[a-z ]\.\.\.", text, re.M)
        for option in (p for p in VERBS[verb].params if p.param_type_name == "option"):
            assert option.opts[-1] in text
            if not option.is_flag and option.default not in (None, []) and not option.required:
                assert f"(default: {option.default})" in " ".join(text.split())


def test_the_version_is_said_and_doctor_says_it_too() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"eegbench {eegbench.__version__}\n")


def test_help_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "pandas", "scipy", "matplotlib", "rich", "mne", "PIL")
    loaded = f"for name in {heavy}: assert name not in sys.modules, name"
    code = f"import sys\nfrom eegbench.cli import app\ntry: app()\nexcept SystemExit: pass\n{loaded}"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "evaluate" in done.stdout


@pytest.fixture
def ablated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows in place of a paper's ablation."""
    sheet = ScoreSheet(2, "micro", "sal512", {"clip": Score("clip", 1, 0.5, (0.4, 0.6), True)})
    rows = [ablation.Point(label, sheet, True) for label in ("all of it", "without the encoder")]
    monkeypatch.setattr(ablation, "ablate", lambda *_: rows)
    monkeypatch.setattr(NeuroImagen, "ablated", ("clip",))


def test_a_subject_that_was_not_named_is_told_and_taken(ablated: None, tmp_path: Path) -> None:
    taken, named = (
        CliRunner().invoke(app, ["ablate", "--method", "neuroimagen", *more]) for more in ([], ["--subject", "8"])
    )
    assert (taken.exit_code, taken.stderr) == (0, "note: no --subject was given: taking 8; name it\n")
    assert (named.stderr, named.stdout) == (
        "",
        taken.stdout,
    ) and "without the encoder  .500 [.400, .600]" in taken.stdout
    drawn = CliRunner().invoke(app, ["datasets", "info", "sim-things", "-o", str(tmp_path / "p.png"), "--json"])
    assert drawn.stderr == taken.stderr and json.loads(drawn.stdout)["picture"] == str(tmp_path / "p.png")


def test_json_stands_alone_in_verbs_that_had_none(ablated: None) -> None:
    rows = json.loads(CliRunner().invoke(app, ["ablate", "--method", "neuroimagen", "--json"]).stdout)
    assert [row["value"] for row in rows] == ["all of it", "without the encoder"]
    facts = json.loads(CliRunner().invoke(app, ["datasets", "info", "sim-things", "--json"]).stdout)
    assert facts["name"].startswith("sim-things@")


def test_what_is_suggested_for_an_option_is_near() -> None:
    words = ["evaluate", "--method", "x", "--subject", "8"]
    near, far = (
        CliRunner().invoke(app, [*words, option, "3"], prog_name="eegbench").stderr for option in ("--sede", "--lpips")
    )
    assert near == "eegbench: unknown option '--sede'; did you mean '--seed'? See `eegbench evaluate --help`\n"
    assert far == "eegbench: unknown option '--lpips'. See `eegbench evaluate --help`\n"


NEEDED: Mapping[str, str] = {
    "--method": "atm",
    "--subject": "8",
    "--output": "out",
    "--over": "snr",
    "--difference": "1",
}
NEEDED = {**NEEDED, "--endpoint": "http://127.0.0.1:9/v1", "--model": "m"}
BAD: Mapping[type, tuple[str, ...]] = {
    int: ("-1", str(10**29), "1" * 5000, "1e9", "nan", "", "1_0", "１"),
    float: ("-1", "nan", "inf", "1e400", "", "1" * 5000, "1_0", "１"),
}
WORDS = ("--average", "--subjects")  # numbers that are read from a word


def numeric() -> Iterator[tuple[str, str, str]]:
    for verb, option in OPTIONS:
        kind = TYPES[verb][option.name]
        kind = int if option.opts[0] in WORDS or "int" in str(kind) else kind
        yield from ((verb, option.opts[-1], word) for word in BAD.get(kind, ()))


@pytest.mark.parametrize(("verb", "option", "word"), list(numeric()), ids=lambda text: text[:12])
def test_a_number_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, option: str, word: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = {"check-dataset": ["sim-things"], "check-method": ["atm"], "leaderboard": ["."]}.get(verb, [])
    arguments += ["sim-things"] if verb.startswith("datasets") else []
    own = [part for one in VERBS[verb].params if (part := one.opts[-1]) in NEEDED and part != option]
    words = [part for name in own for part in (name, NEEDED[name])]
    done = CliRunner().invoke(app, [*verb.split(), *arguments, *words, f"{option}={word}"], prog_name="eegbench")
    assert done.exit_code == 2, done.output
    assert done.stdout == "" and done.stderr.startswith("eegbench: ") and done.stderr.count("\n") == 1
    assert option.removeprefix("--") in done.stderr
    named = option.lstrip("-").partition("-")[0]
    assert named in done.stderr.lower(), done.stderr  # it is this option that was refused
    assert len(done.stderr) < 2000 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("columns", ["0", "-1", "9" * 9, "9" * 5000, "²", "1e3", "x", "nan"])
def test_columns_that_no_screen_has_are_not_taken(columns: str) -> None:
    run = CliRunner()
    shown, usual = (run.invoke(app, ["list", "methods"], env={"COLUMNS": text}) for text in (columns, None))
    assert (shown.exit_code, shown.stdout) == (0, usual.stdout)
    helped = run.invoke(app, ["--help"], env={"COLUMNS": columns})
    assert helped.exit_code == 0 and max(map(len, helped.stdout.splitlines())) <= 108
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", columns)
        with output.terminal().bar("label", 1) as advance:
            advance(1)


def test_a_cache_that_is_a_file_is_one_line(chat: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "a.png")
    words = ["--images", str(tmp_path / "images"), "--endpoint", chat.url, "--model", "m", "-o", str(tmp_path / "o")]
    done = CliRunner().invoke(app, ["captions", "make", *words], env={"EEGBENCH_CACHE": str(tmp_path / "file")})
    last = done.stderr.splitlines()[-1]
    assert done.exit_code == 2 and last.startswith("eegbench: ") and "set EEGBENCH_CACHE to a folder" in last


@pytest.mark.parametrize(
    "words", [["list", "me\0thods"], ["leaderboard", "\0"], ["evaluate", "--set", "a=\0", "--seed=1"]]
)
def test_a_word_with_nul_is_refused(words: list[str]) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2 and done.stderr.startswith("eegbench: a word of the command holds a NUL character")
