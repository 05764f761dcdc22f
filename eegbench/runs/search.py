"""The runs below a folder, and what was not looked into.

`read_runs` raises InputError for the first file that breaks its format, or that does not belong with the others.
`read_found` goes on with the other runs and names each that it could not read: one broken run stops no other, and none
is left out silently.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eegbench.errors import CheckFailed, InputError, in_words
from eegbench.guards import walking
from eegbench.guards.walking import Entered, Links, Unread, few, unread_lines, walk
from eegbench.runs.folder import Run, below, cut
from eegbench.runs.layout import IMAGES, LOCKS, RECORD, SHEET, STUDY
from eegbench.tables import line

NO_RECORD = f"no {RECORD} in it, though it looks like a run"
SAME = "a link to a run that is read by another path"
OWN = (f"{LOCKS}/", f"{STUDY}/")
LOST = (walking.OUT, walking.LINK, walking.NOWHERE)


@dataclass(frozen=True)
class Unreadable:
    """A run that cannot be read, and why, in one line. path: below the folder in which runs were sought."""

    path: str
    why: str

    @classmethod
    def of(cls, folder: Path, path: str, error: Exception) -> "Unreadable":
        """The entry for a run that raised this exception; its line has no path of this machine."""
        words = line(below(folder, in_words(error)))
        return cls(path, cut(words))

    def line(self) -> str:
        return f"cannot be read: {line(self.path)}: {self.why}"


@dataclass(frozen=True)
class RunFolders:
    """The folders below `top` that hold a run, in the order of their paths, and what was not looked into."""

    top: Path
    folders: tuple[Path, ...]
    unread: tuple[Unread, ...]

    @property
    def lost(self) -> tuple[Unread, ...]:
        """The places that were not looked into, where runs may lie: links to folders, or to nothing."""
        return tuple(place for place in self.unread if place.folder and place.reason in LOST)

    @property
    def closed(self) -> tuple[Unreadable, ...]:
        """The folders that cannot be read, in which runs may lie."""
        closed = [place for place in self.unread if place.folder and place.reason == walking.UNREADABLE]
        return tuple(Unreadable(place.path, place.detail or place.reason) for place in closed)

    def notes(self) -> list[str]:
        """What was not read: a line for each reason."""
        return unread_lines(self.top, self.unread)

    def check_open(self) -> None:
        """Raises InputError for a folder that cannot be read."""
        for folder in self.closed:
            raise InputError(f"{self.top / folder.path}: cannot be read ({folder.why}), and runs may lie there")

    def check_whole(self) -> None:
        """Raises InputError where runs may lie that were not looked at."""
        self.check_open()
        if self.lost:
            names = few([f"{place.path} ({place.reason})" for place in self.lost])
            raise InputError(
                f"{self.top}: not all of it was looked at; {len(self.lost)} not followed: {names}; "
                "follow links (--follow-links, in Python follow_links=True), or take them away"
            )


def read_runs(top: Path) -> list[Run]:
    """All runs below a folder, in the order of their paths, without the rows of their images; as `find_runs`.

    Raises InputError for the first that cannot be read, since no run may be left out.
    """
    tree = find_runs(top)
    tree.check_open()
    return [Run.open(folder, top=top, manifest=False) for folder in tree.folders]


def read_found(tree: RunFolders) -> tuple[list[Run], list[Unreadable]]:
    """The runs of these folders, with values but without the rows of their images; and those that cannot be read."""
    sound, broken = [], list(tree.closed)
    for folder in tree.folders:
        try:
            run = Run.open(folder, top=tree.top, manifest=False)
            run.values  # noqa: B018 - a run with a broken table cannot be read
            sound.append(run)
        except Exception as error:  # any fault of a stranger's file is a fault of that run alone
            broken.append(Unreadable.of(folder, folder.relative_to(tree.top).as_posix(), error))
    return sound, sorted(broken, key=lambda run: run.path)


def check_read(unreadable: Sequence[Unreadable], read: int, what: str) -> None:
    """Raises CheckFailed where runs cannot be read beside `read` others; what: what follows from that, in words."""
    if unreadable:
        every = len(unreadable) + read
        raise CheckFailed(f"{len(unreadable)} of {every} runs cannot be read, and {what}; see above")


def find_runs(top: Path, links: Links = Links.INSIDE) -> RunFolders:
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
    # Files, and links to them, can be no run: they are not reported. Nor are folders of our own.
    unread = [place for place in tree.unread if place.folder and place.path not in OWN]
    return RunFolders(top, tuple(folders), tuple(sorted([*unread, *again, *without], key=lambda place: place.path)))


def _once(runs: Sequence[Entered]) -> tuple[list[Entered], list[Unread]]:
    """Each run once, by one path; and the other paths to it, which lead through links."""
    kept: dict[str, Entered] = {}
    again = []
    for run in sorted(runs, key=lambda run: (run.linked, run.path)):
        if kept.setdefault(run.real, run) is not run:
            again.append(Unread(run.path, SAME, folder=True))
    return list(kept.values()), again


def _like_a_run(folder: Entered) -> bool:
    return SHEET in folder.files or IMAGES in folder.folders
