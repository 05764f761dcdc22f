"""Thousands of cases, in processes that may die of them: a batch of seeds in each, by one process for each kind."""

import contextlib
import ctypes
import gc
import json
import os
import re
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import pytest

from attack.cases import Kind, Maker
from attack.trial import FAILED, STATUS, Result, attempt

BATCH = 200  # seeds
LONGEST = 60.0  # s that a case may be silent, on a machine that has other things to do
SWEEP = 50  # cases between two looks at the garbage
DATA = 6 * 2**30  # bytes that a process of cases may ask for beyond what it has: the machine must live
GROWN = 2**28  # bytes that may stay when a batch is done
BAIT = "import pathlib\npathlib.Path(__file__).with_name('bitten').write_text('')\ndef harm(): pass\n"

_kinds: dict[str, Kind] = {}  # which a process inherits: most cannot be sent to one

Report = Callable[[str, list[Result], float], None]


def run(kinds: dict[str, Kind], seeds: dict[str, range], folder: Path, jobs: int, report: Report) -> None:
    """All seeds of each kind; report: is given a kind's results, and the seconds that they took, when it is done."""
    _kinds.update(kinds)
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        waiting = {pool.submit(_run, name, seeds[name], folder / name): name for name in kinds}
        for future, name in waiting.items():
            report(name, *future.result())


def _run(name: str, seeds: range, folder: Path) -> tuple[list[Result], float]:
    since, results = time.monotonic(), []
    with prepared(_kinds[name], folder) as maker:
        for start in range(0, len(seeds), BATCH):
            left: Sequence[int] = seeds[start : start + BATCH]
            while left:
                found = list(in_a_child(name, maker, left, folder / "around"))
                results += found
                left = [seed for seed in left if seed > found[-1].seed]
    return results, time.monotonic() - since


@contextlib.contextmanager
def prepared(kind: Kind, folder: Path) -> Iterator[Maker]:
    """The maker of a kind's cases, in a folder of its own; `attack_bait`, which hostile files name, can be imported."""
    shared = folder / "shared"
    (folder / "around").mkdir(parents=True)
    shared.mkdir()
    (folder / "around" / "secret.txt").write_text("secret")
    bait = folder / "around" / "bait"
    bait.mkdir()
    (bait / "attack_bait.py").write_text(BAIT)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(bait)
        patch.setattr(sys, "dont_write_bytecode", True)
        with contextlib.chdir(shared):
            maker = kind.make(shared, patch)
        yield maker


def in_a_child(name: str, maker: Maker, seeds: Sequence[int], folder: Path) -> Iterator[Result]:
    """Results of the seeds, in order, until one that the process did not survive."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        errors = os.dup(2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff writes there of itself
        try:
            _work(name, maker, seeds, folder, theirs)
        except BaseException:
            os.dup2(errors, 2)
            traceback.print_exc()
        os._exit(0)
    os.close(theirs)
    try:
        yield from _heard(name, seeds, ours, child)
    finally:
        os.close(ours)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _heard(name: str, seeds: Sequence[int], pipe: int, child: int) -> Iterator[Result]:
    place, rest = 0, b""
    while place < len(seeds):
        ready, _, _ = select.select([pipe], [], [], LONGEST)
        piece = os.read(pipe, 2**16) if ready else b""
        if not piece:
            why = "its process died" if ready else f"does not end within {LONGEST:g} s"
            yield Result(name, seeds[place], "?", FAILED, why=why)
            return
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield Result(**json.loads(line))
            place += 1


def _work(name: str, maker: Maker, seeds: Sequence[int], folder: Path, pipe: int) -> None:
    """In the child: each result as a line of JSON."""
    os.chdir(folder)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (DATA, hard))
    gc.freeze()
    before = _held()
    for place, seed in enumerate(seeds, 1):
        result = attempt(name, maker, seed, folder)
        if place % SWEEP == 0 or place == len(seeds):
            gc.collect()
        if place == len(seeds) and (grown := _held() - before) > GROWN and result.end != FAILED:
            why = f"{grown >> 20} MiB stay when the batch that ends here is done"
            result = Result(**{**asdict(result), "end": FAILED, "why": why})
        line = json.dumps(asdict(result)).encode() + b"\n"
        while line:
            line = line[os.write(pipe, line) :]


def _held() -> int:
    """Bytes of memory that are in use; what was freed is given back to the system first, where its C library can."""
    if not STATUS.exists():
        return 0
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return int(re.search(r"RssAnon:\s+(\d+)", STATUS.read_text())[1]) * 1024  # type: ignore[index]
