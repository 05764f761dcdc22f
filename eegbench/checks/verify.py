"""Is a run what its files say? Every digest is taken again, and every score computed again from the stored images.

A changed byte breaks a digest or a seal. A file that was changed and sealed anew shows in the scores, which are
computed from the images, the true images of the data set, and the judges. Three things cannot be checked: that the
method and the EEG made these images, the target embeddings that retrieval is scored against, and the pictures and
saliency maps that are there to look at.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eegbench import backbones
from eegbench.benchmark import audit, permuting, score
from eegbench.benchmark.images import from_array, unlike
from eegbench.benchmark.measure import EMBEDDING
from eegbench.benchmark.plan import dataset_of_run
from eegbench.benchmark.score import Scorer
from eegbench.benchmark.score_run import score_run
from eegbench.checks import readable, recomputed
from eegbench.contracts import Answers, Progress
from eegbench.errors import CheckFailed, EegbenchError, InputError, MissingError, in_words
from eegbench.guards.walking import form
from eegbench.metrics import METRICS, VARIANTS
from eegbench.plugins import entering, registry
from eegbench.runs import binding, layout
from eegbench.runs.folder import Run, below
from eegbench.runs.record import RunRecord, RunSpec
from eegbench.runs.seal import AGAIN, mixed
from eegbench.runs.sheet import STATISTICS, Score, ScoreSheet
from eegbench.runs.tensors import undefined
from eegbench.tables import line

MOST = 20  # problems told of one run
MOST_HELD = 4  # judges with their truths, and truths, that are kept for the next run
NO_TARGETS = "the run keeps no target embeddings"
EARLIER = (
    "its intervals, floors and verdict are of an earlier edition of the statistics and were not computed again: "
    "`eegbench evaluate` on it brings them up to date"
)

VERSION_1 = f"records of schema version 1 bind nothing but the images: {AGAIN}"


@dataclass(frozen=True)
class Verdict:
    """What was found of a run. problems: what is not as its files say. unknown: why scores were not computed again.

    remarks: what is as its files say, and would be refused if it were made today.
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
            own = (below(Path(self.path), problem) for problem in self.problems)
            return [line(f"FAILED  {self.path}"), *(line(f"        {problem}") for problem in own)]
        said = f"ok  {self.path}: {self.images} images and {self.scores} scores are as they say"
        if self.unknown:
            held = f"{self.scores} scores hold" if self.scores else "digests hold"
            said = f"IN PART  {self.path}: {held}; {self.unknown}"
        return [line(said), *(line(f"        {remark}") for remark in self.remarks)]


@dataclass(frozen=True)
class Again:
    """What a run's images give when they are scored again here: a score sheet, the text of scores.csv.

    told: the run's own sheet. skipped: by metric why its score says nothing here.
    """

    sheet: ScoreSheet
    table: str
    told: ScoreSheet
    skipped: Mapping[str, str]

    @property
    def computed(self) -> dict[str, Score]:
        """The run's own scores that could be computed again."""
        return {name: score_ for name, score_ in self.told.metrics.items() if name not in self.skipped}


