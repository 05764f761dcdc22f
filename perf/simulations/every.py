"""All sections of `perf/statistics.py`, and how they are run."""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from perf.simulations import agreement, audit, boards, chance, comparing, intervals, sets, shares, size
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
    "claims": Section("9. Published numbers", agreement.agreement),
    "shares": Section("10. Shares of the way from floor to ceiling", shares.shares),
    "selection": Section("11. The best is selected by looking", boards.selection),
    "subjects": Section("12. Subjects x stimuli, and folds that share training subjects", boards.subjects),
    "visible": Section("13. What is called visible is seen", boards.visible),
    "size": Section("14. Designs that plan-size proposes", size.planned),
    "compare": Section("15. Two runs compared on six metrics", comparing.equals),
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


def main(about: str) -> int:
    """Print the sections that are asked for; 1 where a row is not as wanted. about: what --help says."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
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
