"""The scores of a run computed again from its images, with truths and judges that several runs share."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eegbench import backbones
from eegbench.benchmark import audit, permuting, score
from eegbench.benchmark.images import from_array, unlike
from eegbench.benchmark.measure import OF_METHODS
from eegbench.benchmark.plan import dataset_of_run
from eegbench.benchmark.score import Scorer
from eegbench.benchmark.score_run import score_run
from eegbench.benchmark.targets import Targets
from eegbench.checks import recomputed
from eegbench.contracts import Answers, Progress
from eegbench.errors import EegbenchError
from eegbench.guards.walking import form
from eegbench.metrics import METRICS, VARIANTS
from eegbench.plugins import entering, registry
from eegbench.runs import layout
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord, RunSpec
from eegbench.runs.sheet import STATISTICS, Score, ScoreSheet

MOST_HELD = 4  # judges with their truths, and truths, that are kept for the next run
NO_TARGETS = "the run keeps no target embeddings"
EARLIER = (
    "its intervals, floors and verdict are of an earlier edition of the statistics and were not computed again: "
    "`eegbench evaluate` on it brings them up to date"
)


@dataclass(frozen=True)
class Again:
    """A run scored again here from its images. sheet: the computed scores; table: the text of scores.csv.

    stored: the run's own sheet. skipped: by metric, why its stored score cannot be compared here.
    """

    sheet: ScoreSheet
    table: str
    stored: ScoreSheet
    skipped: Mapping[str, str]

    @property
    def computed(self) -> dict[str, Score]:
        """The run's own scores that could be computed again."""
        return {name: score_ for name, score_ in self.stored.metrics.items() if name not in self.skipped}


@dataclass
class Shared:
    """Truths, and judges with truths, by what they depend on: made once for several runs."""

    answers: dict[tuple[object, ...], Answers] = field(default_factory=dict)
    scorers: dict[tuple[object, ...], Scorer] = field(default_factory=dict)


@dataclass(frozen=True)
class Rescorer:
    """Scores runs again. settings: keys of the data set that a record does not hold, such as where it lies."""

    progress: Progress
    settings: Mapping[str, object]
    device: str
    allow_unverified: bool
    shared: Shared

    def rescore(self, run: Run, sheet: ScoreSheet) -> tuple[list[str], list[str], Again | None]:
        """Problems with a sheet's scores, why some were not computed again, and the scores that the images give."""
        folder, record = run.folder, run.record
        try:
            answers, problems = self._answers_to(record.spec), list(self._origin(record))
            stimuli = tuple({row.stimulus: None for row in record.manifest})
            if {form(name) for name in stimuli} != {form(name) for name in answers.stimuli}:
                return [*problems, f"{layout.RECORD}: {unlike(answers.stimuli, stimuli)}"], [], None
            ready = self._scorer(record, sheet, answers)
        except EegbenchError as error:  # no fault of the run: data, weights or a plug-in are not here
            return [], [str(error)], None
        try:
            computed, table = self._again(run, sheet, ready, answers)
            again = Again(computed, table, sheet, _not_computed(sheet, computed, ready))
            problems += recomputed.scores(sheet, computed, again.computed)
            problems += recomputed.items(folder, table, set(again.computed))
        except (EegbenchError, ValueError, RecursionError) as error:
            return [*problems, f"cannot be scored again: {error}"], [], None
        reasons = "; ".join(f"{name}: {why}" for name, why in again.skipped.items())
        unknown = [f"not computed again: {reasons}"] if reasons else []
        return problems, [*unknown, *([EARLIER] if sheet.statistics < STATISTICS else [])], again

    def _origin(self, record: RunRecord) -> Iterator[str]:
        """The differences of a record from what its data set and method say of themselves."""
        dataset = dataset_of_run(record.spec, self.settings)
        facts = {"simulated": dataset.simulated, "caution": dataset.caution, "role": _role(record)}
        if record.role != "ceiling":
            facts["transductive"] = registry.find("method", record.spec.method).transductive
        for name, value in facts.items():
            if getattr(record, name) != value:
                yield f"{layout.RECORD}: {name} is {getattr(record, name)!r}; it is {value!r}"

    def _again(self, run: Run, sheet: ScoreSheet, ready: Scorer, answers: Answers) -> tuple[ScoreSheet, str]:
        """The score sheet and scores.csv that these images give here."""
        decoded, audited = run.embedding(), _audited(sheet)
        targets = Targets.of(answers, run.targets(), run.texts())
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
        if key not in self.shared.answers:
            _make_room(self.shared.answers)
            self.shared.answers[key] = entering.answers(dataset_of_run(spec, self.settings), spec.subject)
        return self.shared.answers[key]

    def _scorer(self, record: RunRecord, sheet: ScoreSheet, answers: Answers) -> Scorer:
        spec = record.spec
        half = any(score_.variant == "half" for score_ in sheet.metrics.values())
        unverified = self.allow_unverified and any(score_.unverified for score_ in sheet.metrics.values())
        lost = _lost(sheet)
        names = tuple(name for name in sheet.metrics if name not in lost) or tuple(sheet.metrics)
        key = (*_data(spec), sheet.suite, sheet.protocol, half, unverified, names)
        if key not in self.shared.scorers:
            _make_room(self.shared.scorers)
            suite = backbones.suite(
                sheet.suite,
                sheet.protocol,
                self.device,
                features=score.features_of(score.chosen(names)),
                half=half,
                allow_unverified=unverified,
            )
            truths = from_array(answers.stimuli, answers.images)
            self.shared.scorers[key] = score.scorer(truths, suite, metrics=names, progress=self.progress)
        return dataclasses.replace(self.shared.scorers[key], caution=sheet.caution)


