"""Who a run is trained on: its people, their data as one training set, and by what the test EEG is scaled.

A run that is trained on its own subject hands a method that subject's EEG as it is. One that is trained on others, or
on all, hands over each person's EEG standardised by that person's own training trials, and a stranger's by those of all
who were trained on. A data set is asked for nothing of a person who is not trained on.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eegbench.arrays import EEG
from eegbench.contracts import Dataset, TrainingSet
from eegbench.datasets.pooled import Moments, Scales, pooled
from eegbench.datasets.views import View, spread_over_concepts
from eegbench.errors import InputError, UsageError
from eegbench.files import Json, read_json, write_text
from eegbench.plugins import entering
from eegbench.runs.record import RunSpec
from eegbench.seeds import generator

FILE = "people.json"  # beside a fit on several people


@dataclass(frozen=True)
class TrainedOn:
    """The people that a fit was given, beside the fit itself; empty where it was given its own subject alone.

    facts, for the record: {"subjects", "trials", "stimuli"}, and where there was a calibration
    {"calibration": {"stimuli", "trials", "minutes", "times"}}: the minutes are those of its epochs, and each of its
    trials comes so many times, that it counts as much as another person's data.
    """

    scales: Scales | None = None
    facts: Json = field(default_factory=dict)

    def given(self, eeg: EEG, spec: RunSpec) -> EEG:
        """The test EEG (n, channels, times) of the run's subject as the method is given it."""
        if self.scales is None:
            return eeg
        return (Moments.of(eeg) if spec.scale == "test" else self.scales.of(spec.subject)).standardised(eeg)

    def write(self, folder: Path) -> None:
        """Keep it beside a fit."""
        if self.scales is not None:
            held = {"scales": self.scales.facts(), "facts": self.facts}
            write_text(folder / FILE, json.dumps(held, indent=1, sort_keys=True) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "TrainedOn":
        """What `write` wrote, if anything; raises InputError for a file of another form."""
        if not (folder / FILE).is_file():
            return cls()
        held = read_json(folder / FILE)
        try:
            return cls(Scales.read(held["scales"]), dict(held["facts"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{folder / FILE}: holds no scales of people ({error}); delete the folder") from None


def people(dataset: Dataset, spec: RunSpec) -> tuple[int, ...]:
    """The subjects whose training data a run is trained on, the calibration apart, in order.

    Raises UsageError where there are no others, or fewer than were asked for.
    """
    if spec.train_on == "own":
        return (spec.subject,)
    every = tuple(sorted(dataset.subjects))
    if spec.train_on == "all":
        return every
    others = [subject for subject in every if subject != spec.subject]
    if not others:
        raise UsageError(f"data set {dataset.name!r} has one subject, {spec.subject}: there are no others to train on")
    if spec.others > len(others):
        raise UsageError(f"others {spec.others}; beside subject {spec.subject} there are {len(others)}")
    drawn = generator(spec.seed, "others", spec.subject).permutation(others)[: spec.others or None]
    return tuple(sorted(drawn.tolist()))


def digests(dataset: Dataset, spec: RunSpec) -> dict[str, str]:
    """sha256 by name of the files that a run's training data come from; the others' begin with sub-07/."""
    named: dict[str, str] = {}
    for subject in sorted({*people(dataset, spec), *([spec.subject] if spec.calibration else [])}):
        head = "" if spec.train_on == "own" else f"sub-{subject:02d}/"
        named |= {head + name: sha256 for name, sha256 in entering.digests(dataset, subject).items()}
    return named


def training_data(dataset: Dataset, spec: RunSpec) -> tuple[TrainingSet, TrainedOn]:
    """What a run's method is fitted on, seen through the run's view; raises what the data set and the view raise.

    Of several people it lies on disk. Raises UsageError for a calibration that is larger than the training data.
    """
    view = View.of(spec.view)

    def seen(subject: int) -> TrainingSet:
        return view.of_training(entering.train(dataset, subject), spec.seed)

    if spec.train_on == "own":
        return seen(spec.subject), TrainedOn()
    calibration = _calibration(seen(spec.subject), spec) if spec.calibration else None

    def sets() -> Iterator[TrainingSet]:
        yield from map(seen, people(dataset, spec))
        if calibration is not None:
            yield calibration

    train, scales = pooled(sets(), heavy=None if calibration is None else spec.subject)
    facts: Json = {
        "subjects": list(scales.people),
        "trials": len(train.eeg),
        "stimuli": len(train.stimuli),
    }
    if calibration is not None:
        times = int(np.sum(train.subjects == spec.subject)) // len(calibration.eeg)
        facts["trials"] -= (times - 1) * len(calibration.eeg)
        samples = calibration.eeg.shape[0] * calibration.repetitions * calibration.info.times
        facts["calibration"] = {
            "stimuli": len(calibration.stimuli),
            "trials": len(calibration.eeg) * calibration.repetitions,
            "minutes": round(samples / calibration.info.rate / 60, 3),
            "times": times,
        }
    return train, TrainedOn(scales, facts)


def counted(dataset: Dataset, spec: RunSpec) -> int:
    """Whose training stimuli tell how many there are: the run's subject's, of a stranger those of one of the others."""
    return people(dataset, spec)[0] if spec.stranger else spec.subject


def check_amounts(dataset: Dataset, spec: RunSpec) -> str:
    """Raises UsageError where a run wants more training stimuli than a person has; says how many it takes."""
    wanted = {"calibration": spec.calibration, "train_stimuli": spec.view.get("train_stimuli") or 0}
    if not any(wanted.values()):
        return "as many training stimuli as there are"
    subject = counted(dataset, spec)
    there = len(entering.train(dataset, subject).stimuli)
    for name, count in wanted.items():
        if count > there:
            raise UsageError(f"{name} {count}; subject {subject} has {there} training stimuli")
    return ", ".join(f"{name} {count} of {there}" for name, count in wanted.items() if count)


def _calibration(own: TrainingSet, spec: RunSpec) -> TrainingSet:
    """The trials of as many of the subject's own training stimuli, drawn by seed and spread over concepts."""
    if spec.calibration > len(own.stimuli):
        what = f"of its {len(own.stimuli)} training stimuli that the view leaves"
        raise UsageError(f"calibration {spec.calibration} {what}; subject {spec.subject} has no more")
    chosen = spread_over_concepts(own.concepts, spec.seed)[: spec.calibration]
    return own.part(np.flatnonzero(np.isin(own.shown, chosen)).tolist())
