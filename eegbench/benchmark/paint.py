"""Images by item and seed, made in batches and kept as PNG."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eegbench import seeds
from eegbench.arrays import Images
from eegbench.benchmark.images import intact
from eegbench.contracts import Progress, Reconstructor
from eegbench.datasets.images import write_png
from eegbench.errors import InputError
from eegbench.files import file_digest
from eegbench.plugins import outputs
from eegbench.plugins.outputs import Given
from eegbench.runs import layout
from eegbench.runs.folder import Run
from eegbench.runs.record import ManifestRow

Make = Callable[[NDArray[np.int64], list[int]], Images]  # positions of items, a seed for each: one image for each


def paint(
    run: Run,
    below: str,
    stimuli: Sequence[str],
    make: Make,
    *,
    batch_size: int,
    keep: bool,
    progress: Progress,
) -> tuple[ManifestRow, ...]:
    """The images of all stimuli and samples of a run as PNG in the folder `below` its own, and their manifest.

    With `keep`, images that are there and decode stay as they are, and a batch that lacks none is not computed.
    """
    spec = run.record.spec
    jobs = [(item, sample) for sample in range(spec.samples) for item in range(len(stimuli))]
    files = [run.folder / below / layout.image_file(stimuli[item], sample) for item, sample in jobs]
    if len(set(files)) < len(files):
        raise InputError(f"{spec.dataset}: two queries have the same stimulus id; ids must be unique")
    with progress.bar(below, len(jobs)) as advance:
        for start in range(0, len(jobs), batch_size):
            batch = slice(start, start + batch_size)
            if lacking := [file for file in files[batch] if not (keep and intact(file))]:
                items = np.array([item for item, _ in jobs[batch]], dtype=np.int64)
                item_seeds = [seed_of(spec.seed, stimuli[item], sample) for item, sample in jobs[batch]]
                for file, image in zip(files[batch], make(items, item_seeds), strict=True):
                    if file in lacking:
                        write_png(file, image)
            advance(len(files[batch]))
    return tuple(
        ManifestRow(stimuli[item], sample, file.relative_to(run.folder).as_posix(), file_digest(file))
        for (item, sample), file in zip(jobs, files, strict=True)
    )


def by_method(name: str, fitted: Reconstructor, given: Given) -> Make:
    """A function from items and seeds to the images that a fitted method makes of those items of `given`."""
    return lambda items, seeds: outputs.pictures(name, fitted, replace(given.part(items.tolist()), seeds=seeds))


def seed_of(run_seed: int, stimulus: str, sample: int) -> int:
    """The seed of one image."""
    return seeds.seed(run_seed, stimulus, sample, "reconstruct")
