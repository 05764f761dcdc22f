"""The whole way of one run: plan, fit, reconstruct, score, audit; and the floors and ceilings that its table needs."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench import backbones, runs
from eegbench.arrays import Images
from eegbench.backbones import Suite
from eegbench.backbones.environment import resolve_device
from eegbench.benchmark import audit, beside_images, entering, picture, plugins, score, store
from eegbench.benchmark.features import hint_maps, portions, saliency_judge
from eegbench.benchmark.fit import Fitted, fit, weights_of
from eegbench.benchmark.images import from_array
from eegbench.benchmark.plan import Options, Plan, describe, plan
from eegbench.benchmark.reconstruct import HintMaps, Reconstructed, Task, asked, carry_out, reconstruct
from eegbench.benchmark.score import Embeddings, Scorer
from eegbench.contracts import Answers, Method, Progress, Reconstructor, Reference, Silent
from eegbench.errors import MissingError, UsageError
from eegbench.records import Json, RunSpec, ScoreSheet

__all__ = ["CEILINGS", "FLOORS", "Options", "Outcome", "evaluate"]

FLOORS = ("random_train_image",)
CEILINGS = ("vae_roundtrip", "true_embedding")
HINTS = ("saliency",)


@dataclass(frozen=True)
class Outcome:
    """A complete and scored run, with the floors and ceilings beside it. `notes` are for the user's eyes."""

    run_folder: Path
    picture: Path
    sheet: ScoreSheet
    floors: dict[str, ScoreSheet]
    ceilings: dict[str, ScoreSheet]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()
    simulated: bool = False
    caution: str = ""  # the data set's


@dataclass
class Log:
    """Seconds by stage, and notes."""

    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        since = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - since


@dataclass(frozen=True)
class Made:
    """A reconstructed run and what made it: the audit hands the same method the same hints."""

    plan: Plan
    fitted: Fitted
    hints: HintMaps
    run: Reconstructed


def evaluate(method: str, subject: int, options: Options, progress: Progress) -> Outcome:
    """Run, score and audit a method on a subject, bring the floors and ceilings that are missing, draw the picture.

    What is complete in the runs folder is taken as it is and scored again. Raises UsageError for wrong names and
    options, InputError for data that break a contract, MissingError for weights, data, a device or disk space.
    """
    log = Log()
    planned = plan(method, subject, options, device=resolve_device(options.device))
    _check_weights(planned.method, allowed=options.allow_unverified_weights)
    with log.timed("judges"):
        chosen = score.metrics_with(options.nway_judge, None)
        judges = backbones.suite(
            planned.suite,
            planned.protocol,
            planned.device,
            features=score.features_of(score.chosen(chosen)) | set(HINTS),
            half=options.half,
            allow_unverified=options.allow_unverified_weights,
        )
    made = make(planned, judges, log, progress)
    answers = entering.answers(planned.dataset, subject, asked={row.stimulus for row in made.run.record.manifest})
    with log.timed("score"):
        truths = from_array(answers.stimuli, answers.images)
        ready = score.scorer(truths, judges, metrics=chosen, progress=progress)
        ready = dataclasses.replace(ready, caution=planned.dataset.caution)
    audited = planned.method.role == "method" and (options.audit or audit.stands(made.run))
    sheet = scored(made, ready, answers, log, audited=audited, progress=progress, pictured=True)
    floors: dict[str, ScoreSheet] = {}
    ceilings: dict[str, ScoreSheet] = {}
    if options.companions:
        floors, ceilings = _companions(planned, options, judges, ready, answers, log, progress)
    data = planned.dataset
    return Outcome(
        made.run.folder,
        made.run.folder / store.PICTURE,
        sheet,
        floors,
        ceilings,
        log.seconds,
        tuple(log.notes),
        data.simulated,
        data.caution,
    )


