"""Takes runs in from others: strangers' folders, of which nothing is believed that was not checked.

A run is first copied and then judged by its copy alone, so that a change of the folder meanwhile has no effect. It is
copied by descriptors (`opened.py`): its records, what these bind, and no other file; a run with a file that nothing
binds is refused. The copy is validated against the published JSON Schemas, verified, read as every verb would read it,
and then renamed to its place. A run that is there already is left; one of the same identity with other images is
refused.

Schema version 1 binds too little to be believed: such a run is taken in only where all its scores could be computed
again, and its records are then written anew.
"""

import dataclasses
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import jsonschema

import eegbench
from eegbench.checks import readable
from eegbench.checks.readable import Reader
from eegbench.checks.rescoring import Again
from eegbench.checks.verify import Verifier
from eegbench.errors import CheckFailed, InputError, UsageError, in_words
from eegbench.files import file_digest, write_bytes, writing
from eegbench.guards.fields import as_json
from eegbench.guards.walking import Links, Note, few, unheard, unread_lines
from eegbench.runs import binding, layout
from eegbench.runs.folder import below
from eegbench.runs.opened import Opened
from eegbench.runs.record import RunRecord
from eegbench.runs.seal import AGAIN, SCHEMA_VERSION, mixed
from eegbench.runs.search import find_runs
from eegbench.runs.sheet import ScoreSheet
from eegbench.tables import line

SCHEMAS = Path(eegbench.__file__).parent / "schemas"
TAKEN, THERE, REFUSED = "taken in", "there already", "refused"
MEND = "choose another folder with --into"


@dataclass(frozen=True)
class Outcome:
    """What became of one run. state: TAKEN, THERE or REFUSED. why: where it is now, or why it was refused."""

    run: str
    state: str
    why: str

    def line(self) -> str:
        return line(f"{self.state}: {self.run}: {self.why}")


@dataclass(frozen=True)
class Known:
    """Runs that were verified before, by the digests of their records."""

    folders: Mapping[tuple[str, str], Sequence[Path]] = field(default_factory=dict)

    @classmethod
    def below(cls, top: Path) -> Self:
        """The runs below a folder."""
        folders: dict[tuple[str, str], list[Path]] = {}
        for folder in find_runs(top).folders:
            folders.setdefault(_records(folder), []).append(folder)
        return cls(folders)

    def holds(self, copy: Path) -> bool:
        """Whether one of these runs has the same files as `copy`, each the same to the byte."""
        alike = self.folders.get(_records(copy), ())
        return bool(alike) and any(binding.contents(folder) == binding.contents(copy) for folder in alike)


@dataclass(frozen=True)
class Copied:
    """A run's copy, and what its records say. old: they are of schema version 1."""

    folder: Path
    record: RunRecord
    sheet: ScoreSheet | None
    old: bool


def merge(
    folders: Sequence[Path],
    into: Path,
    verifier: Verifier,
    *,
    known: Path | None = None,
    readers: Mapping[str, Reader] | None = None,
    note: Note = unheard,
) -> Iterator[Outcome]:
    """One outcome for each run below the folders, in the order of their paths, and for each link to a folder there.

    known: a folder of runs that were verified before; a run that has the same files, each the same to the byte, has its
    digests taken again and no score computed. readers: further readers that must be able to read what is taken in.
    Raises UsageError where the folders lie within one another, InputError for a folder that is none or a link.
    """
    for folder in folders:
        if folder.is_symlink():
            raise InputError(f"{folder}: is a link; name the folder itself")
        if _overlap(folder, into):
            raise UsageError(f"{folder} and {into} lie within each other; name folders of others, and your own apart")
    intake = Intake(into, verifier, Known.below(known) if known else Known(), readers or {})
    for folder in folders:
        tree = find_runs(folder, Links.NONE)
        for news in unread_lines(folder, (path for path in tree.unread if path not in tree.lost)):
            note(news)
        for link in tree.lost:
            yield Outcome(str(folder / link.path), REFUSED, f"is {link.reason}; send the folder itself")
        for shut in tree.closed:
            yield Outcome(str(folder / shut.path), REFUSED, f"cannot be read ({shut.why})")
        for run in tree.folders:
            yield intake.outcome(folder, run)