@dataclass
class Verifier:
    """Verifies runs one after the other: judges and truths that several runs share are made once.

    settings: keys of the data set that a record does not hold, as where it lies. digests_only: compute no score.
    allow_plugins: import the plug-ins that a record names, which runs their code; without, what they made is unknown.
    """

    progress: Progress
    settings: Mapping[str, object] = field(default_factory=dict)
    device: str = "cpu"
    allow_unverified: bool = False
    digests_only: bool = False
    allow_plugins: bool = False
    _answers: dict[tuple[object, ...], Answers] = field(default_factory=dict)
    _scorers: dict[tuple[object, ...], Scorer] = field(default_factory=dict)

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
        sheet, found = binding.sheet_of(folder, record)
        problems = [*binding.seals(folder, versions), *images, *found]
        if mixed(versions):
            problems.append(mixed(versions))
        elif sheet is not None or not found:
            problems += [] if old else binding.loose(record, sheet)
            problems += binding.left_over(folder, record, sheet, old=old)
        unknown, again, scores = [], None, 0
        if sheet is None:
            unknown = [] if found else ["the run is not scored"]
        elif self.digests_only:
            unknown = ["only digests were asked for"]
        elif not images:  # where only scores were changed, computing them again shows which
            more, unknown, again = self._scores(folder, record, sheet)
            problems += more
            scores = len(again.computed) if again else 0
        problems += [] if problems else readable.problems(folder)
        unknown += [VERSION_1] if old else []
        more = [f"and {len(problems) - MOST} more"] if len(problems) > MOST else []
        told, said = (*problems[:MOST], *more), "; ".join(unknown)
        return Verdict(str(folder), len(record.manifest), scores, told, said, tuple(_remarks(folder, record))), again

    def _scores(self, folder: Path, record: RunRecord, sheet: ScoreSheet) -> tuple[list[str], list[str], Again | None]:
        """Problems with the scores, why some were not computed again, and what the images give."""
        with registry.only_own(not self.allow_plugins):
            return self._scored_again(folder, record, sheet)

    def _scored_again(
        self, folder: Path, record: RunRecord, sheet: ScoreSheet
    ) -> tuple[list[str], list[str], Again | None]:
        try:
            answers, problems = self._answers_to(record.spec), list(self._origin(record))
            stimuli = tuple({row.stimulus: None for row in record.manifest})
            if {form(name) for name in stimuli} != {form(name) for name in answers.stimuli}:
                return [*problems, f"{layout.RECORD}: {unlike(answers.stimuli, stimuli)}"], [], None
            ready = self._scorer(record, sheet, answers)
        except EegbenchError as error:  # no fault of the run: data, weights or a plug-in are not here
            return [], [str(error)], None
        try:
            found, table = self._again(Run(folder, record), sheet, ready)
            again = Again(found, table, sheet, _not_computed(sheet, found, ready))
            problems += recomputed.scores(sheet, found, again.computed)
            problems += recomputed.items(folder, table, set(again.computed))
        except (EegbenchError, ValueError, RecursionError) as error:
            return [*problems, f"cannot be scored again: {error}"], [], None
        told = "; ".join(f"{name}: {why}" for name, why in again.skipped.items())
        unknown = [f"not computed again: {told}"] if told else []
        return problems, [*unknown, *([EARLIER] if sheet.statistics < STATISTICS else [])], again

    def _origin(self, record: RunRecord) -> Iterator[str]:
        """Where a record says something else of its data set or method than these say of themselves."""
        dataset = dataset_of_run(record.spec, self.settings)
        known = {"simulated": dataset.simulated, "caution": dataset.caution, "role": _role(record)}
        if record.role != "ceiling":
            known["transductive"] = registry.find("method", record.spec.method).transductive
        for name, value in known.items():
            if getattr(record, name) != value:
                yield f"{layout.RECORD}: {name} is {getattr(record, name)!r}; it is {value!r}"

    def _again(self, run: Run, sheet: ScoreSheet, ready: Scorer) -> tuple[ScoreSheet, str]:
        """The score sheet and scores.csv that these images give here."""
        decoded, targets, audited = run.embedding(), run.targets(), _audited(sheet)
        scoring = score_run(run, ready, decoded=decoded, targets=targets, audited=audited, progress=self.progress)
        here = scoring.sheet
        if audited:
            permuted = permuting.stored(run, decoded, contents=ready.contents)
            here = audit.examine(
                ready,
                here,
                scoring.measured,
                permuted,
                track=run.record.spec.track,
                targets=targets,
                progress=self.progress,
            )
        return here, score.table(scoring.measured, ready.truths.stimuli)

    def _answers_to(self, spec: RunSpec) -> Answers:
        key = _data(spec)
        if key not in self._answers:
            _make_room(self._answers)
            self._answers[key] = entering.answers(dataset_of_run(spec, self.settings), spec.subject)
        return self._answers[key]

    def _scorer(self, record: RunRecord, sheet: ScoreSheet, answers: Answers) -> Scorer:
        spec = record.spec
        half = any(one.variant == "half" for one in sheet.metrics.values())
        unverified = self.allow_unverified and any(one.unverified for one in sheet.metrics.values())
        lost = _lost(sheet)
        names = tuple(name for name in sheet.metrics if name not in lost) or tuple(sheet.metrics)
        key = (*_data(spec), sheet.suite, sheet.protocol, half, unverified, names)
        if key not in self._scorers:
            _make_room(self._scorers)
            suite = backbones.suite(
                sheet.suite,
                sheet.protocol,
                self.device,
                features=score.features_of(score.chosen(names)),
                half=half,
                allow_unverified=unverified,
            )
            truths = from_array(answers.stimuli, answers.images)
            self._scorers[key] = score.scorer(truths, suite, metrics=names, progress=self.progress)
        return dataclasses.replace(self._scorers[key], caution=sheet.caution)


