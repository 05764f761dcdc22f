"""Takes runs in from others: strangers' folders, of which nothing is believed that was not checked.

Each run is read by the rules of this package, validated against the published JSON Schema, and verified. Only the files
that its records name are copied, none through a link, into a folder that appears whole or not at all. A run that is
there already is left; one of the same identity with other images is refused. Records of older schema versions are
written anew in this one.
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
from eegbench.benchmark import audit, store
from eegbench.benchmark.verify import Verifier
from eegbench.datasets.images import read_image
from eegbench.errors import CheckFailed, EegbenchError, InputError, UsageError
from eegbench.places import writing
from eegbench.records import SCHEMA_VERSION, RunRecord, ScoreSheet, file_digest, read_json

SCHEMAS = Path(runs.__file__).parent / "schemas"
TAKEN, THERE, REFUSED = "taken in", "there already", "refused"


@dataclass(frozen=True)
class Outcome:
    """What became of one run. why: where it went, or why it was refused."""

    run: str
    state: str
    why: str

    def line(self) -> str:
        return " ".join(f"{self.state}: {self.run}: {self.why}".split())


def merge(folders: Sequence[Path], into: Path, verifier: Verifier) -> Iterator[Outcome]:
    """One outcome for each run below the folders, in the order of their paths; raises UsageError for `into` itself."""
    for folder in folders:
        if _overlap(folder, into):
            raise UsageError(f"{folder} and {into} lie within each other; name folders of others, and your own apart")
    for folder in folders:
        for run in runs.folders(folder):
            try:
                yield _take(run, into, verifier)
            except EegbenchError as error:
                yield Outcome(str(run), REFUSED, str(error))


def require(outcomes: Sequence[Outcome]) -> None:
    """Raises CheckFailed where a run was refused, InputError where there was none."""
    if not outcomes:
        raise InputError("no run below these folders; name what `eegbench evaluate --runs` wrote")
    if refused := [one for one in outcomes if one.state == REFUSED]:
        raise CheckFailed(f"{len(refused)} of {len(outcomes)} runs were refused; see above")


def _take(folder: Path, into: Path, verifier: Verifier) -> Outcome:
    record = RunRecord.read(folder / runs.RECORD)  # first: it bounds what the validator is given
    sheet = ScoreSheet.read(folder / runs.SHEET) if (folder / runs.SHEET).is_file() else None
    _validate(record, sheet)
    files = _files(folder, record, sheet)
    verdict = verifier.verify(folder)
    if verdict.problems:
        return Outcome(str(folder), REFUSED, verdict.problems[0])
    if verdict.unknown and not verifier.digests_only:
        return Outcome(str(folder), REFUSED, f"{verdict.unknown}; --digests-only takes it in all the same")
    target = store.place(into, record.spec, record.digests)
    if (there := store.existing(target)) is not None:
        if there.images == record.images:
            return Outcome(str(folder), THERE, str(target))
        return Outcome(str(folder), REFUSED, f"{target} is this run with other images; move one of them away")
    _copy(folder, files, target, record, sheet)
    old = read_json(folder / runs.RECORD).get("schema_version") != SCHEMA_VERSION
    return Outcome(str(folder), TAKEN, f"{target}{f', brought to schema version {SCHEMA_VERSION}' if old else ''}")


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
    """What is copied: the files that the records name, and control maps; raises InputError for a link among them."""
    named = [runs.RECORD, *(row.file for row in record.manifest)]
    beside = (runs.SHEET, runs.TABLE, store.EMBEDDING, store.TARGETS, store.SALIENCY, store.PICTURE, store.PERMUTATION)
    named += [name for name in (*beside, *(sheet.files if sheet else ())) if (folder / name).is_file()]
    named += [row.file for row in audit.permuted_rows(folder)]
    controls = sorted((folder / store.CONTROLS).rglob("*.png")) if "controls" in record.digests else []
    named += [path.relative_to(folder).as_posix() for path in controls]
    top = os.path.realpath(folder)
    for name in dict.fromkeys(named):
        path = folder / name
        if os.path.realpath(path) != os.path.join(top, name):
            raise InputError(f"{path}: is a link, or lies behind one; send the file itself")
        if not path.is_file():
            raise InputError(f"{path}: is missing from its run")
        if path.suffix == ".png":
            read_image(path)
    return list(dict.fromkeys(named))


def _copy(folder: Path, files: Sequence[str], target: Path, record: RunRecord, sheet: ScoreSheet | None) -> None:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    with writing(target, mend="choose another folder with --into"):
        try:
            for name in files:
                (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / name, temporary / name, follow_symlinks=False)
            if read_json(folder / runs.RECORD).get("schema_version") != SCHEMA_VERSION:
                _renew(temporary, record, sheet)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


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
