"""The floors and ceilings in a method's table: made once for all runs that can share them."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import Images
from eegbench.benchmark.fit import fit, weights_of
from eegbench.benchmark.options import Options
from eegbench.benchmark.paint import paint
from eegbench.benchmark.plan import Plan, describe, plan
from eegbench.benchmark.reconstruct import reconstruct
from eegbench.benchmark.score import Scorer
from eegbench.benchmark.score_run import score_run, write_scores
from eegbench.benchmark.shared import SharedRun, keep_scores, restore_scores
from eegbench.benchmark.status import begin, failing
from eegbench.contracts import Answers, Named, Progress, Reference
from eegbench.errors import EegbenchError, MissingError, out_of_memory
from eegbench.files import Json, alone
from eegbench.plugins import entering, registry
from eegbench.runs import layout
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord, RunSpec, of_floor
from eegbench.runs.sheet import STATISTICS, ScoreSheet

FLOORS = ("random_train_image", "mean_image")  # none of them sees the EEG
CEILINGS = ("vae_roundtrip", "true_embedding")


@dataclass(frozen=True)
class Companions:
    """Score sheets of floors and ceilings by name, and notes on those that were left out, with the reason."""

    floors: dict[str, ScoreSheet]
    ceilings: dict[str, ScoreSheet]
    notes: tuple[str, ...]


def bring(planned: Plan, options: Options, ready: Scorer, answers: Answers, progress: Progress) -> Companions:
    """The floors and ceilings beside a run, in its runs folder; one that wants weights or memory becomes a note."""
    notes: list[str] = []

    def each(names: Sequence[str], run_of: Callable[[str, Progress], Run]) -> dict[str, ScoreSheet]:
        sheets = {}
        for name in names:
            labelled = Named(progress, name)
            try:
                sheets[name] = _scores(run_of(name, labelled), ready, labelled)
            except MissingError as error:
                notes.append(f"{name} was left out: {error}")
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                notes.append(f"{name} was left out: the memory of {planned.device} does not hold it")
        return sheets

    def floor(name: str, labelled: Progress) -> Run:
        return _floor(_floor_plan(name, planned, options), labelled)

    def ceiling(name: str, labelled: Progress) -> Run:
        return _ceiling(name, planned, answers, ready.truths_digest, labelled)

    lock = layout.lock(planned.runs, "companions", planned.spec.dataset, str(planned.spec.subject))
    with alone(lock, waiting=lambda: progress.bar("wait for another process that makes floors and ceilings", 1)):
        floors = each(() if planned.method.role == "floor" else FLOORS, floor)
        return Companions(floors, each(CEILINGS, ceiling), tuple(notes))


def beside(run: Run) -> tuple[dict[str, Run], dict[str, Run]]:
    """By name the floors and the ceilings in a run's folder of runs, made for the same test images and judges."""
    floors, ceilings = (
        {name: member for name in names for member in _first(name, run)} for names in (FLOORS, CEILINGS)
    )
    return {} if run.record.role == "floor" else floors, ceilings


def _first(name: str, run: Run) -> list[Run]:
    return list(itertools.islice((other for other in made_beside(run.folder, name) if _belongs(other, run)), 1))


def made_beside(folder: Path, name: str) -> Iterator[Run]:
    """The runs of a method or a reference on the same data set and subject, those on the same track first."""
    above = folder.resolve().parents
    if len(above) < 4:  # no folder of runs: nothing stands beside it
        return
    subject, _, track, data = above[:4]
    places = sorted(data.glob(f"*/{name}/{subject.name}/seed-*"))
    for other in sorted(places, key=lambda path: path.parents[2] != track):
        try:
            yield Run.open(other, manifest=False)
        except (EegbenchError, OSError):  # a run that cannot be read is left out
            continue


def _belongs(other: Run, run: Run) -> bool:
    """Whether it is a floor or a ceiling as `evaluate` makes it, on the same test images, scored by the same judges."""
    spec, other_spec = run.record.spec, other.record.spec
    if run.sheet is None or other.sheet is None or not serves(other.record):
        return False
    same = [getattr(spec, name) == getattr(other_spec, name) for name in ("dataset", "revision", "subject")]
    same += [spec.dataset_configuration == other_spec.dataset_configuration]
    if other.record.role == "floor":
        same += [spec.average == other_spec.average, of_floor(spec.view) == other_spec.view]
    judged = ("suite", "protocol", "judges", "truths", "statistics")
    return all([*same, *(getattr(run.sheet, name) == getattr(other.sheet, name) for name in judged)])


def serves(record: RunRecord) -> bool:
    """Whether a run is a floor or a ceiling as `bring` makes it: with seed 0, one sample, and its own defaults."""
    spec = record.spec
    if spec.method in FLOORS:
        configured = describe(registry.built("method", spec.method, {}))
    elif spec.method in CEILINGS:
        configured = _configured(registry.built("reference", spec.method, {}))
    else:
        return False
    return (spec.seed, spec.samples, spec.configuration) == (0, 1, configured)