def _check_weights(method: Method[Any], *, allowed: bool) -> None:
    unverified = sorted(name for name, sha256 in weights_of(method).items() if not sha256)
    if unverified and not allowed:
        raise UsageError(
            f"no sha256 is known for {', '.join(unverified)}: --allow-unverified-weights uses such weights as they are"
        )


def make(planned: Plan, judges: Suite, log: Log, progress: Progress) -> Made:
    """Fit and reconstruct: a complete run's images."""
    with log.timed("fit"):
        fitted = fit(planned, progress=progress)
    hints, hint_judges = hints_of(planned, judges, progress)
    with log.timed("reconstruct"):
        run = reconstruct(planned, fitted, hints=hints, hint_judges=hint_judges, progress=progress)
    if run.reused:
        log.notes.append(f"{run.folder}: the run was complete, and is scored again as it is; delete it to make it anew")
    return Made(planned, fitted, hints, run)


def hints_of(planned: Plan, judges: Suite, progress: Progress) -> tuple[HintMaps, dict[str, str]]:
    """On the track `oracle` the hints that the method asks for, made from the true images, and their judges' digests.

    On the track `eeg` none, and the answers stay closed.
    """
    if planned.spec.track != "oracle":
        return {}, {}
    if strange := [name for name in planned.method.hints if name not in HINTS]:
        raise UsageError(
            f"method {planned.method.name!r} asks for the hint {strange[0]!r}; there is: {', '.join(HINTS)}"
        )
    judge = saliency_judge(judges)
    answers = entering.answers(planned.dataset, planned.spec.subject, asked=asked(planned).stimuli)
    maps = hint_maps(from_array(answers.stimuli, answers.images), judge, progress=progress)
    return dict.fromkeys(planned.method.hints, maps), {f"{judge.name} {planned.protocol}": judge.digest}


def scored(
    made: Made,
    ready: Scorer,
    answers: Answers,
    log: Log,
    *,
    audited: bool,
    progress: Progress,
    pictured: bool = False,
) -> ScoreSheet:
    """The scores of a run, with the audit's where it is asked for; what a run has beside its images is written."""
    folder = made.run.folder
    with log.timed("score"):
        decoded = score.decoded_embeddings(folder, made.run.record)
        targets = None if decoded is None else targets_of(made.fitted.reconstructor, answers)
        beside_images.write_targets(folder, targets)
        looked = ready.look(score.images_of(folder, made.run.record), progress=progress)
        beside_images.write_saliency(folder, ready, looked)
        measured = ready.weigh(looked, decoded=decoded, targets=targets, progress=progress)
        sheet = ready.sheet(measured, reconstructions=made.run.record.images)
    if audited:
        with log.timed("audit: reconstruct"):
            permuted = audit.permute(made.plan, made.fitted, made.run, hints=made.hints, progress=progress)
        with log.timed("audit: score"):
            beside = ready.measure(
                permuted.images, decoded=permuted.decoded, targets=targets, floors=False, progress=progress
            )
            sheet = audit.compare(ready, sheet, measured, beside)
    if pictured:
        with log.timed("picture"):
            picture.draw(folder, made.run.record, answers)
    return score.write(folder, sheet, measured, ready.truths.stimuli)


def targets_of(fitted: Reconstructor, answers: Answers) -> Embeddings | None:
    """What the method's embeddings aim at, by stimulus id: the target space's view of the true images."""
    parts = [fitted.embed_images(answers.images[p.start : p.stop]) for p in portions(len(answers.stimuli))]
    found = [part for part in parts if part is not None]
    return dict(zip(answers.stimuli, np.concatenate(found), strict=True)) if found else None


