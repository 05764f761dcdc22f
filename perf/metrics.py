"""Speed and memory of `eegbench score --suite reference` beside the published scripts' way, in one run.

usage: python perf/metrics.py TRUTH RECONSTRUCTIONS --field SCRIPT [--clip FILE] [--allow-unverified-weights]

SCRIPT is called as `SCRIPT TRUTH RECONSTRUCTIONS [--clip FILE]`; it takes its weights from TORCH_HOME and prints JSON
with "scores". Each contender runs in a process of its own, one after the other: SCRIPT, eegbench with an empty cache
of features, and eegbench once more with the truths' features in the cache.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

METRICS = "pixcorr,ssim,ssim_columns,alexnet2,alexnet5,inception,effnet,swav,clip"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth")
    parser.add_argument("reconstructions")
    parser.add_argument("--field", required=True)
    parser.add_argument("--clip")
    parser.add_argument("--metrics", default=METRICS)
    parser.add_argument("--allow-unverified-weights", action="store_true")
    options = parser.parse_args()
    folders = [options.truth, options.reconstructions]
    field = [sys.executable, options.field, *folders, "--only", options.metrics]
    field += ["--clip", options.clip] if options.clip else []
    ours = [sys.executable, "-c", "from eegbench.cli import app; app()", "score"]
    ours += ["--truth", folders[0], "--reconstructions", folders[1]]
    ours += ["--suite", "reference", "--metrics", options.metrics, "--json", "-", "--offline"]
    ours += ["--allow-unverified-weights"] if options.allow_unverified_weights else []
    with tempfile.TemporaryDirectory() as cache:
        runs = {"field": run(field), "ours": run(ours, cache), "ours, truths cached": run(ours, cache)}
    for name, (seconds, peak, _) in runs.items():
        print(f"{name:<20} {seconds:8.1f} s  {peak / 2**30:6.2f} GiB")
    base, peak, scores = runs["field"]
    for name in ("ours", "ours, truths cached"):
        print(f"{name}: {base / runs[name][0]:.2f} x as fast, {runs[name][1] / peak:.2f} of the memory")
    for name, value in scores["scores"].items():
        own = runs["ours"][2]["metrics"][name]["value"]
        print(f"{name:<14} field {value:.10f} ours {own:.10f} relative difference {abs(own - value) / abs(value):.1e}")


def run(command: list[str], cache: str | None = None) -> tuple[float, int, Any]:
    """Seconds, peak bytes in memory, and the JSON that a command prints."""
    environment = os.environ | ({"EEGBENCH_CACHE": cache} if cache else {})
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, env=environment, cwd=Path(__file__).parents[1])
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        if status:
            raise SystemExit(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}")
        out.seek(0)
        return seconds, used.ru_maxrss * 1024, json.load(out)


if __name__ == "__main__":
    main()
