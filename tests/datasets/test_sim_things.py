"""The data set as its users meet it: shapes, ids, repeatability, options."""

import hashlib
import importlib
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eegbench.arrays import check_eeg, check_images
from eegbench.contracts import CAPTION_LEVELS, Dataset
from eegbench.datasets import DATASETS
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import UsageError

SMALL = SimThings(train_images=1, test_images=1)


def test_the_default_set_shows_ten_images_of_a_training_concept_and_two_of_a_test_concept() -> None:
    default = SimThings()
    assert (default.train_images, default.test_images) == (10, 2)
    assert len(default.answers(8).stimuli) == 200


def test_the_registry_names_a_data_set_that_knows_its_name() -> None:
    for name, path in DATASETS.items():
        module, _, attribute = path.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        assert issubclass(found, Dataset)
        assert found.name == name


def test_it_says_plainly_that_it_is_simulated() -> None:
    assert SimThings.simulated
    assert "SIMULATED" in SimThings.about


def test_training_set_holds_one_of_everything_for_each_stimulus() -> None:
    train = SMALL.train(8)
    n = len(train.stimuli)
    assert (n, train.subject, train.info) == (200, 8, SMALL.info)
    check_eeg(train.eeg, train.info)
    check_images(train.images, count=n)
    assert train.images.shape[1:] == (64, 64, 3)
    assert len(train.eeg) == len(train.concepts) == len(train.captions) == n


def test_queries_and_answers_are_joined_by_unique_ids() -> None:
    queries, answers = SMALL.queries(8), SMALL.answers(8)
    check_eeg(queries.eeg, queries.info)
    check_images(answers.images, count=len(answers.stimuli))
    assert len(set(queries.stimuli)) == len(queries.stimuli) == len(queries.eeg) == 100
    assert set(queries.stimuli) == set(answers.stimuli)


def test_ids_are_built_as_those_of_things() -> None:
    dataset = SimThings(train_images=2, test_images=2)
    ids = [*dataset.train(1).stimuli, *dataset.queries(1).stimuli]
    assert "00002_striped_ball/striped_ball_02" in ids
    assert len(set(ids)) == len(ids) == 600


def test_no_concept_is_both_trained_and_tested() -> None:
    train, test = SMALL.train(8).concepts, SMALL.answers(8).concepts
    assert (len(set(train)), len(set(test))) == (200, 100)
    assert not set(train) & set(test)


def test_every_part_of_a_held_out_concept_is_seen_in_training() -> None:
    materials, silhouettes = ({c.split("_")[k] for c in SMALL.train(8).concepts} for k in (0, 1))
    for concept in SMALL.answers(8).concepts:
        material, silhouette = concept.split("_")
        assert material in materials
        assert silhouette in silhouettes


def test_captions_are_ten_in_three_levels_and_name_the_object() -> None:
    train = SMALL.train(8)
    assert sorted(set(CAPTION_LEVELS), key=CAPTION_LEVELS.index) == ["low", "mid", "high"]
    for concept, captions in zip(train.concepts, train.captions, strict=True):
        assert len(set(captions)) == len(CAPTION_LEVELS) == 10
        assert all(concept.split("_")[1] in caption for caption in captions)


def test_info_is_the_montage_of_things_eeg2_in_its_order() -> None:
    info = SMALL.info
    assert " ".join(info.channels) == "Pz P3 P7 O1 Oz O2 P4 P8 P1 P5 PO7 PO3 POz PO4 PO8 P6 P2"
    assert (info.rate, info.start, info.times, info.unit) == (100.0, -0.2, 100, "V")


def test_amplitudes_are_microvolts() -> None:
    single, averaged = (SMALL.queries(8, average=k).eeg.std() for k in (1, "all"))
    assert 5e-6 < single < 30e-6  # scalp EEG: tens of microvolts in one trial; evoked responses reach ten
    assert 0.5e-6 < averaged < 10e-6


def test_the_same_call_gives_the_same_bytes() -> None:
    for read in (lambda: SMALL.train(3).eeg, lambda: SMALL.queries(3, average=7).eeg, lambda: SMALL.answers(3).images):
        assert hashlib.sha256(read().tobytes()).digest() == hashlib.sha256(read().tobytes()).digest()


def test_an_item_does_not_depend_on_its_neighbours() -> None:
    few, many = SMALL.queries(8), SimThings(train_images=3, test_images=2).queries(8)
    place = {name: i for i, name in enumerate(many.stimuli)}
    joined = many.eeg[[place[name] for name in few.stimuli]]
    # Another number of rows may be added up in another order: a few units in the last place of 10 microvolts.
    np.testing.assert_allclose(few.eeg, joined, rtol=0, atol=1e-11)


def test_images_are_shared_by_subjects_and_their_eeg_is_not() -> None:
    first, second = SMALL.train(1), SMALL.train(2)
    assert np.array_equal(first.images, second.images)
    assert abs(np.corrcoef(first.eeg.ravel(), second.eeg.ravel())[0, 1]) < 0.9


def test_images_of_a_concept_differ() -> None:
    images = SimThings(train_images=2).train(8).images
    assert all(not np.array_equal(first, second) for first, second in zip(images[::2], images[1::2], strict=True))


def test_what_a_caller_writes_into_an_array_stays_with_the_caller() -> None:
    before = SMALL.answers(8).images.copy()
    SMALL.answers(8).images[:] = 0
    assert np.array_equal(SMALL.answers(8).images, before)


@pytest.mark.parametrize("subject", [0, 11, -1])
def test_an_unknown_subject_is_refused_by_every_verb(subject: int) -> None:
    for verb in (SMALL.train, SMALL.queries, SMALL.answers):
        with pytest.raises(UsageError, match=f"unknown subject '{subject}'.*There is: 1, 2"):
            verb(subject)


@pytest.mark.parametrize("average", [0, 81, -3, 2.5, "some", "4", True, None])
def test_an_impossible_average_is_refused(average: Any) -> None:
    with pytest.raises(UsageError, match=r"average is .*; wanted 'all' or a whole number from 1 to 80"):
        SMALL.queries(8, average=average)


@pytest.mark.parametrize("snr", [-0.1, math.nan, math.inf, "0.1", True, None])
def test_an_impossible_snr_is_refused(snr: Any) -> None:
    with pytest.raises(UsageError, match=r"snr is .*; wanted a number"):
        replace(SMALL, snr=snr)


@pytest.mark.parametrize("option", ["train_images", "test_images"])
@pytest.mark.parametrize("value", [0, 100, 1.0, True, "2"])
def test_an_impossible_number_of_images_is_refused(option: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"{option} is .*; wanted a whole number from 1 to 99"):
        replace(SMALL, **{option: value})