def _floor_plan(name: str, planned: Plan, options: Options) -> Plan:
    """A floor sees no EEG: made once, with seed 0, one sample and the subject's own training images, it serves all runs
    on the subject that may learn from as many."""
    tracks = registry.find("method", name).tracks
    track = options.track if options.track in tracks else tracks[0]
    floor_options = dataclasses.replace(
        options,
        track=track,
        seed=0,
        samples=1,
        method_table={},
        captions=None,
        train_on="own",
        calibration=0,
        others=0,
        scale="training",
        view=of_floor(planned.spec.view),
    )
    return plan(name, planned.spec.subject, floor_options, device=planned.device)


def _floor(planned: Plan, progress: Progress) -> Run:
    """A floor's images depend on its fit and the test stimuli: they serve every subject who has the same of both."""
    fitted = fit(planned, progress=progress)
    shared = SharedRun.of(
        {
            "method": planned.method.name,
            "configuration": describe(planned.method),
            "fit": fitted.content,
            "weights": weights_of(planned.method),
            "stimuli": sorted(planned.queries.stimuli),
            "seed": planned.spec.seed,
        }
    )
    return reconstruct(planned, fitted, hints={}, hint_judges={}, progress=progress, shared=shared)


def _ceiling(name: str, planned: Plan, answers: Answers, truths: str, progress: Progress) -> Run:
    """The reference's images of the true images, in a run's folder of its own on the track `ceiling`."""
    reference: Reference = registry.built("reference", name, {})
    head = _ceiling_head(reference, planned)
    shared = SharedRun.of(
        {
            "reference": reference.name,
            "configuration": head.spec.configuration,
            "weights": {name: sha256 for name, sha256 in head.digests.items() if name.startswith("weights/")},
            "truths": truths,
            "seed": head.spec.seed,
        }
    )

    def from_truth(items: NDArray[np.int64], item_seeds: list[int]) -> Images:
        return reference.reconstruct(answers.images[items], seeds=item_seeds, device=planned.device)

    begun = begin(planned.runs, head, device=planned.device, shared=shared)
    if begun.run.reused:
        return begun.run
    with failing(begun.run, (Exception,)):
        manifest = paint(
            begun.run,
            layout.IMAGES,
            answers.stimuli,
            from_truth,
            batch_size=planned.batch_size,
            keep=begun.keep,
            progress=progress,
        )
        run = begun.finish(manifest, {}, {})
    shared.keep(run)
    return run


def _ceiling_head(reference: Reference, planned: Plan) -> RunRecord:
    """The record of a ceiling before its first image: beside the planned run, on the track `ceiling`."""
    data, subject = planned.dataset, planned.spec.subject
    spec = RunSpec(
        dataset=planned.spec.dataset,
        revision=planned.spec.revision,
        dataset_configuration=planned.spec.dataset_configuration,
        subject=subject,
        track="ceiling",
        method=reference.name,
        configuration=_configured(reference),
    )
    weights = {f"weights/{file}": sha256 for file, sha256 in reference.weights().items()}
    digests = {f"data/{name}": sha256 for name, sha256 in entering.digests(data, subject).items()}
    return RunRecord(spec, "ceiling", data.simulated, "started", {}, digests | weights, caution=data.caution)


def _configured(reference: Reference) -> Json:
    return describe(reference) if dataclasses.is_dataclass(reference) else {}


def _scores(run: Run, ready: Scorer, progress: Progress) -> ScoreSheet:
    """The scores of a floor or a ceiling: its own, the cache's, or computed."""
    if sheet := _present_scores(run, ready) or restore_scores(run, ready):
        return sheet
    scoring = score_run(run, ready, progress=progress)
    sheet = write_scores(run, ready, scoring, scoring.sheet)
    keep_scores(run, ready, sheet)
    return sheet


def _present_scores(run: Run, ready: Scorer) -> ScoreSheet | None:
    """The scores of a complete run if the same judges, metrics, statistics and caution made them; else None."""
    file = run.folder / layout.SHEET
    if not (run.reused and file.is_file()):
        return None
    sheet = ScoreSheet.read(file)
    versions = {name: score.version for name, score in sheet.metrics.items()}
    wanted = {metric.id: metric.version for metric in ready.metrics}
    made_with = (sheet.suite, sheet.protocol, sheet.judges, versions, sheet.caution, sheet.statistics)
    same = made_with == (ready.suite.name, ready.suite.protocol, ready.digests, wanted, ready.caution, STATISTICS)
    bound = sheet.reconstructions == run.record.images
    return sheet if same and bound and sheet.n == len(ready.truths.stimuli) else None
