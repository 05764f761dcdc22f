"""Proposes a file of pairs for the layouts in which reconstructions are published.

A person looks at it before it is used: a wrong pairing gives scores at chance.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from eegbench.errors import InputError, unknown
from eegbench.guards.walking import few
from eegbench.pairs.folders import Folder, without_suffix
from eegbench.pairs.pairing import COLUMNS
from eegbench.runs.layout import SAMPLE

SHOWN = 5  # pairs on the screen

_NUMBERED = re.compile(r"\d+[ _-]+(?=\S)", re.ASCII)  # before a concept, as in 00001_aircraft_carrier


@dataclass(frozen=True)
class Pair:
    """Paths below the folder of truths and that of reconstructions."""

    truth: str
    reconstruction: str
    sample: int = 0


@dataclass(frozen=True)
class Proposal:
    """Pairs in the order of their truths, what has none on either side, and what is to be looked at with care."""

    pairs: tuple[Pair, ...]
    truths: tuple[str, ...] = ()
    reconstructions: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def samples(self) -> int:
        """How many reconstructions each truth has, which is the same for all."""
        return 1 + max(pair.sample for pair in self.pairs)

    @property
    def whole(self) -> bool:
        return not (self.truths or self.reconstructions)

    def lines(self) -> list[str]:
        """What a person looks at: how many pairs, what is left on either side, and the first few."""
        truths = len({pair.truth for pair in self.pairs})
        first = [f"  {p.truth}  <-  {p.reconstruction}  (sample {p.sample})" for p in self.pairs[:SHOWN]]
        return [
            f"{len(self.pairs)} pairs: {truths} true images, {self.samples} for each; the first:",
            *first,
            f"True images without a reconstruction: {len(self.truths)}" + _named(self.truths),
            f"Reconstructions that belong to none:  {len(self.reconstructions)}" + _named(self.reconstructions),
            *(f"Look with care: {doubt}" for doubt in self.doubts),
        ]

    def text(self) -> str:
        """The file of pairs."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows((pair.truth, pair.reconstruction, pair.sample) for pair in self.pairs)
        return text.getvalue()


def propose(truths: Folder, reconstructions: Folder, by: str) -> Proposal:
    """The pairs by one of BY; raises InputError where it cannot tell, UsageError for another word."""
    if by not in BY:
        raise unknown("way to pair", by, BY)
    true, made = (_names(folder) for folder in (truths, reconstructions))
    matching = BY[by](list(true), list(made))
    pairs = [Pair(true[pair.truth], made[pair.reconstruction], pair.sample) for pair in matching.pairs]
    if not pairs:
        raise InputError(
            f"no pair by {by}: of {len(true)} truths, as {few(list(true))}, and {len(made)} reconstructions, as "
            f"{few(list(made))}; another of {', '.join(BY)} may fit, or write the file by hand"
        )
    used = {pair.truth for pair in matching.pairs}, {pair.reconstruction for pair in matching.pairs}
    left = [tuple(names[n] for n in names if n not in taken) for names, taken in zip((true, made), used, strict=True)]
    return Proposal(tuple(pairs), left[0], left[1], matching.doubts)


def fitting(truths: Folder, reconstructions: Folder) -> str | None:
    """The first way that leaves nothing over on either side; None where there is none."""
    for by in BY:
        try:
            proposal = propose(truths, reconstructions, by)
            if proposal.whole and not proposal.doubts:
                return by
        except InputError:
            continue
    return None


def by_concept(truths: Sequence[str], reconstructions: Sequence[str]) -> Proposal:
    """<concept>/0.png, 1.png, ... are the samples of the one truth in the folder <concept> or 00001_<concept>."""
    of_concept = _one_each("concept", truths, _concept)
    made: dict[str, list[str]] = {}
    for path in reconstructions:
        if (concept := _concept(path)) in of_concept:
            made.setdefault(concept, []).append(path)
    by_truth = {of_concept[concept]: _counted(f"{concept}/", paths) for concept, paths in made.items()}
    return _proposal(by_truth)


def by_order(truths: Sequence[str], reconstructions: Sequence[str]) -> Proposal:
    """0.png, 1.png, ... are the truths in the order of their sorted folders and names."""
    numbers: dict[int, dict[int, str]] = {}
    for path in reconstructions:
        name, sample = _sample(PurePosixPath(without_suffix(path)).name)
        if (number := _number(name)) is not None:
            twin = numbers.setdefault(number, {}).setdefault(sample, path)
            if twin != path:
                raise InputError(f"two reconstructions have the number {number}: {few([twin, path])}; keep one of them")
    if not numbers:
        return Proposal(())
    first = min(numbers)
    if first > 1 or (gap := _gap(sorted(numbers), first)) is not None:
        lost = first - 1 if first > 1 else gap
        raise InputError(
            f"{len(numbers)} numbered reconstructions, none of them {lost}; by order they are numbered without a gap, "
            "from 0 or 1"
        )
    if len(numbers) != len(truths):
        raise InputError(
            f"{len(truths)} truths and {len(numbers)} numbered reconstructions; by order there must be as many of both"
        )
    ordered = sorted(truths, key=_parts)
    by_truth = {truth: _samples_of(truth, numbers[first + i]) for i, truth in enumerate(ordered)}
    counted = sorted(truths, key=_by_number)
    if counted == ordered:
        return _proposal(by_truth)
    i = next(i for i, pair in enumerate(zip(counted, ordered, strict=True)) if pair[0] != pair[1])
    doubt = (
        f"the truths are sorted as text, by which {ordered[i]} comes before {counted[i]}; by their numbers it does not"
    )
    return _proposal(by_truth, doubt)