def _data(spec: RunSpec) -> tuple[object, ...]:
    """What the true images of a run depend on."""
    return spec.dataset, spec.revision, str(spec.dataset_configuration), spec.subject


def _make_room(held: dict[tuple[object, ...], Any]) -> None:
    """Drop the oldest entries until fewer than MOST_HELD are left: strangers' runs may name any number of data sets."""
    while len(held) >= MOST_HELD:
        del held[next(iter(held))]


def _audited(sheet: ScoreSheet) -> bool:
    """Whether a sheet holds the outcome of an audit; an audit that was begun and not finished does not count."""
    return bool(sheet.verdict or sheet.audit) or any(score.permuted is not None for score in sheet.metrics.values())


def _role(record: RunRecord) -> str:
    if record.spec.track == "ceiling":
        registry.find("reference", record.spec.method)
        return "ceiling"
    role: str = registry.find("method", record.spec.method).role
    return role


def _lost(sheet: ScoreSheet) -> dict[str, str]:
    """By metric of a sheet that is not here, why: its plug-in is broken, or not installed."""
    why: dict[str, str] = {}
    for name in sheet.metrics:
        try:
            registry.find("metric", name)
        except EegbenchError as error:
            why[name] = str(error)
    return why


def _not_computed(stored: ScoreSheet, computed: ScoreSheet, ready: Scorer) -> dict[str, str]:
    """By metric, why its score cannot be compared: another version, no judge here, or no value in the run."""
    needs = {metric.id: metric.needs for metric in ready.metrics}
    why = _lost(stored)
    for name, score_ in stored.metrics.items():
        if name in why:
            continue
        here = computed.metrics[name]
        if score_.version != here.version:
            why[name] = f"version {score_.version}, here {here.version}"
        elif here.value is None and needs[name] in ready.suite.missing:
            why[name] = here.reason
        elif here.value is None and score_.value is not None and needs[name] in OF_METHODS:
            why[name] = NO_TARGETS
        elif score_.value is None and score_.reason and here.value is not None:
            why[name] = f"had no value ({score_.reason})"
    usual = {metric.id for metric in score.chosen(None)} & set(METRICS)
    lost = [name for name in usual - set(stored.metrics) if not any(v in stored.metrics for v in VARIANTS if name in v)]
    return why | dict.fromkeys(sorted(lost), "the run has no score of it")