def require(outcomes: Sequence[Outcome]) -> None:
    """Raises CheckFailed where a run was refused, InputError where there was none."""
    if not outcomes:
        raise InputError("no run below these folders; name what `eegbench evaluate --runs` wrote")
    if refused := [outcome for outcome in outcomes if outcome.state == REFUSED]:
        raise CheckFailed(f"{len(refused)} of {len(outcomes)} runs were refused; see above")


@dataclass(frozen=True)
class Intake:
    """Takes runs into a folder, each after it was verified and read by every reader."""

    into: Path
    verifier: Verifier
    known: Known
    readers: Mapping[str, Reader]

    def outcome(self, top: Path, run: Path) -> Outcome:
        """What becomes of a run below `top`; an error in it becomes its outcome, as a refusal."""
        place = self.into / f".{secrets.token_hex(8)}.tmp"  # hidden: no run of a board
        try:
            state, why = self._take(top, run, place)
        except Exception as error:  # also a fault of ours that a stranger's run brings out
            state, why = REFUSED, in_words(error)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return Outcome(str(run), state, below(run, why.replace(str(place), str(run))))

    def _take(self, top: Path, folder: Path, place: Path) -> tuple[str, str]:
        with writing(self.into, mend=MEND), Opened(top, folder.relative_to(top).parts) as source:
            place.mkdir(parents=True)
            run = copy_run(source, place)
        _validate(run.record, run.sheet)
        target = layout.place(self.into, run.record.spec, run.record.digests)
        if (present := layout.existing(target)) is not None:
            return _already_there(target, present, run)
        if problem := self._problem(run):
            return REFUSED, problem
        with writing(self.into, mend=MEND):
            target.parent.mkdir(parents=True, exist_ok=True)
            place.rename(target)
        return TAKEN, f"{target}{f', brought to schema version {SCHEMA_VERSION}' if run.old else ''}"

    def _problem(self, run: Copied) -> str:
        """Why a copy is not taken in; "" if it is. A copy of schema version 1 is brought up to date."""
        if run.sheet is None:
            return f"is not scored; {AGAIN}"
        if run.old and self.verifier.digests_only:
            less = "schema version 1 binds nothing but its images, so that digests say too little"
            return f"{less}: leave --digests-only out, or {AGAIN}"
        if problem := next(readable.problems(run.folder, readable.PICTURES), ""):  # before a judge sees them
            return problem
        trusted = self.verifier.digests_only or (not run.old and self.known.holds(run.folder))
        verdict, again = dataclasses.replace(self.verifier, digests_only=trusted).examine(run.folder)
        if verdict.problems:
            return verdict.problems[0]
        if run.old:
            return verdict.unknown if again is None else self._renewed(run, again)
        if verdict.unknown and not trusted:
            return f"{verdict.unknown}; --digests-only takes it in all the same"
        return next(readable.problems(run.folder, self.readers), "")

    def _renewed(self, run: Copied, again: Again) -> str:
        """Why a copy of schema version 1 is not taken in; "" if it is, and then it is brought up to date."""
        if again.skipped:
            why = "; ".join(f"{name}: {why}" for name, why in again.skipped.items())
            return f"not computed again: {why}; nothing binds the scores of schema version 1: {AGAIN}"
        with writing(self.into, mend=MEND):
            _renew(run, again)
        verdict = dataclasses.replace(self.verifier, digests_only=True).verify(run.folder)
        return verdict.problems[0] if verdict.problems else next(readable.problems(run.folder, self.readers), "")


