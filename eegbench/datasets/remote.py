"""Where the files of published data sets come from: some are downloaded, the others are named with their page.

Files of an OSF node are recognised by name: a file by the end of its path, a packed file or folder by the archive that
has the name of its folder.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from eegbench.contracts import Progress
from eegbench.datasets.archives import names, unpack
from eegbench.datasets.osf import API, ListedFile, osf
from eegbench.download import Unreachable, download
from eegbench.errors import InputError, MissingError, UsageError
from eegbench.files import Json, file_digest, is_inside, read_json, write_text, writing
from eegbench.guards.limits import SHA256
from eegbench.guards.redaction import shown
from eegbench.kinds import KINDS, check_kind

MEND = "choose another folder"
LOCK = "fetched.lock.json"
FOLDER = "folder"  # the kind of a path that holds files


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set, or a folder of files.

    path: where it goes below the data set's root. page: where a person finds it. kind: a key of `kinds.KINDS`,
    "folder", or "" for any. address: where it is downloaded from, or "". node: the OSF's node that has it, where no
    address is known; it is looked up there by name.
    """

    path: str
    page: str
    kind: str = ""
    about: str = ""
    address: str = ""
    node: str = ""

    def __post_init__(self) -> None:
        if not is_inside(self.path):
            raise UsageError(f"a data set names the file {self.path!r}; wanted a path below its root")
        if self.kind not in ("", FOLDER, *KINDS):
            raise UsageError(f"{self.path}: kind {self.kind!r}; wanted one of {', '.join((FOLDER, *KINDS))}")


class ByHand(MissingError):
    """Files that were not fetched, and have to be put into their places by hand."""

    def __init__(self, root: Path, files: Sequence[RemoteFile], reasons: Sequence[str]) -> None:
        self.files = tuple(files)
        pages: dict[str, list[str]] = defaultdict(list)
        for file in files:
            pages[file.page].append(f"{file.path}/" if file.kind == FOLDER else file.path)
        wanted = "; ".join(f"from {page}: {', '.join(paths)}" for page, paths in pages.items())
        self.why = "; ".join(dict.fromkeys(reasons))
        super().__init__(f"{len(files)} not fetched ({self.why}). Put into {root}, {wanted}")


def fetch(
    files: Sequence[RemoteFile], root: Path, *, progress: Progress, offline: bool = False, api: str = API
) -> tuple[str, ...]:
    """Download what is not below `root` yet and return the paths that came; the same call takes up what was cut short.

    Digests, sizes, addresses and dates go to `fetched.lock.json` in `root`, those of files put there by hand too.
    offline: open no connection. Raises ByHand, a MissingError, at the end for what could not be fetched, and
    InputError at once for a file that is of another kind, or another one than the lock file knows.
    """
    lock = _Lock(root / LOCK)
    absent = [file for file in files if not _is_here(file, root, lock)]
    reasons: dict[RemoteFile, str] = {}
    if offline:
        reasons = dict.fromkeys(absent, "offline, no connection was opened")
    fetched: list[str] = []
    gone: dict[str, str] = {}  # servers that cannot be reached, and why
    for source, wanted in _sources(absent, reasons, api).items():
        server = urlsplit(source.listed.address).netloc
        try:
            if server in gone:
                raise MissingError(gone[server])
            take = _take_packed if source.folder else _take
            fetched += take(source, wanted, root, lock, progress)
            why = f"{source.listed.path} does not hold it"
        except (MissingError, InputError) as error:
            why = str(error)
            if isinstance(error, Unreachable):
                gone[server] = why
        reasons |= {file: why for file in wanted if file.path not in fetched}
    if left := [file for file in absent if file in reasons]:
        raise ByHand(root, left, [reasons[file] for file in left])
    return tuple(fetched)


@dataclass(frozen=True)
class _Source:
    """A file to download. folder: the path below root whose files it packs, "" for one that is what was wanted."""

    listed: ListedFile
    folder: str = ""


