"""A run's folder as it is read: its record, its scores if they belong to it, and its values by stimulus.

`read` raises InputError for the first file that breaks its format, or that does not belong with the others.
`read_found` goes on with the other runs and names each that it could not read, whatever went wrong: one stranger's run
stops nobody else's, and none is left out in silence.
"""

import functools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eegbench import values, walking
from eegbench.errors import CheckFailed, InputError, in_words
from eegbench.records import RunRecord, ScoreSheet
from eegbench.tables import line
from eegbench.values import Values
from eegbench.walking import Entered, Links, Unread, few, told, walk

RECORD, SHEET, TABLE = "run.json", "scores.json", "scores.csv"
IMAGES = "reconstructions"
AGAIN = "run `eegbench evaluate` on it again, which scores it"
NO_RECORD = f"no {RECORD} in it, though it looks like a run"
SAME = "a link to a run that is read by another path"
LOST = (walking.OUT, walking.LINK, walking.NOWHERE)
NOT_YET = "not scored yet"
OTHER_IMAGES = f"its {SHEET} belongs to other images: score it again"
MIXED = (
    f"its {SHEET} is of schema version 1 and its {RECORD} of a later one, so that nothing binds them: score it again"
)
LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Run:
    """One run. `sheet` is None where it is not complete, or has no scores of these images; `unscored` says why."""

    folder: Path
    path: str  # below the folder in which runs were sought, with / between its parts
    record: RunRecord
    sheet: ScoreSheet | None
    unscored: str = ""

    @property
    def name(self) -> str:
        spec = self.record.spec
        return f"sub-{spec.subject:02d} seed-{spec.seed}"

    @functools.cached_property
    def values(self) -> Values | None:
        """The scores by stimulus; None where there are none. Their means are the sheet's values."""
        path = self.folder / TABLE
        if self.sheet is None or not os.path.lexists(path):
            return None
        found = values.read(path)
        if found.metrics and len(found.stimuli) != self.sheet.n:
            raise InputError(f"{path}: has {len(found.stimuli)} stimuli, {SHEET} stands on {self.sheet.n}; {AGAIN}")
        for (metric, version), items in found.metrics.items():
            score = self.sheet.metrics.get(metric)
            if score is None or score.version != version:
                raise InputError(f"{path}: has {metric}@{version}, which {SHEET} has not; {AGAIN}")
            known = items[np.isfinite(items)]
            mean = float(known.sum() / len(known)) if len(known) else None
            if not _equal(mean, score.value, float(np.abs(known).mean()) if len(known) else 0.0):
                raise InputError(f"{path}: has {mean} as the mean of {metric}, {SHEET} has {score.value}; {AGAIN}")
        return found


def read(folder: Path, *, top: Path | None = None, manifest: bool = True) -> Run:
    """The run of a folder; with `manifest=False` without the rows of its images, which are most of a record."""
    record = RunRecord.read(folder / RECORD, manifest=manifest)
    path = folder.relative_to(top).as_posix() if top else folder.as_posix()
    if record.status != "complete":  # scores beside a run that was started again belong to images that may be gone
        reason = f": {_cut(record.reason)}" if record.reason else ""
        return Run(folder, path, record, None, f"status {record.status}{reason}")
    if not (folder / SHEET).exists():
        return Run(folder, path, record, None, NOT_YET)
    sheet = ScoreSheet.read(folder / SHEET)
    if problem := _unlike(folder, record, sheet):
        return Run(folder, path, record, None, problem)
    return Run(folder, path, record, sheet)


def below(folder: Path, words: str) -> str:
    """Words about a run, in which its files are named without the path of its folder."""
    return words.replace(f"{folder}{os.sep}", "").replace(f"{folder}: ", "")


def _unlike(folder: Path, record: RunRecord, sheet: ScoreSheet) -> str:
    """Why a sheet does not count as the record's; of schema version 1 neither has a digest, and both are believed."""
    own = record.digests.get("reconstructions", "")
    if sheet.reconstructions and not own:  # an older run that was scored anew: its manifest has the images
        own = RunRecord.read(folder / RECORD).images
    if sheet.reconstructions == own:
        return ""
    return OTHER_IMAGES if sheet.reconstructions else MIXED


@dataclass(frozen=True)
class Unreadable:
    """A run that cannot be read, and why, in one line. path: below the folder in which runs were sought."""

    path: str
    why: str

    @classmethod
    def of(cls, folder: Path, path: str, error: Exception) -> "Unreadable":
        """From what went wrong; the line has no path of this machine."""
        words = line(below(folder, in_words(error)))
        return cls(path, _cut(words))

    def line(self) -> str:
        return f"cannot be read: {line(self.path)}: {self.why}"