def check_run(folder: Path) -> None:
    """Raises InputError where a folder holds no run."""
    if not (folder / layout.RECORD).exists():
        raise InputError(f"{folder}: holds no {layout.RECORD}; name a run's folder, or a tree of them with --all")


def each(verifier: Verifier, folders: Sequence[Path]) -> Iterator[Verdict]:
    """The verdict on each run; whatever goes wrong with one is its own verdict, and the others go on."""
    for folder in folders:
        try:
            yield verifier.verify(folder)
        except Exception as error:  # also a fault of ours that a stranger's record brings out
            yield Verdict(str(folder), problems=(in_words(error),))


def require(verdicts: Sequence[Verdict], *, asked: bool = True) -> None:
    """Raises CheckFailed where a run has a problem, else MissingError where scores, if asked for, were not computed."""
    if failed := [one for one in verdicts if one.problems]:
        raise CheckFailed(f"{len(failed)} of {len(verdicts)} runs are not what their files say; see above")
    if asked and (unknown := [one for one in verdicts if one.unknown]):
        raise MissingError(f"{len(unknown)} of {len(verdicts)} runs could be verified in part alone; see above")


def _data(spec: RunSpec) -> tuple[object, ...]:
    """What the true images of a run depend on."""
    return spec.dataset, spec.revision, str(spec.dataset_configuration), spec.subject


def _make_room(held: dict[tuple[object, ...], Any]) -> None:
    """Let go of the oldest where there are MOST_HELD: strangers' runs may be of as many data sets as they like."""
    while len(held) >= MOST_HELD:
        del held[next(iter(held))]


def _unfinished(record: RunRecord) -> str:
    reason = f" ({record.reason[:200]})" if record.reason else ""
    return f"{layout.RECORD}: its status is {record.status!r}, not 'complete'{reason}"


def _remarks(folder: Path, record: RunRecord) -> Iterator[str]:
    """What an earlier version let through."""
    with suppress(EegbenchError):  # a file that is not the run's own is a problem, and told as one
        decoded = Run(folder, record).embedding()
        if decoded is not None and (problem := undefined(decoded)):
            yield f"{layout.EMBEDDING}: {problem}, and its retrieval stands on them; such a run is refused now"


def _audited(sheet: ScoreSheet) -> bool:
    """Whether a sheet holds what an audit found; one that was begun and not finished counts for nothing."""
    return bool(sheet.verdict or sheet.audit) or any(score.permuted is not None for score in sheet.metrics.values())


def _role(record: RunRecord) -> str:
    if record.spec.track == "ceiling":
        registry.find("reference", record.spec.method)
        return "ceiling"
    role: str = registry.find("method", record.spec.method).role
    return role


def _lost(sheet: ScoreSheet) -> dict[str, str]:
    """By metric of a sheet why there is none of its name here: its plug-in is broken, or not installed."""
    why: dict[str, str] = {}
    for name in sheet.metrics:
        try:
            registry.find("metric", name)
        except EegbenchError as error:
            why[name] = str(error)
    return why


def _not_computed(told: ScoreSheet, found: ScoreSheet, ready: Scorer) -> dict[str, str]:
    """By metric why its score says nothing here: another version, no judge here or then, none at all."""
    needs = {metric.id: metric.needs for metric in ready.metrics}
    why = _lost(told)
    for name, score_ in told.metrics.items():
        if name in why:
            continue
        here = found.metrics[name]
        if score_.version != here.version:
            why[name] = f"version {score_.version}, here {here.version}"
        elif here.value is None and needs[name] in ready.suite.missing:
            why[name] = here.reason
        elif here.value is None and score_.value is not None and needs[name] == EMBEDDING:
            why[name] = NO_TARGETS
        elif score_.value is None and score_.reason and here.value is not None:
            why[name] = f"had no value ({score_.reason})"
    usual = {metric.id for metric in score.chosen(None)} & set(METRICS)
    lost = [name for name in usual - set(told.metrics) if not any(v in told.metrics for v in VARIANTS if name in v)]
    return why | dict.fromkeys(sorted(lost), "the run has no score of it")
