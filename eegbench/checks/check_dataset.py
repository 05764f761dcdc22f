"""Checks that a data set keeps its contract, on its first and last subject; each broken clause has a message."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from eegbench.benchmark.plan import describe
from eegbench.checks.findings import Finding, Findings, closed
from eegbench.configuration import keys
from eegbench.contracts import Answers, Dataset, Progress, Queries, TrainingSet
from eegbench.datasets import signals
from eegbench.errors import AuthorError, EegbenchError, MissingError, unknown
from eegbench.plugins import entering, registry

ABSENT = 10**6  # more repetitions or sessions than there are


def check(name: str, table: Mapping[str, object], subjects: Sequence[int], *, progress: Progress) -> list[Finding]:
    """The findings on every clause, in order, for these subjects; for the first and the last one where none is named.

    Clauses that depend on a broken one are left out. Raises UsageError for an unknown name, key or subject, and
    MissingError where a subject's data are not here.
    """
    findings, built = Findings(), list[Dataset]()

    def load() -> None:
        built.append(registry.built("dataset", name, table))

    if name not in registry.names("dataset"):
        load()
    if not findings.take(
        "the class is a frozen dataclass that says its name, revision, subjects, simulated, about", load
    ):
        return findings
    dataset = built[0]
    for subject in subjects:
        if subject not in dataset.subjects:
            raise unknown("subject", str(subject), dataset.subjects)
    sound = findings.take("info names channels, rate, start, times and unit", lambda: _ignore(entering.info(dataset)))
    findings.take("what is recorded of its settings holds no path", lambda: _paths(dataset))
    chosen = list(subjects) or sorted({dataset.subjects[0], dataset.subjects[-1]})
    with progress.bar("subjects", len(chosen)) as advance:
        for subject in chosen if sound else ():
            _Clauses(
                dataset, subject, findings, lambda option: registry.built("dataset", name, {**table, **option})
            ).all()
            advance(1)
    return findings


@dataclass
class _Clauses:
    """The clauses on one subject's data, which are kept as the data set gives them."""

    dataset: Dataset
    subject: int
    findings: Findings
    other: Callable[[Mapping[str, object]], Dataset]  # with another value of some options
    queried: list[Queries] = field(default_factory=list)
    answered: list[Answers] = field(default_factory=list)
    trained: list[TrainingSet] = field(default_factory=list)

    def all(self) -> None:
        """Check all clauses; those that need data which the data set did not give are left out."""
        answerable = self.take(
            "queries are EEG as info says, finite, with ids of their own; no answer is needed", self.queries
        )
        if answerable:
            self.take("queries come again as the same bytes", lambda: self.again("queries", self.queried))
            self.take("average=1 gives the same stimuli, or says in words why there is none", self.single)
            if self.take("answers are images and concepts of just these stimuli", self.answers):
                self.take("answers come again as the same bytes", lambda: self.again("answers", self.answered))
        if self.take("train gives EEG as info says, and for each stimulus image, concept and captions", self.train):
            self.take("train comes again as the same bytes", lambda: self.again("train", self.trained))
            self.options()
        self.signals()
        if self.trained and self.answered:
            self.findings.warn(
                self.of("test stimuli and concepts are not in training, or the caution speaks"), self.apart
            )
        self.take("digests are sha256 by name", lambda: _ignore(entering.digests(self.dataset, self.subject)))

    def of(self, clause: str) -> str:
        return f"subject {self.subject}: {clause}"

    def take(self, clause: str, ask: Callable[[], str | None]) -> bool:
        return self.findings.take(self.of(clause), ask)

    def signals(self) -> None:
        """Check the EEG that was given: a problem where none of it is usable, a warning where a part is faulty."""
        arrays = [("training EEG", part.eeg) for part in self.trained] + [
            ("test EEG", part.eeg) for part in self.queried
        ]
        findings = signals.together({name: signals.examine(eeg, self.dataset.info) for name, eeg in arrays})
        if self.take("channels carry signals, in the unit that info says", lambda: findings.refusal) and findings.notes:
            self.findings.warn(
                self.of("no channel is flat, copied or clipped, no trial silent"), lambda: "; ".join(findings.notes)
            )

    def options(self) -> None:
        """Check the options that are set by `--train-repetitions` and `--sessions`, where the data set has them."""
        options = set(keys(type(self.dataset)))
        if "train_repetitions" in options:
            self.take("train_repetitions=1 gives the same stimuli, and no more trials", self.fewer)
        for option, absent in (("train_repetitions", ABSENT), ("sessions", (ABSENT,)), ("test_sessions", (ABSENT,))):
            if option in options:
                self.take(f"{option} that are not there are refused in words", partial(self.refused, option, absent))

    def fewer(self) -> str | None:
        one, every = entering.train(self.other({"train_repetitions": 1}), self.subject), self.trained[0]
        if set(one.stimuli) != set(every.stimuli):
            return f"it gave {len(one.stimuli)} stimuli; all repetitions gave {len(every.stimuli)}, or other ids"
        return (
            f"it gave {len(one.eeg)} trials, and all gave {len(every.eeg)}" if len(one.eeg) > len(every.eeg) else None
        )

    def refused(self, option: str, absent: object) -> str | None:
        try:
            other = self.other({option: absent})
            entering.queries(other, self.subject) if option == "test_sessions" else entering.train(other, self.subject)
        except (AuthorError, MissingError):
            raise
        except EegbenchError:  # it said what there is
            return None
        return f"{option}={absent} was taken; raise UsageError, and say what there is"

    def queries(self) -> None:
        with closed(type(self.dataset), "answers", "queries asked the data set for the answers"):
            self.queried.append(entering.queries(self.dataset, self.subject))

    def answers(self) -> None:
        self.answered.append(entering.answers(self.dataset, self.subject, asked=self.queried[0].stimuli))

    def train(self) -> None:
        self.trained.append(entering.train(self.dataset, self.subject))

    def again(self, verb: str, before: Sequence[Any]) -> str | None:
        second = getattr(self.dataset, verb)(self.subject)
        for name, first in vars(before[0]).items():
            if not _same(first, getattr(second, name)):
                return f"a second call of {verb} gave other {name}: draw from seeds of your own, never from global ones"
        return None

    def single(self) -> str | None:
        try:
            single_trials = entering.queries(self.dataset, self.subject, average=1)
        except AuthorError:
            raise
        except EegbenchError:  # it said why
            return None
        if set(single_trials.stimuli) != set(self.queried[0].stimuli):
            return (
                f"average=1 gave {len(single_trials.stimuli)} stimuli; "
                f"'all' gave {len(self.queried[0].stimuli)}, and other ids"
            )
        return None

    def apart(self) -> str | None:
        train, test = self.trained[0], self.answered[0]
        if self.dataset.caution.strip():
            return None
        for kind, common in (
            ("stimulus ids", set(train.stimuli) & set(test.stimuli)),
            ("concepts", set(train.concepts) & set(test.concepts)),
        ):
            if common:
                return f"{len(common)} {kind} are in both, as {min(common)!r}, and there is no caution that says so"
        return None


def _same(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray):
        return bool(a == b)
    return isinstance(b, np.ndarray) and (a.dtype, a.shape) == (b.dtype, b.shape) and _digest(a) == _digest(b)


def _digest(array: Any) -> str:
    """sha256 of an array that may lie on disk, a row at a time."""
    sha256 = hashlib.sha256()
    for row in array:
        sha256.update(np.ascontiguousarray(row).tobytes())
    return sha256.hexdigest()


def _paths(dataset: Dataset) -> str | None:
    """Which setting holds a path as a word. A setting of the type Path enters no record; a word does."""
    recorded = {key: value for key, value in describe(dataset).items() if isinstance(value, str)}
    wrong = [
        key for key, value in recorded.items() if os.path.isabs(value) or (os.sep in value and os.path.exists(value))
    ]
    return f"{wrong[0]} is the path {recorded[wrong[0]]!r} as a word; give the field the type Path" if wrong else None


def _ignore(_: object) -> None:
    """None for any value: a clause is kept where the call in its argument raises nothing."""
