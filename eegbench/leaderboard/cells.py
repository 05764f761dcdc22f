"""What a leaderboard is made of: tables of rows of cells. Nothing here reads or writes."""

from dataclasses import dataclass
from typing import Any

Bounds = tuple[float, float]

# The order in which the field's papers print their columns; other metrics follow, by name.
METRIC_ORDER = (
    *("pixcorr", "ssim", "ssim_columns", "alexnet2", "alexnet5", "inception", "clip", "effnet", "swav"),
    *("nway50_top1", "nway50_top1_vit_b_16", "is", "is_10split", "kid", "fid", "cc", "sim", "kl", "kl_reversed"),
    *("retrieval_top1", "retrieval_top5"),
)


@dataclass(frozen=True, order=True)
class Setting:
    """What all numbers of one table share; runs that differ in any of it never stand in one table.

    options: the data set's configuration as canonical JSON. suite and protocol are "" where nothing is scored yet.
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


@dataclass(frozen=True)
class Column:
    """One metric in one version and variant. chance: what chance gives, where all the table's methods agree on it."""

    metric: str
    version: int
    higher_is_better: bool
    variant: str = ""
    chance: float | None = None

    @property
    def release(self) -> str:
        """The version, and behind it the variant."""
        return f"{self.version}-{self.variant}" if self.variant else f"{self.version}"

    @property
    def place(self) -> tuple[int, str, int, str, bool]:
        known = METRIC_ORDER.index(self.metric) if self.metric in METRIC_ORDER else len(METRIC_ORDER)
        return known, self.metric, self.version, self.variant, self.higher_is_better


@dataclass(frozen=True)
class Cell:
    """A value and its 95 % interval, or a blank. notes: why it is blank, or what it does not stand on.

    best: of the ranked methods. tied: ranked, and not told apart from the best by the paired test.
    """

    value: float | None = None
    ci: Bounds | None = None
    notes: tuple[str, ...] = ()
    best: bool = False
    tied: bool = False


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
    runs: tuple[Source, ...] = ()  # its scored runs, in the order of their paths


@dataclass(frozen=True)
class Table:
    """One setting: methods first, then floors, then ceilings. cautions: what the data set itself warns of.

    normalised: the values of the methods are shares of the way from floor to ceiling.
    """

    setting: Setting
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    normalised: bool = False
