"""The cells of a study: ordinary runs, from lists of what one `evaluate` takes one of.

Cells that differ in subject and seed alone make an arm. Its options are planned once, so that a study of 100,000 cells
is planned in seconds.
"""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eegbench.benchmark.fit import impersonal
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import Plan, dataset_of, plan
from eegbench.contracts import EVERYBODY, TRACKS
from eegbench.errors import UsageError, unknown
from eegbench.files import digest
from eegbench.plugins import registry
from eegbench.runs.record import RunSpec

# Of a fit: what else shaped it; whose it is, or EVERYBODY; train_on, calibration and others; the seed.
Fit = tuple[str, int, str, int, int, int]
Facts = Mapping[str, object]  # of an arm, by the axis of a study: {"methods": "atm", "tracks": "eeg"}
TABLES = ("trained", "views")  # axes whose values are tables, of which an exclusion may name a part


@dataclass(frozen=True)
class Arm:
    """Cells that differ in subject and seed alone.

    facts: what an exclusion looks at, by axis. options: of every cell, but for the seed.
    """

    method: str
    options: Options
    subjects: tuple[int, ...]
    seeds: tuple[int, ...]
    facts: Facts = field(hash=False)

    @functools.cached_property
    def planned(self) -> Plan:
        """The plan of the first cell, as those of the others but for subject and seed; raises what `plan` raises."""
        first = dataclasses.replace(self.options, seed=self.seeds[0])
        return plan(self.method, self.subjects[0], first, device="cpu")

    @functools.cached_property
    def fitted_from(self) -> str:
        """Digest of all that shapes a fit but person and seed: arms with the same one share their fits."""
        return digest(impersonal(self.planned))


@dataclass(frozen=True)
class Cell:
    """One run of a study."""

    arm: Arm
    subject: int
    seed: int

    @property
    def words(self) -> str:
        """The run in a few words, for people."""
        data, track = self.arm.options.dataset, self.arm.options.track
        return f"{self.arm.facts['methods']} on {data} sub-{self.subject:02d}, {track}, seed {self.seed}"

    @property
    def options(self) -> Options:
        return dataclasses.replace(self.arm.options, seed=self.seed)

    @property
    def spec(self) -> RunSpec:
        return dataclasses.replace(self.arm.planned.spec, subject=self.subject, seed=self.seed)

    @property
    def spec_folder(self) -> Path:
        """Where the run lies below the folder of runs, or beside which, as RunSpec.folder."""
        spec = self.arm.planned.spec
        return Path(spec.dataset, spec.track, spec.method, f"sub-{self.subject:02d}", f"seed-{self.seed}")

    @property
    def plan(self) -> Plan:
        """The plan of the run."""
        return dataclasses.replace(self.arm.planned, spec=self.spec)

    @property
    def fit(self) -> "Fit":
        """What names the fit: cells with the same one share it."""
        options = self.arm.options
        served = EVERYBODY if options.train_on == "all" else self.subject
        return self.arm.fitted_from, served, options.train_on, options.calibration, options.others, self.seed


def arm(method: str, options: Options, subjects: Sequence[int] | None, seeds: Sequence[int], facts: Facts) -> Arm | str:
    """The arm of a method; or in words why it has no place in a study: a method may not run on a track.

    subjects: numbers; None for all of the data set. Raises UsageError for a subject that is not there, and for a number
    that is named twice.
    """
    kind = registry.find("method", method)
    if options.track not in TRACKS:
        raise unknown("track", options.track, TRACKS)
    if options.track not in kind.tracks:
        return f"{method} does not run on the track {options.track}"
    there = dataset_of(options).subjects
    chosen = tuple(there if subjects is None else subjects)
    for number in chosen:
        if number not in there:
            raise unknown(f"subject of {options.dataset}", str(number), there)
    for name, values in (("subjects", chosen), ("seeds", seeds)):
        if not values:
            raise UsageError(f"{name} names none")
        if len(set(values)) < len(values):
            raise UsageError(f"{name} names {next(v for v in values if list(values).count(v) > 1)} twice")
    return Arm(method, options, chosen, tuple(seeds), facts)


def cells_of(arms: Iterable[Arm], exclude: Sequence[Mapping[str, Sequence[object]]]) -> list[Cell]:
    """All cells in the order of the arms, each once; without those to which every axis of an exclusion applies."""
    seen: dict[str, set[tuple[int, int]]] = {}
    cells = []
    for one in arms:
        key = digest([one.method, _of_images(one)])
        there = seen.setdefault(key, set())
        against = [out for out in exclude if all(_met(one.facts, axis, values) for axis, values in out.items())]
        for pair in _pairs(one):
            if pair not in there and not any(_out(pair, out) for out in against):
                there.add(pair)
                cells.append(Cell(one, *pair))
    return cells


def _of_images(one: Arm) -> object:
    """What decides the images of an arm's cells beside subject and seed."""
    spec = one.planned.spec
    return dataclasses.asdict(dataclasses.replace(spec, subject=0, seed=0))


def _pairs(one: Arm) -> Iterator[tuple[int, int]]:
    for subject in one.subjects:
        for seed in one.seeds:
            yield subject, seed


def _out(pair: tuple[int, int], exclusion: Mapping[str, Sequence[object]]) -> bool:
    """Whether subject and seed are among those of an exclusion that names some."""
    axes = zip(("subjects", "seeds"), pair, strict=True)
    return all(value in exclusion[axis] for axis, value in axes if axis in exclusion)


def _met(facts: Facts, axis: str, values: Sequence[object]) -> bool:
    """Whether an arm's value on an axis is one of these; of a table, whether it has all that one of these says."""
    if axis not in facts:
        return True  # subjects and seeds, which are each cell's own
    own = facts[axis]
    if axis in TABLES and isinstance(own, Mapping):
        return any(isinstance(value, Mapping) and value.items() <= own.items() for value in values)
    return own in values
