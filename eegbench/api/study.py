"""`Study`: methods, data sets, subjects, seeds, tracks and protocols, all together: ordinary runs in one folder."""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from eegbench.api.arguments import Place, place, progress_of, whole, word
from eegbench.api.board import Board
from eegbench.api.border import notice, own_errors
from eegbench.api.evaluate import options_of
from eegbench.benchmark import preflight
from eegbench.configuration import numbers, read_toml
from eegbench.contracts import Progress
from eegbench.errors import UsageError, short, unknown
from eegbench.guards.walking import few
from eegbench.leaderboard import board as boards
from eegbench.leaderboard.protocols import Trained
from eegbench.studies.cells import Arm, Cell, Facts, Fit, arm, cells_of
from eegbench.studies.engine import jobs
from eegbench.studies.engine.cluster import reached
from eegbench.studies.engine.flow import Engine, flow
from eegbench.studies.engine.local import Local, environments
from eegbench.studies.engine.outcome import Outcome
from eegbench.studies.engine.running import begun, remember, running
from eegbench.studies.engine.tasks import JOBS, RUN, Task, tasks_of
from eegbench.studies.state import COMPLETE, FAILED, Fits, State, counted, fits_there, states_of

AXES = ("methods", "datasets", "subjects", "seeds", "tracks", "averages", "trained", "views")
MORE = ("include", "exclude", "runs")
OPTIONS = (  # of `evaluate`, the same for all cells
    "samples", "suite", "protocol", "captions", "device", "batch_size", "audit", "references", "also", "nway_judge",
    "half", "offline", "allow_unverified_weights",
)  # fmt: skip
METHOD = ("name", "label", "config", "settings")
DATASET = ("name", "label", "settings")
TRAINED = ("train_on", "calibration", "others", "scale")
VIEW = ("window", "channels", "train_stimuli", "train_repetitions", "sessions")
Table = Mapping[str, object]


@dataclass(frozen=True)
class Row:
    """The cells of a study that differ in subject and seed alone, and where they stand."""

    words: Mapping[str, str]  #: by axis what they share: {"methods": "atm", "tracks": "eeg"}
    counts: Mapping[str, int]  #: cells by state
    fits: Fits


@dataclass(frozen=True)
class Standing:
    """Where a study stands: its rows, its failures, what stands in the way of it, and what has no place in it."""

    rows: tuple[Row, ...]
    counts: Mapping[str, int]
    fits: Fits
    failed: tuple[tuple[str, str], ...]  #: folder and reason
    problems: tuple[tuple[str, int], ...] = ()  # in words, with its exit code
    left_out: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        """The runs that are neither complete nor failed."""
        return self.cells - self.counts[COMPLETE] - self.counts[FAILED]


