"""The third stage: queries in, images out. It never sees an answer.

Every image depends on its own EEG, seed and hint alone, and is computed in the same batch however often a run is
interrupted: a run that was taken up again has the same bytes as one that never stopped.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from eegbench import seeds
from eegbench.arrays import EEG
from eegbench.benchmark import people
from eegbench.benchmark.fit import Fitted, weights_of
from eegbench.benchmark.hints import HintMaps
from eegbench.benchmark.paint import by_method, paint, seed_of
from eegbench.benchmark.plan import Plan
from eegbench.benchmark.shared import SharedRun
from eegbench.benchmark.status import begin, failing
from eegbench.contracts import Progress
from eegbench.datasets.images import read_image, write_png
from eegbench.files import digest
from eegbench.plugins import entering, outputs
from eegbench.plugins.outputs import Asking, Given
from eegbench.runs import binding, layout
from eegbench.runs.folder import Run
from eegbench.runs.record import ManifestRow, RunRecord, RunSpec

PICTURED = 12  # stimuli that the picture shows
EXAMINED = 2  # stimuli on which every run's method is held to its contract
HINTED = "hint judge/"  # before the name of the judge that made a hint, in a record's digests


def reconstruct(
    plan: Plan,
    fitted: Fitted,
    *,
    hints: HintMaps,
    hint_judges: Mapping[str, str],
    progress: Progress,
    shared: SharedRun | None = None,
) -> Run:
    """The images of all queries of a plan, below the run's folder, with run.json.

    A complete run of the same identity is handed back as it is; a started or failed one is taken up again.
    On failure run.json says `failed` and why; an interrupt from the keyboard leaves it `started`. `shared` may have the
    images, and gets them where it has not. Raises what the method raises, InputError for images that break the
    contract, MissingError for a full disk.
    """
    method, stimuli = plan.method, plan.queries.stimuli
    given = given_to(plan, fitted, hints)
    asking = Asking(
        method.name, fitted.reconstructor, given, _examined(stimuli, plan.spec), transductive=method.transductive
    )
    begun = begin(plan.runs, _head(plan, fitted, hint_judges), device=plan.device, shared=shared)
    if begun.run.reused:
        return begun.run
    with failing(begun.run, (Exception,)):
        outputs.require(asking)
        make = by_method(method.name, fitted.reconstructor, given)
        manifest = paint(
            begun.run,
            layout.IMAGES,
            stimuli,
            make,
            batch_size=plan.images_at_once,
            keep=begun.keep,
            progress=progress,
        )
        _require_painted_alone(begun.run, manifest, stimuli, asking)
        embedding = _write_embedding(begun.run, stimuli, asking)
        controls = _write_controls(begun.run, stimuli, asking)
        run = begun.finish(manifest, embedding | controls, {"fit": fitted.seconds})
    if shared is not None:
        shared.keep(run)
    return run


def given_to(plan: Plan, fitted: Fitted, hints: HintMaps) -> Given:
    """The input of a method: the EEG of all queries, the seed of each one's first image, and its hints."""
    queries = plan.queries
    item_seeds = [seed_of(plan.spec.seed, stimulus, 0) for stimulus in queries.stimuli]
    maps = {name: np.stack([by_id[stimulus] for stimulus in queries.stimuli]) for name, by_id in hints.items()}
    return Given(fitted.trained_on.given(queries.eeg, plan.spec), item_seeds, maps or None)


def _head(plan: Plan, fitted: Fitted, hint_judges: Mapping[str, str]) -> RunRecord:
    """The record of a method's run before its first image."""
    queries, method, data = plan.queries, plan.method, plan.dataset
    digests = {
        "fit": fitted.digest,
        "queries": digest([list(queries.stimuli), _eeg_digest(queries.eeg)]),
        **{f"data/{name}": sha256 for name, sha256 in entering.digests(data, plan.spec.subject).items()},
        **{f"data/{name}": sha256 for name, sha256 in people.digests(data, plan.spec).items()},
        **{f"weights/{name}": sha256 for name, sha256 in weights_of(method).items()},
        **{f"{HINTED}{name}": sha256 for name, sha256 in hint_judges.items()},
    }
    return RunRecord(
        plan.spec,
        method.role,
        data.simulated,
        "started",
        {},
        digests,
        caution=data.caution,
        transductive=method.transductive or plan.spec.scale == "test",
        training=fitted.trained_on.facts,
    )


def _require_painted_alone(run: Run, manifest: Sequence[ManifestRow], stimuli: Sequence[str], asking: Asking) -> None:
    """InputError where an image that was painted among others is not as the method paints it alone."""
    if asking.transductive:
        return
    first = {row.stimulus: run.folder / row.file for row in manifest if row.sample == 0}
    painted = np.stack([read_image(first[stimuli[item]]) for item in asking.items])
    outputs.require_alone(asking, outputs.IMAGES, painted)


def _examined(stimuli: Sequence[str], spec: RunSpec) -> list[int]:
    """Positions of the stimuli on which a run's method is examined: others for each run, the same for the same run."""
    ordered = sorted(range(len(stimuli)), key=lambda i: stimuli[i])
    drawn = seeds.generator("examined", spec.key).permutation(len(ordered))[:EXAMINED]
    return [ordered[i] for i in sorted(drawn.tolist())]


def spread(stimuli: Sequence[str], count: int = PICTURED) -> list[int]:
    """Positions of `count` stimuli, spread evenly over the sorted ids: the same whatever the order they come in."""
    ordered = sorted(range(len(stimuli)), key=lambda i: stimuli[i])
    chosen = np.unique(np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int))
    return [ordered[i] for i in chosen]


def _write_embedding(run: Run, stimuli: Sequence[str], asking: Asking) -> dict[str, str]:
    """Keep the decoded embeddings (n, d), where the method has any; gives the file's digest by its name in a record."""
    embedding = outputs.ask(asking.method, asking.fitted, outputs.EMBEDDINGS, asking.everything())
    if embedding is None:
        return {}
    outputs.directed(asking.method, outputs.EMBEDDINGS, embedding)
    if not asking.transductive:
        outputs.require_alone(asking, outputs.EMBEDDINGS, embedding[asking.items])
    return {"embedding": run.write_embedding(stimuli, embedding)}


def _write_controls(run: Run, stimuli: Sequence[str], asking: Asking) -> dict[str, str]:
    """Keep the control maps of the pictured stimuli, where there are any; gives the digest of all."""
    chosen = spread(stimuli)
    controls = outputs.ask(asking.method, asking.fitted, outputs.CONTROLS, asking.queries.part(chosen))
    if controls is None:
        return {}
    if not asking.transductive:
        few = Asking(asking.method, asking.fitted, asking.queries, chosen[:EXAMINED], transductive=False)
        outputs.require_alone(few, outputs.CONTROLS, controls[:EXAMINED])
    for item, control in zip(chosen, controls, strict=True):
        write_png(run.folder / layout.CONTROLS / layout.image_file(stimuli[item]), control)
    return {"controls": binding.controls_digest(run.folder)}


def _eeg_digest(eeg: EEG) -> str:
    return hashlib.sha256(np.ascontiguousarray(eeg).tobytes()).hexdigest()
