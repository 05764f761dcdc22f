"""Joins a folder of reconstructions to a folder of true images: by their names, or by a file of pairs."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eegbench.benchmark.images import ImageSet, check_usable, from_files, unlike
from eegbench.errors import InputError
from eegbench.guards.walking import Note, few
from eegbench.pairs import folders, proposing
from eegbench.pairs.folders import RULE, Folder, read_folder
from eegbench.pairs.pairing import Pairs, read_pairs, unused

SUBSET = ", or score what both sides have with --subset"


@dataclass(frozen=True)
class Joined:
    """The true images, and the reconstructions in their order, a set for each sample.

    subset: of how many stimuli these are a part, in words; "" for the whole.
    """

    truths: ImageSet
    samples: list[ImageSet]
    subset: str = ""


def join(
    truth: Path, reconstructions: Path, *, pairs: Path | None, subset: bool, follow_links: bool, note: Note
) -> Joined:
    """The images of two folders, each decoded once. note: is told what was not read or not used.

    Raises InputError where a part was not read, or an image of either side has no partner, unless a `subset` is wanted;
    for images that cannot be used; and for a file of pairs with a fault.
    """
    true, made = (read_folder(path, follow_links=follow_links, note=note) for path in (truth, reconstructions))
    if not subset:
        true.check_whole(SUBSET)
    if pairs is None:
        if not subset:
            made.check_whole(SUBSET)
        wanted, answered = _truths(true), made.by_stimulus()
        if not subset and wanted.keys() != answered.keys():
            raise InputError(_unlike(true, made, list(wanted), list(answered)))
    else:
        wanted = true.by_id()
        answered = read_pairs(pairs, true, made)
        _check_pairs(pairs, wanted, answered, made, subset, note)
    stimuli = [stimulus for stimulus in wanted if stimulus in answered]
    if not stimuli:
        raise InputError(_unlike(true, made, list(wanted), list(answered)))
    samples = folders.samples(reconstructions, {stimulus: answered[stimulus] for stimulus in stimuli})
    files = [wanted[stimulus] for stimulus in stimuli]
    for images in (files, [file for sample in samples for file in sample.files]):
        check_usable(images)
    return Joined(from_files(stimuli, files), samples, _part(len(stimuli), wanted, true) if subset else "")


def _truths(folder: Folder) -> dict[str, Path]:
    """Each true image by its stimulus, of which there is one."""
    samples = folder.by_stimulus()
    if several := [stimulus for stimulus, numbered in samples.items() if max(numbered) > 0]:
        raise InputError(
            f"{folder.path}: holds several samples of a stimulus, as of {several[0]!r}; of the truth there is one "
            "image for each"
        )
    return {stimulus: samples[stimulus][0] for stimulus in sorted(samples)}


def _unlike(true: Folder, made: Folder, wanted: list[str], answered: list[str]) -> str:
    """How the names on both sides differ, the rule of names, and what joins them all the same."""
    by = proposing.fitting(true, made)
    command = f"eegbench pairs {shlex.quote(str(true.path))} {shlex.quote(str(made.path))} --by {by} -o pairs.csv"
    way = f"`{command}` pairs them all" if by else "`eegbench pairs` proposes one"
    hint = SUBSET if set(wanted) & set(answered) else ""
    return (
        f"{made.path}: {unlike(wanted, answered)}; wanted are the files below {true.path}; {RULE}; name the files so, "
        f"or give a file of pairs with --pairs ({way}){hint}"
    )


def _check_pairs(path: Path, wanted: Mapping[str, Path], pairs: Pairs, made: Folder, subset: bool, note: Note) -> None:
    """Raises InputError for true images that stand on no line; tells which reconstructions do not."""
    if (missing := [stimulus for stimulus in wanted if stimulus not in pairs]) and not subset:
        raise InputError(
            f"{path}: pairs {len(pairs)} of {len(wanted)} true images; {len(missing)} stand on no line: "
            f"{few(missing)}; add them{SUBSET}"
        )
    if left := unused(pairs, made):
        note(f"{path}: {len(left)} of {len(made.files)} reconstructions stand on no line: {few(left)}")


def _part(scored: int, wanted: Mapping[str, Path], true: Folder) -> str:
    """Of how many stimuli these are a part; "" where they are all."""
    hidden = sum(entry.folder for entry in true.lost)
    whole = len(wanted) + len(true.lost) - hidden
    if scored == whole and not hidden:
        return ""
    beside = f", beside those of {hidden} folders that were not read" if hidden else ""
    return f"{scored} of {whole} stimuli{beside}"
