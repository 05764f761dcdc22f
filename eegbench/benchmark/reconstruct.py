"""The third stage: queries in, images out. It never sees an answer.

Every image depends on its own EEG, seed and hint alone, and is computed in the same batch however often a run is
interrupted: a run that was taken up again has the same bytes as one that never stopped.
"""

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from eegbench import seeds
from eegbench.arrays import EEG, Images, Maps
from eegbench.benchmark import provenance
from eegbench.benchmark.fit import Fitted, weights_of
from eegbench.benchmark.hints import HintMaps
from eegbench.benchmark.images import intact
from eegbench.benchmark.plan import Plan
from eegbench.benchmark.shared import SharedRun
from eegbench.contracts import Progress
from eegbench.datasets.images import read_image
from eegbench.errors import AuthorError, EegbenchError, InputError
from eegbench.files import canonical, digest, file_digest, write_bytes
from eegbench.guards import limits
from eegbench.plugins import entering, outputs
from eegbench.plugins.outputs import Asking, Given
from eegbench.runs import binding, layout
from eegbench.runs.record import ManifestRow, RunRecord, RunSpec, files_digest

PICTURED = 12  # stimuli that the picture shows
EXAMINED = 2  # stimuli on which every run's method is held to its contract
HINTED = "hint judge/"  # before the name of the judge that made a hint, in a record's digests

Make = Callable[[NDArray[np.int64], list[int]], Images]  # positions of items, a seed for each: one image for each
Besides = Callable[[Path, Sequence[ManifestRow]], dict[str, str]]  # a run's folder and images to digests by name


@dataclass(frozen=True)
class Reconstructed:
    """A complete run: its folder, its record, and whether it stood there already."""

    folder: Path
    record: RunRecord
    reused: bool


def reconstruct(
    plan: Plan,
    fitted: Fitted,
    *,
    hints: HintMaps,
    hint_judges: Mapping[str, str],
    progress: Progress,
    shared: SharedRun | None = None,
) -> Reconstructed:
    """The images of all queries of a plan, below the run's folder, with run.json.

    A complete run of the same identity is handed back as it is; a started or failed one is taken up again.
    On failure run.json says `failed` and why; an interrupt from the keyboard leaves it `started`. Raises what
    the method raises, InputError for images that break the contract, MissingError for a full disk.
    """
    queries = plan.queries
    item_seeds = [seed_of(plan.spec.seed, stimulus, 0) for stimulus in queries.stimuli]
    digests = {
        "fit": fitted.digest,
        "queries": digest([list(queries.stimuli), _eeg_digest(queries.eeg)]),
        **{f"data/{name}": sha256 for name, sha256 in entering.digests(plan.dataset, plan.spec.subject).items()},
        **{f"weights/{name}": sha256 for name, sha256 in weights_of(plan.method).items()},
        **{f"{HINTED}{name}": sha256 for name, sha256 in hint_judges.items()},
    }
    whole = Given(queries.eeg, item_seeds, stacked(hints, queries.stimuli) or None)
    name, method = plan.method.name, plan.method
    few = _examined(queries.stimuli, plan.spec)
    asking = Asking(name, fitted.reconstructor, whole, few, transductive=method.transductive)

    def make(items: NDArray[np.int64], seeds: list[int]) -> Images:
        return outputs.pictures(name, fitted.reconstructor, replace(whole.part(items.tolist()), seeds=seeds))

    def besides(folder: Path, manifest: Sequence[ManifestRow]) -> dict[str, str]:
        if not method.transductive:
            first = {row.stimulus: folder / row.file for row in manifest if row.sample == 0}
            painted = np.stack([read_image(first[queries.stimuli[item]]) for item in few])
            outputs.require_alone(asking, outputs.IMAGES, painted)
        embedding = outputs.ask(name, fitted.reconstructor, outputs.EMBEDDINGS, asking.everything())
        if embedding is not None:
            outputs.directed(name, outputs.EMBEDDINGS, embedding)
            if not method.transductive:
                outputs.require_alone(asking, outputs.EMBEDDINGS, embedding[few])
        controls = _write_controls(folder, queries.stimuli, fitted, whole, name, transductive=method.transductive)
        return controls | write_embedding(folder, queries.stimuli, embedding)

    task = task_of(plan, fitted, digests, queries.stimuli)
    return carry_out(
        plan.runs,
        task,
        make,
        besides,
        first=lambda: outputs.require(asking),
        shared=shared,
        device=plan.device,
        progress=progress,
    )


