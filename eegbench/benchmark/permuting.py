"""Images from EEG that was permuted between the test stimuli, and the permutation: made, read back, checked.

Each stimulus keeps its seed and its hint and gets the EEG of another, which showed another picture.
"""

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench.benchmark.all_pairs import partners
from eegbench.benchmark.fit import Fitted
from eegbench.benchmark.hints import HintMaps
from eegbench.benchmark.images import ImageSet, image_sets
from eegbench.benchmark.paint import by_method, paint
from eegbench.benchmark.plan import Plan
from eegbench.benchmark.reconstruct import given_to
from eegbench.contracts import Progress
from eegbench.errors import InputError
from eegbench.files import writing
from eegbench.plugins import outputs
from eegbench.runs import layout
from eegbench.runs.folder import Run
from eegbench.runs.permutation import Permutation
from eegbench.runs.tensors import Embeddings


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
    run: Run,
    *,
    contents: Mapping[str, str],
    hints: HintMaps,
    progress: Progress,
) -> Permuted:
    """The reconstructions from permuted EEG, below permuted/ of the run's folder; taken up again like a run.

    contents: by stimulus id what it shows, equal for the same picture.
    """
    stimuli, method, fitted_method = plan.queries.stimuli, plan.method, fitted.reconstructor
    donors = donors_of(stimuli, [contents[stimulus] for stimulus in stimuli])
    given = given_to(plan, fitted, hints)
    given = dataclasses.replace(given, eeg=given.eeg[donors])
    begun, head = run.permutation(), Permutation(run.identity, _eeg_of(stimuli, donors))
    keep = begun is not None and dataclasses.replace(begun, images=()) == head  # made by this run, permuted so
    if not keep:
        head.write(run.folder)
    rows = paint(
        run,
        layout.PERMUTED,
        stimuli,
        by_method(method.name, fitted_method, given),
        batch_size=plan.images_at_once,
        keep=keep,
        progress=progress,
    )
    dataclasses.replace(head, images=rows).write(run.folder)
    embedding = outputs.ask(method.name, fitted_method, outputs.EMBEDDINGS, given.part(range(len(donors))))
    decoded = None if embedding is None else dict(zip(stimuli, embedding, strict=True))
    return Permuted(image_sets(run.files_of(rows)), decoded, head.eeg_of)


def stands(run: Run) -> bool:
    """Whether this run has a complete audit; when it is scored again, the audit is scored again too."""
    permutation = run.permutation()
    return permutation is not None and permutation.run == run.identity and bool(permutation.images)


def forget(folder: Path) -> None:
    """Remove the files of an audit that was not finished: no score depends on them."""
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


def stored(run: Run, decoded: Embeddings | None, *, contents: Mapping[str, str]) -> Permuted:
    """The permutation that an audited run has stored, checked: whose EEG each stimulus got, and the images.

    An embedding depends on its own EEG alone, so that those of the permuted EEG are the run's own, permuted. Raises
    InputError where the permutation is another than this run's.
    """
    stimuli = tuple(sorted(run.stimuli))
    permutation, file = run.permutation(), run.folder / layout.PERMUTATION
    if permutation is None or permutation.run != run.identity:
        raise InputError(f"{file}: is of another run; audit this one again")
    # Until donors had to show another picture, they only had to be another stimulus.
    ways = donors_of(stimuli, [contents[stimulus] for stimulus in stimuli]), donors_of(stimuli, stimuli)
    eeg_of = next((assigned for way in ways if (assigned := _eeg_of(stimuli, way)) == permutation.eeg_of), None)
    if eeg_of is None:
        raise InputError(f"{file}: is not the permutation that these stimuli have; audit the run again")
    rows = permutation.images
    if {(row.stimulus, row.sample) for row in rows} != {(row.stimulus, row.sample) for row in run.record.manifest}:
        raise InputError(f"{file}: does not have the images of this run's stimuli; audit it again")
    embeddings = None if decoded is None else {stimulus: decoded[donor] for stimulus, donor in eeg_of.items()}
    return Permuted(image_sets(run.files_of(rows)), embeddings, eeg_of)


def _eeg_of(stimuli: Sequence[str], donors: NDArray[np.int64]) -> dict[str, str]:
    return {stimulus: stimuli[donor] for stimulus, donor in zip(stimuli, donors, strict=True)}
