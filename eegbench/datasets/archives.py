"""Zip archives from the web: unpacked within a folder and within limits, or refused in one line."""

import itertools
import lzma
import os
import secrets
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing
from pathlib import Path

from eegbench.contracts import Progress
from eegbench.download import check_room
from eegbench.errors import InputError
from eegbench.files import is_inside, writing
from eegbench.guards import zips
from eegbench.guards.budget import Budget

MOST_BYTES = 2**38
MOST_FILES = 100_000
DEEPEST = 64  # folders in folders
FILE, FOLDER = 200, 40  # steps that a file costs, and each folder that it lies in
QUICK, SLOW = 250, 30  # bytes a step: as they are or deflated, and by other ways of packing
PIECE = 2**20
MEND = "choose another folder"
ENCRYPTED = 1  # flag of an entry
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)


def unpack(
    path: Path,
    folder: Path,
    *,
    most_bytes: int = MOST_BYTES,
    most_files: int = MOST_FILES,
    progress: Progress,
    below: str = "",
    only: Collection[str] | None = None,
) -> tuple[str, ...]:
    """Write a zip archive's files into `folder` and return their names there; those with their size are left.

    below: take only what lies in this folder of the archive, and leave its name off. only: take only these of the
    names that remain. Each file gets its name when it is whole and its checksum agrees, so that the same call takes
    up what was interrupted. Raises InputError for an archive that is damaged or larger than the limits, and for one
    with an entry that is encrypted, a link or a device, twice there, or outside the folder: then nothing is written.
    """
    budget = Budget.of(path)
    with _opened(path, budget) as archive:
        entries = _checked(path, archive, most_bytes, most_files)
        inside = {name.removeprefix(f"{below}/"): e for name, e in entries.items() if name.startswith(f"{below}/")}
        chosen = {n: e for n, e in (inside if below else entries).items() if only is None or n in only}
        for name, entry in chosen.items():
            budget.steps(_work(name, entry))
        with writing(folder, mend=MEND):
            folder.mkdir(parents=True, exist_ok=True)
        lacking = {name: e for name, e in chosen.items() if not _is_complete(folder / name, e.file_size)}
        check_room(folder, sum(entry.file_size for entry in lacking.values()))
        total = sum(entry.file_size for entry in chosen.values())
        with progress.bar(f"unpack {path.name}", total) as advance:
            advance(total - sum(entry.file_size for entry in lacking.values()))
            for name, entry in lacking.items():
                with closing(_pieces(path, archive, entry)) as pieces:
                    _write(folder, name, pieces, advance)
    return tuple(chosen)


def names(path: Path) -> frozenset[str]:
    """The names of an archive's files, as far as `unpack` would take them; raises InputError as it does."""
    with _opened(path, Budget.of(path)) as archive:
        return frozenset(_checked(path, archive, MOST_BYTES, MOST_FILES))


def _opened(path: Path, budget: Budget) -> zipfile.ZipFile:
    try:
        return zips.opened(path, budget)
    except (*UNREADABLE, OSError) as error:
        raise InputError(f"{path}: cannot be read as a zip archive ({error}); delete it and fetch it again") from None


def _checked(path: Path, archive: zipfile.ZipFile, most_bytes: int, most_files: int) -> dict[str, zipfile.ZipInfo]:
    """The archive's files by name, none harmful by where it goes, what it is or how large it says it is."""
    infos = archive.infolist()
    if len(infos) > most_files:
        raise InputError(f"{path}: holds {len(infos)} entries; at most {most_files} are unpacked")
    if (size := sum(info.file_size for info in infos)) > most_bytes:
        raise InputError(f"{path}: holds {size} bytes unpacked; at most {most_bytes} are unpacked")
    files: dict[str, zipfile.ZipInfo] = {}
    seen: dict[str, str] = {}
    for info in infos:
        name = info.orig_filename.removesuffix("/")
        _check_entry(path, name, info)
        if (same := _folded(name)) in seen:  # one file on some file systems
            raise InputError(f"{path}: holds {name[:200]!r} twice; it is refused")
        seen[same] = name
        if not info.orig_filename.endswith("/"):
            files[name] = info
    ordered = sorted((same.replace("/", "\0"), name) for same, name in seen.items())  # a folder, then what lies in it
    for (outer, name), (inner, _) in itertools.pairwise(ordered):
        if name in files and inner.startswith(f"{outer}\0"):
            raise InputError(f"{path}: holds {name[:200]!r} as a file and as a folder; it is refused")
    return files


def _work(name: str, entry: zipfile.ZipInfo) -> int:
    """Steps that one file costs: itself, the folders that it lies in, its bytes."""
    quick = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return FILE + FOLDER * name.count("/") + entry.file_size // (QUICK if quick else SLOW)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _check_entry(path: Path, name: str, info: zipfile.ZipInfo) -> None:
    shown = repr(name[:200])
    if name.count("/") > DEEPEST:
        raise InputError(f"{path}: holds {shown}, in more than {DEEPEST} folders; it is refused")
    if not is_inside(name):
        raise InputError(f"{path}: holds {shown}, which is no path inside a folder; it is refused")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(f"{path}: {shown} is a link or a device; wanted files alone, it is refused")
    if info.flag_bits & ENCRYPTED:
        raise InputError(f"{path}: {shown} is encrypted; unpack it by hand with its password")


def _is_complete(target: Path, size: int) -> bool:
    return target.is_file() and not target.is_symlink() and target.stat().st_size == size


def _pieces(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Generator[bytes, None, None]:
    """An entry's bytes, checksum compared; never more than its header says, for those sums were held to the limit."""
    came = 0
    try:
        with archive.open(entry) as file:
            while piece := file.read(PIECE):
                came += len(piece)
                if came > entry.file_size:
                    break
                yield piece
    except (*UNREADABLE, OSError) as error:
        raise InputError(
            f"{path}: {entry.filename!r} is damaged ({error}); delete the archive and fetch it again"
        ) from None
    if came != entry.file_size:
        raise InputError(
            f"{path}: {entry.filename!r} does not have the {entry.file_size} bytes that its header says; delete the "
            f"archive and fetch it again"
        )


def _write(folder: Path, name: str, pieces: Iterator[bytes], advance: Callable[[int], None]) -> None:
    """Write a file beside `folder`, where no entry's name can be in its way, then move it to its place."""
    target = folder / name
    temporary = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.tmp")
    with writing(target, mend=MEND):
        target.parent.mkdir(parents=True, exist_ok=True)
    if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(folder)):
        raise InputError(f"{target.parent}: a link that leads out of {folder}; take it away")
    try:
        with writing(target, mend=MEND), temporary.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                advance(len(piece))
        with writing(target, mend=MEND):
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
