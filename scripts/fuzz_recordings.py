"""Read spoilt files of real data sets: each must be refused by an error of our own, or read, and nothing be run.

usage: python scripts/fuzz_recordings.py [--cases N] [--first SEED] [--only NAME]

The files are small ones in the published formats; a case is one seed of `tests/files/mutations.py`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "files"))
import targets
from mutations import try_each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000, help="in all, shared between the formats")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", help="one format")
    options = parser.parse_args()
    chosen = [options.only] if options.only else list(targets.TARGETS)
    each = -(-options.cases // len(chosen))
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            total += run(name, Path(folder) / name, range(options.first, options.first + each), targets.TARGETS[name])
    print(f"{total} cases; every one refused by our own error or read, nothing run")


def run(name: str, folder: Path, seeds: range, make: Callable[[Path], targets.Target]) -> int:
    folder.mkdir()
    path, wholes, read = make(folder)
    since = time.perf_counter()
    counts = try_each(path, wholes, read, seeds)
    print(f"{name:<28} {counts['refused']:>7} refused {counts['read']:>7} read {time.perf_counter() - since:>7.1f} s")
    return sum(counts.values())


if __name__ == "__main__":
    main()
