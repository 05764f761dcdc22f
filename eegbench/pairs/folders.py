"""A folder of images: by the path of each below it, with the samples of each stimulus, and what was not read.

The naming rule: a stimulus id is the file's path below its folder without suffix; a further sample of it is named
<id>.sample-1.png. A part never passes as the whole: images that were not read are an error, unless a subset is wanted.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegbench.benchmark.images import ImageSet, check_usable, from_files
from eegbench.datasets.images import KINDS, SUFFIXES
from eegbench.errors import InputError
from eegbench.guards import walking
from eegbench.guards.walking import Links, Note, Unread, few, form, unheard, unread_lines, walk
from eegbench.runs.layout import SAMPLE

RULE = (
    "a stimulus id is the file's path below its folder without suffix, and a further sample is named <id>.sample-1.png"
)
# Pictures all the same, of kinds that are not read: by their suffix, or by how they begin.
OTHER_SUFFIXES = (
    ".apng", ".avif", ".cr2", ".dib", ".dng", ".exr", ".gif", ".hdr", ".heic", ".heif", ".ico", ".j2k", ".jp2", ".jxl",
    ".mpo", ".nef", ".pbm", ".pcx", ".pgm", ".pnm", ".ppm", ".psd", ".svg", ".tga", ".xbm", ".xpm",
)  # fmt: skip
SIGNATURES = (
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",
    b"GIF8",
    b"II*\0",
    b"MM\0*",
    b"\0\0\0\x0cjP",
    b"\xff\x0a",
    b"\0\0\0\x0cJXL",
)
BOXES = (b"ftypavif", b"ftypheic", b"ftypheix", b"ftypmif1")
NEVER_LOST = (walking.HIDDEN, walking.LOOP)  # what a loop leads to was read


@dataclass(frozen=True)
class Folder:
    """The images below a folder. files: by path below it, in the one Unicode form, in the order of their paths."""

    path: Path
    files: Mapping[str, Path]
    unread: tuple[Unread, ...]

    @functools.cached_property
    def lost(self) -> tuple[Unread, ...]:
        """Images, and folders that may hold some, that were not read."""
        return tuple(entry for entry in self.unread if _may_be_image(self.path, entry))

    def check_whole(self, subset: str = "") -> None:
        """Raises InputError where images were not read. subset: what else the user can do."""
        if self.lost:
            names = few([f"{entry.path} ({entry.reason})" for entry in self.lost])
            raise InputError(
                f"{self.path}: holds more images than were read; {len(self.lost)} not read: {names}; save images as "
                "PNG, follow links that lead out (--follow-links, in Python follow_links=True), take away what does "
                f"not belong here{subset}"
            )

    def by_id(self) -> dict[str, Path]:
        """Each image by its path without suffix; raises InputError where two differ in their suffix alone."""
        images: dict[str, Path] = {}
        for path, file in self.files.items():
            if (twin := images.setdefault(without_suffix(path), file)) is not file:
                raise InputError(f"{file} and {twin.name} are both stimulus {without_suffix(path)!r}; keep one of them")
        return images

    def by_stimulus(self) -> dict[str, dict[int, Path]]:
        """The images by stimulus and sample, as their names have it; raises InputError as `by_id`."""
        samples: dict[str, dict[int, Path]] = {}
        for name, file in self.by_id().items():
            match = SAMPLE.match(name)
            stimulus, sample = (match["stimulus"], int(match["sample"])) if match else (name, 0)
            samples.setdefault(stimulus, {})[sample] = file
        return samples


def read_folder(path: Path, *, follow_links: bool = False, note: Note = unheard) -> Folder:
    """All images below a folder; none of them is opened.

    note: is told what was not read. Raises InputError: no folder, no image in it, two names that differ in Unicode form
    alone.
    """
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; give a folder of images, {KINDS}")
    tree = walk(path, links=Links.of(follow_links))
    files: dict[str, Path] = {}
    unread = list(tree.unread)
    misnamed = [(folder.path[:-1], path / folder.path) for folder in tree.entered if _is_image(folder.path[:-1])]
    for name, file in sorted([*tree.files(), *misnamed]):  # decoding refuses a folder by its name
        if not _is_image(name):
            unread.append(Unread(name, walking.OTHER))
            continue
        _check_name(path, name)
        if (twin := files.setdefault(form(name), file)) is not file:
            raise InputError(f"{file} and {twin}: their names differ in Unicode form alone; keep one of them")
    images = Folder(path, files, tuple(sorted(unread, key=lambda entry: entry.path)))
    for line in unread_lines(path, images.unread):
        note(line)
    if not files:
        images.check_whole()
        raise InputError(f"{path}: holds no {KINDS} image, at any depth")
    return images


def from_folder(path: Path, *, follow_links: bool = False, note: Note = unheard) -> list[ImageSet]:
    """All images below a folder, one set for each sample; as `read_folder`, and all of them are decoded once.

    Raises InputError where a part of them was not read, for images that cannot be used (the first few by name, and how
    many), and for a stimulus that lacks a sample that others have.
    """
    folder = read_folder(path, follow_links=follow_links, note=note)
    folder.check_whole()
    check_usable(list(folder.files.values()))
    return samples(path, folder.by_stimulus())


def samples(folder: Path, by_stimulus: Mapping[str, Mapping[int, Path]]) -> list[ImageSet]:
    """One set for each sample, of the same stimuli; raises InputError naming who lacks which."""
    stimuli, count = sorted(by_stimulus), count_samples(str(folder), by_stimulus)
    return [from_files(stimuli, [by_stimulus[s][sample] for s in stimuli]) for sample in range(count)]


def count_samples(where: str, by_stimulus: Mapping[str, Mapping[int, object]]) -> int:
    """How many samples every stimulus has; raises InputError naming who lacks which."""
    last = max(max(numbers) for numbers in by_stimulus.values())
    lacking = {s: gaps for s in sorted(by_stimulus) if (gaps := _gaps(by_stimulus[s], last))}
    if lacking:
        stimulus, gaps = next(iter(lacking.items()))
        more = f"; {len(lacking) - 1} more stimuli lack a sample" if len(lacking) > 1 else ""
        lost, there = (_numbers(numbers) for numbers in (gaps, sorted(by_stimulus[stimulus])))
        raise InputError(
            f"{where}: no image of stimulus {stimulus!r}, {lost}; there: {there}; the last is sample {last}{more}; "
            "sample 0 is named <id>.png, sample 1 <id>.sample-1.png, counted from 1 on without gaps"
        )
    return last + 1


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def without_suffix(path: str) -> str:
    """A path below a folder without the suffix of an image: a stimulus id."""
    return os.path.splitext(path)[0]


def _gaps(numbers: Mapping[int, object], last: int) -> list[int]:
    """The first few samples up to `last` that are not there; of a stranger's number, which may be any."""
    gaps: list[int] = []
    for number in range(last + 1):
        if len(gaps) > walking.FIRST:
            break
        if number not in numbers:
            gaps.append(number)
    return gaps


def _numbers(numbers: Sequence[int]) -> str:
    return f"sample{'s' if len(numbers) > 1 else ''} {few([str(number) for number in numbers])}"


def _check_name(folder: Path, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{folder}: a file whose name is no valid UTF-8, {name!a}; rename it") from None


def _may_be_image(folder: Path, entry: Unread) -> bool:
    if entry.reason in NEVER_LOST:
        return False
    if entry.folder or _is_image(entry.path) or os.path.splitext(entry.path)[1].lower() in OTHER_SUFFIXES:
        return True
    return entry.reason == walking.OTHER and _begins_like_an_image(folder / entry.path)


def _begins_like_an_image(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            head = opened.read(12)
    except OSError:
        return False
    return head.startswith(SIGNATURES) or (head[:4] == b"RIFF" and head[8:] == b"WEBP") or head[4:] in BOXES