class Study:
    """Runs of several methods, data sets, subjects, seeds, tracks and protocols: all that the lists give together.

    methods, datasets: names, or tables {"name": "atm", "label": "quick", "config": "micro", "settings": {"rank": 8}};
    the label tells two of one name apart. subjects: numbers, "1-5,8", or "all" of each data set. seeds: numbers.
    tracks: "eeg", "oracle". averages: repetitions of test EEG, "all" or numbers. trained: "own", "others", "all", or
    tables of train_on, calibration, others and scale, in which lists multiply. views: tables of window, channels,
    train_stimuli, train_repetitions, sessions; {} sees everything. include: more runs, by tables of these keys in place
    of the study's own. exclude: tables of these keys; a run is left out to which all of a table applies. runs: the
    folder of runs. options: of `evaluate`, for every run.

    Raises UsageError for an unknown key or name, and for values that do not go together.
    """

    @own_errors()
    def __init__(
        self,
        methods: Sequence[str | Table],
        *,
        datasets: Sequence[str | Table] = ("sim-things",),
        subjects: str | Sequence[int] = "all",
        seeds: Sequence[int] = (0,),
        tracks: Sequence[str] = ("eeg",),
        averages: Sequence[str | int] = ("all",),
        trained: Sequence[str | Table] = ("own",),
        views: Sequence[Table] = ({},),
        include: Sequence[Table] = (),
        exclude: Sequence[Table] = (),
        runs: Place = "runs",
        **options: Any,
    ) -> None:
        own: dict[str, object] = {
            "methods": methods, "datasets": datasets, "subjects": subjects, "seeds": seeds, "tracks": tracks,
            "averages": averages, "trained": trained, "views": views,
        }  # fmt: skip
        _keys("a study", options, (*AXES, *MORE, *OPTIONS))
        self.runs, self._options = place("runs", runs), options
        self.left_out: tuple[str, ...] = ()
        blocks = [own, *({**own, **_keys("include", table, AXES)} for table in _list("include", include))]
        self._arms = [found for block in blocks for found in self._arms_of(block)]
        self._exclude = [_exclusion(table) for table in _list("exclude", exclude)]

    @classmethod
    @own_errors()
    def read(cls, file: Place) -> Self:
        """The study of a TOML file with the keys of this class; paths in it count from the file's folder.

        Raises UsageError as the class, InputError for a file that is no TOML.
        """
        path = place("file", file)
        table = _keys("a study", read_toml(path, "study"), (*AXES, *MORE, *OPTIONS))
        if "methods" not in table:
            raise UsageError(f'{path}: names no methods; write methods = ["atm"]')
        table["runs"] = path.parent / word("runs", table.get("runs", "runs"))
        if "captions" in table:
            table["captions"] = path.parent / word("captions", table["captions"])
        table["methods"] = [_beside(path.parent, entry) for entry in _list("methods", table["methods"])]
        given: dict[str, Any] = table
        return cls(**given)

    @functools.cached_property
    def cells(self) -> list[Cell]:
        """Every run of the study; raises what the plan of a run raises."""
        return cells_of(self._arms, self._exclude)

    @own_errors()
    def status(self) -> Standing:
        """Where every cell stands, from files alone."""
        return self._standing(())

    @own_errors()
    def plan(self) -> Standing:
        """Where every cell stands, and what stands in the way of making them; nothing is written."""
        arms = list({id(cell.arm): cell.arm for cell in self.cells}.values())
        found = (_problems(one) for one in arms)
        return self._standing(tuple(dict.fromkeys(itertools.chain.from_iterable(found))))

    @own_errors()
    def run(
        self,
        client: Any = None,
        *,
        cluster: Place | None = None,
        workers: int | None = None,
        retry_failed: bool = False,
        progress: bool | Progress = False,
    ) -> Standing:
        """Make all runs that are not complete; then where every cell stands.

        client: a `distributed.Client`, or the address of a Dask scheduler; its workers must see the same folder of
        runs. cluster: a TOML file that says what jobs of a queue are asked for (docs/studies.md). Without either,
        processes of this machine do the work; workers: how many, by default one a GPU, or as cores and memory allow.
        retry_failed: runs that failed before are tried again. A failure stops only what needs it: a warning tells of it
        (eegbench.Notice), and so does the folder of runs.

        Raises what stands in the way before anything is made; UsageError where another process runs a study in the
        folder; MissingError where no scheduler answers, and where a worker of a cluster has other code.
        """
        if sum(given is not None for given in (client, cluster, workers)) > 1:
            raise UsageError("client, cluster and workers do not go together; give one")
        engine, reporter = self._engine(client, cluster, workers), progress_of(progress)
        with running(self.runs):
            if todo := self._todo(retry_failed):
                self._require(todo)
                if words := begun(self.runs):
                    notice(f"{self.runs}: the study was {words}")
                with engine() as ready:
                    self._make(todo, ready, reporter)
        return self.status()

    def _engine(
        self, client: Any, cluster: Place | None, workers: int | None
    ) -> Callable[[], AbstractContextManager[Engine]]:
        """What sets up an engine, once it is known that there is work; what is wrong with its words is raised now."""
        if cluster is not None:
            table = jobs.read(place("cluster", cluster))
            return lambda: jobs.jobs(table, self.runs / JOBS, notice)
        if client is not None:
            return lambda: reached(client, notice)
        if workers is not None and whole("workers", workers) < 1:
            raise UsageError(f"workers is {workers}; wanted 1 or more")
        device = str(self._options.get("device", "auto"))
        return lambda: Local(environments(workers, device))

    def _todo(self, retry_failed: bool) -> list[Cell]:
        """The cells to make: those that are neither complete nor, unless they are wanted again, failed."""
        done = (COMPLETE,) if retry_failed else (COMPLETE, FAILED)
        states = states_of(self.cells, self.runs)
        return [cell for cell, state in zip(self.cells, states, strict=True) if state.word not in done]

    def _require(self, cells: Sequence[Cell]) -> None:
        """Raises what stands in the way of an arm of these cells."""
        for one in {id(cell.arm): cell.arm for cell in cells}.values():
            preflight.examine(one.method, one.subjects[0], one.options).require()

    def _make(self, cells: Sequence[Cell], engine: Engine, progress: Progress) -> None:
        tasks = tasks_of(cells, fits_there({id(cell.arm): cell.arm for cell in cells}.values()))
        with progress.bar("runs", len(cells)) as advance:

            def told(task: Task, outcome: Outcome) -> None:
                remember(task, outcome, self.runs)
                if not outcome.done:
                    notice(f"failed: {task.words}: {outcome.reason}")
                advance(int(task.kind == RUN))

            flow(tasks, engine, told)

    @own_errors()
    def board(self) -> Board:
        """The leaderboard of the study's runs, with their floors and ceilings; a note names those that are missing."""
        states = states_of(self.cells, self.runs)
        wanted = {cell.spec.key for cell in self.cells}
        lacking = [
            f"{cell.words} ({state.word})"
            for cell, state in zip(self.cells, states, strict=True)
            if state.word != COMPLETE
        ]
        notes = []
        if lacking:
            notes.append(f"{len(lacking)} of the study's {len(states)} runs are not complete: {few(lacking)}")
            notice(notes[0])
        record = boards.Board.of(
            self.runs,
            note=notice,
            counts=lambda run: run.record.role != "method" or run.record.spec.key in wanted,
            notes=notes,
        )
        return Board(record)

    def _standing(self, problems: tuple[tuple[str, int], ...]) -> Standing:
        states = states_of(self.cells, self.runs)
        by_arm: dict[int, list[tuple[Cell, State]]] = {}
        for cell, state in zip(self.cells, states, strict=True):
            by_arm.setdefault(id(cell.arm), []).append((cell, state))
        fits = fits_there(pairs[0][0].arm for pairs in by_arm.values())
        rows = tuple(_row(pairs, fits) for pairs in by_arm.values())
        failed = tuple((str(state.folder), state.reason) for state in states if state.word == FAILED)
        return Standing(rows, counted(states), Fits.of(self.cells, fits), failed, problems, self.left_out)

    def _arms_of(self, block: Mapping[str, object]) -> Iterator[Arm]:
        """The arms of all combinations on the axes of a block; what does not go together is noted in `left_out`."""
        methods = [_named("methods", value, METHOD) for value in _list("methods", block["methods"])]
        datasets = [_named("datasets", value, DATASET) for value in _list("datasets", block["datasets"])]
        trained = [one for value in _list("trained", block["trained"]) for one in _trained(value)]
        views = [_keys("views", value, VIEW) for value in _list("views", block["views"])]
        subjects = _subjects(block["subjects"])
        seeds = [whole("seeds", seed) for seed in _list("seeds", block["seeds"])]
        others = [_list(axis, block[axis]) for axis in ("tracks", "averages")]
        for method, dataset, track, average, people, view in itertools.product(
            methods, datasets, *others, trained, views
        ):
            options = options_of(
                str(method["name"]),
                dataset=dataset["name"],
                track=track,
                average=average,
                config=method.get("config"),
                settings={**_settings(method), "dataset": _settings(dataset)},
                runs=self.runs,
                **people,
                **view,
                **self._options,
            )
            facts: Facts = {
                "methods": method["label"], "datasets": dataset["label"], "tracks": track, "averages": average,
                "trained": people, "views": view,
            }  # fmt: skip
            found = arm(str(method["name"]), options, subjects, seeds, facts)
            if isinstance(found, Arm):
                yield found
            elif found not in self.left_out:
                self.left_out += (found,)


