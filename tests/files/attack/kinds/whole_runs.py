"""Whole runs of strangers: through `verify`, through `merge` among five good ones, and on the boards."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attack import run_spoiling
from attack.cases import Case, Maker, Outcome
from attack.hostile import HTML
from attack.watch import Step, at_each_file
from attack.worlds import evaluated
from eegbench.checks import merging
from eegbench.checks.verify import Verifier
from eegbench.cli import app
from eegbench.contracts import Silent
from eegbench.errors import EegbenchError
from eegbench.leaderboard.board import Board
from eegbench.tables import ACTING

FORMS = ("md", "csv", "json")
SECRET = b"a secret that lies outside"
SCORING = 3.0  # s of CPU for the honest runs beside
OPENED = 700  # files that merging six runs opens, about: when a race may come


def make_verify(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    world = evaluated(shared, patch)
    _verify(world.run, "")

    def case(rng: random.Random, folder: Path) -> Case:
        run = world.copy(folder / "theirs", world.run)
        what = run_spoiling.spoil(rng, run, world, folder / "outside")
        return Case(what, run_spoiling.size_of(run), lambda: _verify(run, what), spare=SCORING)

    return case


def make_merge(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    world = evaluated(shared, patch)
    options: list[list[str]] = [[], [], ["--digests-only"], ["--known", str(world.lab.runs)]]
    _merge(world.lab.runs, shared / "into", world.run, [])

    def case(rng: random.Random, folder: Path) -> Case:
        theirs = folder / "theirs"
        for run in world.others:
            world.copy(theirs, run)
        bad = world.copy(theirs, world.run)
        steps: list[Step] = []
        if rng.random() < 0.15:
            what, steps = "a race", _race(rng, bad, folder / "outside")
        else:
            what = run_spoiling.spoil(rng, bad, world, folder / "outside")
        option = rng.choice(options)
        size = run_spoiling.size_of(bad)
        return Case(what, size, lambda: _merge(theirs, folder / "into", bad, option, what, steps), spare=SCORING)

    return case


def make_boards(shared: Path, patch: pytest.MonkeyPatch) -> Maker:
    world = evaluated(shared, patch)
    _boards(world.lab.runs, [])

    def case(rng: random.Random, folder: Path) -> Case:
        """One to three bad runs among the good ones, or all that there are."""
        whats, bad = [], rng.sample([world.run, *world.others], rng.choice((1, 1, 2, 3)))
        for run in (world.run, *world.others):
            copy = world.copy(folder / "runs", run)
            if run in bad and run == world.run:
                whats.append(run_spoiling.spoil(rng, copy, world, folder / "outside"))
            elif run in bad:
                run_spoiling.SPOILS["fields" if (copy / "permuted").exists() else "a file is missing"](
                    rng, copy, world, folder / "outside"
                )
                whats.append("another")
        good = [run for run in (world.run, *world.others) if run not in bad]
        names = [run.relative_to(world.lab.runs).as_posix() for run in good]
        return Case(
            ", ".join(whats), run_spoiling.size_of(folder), lambda: _boards(folder / "runs", names), spare=SCORING
        )

    return case


def _verify(run: Path, what: str) -> object:
    verdict = Verifier(Silent()).verify(run)
    _check_lines(verdict.lines())
    forged = what in run_spoiling.FORGED and what != "links"  # which `verify` follows: a run may lie on several disks
    assert verdict.problems or not forged, f"{what} is not found: {verdict.lines()[0]}"
    return Outcome(verdict.problems[0]) if verdict.problems else verdict


def _merge(
    theirs: Path, into: Path, bad: Path, options: Sequence[str], what: str = "", steps: Sequence[Step] = ()
) -> object:
    """The five good ones are taken in, and the sixth is refused, or is a run that can be read by every verb."""
    if steps:
        at_each_file(list(steps))
    words = ["merge", str(theirs), "--into", str(into), "--json", *options]
    done = CliRunner().invoke(app, words, prog_name="eegbench")
    if steps:
        at_each_file([])
    assert done.exit_code in (0, 1), f"exit code {done.exit_code}: {done.stderr[-300:]}"
    outcomes = [merging.Outcome(**one) for one in json.loads(done.stdout)]
    _check_lines([outcome.line() for outcome in outcomes])
    own = [one for one in outcomes if Path(one.run) == bad or bad in Path(one.run).parents]
    others = [one for one in outcomes if one not in own]
    taken = bool(own) and all(one.state == merging.TAKEN for one in own)
    lost = [one for one in others if one.state != merging.TAKEN and not (taken and "with other images" in one.why)]
    assert len(others) == 5 and not lost, f"{len(others) - len(lost)} of five good runs are taken in; {lost}"
    _check_taken(into)
    if taken and what in run_spoiling.FORGED and "--digests-only" not in options:
        raise AssertionError(f"{what}: taken in")
    return Outcome(own[0].why if own else "not a run") if not taken else outcomes


def _check_taken(into: Path) -> None:
    """No link, no secret, nothing half done; every run can be verified, and stands on a board."""
    for path in into.rglob("*"):
        assert not path.is_symlink() and not path.name.startswith("."), f"{path} is no part of a run"
        assert path.is_dir() or SECRET not in path.read_bytes(), f"{path} holds what lies outside"
    folders = sorted(path.parent for path in into.rglob("run.json"))
    for folder in folders:
        verdict = Verifier(Silent(), digests_only=True).verify(folder)
        assert not verdict.problems, f"{folder} was taken in: {verdict.problems[0]}"
    board = Board.of(into)
    assert len(board.runs) == len(folders) and not [run for run in board.runs if run.unscored], "a run is on no board"
    for form in FORMS:
        board.render(form)


def _boards(folder: Path, good: Sequence[str]) -> object:
    """Every form of board comes, and has the good runs; a bad one is named, and nothing of it acts in a browser."""
    notes: list[str] = []
    try:
        board = Board.of(folder, note=notes.append)
        texts = [*(board.render(form) for form in FORMS), board.html(folder.parent / "board.html")]
    except EegbenchError as error:
        raise AssertionError(f"no board: {error}") from None
    there = {run.path for run in board.runs}
    assert set(good) <= there, f"lacks {set(good) - there}"
    assert HTML not in texts[0] + texts[-1], "markup of a record stands in a board"
    assert not any(ACTING.search(text.replace("\r", "")) for text in texts), "a sign that terminals obey"
    lost = sorted({path.parent.relative_to(folder).as_posix() for path in folder.rglob("run.json")} - there)
    unnamed = [path for path in lost if not any(path in text for text in (texts[0], *notes))]
    assert not unnamed, f"is on no board and not named: {unnamed}"
    return Outcome(", ".join(lost)) if lost else board


def _race(rng: random.Random, bad: Path, outside: Path) -> list[Step]:
    """At one of the files that are opened meanwhile, something of the run becomes another thing; and perhaps back."""
    outside.mkdir()
    (outside / "secret").write_bytes(SECRET)
    (outside / "secrets").mkdir()
    for path in (bad / "reconstructions").rglob("*.png"):
        target = outside / "secrets" / path.relative_to(bad / "reconstructions")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes() + SECRET)
    kept = outside / "kept"
    name = rng.choice(("reconstructions", "run.json", "scores.json", "scores.csv", "permuted", ""))
    place = bad / name if name else bad
    other = rng.choice((_to_link(place, outside), _to_text(place), _to_nothing))

    def swap() -> None:
        if place.exists() and not kept.exists():
            place.rename(kept)
            other()

    def back() -> None:
        if kept.exists():
            if place.is_symlink() or place.is_file():
                place.unlink()
            if not place.exists():
                kept.rename(place)

    start = rng.randrange(OPENED)
    steps: list[Step] = [_to_nothing] * start + [swap]
    return steps + ([_to_nothing] * rng.choice((0, 1, 2, 5, 30)) + [back] if rng.random() < 0.5 else [])


def _to_nothing() -> None:
    """No step."""


def _to_link(place: Path, outside: Path) -> Callable[[], None]:
    target = outside / ("secrets" if place.is_dir() else "secret")
    return lambda: place.symlink_to(target)


def _to_text(place: Path) -> Callable[[], None]:
    def write() -> None:
        if place.suffix:
            place.write_bytes(SECRET)

    return write


def _check_lines(lines: Sequence[str]) -> None:
    strange = [line for line in lines if "\n" in line or ACTING.search(line)]
    assert not strange, f"a line that is none, or acts: {strange[0]!r:.200}"
