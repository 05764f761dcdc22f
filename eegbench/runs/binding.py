"""Which files of a run's folder are bound, by what, and whether the digests hold.

| file | bound by |
|---|---|
| run.json, scores.json | their seals |
| images | the manifest of run.json |
| embedding.safetensors, control maps | digests of run.json |
| scores.csv, reconstructions.png, targets, texts, saliency, permuted/permutation.json | `files` of scores.json |
| images of the audit | permuted/permutation.json |

Whatever else lies in the folder is unbound: it could be exchanged, and no digest would show it. Names that begin with a
dot are no part of a run. Schema version 1 bound its images and embeddings alone.
"""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from eegbench.errors import InputError
from eegbench.files import file_digest, read_json
from eegbench.guards.walking import form
from eegbench.runs import layout
from eegbench.runs.opened import FILE, Opened
from eegbench.runs.permutation import Permutation
from eegbench.runs.record import ManifestRow, RunRecord, files_digest
from eegbench.runs.seal import AGAIN, SCHEMA_VERSION, is_sealed
from eegbench.runs.sheet import ScoreSheet

OF_VERSION_1 = (layout.RECORD, layout.SHEET, layout.TABLE, layout.PICTURE, layout.PERMUTATION)  # beside control maps


def listed(folder: Path) -> dict[str, str]:
    """The kind (`Opened.names`) of everything below a folder but the folders, by path; raises InputError."""
    with Opened(folder, links=True) as opened:
        return opened.names()