def copy_run(source: Opened, folder: Path) -> Copied:
    """The copy in `folder` of a run's records and of the files that these records bind.

    Raises InputError for a run that holds something else, and for what may not be copied; OSError where `folder` cannot
    be written.
    """
    names = source.names()
    source.copy(layout.RECORD, folder / layout.RECORD)
    if layout.SHEET in names:
        source.copy(layout.SHEET, folder / layout.SHEET)
    record = RunRecord.read(folder / layout.RECORD)
    sheet = ScoreSheet.read(folder / layout.SHEET) if layout.SHEET in names else None
    versions = binding.versions(folder)
    if problem := mixed(versions):
        raise InputError(problem)
    run = Copied(folder, record, sheet, old=set(versions.values()) == {1})
    if sheet and (astray := sorted(set(sheet.files) - set(layout.BESIDE))):
        raise InputError(f"{layout.SHEET}: files names {astray[0][:200]!r}, which no run has")
    if layout.PERMUTATION in (names if run.old else sheet.files if sheet else ()):
        source.copy(layout.PERMUTATION, folder / layout.PERMUTATION)
    for name in sorted(_files(run, names) - {layout.RECORD, layout.SHEET, layout.PERMUTATION}):
        source.copy(name, folder / name)
    return run


def _files(run: Copied, names: Mapping[str, str]) -> set[str]:
    """The names of the files to copy. Raises InputError for a run that holds more files than a run may."""
    permuted = binding.permuted_rows(run.folder)
    bound = binding.bound(run.record, run.sheet, permuted, names)
    if not run.old:
        _refuse(binding.unbound(names, bound))
        return bound
    _refuse(binding.unbound(names, binding.of_version_1(run.record, permuted, names)))
    # What no digest binds and nothing computes again, pictures and control maps, is left out.
    scored_files = {layout.TABLE, layout.PERMUTATION} & names.keys() if run.sheet else set()
    return bound | scored_files | {row.file for row in permuted if scored_files}


def _refuse(problems: Iterator[str]) -> None:
    if listed := list(problems):
        more = f"; and {len(listed) - 1} more" if len(listed) > 1 else ""
        raise InputError(f"{listed[0]}{more}")


def _already_there(target: Path, present: RunRecord, run: Copied) -> tuple[str, str]:
    if present.images != run.record.images:
        return REFUSED, f"{target} is this run with other images; move one of them away"
    if run.sheet is not None and not (target / layout.SHEET).is_file():
        return REFUSED, f"{target} is this run without scores; score it, or move it away"
    ours, theirs = binding.contents(target), binding.contents(run.folder)
    other = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    return THERE, f"{target}{f', which differs in {few(other)}; ours stay' if other else ''}"


def _records(folder: Path) -> tuple[str, str]:
    files = (folder / layout.RECORD, folder / layout.SHEET)
    first, second = (file_digest(file) if file.is_file() else "" for file in files)
    return first, second


def _validate(record: RunRecord, sheet: ScoreSheet | None) -> None:
    """Raises InputError where records, as this version would write them, break the published schemas."""
    values: dict[str, Any] = {"run": json.loads(json.dumps(as_json(record)))}
    if sheet is not None:
        values["scores"] = json.loads(sheet.to_json())
    for name, value in values.items():
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        if error := jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(value)):
            place = "/".join(map(str, error.absolute_path))[:200]
            raise InputError(f"{name}.json: {place or 'the whole'}: {error.message[:200]}; see {name}.schema.json")


def _renew(run: Copied, again: Again) -> None:
    """Write records of schema version 1 as this version does; scores, intervals and audit are those computed here."""
    binding.bind(run.folder, run.record).write(run.folder / layout.RECORD)
    write_bytes(run.folder / layout.TABLE, again.table.encode(), mend=MEND)
    sheet = dataclasses.replace(again.sheet, files=layout.digests_beside(run.folder))
    write_bytes(run.folder / layout.SHEET, sheet.to_json().encode(), mend=MEND)


def _overlap(a: Path, b: Path) -> bool:
    first, second = os.path.realpath(a), os.path.realpath(b)
    return os.path.commonpath([first, second]) in (first, second)
