"""How many stimuli, subjects and seeds a true difference of two methods needs, from the runs that are there.

Methods that were run on the same subjects, seeds and stimuli are paired, each with each. From the differences come the
variances by source (`statistics.variance_components`): stimuli, people, fits. One subject shows no variance between
people, and one seed none between fits: the answer then holds for this person, or these fits, alone.
"""

import dataclasses
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eegbench import statistics
from eegbench.errors import UsageError
from eegbench.runs.search import Unreadable, check_read
from eegbench.statistics import Components, Design
from eegbench.studies.compare import LEVEL
from eegbench.studies.paired_runs import paired_runs

METRIC = "clip"
SUBJECTS, SEEDS = 10, (1, 3)  # of the designs in the answer, beside one subject and as many as the runs have


@dataclass(frozen=True)
class Need:
    """A design that finds the difference with the fewest stimuli, or subjects; None where no number of them suffices.

    speaks_of: what its test holds for, beside other stimuli. spread: the standard deviation between the people, or the
    fits, over which it averages, which more stimuli do not lower. None for one fit of one person.
    """

    subjects: int | None
    seeds: int
    stimuli: int | None
    speaks_of: str
    spread: float | None


@dataclass(frozen=True)
class Plan:
    """Everything that `eegbench plan-size` says.

    subjects, seeds, stimuli: how many the runs share. visible: the smallest difference that they show, for a typical
    pair of methods; by_pair: for the pairs where it is smallest and largest. components: variances. needs: the designs
    with the fewest stimuli; more_people: those with the fewest subjects on the stimuli that are there. unreadable: runs
    that cannot be read; read: how many can be.
    """

    dataset: str
    track: str
    suite: str
    protocol: str
    simulated: bool
    caution: str
    metric: str
    version: int
    variant: str
    methods: tuple[str, ...]
    subjects: int
    seeds: int
    stimuli: int
    speaks_of: str
    difference: float
    power: float
    level: float
    components: Components
    visible: float
    by_pair: tuple[float, float]
    needs: tuple[Need, ...]
    more_people: tuple[Need, ...]
    notes: tuple[str, ...]
    unreadable: tuple[Unreadable, ...] = ()
    read: int = 0
    schema_version: int = 1

    def check_whole(self) -> None:
        """Raises CheckFailed where runs cannot be read and so do not count."""
        check_read(self.unreadable, self.read, "do not count")

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, allow_nan=False) + "\n"


def plan_size(
    folder: Path, difference: float, *, metric: str = METRIC, power: float = 0.8, methods: Sequence[str] = ()
) -> Plan:
    """The designs that find a true `difference` in `metric`, from the runs below a folder.

    The same runs give the same bytes. methods: which to pair; by default all but floors and ceilings. Raises UsageError
    for a difference that is not above 0 and for a power outside (.05, 1), and what `paired_runs` raises.
    """
    if not 0 < difference < math.inf:
        raise UsageError(f"the difference is {difference:g}; wanted one above 0, as .02")
    if not LEVEL < power < 1:
        raise UsageError(f"the power is {power:g}; wanted a probability between {LEVEL:g} and 1, as .8")
    runs = paired_runs(folder, metric, methods)
    pairs = np.array([a - b for a, b in itertools.combinations(runs.values, 2)])
    mean_components, design = statistics.variance_components(pairs), Design(*pairs.shape[1:])
    of_pairs = [statistics.variance_components(pair[None]) for pair in pairs]
    by_pair = [statistics.smallest_difference(components, design, power=power) for components in of_pairs]
    record, sheet = runs.runs[0].record, runs.runs[0].sheet
    assert sheet is not None  # paired runs are scored
    return Plan(
        dataset=record.spec.dataset,
        track=record.spec.track,
        suite=sheet.suite,
        protocol=sheet.protocol,
        simulated=record.simulated,
        caution=" ".join(dict.fromkeys(run.record.caution for run in runs.runs if run.record.caution)),
        metric=metric,
        version=sheet.metrics[metric].version,
        variant=sheet.metrics[metric].variant,
        methods=runs.methods,
        subjects=design.subjects,
        seeds=design.fits,
        stimuli=design.stimuli,
        speaks_of=_speaks_of(design.subjects, design.fits),
        difference=difference,
        power=power,
        level=LEVEL,
        components=mean_components,
        visible=statistics.smallest_difference(mean_components, design, power=power),
        by_pair=(min(by_pair), max(by_pair)),
        needs=tuple(_needs(mean_components, difference, design.subjects, power)),
        more_people=tuple(_more_people(mean_components, difference, design.stimuli, power)),
        notes=runs.notes,
        unreadable=runs.unreadable,
        read=runs.read,
    )


def _needs(parts: Components, difference: float, subjects: int, power: float) -> Iterator[Need]:
    """The answer for each design of which the components are known."""
    counts = {1} if parts.people is None else {1, subjects, SUBJECTS}
    for count, seeds in itertools.product(sorted(counts), _seeds(parts)):
        n = statistics.stimuli_needed(parts, difference, count, seeds, level=LEVEL, power=power)
        yield Need(count, seeds, n, _speaks_of(count, seeds), _spread(parts, count, seeds))


def _more_people(parts: Components, difference: float, stimuli: int, power: float) -> Iterator[Need]:
    for seeds in _seeds(parts) if parts.people is not None else ():
        count = statistics.subjects_needed(parts, difference, seeds, stimuli, level=LEVEL, power=power)
        yield Need(count, seeds, stimuli, _speaks_of(2, seeds), _spread(parts, 2, seeds))


def _seeds(parts: Components) -> Sequence[int]:
    return SEEDS[:1] if parts.fits is None else SEEDS


def _spread(parts: Components, subjects: int, seeds: int) -> float | None:
    fits = parts.fits or 0.0
    if subjects > 1:
        return math.sqrt((parts.people or 0.0) + fits / seeds)
    return math.sqrt(fits) if seeds > 1 else None


def _speaks_of(subjects: int, seeds: int) -> str:
    return "other people" if subjects > 1 else "this person" if seeds > 1 else "this person and these fits"
