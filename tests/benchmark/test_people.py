"""Who is trained on: the left-out person's trials reach nothing, and each one's EEG is scaled by its own."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from eegbench.benchmark.fit import fit, shape
from eegbench.benchmark.people import training_data
from eegbench.benchmark.plan import Plan
from eegbench.benchmark.reconstruct import given_to
from eegbench.contracts import EVERYBODY, Queries, Silent, TrainingSet
from eegbench.errors import InputError, UsageError
from eegbench.files import digest
from eegbench.plugins import registry
from eegbench.runs.record import RunRecord, RunSpec
from small_world import Drawn, Lab


@dataclass(frozen=True)
class Crowd(Drawn):
    """Four people; each has an amplifier with a gain and an offset of its own, and two trials of each stimulus."""

    name: ClassVar[str] = "crowd"
    subjects: ClassVar[tuple[int, ...]] = (1, 2, 5, 8)
    asked: ClassVar[list[int]] = []

    def train(self, subject: int) -> TrainingSet:
        self.asked.append(subject)
        train = super().train(subject)
        eeg = np.concatenate([train.eeg, train.eeg + 1]) * (subject + 1) + 100 * subject
        return dataclasses.replace(
            train, eeg=eeg.astype(np.float32), shown=np.tile(train.shown, 2), subjects=np.empty(0, np.int64)
        )

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        queries = super().queries(subject)
        return dataclasses.replace(queries, eeg=(queries.eeg * (subject + 1) + 100 * subject).astype(np.float32))


@pytest.fixture
def crowd(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setitem(registry.OWN, "dataset", {"crowd": Crowd})
    Crowd.asked.clear()
    return lab


def planned(crowd: Lab, **changes: Any) -> Plan:
    return crowd.plan(dataset="crowd", **changes)


def test_one_is_trained_on_ones_own_trials_as_they_are(crowd: Lab) -> None:
    train, trained_on = planned(crowd).training()
    assert Crowd.asked == [8] and set(train.subjects.tolist()) == {8} == {train.subject}
    assert train.eeg.mean() > 800 and trained_on.scales is None
    assert given_to(planned(crowd), fit(planned(crowd), progress=Silent()), {}).eeg.mean() > 800


def test_nothing_is_asked_of_the_person_who_is_left_out(crowd: Lab) -> None:
    train, trained_on = planned(crowd, train_on="others").training()
    assert Crowd.asked == [1, 2, 5] == trained_on.facts["subjects"]
    assert set(train.subjects.tolist()) == {1, 2, 5} and train.subject == EVERYBODY


def test_each_persons_eeg_is_standardised_by_its_own_trials(crowd: Lab) -> None:
    train, _ = planned(crowd, train_on="all").training()
    for subject in Crowd.subjects:
        own = train.eeg[train.subjects == subject]
        assert np.abs(own.mean(axis=(0, 2))).max() < 1e-5 and np.abs(own.std(axis=(0, 2)) - 1).max() < 1e-5
    first, last = (train.eeg[train.subjects == subject] for subject in (1, 8))
    assert np.allclose(first, last, atol=1e-4)  # they differ by amplifiers alone


def test_a_stimulus_that_several_saw_is_there_once(crowd: Lab) -> None:
    train, _ = planned(crowd, train_on="others").training()
    assert len(train.stimuli) == len(train.images) == len(train.concepts) == len(train.captions) == 8
    assert len(train.eeg) == 3 * 16 and np.bincount(train.shown).tolist() == [6] * 8


def test_eeg_of_several_people_lies_on_disk_and_cannot_be_changed(crowd: Lab) -> None:
    train, _ = planned(crowd, train_on="others").training()
    assert isinstance(train.eeg, np.memmap) and not train.eeg.flags.writeable


def test_a_stranger_is_scaled_by_those_who_were_trained_on(crowd: Lab) -> None:
    plan = planned(crowd, train_on="others")
    given = given_to(plan, fit(plan, progress=Silent()), {}).eeg
    together = np.concatenate([Crowd().train(subject).eeg for subject in (1, 2, 5)])
    mean, std = together.mean(axis=(0, 2))[:, None], together.std(axis=(0, 2))[:, None]
    assert np.allclose(given, (plan.queries.eeg - mean) / std, rtol=1e-4)


def test_who_was_trained_on_is_scaled_by_the_own_training_trials(crowd: Lab) -> None:
    plan = planned(crowd, train_on="all")
    given = given_to(plan, fit(plan, progress=Silent()), {}).eeg
    own = Crowd().train(8).eeg
    mean, std = own.mean(axis=(0, 2))[:, None], own.std(axis=(0, 2))[:, None]
    assert np.allclose(given, (plan.queries.eeg - mean) / std, rtol=1e-3, atol=1e-4)


def test_a_strangers_own_test_eeg_as_its_scale_is_transductive(crowd: Lab) -> None:
    plan = planned(crowd, train_on="others", scale="test")
    given = given_to(plan, fit(plan, progress=Silent()), {}).eeg
    assert np.abs(given.mean(axis=(0, 2))).max() < 1e-4 and np.abs(given.std(axis=(0, 2)) - 1).max() < 1e-4
    outcome = crowd.evaluate(dataset="crowd", train_on="others", scale="test")
    assert outcome.record.transductive and any("transductive" in note for note in outcome.notes)


def test_a_calibration_adds_trials_of_ones_own_spread_over_concepts(crowd: Lab) -> None:
    train, trained_on = planned(crowd, train_on="others", calibration=3).training()
    own, each = train.subjects == 8, np.unique(train.subjects, return_counts=True)[1][:-1]
    times = round(each.max() / 6)
    assert times > 1 and own.sum() == 6 * times  # it counts as much as another person's data
    assert len(set(train.shown[own].tolist())) == 3 and len(np.unique(train.eeg[own], axis=0)) == 6
    minutes = round(6 * 0.36 / 60, 3)
    assert trained_on.facts["calibration"] == {"stimuli": 3, "trials": 6, "minutes": minutes, "times": times}
    assert trained_on.facts["trials"] == each.sum() + 6
    assert abs(train.eeg[own].mean()) < 1e-4  # scaled by the calibration's own trials


def test_a_larger_calibration_holds_the_smaller_one(crowd: Lab) -> None:
    def stimuli(count: int) -> set[int]:
        train, _ = planned(crowd, train_on="others", calibration=count).training()
        return set(train.shown[train.subjects == 8].tolist())

    assert stimuli(2) < stimuli(5) < stimuli(8)


def test_a_fit_of_all_is_made_once_for_everybody(crowd: Lab) -> None:
    for subject in (1, 8, 5):
        plan = dataclasses.replace(planned(crowd, train_on="all"))
        plan = dataclasses.replace(plan, spec=dataclasses.replace(plan.spec, subject=subject))
        fit(plan, progress=Silent())
    assert crowd.fits == ["uses-eeg"]


@pytest.mark.parametrize(
    "changes",
    [
        {"train_on": "others"},
        {"train_on": "all"},
        {"train_on": "others", "others": 2},
        {"train_on": "others", "calibration": 2},
        {"train_on": "others", "calibration": 3},
        {"view": {"channels": ["O1"]}},
    ],
    ids=str,
)
def test_each_protocol_has_a_fit_and_a_run_of_its_own(crowd: Lab, changes: dict[str, Any]) -> None:
    plan, usual = planned(crowd, **changes), planned(crowd)
    assert digest(shape(plan)) != digest(shape(usual)) and plan.spec.key != usual.spec.key


def test_fewer_others_are_drawn_by_seed_and_are_part_of_more(crowd: Lab) -> None:
    def others(count: int, seed: int = 0) -> list[int]:
        facts: list[int] = planned(crowd, train_on="others", others=count, seed=seed).training()[1].facts["subjects"]
        return facts

    assert set(others(1)) < set(others(2)) < set(others(3)) == {1, 2, 5}
    assert len({others(1, seed)[0] for seed in range(20)}) > 1


def test_the_record_says_who_was_trained_on_and_the_usual_one_is_as_ever(crowd: Lab) -> None:
    outcome = crowd.evaluate(dataset="crowd", train_on="others", calibration=2)
    record = RunRecord.read(outcome.run_folder / "run.json")
    assert (record.spec.train_on, record.spec.calibration) == ("others", 2)
    assert record.training["subjects"] == [1, 2, 5, 8] and record.training["calibration"]["stimuli"] == 2
    usual = crowd.evaluate(dataset="crowd").run_folder / "run.json"
    assert not {"train_on", "calibration", "others", "scale", "view", "training"} & set(usual.read_text().split('"'))


def test_floors_and_ceilings_are_those_of_the_usual_protocol(crowd: Lab) -> None:
    for changes in ({}, {"train_on": "others"}, {"view": {"window": [0.0, 0.1]}}):
        crowd.evaluate(dataset="crowd", **changes)
    specs = [RunRecord.read(file).spec for file in crowd.runs.rglob("run.json")]
    assert sorted(spec.method for spec in specs if spec.method != "uses-eeg") == [
        "random_train_image", "true_embedding", "vae_roundtrip",
    ]  # fmt: skip
    assert sum(spec.method == "uses-eeg" for spec in specs) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_on": "everybody"}, "unknown train-on 'everybody'"),
        ({"calibration": 2}, "calibration 2 goes with --train-on others"),
        ({"train_on": "all", "others": 2}, "others 2 goes with --train-on others"),
        ({"train_on": "others", "others": 4}, "others 4; beside subject 8 there are 3"),
        ({"train_on": "others", "calibration": -1}, "calibration -1"),
        ({"train_on": "own", "scale": "test"}, "--scale test is for a stranger"),
        ({"train_on": "others", "calibration": 2, "scale": "test"}, "--scale test is for a stranger"),
        ({"dataset_table": {"sessions": "1"}}, "data set 'crowd' does not tell sessions apart"),
        ({"dataset_table": {"train_repetitions": 1}}, "does not let its training repetitions be chosen"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_before_anything_is_read(crowd: Lab, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        planned(crowd, **changes)
    assert Crowd.asked == []


def test_a_stranger_is_not_asked_how_many_training_stimuli_there_are(crowd: Lab) -> None:
    crowd.evaluate(dataset="crowd", train_on="others", view={"train_stimuli": 4}, companions=False)
    assert set(Crowd.asked) == {1, 2, 5}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_on": "others", "calibration": 9}, "calibration 9; subject 8 has 8 training stimuli"),
        ({"view": {"train_stimuli": 9}}, "train_stimuli 9; subject 8 has 8 training stimuli"),
        ({"train_on": "others", "calibration": 5, "view": {"train_stimuli": 4}}, "calibration 5 of its 4 training"),
    ],
    ids=str,
)
def test_more_training_stimuli_than_there_are_are_refused(crowd: Lab, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        crowd.evaluate(dataset="crowd", **changes)
    assert set(Crowd.asked) == {8}  # before the others are read


def test_one_person_alone_has_no_others(crowd: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Crowd, "subjects", (8,))
    with pytest.raises(UsageError, match="has one subject, 8: there are no others"):
        planned(crowd, train_on="others")


@pytest.mark.parametrize("changed", ["images", "concepts", "info"])
def test_people_who_did_not_see_the_same_are_not_pooled(
    crowd: Lab, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    train = Crowd.train

    def other(self: Crowd, subject: int) -> TrainingSet:
        own = train(self, subject)
        if subject != 5:
            return own
        values: Any = {
            "images": own.images[::-1],
            "concepts": own.concepts[::-1],
            "info": dataclasses.replace(own.info, rate=50.0),
        }
        return dataclasses.replace(own, **{changed: values[changed]})

    monkeypatch.setattr(Crowd, "train", other)
    with pytest.raises(InputError, match="subject 5"):
        planned(crowd, train_on="others").training()


def test_a_record_whose_protocol_contradicts_itself_is_refused() -> None:
    spec = RunSpec("crowd", "1", {}, 8, "eeg", "m", {})
    for changes in ({"calibration": 1}, {"others": 1}, {"scale": "test"}, {"train_on": "all", "calibration": 1}):
        with pytest.raises(InputError):
            dataclasses.replace(spec, **changes)


def test_new_pictures_of_another_person_come_behind_those_before(crowd: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    train = Crowd.train
    monkeypatch.setattr(Crowd, "train", lambda self, s: train(self, s).part(range(2, 8) if s == 5 else range(5)))
    pooled, _ = training_data(Crowd(), dataclasses.replace(planned(crowd).spec, train_on="others"))
    whole = Crowd()._draw("train")
    assert pooled.stimuli == whole[0] and np.array_equal(pooled.images, whole[1])
    assert np.bincount(pooled.shown).tolist() == [2, 2, 3, 3, 3, 1, 1, 1]