@dataclass
class _Lock:
    """What is known of the files here. `entries`: path to sha256, bytes, address and day."""

    path: Path
    entries: Json = field(init=False)

    def __post_init__(self) -> None:
        self.entries = read_json(self.path) if self.path.is_file() else {}
        for name, entry in self.entries.items():
            if not isinstance(entry, dict) or not SHA256.fullmatch(str(entry.get("sha256"))):
                raise InputError(f"{self.path}: {name[:200]!r} has no sha256; mend it, or delete the file")

    def digest(self, path: str) -> str:
        return str(self.entries[path]["sha256"]) if path in self.entries else ""

    def add(self, path: str, sha256: str, size: int, address: str) -> None:
        entry = {"sha256": sha256, "bytes": size, "address": shown(address), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        self.entries = (read_json(self.path) if self.path.is_file() else {}) | {path: entry}
        with writing(self.path, mend=MEND):
            write_text(self.path, json.dumps(self.entries, indent=1, sort_keys=True) + "\n")


def _is_here(file: RemoteFile, root: Path, lock: _Lock) -> bool:
    """Whether a file is below root, as the lock file knows it; one that is new to the lock is checked and added."""
    path = root / file.path
    if file.kind == FOLDER:
        return path.is_dir() and any(path.iterdir())
    if not path.is_file():
        return False
    known = lock.digest(file.path)
    if not known:
        check_kind(path, file.kind or None)
    sha256 = file_digest(path)
    if not known:
        lock.add(file.path, sha256, path.stat().st_size, "")
    elif sha256 != known:
        raise InputError(
            f"{path}: sha256 {sha256[:16]}..., {LOCK} has {known[:16]}...; delete the file and fetch it again, or "
            f"delete its entry there if the change was meant"
        )
    return True


def _sources(files: Sequence[RemoteFile], reasons: dict[RemoteFile, str], api: str) -> dict[_Source, list[RemoteFile]]:
    """The files that each download gives; the reason why a file has no download is added to `reasons`."""
    files_of: dict[_Source, list[RemoteFile]] = defaultdict(list)
    nodes: dict[str, tuple[ListedFile, ...] | str] = {}
    for file in files:
        if file in reasons:
            continue
        if file.address:
            files_of[_Source(ListedFile(file.path, file.address))].append(file)
        elif not file.node:
            reasons[file] = "no direct address is known"
        else:
            if file.node not in nodes:
                nodes[file.node] = _listed_or_why(file.node, api)
            listed = nodes[file.node]
            source = listed if isinstance(listed, str) else _match(file, listed)
            if isinstance(source, str):
                reasons[file] = source
            else:
                files_of[source].append(file)
    return files_of


def _listed_or_why(node: str, api: str) -> tuple[ListedFile, ...] | str:
    try:
        return osf(node, api=api)
    except (MissingError, InputError) as error:
        return str(error)


def _match(file: RemoteFile, listed: Sequence[ListedFile]) -> _Source | str:
    """The one listed file with the wanted name, or the one archive named as a folder that the wanted one is in.

    Where there is none, why.
    """
    parts = PurePosixPath(file.path).parts
    wanted = [(parts, "")] if file.kind != FOLDER else []
    for depth in range(len(parts) if file.kind == FOLDER else len(parts) - 1, 0, -1):
        folder = parts[:depth]
        wanted.append(((*folder[:-1], f"{folder[-1]}.zip"), "/".join(folder)))
    for name, packed in wanted:
        matches = _ending(name, listed)
        if len(matches) > 1:
            return f"the node {file.node} lists several files of that name"
        if matches:
            return _Source(matches[0], packed)
    return f"the node {file.node} lists no such name"


def _ending(parts: tuple[str, ...], listed: Sequence[ListedFile]) -> list[ListedFile]:
    """The listed files whose paths end in `parts`.

    The first folder of a path is this package's name for a whole node, so that the node may lack it; but a file in a
    folder of another name is another file.
    """
    paths = [(file, PurePosixPath(file.path).parts) for file in listed]
    exact = [file for file, path in paths if path[-len(parts) :] == parts]
    return exact or [file for file, path in paths if path == parts[1:]]


def _take(source: _Source, wanted: Sequence[RemoteFile], root: Path, lock: _Lock, progress: Progress) -> list[str]:
    """Download a file to its place."""
    file, listed = wanted[0], source.listed
    path = root / file.path
    sha256 = download(
        listed.address, path, progress=progress, size=listed.size, kind=file.kind or None, sha256=listed.sha256
    )
    lock.add(file.path, sha256, path.stat().st_size, listed.address)
    return [file.path]


def _take_packed(
    source: _Source, wanted: Sequence[RemoteFile], root: Path, lock: _Lock, progress: Progress
) -> list[str]:
    """Download an archive and move what was wanted of it to its place; returns what it held."""
    listed, folder = source.listed, root / source.folder
    archive = folder.with_name(f"{folder.name}.fetched.zip")
    if not archive.is_file():  # else it came whole, and unpacking it was cut short
        download(listed.address, archive, progress=progress, size=listed.size, kind="zip", sha256=listed.sha256)
    packed = names(archive)
    below = f"{folder.name}/" if any(name.startswith(f"{folder.name}/") for name in packed) else ""
    held = {name.removeprefix(below) for name in packed if name.startswith(below)}
    inner = {file: file.path.removeprefix(source.folder).removeprefix("/") for file in wanted}
    lies_in = {
        file: {n for n in held if not name or n == name or n.startswith(f"{name}/")} for file, name in inner.items()
    }
    aside = folder.with_name(f"{folder.name}.unpacked")
    unpack(archive, aside, progress=progress, below=below.rstrip("/"), only=set().union(*lies_in.values()))
    fetched = [file for file in wanted if lies_in[file]]
    for file in fetched:
        if file.kind != FOLDER:
            check_kind(aside / inner[file], file.kind or None)
    for file in fetched:
        path = root / file.path
        with writing(path, mend=MEND):
            path.parent.mkdir(parents=True, exist_ok=True)
            (aside / inner[file]).replace(path)
        locked = archive if file.kind == FOLDER else path  # a folder is known by the archive that it came in
        lock.add(file.path, file_digest(locked), locked.stat().st_size, listed.address)
    shutil.rmtree(aside, ignore_errors=True)
    if len(fetched) == len(wanted):  # else the user may look for the rest in it
        archive.unlink()
    return [file.path for file in fetched]
