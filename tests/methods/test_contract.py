"""Every method that generates keeps the contract, fitted in moments on a few simulated trials."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from eegbench.backbones.diffusion import Sampling
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import Plan, plan
from eegbench.checks.check_method import check
from eegbench.contracts import Fit, Method, Silent, TrainingSet
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import InputError, UsageError
from eegbench.methods.atm import Atm
from eegbench.methods.atm.low_level import LowLevelSettings
from eegbench.methods.atm.prior import PriorSettings
from eegbench.methods.controls import NearestTrainImage, RandomTrainImage
from eegbench.methods.encoders.fitting import EncoderSettings
from eegbench.methods.llm_caption import CaptionSettings, LlmCaption
from eegbench.methods.neuroimagen import NeuroImagen
from eegbench.methods.neuroimagen.gan import GanSettings
from eegbench.methods.neuroimagen.lstm import FeatureSettings
from eegbench.methods.neuroimagen.regressor import RegressorSettings

SAMPLING = Sampling(steps=3)
ATM = Atm(
    encoder=EncoderSettings(epochs=1, validation_concepts=2),
    prior=PriorSettings(epochs=1, steps=3),
    low_level_settings=LowLevelSettings(epochs=1),
    sampling=SAMPLING,
)
NEUROIMAGEN = NeuroImagen(
    features=FeatureSettings(epochs=1),
    gan=GanSettings(steps=4),
    regressor=RegressorSettings(epochs=1),
    validation_concepts=2,
    sampling=SAMPLING,
)
LLM_CAPTION = LlmCaption(captions=CaptionSettings(epochs=1, validation_concepts=2), sampling=SAMPLING)
VARIANTS: dict[str, Method[Any]] = {
    "atm": ATM,
    "atm without its low-level stage": dataclasses.replace(ATM, low_level=False),
    "neuroimagen": NEUROIMAGEN,
    "neuroimagen, labels": dataclasses.replace(NEUROIMAGEN, captions="label"),
    "neuroimagen, pixels alone": dataclasses.replace(NEUROIMAGEN, captions="none"),
    "neuroimagen, caption alone": dataclasses.replace(NEUROIMAGEN, pixel_level=False),
    "llm_caption": LLM_CAPTION,
    "nearest_train_image": NearestTrainImage(encoder=EncoderSettings(epochs=1, validation_concepts=2)),
    "random_train_image, some": RandomTrainImage(images=5),
    "llm_caption, one head twice": dataclasses.replace(LLM_CAPTION, heads=("ThemeTag",), each=2),
}


@pytest.fixture(scope="module")
def planned() -> Plan:
    return plan("mean_image", 8, Options(dataset_table={"train_images": 2, "test_images": 1}), device="cpu")


@pytest.fixture(scope="module")
def train() -> TrainingSet:
    whole = SimThings(train_images=2).train(8)
    return whole.part(range(0, len(whole.eeg), 8))


@pytest.mark.parametrize("name", VARIANTS)
def test_it_keeps_the_contract(planned: Plan, name: str) -> None:
    found = check(dataclasses.replace(planned, method=VARIANTS[name]), progress=Silent())
    assert len(found) == 12 and not [finding for finding in found if finding.problem]


@pytest.mark.parametrize("method", [ATM, NEUROIMAGEN, LLM_CAPTION], ids=lambda m: m.name)
def test_eeg_of_another_size_is_refused(train: TrainingSet, method: Method[Any]) -> None:
    fitted = _fitted(method, train)
    with pytest.raises(InputError, match="fitted on"):
        fitted.reconstruct(train.eeg[:1, :16], seeds=[1])


def _fitted(method: Method[Fit], train: TrainingSet) -> Fit:
    return method.configure(method.fit(train, seed=0, progress=Silent()))


def test_captions_come_from_the_training_set_and_from_their_own_level(train: TrainingSet) -> None:
    fitted = _fitted(LLM_CAPTION, train)
    known = [
        {captions[i] for captions in train.captions for i in places} for places in (range(4), (4, 5, 6), (7, 8, 9))
    ]
    for row, prompt in zip(fitted.captions(train.eeg[:5]), fitted.prompts(train.eeg[:5]), strict=True):
        assert all(caption in level for (caption,), level in zip(row, known, strict=True))
        assert prompt == ", ".join(caption for (caption,) in row)


def test_captions_that_are_not_ten_are_refused(train: TrainingSet) -> None:
    short = dataclasses.replace(train, captions=tuple(captions[:9] for captions in train.captions))
    with pytest.raises(InputError, match=r"have not 10 captions \(the first: "):
        LLM_CAPTION.fit(short, seed=0, progress=Silent())


def test_a_caption_is_wanted_where_one_is_asked_for(train: TrainingSet) -> None:
    bare = dataclasses.replace(train, captions=tuple(() for _ in train.captions))
    with pytest.raises(InputError, match=r"have no caption at place 6 \(from 0\); use captions=label"):
        NEUROIMAGEN.fit(bare, seed=0, progress=Silent())


def test_an_unknown_head_is_refused(train: TrainingSet) -> None:
    with pytest.raises(UsageError, match="unknown head 'ObjectSnip'; did you mean 'ObjectSnap'"):
        dataclasses.replace(LLM_CAPTION, heads=("ObjectSnip",)).configure(_fitted(LLM_CAPTION, train))


def test_without_strength_the_coarse_picture_is_what_comes_out(train: TrainingSet) -> None:
    """At strength 1/3 of three steps one is made; the more strength, the less of the start is left."""
    fitted = _fitted(NEUROIMAGEN, train)
    told = []
    for strength in (0.34, 1.0):
        dataclasses.replace(NEUROIMAGEN, strength=strength).configure(fitted)
        coarse = fitted.painter.latents(fitted.pictures(train.eeg[:4], seeds=[1, 2, 3, 4]))
        drawn = fitted.painter.latents(fitted.reconstruct(train.eeg[:4], seeds=[1, 2, 3, 4]))
        told.append(np.corrcoef(coarse.ravel(), drawn.ravel())[0, 1])
    assert told[0] > told[1]
