"""What is done meanwhile that no reader of data has a reason to do: run, connected, read or written outside, left."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pytest

RUN = frozenset(
    {
        *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "os.forkpty", "pty.spawn"),
        *("subprocess.Popen", "ctypes.dlopen", "ctypes.call_function", "pickle.find_class", "webbrowser.open"),
        *("shutil.unpack_archive", "sys.addaudithook", "code.__new__"),
    }
)
CONNECTED = {"socket.connect": 1, "socket.bind": 1, "socket.sendto": 1, "socket.getaddrinfo": 0}
# By event, which of its values are paths that it changes, and the folder that a relative one is below.
CHANGED: dict[str, tuple[tuple[int, int], ...]] = {
    **dict.fromkeys(("os.remove", "os.rmdir"), ((0, 1),)),
    **dict.fromkeys(("os.mkdir", "os.chmod"), ((0, 2),)),
    **dict.fromkeys(("os.truncate", "os.setxattr", "tempfile.mkstemp", "tempfile.mkdtemp"), ((0, -1),)),
    "os.rename": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.link": ((1, 3),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
}
RAN = ("exec", "function.__new__")  # of a code object: an import runs a module's own
SECRETS = ("/etc/passwd",)  # outside of all folders, named by hostile files
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
HERE = ("127.0.0.1", "localhost", None, "")
TASKS = Path("/proc/self/task")
GRACE = 2.0  # s for a thread of a server that was asked to stop

Step = Callable[[], None]


class _Watching:
    def __init__(self, allowed: Path, around: Path | None) -> None:
        self.done: list[str] = []
        self.allowed = os.path.realpath(allowed)
        self.around = os.path.realpath(around or allowed)
        self.folder = -1  # that `os.open` is given by its number: Python's report of it leaves that out
        self.roots = {name.partition(".")[0] for name in sys.modules}
        self.steps: list[Step] = []  # one is taken at each file that is opened: what races with the reader


_watching: list[_Watching] = []
_hooked: list[bool] = []


@contextmanager
def watched(allowed: Path, around: Path | None = None) -> Iterator[list[str]]:
    """What is done meanwhile, a line each; in `allowed` alone may be written. Relative paths are below it.

    around: a folder of which nothing but `allowed` may be read, and all else is compared before and after.
    """
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_note)  # for good: Python takes none back
    watching, before = _Watching(allowed, around), _snapshot(around, allowed)
    threads, children = set(threading.enumerate()), _children()
    try:
        with _installed(watching, str(allowed)):
            yield watching.done
    finally:
        watching.done += [f"leaves the thread {name}" for name in _left(threads)]
        watching.done += [f"leaves the process {child}" for child in sorted(_children() - children)]
        after = _snapshot(around, allowed)
        watching.done += [f"changes {path}" for path in sorted(before.items() ^ after.items())]


@contextmanager
def _installed(watching: _Watching, allowed: str) -> Iterator[None]:
    kept, plain = tempfile.tempdir, os.open

    def told(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        watching.folder = -1 if dir_fd is None else dir_fd
        try:
            return plain(path, flags, mode, dir_fd=dir_fd)
        finally:
            watching.folder = -1

    with chdir(allowed), pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", told)
        tempfile.tempdir = allowed
        _watching.append(watching)
        try:
            yield
        finally:
            _watching.pop()
            tempfile.tempdir = kept


def at_each_file(steps: list[Step]) -> None:
    """Take one of these steps at each file that is opened from here on, while the watch lasts."""
    _watching[-1].steps = steps


def _note(event: str, values: tuple[Any, ...]) -> None:
    if not _watching:
        return
    watching = _watching[-1]
    if event == "open":
        _opened(watching, *values[:3])
    elif event in CHANGED:
        for place, folder in CHANGED[event]:
            _changed(watching, event, values[place], values[folder] if folder > 0 else -1)
    elif event in RUN:
        watching.done.append(f"{event} {values!r:.80}")
    elif event in CONNECTED:
        address = values[CONNECTED[event]]
        host = address[0] if isinstance(address, tuple) else address
        if host not in HERE:
            watching.done.append(f"{event} {host!r:.80}")
    elif event == "import":
        if str(values[0]).partition(".")[0] not in watching.roots:
            watching.done.append(f"import {values[0]}")
    elif event in RAN:
        if not _of_a_module(values[0]):
            watching.done.append(f"{event} {values!r:.80}")
    elif event == "marshal.loads" and not sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
        watching.done.append(event)


def _of_a_module(code: Any) -> bool:
    """Whether a code object comes from the file of a module that is imported, or is being imported."""
    files = {getattr(module, "__dict__", {}).get("__file__") for module in list(sys.modules.values())}
    return getattr(code, "co_filename", "") in files


def _opened(watching: _Watching, path: Any, mode: Any, flags: int) -> None:
    if not isinstance(path, int):
        real = _real(path, watching.folder if mode is None else -1, followed=not flags & os.O_NOFOLLOW)
        if flags & WRITING:
            _check_written(watching, "writes", real)
        elif (_below(real, watching.around) and not _below(real, watching.allowed)) or real in SECRETS:
            watching.done.append(f"reads {real!r:.300}")
    if watching.steps:
        watching.steps.pop(0)()


def _changed(watching: _Watching, event: str, path: Any, folder: int) -> None:
    if path is not None and not isinstance(path, int):
        _check_written(watching, event, _real(path, folder, followed=False))


def _check_written(watching: _Watching, event: str, real: str) -> None:
    if real != os.devnull and not _below(real, watching.allowed):
        watching.done.append(f"{event} {real!r:.300}")


def _real(path: Any, folder: int, *, followed: bool) -> str:
    """Where a path leads from a folder by its number, or from the working directory; `followed`: a last link too."""
    text = os.path.join(os.getcwd() if folder < 0 else os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(path))
    return (
        os.path.realpath(text)
        if followed
        else os.path.join(os.path.realpath(os.path.dirname(text)), os.path.basename(text))
    )


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _snapshot(around: Path | None, allowed: Path) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for folder, folders, files in os.walk(around) if around else ():
        folders[:] = [name for name in folders if Path(folder, name) != allowed]
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            state = os.lstat(path)
            found[path] = (state.st_mode, 0 if name in folders else state.st_size, state.st_mtime_ns, state.st_ino)
    return {path: values for path, values in found.items() if Path(path) != allowed}


def _left(before: set[threading.Thread]) -> list[str]:
    until = time.monotonic() + GRACE
    while (left := set(threading.enumerate()) - before) and time.monotonic() < until:
        time.sleep(0.01)
    return sorted(thread.name for thread in left)


def _children() -> set[str]:
    """Numbers of the processes that this one began and that are not gone; none where the system is not Linux."""
    return {child for listed in TASKS.glob("*/children") for child in listed.read_text().split()}
