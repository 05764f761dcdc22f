"""The audit: does the EEG have anything to do with the images?

The fitted method is run again on EEG permuted between the test stimuli. Each stimulus keeps its seed and its hint
and gets the EEG of another. What the true EEG adds to that is its contribution.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench import seeds, statistics
from eegbench.arrays import Images
from eegbench.benchmark import outputs, store
from eegbench.benchmark.fit import Fitted
from eegbench.benchmark.hints import HintMaps
from eegbench.benchmark.images import ImageSet
from eegbench.benchmark.measure import Measured
from eegbench.benchmark.outputs import Given
from eegbench.benchmark.plan import Plan
from eegbench.benchmark.reconstruct import Reconstructed, paint, seed_of, stacked, task_of
from eegbench.benchmark.score import Embeddings, Scorer, estimate, image_sets
from eegbench.contracts import Progress
from eegbench.errors import InputError
from eegbench.fields import read_fields
from eegbench.records import Json, ManifestRow, RunRecord, ScoreSheet, finite, read_json


@dataclasses.dataclass(frozen=True)
class Permuted:
    """The images made from permuted EEG, one set for each sample, and its decoded embeddings, by stimulus id."""

    images: list[ImageSet]
    decoded: Embeddings | None


def permute(plan: Plan, fitted: Fitted, run: Reconstructed, *, hints: HintMaps, progress: Progress) -> Permuted:
    """The reconstructions from permuted EEG, below permuted/ of the run's folder; taken up again like a run."""
    queries = plan.queries
    donors = donors_of(queries.stimuli)
    name, fitted_method = plan.method.name, fitted.reconstructor
    item_seeds = [seed_of(plan.spec.seed, stimulus, 0) for stimulus in queries.stimuli]
    whole = Given(queries.eeg[donors], item_seeds, stacked(hints, queries.stimuli) or None)

    def make(items: NDArray[np.int64], seeds: list[int]) -> Images:
        return outputs.pictures(name, fitted_method, dataclasses.replace(whole.part(items.tolist()), seeds=seeds))

    task = task_of(plan, fitted, {}, queries.stimuli)
    gave = {stimulus: queries.stimuli[donor] for stimulus, donor in zip(queries.stimuli, donors, strict=True)}
    head = {"run": store.identity(run.record.spec, run.record.digests), "eeg_of": gave}
    begun = _permutation(run.folder)
    keep = all(begun.get(name) == value for name, value in head.items())  # made by this run with this permutation
    if not keep:
        _write_permutation(run.folder, {**head, "images": []})
    manifest = paint(run.folder, store.PERMUTED, task, make, keep=keep, progress=progress)
    _write_permutation(run.folder, {**head, "images": [dataclasses.asdict(row) for row in manifest]})
    embedding = outputs.ask(name, fitted_method, outputs.EMBEDDINGS, whole.part(range(len(donors))))
    decoded = None if embedding is None else dict(zip(queries.stimuli, embedding, strict=True))
    return Permuted(image_sets(run.folder, manifest), decoded)


def stands(run: Reconstructed) -> bool:
    """Whether this very run was audited to the end: its scores are then not written again without the audit's."""
    found = _permutation(run.folder)
    return found.get("run") == store.identity(run.record.spec, run.record.digests) and bool(found.get("images"))


def donors_of(stimuli: tuple[str, ...]) -> NDArray[np.int64]:
    """For each query the position of another one, whose EEG it gets; it depends on the ids, not on their order.

    Raises InputError below two queries.
    """
    if len(stimuli) < 2:
        raise InputError(f"{len(stimuli)} test stimulus; the audit permutes EEG between two or more: use --no-audit")
    ordered = np.array(sorted(range(len(stimuli)), key=lambda i: stimuli[i]), dtype=np.int64)
    donors = np.empty_like(ordered)
    donors[ordered] = ordered[seeds.derangement(len(stimuli), seeds.generator("audit", len(stimuli)))]
    return donors


def compare(
    scorer: Scorer, sheet: ScoreSheet, measured: Mapping[str, Measured], permuted: Mapping[str, Measured]
) -> ScoreSheet:
    """The sheet with what permuted EEG gives, each metric's contribution and interval, and the verdict in words.

    A contribution is value minus permuted value, with its sign turned where lower is better; its interval is
    paired by stimulus.
    """
    scores = dict(sheet.metrics)
    contributions: dict[str, statistics.Estimate] = {}
    for name, one in measured.items():
        value, _ = estimate(permuted[name], sheet.n)
        gain, ci = contribution(one, permuted[name], sheet.n)
        contributions[name] = (gain, ci)
        scores[name] = dataclasses.replace(
            scores[name], permuted=finite(value), contribution=finite(gain), contribution_ci=ci
        )
    return dataclasses.replace(sheet, metrics=scores, verdict=statistics.verdict(contributions, stimuli=sheet.n))


def contribution(true: Measured, permuted: Measured, n: int) -> statistics.Estimate:
    """Value minus permuted value, signed so that up is better, and its 95 % interval."""
    sign = 1.0 if true.metric.higher_is_better else -1.0
    seed = seeds.seed("contribution", true.metric.id)
    if true.items is not None and permuted.items is not None:
        a, b = (sign * one.items.mean(axis=0) for one in (true, permuted) if one.items is not None)
        return statistics.paired_difference(a, b, seed=seed)
    if true.over is not None and permuted.over is not None:
        first, second = true.over, permuted.over
        return statistics.interval_of_set(lambda chosen: sign * (first(chosen) - second(chosen)), n, seed=seed)
    return float("nan"), None


def permuted_rows(folder: Path) -> tuple[ManifestRow, ...]:
    """The images below permuted/ as their file lists them; none where the run was not audited. Raises InputError."""
    listed = _permutation(folder).get("images", [])
    if not isinstance(listed, list):
        raise InputError(f"{folder / store.PERMUTATION}: images: wanted a list")
    try:
        return tuple(read_fields(ManifestRow, row, f"image {place}") for place, row in enumerate(listed))
    except InputError as error:
        raise InputError(f"{folder / store.PERMUTATION}: {error}") from None


def stored(folder: Path, record: RunRecord, decoded: Embeddings | None) -> Permuted:
    """What an audited run keeps of its permutation, checked: whose EEG each stimulus got, and the images.

    An embedding depends on its own EEG alone, so that those of the permuted EEG are the run's own, permuted. Raises
    InputError where the permutation is another than this run's.
    """
    stimuli = tuple(sorted({row.stimulus for row in record.manifest}))
    gave = {s: stimuli[donor] for s, donor in zip(stimuli, donors_of(stimuli), strict=True)}
    found, file = _permutation(folder), folder / store.PERMUTATION
    if found.get("run") != store.identity(record.spec, record.digests):
        raise InputError(f"{file}: is of another run; audit this one again")
    if found.get("eeg_of") != gave:
        raise InputError(f"{file}: is not the permutation that these stimuli have; audit the run again")
    rows = permuted_rows(folder)
    if {(row.stimulus, row.sample) for row in rows} != {(row.stimulus, row.sample) for row in record.manifest}:
        raise InputError(f"{file}: does not have the images of this run's stimuli; audit it again")
    own = None if decoded is None else {stimulus: decoded[donor] for stimulus, donor in gave.items()}
    return Permuted(image_sets(folder, rows), own)


def _permutation(folder: Path) -> Json:
    """What the file below permuted/ says; empty where there is none."""
    file = folder / store.PERMUTATION
    return read_json(file) if file.is_file() else {}


def _write_permutation(folder: Path, value: Json) -> None:
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    store.write_bytes(folder / store.PERMUTATION, text.encode())
