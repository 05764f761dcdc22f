"""Sets of images joined by stimulus id.

Two ids that differ in their Unicode form alone (NFC, NFD as macOS writes it) are one and the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegbench.arrays import Images
from eegbench.datasets.images import Picture, read_image
from eegbench.errors import InputError
from eegbench.files import file_digest
from eegbench.guards.walking import few, form
from eegbench.runs.record import files_digest

FIRST = 3  # images named in an error before the rest are counted


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
        wanted = [form(stimulus) for stimulus in stimuli]
        if set(wanted) != position.keys():
            raise InputError(unlike(stimuli, self.stimuli))
        order = [position[stimulus] for stimulus in wanted]
        files = tuple(self.files[i] for i in order) if self.files else ()
        return ImageSet(tuple(stimuli), lambda items: self.load([order[i] for i in items]), files)


def from_array(stimuli: Sequence[str], images: Images) -> ImageSet:
    """A set of images in memory, (n, h, w, 3)."""
    return ImageSet(tuple(stimuli), lambda items: [images[i] for i in items])


def from_files(stimuli: Sequence[str], files: Sequence[Path]) -> ImageSet:
    """A set of images on disk, read when asked for."""
    return ImageSet(tuple(stimuli), lambda items: [read_image(files[i]) for i in items], tuple(files))


def image_sets(samples: Sequence[Mapping[str, Path]]) -> list[ImageSet]:
    """Sets of images on disk, one for each sample, from their files by stimulus id."""
    return [from_files(tuple(files), list(files.values())) for files in samples]


def unlike(wanted: Sequence[str], present: Sequence[str]) -> str:
    """How two sets of ids differ, both sides: what is missing, what is extra, and how many match."""
    present_forms, wanted_forms = {form(name) for name in present}, {form(name) for name in wanted}
    missing = [name for name in wanted if form(name) not in present_forms]
    extra = sorted(name for name in present if form(name) not in wanted_forms)
    if missing:
        head = f"no image of stimulus {missing[0]!r}"
    else:
        head = f"an image of stimulus {extra[0]!r}, which is not among the {len(wanted)} wanted"
    sides = f"{len(wanted)} wanted, {len(present)} found, {len(wanted) - len(missing)} match"
    named = f"{len(missing)} missing: {few(missing)}; {len(extra)} extra: {few(extra)}"
    return f"{head}; {sides}; {named}{_case(missing, extra)}"


def digest_of(samples: Sequence[ImageSet]) -> str:
    """`files_digest` of images on disk, a set for each sample."""
    return files_digest(
        (stimulus, sample, file_digest(file))
        for sample, images in enumerate(samples)
        for stimulus, file in zip(images.stimuli, images.files, strict=True)
    )


def check_usable(files: Sequence[Path]) -> None:
    """Decode every file; raises InputError naming the first few that are no images, and how many there are."""
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
        if form(stimulus) in position:
            raise InputError(f"stimulus {stimulus!r} comes twice; ids must be unique")
        position[form(stimulus)] = i
    return position


def _case(missing: Sequence[str], extra: Sequence[str]) -> str:
    folded = {form(name).casefold(): name for name in extra}
    twins = [(name, folded[form(name).casefold()]) for name in missing if form(name).casefold() in folded]
    if not twins:
        return ""
    return f"; {len(twins)} differ in capital letters alone, as {twins[0][0]!r} and {twins[0][1]!r}: rename them"
