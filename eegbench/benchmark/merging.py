"""Takes runs in from others: strangers' folders, of which nothing is believed that was not checked.

Each run is read by the rules of this package and validated against the published JSON Schema. The files that its
records name, and no others, are copied into a hidden folder, none of them a link; the copy is verified, and then takes
its name. A run that is there already is left; one of the same identity with other images is refused. Records of older
schema versions are written anew in this one.
"""

import dataclasses
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from eegbench import runs
from eegbench.benchmark import permuting, store
from eegbench.benchmark.verify import Verifier
from eegbench.datasets.images import read_image
from eegbench.errors import CheckFailed, EegbenchError, InputError, UsageError
from eegbench.places import writing
from eegbench.records import SCHEMA_VERSION, RunRecord, ScoreSheet, file_digest, read_json
from eegbench.walking import Links, Note, told, unheard

SCHEMAS = Path(runs.__file__).parent / "schemas"
TAKEN, THERE, REFUSED = "taken in", "there already", "refused"
BESIDE = (runs.SHEET, runs.TABLE, store.EMBEDDING, store.TARGETS, store.SALIENCY, store.PICTURE, store.PERMUTATION)
MAX_FILE = 2**28  # bytes
MAX_SIDE = 2048  # px of an image: some thirty are in memory at once when they are scored

Seen = frozenset[tuple[str, str]]  # digests of run.json and scores.json


@dataclass(frozen=True)
class Outcome:
    """What became of one run. why: where it went, or why it was refused."""

    run: str
    state: str
    why: str

    def line(self) -> str:
        said = f"{self.state}: {self.run}: {self.why}"
        return " ".join("".join(c if c.isprintable() else " " for c in said).split())


def merge(
    folders: Sequence[Path], into: Path, verifier: Verifier, *, known: Path | None = None, note: Note = unheard
) -> Iterator[Outcome]:
    """One outcome for each run below the folders, in the order of their paths, and for each link to a folder there.

    known: a folder of runs that were verified before; a run whose records are the same to the byte has its digests
    taken again and no score computed. Raises UsageError where the folders lie within one another, InputError for a
    folder that is none or a link.
    """
    for folder in folders:
        if folder.is_symlink():
            raise InputError(f"{folder}: is a link; name the folder itself")
        if _overlap(folder, into):
            raise UsageError(f"{folder} and {into} lie within each other; name folders of others, and your own apart")
    seen = frozenset(_records(run) for run in runs.find(known).folders) if known else frozenset()
    for folder in folders:
        found = runs.find(folder, Links.NONE)
        for line in told(folder, (one for one in found.unread if one not in found.lost)):
            note(line)
        for link in found.lost:
            yield Outcome(str(folder / link.path), REFUSED, f"is {link.reason}; send the folder itself")
        for shut in found.closed:
            yield Outcome(str(folder / shut.path), REFUSED, f"cannot be read ({shut.why})")
        for run in found.folders:
            try:
                yield _take(run, into, verifier, seen)
            except (EegbenchError, OSError, ValueError, RecursionError) as error:
                yield Outcome(str(run), REFUSED, str(error) or type(error).__name__)


def require(outcomes: Sequence[Outcome]) -> None:
    """Raises CheckFailed where a run was refused, InputError where there was none."""
    if not outcomes:
        raise InputError("no run below these folders; name what `eegbench evaluate --runs` wrote")
    if refused := [one for one in outcomes if one.state == REFUSED]:
        raise CheckFailed(f"{len(refused)} of {len(outcomes)} runs were refused; see above")


def _take(folder: Path, into: Path, verifier: Verifier, seen: Seen) -> Outcome:
    _check_file(folder, runs.RECORD)
    record = RunRecord.read(folder / runs.RECORD)  # first: it bounds what the validator is given
    sheet = None
    if (folder / runs.SHEET).exists():
        _check_file(folder, runs.SHEET)
        sheet = ScoreSheet.read(folder / runs.SHEET)
    _validate(record, sheet)
    files = _files(folder, record, sheet)
    target = store.place(into, record.spec, record.digests)
    if (there := store.existing(target)) is not None:
        return _there(folder, target, there, record, sheet)
    with writing(target, mend="choose another folder with --into"):
        copy = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        try:
            _copy(folder, files, copy)
            if problem := _problem(copy, verifier, seen):
                return Outcome(str(folder), REFUSED, problem)
            old = read_json(copy / runs.RECORD).get("schema_version") != SCHEMA_VERSION
            if old:
                _renew(copy, record, sheet)
            copy.rename(target)
        finally:
            shutil.rmtree(copy, ignore_errors=True)
    return Outcome(str(folder), TAKEN, f"{target}{f', brought to schema version {SCHEMA_VERSION}' if old else ''}")


