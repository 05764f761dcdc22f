"""Which of the published list's trials a fold trains on, and which it tests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench.datasets.eegcvpr.source import AGAIN, PARTS
from eegbench.datasets.prepared import REMAKE, CsvRows, Prepared
from eegbench.errors import InputError, UsageError

TRIALS = ("item", "subject", "stimulus", "concept", "row")  # the header of trials.csv
ITEMS = ("part", "item")  # of a fold's own file
FOLDS = ("fold", *PARTS)  # of folds.csv: how many items each part has


@dataclass(frozen=True)
class ListedTrial:
    """A trial of the published list; `row` is its place in the prepared array, None if it was not kept."""

    subject: int
    stimulus: str
    concept: str
    row: int | None


def read_listed(prepared: Prepared) -> list[ListedTrial]:
    """The published list, in its order, with the trials that were not kept: the splits count them."""
    return listed(prepared.table("trials.csv"), prepared.folder)


def listed(table: CsvRows, folder: Path) -> list[ListedTrial]:
    """What trials.csv of a folder lists; InputError if it is damaged."""
    try:
        return [
            ListedTrial(int(row["subject"]), row["stimulus"], row["concept"], int(row["row"]) if row["row"] else None)
            for row in table
        ]
    except (KeyError, ValueError):
        raise InputError(f"{folder / 'trials.csv'}: damaged; {REMAKE}") from None


def rows_of(trials: Sequence[ListedTrial], subject: int) -> NDArray[np.int64]:
    """The places of a subject's kept trials in the prepared array, in the order of the list."""
    return np.array([t.row for t in trials if t.subject == subject and t.row is not None], np.int64)


def fold_file(fold: int) -> str:
    return f"fold-{fold}.csv"


def read_fold(prepared: Prepared, fold: int) -> dict[str, list[int]]:
    """The places of each part of a fold; UsageError for a fold that is not there."""
    if fold_file(fold) not in prepared.files:
        raise UsageError(f"fold is {fold}; the split has the folds 0 to {len(prepared.table('folds.csv')) - 1}")
    places: dict[str, list[int]] = {part: [] for part in PARTS}
    try:
        for row in prepared.table(fold_file(fold)):
            places[row["part"]].append(int(row["item"]))
    except (KeyError, ValueError):
        raise InputError(f"{prepared.folder / fold_file(fold)}: damaged; {REMAKE}") from None
    return places


def choose(
    trials: Sequence[ListedTrial],
    places: Mapping[str, Sequence[int]],
    subject: int,
    *,
    where: str,
    single: bool,
    pooled: bool,
) -> dict[str, list[ListedTrial]]:
    """The kept trials of each part, in the order of the split; `where` is what messages call the fold.

    `single`: places are in the list of the subject's own trials, kept or not, else in the whole list. `pooled`: other
    subjects' trials are trained on too. Raises InputError for a split that was made for other trials, lacks a part of
    this subject's, tests on an image twice, or has one on both sides.
    """
    counted = [trial for trial in trials if trial.subject == subject] if single else trials
    parts: dict[str, list[ListedTrial]] = {}
    for part, items in places.items():
        if items and max(items) >= len(counted):
            whose, mend = (f"subject {subject}", "set split=all") if single else ("all", AGAIN)
            raise InputError(
                f"{where} has the index {max(items)} in {part}, and the list of the trials of {whose} ends at "
                f"{len(counted) - 1}: it was made for other trials; {mend}"
            )
        kept = [counted[item] for item in items if counted[item].row is not None]
        parts[part] = [trial for trial in kept if trial.subject == subject or (pooled and part == "train")]
        if not parts[part] and part in ("train", "test"):
            raise InputError(f"{where} has no {part} trial of subject {subject}; choose another")
    _check_images(parts, where)
    return parts


def _check_images(parts: Mapping[str, Sequence[ListedTrial]], where: str) -> None:
    tested = {trial.stimulus for trial in parts["test"]}
    if len(tested) < len(parts["test"]):
        raise InputError(f"{where} tests on an image twice, and one trial of each is wanted; {AGAIN}")
    if both := tested & {trial.stimulus for trial in parts["train"]}:
        raise InputError(
            f"{where} has {min(both)} in train and in test: a model would be tested on what it was trained on; {AGAIN}"
        )
