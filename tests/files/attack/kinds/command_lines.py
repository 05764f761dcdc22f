"""Command lines: hostile paths, options and values, through the command's own door."""

import json
import os
import random
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from attack.cases import Case, Maker, Outcome, count
from attack.hostile import NUMBERS, WORDS
from attack.worlds import evaluated
from eegbench.cli import app
from eegbench.tables import ACTING
from image_folders import put

COMMANDS = 10.0  # s of CPU that an honest command takes, at most
CODES = (0, 1, 2, 3, 130)
NAMES = (
    "\x1b]0;x\x07",
    "\x1b[31mred",
    "a\rb",
    "a\nb",
    "\u202eevil",
    "a b",
    "-x",
    "é",
    "{a,b}",
    "'",
    "*",
    "a" * 200,
    "\udcff",
)
VALUES: tuple[str, ...] = (
    *WORDS,
    *map(str, NUMBERS),
    *NAMES,
    "1e999",
    "9" * 5000,
    "a=" + "[" * 5000,
    "1,2,8",
    "1-99999999",
    "0",
)


def make(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    world = evaluated(shared, patch)
    runs = str(world.lab.runs)
    put(shared / "true", "a.png", "b.png")
    baseline = shared / "baseline.json"
    verbs = _verbs(runs, str(world.run), str(world.others[0]), str(shared / "true"), str(baseline))
    _invoke(["check", runs, "--baseline", str(baseline), "--update"])
    for words in verbs:
        _invoke(words)

    def case(rng: random.Random, folder: Path) -> Case:
        words = list(rng.choice(verbs))
        for _ in range(rng.choice((1, 1, 2))):
            _change(words, rng, folder)
        words = ["--runs" if word == "--into" else word for word in words]
        return Case(words[0], sum(map(len, words)), lambda: _run(words, folder), spare=COMMANDS)

    return case


def _verbs(runs: str, run: str, other: str, images: str, baseline: str) -> list[list[str]]:
    """Commands that end soon and write nothing but what they are told to."""
    return [
        ["verify", run, "--digests-only"],
        ["verify", runs, "--all", "--digests-only", "--json"],
        ["leaderboard", runs, "--format", "md"],
        ["leaderboard", runs, "--format", "csv", "--subjects", "8", "--primary", "top1"],
        ["leaderboard", runs, "--normalised", "--claims", "all", "--margin", "0.02"],
        ["check", runs, "--baseline", baseline, "--format", "text"],
        ["compare", run, other],
        ["merge", runs, "--into", "nowhere/runs", "--digests-only"],
        ["evaluate", "--method", "nope", "--subject", "8", "--seed", "0", "--set", "rank=1"],
        [
            "evaluate",
            "--method",
            "uses-eeg",
            "--subject",
            "99",
            "--dataset",
            "drawn",
            "--samples",
            "1",
            "--average",
            "all",
        ],
        ["score", "--truth", images, "--reconstructions", "nowhere", "--metrics", "pixcorr", "--protocol", "sal512"],
        ["pairs", images, "nowhere", "--by", "stem", "-o", "pairs.csv"],
        ["captions", "make", "--check", "nowhere.jsonl"],
        ["plan-size", runs, "--difference", ".02"],
        ["consistency", runs, "--metrics", "pixcorr"],
        ["list", "backbones"],
        ["list", "metrics", "--card", "ssim"],
        ["weights", "list"],
        ["datasets", "info", "nope"],
    ]


def _change(words: list[str], rng: random.Random, folder: Path) -> None:
    """One word of a command line becomes another, or one more comes."""
    if len(words) == 1:
        return
    place = rng.randrange(1, len(words))
    what = rng.choice(("value", "value", "path", "path", "option", "drop", "double"))
    if what == "value":
        words[place] = rng.choice(VALUES)
    elif what == "path":
        words[place] = str(_path(rng, folder, words[place - 1]))
    elif what == "option":
        words.insert(
            place,
            rng.choice(
                ("--set", "--seed", "--config", "--no-such", "--follow-links", "--json", "--subjects", "-o", "--format")
            ),
        )
        words.insert(place + 1, rng.choice((rng.choice(VALUES), str(_path(rng, folder, words[place])))))
    elif what == "drop":
        del words[place]
    else:
        words[place:place] = words[place : place + 2]
    words[:] = [word.replace("\0", "0") for word in words]  # no system hands that on


def _path(rng: random.Random, folder: Path, option: str) -> Path:
    """A file, folder, link, pipe or device of a hostile name; some hold what is hostile too.

    A pipe to write to waits for its reader, and a link is followed, as it should be: such an option gets neither.
    """
    path = folder / rng.choice(NAMES)
    what = rng.choice(("nothing", "folder", "json", "toml", "link", "pipe", "device", "run"))
    if what == "device":
        return Path(rng.choice(("/dev/null", "/dev/full", "/dev/zero", "/proc/self/environ", "/")))
    written = what in ("pipe", "link") and option in ("-o", "--output", "--into", "--runs")
    if path.exists() or path.is_symlink() or what == "nothing" or written:
        return path
    if what == "folder":
        path.mkdir()
    elif what == "json":
        path.write_text(
            rng.choice(("{", "[]", json.dumps({"schema_version": 1, "entries": []}), "[" * count(rng, 10, 100_000)))
        )
    elif what == "toml":
        depth = count(rng, 10, 10_000)
        path.write_text(
            rng.choice(
                (
                    "[method]\nseed = " + "9" * depth,
                    "a = " + "[" * depth,
                    "[nope]",
                    "=",
                    "[method]\n" + "a." * depth + "a = 1",
                )
            )
        )
    elif what == "link":
        path.symlink_to(rng.choice((path.name, "..", "/dev/zero", "/usr/include")))
    elif what == "pipe":
        os.mkfifo(path)
    else:
        (path / "sub").mkdir(parents=True)
        (path / "sub" / "run.json").write_text('{"schema_version": 2}')
    return path


def _invoke(words: list[str]) -> Result:
    return CliRunner().invoke(app, words, prog_name="eegbench", catch_exceptions=True)


def _run(words: list[str], folder: Path) -> Any:
    """A code that is in the table; at fault one line of error and no traceback; no sign on the screen that acts."""
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("EEGBENCH_CACHE", str(folder / "cache"))
        done = _invoke(words)
    shown = " ".join(words)[:200]
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise AssertionError(f"{shown!r}: {type(done.exception).__name__}: {done.exception}") from done.exception
    lines = done.stderr.splitlines()
    errors = [line for line in lines if line.startswith("eegbench: ")]
    assert done.exit_code in CODES, f"{shown!r}: exit code {done.exit_code}"
    assert "Traceback" not in done.stderr, f"{shown!r}: a traceback"
    told = errors == lines[-1:] if done.exit_code else not errors
    told = told or (not errors and "--help" in done.stderr)  # a command without a verb: the list of its verbs
    assert told, f"{shown!r}: exit code {done.exit_code}, and on stderr {lines[-3:]}"
    screen = done.stdout + done.stderr
    assert not ACTING.search(screen), f"{shown!r}: a sign that terminals obey: {ACTING.search(screen)!r}"
    return done.exit_code if done.exit_code == 0 else Outcome(errors[0] if errors else done.exit_code)