@dataclass(frozen=True)
class Task:
    """What one run's folder is to hold, and how its record is headed."""

    spec: RunSpec
    role: str
    simulated: bool
    digests: dict[str, str]
    stimuli: tuple[str, ...]
    batch_size: int
    seconds: dict[str, float] = field(default_factory=dict)  # what earlier stages took
    caution: str = ""  # the data set's
    transductive: bool = False


def task_of(plan: Plan, fitted: Fitted, digests: dict[str, str], stimuli: tuple[str, ...]) -> Task:
    """The task of a method's run. A transductive method is handed all trials at once."""
    method, data = plan.method, plan.dataset
    return Task(
        plan.spec,
        method.role,
        data.simulated,
        digests,
        stimuli,
        len(stimuli) if method.transductive else plan.batch_size,
        {"fit": fitted.seconds},
        data.caution,
        method.transductive,
    )


def carry_out(
    runs: Path,
    task: Task,
    make: Make,
    besides: Besides,
    *,
    first: Callable[[], None] = lambda: None,
    shared: SharedRun | None = None,
    device: str,
    progress: Progress,
) -> Reconstructed:
    """Bring a run's folder from nothing, or from where it stopped, to complete.

    `first` is done before the first image; `besides` writes what belongs beside the images, and gives its digests by
    name. What they raise ends the run as failed. `shared` may have the images, and gets them where it has not.
    """
    folder = layout.place(runs, task.spec, task.digests)
    before = layout.existing(folder)
    if before is not None and before.status == "complete" and before.transductive == task.transductive:
        return Reconstructed(folder, binding.renewed(folder, before), reused=True)
    record = RunRecord(
        spec=task.spec,
        role=task.role,
        simulated=task.simulated,
        caution=task.caution,
        transductive=task.transductive,
        status="started",
        environment=provenance.environment(device),
        digests=task.digests,
    )
    since = time.perf_counter()
    try:
        layout.write_record(folder, record)
        layout.forget_results(folder)
        if shared is not None and (restored := shared.restore(folder, record)) is not None:
            layout.write_record(folder, restored)
            return Reconstructed(folder, restored, reused=True)
        first()
        # Images of a folder without a record are nobody's, and made again.
        keep = before is not None and before.transductive == task.transductive
        manifest = paint(folder, layout.IMAGES, task, make, keep=keep, progress=progress)
        images = files_digest((row.stimulus, row.sample, row.sha256) for row in manifest)
        digests = {**task.digests, **besides(folder, manifest), "reconstructions": images}
        seconds = {**task.seconds, "reconstruct": time.perf_counter() - since}
        peak = provenance.peak_memory_bytes()
        done = dataclasses.replace(
            record,
            status="complete",
            digests=digests,
            manifest=manifest,
            seconds=seconds,
            peak_memory_bytes=peak,
        )
        layout.write_record(folder, done)
    except Exception as error:
        say_failed(folder, record, error)
        raise
    if shared is not None:
        shared.keep(folder, done)
    return Reconstructed(folder, done, reused=False)


def paint(
    folder: Path, below: str, task: Task, make: Make, *, keep: bool, progress: Progress
) -> tuple[ManifestRow, ...]:
    """The images of all stimuli and samples as PNG below `folder`/`below`, and their manifest.

    With `keep`, images that are there and decode stay as they are, and a batch that lacks none is not computed.
    """
    jobs = [(item, sample) for sample in range(task.spec.samples) for item in range(len(task.stimuli))]
    files = [folder / below / layout.image_file(task.stimuli[item], sample) for item, sample in jobs]
    if len(set(files)) < len(files):
        raise InputError(f"{task.spec.dataset}: two queries have the same stimulus id; ids must be unique")
    with progress.bar(below, len(jobs)) as advance:
        for start in range(0, len(jobs), task.batch_size):
            batch = slice(start, start + task.batch_size)
            if wanting := [file for file in files[batch] if not (keep and intact(file))]:
                items = np.array([item for item, _ in jobs[batch]], dtype=np.int64)
                own = [seed_of(task.spec.seed, task.stimuli[item], sample) for item, sample in jobs[batch]]
                images = make(items, own)
                for file, image in zip(files[batch], images, strict=True):
                    if file in wanting:
                        layout.write_png(file, image)
            advance(len(files[batch]))
    return tuple(
        ManifestRow(task.stimuli[item], sample, file.relative_to(folder).as_posix(), file_digest(file))
        for (item, sample), file in zip(jobs, files, strict=True)
    )


