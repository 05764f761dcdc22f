"""What reading a file takes at most, beside what it may take.

usage: python perf/budget.py [--markdown]

Reads every file of `tests/files/hungry.py`, each in a process of its own, and prints for each reader,
of the files that are read, the one that takes the most memory and the one that takes the most CPU time, beside
`most_memory` and `most_seconds` of its size; then, of those that are refused, how soon. Exit code 1 if a file takes
more than it may. --markdown: only the table of docs/reading-files.md.
"""

import json
import subprocess
import sys
from operator import itemgetter
from pathlib import Path
from typing import Any

from eegbench.guards.budget import most_memory, most_seconds

FILES = Path(__file__).resolve().parents[1] / "tests" / "files"
sys.path.insert(0, str(FILES))
from hungry import CASES  # noqa: E402

HEAD = (
    *("reader", "file that takes the most", "its size"),
    *("memory", "may take", "CPU time", "may take"),
)


def measured() -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(FILES / "hungry.py")], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def row(reader: str, found: dict[str, Any]) -> tuple[str, ...]:
    size = found["size"]
    return (
        *(reader, found["case"], f"{size:,} B"),
        *(f"{found['memory'] / 10**6:,.0f} MB", f"{most_memory(size) / 10**6:,.0f} MB"),
        *(f"{found['seconds']:.2f} s", f"{most_seconds(size):.1f} s"),
    )


def table(found: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    rows = []
    for reader in dict.fromkeys(case.reader for case in CASES.values()):
        own = [one for one in found if CASES[one["case"]].reader == reader and not CASES[one["case"]].refused]
        worst = (max(own, key=itemgetter(what)) for what in ("memory", "seconds"))
        rows += [row(reader, one) for one in {one["case"]: one for one in worst}.values()]
    return rows


def main() -> int:
    found = measured()
    for line in (HEAD, ("---",) * len(HEAD), *table(found)):
        print(f"| {' | '.join(line)} |")
    if "--markdown" in sys.argv:
        return 0
    refused = [one for one in found if CASES[one["case"]].refused]
    print()
    for one in refused:
        print(f"{one['case']:<36} {one['memory'] / 10**6:>6,.0f} MB {one['seconds']:>6.2f} s  {one['said'][:160]}")
    over = [f for f in found if f["memory"] > most_memory(f["size"]) or f["seconds"] > most_seconds(f["size"])]
    wrong = [f for f in found if bool(f["said"]) is not bool(CASES[f["case"]].refused)]
    print(f"\n{len(found)} files, {len(refused)} refused, {len(over)} over their budget, {len(wrong)} with another end")
    return 1 if over or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
