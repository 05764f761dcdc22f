"""Views: what is seen of the EEG is exactly what was asked for, and the rest plays no part."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegbench.arrays import EEGInfo, check_eeg, on_disk
from eegbench.channels import THINGS_NICE
from eegbench.contracts import Queries, TrainingSet
from eegbench.datasets import scratch
from eegbench.datasets.eegcvpr import source
from eegbench.datasets.sim_things.eeg import INFO as SIM
from eegbench.datasets.views import View, channels_of, spread_over_concepts, window_of
from eegbench.errors import InputError, UsageError

NICE = EEGInfo(THINGS_NICE, 250.0, 0.0, 250, "whitened")
INFO = EEGInfo(("Fz", "Cz", "O1", "Pz", "Oz"), 100.0, -0.2, 100)
EMBEDDED = EEGInfo(("embedding",), 0.0, 0.0, 8, "embedding")


def training(info: EEGInfo = INFO, *, stimuli: int = 30, trials: int = 2, concepts: int = 7) -> TrainingSet:
    """Two people's trials in a shuffled order; image i is all i, and trial j's EEG differs from any other's."""
    rng = np.random.default_rng(0)
    shown = rng.permutation(np.repeat(np.arange(stimuli), trials))
    return TrainingSet(
        eeg=rng.normal(size=(len(shown), len(info.channels), info.times)).astype(np.float32),
        info=info,
        shown=shown,
        stimuli=tuple(f"s/{i:02d}" for i in range(stimuli)),
        images=np.broadcast_to(np.arange(stimuli, dtype=np.uint8)[:, None, None, None], (stimuli, 2, 2, 3)).copy(),
        concepts=tuple(f"concept {rng.integers(concepts)}" for _ in range(stimuli)),
        captions=tuple((f"caption {i}",) * 10 for i in range(stimuli)),
        subject=0,
        subjects=rng.integers(1, 3, len(shown)),
    )


def mapped(train: TrainingSet, folder: Path) -> TrainingSet:
    """The same with EEG and images on disk."""
    for name in ("eeg", "images"):
        np.save(folder / f"{name}.npy", getattr(train, name))
    loaded = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("eeg", "images")}
    return replace(train, eeg=loaded["eeg"], images=loaded["images"])


def same(one: TrainingSet, other: TrainingSet) -> bool:
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("eeg", "images", "shown", "subjects")
    )
    words = all(getattr(one, name) == getattr(other, name) for name in ("info", "stimuli", "concepts", "captions"))
    return arrays and words


def times(info: EEGInfo) -> Any:
    return info.start + np.arange(info.times) / info.rate


def test_the_default_view_hands_back_the_very_object() -> None:
    train, view = training(), View()
    queries = Queries(train.eeg, INFO, train.stimuli)
    assert view.info(INFO) is INFO and view.of_queries(queries) is queries and view.of_training(train, 0) is train
    assert view.info(EMBEDDED) is EMBEDDED
    assert View(train_stimuli=3).of_queries(queries) is queries


@pytest.mark.parametrize("info", [INFO, SIM, NICE, source.INFO])
def test_windows_that_follow_each_other_hold_every_sample_once(info: EEGInfo) -> None:
    end = info.start + info.times / info.rate
    for count in (1, 2, 3, 7, 10):
        edges = np.linspace(info.start, end, count + 1)
        views = [View(window=(a, b), cut="crop").info(info) for a, b in pairwise(edges)]
        np.testing.assert_allclose(np.concatenate([times(view) for view in views]), times(info), atol=1e-9)


@pytest.mark.parametrize(
    ("window", "first", "last"),
    [
        ((0.0, 0.2), 20, 40),
        ((-0.2, 0.8), 0, 100),
        ((0.1, 0.3), 30, 50),
        ((0.095, 0.101), 30, 31),
        ((-0.0, 0.01), 20, 21),
    ],
)
def test_crop_gives_exactly_the_samples_of_the_window(window: tuple[float, float], first: int, last: int) -> None:
    train, view = training(), View(window=window, cut="crop")
    seen = view.of_training(train, 0)
    np.testing.assert_array_equal(seen.eeg, train.eeg[:, :, first:last])
    assert seen.info == view.info(INFO) == replace(INFO, start=round(-0.2 + first / 100, 9), times=last - first)
    check_eeg(seen.eeg, seen.info)
    assert same(replace(seen, eeg=train.eeg, info=INFO), train)


