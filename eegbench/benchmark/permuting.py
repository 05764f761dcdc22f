"""Images from EEG that was permuted between the test stimuli, and who got whose: made, read back, checked.

Each stimulus keeps its seed and its hint and gets the EEG of another, which showed another picture.
"""

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import Images
from eegbench.benchmark.all_pairs import partners
from eegbench.benchmark.fit import Fitted
from eegbench.benchmark.hints import HintMaps
from eegbench.benchmark.images import ImageSet
from eegbench.benchmark.plan import Plan
from eegbench.benchmark.reconstruct import Reconstructed, paint, seed_of, stacked, task_of
from eegbench.benchmark.score import Embeddings, image_sets
from eegbench.contracts import Progress
from eegbench.errors import InputError
from eegbench.files import writing
from eegbench.plugins import outputs
from eegbench.plugins.outputs import Given
from eegbench.runs import layout
from eegbench.runs.permutation import Permutation
from eegbench.runs.record import RunRecord


@dataclasses.dataclass(frozen=True)
class Permuted:
    """The images made from permuted EEG, one set for each sample, and its decoded embeddings, by stimulus id.

    eeg_of: whose EEG each stimulus got.
    """

    images: list[ImageSet]
    decoded: Embeddings | None
    eeg_of: Mapping[str, str]

    def donors(self, stimuli: Sequence[str]) -> list[int]:
        """For each of `stimuli` the place of its donor among them."""
        place = {stimulus: i for i, stimulus in enumerate(stimuli)}
        return [place[self.eeg_of[stimulus]] for stimulus in stimuli]


def permute(
    plan: Plan,
    fitted: Fitted,
    run: Reconstructed,
    *,
    contents: Mapping[str, str],
    hints: HintMaps,
    progress: Progress,
) -> Permuted:
    """The reconstructions from permuted EEG, below permuted/ of the run's folder; taken up again like a run.

    contents: by stimulus id what it shows, equal for the same picture.
    """
    queries = plan.queries
    donors = donors_of(queries.stimuli, [contents[stimulus] for stimulus in queries.stimuli])
    name, fitted_method = plan.method.name, fitted.reconstructor
    item_seeds = [seed_of(plan.spec.seed, stimulus, 0) for stimulus in queries.stimuli]
    whole = Given(queries.eeg[donors], item_seeds, stacked(hints, queries.stimuli) or None)

    def make(items: NDArray[np.int64], seeds: list[int]) -> Images:
        return outputs.pictures(name, fitted_method, dataclasses.replace(whole.part(items.tolist()), seeds=seeds))

    task = task_of(plan, fitted, {}, queries.stimuli)
    gave = _eeg_of(queries.stimuli, donors)
    head = Permutation(layout.identity(run.record.spec, run.record.digests), gave)
    begun = Permutation.read(run.folder)
    keep = begun is not None and dataclasses.replace(begun, images=()) == head  # made by this run, permuted so
    if not keep:
        head.write(run.folder)
    manifest = paint(run.folder, layout.PERMUTED, task, make, keep=keep, progress=progress)
    dataclasses.replace(head, images=manifest).write(run.folder)
    embedding = outputs.ask(name, fitted_method, outputs.EMBEDDINGS, whole.part(range(len(donors))))
    decoded = None if embedding is None else dict(zip(queries.stimuli, embedding, strict=True))
    return Permuted(image_sets(run.folder, manifest), decoded, gave)


def stands(run: Reconstructed) -> bool:
    """Whether this very run was audited to the end: its scores are then not written again without the audit's."""
    found = Permutation.read(run.folder)
    identity = layout.identity(run.record.spec, run.record.digests)
    return found is not None and found.run == identity and bool(found.images)


def forget(folder: Path) -> None:
    """Take away what an audit that was not finished left: no score speaks of it."""
    with writing(folder / layout.PERMUTED):
        if (folder / layout.PERMUTED).exists():
            shutil.rmtree(folder / layout.PERMUTED)


def donors_of(stimuli: Sequence[str], contents: Sequence[str]) -> NDArray[np.int64]:
    """For each query the position of another, whose EEG it gets; it depends on ids and contents, not on their order.

    contents: what each stimulus shows; a donor shows another picture. Raises InputError below two queries.
    """
    if len(stimuli) < 2:
        raise InputError(f"{len(stimuli)} test stimulus; the audit permutes EEG between two or more: use --no-audit")
    return partners(stimuli, contents)


def stored(folder: Path, record: RunRecord, decoded: Embeddings | None, *, contents: Mapping[str, str]) -> Permuted:
    """What an audited run keeps of its permutation, checked: whose EEG each stimulus got, and the images.

    An embedding depends on its own EEG alone, so that those of the permuted EEG are the run's own, permuted. Raises
    InputError where the permutation is another than this run's.
    """
    stimuli = tuple(sorted({row.stimulus for row in record.manifest}))
    found, file = Permutation.read(folder), folder / layout.PERMUTATION
    if found is None or found.run != layout.identity(record.spec, record.digests):
        raise InputError(f"{file}: is of another run; audit this one again")
    # Until donors had to show another picture, they only had to be another stimulus.
    ways = donors_of(stimuli, [contents[stimulus] for stimulus in stimuli]), donors_of(stimuli, stimuli)
    gave = next((given for way in ways if (given := _eeg_of(stimuli, way)) == found.eeg_of), None)
    if gave is None:
        raise InputError(f"{file}: is not the permutation that these stimuli have; audit the run again")
    rows = found.images
    if {(row.stimulus, row.sample) for row in rows} != {(row.stimulus, row.sample) for row in record.manifest}:
        raise InputError(f"{file}: does not have the images of this run's stimuli; audit it again")
    own = None if decoded is None else {stimulus: decoded[donor] for stimulus, donor in gave.items()}
    return Permuted(image_sets(folder, rows), own, gave)


def _eeg_of(stimuli: Sequence[str], donors: NDArray[np.int64]) -> dict[str, str]:
    return {stimulus: stimuli[donor] for stimulus, donor in zip(stimuli, donors, strict=True)}
