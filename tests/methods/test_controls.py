"""Controls answer as their names say, and references only look at the truth."""

import dataclasses
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegbench.backbones.diffusion import Sampling
from eegbench.contracts import Method, Silent, TrainingSet
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import UsageError
from eegbench.methods.controls import (
    MeanImage,
    NearestTrainImage,
    NearestTrainImageReconstructor,
    PriorOnly,
    RandomTrainImage,
)
from eegbench.methods.encoders.fitting import EncoderSettings
from eegbench.methods.references import TrueEmbedding, VaeRoundtrip

QUICK: tuple[Method[Any], ...] = (
    RandomTrainImage(),
    MeanImage(),
    NearestTrainImage(encoder=EncoderSettings(epochs=1, validation_concepts=1)),
    PriorOnly(sampling=Sampling(steps=2)),
)


@pytest.fixture(scope="module")
def train() -> TrainingSet:
    return SimThings().train(8).part(range(64))


@pytest.mark.parametrize("method", QUICK, ids=lambda m: m.name)
def test_a_control_gives_the_same_images_before_and_after_saving(
    method: Method[Any], train: TrainingSet, tmp_path: Path
) -> None:
    fitted = method.configure(method.fit(train, seed=0, progress=Silent()))
    fitted.save(tmp_path)
    loaded = method.configure(type(fitted).load(tmp_path))
    one, two = (f.reconstruct(train.eeg[:3], seeds=[1, 2, 3]) for f in (fitted, loaded))
    assert one.dtype == np.uint8 and one.shape == (3, 64, 64, 3)
    assert (one == two).all()


def test_random_train_image_does_not_look_at_the_eeg(train: TrainingSet) -> None:
    fitted = RandomTrainImage().fit(train, seed=0, progress=Silent())
    one, two = (fitted.reconstruct(eeg, seeds=[1, 2, 3]) for eeg in (train.eeg[:3], train.eeg[3:6]))
    assert (one == two).all()
    assert all((image == train.images).all(axis=(1, 2, 3)).any() for image in one)


def test_random_train_image_keeps_some_of_many_in_their_order(train: TrainingSet) -> None:
    assert RandomTrainImage().fit(train, seed=0, progress=Silent()).images is train.images
    drawn = [RandomTrainImage(images=20).fit(train, seed=seed, progress=Silent()).images[:] for seed in (0, 0, 1)]
    assert len(drawn[0]) == 20 and (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any()
    places = [int((image == train.images).all(axis=(1, 2, 3)).argmax()) for image in drawn[0]]
    assert places == sorted(set(places)) and (train.images[places] == drawn[0]).all()
    with pytest.raises(UsageError, match="images is 0"):
        RandomTrainImage(images=0)


@pytest.mark.parametrize("method", QUICK[:3], ids=lambda m: m.name)
def test_images_on_disk_are_not_copied_into_memory(method: Method[Any], train: TrainingSet, tmp_path: Path) -> None:
    """Of 128 images of 512 px, 101 MB."""
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (128, 512, 512, 3))
    mapped[:] = np.arange(128, dtype=np.uint8)[:, None, None, None]
    mapped.flush()
    fitted = method.fit(train, seed=0, progress=Silent())
    images = np.load(tmp_path / "x.npy", mmap_mode="r")
    tracemalloc.start()
    if isinstance(fitted, NearestTrainImageReconstructor):
        fitted.images, fitted.embeddings = images, np.tile(fitted.embeddings, (2, 1))
    else:
        fitted = method.fit(dataclasses.replace(train, images=images), seed=0, progress=Silent())
    fitted.save(tmp_path / "fit")
    loaded = type(fitted).load(tmp_path / "fit")
    made = loaded.reconstruct(train.eeg[:3], seeds=[1, 2, 3])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (made == fitted.reconstruct(train.eeg[:3], seeds=[1, 2, 3])).all()
    assert most < 30e6


def test_mean_image_is_the_mean(train: TrainingSet) -> None:
    fitted = MeanImage().fit(train, seed=0, progress=Silent())
    image = fitted.reconstruct(train.eeg[:1], seeds=[5])[0]
    assert np.abs(image - train.images.mean(axis=0)).max() <= 0.5  # rounding to whole grey levels


def test_nearest_train_image_answers_with_training_images(train: TrainingSet) -> None:
    fitted = QUICK[2].fit(train, seed=0, progress=Silent())
    image = fitted.reconstruct(train.eeg[:1], seeds=[5])[0]
    assert (image == train.images).all(axis=(1, 2, 3)).any()


def test_vae_roundtrip_is_close_to_the_truth(train: TrainingSet) -> None:
    back = VaeRoundtrip().reconstruct(train.images[:8], seeds=range(8))
    r = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(back, train.images[:8], strict=True)]
    assert np.mean(r) > 0.95  # the ceiling that the benchmark's closing figure asks for


def test_true_embedding_is_closer_to_its_truth_than_to_another(train: TrainingSet) -> None:
    truths = train.images[::8]
    made = TrueEmbedding(sampling=Sampling(steps=5)).reconstruct(truths, seeds=range(8))
    error = np.abs(made[:, None].astype(float) - truths[None]).mean((2, 3, 4))
    assert (error.argmin(1) == np.arange(8)).mean() >= 0.5  # chance is 1/8
