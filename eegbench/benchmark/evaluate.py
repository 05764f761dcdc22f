"""All stages of one run: plan, fit, reconstruct, score, audit; and the floors and ceilings that its table needs."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.backbones import Suite
from eegbench.benchmark import audit, permuting, picture, preflight, score
from eegbench.benchmark.companions import Companions, bring
from eegbench.benchmark.features import portions
from eegbench.benchmark.fit import Fitted, fit
from eegbench.benchmark.hints import HintMaps, hints_of
from eegbench.benchmark.images import from_array
from eegbench.benchmark.measure import TEXT_EMBEDDING
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import Plan
from eegbench.benchmark.reconstruct import EXAMINED, reconstruct, spread
from eegbench.benchmark.score import Scorer
from eegbench.benchmark.score_run import score_run, write_scores
from eegbench.benchmark.status import failing
from eegbench.benchmark.targets import Targets
from eegbench.contracts import CONCEPT_PROMPT, Answers, Method, Named, Progress, Reconstructor
from eegbench.errors import InputError
from eegbench.files import alone
from eegbench.plugins import entering, outputs
from eegbench.plugins.outputs import Given, Output
from eegbench.runs import layout
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord
from eegbench.runs.sheet import ScoreSheet
from eegbench.runs.tensors import Embeddings, undefined

__all__ = ["Evaluation", "Options", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """A complete and scored run, with the floors and ceilings beside it. `notes` are for the user's eyes."""

    run: Run
    floors: dict[str, ScoreSheet]
    ceilings: dict[str, ScoreSheet]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()

    @property
    def sheet(self) -> ScoreSheet:
        return self.run.scores

    @property
    def record(self) -> RunRecord:
        return self.run.record

    @property
    def run_folder(self) -> Path:
        return self.run.folder

    @property
    def picture(self) -> Path:
        return self.run.folder / layout.PICTURE

    @property
    def simulated(self) -> bool:
        """Whether the EEG is simulated."""
        return self.run.record.simulated

    @property
    def caution(self) -> str:
        """The data set's caution of today, which every table must show; the record of an older run may have another."""
        return self.sheet.caution


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
class Reconstructed:
    """A reconstructed run with its plan, fitted method and hints, which the audit uses again."""

    plan: Plan
    fitted: Fitted
    hints: HintMaps
    run: Run


def evaluate(method: str, subject: int, options: Options, progress: Progress) -> Evaluation:
    """Run, score and audit a method on a subject, bring the floors and ceilings that are missing, draw the picture.

    What is complete in the runs folder is taken as it is and scored again. Raises UsageError for wrong names and
    options, InputError for data that break a contract, MissingError for weights, data, a device or disk space.
    """
    log = Log()
    with log.timed("checks"), progress.bar("checks before the first step", 1) as advance:
        planned, chosen, judges = preflight.examine(method, subject, options).require()
        advance(1)
    lock = layout.lock(planned.runs, "run", planned.spec.key)
    with alone(lock, waiting=lambda: progress.bar("wait for another process that makes this run", 1)):
        return _evaluated(planned, chosen, judges, options, log, progress)


def _evaluated(
    planned: Plan, chosen: tuple[str, ...] | None, judges: Suite, options: Options, log: Log, progress: Progress
) -> Evaluation:
    subject = planned.spec.subject
    labelled = Named(progress, f"{planned.method.name} sub-{subject:02d}")
    reconstructed = make(planned, judges, log, labelled)
    with failing(reconstructed.run):
        answers = entering.answers(planned.dataset, subject, asked=planned.queries.stimuli)
    with log.timed("score"):
        ready = _scorer(planned, chosen, judges, answers, progress)
    audited = planned.method.role == "method" and (options.audit or permuting.stands(reconstructed.run))
    sheet = scored(reconstructed, ready, answers, log, audited=audited, progress=labelled)
    beside = Companions({}, {}, ())
    if options.companions:
        with log.timed("floors and ceilings"):
            beside = bring(planned, options, ready, answers, progress)
    run = dataclasses.replace(reconstructed.run, sheet=sheet, unscored="")
    return Evaluation(run, beside.floors, beside.ceilings, log.seconds, (*log.notes, *beside.notes))


def references(method: str, subject: int, options: Options, progress: Progress) -> Companions:
    """The floors and ceilings beside a run, made where they are missing; the run itself is not looked at."""
    planned, chosen, judges = preflight.examine(method, subject, options).require()
    answers = entering.answers(planned.dataset, subject, asked=planned.queries.stimuli)
    return bring(planned, options, _scorer(planned, chosen, judges, answers, progress), answers, progress)


