"""What each statistic promises, measured: levels, coverages and power, beside the rules that stood before.

usage: python perf/statistics.py [--short] [--section NAME ...] [--jobs 2]

Each section simulates data whose truth is known and prints a table: the old rule, the package's, what is wanted, the
number of cases. The models are synthetic: levels and coverages carry over, how often a fault bites on real data does
not. A row passes if it is within three standard errors of the simulation of what is wanted; where the old rule was
wrong it must not pass. Exit code 1 where a row does not. --short takes fewer and smaller cases.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the script's own folder hides the standard `statistics`
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the sections share the cores

from perf.simulations import audit, boards, chance, claims, intervals, sets
from perf.simulations.table import HEAD, Row, Section, line

SECTIONS = {
    "audit": Section("1. The audit on the track eeg: power and level", audit.audit),
    "oracle": Section("1. The audit on the track oracle: level", audit.oracle),
    "runs": Section("1. One p for several runs; the smallest contribution", audit.joined),
    "speed": Section("1. Time of the p", audit.speed),
    "ties": Section("2. Ties and bold: equal methods called different", boards.ties),
    "inception": Section("3. Inception score: intervals", sets.inception),
    "distances": Section("4. KID of paired sets, FID at this n", sets.distances),
    "chance": Section("5. Chance and floors", chance.chance),
    "means": Section("6. Intervals of means", intervals.coverage),
    "paired": Section("7. Two methods on the same stimuli", intervals.paired),
    "seeds": Section("8. Several seeds of one subject", boards.seeds),
    "claims": Section("9. Published numbers", claims.claims),
    "shares": Section("10. Shares of the way from floor to ceiling", claims.shares),
    "selection": Section("11. The best is selected by looking", boards.selection),
    "subjects": Section("12. Subjects x stimuli, and folds that share training subjects", boards.subjects),
    "visible": Section("13. What is called visible is seen", boards.visible),
}


def measure(name: str, short: bool) -> tuple[list[Row], float]:
    """A section's rows and the seconds that they took."""
    began = time.perf_counter()
    return list(SECTIONS[name].rows(short)), time.perf_counter() - began


def tables(names: list[str], short: bool, jobs: int) -> Iterator[tuple[str, list[Row], float]]:
    """Each section's name, rows and seconds, in order; `jobs` of them at once."""
    if jobs == 1:
        for name in names:
            yield name, *measure(name, short)
        return
    with ProcessPoolExecutor(jobs) as pool:
        results = {name: pool.submit(measure, name, short) for name in names}
        for name, result in results.items():
            yield name, *result.result()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--section", action="append", choices=SECTIONS, default=[])
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    complaints = 0
    for name, rows, seconds in tables(options.section or list(SECTIONS), options.short, options.jobs):
        print(f"\n{SECTIONS[name].title} ({name}, {seconds:.0f} s)\n{HEAD}", *map(line, rows), sep="\n", flush=True)
        complaints += sum(bool(row.complaint()) for row in rows)
    print(f"\n{complaints or 'no'} row{'' if complaints == 1 else 's'} not as wanted")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
