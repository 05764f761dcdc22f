"""`evaluate`: fit a method if it must be, reconstruct, score, audit. `open_run`: a run that is there, read again."""

import dataclasses
import functools
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eegbench.api.arguments import Place, Settings, names, place, progress_of, switch, whole, word
from eegbench.api.arguments import settings as settings_of
from eegbench.api.border import notice, own_errors
from eegbench.api.protocol import people_of, recorded_of, view_of
from eegbench.api.results import Items, Run, Sheet, sheet_of, values_of
from eegbench.backbones.environment import disconnected, undisturbed
from eegbench.backbones.shared import let_go
from eegbench.benchmark import companions, preflight
from eegbench.benchmark import evaluate as pipeline
from eegbench.benchmark.options import Options
from eegbench.benchmark.preflight import Preflight
from eegbench.configuration import read_tables, shipped
from eegbench.contracts import Progress
from eegbench.errors import InputError
from eegbench.metrics import in_order
from eegbench.runs.folder import Run as Read
from eegbench.runs.layout import RECORD
from eegbench.runs.seal import AGAIN
from eegbench.runs.sheet import ScoreSheet


@own_errors()
def evaluate(
    method: str,
    *,
    subject: int,
    dataset: str = "sim-things",
    track: str = "eeg",
    seed: int = 0,
    samples: int = 1,
    average: int | str = "all",
    train_on: str = "own",
    calibration: int = 0,
    others: int = 0,
    scale: str = "training",
    window: str | tuple[float, float] | None = None,
    channels: str | Sequence[str] | None = None,
    train_stimuli: int | None = None,
    train_repetitions: int | None = None,
    sessions: str | Sequence[int] | None = None,
    suite: str = "auto",
    protocol: str = "sal512",
    config: Place | None = None,
    settings: Settings = (),
    captions: Place | None = None,
    runs: Place = "runs",
    device: str = "auto",
    batch_size: int | None = None,
    audit: bool = True,
    references: bool = True,
    also: list[str] | tuple[str, ...] = (),
    nway_judge: str | None = None,
    half: bool = False,
    offline: bool = False,
    allow_unverified_weights: bool = False,
    progress: bool | Progress = False,
) -> Run:
    """The run of a method on a subject, evaluated as by the command `eegbench evaluate`: the same bytes and folders.

    method, dataset: names of `eegbench list`. subject: its number. track: "eeg" or "oracle". seed: decides all random
    draws. samples: images for each stimulus, whose mean is scored. average: repetitions of test EEG that are
    averaged, "all" or a number.

    Who is trained on: train_on is "own", "others" (all but the subject, or `others` of them, drawn by seed, where it is
    not 0; with `calibration` of the subject's own training stimuli), or "all". scale: by what a stranger's EEG is
    standardised, "training" for the EEG trained on, or "test" for that stranger's own, which is transductive.
    What is seen: window in s, "0:0.2" or (0, .2); channels, names of electrodes and of regions; train_stimuli,
    train_repetitions: how many; sessions: "1,2", or trained on and tested on, "1,2,3:4".

    suite: "auto", "micro" or "reference"; protocol: "sal512" or "me256". config: "micro",
    "paper" or a TOML file; settings: {"rank": 8, "dataset.snr": 0}, which win over it. captions: a file, for training.
    runs: the folder of runs. device: "auto", "cpu", "cuda", "cuda:N" or "mps". batch_size: images made at once, which
    changes no image. audit: test whether the EEG contributes. references: bring floors and ceilings beside the run.
    also: metrics beside the usual ones, as "retrieval50_top1". nway_judge, half, offline, allow_unverified_weights: as
    the options of these names. progress: True for bars on stderr.

    A run that is complete is scored again as it is; one that was interrupted, also by a KeyboardInterrupt, is
    continued. The command's notes come as warnings of the class eegbench.Notice. Random states, gradient mode and
    default dtype of the caller are left as they were; networks leave the memory at the end.

    Raises UsageError for unknown names and impossible options, InputError for data that break a contract, MissingError
    for missing weights, data, devices or disk space, AuthorError for a fault of somebody else's method.
    """
    reporter = progress_of(progress)
    options = options_of(
        method,
        dataset=dataset,
        track=track,
        seed=seed,
        samples=samples,
        average=average,
        train_on=train_on,
        calibration=calibration,
        others=others,
        scale=scale,
        window=window,
        channels=channels,
        train_stimuli=train_stimuli,
        train_repetitions=train_repetitions,
        sessions=sessions,
        suite=suite,
        protocol=protocol,
        config=config,
        settings=settings,
        captions=captions,
        runs=runs,
        device=device,
        batch_size=batch_size,
        audit=audit,
        references=references,
        also=also,
        nway_judge=nway_judge,
        half=half,
        offline=offline,
        allow_unverified_weights=allow_unverified_weights,
    )
    with let_go(), undisturbed(), disconnected(offline):
        run = _run_of(pipeline.evaluate(word("method", method), whole("subject", subject), options, reporter))
    for note in run.notes:
        notice(note)
    return run