def _scorer(
    planned: Plan, chosen: tuple[str, ...] | None, judges: Suite, answers: Answers, progress: Progress
) -> Scorer:
    truths = from_array(answers.stimuli, answers.images)
    ready = score.scorer(truths, judges, metrics=chosen, progress=progress)
    return dataclasses.replace(ready, caution=planned.dataset.caution)


def make(planned: Plan, judges: Suite, log: Log, progress: Progress) -> Reconstructed:
    """A complete run with its fit and hints; what is not there yet is fitted and reconstructed."""
    with log.timed("fit"):
        fitted = fit(planned, progress=progress)
    hints, hint_judges = hints_of(planned, judges, progress)
    with log.timed("reconstruct"):
        run = reconstruct(planned, fitted, hints=hints, hint_judges=hint_judges, progress=progress)
    if run.record.transductive:
        what = f"{planned.method.name} uses" if planned.method.transductive else "the subject's scale takes"
        log.notes.append(f"{what} all test trials at once (transductive): its runs are never ranked with others")
    if run.reused:
        log.notes.append(f"{run.folder}: the run was complete, and is scored again as it is; delete it to make it anew")
    return Reconstructed(planned, fitted, hints, run)


def scored(
    reconstructed: Reconstructed,
    ready: Scorer,
    answers: Answers,
    log: Log,
    *,
    audited: bool,
    progress: Progress,
) -> ScoreSheet:
    """The scores of a run, with the audit's where it is asked for; written with the other files beside the images."""
    run = reconstructed.run
    with log.timed("score"):
        decoded, texts = decoded_of(run), any(metric.needs == TEXT_EMBEDDING for metric in ready.metrics)
        with failing(run):
            targets = None if decoded is None else targets_of(reconstructed, answers, texts=texts)
        scoring = score_run(run, ready, decoded=decoded, targets=targets, audited=audited, progress=progress)
    sheet = scoring.sheet
    if audited:
        with log.timed("audit: reconstruct"):
            permuted = permuting.permute(
                reconstructed.plan,
                reconstructed.fitted,
                run,
                contents=ready.contents,
                hints=reconstructed.hints,
                progress=progress,
            )
        with log.timed("audit: score"):
            sheet = audit.examine(
                ready,
                sheet,
                scoring.measured,
                permuted,
                track=run.record.spec.track,
                targets=targets,
                progress=progress,
            )
    else:
        permuting.forget(run.folder)
    # Last, so that an interrupted command leaves no file that no sheet binds.
    with log.timed("picture"):
        picture.draw(run, answers)
    return write_scores(run, ready, scoring, sheet, targets)


def decoded_of(run: Run) -> Embeddings | None:
    """The embeddings that the method decoded, by stimulus id; raises InputError for NaN and infinite values."""
    decoded = run.embedding()
    if decoded is not None and (problem := undefined(decoded)):
        raise InputError(f"{run.folder / layout.EMBEDDING}: {problem}; delete {run.folder} to make the run again")
    return decoded


def targets_of(reconstructed: Reconstructed, answers: Answers, *, texts: bool) -> Targets:
    """What the method has its embeddings aim at: the true images and, if `texts` are wanted, the texts of concepts.

    Raises InputError where they break the contract.
    """
    method, fitted = reconstructed.plan.method, reconstructed.fitted.reconstructor

    def pictures(items: range) -> Given:
        return Given.images_alone(answers.images[items.start : items.stop])

    named = sorted(set(answers.concepts)) if texts else []

    def prompts(items: range) -> Given:
        return Given.texts_alone([CONCEPT_PROMPT.format(named[item]) for item in items])

    return Targets.of(
        answers,
        _embedded(method, fitted, outputs.TARGETS, answers.stimuli, pictures),
        _embedded(method, fitted, outputs.TEXTS, named, prompts) if texts else None,
    )


def _embedded(
    method: Method[Any], fitted: Reconstructor, output: Output, names: Sequence[str], given: Callable[[range], Given]
) -> Embeddings | None:
    """An output by name, asked for portion by portion, and of a few one by one; None where the method has none."""

    def of(items: range) -> NDArray[np.float32] | None:
        return outputs.ask(method.name, fitted, output, given(items))

    parts = [of(portion) for portion in portions(len(names))]
    known = [part for part in parts if part is not None]
    if not known:
        return None
    if len(known) < len(parts):
        raise InputError(f"{outputs.owner(method.name, output)} gave None for some of the items; wanted all or none")
    rows = outputs.directed(method.name, output, np.concatenate(known))
    for item in spread(names, EXAMINED + 1) if not method.transductive else ():
        alone, among_others = of(range(item, item + 1)), rows[item : item + 1]
        if problem := outputs.differing(method.name, output, alone, among_others, "made one by one"):
            raise InputError(f"{problem}: {outputs.ALONE}")
    return dict(zip(names, rows, strict=True))