def by_stem(truths: Sequence[str], reconstructions: Sequence[str]) -> Proposal:
    """A reconstruction belongs to the truth whose file has the same name but for the suffix, in whatever folder."""
    of_stem = _one_each("name", truths, _stem)
    made: dict[str, dict[int, str]] = {}
    for path in reconstructions:
        stem, sample = (_stem(path), 0) if _stem(path) in of_stem else _sample(_stem(path))
        if stem in of_stem:
            twin = made.setdefault(stem, {}).setdefault(sample, path)
            if twin != path:
                raise InputError(
                    f"two reconstructions have the name {stem!r}: {few([twin, path])}; by stem it is unclear"
                )
    return _proposal({of_stem[stem]: _samples_of(stem, numbered) for stem, numbered in made.items()})


BY: Mapping[str, Callable[[Sequence[str], Sequence[str]], Proposal]] = {
    "concept": by_concept,
    "order": by_order,
    "stem": by_stem,
}


def _named(names: Sequence[str]) -> str:
    return f" ({few(names)})" if names else ""


def _names(folder: Folder) -> dict[str, str]:
    """Each image's path in the one Unicode form, and as it is on the disk."""
    return {path: file.relative_to(folder.path).as_posix() for path, file in folder.files.items()}


def _proposal(by_truth: Mapping[str, Sequence[str]], *doubts: str) -> Proposal:
    counts = {truth: len(paths) for truth, paths in by_truth.items()}
    if len(set(counts.values())) > 1:
        most, least = max(counts, key=lambda t: counts[t]), min(counts, key=lambda t: counts[t])
        raise InputError(
            f"{most} has {counts[most]} reconstructions, {least} has {counts[least]}; wanted as many for each truth"
        )
    pairs = [Pair(truth, path, k) for truth in sorted(by_truth, key=_parts) for k, path in enumerate(by_truth[truth])]
    return Proposal(tuple(pairs), doubts=doubts)


def _one_each(what: str, paths: Sequence[str], of: Callable[[str], str]) -> dict[str, str]:
    """The truth of each concept or name; raises InputError where one has two."""
    paths_by_key: dict[str, str] = {}
    twice = [
        (paths_by_key[of(path)], path) for path in paths if of(path) and paths_by_key.setdefault(of(path), path) != path
    ]
    if twice:
        raise InputError(
            f"{len(twice)} truths have a {what} that another has, so that it is unclear which is meant: "
            f"{twice[0][0]} and {twice[0][1]} are both {of(twice[0][1])!r}; pair them in another way"
        )
    return paths_by_key


def _concept(path: str) -> str:
    """The name of the folder that an image lies in, without a number before it; "" where it lies in none."""
    return _NUMBERED.sub("", PurePosixPath(path).parent.name, count=1)


def _stem(path: str) -> str:
    return PurePosixPath(without_suffix(path)).name


def _sample(stem: str) -> tuple[str, int]:
    match = SAMPLE.match(stem)
    return (match["stimulus"], int(match["sample"])) if match else (stem, 0)


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 10 else None


def _counted(concept: str, paths: Sequence[str]) -> list[str]:
    """The images of one concept by their numbers, or by name where these are none."""
    numbers = {path: _number(_stem(path)) for path in paths}
    if len(paths) == 1 or any(number is None for number in numbers.values()):
        return sorted(paths, key=_by_number)
    known = {path: number for path, number in numbers.items() if number is not None}
    twice = len(set(known.values())) < len(known)
    first = min(known.values())
    gap = _gap(sorted(set(known.values())), first)
    if twice or first > 1 or gap is not None:
        fault = "has a number twice" if twice else f"has no image {first - 1 if first > 1 else gap}"
        raise InputError(
            f"{concept} of the reconstructions {fault}; wanted 0.png, 1.png, ... without a gap, from 0 or 1"
        )
    return sorted(known, key=lambda path: known[path])


def _samples_of(name: str, numbered: Mapping[int, str]) -> list[str]:
    if (gap := _gap(sorted(numbered), 0)) is not None:
        raise InputError(f"{name}: its reconstructions lack sample {gap}; they are counted from 0 without gaps")
    return [numbered[sample] for sample in sorted(numbered)]


def _gap(numbers: Sequence[int], first: int) -> int | None:
    """The first number that is missing from those that are sorted."""
    return next((first + i for i, number in enumerate(numbers) if number != first + i), None)


def _parts(path: str) -> tuple[str, ...]:
    """A key that sorts as folders do: part by part, so that a/x comes before a-b/x."""
    return PurePosixPath(without_suffix(path)).parts


def _by_number(path: str) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """A key that sorts part by part, and numbers in names as numbers."""
    return tuple(
        tuple((0, int(word), "") if word.isdecimal() else (1, 0, word) for word in re.split(r"([0-9]+)", part) if word)
        for part in _parts(path)
    )