def _companions(
    planned: Plan,
    options: Options,
    judges: Suite,
    ready: Scorer,
    answers: Answers,
    log: Log,
    progress: Progress,
) -> tuple[dict[str, ScoreSheet], dict[str, ScoreSheet]]:
    """Floors and ceilings by name; one whose weights or data are not here becomes a note."""

    def floor(name: str) -> ScoreSheet:
        with log.timed("floors"):
            made = make(_floor_plan(name, planned, options), judges, Log(), progress)
            return _kept(made.run, ready) or scored(made, ready, answers, Log(), audited=False, progress=progress)

    def ceiling(name: str) -> ScoreSheet:
        with log.timed("ceilings"):
            run = _ceiling_run(name, planned, answers, progress)
            return _kept(run, ready) or _score_images(run, ready, progress)

    def each(names: Sequence[str], get: Callable[[str], ScoreSheet]) -> dict[str, ScoreSheet]:
        found = {}
        for name in names:
            try:
                found[name] = get(name)
            except MissingError as error:
                log.notes.append(f"{name} was left out: {error}")
        return found

    return each(() if planned.method.role == "floor" else FLOORS, floor), each(CEILINGS, ceiling)


def _floor_plan(name: str, planned: Plan, options: Options) -> Plan:
    """A floor is made once, with seed 0 and one sample, and serves all runs on the subject."""
    tracks = plugins.find("method", name).tracks
    track = options.track if options.track in tracks else tracks[0]
    own = dataclasses.replace(options, track=track, seed=0, samples=1, method_table={}, captions=None)
    return plan(name, planned.spec.subject, own, device=planned.device)


def _ceiling_run(name: str, planned: Plan, answers: Answers, progress: Progress) -> Reconstructed:
    """The reference's images of the true images, in a run's folder of its own on the track `ceiling`."""
    reference: Reference = plugins.built("reference", name, {})
    configured: Json = describe(reference) if dataclasses.is_dataclass(reference) else {}
    spec = RunSpec(
        dataset=planned.spec.dataset,
        revision=planned.spec.revision,
        dataset_configuration=planned.spec.dataset_configuration,
        subject=planned.spec.subject,
        track="ceiling",
        method=reference.name,
        configuration=configured,
    )
    data = planned.dataset
    digests = {f"data/{name}": sha256 for name, sha256 in entering.digests(data, planned.spec.subject).items()}
    digests |= {f"weights/{file}": sha256 for file, sha256 in reference.weights().items()}
    task = Task(spec, "ceiling", data.simulated, digests, answers.stimuli, planned.batch_size, caution=data.caution)

    def from_truth(items: NDArray[np.int64], item_seeds: list[int]) -> Images:
        return reference.reconstruct(answers.images[items], seeds=item_seeds, progress=Silent())

    def nothing(folder: Path) -> dict[str, str]:
        return {}  # a reference has no embedding and no control maps

    return carry_out(planned.runs, task, from_truth, nothing, device=planned.device, progress=progress)


def _score_images(run: Reconstructed, ready: Scorer, progress: Progress) -> ScoreSheet:
    looked = ready.look(score.images_of(run.folder, run.record), progress=progress)
    beside_images.write_saliency(run.folder, ready, looked)
    measured = ready.weigh(looked, progress=progress)
    sheet = ready.sheet(measured, reconstructions=run.record.images)
    return score.write(run.folder, sheet, measured, ready.truths.stimuli)


def _kept(run: Reconstructed, ready: Scorer) -> ScoreSheet | None:
    """The scores that a complete run has already, if the same judges and metrics made them, under this caution."""
    file = run.folder / runs.SHEET
    if not (run.reused and file.is_file()):
        return None
    sheet = ScoreSheet.read(file)
    versions = {name: one.version for name, one in sheet.metrics.items()}
    wanted = {metric.id: metric.version for metric in ready.metrics}
    found = (sheet.suite, sheet.protocol, sheet.judges, versions, sheet.caution)
    same = found == (ready.suite.name, ready.suite.protocol, ready.digests, wanted, ready.caution)
    bound = sheet.reconstructions == run.record.images
    return sheet if same and bound and sheet.n == len(ready.truths.stimuli) else None
