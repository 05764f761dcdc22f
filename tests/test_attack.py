"""A few hundred of the cases of `scripts/attack`, and that its watch sees what no reader may do."""

import marshal
import mmap
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from types import FunctionType

import pytest

from attack import batches, command
from attack.cases import Case, Kind, Maker, Outcome
from attack.kinds import KINDS
from attack.trial import FAILED, OUTCOME, READ, REFUSED, Result, attempt
from eegbench.errors import InputError
from eegbench.guards import budget

FEW = {"merge": 4, "boards": 6, "verify": 12, "settings": 10, "captions": 12, "command lines": 12, "downloads": 12}
OTHERS = 24


def raises(error: BaseException) -> None:
    raise error


def put(made: Callable[[Path], object]) -> Kind:
    """A kind of one reader, which is given its folder."""
    return Kind(lambda shared, patch: lambda rng, folder: Case("a reader", 10, lambda: made(folder)), 1)


@pytest.fixture
def ended(tmp_path: Path) -> Callable[[Callable[[Path], object]], Result]:
    """What becomes of a reader."""

    def end(reader: Callable[[Path], object]) -> Result:
        with batches.prepared(put(reader), tmp_path / "of-a-reader") as maker:
            return attempt("a kind", maker, 0, tmp_path / "of-a-reader" / "around")

    return end


@pytest.mark.parametrize("name", KINDS)
def test_hostile_inputs_are_refused_in_one_line_or_read_rightly_within_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with batches.prepared(KINDS[name], tmp_path / "kind") as maker:
        around = tmp_path / "kind" / "around"
        results = [attempt(name, maker, seed, around) for seed in range(FEW.get(name, OTHERS))]
    assert [result for result in results if result.end == FAILED] == []
    assert [result for result in results if result.end != READ] != []
    assert list(Path().iterdir()) == []  # nothing is left where the attack was called from


@pytest.mark.parametrize("name", ["pickles", "images", "archives", "settings", "verify"])
def test_a_seed_gives_the_same_case_again(tmp_path: Path, name: str) -> None:
    def case(maker: Maker, seed: int, folder: Path) -> object:
        folder.mkdir()
        made = maker(random.Random(f"{name} {seed}"), folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return made.what, made.size, [(path.relative_to(folder), path.read_bytes()) for path in files]

    with batches.prepared(KINDS[name], tmp_path / "kind") as maker:
        first, second = ([case(maker, seed, tmp_path / f"{turn}-{seed}") for seed in range(5)] for turn in "ab")
    assert first == second


def _by_a_link(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent)
    (folder / "link" / "out.txt").write_text("a")


def _read_by_a_link(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent / "secret.txt")
    (folder / "link").read_text()


def _from_elsewhere(folder: Path) -> None:
    with chdir(folder.parent.parent):
        Path("out.txt").write_text("a")


def _by_a_number(folder: Path) -> None:
    above = os.open(folder.parent.parent, os.O_RDONLY)
    os.close(os.open("out.txt", os.O_WRONLY | os.O_CREAT, dir_fd=above))
    os.close(above)


def _stay(folder: Path) -> None:
    threading.Thread(target=time.sleep, args=(0.4,), name="sleeper", daemon=True).start()


class Plain(InputError):
    """An error that says what it was given, as it stands."""

    def __str__(self) -> str:
        return str(self.args[0])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "text that is run": (lambda folder: exec("1"), "exec"),
    "an expression that is worked out": (lambda folder: eval("1"), "exec"),
    "an expression that was compiled": (lambda folder: eval(compile("1+1", "x", "eval")), "exec"),
    "a function of a code": (lambda folder: FunctionType(compile("1", "x", "exec"), {})(), "function.__new__"),
    "a code that is changed": (lambda folder: raises.__code__.replace(co_name="a"), "code.__new__"),
    "marshalled code": (lambda folder: marshal.loads(marshal.dumps(raises.__code__)), "marshal.loads"),
    "a command": (lambda folder: os.system(":"), "os.system"),
    "a process": (lambda folder: subprocess.run([sys.executable, "-c", ""], check=True), "subprocess.Popen"),
    "a module that a file names": (lambda folder: __import__("attack_bait"), "import attack_bait"),
    "a file outside": (lambda folder: (folder.parent / "out.txt").write_text("a"), "writes .*out.txt"),
    "a file behind a link": (_by_a_link, "writes .*out.txt"),
    "a file that is moved": (lambda folder: os.rename(folder.parent / "secret.txt", folder / "b"), "os.rename"),
    "a folder outside": (lambda folder: (folder.parent / "made").mkdir(), "os.mkdir"),
    "a relative path that climbs": (lambda folder: Path("../out.txt").write_text("a"), "writes .*out.txt"),
    "a relative path from elsewhere": (_from_elsewhere, "writes .*out.txt"),
    "a relative folder from elsewhere": (lambda folder: Path("../made").mkdir(), "os.mkdir .*made"),
    "a path below a folder's number": (_by_a_number, "writes .*out.txt"),
    "a secret": (lambda folder: (folder.parent / "secret.txt").read_text(), "reads .*secret.txt"),
    "a secret behind a link": (_read_by_a_link, "reads .*secret.txt"),
    "a list of users": (lambda folder: Path("/etc/passwd").read_bytes(), "reads .*passwd"),
    "a pipe outside": (lambda folder: os.mkfifo(folder.parent / "pipe"), "changes .*pipe"),
    "an exception of Python's": (lambda folder: raises(ZeroDivisionError("a")), "ZeroDivisionError: a"),
    "an end of the program": (lambda folder: raises(SystemExit(2)), "SystemExit"),
    "want of memory": (lambda folder: raises(MemoryError()), "MemoryError"),
    "an error of two lines": (lambda folder: raises(Plain("a\nb")), "an error of 2 lines"),
    "an error that acts": (lambda folder: raises(Plain("\x1b[2J")), "sign which terminals obey"),
    "an endless error": (lambda folder: raises(Plain("a" * 5000)), "an error of 5000 characters"),
    "a thread that stays": (_stay, "leaves the thread sleeper"),
}


