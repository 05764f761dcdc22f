"""The command `scripts/attack`."""

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from attack import batches
from attack.kinds import KINDS
from attack.trial import ENDS, FAILED, Result

IN_MEMORY, ROOM = Path("/dev/shm"), 2**30  # bytes
SHOWN = 10  # failures of a kind that are printed whole
USAGE = """Attack every reader with hostile inputs: each must be refused in one line, read rightly, or named an outcome.

All within the budget of eegbench/guards/budget.py; nothing may be executed, written outside, or left running. The same
seed gives the same case: `--only KIND --first SEED --cases 1` is one that failed."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the cases and print a line for each kind; 1 where one failed."""
    parser = argparse.ArgumentParser(description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000, help="in all, shared between the kinds (20000)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed of each kind (0)")
    parser.add_argument("--only", choices=sorted(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--jobs", type=int, default=1, help="kinds at once (1)")
    options = parser.parse_args(words)
    chosen = {options.only: KINDS[options.only]} if options.only else KINDS
    whole = sum(kind.share for kind in chosen.values())
    each = {name: -int(-options.cases * kind.share // whole) for name, kind in chosen.items()}
    seeds = {name: range(options.first, options.first + count) for name, count in each.items()}
    failed: list[Result] = []
    ends: Counter[str] = Counter()

    def report(name: str, results: list[Result], seconds: float) -> None:
        counts = Counter(result.end for result in results)
        ends.update(counts)
        print(_line(name, results, counts, seconds), flush=True)
        mine = [result for result in results if result.end == FAILED]
        failed.extend(mine)
        for result in mine[:SHOWN]:
            print(f"    {name} {result.seed} ({result.what}): {result.why}", flush=True)
        if len(mine) > SHOWN:
            print(f"    and {len(mine) - SHOWN} more, seeds {' '.join(str(r.seed) for r in mine[SHOWN:])}", flush=True)

    print(f"{'kind':<16}{''.join(f'{end:>9}' for end in ENDS)}{'longest':>17}{'peak memory':>20}{'all':>8}")
    kept = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="attack-", dir=_place()) as folder:
        tempfile.tempdir = folder  # for the processes too, which take nothing away when they end
        try:
            batches.run(chosen, seeds, Path(folder), options.jobs, report)
        finally:
            tempfile.tempdir = kept
    print(f"{sum(ends.values())} cases: " + ", ".join(f"{ends[end]} {end}" for end in ENDS))
    return 1 if failed else 0


def _place() -> Path | None:
    """A file system in memory where there is one with room: most of the time goes to files that are gone at once."""
    return IN_MEMORY if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM else None


def _line(name: str, results: list[Result], counts: Counter[str], seconds: float) -> str:
    """Of the case that came nearest to its budget its seconds and memory, beside what it may take."""
    slow = max(results, key=lambda result: result.seconds / (result.most_seconds or 1))
    large = max(results, key=lambda result: result.memory / (result.most_memory or 1))
    time = f"{slow.seconds:.2f} of {slow.most_seconds:.1f} s"
    memory = f"{large.memory >> 20:,} of {large.most_memory >> 20:,} MiB"
    return f"{name:<16}{''.join(f'{counts[end]:>9}' for end in ENDS)}{time:>17}{memory:>20}{seconds:>6.0f} s"
