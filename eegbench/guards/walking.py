"""What lies below a folder: what was read of it, and what was not, each with its reason.

Every verb that reads a folder reads it with `walk`. A link is followed where it stays below the top folder, and each
folder is entered through links once: a tree of links has an end. A link that leads out is followed if asked for.
The top folder itself may be a link.
"""

import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from eegbench.errors import InputError
from eegbench.tables import line

FIRST = 3  # names told before the rest are counted

HIDDEN = "hidden"
OTHER = "a file of another kind"
OUT = "a link that leads out of the folder"
LINK = "a link"
LOOP = "a link to a folder that it lies in"
AGAIN = "a link to a folder that was entered through a link before"
NOWHERE = "a link to nothing"
SPECIAL = "no file, but a pipe, a socket or a device"
UNREADABLE = "cannot be read"

PACKED = ("__MACOSX",)  # folders of resource forks, which macOS puts into archives

Note = Callable[[str], None]  # gets a line for each reason why something was not read


class Links(Enum):
    """Which links are followed: none, those that stay below the top folder, or all."""

    NONE = "none"
    INSIDE = "inside"
    ALL = "all"

    @classmethod
    def of(cls, follow: bool) -> "Links":
        return cls.ALL if follow else cls.INSIDE


@dataclass(frozen=True)
class Unread:
    """What was not read. path: below the top folder, a folder's with / at its end. folder: is one, or may be."""

    path: str
    reason: str
    folder: bool = False
    detail: str = ""


@dataclass(frozen=True)
class Entered:
    """A folder that was read. path: below the top folder, "" for it; real: without links; files: their names."""

    path: str
    real: str
    files: tuple[str, ...]
    folders: tuple[str, ...] = ()
    linked: bool = False  # lies behind a link


@dataclass(frozen=True)
class Tree:
    """The folders below `top`, itself included, in the order of their paths, and what was not read."""

    top: Path
    entered: tuple[Entered, ...]
    unread: tuple[Unread, ...]

    def files(self) -> Iterator[tuple[str, Path]]:
        """Each file by its path below the top folder."""
        for folder in self.entered:
            for name in folder.files:
                path = f"{folder.path}{name}"
                yield path, self.top / path


def walk(top: Path, *, links: Links = Links.INSIDE, whole: Callable[[frozenset[str]], bool] | None = None) -> Tree:
    """All files and folders below `top`, in an order that depends on names alone.

    whole: whether a folder with these names in it is one item, whose own folders are not entered. Raises InputError
    where `top` is no folder, or cannot be read.
    """
    walker = _Walker(top, os.path.realpath(top), links, whole or (lambda names: False))
    walker.run()
    return Tree(top, tuple(walker.entered), tuple(sorted(walker.unread, key=lambda place: place.path)))


def unheard(note: str) -> None:
    """A Note that does nothing with what was not read."""


def unread_lines(top: Path, unread: Iterable[Unread]) -> list[str]:
    """What was not read, in words: a line for each reason, with how many there are and the first few."""
    by_reason: dict[str, list[str]] = {}
    for place in unread:
        by_reason.setdefault(place.reason, []).append(place.path)
    return [
        f"{line(str(top))}: {len(paths)} not read: {few(paths)} ({reason})"
        for reason, paths in sorted(by_reason.items())
    ]


def few(names: Sequence[str], first: int = FIRST) -> str:
    """The first few names, and how many more there are; "none" where there are none."""
    more = f" and {len(names) - first} more" if len(names) > first else ""
    return ", ".join(line(name) for name in names[:first]) + more if names else "none"


def form(name: str) -> str:
    """A stimulus id, or a file's name, in the one Unicode form in which they are compared: systems write several."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


@dataclass(frozen=True)
class _Place:
    """A folder to enter. jumps: the folders, without links, in which links on the way here lay."""

    path: str
    real: str
    jumps: tuple[str, ...] = ()

    def lies_in(self, real: str) -> bool:
        return any(_is_below(folder, real) for folder in (self.real, *self.jumps))


@dataclass
class _Walker:
    top: Path
    root: str
    links: Links
    whole: Callable[[frozenset[str]], bool]
    entered: list[Entered] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    through_links: set[str] = field(default_factory=set)

    def run(self) -> None:
        waiting = [_Place("", self.root)]
        while waiting:
            place = waiting.pop()
            if place.jumps and place.real in self.through_links:
                self.unread.append(Unread(place.path, AGAIN, folder=True))
                continue
            self.through_links |= {place.real} if place.jumps else set()
            waiting += reversed(self._enter(place))

    def _enter(self, place: _Place) -> list[_Place]:
        """Note the files of one folder; its folders, which are to be entered next."""
        try:
            with os.scandir(self.top / place.path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self._refuse(place, error)
            return []
        if self.whole(frozenset(entry.name for entry in entries)):
            names = tuple(entry.name for entry in entries)
            self.entered.append(Entered(place.path, place.real, names, linked=bool(place.jumps)))
            return []
        files, folders = [], []
        for entry in entries:
            kind = self._kind(place, entry)
            if isinstance(kind, Unread):
                self.unread.append(kind)
            elif isinstance(kind, _Place):
                folders.append(kind)
            else:
                files.append(entry.name)
        names = tuple(Path(folder.path).name for folder in folders)
        self.entered.append(Entered(place.path, place.real, tuple(files), names, bool(place.jumps)))
        return folders

    def _refuse(self, place: _Place, error: OSError) -> None:
        reason = error.strerror or type(error).__name__
        if not place.path:
            wanted = "no such folder" if not self.top.is_dir() else f"cannot be read ({reason})"
            raise InputError(f"{self.top}: {wanted}; name a folder that is there and can be read") from error
        self.unread.append(Unread(place.path, UNREADABLE, folder=True, detail=reason))

    def _kind(self, place: _Place, entry: "os.DirEntry[str]") -> "Unread | _Place | None":
        """Why an entry is not read, or the folder that it is; None for a file."""
        path = place.path + entry.name
        linked = entry.is_symlink()
        if entry.name.startswith(".") or entry.name in PACKED:
            folder = entry.is_dir(follow_symlinks=False)
            return Unread(f"{path}/" if folder else path, HIDDEN, folder)
        try:
            mode = os.stat(self.top / path).st_mode
        except OSError as error:
            folder = not os.path.splitext(entry.name)[1]
            return Unread(path, NOWHERE if linked else UNREADABLE, folder, error.strerror or "")
        folder = stat.S_ISDIR(mode)
        path += "/" if folder else ""
        if not folder and not stat.S_ISREG(mode):
            return Unread(path, SPECIAL)
        if not linked:
            return _Place(path, os.path.join(place.real, entry.name), place.jumps) if folder else None
        target = os.path.realpath(self.top / path)
        if self.links is not Links.ALL and (self.links is Links.NONE or not _is_below(target, self.root)):
            return Unread(path, LINK if self.links is Links.NONE else OUT, folder)
        if not folder:
            return None
        if place.lies_in(target):
            return Unread(path, LOOP, folder)
        return _Place(path, target, (*place.jumps, place.real))


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
