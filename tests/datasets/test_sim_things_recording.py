"""Repetitions, sessions and blocks of sim-things: which trials are averaged, what drifts, what drift tells."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.benchmark import fit
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import describe, plan
from eegbench.configuration import build
from eegbench.datasets.repetitions import drawn
from eegbench.datasets.sim_things import SimThings, eeg, head, recording
from eegbench.datasets.sim_things.concepts import Concept
from eegbench.errors import UsageError
from eegbench.files import digest

Floats = NDArray[np.float64]
SMALL = SimThings(train_images=1, test_images=1)
SESSIONS = dataclasses.replace(SMALL, design="sessions")
SILENT = {"snr": 0.0, "train_images": 10, "test_images": 5}  # nothing of the image is left
BLOCKS, SHUFFLED = (SimThings(design=design, **SILENT) for design in ("blocks", "shuffled"))  # type: ignore[arg-type]


def shown(images: int) -> list[tuple[Concept, int]]:
    return [(concept, number) for concept in recording.CLASSES for number in range(1, images + 1)]


# Repetitions


def test_training_repetitions_are_drawn_among_the_very_trials_that_all_of_them_average() -> None:
    every, one, three = (dataclasses.replace(SMALL, snr=0, train_repetitions=n).train(3) for n in (4, 1, 3))
    assert np.array_equal(every.eeg, dataclasses.replace(SMALL, snr=0).train(3).eeg)
    assert (every.repetitions, one.repetitions, BLOCKS.train(3).repetitions) == (4, 1, 1)
    assert one.stimuli == every.stimuli and one.eeg.shape == every.eeg.shape
    # Noise of n of 4 repetitions has 4 / n times the variance of their mean, and correlates with it by sqrt(n / 4).
    for some, n in ((one, 1), (three, 3)):
        assert some.eeg.var() == pytest.approx(every.eeg.var() * 4 / n, rel=0.1)
        assert np.corrcoef(some.eeg.ravel(), every.eeg.ravel())[0, 1] == pytest.approx(np.sqrt(n / 4), abs=0.03)


def test_which_repetition_is_drawn_differs_from_stimulus_to_stimulus_and_not_from_call_to_call() -> None:
    chosen = [drawn(np.arange(4), 1, "sim-things", "1", 3, stimulus) for stimulus in SMALL.train(3).stimuli]
    assert {int(one[0]) for one in chosen} == {0, 1, 2, 3}
    one = dataclasses.replace(SMALL, train_repetitions=1)
    assert np.array_equal(one.train(3).eeg, one.train(3).eeg)


# Sessions


def test_a_session_has_one_repetition_of_four_and_twenty_of_eighty() -> None:
    for split, each in (("train", 1), ("test", 20)):
        (of_repetition,) = recording.places("sessions", 8, split, shown(1), 1)[:1]
        assert np.bincount(of_repetition).tolist() == [each] * 4
    assert not recording.places("rapid", 8, "train", shown(1), 1).any()


def test_all_sessions_together_are_the_mean_of_each_alone() -> None:
    asks: list[Callable[[SimThings], NDArray[np.float32]]] = [lambda d: d.train(8).eeg, lambda d: d.queries(8).eeg]
    for ask in asks:
        alone = [ask(dataclasses.replace(SESSIONS, sessions=(n,))) for n in (1, 2, 3, 4)]
        np.testing.assert_allclose(ask(SESSIONS), np.mean(alone, axis=0), rtol=0, atol=1e-10)
        pair = ask(dataclasses.replace(SESSIONS, sessions=(4, 2)))
        np.testing.assert_allclose(pair, (alone[1] + alone[3]) / 2, rtol=0, atol=1e-10)


def test_one_may_train_on_some_sessions_and_test_on_another() -> None:
    across = dataclasses.replace(SESSIONS, sessions=(1, 2, 3), test_sessions=(4,))
    assert across.train(8).repetitions == 3
    assert np.array_equal(across.train(8).eeg, dataclasses.replace(SESSIONS, sessions=(1, 2, 3)).train(8).eeg)
    assert np.array_equal(across.queries(8).eeg, dataclasses.replace(SESSIONS, sessions=(4,)).queries(8).eeg)
    assert np.array_equal(across.queries(8).eeg, across.queries(8, average=20).eeg)
    assert across.train(8).stimuli == SMALL.train(8).stimuli and across.answers(8).stimuli == SMALL.answers(8).stimuli


def test_sessions_differ_in_gain_field_noise_and_slow_drift_and_a_rapid_recording_in_nothing() -> None:
    assert recording.stretches("rapid", 8) == [recording.STEADY]
    stretches = recording.stretches("sessions", 8)
    gains, drifts = np.stack([s.gains for s in stretches]), np.stack([s.drift for s in stretches])
    assert len(stretches) == 4 and gains.std() == pytest.approx(recording.GAIN, rel=0.3)
    assert len({s.cap for s in stretches}) == len({s.loudness for s in stretches}) == 4 and None not in {
        s.cap for s in stretches
    }
    assert np.abs(np.corrcoef(drifts.reshape(4, -1)) - np.eye(4)).max() < 0.9
    silent = dataclasses.replace(SESSIONS, snr=0)
    means = [dataclasses.replace(silent, test_sessions=(n,)).queries(8).eeg.mean(axis=0) for n in (1, 2, 3, 4)]
    for mean, stretch in zip(means, stretches, strict=True):  # the baseline takes drift's mean before onset away
        wanted = stretch.drift - stretch.drift[:, eeg.TIMES < 1e-9].mean(axis=1, keepdims=True)
        assert np.corrcoef(mean.ravel(), wanted.ravel())[0, 1] > 0.8


def test_an_askew_cap_moves_a_source_to_the_electrodes_that_it_moved_to() -> None:
    source = head.Dipoles(np.array([head.CENTRE]) - [[0, 0.07, 0]], np.array([[0.0, -1.0, 0.0]]))  # points backwards
    proper, turned = (head.leadfield(source, cap)[:, 0] for cap in (None, (0.0, 0.0, 0.5)))
    left, right = (head.CHANNELS.index(name) for name in ("O1", "O2"))
    assert proper[left] == pytest.approx(proper[right], rel=0.1)
    # From above the head turns counter-clockwise, and what is behind comes to the right.
    assert turned[right] > 1.3 * turned[left]
    np.testing.assert_allclose(head.leadfield(source, (0.0, 1e-9, 0.0))[:, 0], proper, rtol=1e-6)


# Blocks


def test_forty_concepts_are_trained_and_tested_by_different_images_that_are_shown_once() -> None:
    train, queries, answers = BLOCKS.train(8), BLOCKS.queries(8), BLOCKS.answers(8)
    assert len(train.eeg) == len(train.stimuli) == 400 and len(queries.eeg) == 200
    assert set(train.concepts) == set(answers.concepts) and len(set(train.concepts)) == 40
    assert not set(train.stimuli) & set(answers.stimuli) and answers.stimuli == queries.stimuli
    pictures = {image.tobytes() for image in (*train.images, *answers.images)}
    assert len(pictures) == 600
    assert BLOCKS.train(8).stimuli == SHUFFLED.train(8).stimuli
    with pytest.raises(UsageError, match="average is 2; wanted 'all' or a whole number from 1 to 1"):
        BLOCKS.queries(8, average=2)


def test_a_block_is_of_one_class_and_shuffled_trials_of_a_class_fall_everywhere() -> None:
    def by_class(design: recording.Design) -> NDArray[np.int64]:
        return recording.places(design, 8, "train", shown(15), 15).reshape(40, 15)

    blocks, shuffled = by_class("blocks"), by_class("shuffled")
    assert (blocks == blocks[:, :1]).all() and sorted(blocks[:, 0]) == list(range(40))
    assert np.bincount(shuffled.ravel()).tolist() == [15] * 40 == np.bincount(blocks.ravel()).tolist()
    assert min(len(set(row)) for row in shuffled) > 8


def test_drift_is_slow_and_the_same_in_both_designs() -> None:
    blocks, shuffled = (recording.stretches(design, 8) for design in ("blocks", "shuffled"))
    drift = np.stack([s.drift[:, -1] for s in blocks])
    assert np.array_equal(drift, [s.drift[:, -1] for s in shuffled])
    near, far = (np.mean([np.corrcoef(drift[i], drift[i + lag])[0, 1] for i in range(20)]) for lag in (1, 20))
    assert near > 0.5 > 0.3 > abs(far)


def class_accuracy(simulated: SimThings, subject: int) -> float:
    """Share of test trials whose class a ridge regression names, of 40."""
    train, queries, answers = simulated.train(subject), simulated.queries(subject), simulated.answers(subject)
    seen, asked = (part.eeg.reshape(len(part.eeg), -1).astype(np.float64) * 1e6 for part in (train, queries))
    mean, scale = seen.mean(axis=0), seen.std(axis=0)
    seen, asked = (seen - mean) / scale, (asked - mean) / scale
    names = sorted(set(train.concepts))
    wanted = np.array([[concept == name for name in names] for concept in train.concepts]) - 1 / len(names)
    weights = np.linalg.solve(seen @ seen.T + 2000 * np.eye(len(seen)), wanted)
    named = (asked @ seen.T @ weights).argmax(axis=1)
    return float(np.mean([names[i] == concept for i, concept in zip(named, answers.concepts, strict=True)]))


def test_without_a_trace_of_the_image_blocks_tell_the_class_and_shuffled_trials_do_not() -> None:
    # Chance is .025; of 400 trials 20 hits or more, .05, come by chance in 1 of 300 worlds.
    in_blocks, in_random_order = (np.mean([class_accuracy(d, s) for s in (1, 8)]) for d in (BLOCKS, SHUFFLED))
    assert in_blocks > 0.3 and in_random_order < 0.05


def test_what_is_not_zero_shot_says_so_and_the_default_is_as_it_was() -> None:
    assert SMALL.caution == SESSIONS.caution == SimThings.caution == "" and SMALL.about == SimThings.about
    assert "Block design" in BLOCKS.caution and "this is not zero-shot" in BLOCKS.caution
    assert "Block" not in SHUFFLED.caution and "this is not zero-shot" in SHUFFLED.caution
    assert all("SIMULATED" in d.about and d.about != SMALL.about for d in (SESSIONS, BLOCKS, SHUFFLED))
    assert dataclasses.replace(BLOCKS, design="rapid").caution == ""
    assert describe(SMALL) == {"snr": 0.15, "train_images": 1, "test_images": 1}


# Options


def test_options_come_from_a_command_line_a_file_and_python() -> None:
    for sessions, repetitions in (("1,2", "2"), ([1, 2], 2), ((1, 2), 2)):
        table = {"design": "sessions", "sessions": sessions, "train_repetitions": repetitions}
        assert build(SimThings, table) == SimThings(design="sessions", sessions=(1, 2), train_repetitions=2)
    built = build(SimThings, {"design": "sessions", "sessions": "1,2", "test_sessions": "3"})
    assert build(SimThings, describe(built)) == built  # as a record has it


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"train_repetitions": 9}, "train_repetitions is 9; wanted a whole number from 1 to 4"),
    ({"train_repetitions": 0}, "train_repetitions is 0; wanted a whole number from 1 to 4"),
    ({"train_repetitions": True}, "train_repetitions is True; wanted"),
    ({"train_repetitions": 2, "design": "blocks"}, "train_repetitions is 2; wanted a whole number from 1 to 1"),
    ({"design": "block"}, "unknown design 'block'; did you mean 'blocks'"),
    ({"design": "blocks", "train_images": 90, "test_images": 10}, "train_images . test_images is 100; .* from 1 to 99"),
    ({"sessions": (1, 2)}, "sessions is 1,2; design=rapid has one session, and design=sessions has 4"),
    ({"test_sessions": (1,)}, "test_sessions is 1; design=rapid has one session, and design=sessions has 4"),
    ({"design": "sessions", "sessions": (1, 5)}, "sessions is 1,5; there are the sessions 1 to 4"),
    ({"design": "sessions", "test_sessions": (0,)}, "test_sessions is 0; there are the sessions 1 to 4"),
    ({"design": "sessions", "sessions": (2, 2)}, "sessions is 2,2; name each session once"),
    ({"design": "sessions", "sessions": 2}, "sessions is 2; there are the sessions 1 to 4"),
    (
        {"design": "sessions", "sessions": (1, 3), "train_repetitions": 3},
        "train_repetitions of the sessions 1,3 is 3; wanted a whole number from 1 to 2",
    ),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_is_not_there_is_refused_in_a_line_that_says_what_is(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}") as caught:
        SimThings(**options)
    assert "\n" not in str(caught.value)


def test_an_average_is_of_the_tested_sessions() -> None:
    two = dataclasses.replace(SESSIONS, test_sessions=(1, 2))
    with pytest.raises(UsageError, match="average is 41; wanted 'all' or a whole number from 1 to 40"):
        two.queries(8, average=41)


def test_what_is_trained_on_shapes_a_fit_and_what_is_tested_does_not() -> None:
    table: dict[str, object] = {"train_images": 1, "test_images": 1, "design": "sessions"}
    tables: list[dict[str, object]] = [{}, {"test_sessions": (4,)}, {"sessions": (1, 2)}, {"train_repetitions": 2}]
    plans = [plan("mean_image", 8, Options(dataset_table=table | more), device="cpu") for more in tables]
    shapes = [digest(fit.shape(planned)) for planned in plans]
    assert shapes[0] == shapes[1] and len(set(shapes)) == 3 and len({planned.spec.key for planned in plans}) == 4