@own_errors()
def open_run(folder: Place) -> Run:
    """The complete and scored run in `folder`, as `evaluate` gave it; nothing is computed.

    Floors and ceilings are those beside it in its folder of runs, made on the same test images and scored by the same
    judges. Raises InputError for a folder without such a run.
    """
    path = place("folder", folder)
    if not (path / RECORD).is_file():
        raise InputError(f"{path}: holds no {RECORD}; name a run's folder, as runs/sim-things/eeg/atm/sub-08/seed-0")
    run = Read.open(path)
    if run.sheet is None:
        raise InputError(f"{path}: {run.unscored}; {AGAIN}")
    floors, ceilings = (
        {name: sheet_of(member.folder, member.scores) for name, member in members.items()}
        for members in companions.beside(run)
    )
    caution = run.sheet.caution or run.record.caution
    return Run(path, sheet_of(path, _ordered(run.sheet)), floors, ceilings, run.record.simulated, caution)


def examine(method: str, *, subject: int, **chosen: Any) -> Preflight:
    """A list of all that `evaluate` needs with these arguments, and whether it is there; nothing is written."""
    return preflight.examine(method, whole("subject", subject), options_of(method, **chosen))


def options_of(method: str, **chosen: Any) -> Options:
    """The options of a run from arguments of `evaluate`, its defaults in place of those that are not given.

    Raises UsageError for a value of another type.
    """
    parameters = inspect.signature(evaluate).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty and p.name != "progress"}
    return _options(method, **{**defaults, **chosen})


def _options(
    method: object,
    *,
    dataset: object,
    track: object,
    seed: object,
    samples: object,
    average: object,
    train_on: object,
    calibration: object,
    others: object,
    scale: object,
    window: object,
    channels: object,
    train_stimuli: object,
    train_repetitions: object,
    sessions: object,
    suite: object,
    protocol: object,
    config: object,
    settings: object,
    captions: object,
    runs: object,
    device: object,
    batch_size: object,
    audit: object,
    references: object,
    also: object,
    nway_judge: object,
    half: object,
    offline: object,
    allow_unverified_weights: object,
) -> Options:
    file = None if config is None else shipped(place("config", config), word("method", method))
    tables = read_tables(file, settings_of(settings))
    view = view_of(tables["view"], window=window, channels=channels, train_stimuli=train_stimuli)
    recorded = recorded_of(train_repetitions=train_repetitions, sessions=sessions)
    return Options(
        dataset=word("dataset", dataset),
        track=word("track", track),
        seed=whole("seed", seed),
        samples=whole("samples", samples),
        average=average if isinstance(average, str) else str(whole("average", average)),
        suite=word("suite", suite),
        protocol=word("protocol", protocol),
        method_table=tables["method"],
        dataset_table={**tables["dataset"], **recorded},
        **people_of(train_on=train_on, calibration=calibration, others=others, scale=scale),
        view=view.described(),
        captions=None if captions is None else place("captions", captions),
        runs=place("runs", runs),
        device=word("device", device),
        audit=switch("audit", audit),
        also=names("also", also or None) or (),
        nway_judge=None if nway_judge is None else word("nway_judge", nway_judge),
        half=switch("half", half),
        offline=switch("offline", offline),
        allow_unverified_weights=switch("allow_unverified_weights", allow_unverified_weights),
        batch_size=None if batch_size is None else whole("batch_size", batch_size),
        companions=switch("references", references),
    )


def _ordered(sheet: ScoreSheet) -> ScoreSheet:
    """The sheet with its metrics in the order in which they are shown, where a file has them by name."""
    return dataclasses.replace(sheet, metrics={name: sheet.metrics[name] for name in in_order(sheet.metrics)})


def _run_of(outcome: pipeline.Evaluation) -> Run:
    folder = outcome.run_folder
    floors, ceilings = (
        {name: _sheet_beside(folder, name, sheet) for name, sheet in sheets.items()}
        for sheets in (outcome.floors, outcome.ceilings)
    )
    run_sheet = sheet_of(folder, outcome.sheet)
    return Run(folder, run_sheet, floors, ceilings, outcome.simulated, outcome.caution, outcome.seconds, outcome.notes)


def _sheet_beside(folder: Path, name: str, sheet: ScoreSheet) -> Sheet:
    """The sheet of a floor or a ceiling, whose values by stimulus are sought beside the run when they are asked for."""
    return Sheet(sheet, functools.partial(_values_beside, folder.absolute(), name, sheet))


def _values_beside(folder: Path, name: str, sheet: ScoreSheet) -> tuple[tuple[str, ...], Items]:
    other = next((run for run in companions.made_beside(folder, name) if run.sheet == sheet), None)
    if other is None:
        raise InputError(f"{name}: no run with these scores stands beside {folder} any more")
    return values_of(other)
