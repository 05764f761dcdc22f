"""Boards: how fast many runs are read and rendered.

usage: python perf/board.py [--runs 2000] [--folder DIR]

Runs of 20 methods on 10 subjects with 10 seeds, 200 stimuli and 19 metrics each, written as real runs are, without
images, to a temporary folder (or to DIR, and left there); then each format, in a fresh process. What intervals and ties
promise is measured by `perf/statistics.py`.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from eegbench.files import digest, write_text
from eegbench.runs.items import write_values
from eegbench.runs.record import ManifestRow, RunRecord, RunSpec
from eegbench.runs.sheet import Score, ScoreSheet

METRICS = (
    *("pixcorr", "ssim", "ssim_columns", "alexnet2", "alexnet5", "inception", "clip", "effnet", "swav"),
    *("nway50_top1", "cc", "sim", "kl", "kl_reversed", "retrieval_top1", "retrieval_top5"),
)
SETS = ("is", "kid", "fid")
STIMULI = tuple(f"{i:05d}_concept_{i}/concept_{i}_01s" for i in range(200))
FORMS = ("md", "html", "csv", "json")


def write_run(top: Path, method: int, subject: int, seed: int) -> None:
    """One run's records, as the score stage writes them."""
    rng = np.random.default_rng([method, subject, seed])
    spec = RunSpec("sim-things", "1", {"snr": 1.0}, subject, "eeg", f"method_{method:03d}", {"steps": 20}, seed)
    rows = tuple(ManifestRow(s, 0, f"reconstructions/{s}.png", digest([s, subject, seed])) for s in STIMULI)
    record = RunRecord(spec, "method", True, "complete", {"torch": "2"}, {"fit": digest(seed)}, rows, {"fit": 1.0}, 1)
    record.write(top / spec.folder / "run.json")
    items = {name: np.clip(rng.normal(0.5 + method / 400, 0.2, (1, len(STIMULI))), 0, 1) for name in METRICS}
    means = {name: float(x.mean()) for name, x in items.items()} | {name: float(rng.uniform(1, 2)) for name in SETS}
    scores = {name: Score(name, 1, x, (x - 0.03, x + 0.03), name not in ("kid", "fid")) for name, x in means.items()}
    said = "EEG contributes: 14 of 16 metrics clear of the permuted EEG"
    sheet = ScoreSheet(len(STIMULI), "micro", "sal512", scores, {"eyes": "a" * 64}, said, reconstructions=record.images)
    write_text(top / spec.folder / "scores.json", sheet.to_json())
    write_text(top / spec.folder / "scores.csv", write_values({(name, 1): x for name, x in items.items()}, STIMULI))


def speed(top: Path, runs: int) -> None:
    every = itertools.product(range(20), range(1, 11), range(1000))
    chosen = sorted(itertools.islice(sorted(every, key=lambda one: (one[2], one[0], one[1])), runs))
    if not any(top.iterdir()):
        for one in chosen:
            write_run(top, *one)
    for form in FORMS:
        output = top.parent / f"board.{form}"
        began = time.perf_counter()
        command = [sys.executable, "-c", "from eegbench.cli import app; app()", "leaderboard", str(top)]
        subprocess.run([*command, "--format", form, "-o", str(output)], check=True)
        print(f"{runs} runs, {form}: {time.perf_counter() - began:.2f} s, {output.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        speed(folder, options.runs)


if __name__ == "__main__":
    main()
