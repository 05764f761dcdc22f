"""Sets of images joined by stimulus id."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegbench.arrays import Images
from eegbench.benchmark.store import SAMPLE
from eegbench.datasets.images import Picture, read_image
from eegbench.errors import InputError
from eegbench.records import file_digest, files_digest

FIRST = 3  # images named in an error before the rest are counted
SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class ImageSet:
    """Images by stimulus id, loaded in portions; sizes may differ. `load` takes positions in `stimuli`.

    files: where each lies, if they lie on disk.
    """

    stimuli: tuple[str, ...]
    load: Callable[[Sequence[int]], list[Picture]]
    files: tuple[Path, ...] = ()

    def ordered(self, stimuli: Sequence[str]) -> "ImageSet":
        """The same images in the order of `stimuli`; raises InputError naming a missing, extra or repeated one."""
        position = _positions(self.stimuli)
        missing = [s for s in stimuli if s not in position]
        if missing:
            raise InputError(f"no image of stimulus {missing[0]!r}{_more(missing)}; {len(stimuli)} were wanted")
        extra = sorted(set(position) - set(stimuli))
        if extra:
            raise InputError(
                f"an image of stimulus {extra[0]!r}{_more(extra)}, which is not among the {len(stimuli)} wanted"
            )
        order = [position[s] for s in stimuli]
        files = tuple(self.files[i] for i in order) if self.files else ()
        return ImageSet(tuple(stimuli), lambda items: self.load([order[i] for i in items]), files)


def from_array(stimuli: Sequence[str], images: Images) -> ImageSet:
    """A set of images in memory, (n, h, w, 3)."""
    return ImageSet(tuple(stimuli), lambda items: [images[i] for i in items])


def from_files(stimuli: Sequence[str], files: Sequence[Path]) -> ImageSet:
    """A set of images on disk, read when asked for."""
    return ImageSet(tuple(stimuli), lambda items: [read_image(files[i]) for i in items], tuple(files))


def from_folder(folder: Path) -> list[ImageSet]:
    """All PNG and JPEG files below `folder`, one set for each sample; the id is the path without its suffix.

    Files of other kinds are passed over. Raises InputError: no folder, no images, images that cannot be used (the
    first few by name, and how many), two files of one id, or a stimulus that lacks a sample that others have.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a folder of PNG or JPEG images")
    found: dict[tuple[int, str], Path] = {}
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES)
    _check_usable(files)
    for file in files:
        name = file.relative_to(folder).with_suffix("").as_posix()
        match = SAMPLE.match(name)
        key = (int(match["sample"]), match["stimulus"]) if match else (0, name)
        if key in found:
            raise InputError(f"{file} and {found[key].name} are both stimulus {name!r}; keep one of them")
        found[key] = file
    if not found:
        raise InputError(f"{folder}: holds no PNG or JPEG image, at any depth")
    stimuli = sorted(stimulus for sample, stimulus in found if sample == 0)
    last = max(sample for sample, _ in found)
    if last >= len(found):
        raise InputError(f"{folder}: sample {last} of {len(found)} images; samples are counted from 1 on without gaps")
    sets = [{s: file for (k, s), file in found.items() if k == sample} for sample in range(last + 1)]
    return [from_files(tuple(files), list(files.values())).ordered(stimuli) for files in sets]


def digest_of(samples: Sequence[ImageSet]) -> str:
    """`files_digest` of images on disk, a set for each sample."""
    return files_digest(
        (stimulus, sample, file_digest(file))
        for sample, images in enumerate(samples)
        for stimulus, file in zip(images.stimuli, images.files, strict=True)
    )


def _check_usable(files: Sequence[Path]) -> None:
    problems = []
    for file in files:
        try:
            read_image(file)
        except InputError as error:
            problems.append(str(error))
    if problems:
        more = f"; and {len(problems) - FIRST} more" if len(problems) > FIRST else ""
        raise InputError(
            f"{len(problems)} of {len(files)} images cannot be used: {'; '.join(problems[:FIRST])}{more}"
            if len(files) > 1
            else problems[0]
        )


def intact(path: Path) -> bool:
    """Whether a file is there and decodes."""
    try:
        read_image(path)
    except InputError:
        return False
    return True


def _positions(stimuli: Sequence[str]) -> dict[str, int]:
    position: dict[str, int] = {}
    for i, stimulus in enumerate(stimuli):
        if stimulus in position:
            raise InputError(f"stimulus {stimulus!r} comes twice; ids must be unique")
        position[stimulus] = i
    return position


def _more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