def seed_of(run_seed: int, stimulus: str, sample: int) -> int:
    """The seed of one image."""
    return seeds.seed(run_seed, stimulus, sample, "reconstruct")


def _examined(stimuli: Sequence[str], spec: RunSpec) -> list[int]:
    """Positions of the stimuli on which a run's method is examined: others for each run, the same for the same run."""
    ordered = sorted(range(len(stimuli)), key=lambda i: stimuli[i])
    drawn = seeds.generator("examined", spec.key).permutation(len(ordered))[:EXAMINED]
    return [ordered[i] for i in sorted(drawn.tolist())]


def stacked(hints: HintMaps, stimuli: Sequence[str]) -> dict[str, Maps]:
    """Hints by stimulus id as arrays in the order of `stimuli`."""
    return {name: np.stack([maps[stimulus] for stimulus in stimuli]) for name, maps in hints.items()}


def spread(stimuli: Sequence[str], count: int = PICTURED) -> list[int]:
    """Positions of `count` stimuli, spread evenly over the sorted ids: the same whatever the order they come in."""
    ordered = sorted(range(len(stimuli)), key=lambda i: stimuli[i])
    chosen = np.unique(np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int))
    return [ordered[i] for i in chosen]


def write_embedding(folder: Path, stimuli: Sequence[str], embedding: NDArray[np.float32] | None) -> dict[str, str]:
    """Keep the decoded embeddings (n, d) with their stimulus ids, where there are any; gives the file's digest."""
    if embedding is None:
        return {}
    write_bytes(folder / layout.EMBEDDING, save({"decoded": embedding}, {"stimuli": canonical(list(stimuli))}))
    return {"embedding": file_digest(folder / layout.EMBEDDING)}


def _write_controls(
    folder: Path, stimuli: Sequence[str], fitted: Fitted, whole: Given, method: str, *, transductive: bool
) -> dict[str, str]:
    """Keep the control maps of the pictured stimuli, where there are any; gives the digest of all."""
    chosen = spread(stimuli)
    controls = outputs.ask(method, fitted.reconstructor, outputs.CONTROLS, whole.part(chosen))
    if controls is None:
        return {}
    if not transductive:
        kept = Asking(method, fitted.reconstructor, whole, chosen[:EXAMINED], transductive=False)
        outputs.require_alone(kept, outputs.CONTROLS, controls[:EXAMINED])
    for item, control in zip(chosen, controls, strict=True):
        layout.write_png(folder / layout.CONTROLS / layout.image_file(stimuli[item]), control)
    return {"controls": binding.controls_digest(folder)}


@contextmanager
def failing(run: Reconstructed) -> Iterator[None]:
    """What breaks a contract inside ends a run that was made just now as failed; one from before stays as it was."""
    try:
        yield
    except (InputError, AuthorError) as error:
        if not run.reused:
            say_failed(run.folder, run.record, error)
        raise


def say_failed(folder: Path, record: RunRecord, error: Exception) -> None:
    """Write down that a run failed, and why."""
    words = str(error) if isinstance(error, EegbenchError) else f"{type(error).__name__}: {error}"
    failed = dataclasses.replace(record, status="failed", reason=limits.fitting(" ".join(words.split())))
    with suppress(EegbenchError):  # the disk is full, say: the record stays at `started`, and the cause is raised
        layout.write_record(folder, failed)


def _eeg_digest(eeg: EEG) -> str:
    return hashlib.sha256(np.ascontiguousarray(eeg).tobytes()).hexdigest()