def test_mask_keeps_the_shape_and_zeroes_the_rest() -> None:
    train, view = training(), View(window=(0.0, 0.2))
    before, seen = train.eeg.copy(), view.of_training(train, 0)
    assert seen.info is INFO and seen.eeg.shape == train.eeg.shape and seen.eeg.dtype == np.float32
    np.testing.assert_array_equal(seen.eeg[:, :, 20:40], train.eeg[:, :, 20:40])
    assert not seen.eeg[:, :, :20].any() and not seen.eeg[:, :, 40:].any()
    np.testing.assert_array_equal(train.eeg, before)


def test_what_lies_outside_a_view_does_not_matter() -> None:
    view, train = View(window=(0.0, 0.2), channels=("occipital",)), training()
    poison = np.full_like(train.eeg, np.nan)
    poison[:, [2, 4], 20:40] = train.eeg[:, [2, 4], 20:40]
    assert same(view.of_training(train, 0), view.of_training(replace(train, eeg=poison), 0))


def test_channels_stay_in_the_recordings_order() -> None:
    train, view = training(), View(channels=("oz", "CZ", "occipital"))
    seen = view.of_training(train, 0)
    assert seen.info.channels == ("Cz", "O1", "Oz")
    np.testing.assert_array_equal(seen.eeg, train.eeg[:, [1, 2, 4]])


def test_queries_are_seen_as_training_trials_are() -> None:
    train, view = training(), View(window=(0.1, 0.3), cut="crop", channels=("parietal", "Fz"), train_stimuli=4)
    queries = Queries(train.eeg[:30], INFO, train.stimuli)
    seen = view.of_queries(queries)
    np.testing.assert_array_equal(seen.eeg, train.eeg[:30, [0, 3], 30:50])
    assert seen.info == view.of_training(train, 0).info == view.info(INFO) and seen.stimuli == train.stimuli


def test_a_stimulus_is_taken_with_all_its_trials_and_all_that_belongs_to_it() -> None:
    train = training()
    seen = View(train_stimuli=9).of_training(train, 3)
    taken = [i for i, name in enumerate(train.stimuli) if name in seen.stimuli]
    trials = np.flatnonzero(np.isin(train.shown, taken))  # in their order
    assert len(seen.stimuli) == len(taken) == 9 and len(trials) == 18
    np.testing.assert_array_equal(seen.eeg, train.eeg[trials])
    np.testing.assert_array_equal(seen.subjects, train.subjects[trials])
    assert [seen.stimuli[i] for i in seen.shown] == [train.stimuli[i] for i in train.shown[trials]]
    assert seen.shown.dtype == np.int64
    assert seen.images[:, 0, 0, 0].tolist() == taken
    assert seen.concepts == tuple(train.concepts[i] for i in taken)
    assert seen.captions == tuple(train.captions[i] for i in taken)
    assert seen.info is INFO


def test_smaller_training_sets_are_parts_of_larger_ones() -> None:
    train = training()
    sets = [set(View(train_stimuli=n).of_training(train, 5).stimuli) for n in range(1, 31)]
    assert [len(names) for names in sets] == list(range(1, 31))
    assert all(small < large for small, large in pairwise(sets))
    assert same(View(train_stimuli=30).of_training(train, 5), train)


@pytest.mark.parametrize("seed", range(8))
def test_an_order_is_spread_over_concepts_at_every_length(seed: int) -> None:
    rng = np.random.default_rng(seed)
    concepts = [f"c{i}" for i in rng.integers(1 + seed, size=40)]
    order = spread_over_concepts(concepts, seed)
    assert order.dtype == np.int64 and sorted(order) == list(range(40))
    whole = Counter(concepts)
    for n in range(1, 41):
        taken = Counter(concepts[place] for place in order[:n])
        most = max(taken.values())
        assert all(taken[c] >= min(most - 1, whole[c]) for c in whole)  # nobody is two behind, unless it has no more


