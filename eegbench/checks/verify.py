"""Verifies that a run is what its files say: every digest is taken again, every score computed from the stored images.

A changed byte breaks a digest or a seal. Where a file was changed and sealed anew, the scores differ, for they are
computed from the images, the true images of the data set, and the judges. Three things cannot be checked: that the
method and the EEG made these images, the embeddings of images and texts that decoded ones are scored against, and the
pictures and saliency maps that are there to look at.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from eegbench.checks import readable
from eegbench.checks.rescoring import Again, Rescorer, Shared
from eegbench.contracts import Progress
from eegbench.errors import CheckFailed, EegbenchError, InputError, MissingError, in_words
from eegbench.plugins import registry
from eegbench.runs import binding, layout
from eegbench.runs.folder import Run, below
from eegbench.runs.record import RunRecord
from eegbench.runs.seal import AGAIN, mixed
from eegbench.runs.sheet import ScoreSheet
from eegbench.runs.tensors import undefined
from eegbench.tables import line

MOST = 20  # problems told of one run
VERSION_1 = f"records of schema version 1 bind nothing but the images: {AGAIN}"


@dataclass(frozen=True)
class Verdict:
    """The outcome of verifying a run. problems: what is not as its files say. unknown: why scores were not recomputed.

    remarks: what is as its files say, but would be refused if it were made today.
    """

    path: str
    images: int = 0
    scores: int = 0
    problems: tuple[str, ...] = ()
    unknown: str = ""
    remarks: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The verdict for a person: one line, and one for each problem or remark."""
        if self.problems:
            problems = (below(Path(self.path), problem) for problem in self.problems)
            return [line(f"FAILED  {self.path}"), *(line(f"        {problem}") for problem in problems)]
        summary = f"ok  {self.path}: {self.images} images and {self.scores} scores are as they say"
        if self.unknown:
            held = f"{self.scores} scores hold" if self.scores else "digests hold"
            summary = f"IN PART  {self.path}: {held}; {self.unknown}"
        return [line(summary), *(line(f"        {remark}") for remark in self.remarks)]


@dataclass
class Verifier:
    """Verifies runs one after the other: judges and truths that several runs share are made once.

    settings: keys of the data set that a record does not hold, such as where it lies. digests_only: compute no score.
    allow_plugins: import the plug-ins that a record names, which runs their code; else what they made is unknown.
    """

    progress: Progress
    settings: Mapping[str, object] = field(default_factory=dict)
    device: str = "cpu"
    allow_unverified: bool = False
    digests_only: bool = False
    allow_plugins: bool = False
    _shared: Shared = field(default_factory=Shared)

    def verify(self, folder: Path) -> Verdict:
        """The verdict on a run's folder; raises InputError where there is no run."""
        return self.examine(folder)[0]

    def examine(self, folder: Path) -> tuple[Verdict, Again | None]:
        """The verdict on a run's folder, and what its images give if they were scored again. Raises as `verify`."""
        check_run(folder)
        try:
            record = RunRecord.read(folder / layout.RECORD)
        except InputError as error:
            return Verdict(str(folder), problems=(str(error),)), None
        if record.status != "complete":
            return Verdict(str(folder), problems=(_unfinished(record),)), None
        versions = binding.versions(folder)
        old = set(versions.values()) == {1}
        images = list(binding.images(folder, record))
        sheet, sheet_problems = binding.sheet_of(folder, record)
        problems = [*binding.seals(folder, versions), *images, *sheet_problems]
        if mixed(versions):
            problems.append(mixed(versions))
        elif sheet is not None or not sheet_problems:
            problems += [] if old else binding.loose(record, sheet)
            problems += binding.left_over(folder, record, sheet, old=old)
        unknown, again, scores = [], None, 0
        if sheet is None:
            unknown = [] if sheet_problems else ["the run is not scored"]
        elif self.digests_only:
            unknown = ["only digests were asked for"]
        elif not images:  # where only scores were changed, computing them again shows which
            more, unknown, again = self._scores(folder, record, sheet)
            problems += more
            scores = len(again.computed) if again else 0
        problems += [] if problems else readable.problems(folder)
        unknown += [VERSION_1] if old else []
        more = [f"and {len(problems) - MOST} more"] if len(problems) > MOST else []
        reported, reasons = (*problems[:MOST], *more), "; ".join(unknown)
        return Verdict(
            str(folder), len(record.manifest), scores, reported, reasons, tuple(_remarks(folder, record))
        ), again

    def _scores(self, folder: Path, record: RunRecord, sheet: ScoreSheet) -> tuple[list[str], list[str], Again | None]:
        """Problems with the scores, why some were not computed again, and what the images give."""
        with registry.only_own(not self.allow_plugins):
            rescorer = Rescorer(self.progress, self.settings, self.device, self.allow_unverified, self._shared)
            return rescorer.rescore(Run(folder, record), sheet)


def check_run(folder: Path) -> None:
    """Raises InputError where a folder holds no run."""
    if not (folder / layout.RECORD).exists():
        raise InputError(f"{folder}: holds no {layout.RECORD}; name a run's folder, or a tree of them with --all")


def each(verifier: Verifier, folders: Sequence[Path]) -> Iterator[Verdict]:
    """The verdict on each run; an error in one run becomes its verdict, and the others are still verified."""
    for folder in folders:
        try:
            yield verifier.verify(folder)
        except Exception as error:  # also a fault of ours that a stranger's record brings out
            yield Verdict(str(folder), problems=(in_words(error),))


def require(verdicts: Sequence[Verdict], *, scores_wanted: bool = True) -> None:
    """Raises CheckFailed where a run has a problem, MissingError where scores are wanted and were not computed."""
    if failed := [verdict for verdict in verdicts if verdict.problems]:
        raise CheckFailed(f"{len(failed)} of {len(verdicts)} runs are not what their files say; see above")
    if scores_wanted and (unknown := [verdict for verdict in verdicts if verdict.unknown]):
        raise MissingError(f"{len(unknown)} of {len(verdicts)} runs could be verified in part alone; see above")


def _unfinished(record: RunRecord) -> str:
    reason = f" ({record.reason[:200]})" if record.reason else ""
    return f"{layout.RECORD}: its status is {record.status!r}, not 'complete'{reason}"


def _remarks(folder: Path, record: RunRecord) -> Iterator[str]:
    """What an earlier version accepted and this one refuses."""
    with suppress(EegbenchError):  # a file that is not the run's own is reported as a problem
        decoded = Run(folder, record).embedding()
        if decoded is not None and (problem := undefined(decoded)):
            yield f"{layout.EMBEDDING}: {problem}, and its retrieval stands on them; such a run is refused now"
