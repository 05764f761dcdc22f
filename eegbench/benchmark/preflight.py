"""All that can be checked before the first step of a run, in one list: each point with its state or its problem.

Nothing is fitted or written. `eegbench evaluate` takes its plan and its judges from here, and `evaluate --check` prints
the list and stops.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from eegbench import backbones
from eegbench.backbones import Suite, stored
from eegbench.backbones.environment import free_memory, resolve_device
from eegbench.benchmark import fit, hints, people, score
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import Plan, plan
from eegbench.errors import AuthorError, EegbenchError, MissingError, UsageError
from eegbench.files import user_cache, writing
from eegbench.runs import layout
from eegbench.runs.record import RunRecord

LEAST_FREE = 100 * 2**20  # bytes on a disk, below which no run comes to its end
GB = 1e9

T = TypeVar("T")


@dataclass(frozen=True)
class Precondition:
    """One thing that was checked, and its state; `error` where the run cannot be made because of it."""

    subject: str
    state: str
    error: EegbenchError | None = None

    @property
    def code(self) -> int:
        """The exit code of the error; 0 where there is none."""
        return 0 if self.error is None else self.error.exit_code


@dataclass
class Preflight:
    """The checks of one run, and the plan, metrics and judges that passed them: None where a check failed."""

    points: list[Precondition] = field(default_factory=list)
    planned: Plan | None = None
    metrics: tuple[str, ...] | None = None
    judges: Suite | None = None

    @property
    def failed(self) -> list[Precondition]:
        return [point for point in self.points if point.error is not None]

    def require(self) -> tuple[Plan, tuple[str, ...] | None, Suite]:
        """Plan, names of metrics and judges; raises the error of the failed checks, all of them in one line."""
        errors = [point.error for point in self.points if point.error is not None]
        if len(errors) == 1:
            raise errors[0]
        if errors:
            problems = "; ".join(f"({number}) {error}" for number, error in enumerate(errors, start=1))
            raised = type(errors[0])(f"{len(errors)} things stand in the way: {problems}")
            if isinstance(raised, AuthorError) and isinstance(errors[0], AuthorError):
                raised.frames = errors[0].frames
            raise raised from errors[0]
        assert self.planned is not None and self.judges is not None  # or there would be an error
        return self.planned, self.metrics, self.judges

    def look(self, subject: str, how: Callable[[], T], state: Callable[[T], str]) -> T | None:
        """The result of `how`, None where it raises one of our own errors; its state or the error joins the list."""
        try:
            result = how()
            self.points.append(Precondition(subject, state(result)))
        except EegbenchError as error:
            self.points.append(Precondition(subject, str(error), error))
            return None
        return result


def examine(method: str, subject: int, options: Options) -> Preflight:
    """The preflight list of one run; nothing is fitted or written."""
    preflight, keeping = Preflight(), True
    device = preflight.look("device", lambda: resolve_device(options.device), _memory_state)
    named = f"{method} on {options.dataset}, subject {subject}, track {options.track}, seed {options.seed}"
    planned = preflight.look(
        "names, settings", lambda: plan(method, subject, options, device=device or "cpu"), lambda _: named
    )
    preflight.planned = planned
    if planned is not None:
        weights = preflight.look("weights", lambda: _weights(planned, options), str)
        queries = preflight.look(
            "data", lambda: planned.queries, lambda q: f"{len(q.stimuli)} test stimuli, {_size(q.info)}"
        )
        if planned.spec.calibration or planned.spec.view:
            amounts = preflight.look(
                "training stimuli", lambda: people.check_amounts(planned.dataset, planned.spec), str
            )
            queries = queries if amounts is not None else None
        if weights is not None and queries is not None:
            place = preflight.look("fit", lambda: fit.stored_place(planned), _fit_state)
            keeping = place is None or options.companions  # a fit is kept in the cache, and so are those of floors
            preflight.look("captions", lambda: _captions(planned), str)
        _judges(preflight, planned, options)
        preflight.look("earlier run", lambda: _earlier(options.runs / planned.spec.folder), _run_state)
    preflight.look("runs folder", lambda: _room(options.runs, "choose another folder of runs"), str)
    preflight.look("cache", lambda: _cache(needed=keeping), str)
    return preflight


def _judges(preflight: Preflight, planned: Plan, options: Options) -> None:
    def judges() -> tuple[tuple[str, ...] | None, Suite]:
        metrics = score.metrics_with(options.nway_judge, None, options.also)
        suite = backbones.suite(
            planned.suite,
            planned.protocol,
            planned.device,
            features=score.features_of(score.chosen(metrics)) | set(hints.HINTS),
            half=options.half,
            allow_unverified=options.allow_unverified_weights,
        )
        score.check_judges(score.chosen(metrics), suite)
        hints.check(planned, suite)
        return metrics, suite

    def state(outcome: tuple[tuple[str, ...] | None, Suite]) -> str:
        _, suite = outcome
        lost = [f"{feature} left blank ({why})" for feature, why in suite.missing.items()]
        return "; ".join([f"suite {suite.name}, protocol {suite.protocol}: {len(suite.judges)} judges", *lost])

    if (outcome := preflight.look("judges", judges, state)) is not None:
        preflight.metrics, preflight.judges = outcome


def _memory_state(device: str) -> str:
    free = free_memory(device)
    return f"{device}, {free / GB:.1f} GB of memory free" if free else device


def _size(info: Any) -> str:
    return f"{len(info.channels)} channels x {info.times} samples"


def _fit_state(place: tuple[str, Path] | None) -> str:
    return "none as yet: it will be fitted" if place is None else place[0]


def _run_state(record: RunRecord | None) -> str:
    if record is None:
        return "none"
    after = "scored again" if record.status == "complete" else "taken up again"
    return f"one with the status {record.status}: if it is this very run it is {after}, else this one stands beside it"


def _earlier(folder: Path) -> RunRecord | None:
    try:
        return layout.existing(folder)
    except OSError:  # a folder that cannot be read cannot be written either, which is reported
        return None


def _captions(planned: Plan) -> str:
    """Whose captions are used; raises what is wrong with a captions file for a fit that is still to be made."""
    if planned.captions is None:
        return "the data set's own"
    state = f"of a file, {len(planned.captions.entries)} images"
    if fit.stored_place(planned) is None:
        planned.train()
    return state


def _weights(planned: Plan, options: Options) -> str:
    """The method's pretrained files, in words; raises for a missing digest, a missing file and too little memory."""
    known = fit.weights_of(planned.method)
    unverified = sorted(name for name, sha256 in known.items() if not sha256)
    if unverified and not options.allow_unverified_weights:
        raise UsageError(
            f"no sha256 is known for {', '.join(unverified)}: --allow-unverified-weights uses such weights as they are"
        )
    sizes = {name: stored.size(name, offline=options.offline) for name in known}
    needed, free = sum(size or 0 for size in sizes.values()), free_memory(planned.device)
    if free and needed > free:
        raise MissingError(
            f"{planned.method.name}: its weights alone take {needed / GB:.1f} GB, and {planned.device} has "
            f"{free / GB:.1f} GB of memory free; free some, or choose another --device"
        )
    absent = [name for name, size in sizes.items() if size is None]
    later = f"; fetched when they are loaded: {', '.join(absent)}" if absent else ""
    return f"{', '.join(known) or 'none'}{later}"


def _cache(*, needed: bool) -> str:
    """The state of the user's cache, in words; one that cannot be written is an error only where it is needed."""
    try:
        return _room(user_cache(""), "set EEGBENCH_CACHE to a folder that can be")
    except EegbenchError as error:
        if needed:
            raise
        return f"not used: {error}"


def _room(folder: Path, mend: str) -> str:
    """The room in a folder, in words; raises where it cannot be written or made, or has too little room."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    with writing(folder, mend=mend):
        if not place.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(place))
        with tempfile.TemporaryFile(dir=place):
            pass
        free = shutil.disk_usage(place).free
    if free < LEAST_FREE:
        raise MissingError(f"{folder}: {free / 2**20:.0f} MiB free on its disk; free some, or {mend}")
    return f"{folder}: can be written, {free / GB:.1f} GB free"
