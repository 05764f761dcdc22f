"""Trials and the stimuli that they showed: several trials of one stimulus, and EEG that lies on disk."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eegbench import arrays
from eegbench.backbones.diffusion import Sampling
from eegbench.contracts import Method, Silent, TrainingSet
from eegbench.datasets.sim_things import SimThings
from eegbench.methods.atm import Atm
from eegbench.methods.atm.low_level import LowLevelSettings
from eegbench.methods.atm.prior import PriorSettings
from eegbench.methods.controls import NearestTrainImage
from eegbench.methods.encoders.fitting import EncoderSettings
from eegbench.methods.llm_caption import CaptionSettings, LlmCaption
from eegbench.methods.neuroimagen import NeuroImagen
from eegbench.methods.neuroimagen.gan import GanSettings
from eegbench.methods.neuroimagen.lstm import FeatureSettings
from eegbench.methods.neuroimagen.regressor import RegressorSettings
from eegbench.methods.saliency_controlnet import SaliencyControlNet
from eegbench.methods.standard import Standardised, scale_of
from eegbench.methods.tuning_settings import TuningSettings

SAMPLING = Sampling(steps=2)
ENCODER = EncoderSettings(epochs=1, validation_concepts=2)
METHODS: tuple[Method[Any], ...] = (
    Atm(
        encoder=ENCODER,
        prior=PriorSettings(epochs=1, steps=2),
        low_level_settings=LowLevelSettings(epochs=1),
        sampling=SAMPLING,
    ),
    NeuroImagen(
        features=FeatureSettings(epochs=1),
        gan=GanSettings(steps=4),
        regressor=RegressorSettings(epochs=1),
        validation_concepts=2,
        sampling=SAMPLING,
    ),
    LlmCaption(captions=CaptionSettings(epochs=1, validation_concepts=2), sampling=SAMPLING),
    SaliencyControlNet(
        encoder=ENCODER,
        lora=TuningSettings(steps=2, batch=4, rate=1e-3),
        controlnet=TuningSettings(steps=2, batch=4, rate=1e-3),
        head_epochs=1,
        sampling=SAMPLING,
    ),
    NearestTrainImage(encoder=ENCODER),
)


@pytest.fixture(scope="module")
def repeated() -> TrainingSet:
    """60 trials of 20 stimuli of ten concepts, in no order."""
    some = SimThings(train_images=2).train(8).part(range(60))
    rng = np.random.default_rng(0)
    stimuli = some.part(range(20))
    return dataclasses.replace(stimuli, eeg=some.eeg, shown=rng.permutation(np.repeat(np.arange(20), 3)))


def spelled_out(train: TrainingSet) -> TrainingSet:
    """The same trials with a stimulus of its own for each."""
    each = train.shown.tolist()
    return dataclasses.replace(
        train,
        shown=np.arange(len(each)),
        stimuli=tuple(f"{train.stimuli[i]}/{n}" for n, i in enumerate(each)),
        images=train.images[each],
        concepts=tuple(train.concepts[i] for i in each),
        captions=tuple(train.captions[i] for i in each),
    )


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_a_stimulus_with_several_trials_is_as_many_stimuli_that_look_alike(
    repeated: TrainingSet, method: Method[Any]
) -> None:
    drawn = [
        method.configure(method.fit(train, seed=0, progress=Silent())).reconstruct(repeated.eeg[:6], seeds=range(6))
        for train in (repeated, spelled_out(repeated))
    ]
    apart = np.abs(drawn[0].astype(int) - drawn[1])
    assert (apart > 2).mean() < 0.01
    elsewhere = dataclasses.replace(repeated, shown=repeated.shown[::-1].copy())
    other = method.configure(method.fit(elsewhere, seed=0, progress=Silent()))
    assert (np.abs(other.reconstruct(repeated.eeg[:6], seeds=range(6)).astype(int) - drawn[0]) > 2).mean() > 0.05


def test_a_part_keeps_its_trials_order_and_the_stimuli_that_they_showed(repeated: TrainingSet) -> None:
    trials = [7, 3, 41, 3]
    part = repeated.part(trials)
    assert [part.stimuli[i] for i in part.shown] == [repeated.stimuli[repeated.shown[t]] for t in trials]
    np.testing.assert_array_equal(part.images[part.shown], repeated.images[repeated.shown[trials]])
    np.testing.assert_array_equal(part.eeg, repeated.eeg[trials])
    assert len(part.stimuli) == len(set(part.stimuli))


def test_eeg_is_standardised_as_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    eeg = (1e-6 * np.random.default_rng(0).normal(3, 2, (50, 4, 9))).astype(np.float32)
    np.save(tmp_path / "eeg.npy", eeg)
    mapped = np.load(tmp_path / "eeg.npy", mmap_mode="r")
    mean, std = eeg.mean((0, 2), keepdims=True)[0], eeg.std((0, 2), keepdims=True)[0] + 1e-12
    found = scale_of(mapped)
    np.testing.assert_array_equal(found[0], mean)
    np.testing.assert_array_equal(found[1], std)  # one part: numpy's own number to the bit
    monkeypatch.setattr(arrays, "AT_ONCE", 7 * eeg[0].nbytes)
    np.testing.assert_allclose(scale_of(mapped)[1], std, rtol=1e-6)
    asked = Standardised(mapped, "cpu")
    items = torch.tensor([3, 1, 48])
    np.testing.assert_allclose(asked[items].numpy(), (eeg[items.numpy()] - mean) / std, rtol=1e-4, atol=1e-5)
    assert [len(part) for part in asked.split(20)] == [20, 20, 10]


def test_what_was_changed_in_a_copy_of_eeg_on_disk_is_kept(tmp_path: Path) -> None:
    np.save(tmp_path / "eeg.npy", np.zeros((4, 2, 1000), np.float32))
    eeg = np.load(tmp_path / "eeg.npy", mmap_mode="c")
    eeg[1] = 5
    arrays.let_go(eeg)
    arrays.let_go(eeg[1:])
    assert (eeg[1] == 5).all() and not eeg[0].any()


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is told by Linux alone")
def test_eeg_on_disk_does_not_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mapped() -> int:
        """MB of files that the process has in memory."""
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssFile")) // 1024

    np.save(tmp_path / "eeg.npy", np.zeros((1600, 10, 1000), np.float32))  # 64 MB
    monkeypatch.setattr(arrays, "AT_ONCE", 2**22)
    eeg = np.load(tmp_path / "eeg.npy", mmap_mode="r")
    before, most = mapped(), 0
    for some in Standardised(eeg, "cpu").split(100):
        assert not some.any()
        most = max(most, mapped() - before)
    assert most < 16
    eeg.sum()
    assert mapped() - before > 48  # what reading it as a whole takes
