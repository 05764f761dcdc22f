"""A stranger's folder, opened once and read by descriptors: a change meanwhile cannot lead out of it.

Each component of a path is opened relative to the folder that it lies in and is never followed where it is a link, so
that nothing outside the folder is read. A pipe is never waited for, and a file is read no further than its length when
it was opened. Names that begin with a dot were left by a system or a killed write: they are never looked at.

Where the system knows no descriptors of folders (Windows), each component is looked at by its path before and after
the file is opened.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from eegbench.errors import InputError
from eegbench.files import MAX_PATH
from eegbench.runs.record import MAX_IMAGES

MAX_FILE = 2**28  # bytes of one file
MAX_BYTES = 2**32  # of all files that are copied
MAX_FILES = 2 * MAX_IMAGES + 1000  # images, those of the audit, and what lies beside them
PORTION = 2**20  # bytes read at once

FILE, LINK, OTHER = "a file", "a link", "no file, but a pipe, a socket or a device"

_BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd and os.scandir in os.supports_fd
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NOFOLLOW, _NONBLOCK = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_FOLDER = _READ | getattr(os, "O_DIRECTORY", 0)
_REPARSE = getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0)


class Opened:
    """A folder held open. `names` says what lies in it, `copy` takes a file of it; close it, or use it in a `with`."""

    def __init__(self, top: Path, below: Sequence[str] = (), *, links: bool = False) -> None:
        """The folder `below` the folder `top`; `links`: `top` may be one, or lie behind one.

        Raises InputError where there is none.
        """
        self.path = top.joinpath(*below)
        self.left = MAX_BYTES
        self._folder = -1
        if not links and _is_link(os.lstat(top)):
            raise InputError(f"{top}: is a link; name the folder itself")
        if _BY_DESCRIPTOR:
            try:
                self._folder = above = os.open(top, _FOLDER | (0 if links else _NOFOLLOW))
                try:
                    self._folder = self._enter(below)
                finally:
                    os.close(above)
            except OSError as error:
                raise InputError(f"{self.path}: {_why(error)}") from None
        elif not self.path.is_dir():
            raise InputError(f"{self.path}: is no folder")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def names(self) -> dict[str, str]:
        """All that is no folder, by its path with / between its parts, in order: a file, a link, or something else.

        Raises InputError for more than MAX_FILES, for paths that are too long, and for a folder that cannot be read.
        """
        kinds: dict[str, str] = {}
        waiting: list[tuple[str, ...]] = [()]
        seen = 0
        while waiting:
            parts = waiting.pop()
            for name, kind in self._scan(parts):
                seen += 1
                path = "/".join((*parts, name))
                if seen > MAX_FILES:
                    raise InputError(f"{self.path}: holds more than {MAX_FILES} files and folders; no run does")
                if len(path) > MAX_PATH:
                    raise InputError(f"{self.path}: holds a path of more than {MAX_PATH} characters; no run does")
                if kind:
                    kinds[path] = kind
                else:
                    waiting.append((*parts, name))
        return dict(sorted(kinds.items()))

    def copy(self, name: str, target: Path) -> None:
        """Copy one file, a path with / between its parts, to `target`, which must not be there.

        Raises InputError for what is no file or lies behind a link, for one that grows or is too large, and where the
        files that were copied are too large together; OSError where `target` cannot be written.
        """
        with os.fdopen(self._open(name), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_FILE:
                raise InputError(f"{self.path / name}: {size} bytes; at most {MAX_FILE} are taken in")
            self.left -= size
            if self.left < 0:
                raise InputError(
                    f"{self.path}: its files have more than {MAX_BYTES} bytes, which is as many as a run may"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as copy:
                while portion := self._read(file.read, name, min(PORTION, size - copy.tell())):
                    copy.write(portion)
                if self._read(file.read, name, 1):
                    raise InputError(f"{self.path / name}: grew while it was copied; send it when it is finished")

    def _read(self, read: Callable[[int], bytes], name: str, size: int) -> bytes:
        try:
            return read(size)
        except OSError as error:
            raise InputError(f"{self.path / name}: cannot be read ({error.strerror})") from None

    def _open(self, name: str) -> int:
        """A descriptor of a regular file; its kind is checked before, because opening a device may act on it."""
        *folders, last = name.split("/")
        try:
            if not _BY_DESCRIPTOR:
                return self._open_by_path(name)
            inside = self._enter(folders)
            try:
                self._check_file(name, os.stat(last, dir_fd=inside, follow_symlinks=False))
                file = os.open(last, _READ | _NOFOLLOW | _NONBLOCK, dir_fd=inside)
            finally:
                os.close(inside)
        except FileNotFoundError:
            raise InputError(f"{self.path / name}: is missing from its run") from None
        except OSError as error:
            raise InputError(f"{self.path / name}: {_why(error)}") from None
        return self._checked(name, file)

    def _checked(self, name: str, file: int) -> int:
        try:
            self._check_file(name, os.fstat(file))
        except InputError:
            os.close(file)
            raise
        return file

    def _check_file(self, name: str, status: os.stat_result) -> None:
        if _is_link(status):
            raise InputError(f"{self.path / name}: is a link, or lies behind one; send the file itself")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{self.path / name}: is no file")

    def _enter(self, folders: Sequence[str]) -> int:
        """A descriptor of the folder below; links are not followed."""
        inside = os.dup(self._folder)
        for place, name in enumerate(folders):
            try:
                if _is_link(os.stat(name, dir_fd=inside, follow_symlinks=False)):
                    path = self.path.joinpath(*folders[: place + 1])
                    raise InputError(f"{path}: is a link, or lies behind one; send the folder itself")
                inner = os.open(name, _FOLDER | _NOFOLLOW, dir_fd=inside)
            finally:
                os.close(inside)
            inside = inner
        return inside

    def _scan(self, parts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """The entries of a folder and of what kind they are, "" for a folder."""
        where = self.path.joinpath(*parts)
        try:
            inside: int | Path = self._enter(parts) if _BY_DESCRIPTOR else where
            try:
                with os.scandir(inside) as entries:
                    yield from ((entry.name, _kind(entry)) for entry in entries if not entry.name.startswith("."))
            finally:
                if isinstance(inside, int):
                    os.close(inside)
        except OSError as error:
            raise InputError(f"{where}: {_why(error)}") from None

    def _open_by_path(self, name: str) -> int:
        path = self.path / name
        before = self._by_path(name)
        file = self._checked(name, os.open(path, _READ | _NONBLOCK))
        status = os.fstat(file)
        if not os.path.samestat(status, before) or not os.path.samestat(status, self._by_path(name)):
            os.close(file)
            raise InputError(f"{path}: became another while it was opened; send it again")
        return file

    def _by_path(self, name: str) -> os.stat_result:
        path = self.path
        for part in name.split("/"):
            path /= part
            status = os.lstat(path)
            if _is_link(status):
                raise InputError(f"{path}: is a link, or lies behind one; send the file itself")
        self._check_file(name, status)
        return status


def _why(error: OSError) -> str:
    """Why something that was there just before cannot be opened, in words."""
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "became a link, or something else, while it was read; send it again"
    return f"cannot be opened ({error.strerror or type(error).__name__})"


def _is_link(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or bool(getattr(status, "st_file_attributes", 0) & _REPARSE)


def _kind(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink() or _is_link(entry.stat(follow_symlinks=False)):
        return LINK
    if entry.is_dir(follow_symlinks=False):
        return ""
    return FILE if entry.is_file(follow_symlinks=False) else OTHER
