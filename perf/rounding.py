"""How far scores of identical images move with threads, kernels, batches: what eegbench/checks/tolerances.py has.

usage: python perf/rounding.py TRUTH RECONSTRUCTIONS [--suite micro] [--device cpu ...]

Each way is a process of its own. Printed for each metric: the largest difference from the first way, relative and in
the metric's own unit, beside the tolerance.
"""

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from eegbench.checks import tolerances
from eegbench.runs.sheet import Score

SCORE = """
import sys, torch
from eegbench.benchmark import features
threads, kernels, features.PORTION = int(sys.argv[1]), sys.argv[2] == "1", int(sys.argv[3])
torch.set_num_threads(threads)
torch.backends.mkldnn.set_flags(kernels)
sys.argv = ["eegbench", *sys.argv[4:]]
from eegbench.cli import app
app()
"""
WAYS = {"as usual": (2, 1, 32), "one thread": (1, 1, 32), "torch's own kernels": (2, 0, 32), "one at a time": (2, 1, 1)}


def scores(way: tuple[int, int, int], words: list[str]) -> dict[str, Any]:
    environment = os.environ | {"OMP_NUM_THREADS": str(way[0]), "EEGBENCH_CACHE": os.devnull}
    command = [sys.executable, "-c", SCORE, *map(str, way), "score", *words, "--json", "-"]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth")
    parser.add_argument("reconstructions")
    parser.add_argument("--suite", default="micro")
    parser.add_argument("--device", nargs="*", default=["cpu"])
    options = parser.parse_args()
    words = ["--truth", options.truth, "--reconstructions", options.reconstructions, "--suite", options.suite]
    sheets = {
        f"{device}, {name}": scores(way, [*words, "--device", device])
        for device in options.device
        for name, way in WAYS.items()
    }
    first = next(iter(sheets.values()))
    for metric, entry in first["metrics"].items():
        value = entry["value"]
        if value is None:
            continue
        moved = {name: abs(sheet["metrics"][metric]["value"] - value) for name, sheet in sheets.items()}
        far = max(moved, key=lambda name: moved[name])
        score = Score(metric, 1, value, None, True)
        near = tolerances.identical(score, first["n"])
        relative = moved[far] / abs(value) if value else 0.0
        print(f"{metric:<14} {moved[far]:.1e} ({relative:.1e} relative) by {far}; tolerance {near:.1e}")


if __name__ == "__main__":
    main()
