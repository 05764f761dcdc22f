"""THINGS-EEG2 with fewer training repetitions, and by session: which trials are used, and how little is in memory."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import raw_files
import things_files as files
from eegbench.benchmark.plan import describe
from eegbench.configuration import build
from eegbench.contracts import Silent
from eegbench.datasets.prepared import Prepared
from eegbench.datasets.things_eeg2 import ThingsEEG2, trials
from eegbench.datasets.things_eeg2.raw import RawOptions
from eegbench.errors import UsageError
from memory import at_most

SMALL = files.Small()
EACH = {"train": 4, "test": 80}


def prepare(dataset: ThingsEEG2) -> Path:
    def no_tensors(path: Path) -> Any:
        raise AssertionError("THINGS-EEG2 has no such files")

    return dataset.prepare([8], tensors=no_tensors, progress=Silent())[0]


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> ThingsEEG2:
    """Of the published preprocessing, prepared."""
    dataset = ThingsEEG2(preprocessing="official", root=tmp_path_factory.mktemp("things"))
    files.write(dataset.root, "official", SMALL)
    prepare(dataset)
    return dataset


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> ThingsEEG2:
    """Of raw files, prepared: sessions 1 and 3 show the first five training images, 2 and 4 the others."""
    root, small = tmp_path_factory.mktemp("raw"), files.Small(concepts=1, tests=2, repetitions=(4, 80))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_files, "CONDITIONS", small.conditions)
        patch.setattr(raw_files, "COUNTS", {"train": (2, 2), "test": (4, 20)})
        files.write_images(root, small)
        raw_files.write_subject(root / "raw_data" / "sub-08")
    dataset = ThingsEEG2(preprocessing="raw", raw=RawOptions("occipital", rate=100.0), root=root)
    prepare(dataset)
    return dataset


def by_session(dataset: ThingsEEG2, split: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """EEG (stimuli, repetitions, channels, times) as it is prepared, and the session of each repetition."""
    prepared = Prepared.read(dataset._folder(8), remedy="")
    sessions = [int(row["session"]) for row in prepared.table("trials.csv") if row["split"] == split]
    return prepared.array(f"{split}.npy"), np.array(sessions).reshape(-1, EACH[split])


# Repetitions


def test_an_average_is_over_so_many_of_the_repetitions_of_each_stimulus(
    merged: ThingsEEG2, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, truth = dataclasses.replace(merged, train_repetitions=2), files.eeg_of("official", SMALL, "train", 8)
    train, pairs = two.train(8), list(itertools.combinations(range(4), 2))
    drawn = [[np.abs(truth[i, list(pair)].mean(0) - train.eeg[i]).max() < 1e-5 for pair in pairs] for i in range(30)]
    assert np.sum(drawn, axis=1).tolist() == [1] * 30 and np.any(drawn, axis=0).all()  # by stimulus, and no habit
    whole = merged.train(8)
    assert train.stimuli == whole.stimuli and train.shown.tolist() == whole.shown.tolist()
    assert (train.repetitions, whole.repetitions) == (2, 4)
    assert isinstance(train.eeg, np.memmap) and train.eeg.dtype == np.float32
    np.testing.assert_allclose(dataclasses.replace(merged, train_repetitions=4).train(8).eeg, whole.eeg, atol=1e-6)
    monkeypatch.setattr(trials, "FEW", 1)  # a stimulus at a time
    for same in (two, dataclasses.replace(two, draw=3)):  # `draw` is of test repetitions alone: it shapes no fit
        np.testing.assert_array_equal(same.train(8).eeg, train.eeg)


def test_so_many_repetitions_can_be_trials_of_their_own(merged: ThingsEEG2) -> None:
    train = dataclasses.replace(merged, trials="each", train_repetitions=3).train(8)
    truth = files.eeg_of("official", SMALL, "train", 8).astype(np.float32)
    assert train.shown.tolist() == np.repeat(np.arange(30), 3).tolist() and isinstance(train.eeg, np.memmap)
    places = [
        [next(r for r in range(4) if np.allclose(truth[stimulus, r], trial, atol=1e-5)) for trial in own]
        for stimulus, own in enumerate(train.eeg.reshape(30, 3, *truth.shape[2:]))
    ]
    assert all(sorted(set(own)) == own for own in places) and len(set(map(tuple, places))) == 4


def test_little_of_a_large_array_is_in_memory_at_once(tmp_path: Path) -> None:
    path, shape = tmp_path / "train.npy", (200, 4, 63, 250)  # 50 MB
    eeg = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    eeg[:] = np.arange(200, dtype=np.float32)[:, None, None, None]
    eeg.flush()
    stored, chosen = np.load(path, mmap_mode="r"), [np.array([0, 3])] * 200
    with at_most(2**21):
        averaged = trials.gathered(stored, chosen, averaged=True)
        apart = trials.gathered(stored, chosen, averaged=False)
    assert averaged.shape == (200, 63, 250) and (averaged[:, 0, 0] == np.arange(200)).all()
    assert apart.shape == (400, 63, 250) and (apart[:, -1, -1] == np.repeat(np.arange(200), 2)).all()


# Sessions


def test_a_session_trains_on_what_it_shows_and_tests_on_its_own_repetitions(raw: ThingsEEG2) -> None:
    eeg, sessions = by_session(raw, "train")
    assert sessions.tolist() == [[1, 1, 3, 3]] * 5 + [[2, 2, 4, 4]] * 5
    first = dataclasses.replace(raw, sessions=(1,))
    train, whole = first.train(8), raw.train(8)
    assert train.stimuli == whole.stimuli[:5] and train.concepts == whole.concepts[:5] and len(train.captions) == 5
    np.testing.assert_allclose(train.eeg, eeg[:5, :2].mean(1), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(train.images, whole.images[:5])
    assert (train.repetitions, whole.repetitions) == (2, 4)
    both = dataclasses.replace(raw, sessions=(2, 3), trials="each").train(8)
    assert both.repetitions == 1 and both.stimuli == whole.stimuli and both.images.shape == whole.images.shape
    np.testing.assert_array_equal(both.eeg, eeg[sessions % 4 // 2 == 1])
    tested, of_test = by_session(raw, "test")
    assert (np.bincount(of_test[0])[1:] == 20).all()
    np.testing.assert_allclose(first.queries(8).eeg, tested[:, of_test[0] == 1].mean(1), rtol=1e-5, atol=1e-5)
    across = dataclasses.replace(raw, sessions=(1, 2, 3), test_sessions=(4,))
    np.testing.assert_allclose(across.queries(8).eeg, tested[:, of_test[0] == 4].mean(1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(across.queries(8, average=20).eeg, across.queries(8).eeg, rtol=1e-5, atol=1e-5)
    with pytest.raises(
        UsageError, match="average of the sessions 4 is 21; wanted 'all' or a whole number from 1 to 20"
    ):
        across.queries(8, average=21)


def test_repetitions_are_drawn_among_those_of_the_sessions(raw: ThingsEEG2) -> None:
    eeg, _ = by_session(raw, "train")
    train = dataclasses.replace(raw, sessions=(1, 2, 3), train_repetitions=1).train(8)
    for i, trial in enumerate(train.eeg):
        assert any(np.array_equal(trial, eeg[i, r]) for r in (range(4) if i < 5 else range(2)))
    with pytest.raises(
        UsageError, match="train_repetitions of the sessions 1,2,3 is 3; wanted a whole number from 1 to 2"
    ):
        dataclasses.replace(raw, sessions=(1, 2, 3), train_repetitions=3).train(8)


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_repetitions": 9}, "train_repetitions is 9; wanted a whole number from 1 to 4"),
        ({"sessions": "1,2"}, "sessions is 1,2; preprocessing=nice has its sessions merged; prepare the raw files"),
        (
            {"preprocessing": "official", "test_sessions": "4"},
            "test_sessions is 4; preprocessing=official has its sess",
        ),
        ({"preprocessing": "raw", "sessions": "1,5"}, "sessions is 1,5; there are the sessions 1 to 4"),
        ({"preprocessing": "raw", "sessions": [1, 1]}, "sessions is 1,1; name each session once"),
    ],
)
def test_what_is_not_there_is_refused_in_a_line_that_says_what_is(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}") as caught:
        build(ThingsEEG2, options)
    assert "\n" not in str(caught.value)


def test_the_options_are_in_a_record_where_they_are_set() -> None:
    before = {"preprocessing": "nice", "trials": "mean", "draw": 0}
    assert before.items() <= describe(ThingsEEG2()).items() and set(describe(ThingsEEG2())) == {*before, "raw"}
    some = ThingsEEG2(preprocessing="raw", train_repetitions=1, sessions=(1, 2), test_sessions=(3,))
    assert {"train_repetitions": 1, "sessions": [1, 2], "test_sessions": [3]}.items() <= describe(some).items()
    assert "test_sessions" not in describe(some, without_stage="reconstruct")
