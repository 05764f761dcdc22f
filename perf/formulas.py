"""Speed and memory of metric formulas on given features; prints ratios.

usage: python perf/formulas.py nway                                 closed form beside 1,000 trials an image
       python perf/formulas.py pairs                                all pairs of 200, by metric, and how near pixels are
       python perf/formulas.py two-way FOLDER [--pairs N] [--size D]  identification on features that lie on disk

`two-way` writes 2 x N x D float32 values into FOLDER (14.8 GB for 10,000 pairs of AlexNet's second layer), if they are
not there, and prints seconds, seconds a pair, and the most memory that was not mapped files.
"""

import argparse
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench import backbones
from eegbench.benchmark.features import judge_of
from eegbench.contracts import PIXELS
from eegbench.datasets.sim_things import SimThings
from eegbench.metrics import METRICS, VARIANTS
from eegbench.metrics.classification import NWay
from eegbench.metrics.identification import TwoWay
from eegbench.plugins import entering

CLASSES, TRIALS = 1000, 1000
ALEXNET2 = 192 * 31 * 31


def nway(images: int) -> None:
    rng = np.random.default_rng(0)
    truths = rng.dirichlet(np.full(CLASSES, 0.05), images)
    made = 0.5 * truths + 0.5 * rng.dirichlet(np.full(CLASSES, 0.05), images)
    metric = NWay("nway50_top1", ways=50)
    metric.compute(made[:2], truths[:2])
    began = time.perf_counter()
    exact = metric.compute(made, truths)
    closed = time.perf_counter() - began
    began = time.perf_counter()
    drawn = np.array([_drawn(p, int(t.argmax()), rng) for p, t in zip(made, truths, strict=True)])
    sampled = time.perf_counter() - began
    error = np.sqrt((drawn * (1 - drawn)).sum() / TRIALS) / images
    print(f"{images} images: closed form {closed * 1e3:.2f} ms, {TRIALS} trials an image {sampled:.2f} s")
    print(f"ratio {sampled / closed:.0f}")
    print(f"exact {exact.mean():.5f}, sampled {drawn.mean():.5f} +- {error:.5f}")


def _drawn(probabilities: NDArray[np.float64], shown: int, rng: np.random.Generator) -> float:
    """The published way: 49 other classes at random, again and again."""
    others = np.delete(np.arange(CLASSES), shown)
    trials = (rng.choice(others, 49, replace=False) for _ in range(TRIALS))
    return sum(bool((probabilities[picked] < probabilities[shown]).all()) for picked in trials) / TRIALS


def pairs(stimuli: int) -> None:
    """Scenes of the embedded data set beside the next scene at half strength, as the micro suite's judges see them."""
    truths = entering.answers(SimThings(), 8).images[:stimuli]
    made = (truths // 2 + np.roll(truths, 1, axis=0) // 2).astype(np.uint8)
    suite = backbones.suite("micro", "sal512", "cpu")
    names = [str(i) for i in range(stimuli)]
    print(f"{'metric':<16} {'kept':>8} {'pairs':>8}  seconds of processor time; of pixels how far from compute")
    total = 0.0
    for metric in (one for name, one in METRICS.items() if one.per_item and name not in VARIANTS):
        judge = judge_of(suite.judges, metric.needs)
        if judge is None:  # a method's own embedding
            continue
        kept, exact, spent = [], list[NDArray[np.float64]](), [0.0, 0.0]
        for start in range(0, stimuli, 20):
            sides = [judge.embed(side[start : start + 20])[metric.needs] for side in (made, truths)]
            began = time.process_time()
            kept.append([metric.reduced(side) for side in sides])
            spent[0] += time.process_time() - began
            exact.append(metric.compute(*sides) if metric.needs == PIXELS else np.empty(0))
        whole = [np.concatenate(side) for side in zip(*kept, strict=True)]
        began = time.process_time()
        scores = metric.pairs(*whole, stimuli=names)
        spent[1] = time.process_time() - began
        total += sum(spent)
        off = scores.diagonal() - np.concatenate(exact) if metric.needs == PIXELS else np.zeros(1)
        near = f"  mean {off.mean():+.4f}, most {np.abs(off).max():.4f}" if metric.needs == PIXELS else ""
        print(f"{metric.id:<16} {spent[0]:8.3f} {spent[1]:8.3f}{near}")
    print(f"{'all':<16} {total:17.3f}")


def two_way(folder: Path, pairs: int, size: int) -> None:
    truths, made = (_features(folder / f"{name}-{pairs}-{size}.npy", pairs, size, name) for name in ("truth", "made"))
    with _watched() as most:
        began = time.perf_counter()
        scores = TwoWay("alexnet2", needs="alexnet2").compute(made, truths)
        seconds = time.perf_counter() - began
    print(
        f"{pairs} pairs of {size} values: {seconds:.1f} s, {1e3 * seconds / pairs:.2f} ms a pair, "
        f"mean {scores.mean():.5f}"
    )
    print(f"most memory beside mapped files: {most[0] / 2**30:.2f} GiB")


def _features(path: Path, pairs: int, size: int, name: str) -> NDArray[np.float32]:
    """Truths of noise, and reconstructions that share a little of it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = np.lib.format.open_memmap(path, "w+", np.float32, (pairs, size))
        for i in range(pairs):
            own = np.random.default_rng([0, i]).standard_normal(size, np.float32)
            other = np.random.default_rng([1, i]).standard_normal(size, np.float32)
            stored[i] = own if name == "truth" else 0.01 * own + other
        stored.flush()
    found: NDArray[np.float32] = np.load(path, mmap_mode="r")
    return found


@contextmanager
def _watched() -> Iterator[list[int]]:
    """The most anonymous memory of this process, in bytes, looked at ten times a second (Linux)."""
    most, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            words = Path("/proc/self/status").read_text().split()
            most[0] = max(most[0], 1024 * int(words[words.index("RssAnon:") + 1]))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("nway", "pairs", "two-way"))
    parser.add_argument("folder", nargs="?", type=Path, default=Path("features"))
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=ALEXNET2)
    options = parser.parse_args()
    if options.what == "nway":
        nway(200)
    elif options.what == "pairs":
        pairs(200)
    else:
        two_way(options.folder, options.pairs, options.size)


if __name__ == "__main__":
    main()
