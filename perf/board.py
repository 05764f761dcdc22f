"""Boards: how fast many runs are read and rendered, and how often an interval over subjects and stimuli is right.

usage: python perf/board.py [--runs 2000] [--cases 2000] [--folder DIR]

- Speed: runs of 20 methods on 10 subjects with 10 seeds, 200 stimuli and 19 metrics each, written as real
  runs are, without images, to a temporary folder (or to DIR, and left there); then each format, in a fresh process.
- Ties: boards of equals; how often a method named beforehand, and how often any, is called worse than the best.
  Methods differ from subject to subject by a deviation of .02.
- Coverage: the share of simulated boards whose interval holds the true mean over subjects (or fits) and stimuli. A
  value is a row's ability + a stimulus's ease + noise of its own; the parts' deviations vary.
- Shares: how often the interval of a share holds the true one, and in how many boards there is one.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from eegbench import statistics, values
from eegbench.leaderboard.average import Scored, average
from eegbench.leaderboard.cells import Column
from eegbench.leaderboard.ranking import contest, mark
from eegbench.records import ManifestRow, RunRecord, RunSpec, Score, ScoreSheet, digest, write_text

METRICS = (
    *("pixcorr", "ssim", "ssim_columns", "alexnet2", "alexnet5", "inception", "clip", "effnet", "swav"),
    *("nway50_top1", "cc", "sim", "kl", "kl_reversed", "retrieval_top1", "retrieval_top5"),
)
SETS = ("is", "kid", "fid")
STIMULI = tuple(f"{i:05d}_concept_{i}/concept_{i}_01s" for i in range(200))
FORMS = ("md", "html", "csv", "json")
CHANCE = 0.5
WAYS = {  # what floors, a method and ceilings truly reach
    "a long way": ((0.52, 0.4), 0.62, (0.9, 0.8)),
    "three equal floors": ((0.55, 0.55, 0.55), 0.6, (0.85,)),
    "a short way": ((0.5, 0.55), 0.56, (0.65, 0.66)),
    "no gain": ((0.52, 0.5), 0.52, (0.9,)),
}


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
    write_text(top / spec.folder / "scores.csv", values.write({(name, 1): x for name, x in items.items()}, STIMULI))


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


def coverage(rows: int, people: bool, parts: tuple[float, float, float], cases: int) -> float:
    """The share of intervals over subjects, or over fits of one, that hold the true mean, which is 0."""
    rng = np.random.default_rng([rows, *(int(100 * part) for part in parts)])
    hits = 0
    for _ in range(cases):
        able, easy, noise = (rng.normal(size=size) for size in ((rows, 1), len(STIMULI), (rows, len(STIMULI))))
        table = parts[0] * able + parts[1] * easy + parts[2] * noise
        scores = [Scored(i if people else 8, float(x.mean()), None, STIMULI, x, seed=i) for i, x in enumerate(table)]
        _, ci = average(scores)
        hits += ci is not None and ci[0] <= 0 <= ci[1]
    return hits / cases


def ties(methods: int, subjects: int, cases: int) -> tuple[float, float]:
    """Shares of boards of equals in which the first method, and in which any method, is neither best nor tied."""
    rng = np.random.default_rng([methods, subjects])
    first = some = 0
    for _ in range(cases):
        able = rng.normal(0, 0.02, (methods, subjects, 1)) * (subjects > 1)
        tables = able + rng.normal(0, 0.16, (methods, subjects, len(STIMULI))) + rng.normal(size=len(STIMULI))
        scores = [[Scored(i, float(x.mean()), None, STIMULI, x) for i, x in enumerate(own)] for own in tables]
        means = [float(own.mean()) for own in tables]
        [found] = mark([contest(Column("ssim", 1, True), means, scores, comparisons=methods - 1)], 0)
        worse = [place not in found.best | found.tied for place in range(methods)]
        first, some = first + worse[0], some + any(worse)
    return first / cases, some / cases


def shares(subjects: int, means: tuple[tuple[float, ...], float, tuple[float, ...]], cases: int) -> tuple[float, float]:
    """Of what floors, a method and ceilings truly reach: the share of intervals that hold the true share; and of boards
    that have one. Chance, .5, is among the floors."""
    rng = np.random.default_rng([subjects, len(means[0]), len(means[2])])
    every = np.array([means[1], *means[0], *means[2]])
    floor, ceiling = max(*means[0], CHANCE), max(means[2])
    truth = (means[1] - floor) / (ceiling - floor)
    hits = there = 0
    for _ in range(cases):
        able = rng.normal(0, 0.02, (len(every), subjects, 1)) * (subjects > 1)
        noise = rng.normal(0, 0.2, (len(every), subjects, len(STIMULI)))
        tables = every[:, None, None] + able + rng.normal(0, 0.1, len(STIMULI)) + noise
        found, drawn = tables.mean(axis=(1, 2)).tolist(), [statistics.draw(one) for one in tables]
        edge = 1 + len(means[0])
        joint = drawn[0], [*drawn[1:edge], statistics.constant(CHANCE)], drawn[edge:]
        ci = statistics.share((found[0], [*found[1:edge], CHANCE], found[edge:]), joint, subjects=subjects).ci
        there += ci is not None
        hits += ci is not None and ci[0] <= truth <= ci[1]
    return hits / max(1, there), there / cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    for people, rows in itertools.product((True, False), (3, 5, 10)):
        for parts in ((0.02, 0.15, 0.2), (0.1, 0.15, 0.2), (0.02, 0.0, 0.2)):
            share = coverage(rows, people, parts, options.cases)
            told = ", ".join(f"{name} {part}" for name, part in zip(("row", "stimulus", "noise"), parts, strict=True))
            print(f"{rows:2d} {'subjects' if people else 'fits'}, 200 stimuli, deviations of {told}: {share:.1%}")
    for methods, subjects in itertools.product((2, 5, 10), (1, 3, 10)):
        named, some = ties(methods, subjects, options.cases)
        print(f"{methods:2d} equals, {subjects} subjects: one named beforehand worse in {named:.1%}, any in {some:.1%}")
    for subjects, (what, means) in itertools.product((1, 3, 5, 10), WAYS.items()):
        held, there = shares(subjects, means, options.cases)
        print(
            f"shares, {subjects} subjects, {what}: {held:.1%} of intervals hold; there is one in {there:.1%} of boards"
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        speed(folder, options.runs)


if __name__ == "__main__":
    main()