def contents(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a folder by its path; of what is no file, what it is."""
    return {name: file_digest(folder / name) if kind == FILE else kind for name, kind in listed(folder).items()}


def versions(folder: Path) -> dict[str, int]:
    """The schema versions in run.json and scores.json, by file name, of those that are there and can be read."""
    by_name = {}
    for name in (layout.RECORD, layout.SHEET):
        with suppress(InputError):
            version = read_json(folder / name).get("schema_version")
            if type(version) is int:  # anything else is refused when the record is read
                by_name[name] = version
    return by_name


def seals(folder: Path, versions: Mapping[str, int]) -> Iterator[str]:
    """The records whose seals do not hold, by their `versions`: those of version 1 have none."""
    for name, version in versions.items():
        if version != 1 and not is_sealed((folder / name).read_bytes().decode()):
            yield f"{name}: was changed after it was written: its seal does not hold"


def images(folder: Path, record: RunRecord) -> Iterator[str]:
    """Files that the record has a digest of, and that are changed, missing or too few."""
    yield from _changed(folder, ((row.file, row.sha256) for row in record.manifest))
    yield from _misnamed(record.manifest, layout.IMAGES)
    stimuli = {row.stimulus for row in record.manifest}
    if not stimuli:
        yield f"{layout.RECORD}: lists no image"
    if len(record.manifest) != len(stimuli) * record.spec.samples:
        yield f"{layout.RECORD}: {len(record.manifest)} images; wanted {record.spec.samples} of each of {len(stimuli)}"
    taken: dict[str, Callable[[], str]] = {
        "reconstructions": lambda: record.images,
        "embedding": lambda: _digest(folder / layout.EMBEDDING),
        "controls": lambda: controls_digest(folder),
    }
    for name, take in taken.items():
        if name in record.digests and take() != record.digests[name]:
            yield f"{name}: not what {layout.RECORD} has the digest of"


def sheet_of(folder: Path, record: RunRecord) -> tuple[ScoreSheet | None, list[str]]:
    """The score sheet, None where there is none, and the files that differ from what it binds, as problems."""
    if not os.path.lexists(folder / layout.SHEET):
        return None, []
    try:
        sheet = ScoreSheet.read(folder / layout.SHEET)
    except InputError as error:
        return None, [str(error)]
    problems = [*_changed(folder, sheet.files.items())]
    if sheet.reconstructions and sheet.reconstructions != record.images:
        problems.append(f"{layout.SHEET}: belongs to other images than {layout.RECORD}")
    if sheet.caution != record.caution:
        problems.append(f"{layout.SHEET}: its caution is not that of {layout.RECORD}")
    try:
        rows = permuted_rows(folder)
        problems += [*_changed(folder, ((row.file, row.sha256) for row in rows)), *_misnamed(rows, layout.PERMUTED)]
        return sheet, problems
    except InputError as error:
        return sheet, [*problems, str(error)]


def loose(record: RunRecord, sheet: ScoreSheet | None) -> Iterator[str]:
    """Missing digests without which nothing binds scores to images, as problems."""
    if "reconstructions" not in record.digests:
        yield f"{layout.RECORD}: has no digest of its images; {AGAIN}"
    if sheet is not None and not sheet.reconstructions:
        yield f"{layout.SHEET}: does not say which images were scored; {AGAIN}"


def bound(
    record: RunRecord, sheet: ScoreSheet | None, permuted: Sequence[ManifestRow], names: Iterable[str]
) -> set[str]:
    """The files that a run of this schema version binds. permuted: the images that permutation.json lists; names: what
    lies in its folder."""
    files = {layout.RECORD, *(row.file for row in record.manifest)}
    if "embedding" in record.digests:
        files.add(layout.EMBEDDING)
    if "controls" in record.digests:
        files |= set(controls(names))
    if sheet is not None:
        files |= {layout.SHEET, *sheet.files}
        if layout.PERMUTATION in sheet.files:
            files |= {row.file for row in permuted}
    return files


def of_version_1(record: RunRecord, permuted: Sequence[ManifestRow], names: Iterable[str]) -> set[str]:
    """The files that a run of schema version 1 may have, most of them bound by nothing."""
    files = {*OF_VERSION_1, *controls(names), *(row.file for row in (*record.manifest, *permuted))}
    return files | ({layout.EMBEDDING} if "embedding" in record.digests else set())


def unbound(names: Mapping[str, str], files: Iterable[str]) -> Iterator[str]:
    """What lies in a folder beside the `files` that belong to its run, and files that could not be looked at.

    Two names that differ in their Unicode form alone are one file on some systems, and are taken for one here.
    """
    known = set(files)
    forms = {form(name) for name in known - names.keys()}
    for name in sorted(known):
        if any(part.startswith(".") for part in name.split("/")):
            yield f"{name}: begins with a dot, as no file of a run does"
    for name, kind in names.items():
        if name not in known and form(name) not in forms:
            what = "" if kind == FILE else f" is {kind}, and"
            yield f"{name}:{what} is bound by no digest of this run; take it away, or evaluate the run again"


def left_over(folder: Path, record: RunRecord, sheet: ScoreSheet | None, *, old: bool) -> list[str]:
    """Files in a run's folder that do not belong to the run, as problems."""
    try:
        names, permuted = listed(folder), permuted_rows(folder)
    except InputError as error:
        return [str(error)]
    files = of_version_1(record, permuted, names) if old else bound(record, sheet, permuted, names)
    return list(unbound(names, files))


def renewed(folder: Path, record: RunRecord) -> RunRecord:
    """The record of one's own run in this schema version; an older one is written anew, with digests and seal."""
    if read_json(folder / layout.RECORD).get("schema_version") == SCHEMA_VERSION:
        return record
    new = bind(folder, record)
    layout.write_record(folder, new)
    return new


def bind(folder: Path, record: RunRecord) -> RunRecord:
    """A record of schema version 1 with the digests that version 2 adds: of its images and control maps."""
    digests = {**record.digests, "reconstructions": record.images}
    if (folder / layout.CONTROLS).is_dir():
        digests["controls"] = controls_digest(folder)
    return dataclasses.replace(record, digests=digests)


def controls(names: Iterable[str]) -> list[str]:
    """The control maps among the files of a run's folder."""
    return sorted(name for name in names if name.startswith(f"{layout.CONTROLS}/") and name.endswith(".png"))


def controls_digest(folder: Path) -> str:
    """`files_digest` of the control maps in a run's folder."""
    if not (folder / layout.CONTROLS).is_dir():
        return files_digest(())
    names = [f"{layout.CONTROLS}/{name}" for name in listed(folder / layout.CONTROLS)]
    files = [name for name in controls(names) if (folder / name).is_file()]
    return files_digest((name, 0, file_digest(folder / name)) for name in files)


def permuted_rows(folder: Path) -> tuple[ManifestRow, ...]:
    """The images below permuted/ as their file lists them; none where the run was not audited. Raises InputError."""
    permutation = Permutation.read(folder)
    return permutation.images if permutation else ()


def _misnamed(rows: Sequence[ManifestRow], below: str) -> Iterator[str]:
    """Images under another name than a run gives them, and two that are one file on some systems, as problems."""
    seen: dict[str, str] = {}
    for row in rows:
        wanted = f"{below}/{layout.image_file(row.stimulus, row.sample)}"
        if row.file != wanted:
            yield f"{row.file}: is not what a run calls this image, which is {wanted}"
        if (twin := seen.setdefault(form(row.file).casefold(), row.file)) != row.file:
            yield f"{row.file}: is {twin} on systems that take capital letters for small ones"


def _changed(folder: Path, digests: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Files that are missing, or whose sha256 is not the given one, as problems."""
    for name, sha256 in digests:
        if not sha256:
            yield f"{name}: no digest is said of it"
        elif (now := _digest(folder / name)) != sha256:
            yield f"{name}: " + (f"has the sha256 {now[:12]}, not {sha256[:12]}" if now else "is missing")


def _digest(path: Path) -> str:
    """sha256 of a file; "" where there is no file."""
    return file_digest(path) if path.is_file() else ""