def _there(folder: Path, target: Path, there: RunRecord, record: RunRecord, sheet: ScoreSheet | None) -> Outcome:
    if there.images != record.images:
        return Outcome(str(folder), REFUSED, f"{target} is this run with other images; move one of them away")
    if sheet is not None and not (target / runs.SHEET).is_file():
        return Outcome(str(folder), REFUSED, f"{target} is this run without scores; score it, or move it away")
    return Outcome(str(folder), THERE, str(target))


def _problem(copy: Path, verifier: Verifier, seen: Seen) -> str:
    """Why a copy is not taken in; "" if it is."""
    trusted = verifier.digests_only or _records(copy) in seen
    verdict = dataclasses.replace(verifier, digests_only=trusted).verify(copy)
    if verdict.problems:
        return verdict.problems[0]
    return "" if trusted or not verdict.unknown else f"{verdict.unknown}; --digests-only takes it in all the same"


def _records(folder: Path) -> tuple[str, str]:
    files = (folder / runs.RECORD, folder / runs.SHEET)
    first, second = (file_digest(file) if file.is_file() else "" for file in files)
    return first, second


def _validate(record: RunRecord, sheet: ScoreSheet | None) -> None:
    """Against the published schemas, as this version would write them."""
    values: dict[str, Any] = {"run": json.loads(json.dumps(dataclasses.asdict(record)))}
    if sheet is not None:
        values["scores"] = json.loads(sheet.to_json())
    for name, value in values.items():
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        if error := jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(value)):
            place = "/".join(map(str, error.absolute_path))[:200]
            raise InputError(f"{name}.json: {place or 'the whole'}: {error.message[:200]}; see {name}.schema.json")


def _files(folder: Path, record: RunRecord, sheet: ScoreSheet | None) -> list[str]:
    """What is copied: the files that the records name, and control maps. Raises InputError for what may not be."""
    if sheet and (astray := sorted(set(sheet.files) - set(BESIDE))):
        raise InputError(f"{folder / runs.SHEET}: files names {astray[0][:200]!r}, which no run has")
    named = [runs.RECORD, *(name for name in BESIDE if (folder / name).exists())]
    for name in named:
        _check_file(folder, name)
    controls = sorted((folder / store.CONTROLS).rglob("*.png")) if "controls" in record.digests else []
    images = [*(row.file for row in (*record.manifest, *permuting.permuted_rows(folder)))]
    images += [path.relative_to(folder).as_posix() for path in controls]
    for name in dict.fromkeys(images):
        _check_file(folder, name)
        if max(read_image(folder / name).shape) > MAX_SIDE:
            raise InputError(f"{folder / name}: is larger than {MAX_SIDE} px; no reconstruction is")
    return list(dict.fromkeys([*named, *images]))


def _check_file(folder: Path, name: str) -> None:
    path = folder / name
    if os.path.realpath(path) != os.path.join(os.path.realpath(folder), name):
        raise InputError(f"{path}: is a link, or lies behind one; send the file itself")
    if not path.is_file():
        raise InputError(f"{path}: {'is no file' if path.exists() else 'is missing from its run'}")
    if (size := path.stat().st_size) > MAX_FILE:
        raise InputError(f"{path}: {size} bytes; at most {MAX_FILE} are taken in")


def _copy(folder: Path, files: Sequence[str], copy: Path) -> None:
    for name in files:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, copy / name, follow_symlinks=False)
        if (copy / name).is_symlink():
            raise InputError(f"{folder / name}: became a link while it was copied; send the file itself")


def _renew(folder: Path, record: RunRecord, sheet: ScoreSheet | None) -> None:
    """Records of an older schema version as this one has them: sealed, and bound to the images."""
    digests = {**record.digests, "reconstructions": record.images}
    dataclasses.replace(record, digests=digests).write(folder / runs.RECORD)
    if sheet is not None:
        beside = (runs.TABLE, store.PICTURE, store.PERMUTATION)
        files = {name: file_digest(folder / name) for name in beside if (folder / name).is_file()}
        bound = dataclasses.replace(sheet, reconstructions=record.images, files=files)
        store.write_bytes(folder / runs.SHEET, bound.to_json().encode())


def _overlap(a: Path, b: Path) -> bool:
    one, other = os.path.realpath(a), os.path.realpath(b)
    return os.path.commonpath([one, other]) in (one, other)