def test_an_order_depends_on_the_seed_alone_and_shuffles_concepts_and_stimuli() -> None:
    concepts = [f"c{i // 10}" for i in range(2000)]
    one, again, other = (spread_over_concepts(concepts, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert not np.array_equal(one[:200] // 10, np.arange(200))  # concepts
    assert Counter((one[:200] % 10).tolist()).keys() == set(range(10))  # stimuli of a concept
    assert spread_over_concepts([], 0).tolist() == []


@pytest.mark.parametrize(
    "view",
    [
        View(window=(0.0, 0.2)),
        View(window=(0.0, 0.2), cut="crop", channels=("occipital",)),
        View(train_stimuli=11),
        View(window=(0.1, 0.5), channels=("Fz", "Pz"), train_stimuli=20),
    ],
)
def test_eeg_on_disk_is_seen_as_in_memory_and_stays_on_disk(
    view: View, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "FEW", 9)  # some parts
    train = training()
    there, here = (view.of_training(t, 1) for t in (mapped(train, tmp_path), train))
    assert same(there, here)
    assert on_disk(there.eeg) and on_disk(there.images) and not on_disk(here.eeg)
    assert isinstance(
        there.eeg, np.memmap
    )  # as the EEG of a data set's own files, which is not read again when checked


SEEN = """
import re, sys
import numpy as np
from eegbench.arrays import EEGInfo
from eegbench.channels import THINGS_NICE
from eegbench.contracts import TrainingSet
from eegbench.datasets.views import View

def resident(mark):
    return int(re.search(mark + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024

def grown(view, train):
    open("/proc/self/clear_refs", "w").write("5")  # the mark of the peak, taken back
    before = resident("VmRSS")
    seen = view.of_training(train, 0)
    last = train.eeg[int(seen.stimuli[-1])]
    assert np.array_equal(seen.eeg[-1], np.where(inside, last, 0) if view.window else last)
    return resident("VmHWM") - before

eeg, inside = np.load(sys.argv[1], mmap_mode="r"), (np.arange(250) >= 50) & (np.arange(250) < 100)
n = len(eeg)
images = np.broadcast_to(np.uint8(0), (n, 2, 2, 3))
train = TrainingSet(eeg, EEGInfo(THINGS_NICE, 250.0, 0.0, 250, "whitened"), np.arange(n), tuple(map(str, range(n))),
                    images, ("concept",) * n, ((),) * n, 1)
views = [View(window=(0.2, 0.4)), View(train_stimuli=n), View(train_stimuli=n // 10)]
print(*(grown(view, train) for view in views), resident("VmRSS"))
np.array(eeg)
print(resident("VmHWM"))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is measured on Linux alone")
def test_a_view_of_eeg_that_is_larger_than_memory_takes_little_of_it(tmp_path: Path) -> None:
    trials = np.random.default_rng(0).normal(size=(400, 63, 250)).astype(np.float32)
    eeg = np.lib.format.open_memmap(tmp_path / "eeg.npy", mode="w+", dtype=np.float32, shape=(4800, 63, 250))
    for i in range(0, 4800, 400):
        eeg[i : i + 400] = trials + i
    assert eeg.nbytes > 300e6
    del eeg
    done = subprocess.run(
        [sys.executable, "-c", SEEN, str(tmp_path / "eeg.npy")], capture_output=True, text=True, check=True
    )
    *grown, held, whole = map(int, done.stdout.split())
    assert max(grown) < 100e6
    assert whole - held > 300e6  # what the same measure says of all the EEG in memory


def test_a_view_is_described_by_what_is_not_default_and_read_again() -> None:
    assert View().described() == {}
    for view in (
        View(),
        View(window=(-0.1, 0)),
        View(window=(0, 1), cut="crop"),
        View(channels=("O1", "occipital")),
        View(train_stimuli=7),
        View((0.1, 0.2), "crop", ("Oz",), 7),
    ):
        described = view.described()
        assert View.of(json.loads(json.dumps(described))) == view
        assert all(described[name] == value for name, value in View.of(described).described().items())
    assert View((0, 0.2), "crop", ("oz", "Oz", "OCCIPITAL"), 7).described() == {
        "window": [0.0, 0.2],
        "cut": "crop",
        "channels": ["Oz", "occipital"],
        "train_stimuli": 7,
    }


def test_equal_views_are_equal_however_they_are_written() -> None:
    assert View(channels=("oz", "FP1", "Occipital")) == View(channels=("occipital", "Oz", "fp1", "OZ"))
    assert View(window=(-0.0, 1)).described() == View(window=(0, 1.0)).described()
    assert json.dumps(View(window=(-0.0, 1)).described()) == '{"window": [0.0, 1.0]}'
    assert hash(View(channels=("oz",))) == hash(View(channels=("Oz",)))


HOSTILE: list[Any] = [
    None,
    [],
    "window",
    {"windows": [0, 1]},
    {"window": [0]},
    {"window": [0, 1, 2]},
    {"window": "0:1"},
    {"window": [0, "1"]},
    {"window": [True, 1]},
    {"window": [0, 10**400]},
    {"window": [1, 0]},
    {"window": [0.5, 0.5]},
    {"cut": "crop"},
    {"cut": "shred", "window": [0, 1]},
    {"cut": ["crop"], "window": [0, 1]},
    {"channels": "Oz"},
    {"channels": ["Oz", 3]},
    {"channels": [""]},
    {"channels": ["  "]},
    {"channels": ["O" * 201]},
    {"channels": ["\ud800"]},
    {"channels": [f"E{i}" for i in range(1001)]},
    {"train_stimuli": 0},
    {"train_stimuli": -1},
    {"train_stimuli": 1.0},
    {"train_stimuli": True},
    {"train_stimuli": "all"},
]


@pytest.mark.parametrize("value", HOSTILE)
def test_json_that_is_no_view_is_refused_in_one_line(value: Any) -> None:
    with pytest.raises(InputError) as refused:
        View.of(value)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("words", "window"), [("0:0.2", (0.0, 0.2)), ("-.1:.5", (-0.1, 0.5)), (" 0 : 1e-1", (0.0, 0.1))]
)
def test_a_window_is_read_from_words(words: str, window: tuple[float, float]) -> None:
    assert window_of(words) == window


@pytest.mark.parametrize("words", ["", "0.2", "0:", ":0.2", "0:0.2:0.4", "a:b", "0-0.2", "0,1"])
def test_words_that_are_no_window_are_refused(words: str) -> None:
    with pytest.raises(UsageError, match=r"^window is .*; wanted start:end in s from stimulus onset, as 0:0\.2$"):
        window_of(words)


@pytest.mark.parametrize("words", ["0.2:0", "0:0", "nan:1", "0:inf", "-inf:1"])
def test_a_window_has_its_start_before_its_end(words: str) -> None:
    with pytest.raises(UsageError, match=r"^window is .* s; wanted its start before its end"):
        window_of(words)


def test_channels_are_read_from_words() -> None:
    assert channels_of("occipital, O1") == ("occipital", "O1")
    assert channels_of("electrode 3") == ("electrode 3",)
    for words in ("", ",", "O1,", "O1,,O2", " "):
        with pytest.raises(UsageError, match=r"^channels are .*; wanted names of electrodes or regions"):
            channels_of(words)


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (View((0, 1)), r"window 0:1 s is not inside the recording, which is -0\.2:0\.8 s at 100 Hz"),
        (View((-0.3, 0.1)), r"window -0\.3:0\.1 s is not inside the recording"),
        (View((2, 3)), "window 2:3 s is not inside the recording"),
        (View((-1e300, 1e300)), "is not inside the recording"),
        (View((0.001, 0.002)), r"window 0\.001:0\.002 s holds no sample of the recording, which has 100 a second"),
        (
            View(channels=("temporal",)),
            r"no electrode of this recording is temporal; its electrodes are central \(1\), fr",
        ),
        (View(channels=("O2",)), "this recording has no electrode O2; it has Fz, Cz, O1, Pz, Oz"),
        (View(channels=("centrl",)), "unknown electrode or region 'centrl'; did you mean 'central'"),
        (View(train_stimuli=31), "train_stimuli is 31; wanted 1 to 30, which is all that there are"),
    ],
)
def test_what_the_recording_has_not_is_refused_with_what_there_is(view: View, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        view.of_training(training(), 0)
    if view.train_stimuli is None:
        with pytest.raises(UsageError, match=message):
            view.info(INFO)


@pytest.mark.parametrize("view", [View((0, 1)), View(channels=("Oz",)), View(train_stimuli=1)])
def test_views_of_embeddings_are_refused(view: View) -> None:
    with pytest.raises(UsageError, match=r"^embeddings stand in the EEG's place, .*; leave out \w+$"):
        view.info(EMBEDDED)


def test_what_no_recording_could_have_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="unknown cut 'corp'; did you mean 'crop'"):
        View(window=(0, 1), cut="corp")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cut is 'crop', and there is no window"):
        View(cut="crop")
    with pytest.raises(UsageError, match="train_stimuli is 0; wanted a whole number of 1 or more"):
        View(train_stimuli=0)
    with pytest.raises(UsageError, match="channels are 'Oz'; wanted names"):
        View(channels="Oz")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="wanted two times"):
        View(window=(0,))  # type: ignore[arg-type]