@pytest.mark.parametrize("name", BAD)
def test_the_watch_sees_what_no_reader_may_do(
    ended: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("attack.watch.GRACE", 0.1)
    reader, found = BAD[name]
    result = ended(reader)
    assert result.end == FAILED
    assert re.search(found, result.why), result.why


def test_reading_and_writing_within_the_folder_are_no_faults(ended: Callable[..., Result]) -> None:
    def reader(folder: Path) -> None:
        Path("relative").write_text("a")
        (folder / "absolute").write_text((folder / "relative").read_text())

    assert ended(reader).end == READ
    assert not Path("relative").exists()


@pytest.mark.parametrize(
    ("reader", "end"), [(lambda folder: Outcome("no"), OUTCOME), (lambda folder: raises(InputError("no")), REFUSED)]
)
def test_ends_have_names(ended: Callable[..., Result], reader: Callable[[Path], object], end: str) -> None:
    assert ended(reader).end == end


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is measured on Linux alone")
def test_memory_beyond_the_budget_is_seen(ended: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "BASE_MEMORY", 2**24)

    def fresh(folder: Path) -> mmap.mmap:  # not of the heap, of which free memory may be resident already
        pages = mmap.mmap(-1, 2**26, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pages[:: mmap.PAGESIZE] = bytes(len(pages) // mmap.PAGESIZE)
        return pages

    assert "MiB; a file of 10 bytes may take 16" in ended(fresh).why


def test_time_beyond_the_budget_is_seen(ended: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "BASE_SECONDS", 0.02)
    assert "s of CPU" in ended(lambda folder: sum(range(10**7))).why


def test_a_reading_that_is_wrong_is_seen(tmp_path: Path) -> None:
    case = Case("a reader", 1, lambda: 1, lambda found: raises(AssertionError(f"{found} is not 2")))
    result = attempt("a kind", lambda rng, folder: case, 0, tmp_path)
    assert (result.end, result.why) == (FAILED, "read wrongly: AssertionError: 1 is not 2")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Python 3.12, for a fork beside threads
def test_a_case_that_kills_its_process_is_told_and_ends_no_other(tmp_path: Path) -> None:
    def maker(rng: random.Random, folder: Path) -> Case:
        return Case("a reader", 1, lambda: os._exit(1) if rng.random() < 0.3 else 0)

    results: list[Result] = []
    while len(results) < 8:
        left = range(len(results), 8)
        results += batches.in_a_child("a kind", maker, left, tmp_path)
    assert [result.seed for result in results] == list(range(8))
    assert {result.why for result in results if result.end == FAILED} == {"its process died"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_command_counts_and_fails_where_a_case_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {"good": put(lambda folder: 1), "bad": put(lambda folder: raises(ValueError("oh")))}
    monkeypatch.setattr(command, "KINDS", kinds)
    assert command.main(["--cases", "6", "--only", "good"]) == 0
    assert command.main(["--cases", "6", "--first", "5"]) == 1
    said = capsys.readouterr().out
    assert "6 cases: 0 refused, 6 read, 0 outcome, 0 FAILED" in said
    assert "6 cases: 0 refused, 3 read, 0 outcome, 3 FAILED" in said and "bad 5 (a reader): ValueError: oh" in said
