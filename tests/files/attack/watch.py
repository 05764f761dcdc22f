"""What is done meanwhile that no reader of data has a reason to do: run, connected, written outside, or left behind."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RUN = frozenset(
    {
        *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "os.forkpty", "pty.spawn"),
        *("subprocess.Popen", "ctypes.dlopen", "ctypes.call_function", "pickle.find_class", "webbrowser.open"),
        *("shutil.unpack_archive", "sys.addaudithook"),
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
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
HERE = ("127.0.0.1", "localhost", None, "")
TASKS = Path("/proc/self/task")
GRACE = 2.0  # s for a thread of a server that was asked to stop

Step = Callable[[], None]


class _Watching:
    def __init__(self, allowed: Path) -> None:
        self.done: list[str] = []
        self.allowed = os.path.realpath(allowed)
        self.roots = {name.partition(".")[0] for name in sys.modules}
        self.steps: list[Step] = []  # one is taken at each file that is opened: what races with the reader


_watching: list[_Watching] = []
_hooked: list[bool] = []


@contextmanager
def watched(allowed: Path, around: Path | None = None) -> Iterator[list[str]]:
    """What is done meanwhile, a line each; in `allowed` alone may be written.

    around: a folder of which all but `allowed` is compared before and after.
    """
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_note)  # for good: Python takes none back
    watching, before = _Watching(allowed), _snapshot(around, allowed)
    threads, children = set(threading.enumerate()), _children()
    kept, tempfile.tempdir = tempfile.tempdir, str(allowed)
    _watching.append(watching)
    try:
        yield watching.done
    finally:
        _watching.pop()
        tempfile.tempdir = kept
        watching.done += [f"leaves the thread {name}" for name in _left(threads)]
        watching.done += [f"leaves the process {child}" for child in sorted(_children() - children)]
        after = _snapshot(around, allowed)
        watching.done += [f"changes {path}" for path in sorted(before.items() ^ after.items())]


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
    elif event == "exec":
        if getattr(values[0], "co_filename", "").startswith("<string>"):
            watching.done.append(f"exec {values!r:.80}")
    elif event == "compile" and values[0] is not None and values[1] == "<string>":
        watching.done.append(f"compile {values!r:.80}")


def _opened(watching: _Watching, path: Any, mode: Any, flags: Any) -> None:
    writes = set(mode) & set("wax+") if isinstance(mode, str) else isinstance(flags, int) and flags & WRITING
    if writes:
        _changed(watching, "writes", path, -1)
    if watching.steps:
        watching.steps.pop(0)()


def _changed(watching: _Watching, event: str, path: Any, folder: int) -> None:
    """A relative path below a folder that only its number tells is seen by the comparison of folders."""
    if isinstance(path, int) or path is None or os.fspath(path) in (os.devnull, os.fsencode(os.devnull)):
        return
    text = os.fsdecode(path)
    if not os.path.isabs(text):
        if folder < 0:
            return
        text = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), text)
    real = os.path.join(os.path.realpath(os.path.dirname(text)), os.path.basename(text))
    if real != watching.allowed and not real.startswith(watching.allowed + os.sep):
        watching.done.append(f"{event} {text!r:.300}")


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
