"""What a leaderboard is made of: tables of rows of cells. Nothing here reads or writes."""

import json
from dataclasses import dataclass
from typing import Any

from eegbench.runs.metric_facts import Limits

Bounds = tuple[float, float]
Pair = tuple[int, int]  # a subject and a seed

# Where a row stands in its table, from above.
BLOCKS = ("ranked", "floor", "ceiling", "wider", "transductive", "left out")


@dataclass(frozen=True, order=True)
class Setting:
    """What all numbers of one table share; runs that differ in any of it never stand in one table.

    options, view: the data set's configuration and what of the EEG was seen, as canonical JSON. suite and protocol are
    "" where nothing is scored yet. The others are those of RunSpec.
    """

    dataset: str
    revision: str
    track: str
    suite: str
    protocol: str
    options: str
    average: str
    samples: int
    selection: str
    simulated: bool
    train_on: str = "own"
    calibration: int = 0
    others: int = 0
    scale: str = "training"
    view: str = "{}"

    @property
    def pooled(self) -> bool:
        """Whether everybody's EEG was in training: train_on "all", or the protocol "pooled" of eegcvpr."""
        if self.train_on == "all":
            return True
        return self.dataset == "eegcvpr" and json.loads(self.options).get("protocol") == "pooled"


@dataclass(frozen=True)
class Column:
    """One metric in one version and variant. chance: what chance gives, where all the table's methods agree on it;
    records of older statistics do not count beside newer ones.

    left_out: pairs of subject and stimulus that its ranked rows, floors and ceilings are not compared on, for a ranked
    method has no value there. at_n: of a metric of whole sets the fewest and the most stimuli of a run; it is unranked.
    visible: the smallest true difference between two of the ranked methods that such runs show in 4 of 5 cases.
    """

    metric: str
    version: int
    higher_is_better: bool
    variant: str = ""
    chance: float | None = None
    bounds: Limits = (None, None)
    left_out: tuple[tuple[int, str], ...] = ()
    at_n: tuple[int, int] | None = None
    visible: float | None = None

    @property
    def release(self) -> str:
        """The version, and behind it the variant."""
        return f"{self.version}-{self.variant}" if self.variant else f"{self.version}"

    @property
    def identity(self) -> tuple[str, int, str, bool]:
        """What a score must agree with to stand in the column."""
        return self.metric, self.version, self.variant, self.higher_is_better

    def clipped(self, value: float) -> float:
        """`value`, or the bound of the metric that rounding or resampling took it past."""
        low, high = self.bounds
        value = value if low is None else max(low, value)
        return value if high is None else min(high, value)


@dataclass(frozen=True)
class Cell:
    """A value and its 95 % interval, or a blank. notes: why it is blank, or what it does not stand on.

    compared: takes part in the comparison of its column; False in the ranked block where it does not.
    best: of the ranked methods. tied: ranked, and not told apart from the best by the test.
    floor, ceiling: of a method, the best that a floor or chance, and that a ceiling, reaches on the same subjects.
    caveats: which of the table's floors and ceilings have no value there, though others have; whose chance is too old.
    seeds_sd: where a subject has several seeds, the standard deviation between them.
    """

    value: float | None = None
    ci: Bounds | None = None
    notes: tuple[str, ...] = ()
    compared: bool = False
    best: bool = False
    tied: bool = False
    floor: float | None = None
    ceiling: float | None = None
    caveats: tuple[str, ...] = ()
    seeds_sd: float | None = None


@dataclass(frozen=True)
class Source:
    """A run that counts in a row: its folder below the folder of runs, with / between its parts."""

    path: str
    subject: int
    seed: int


@dataclass(frozen=True)
class Row:
    """One method in one configuration; cells in the order of the table's columns.

    subjects, seeds and items: what its scored runs stand on; items is the fewest and the most in a run.
    block: one of BLOCKS. reason: why a row of the block "left out" is neither ranked nor compared.
    audit_p: of no contribution of the EEG, of all its runs together. audit_rules: those by which they were audited.
    """

    label: str
    role: str
    method: str
    configuration: dict[str, Any]
    subjects: tuple[int, ...]
    seeds: tuple[int, ...]
    items: tuple[int, int]
    cells: tuple[Cell, ...]
    verdict: str
    notes: tuple[str, ...] = ()
    complete: bool = True  # no run of it is unfinished, unscored or left out
    runs: tuple[Source, ...] = ()  # the scored runs that it stands on, in the order of their paths
    block: str = "ranked"
    reason: str = ""
    audit_p: float | None = None
    audit_rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One setting: its rows in the order of BLOCKS. cautions: what the data set itself warns of.

    normalised: the values of the methods are shares of the way from floor to ceiling.
    ranking: over what the methods are ranked, and where nothing is best, in sentences. shared: the subjects and seeds
    that all ranked methods have; their rows, the floors' and the ceilings' stand on these alone.
    variant: the part of its setting that sets it apart from the board's tables of the same data set, track and suite.
    primary: the column whose ties are corrected by themselves, as "clip@1"; "" for none. generalises: of what ties and
    bold speak, as "stimuli and fits"; "" where nothing is compared. fits: how many a method has.
    """

    setting: Setting
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    normalised: bool = False
    ranking: tuple[str, ...] = ()
    shared: tuple[Pair, ...] = ()
    variant: tuple[str, ...] = ()
    primary: str = ""
    generalises: str = ""
    fits: int = 0

    def passed_over(self, row: Row, place: int) -> bool:
        """Whether the value of a ranked row in the column at `place` is not compared, while those of others are."""
        if row.block != "ranked" or row.cells[place].compared or row.cells[place].value is None:
            return False
        return any(other.cells[place].compared for other in self.rows)