def _problems(one: Arm) -> list[tuple[str, int]]:
    """What stands in the way of an arm, seen from its first cell, each with its exit code."""
    checked = preflight.examine(one.method, one.subjects[0], one.options)
    whose = f"{one.facts['methods']} on {one.facts['datasets']}"
    return [(f"{whose}: {point.subject}: {point.error}", point.code) for point in checked.failed]


def _row(pairs: Sequence[tuple[Cell, State]], fits: Set[Fit]) -> Row:
    one = pairs[0][0].arm
    words = {axis: _words(axis, value) for axis, value in one.facts.items()}
    return Row(words, counted(state for _, state in pairs), Fits.of((cell for cell, _ in pairs), fits))


def _words(axis: str, value: object) -> str:
    """A value of an axis, as a table shows it: "others + 200", "window=0:0.2"."""
    if not isinstance(value, Mapping):
        return str(value)
    rest = dict(value)
    head = []
    if axis == "trained":
        head = [Trained(str(rest.pop("train_on", "own")), whole("calibration", rest.pop("calibration", 0))).words]
    return " ".join([*head, *(f"{name}={entry}" for name, entry in rest.items())])


def _subjects(value: object) -> list[int] | None:
    """Numbers of subjects; None for all."""
    if isinstance(value, str):
        return None if value == "all" else numbers(value, "subjects")
    return [whole("subjects", number) for number in _list("subjects", value)]