@dataclass(frozen=True)
class Found:
    """The folders below `top` that hold a run, in the order of their paths, and what was not looked into."""

    top: Path
    folders: tuple[Path, ...]
    unread: tuple[Unread, ...]

    @property
    def lost(self) -> tuple[Unread, ...]:
        """Where runs may lie that were not looked at: links to folders, or to nothing."""
        return tuple(one for one in self.unread if one.folder and one.reason in LOST)

    @property
    def closed(self) -> tuple[Unreadable, ...]:
        """The folders that cannot be read, in which runs may lie."""
        closed = [one for one in self.unread if one.folder and one.reason == walking.UNREADABLE]
        return tuple(Unreadable(one.path, one.detail or one.reason) for one in closed)

    def notes(self) -> list[str]:
        """What a person is told: a line for each reason."""
        return told(self.top, self.unread)

    def check_open(self) -> None:
        """Raises InputError for a folder that cannot be read."""
        for one in self.closed:
            raise InputError(f"{self.top / one.path}: cannot be read ({one.why}), and runs may lie there")

    def check_whole(self) -> None:
        """Raises InputError where runs may lie that were not looked at."""
        self.check_open()
        if self.lost:
            names = few([f"{one.path} ({one.reason})" for one in self.lost])
            raise InputError(
                f"{self.top}: not all of it was looked at; {len(self.lost)} not followed: {names}; "
                "--follow-links follows links, or take them away"
            )


def read_all(top: Path) -> list[Run]:
    """All runs below a folder, in the order of their paths, without the rows of their images; as `find`.

    Raises InputError for the first that cannot be read: who leaves none out has no use for the others.
    """
    found = find(top)
    found.check_open()
    return [read(folder, top=top, manifest=False) for folder in found.folders]


def read_found(found: Found) -> tuple[list[Run], list[Unreadable]]:
    """The runs of these folders, without the rows of their images but with their values, and those that have none."""
    sound, broken = [], list(found.closed)
    for folder in found.folders:
        try:
            run = read(folder, top=found.top, manifest=False)
            run.values  # noqa: B018 - a table of no use makes the run one
            sound.append(run)
        except Exception as error:  # whatever a stranger's file brings about, it is that run's alone
            broken.append(Unreadable.of(folder, folder.relative_to(found.top).as_posix(), error))
    return sound, sorted(broken, key=lambda one: one.path)


def check_read(unreadable: Sequence[Unreadable], read: int, what: str) -> None:
    """Raises CheckFailed where runs cannot be read beside `read` others; what: what they are not, in words."""
    if unreadable:
        every = len(unreadable) + read
        raise CheckFailed(f"{len(unreadable)} of {every} runs cannot be read, and {what}; see above")


def find(top: Path, links: Links = Links.INSIDE) -> Found:
    """The folders below `top` that hold a run; what lies below a run is its images.

    A run that a link leads to is found once, by its own path where it lies below `top`. Raises InputError where `top`
    is no folder, or cannot be read.
    """
    if not top.is_dir():
        raise InputError(f"{top}: no such folder; name the folder that `eegbench evaluate` wrote its runs to")
    tree = walk(top, links=links, whole=lambda names: RECORD in names)
    runs, again = _once([folder for folder in tree.entered if RECORD in folder.files])
    bare = (folder for folder in tree.entered if RECORD not in folder.files)
    without = [Unread(folder.path, NO_RECORD, True) for folder in bare if _like_a_run(folder)]
    folders = sorted(top / folder.path for folder in runs)
    # What no run could be is nobody's news here: other files, and links to them.
    unread = [one for one in tree.unread if one.folder]
    return Found(top, tuple(folders), tuple(sorted([*unread, *again, *without], key=lambda one: one.path)))


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"


def _once(runs: Sequence[Entered]) -> tuple[list[Entered], list[Unread]]:
    """Each run by one path, and the other paths, which links lead along."""
    kept: dict[str, Entered] = {}
    again = []
    for run in sorted(runs, key=lambda run: (run.linked, run.path)):
        if kept.setdefault(run.real, run) is not run:
            again.append(Unread(run.path, SAME, folder=True))
    return list(kept.values()), again


def _like_a_run(folder: Entered) -> bool:
    return SHEET in folder.files or IMAGES in folder.folders


def _equal(a: float | None, b: float | None, size: float) -> bool:
    """Up to the rounding of a mean of numbers of that size, which are kept with twelve digits."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=max(1e-10 * size, 1e-12))