def _trained(value: object) -> Iterator[dict[str, object]]:
    """The protocols of a word or of a table, in which lists multiply."""
    table = {"train_on": value} if isinstance(value, str) else _keys("trained", value, TRAINED)
    lists = [[(name, one) for one in entry] if isinstance(entry, list | tuple) else [(name, entry)]
             for name, entry in table.items()]  # fmt: skip
    yield from map(dict, itertools.product(*lists))


def _named(axis: str, value: object, known: Sequence[str]) -> dict[str, object]:
    """A method's or data set's table, from a name or a table; its label is its name where it has none."""
    table = {"name": value} if isinstance(value, str) else _keys(axis, value, known)
    if "name" not in table:
        raise UsageError(f"{axis} has a table without a name: {short(table)}")
    return {"label": table["name"], **table}


def _settings(table: Mapping[str, object]) -> Mapping[str, object]:
    settings = table.get("settings", {})
    if not isinstance(settings, Mapping):
        raise UsageError(f"settings is {short(settings)}; wanted a table such as {{rank = 8}}")
    return settings


def _exclusion(table: object) -> dict[str, list[object]]:
    """An exclusion with a list on each axis."""
    found: dict[str, list[object]] = {}
    for axis, value in _keys("exclude", table, AXES).items():
        if axis == "subjects":
            subjects = _subjects(value)
            if subjects is not None:
                found[axis] = [*subjects]
        else:
            found[axis] = list(value) if isinstance(value, list | tuple | range) else [value]
    found |= {"trained": [one for value in found["trained"] for one in _trained(value)]} if "trained" in found else {}
    return found


def _keys(what: str, value: object, known: Sequence[str]) -> dict[str, object]:
    """A table whose keys are all known; raises UsageError."""
    if not isinstance(value, Mapping):
        raise UsageError(f"{what} holds {short(value)}; wanted a table of {', '.join(known)}")
    for name in value:
        if name not in known:
            raise unknown(f"key of {what}", str(name), known)
    return dict(value)


def _list(axis: str, value: object) -> list[Any]:
    """The values of an axis; a single word or number is one value."""
    if isinstance(value, list | tuple | range):
        if not value and axis not in ("include", "exclude"):
            raise UsageError(f"{axis} names none")
        return list(value)
    if isinstance(value, str | int | Mapping):
        return [value]
    raise UsageError(f"{axis} is {short(value)}; wanted a list")


def _beside(folder: Path, method: object) -> object:
    """A method whose configuration, where it is a file, counts from this folder."""
    if isinstance(method, Mapping) and isinstance(config := method.get("config"), str) and config.endswith(".toml"):
        return {**method, "config": str(folder / config)}
    return method
