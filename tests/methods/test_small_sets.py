"""Settings follow the data's size: every method fits a data set of a few concepts and pictures with its defaults."""

import warnings
from typing import Any

import numpy as np
import pytest

from eegbench.backbones.diffusion import Sampling
from eegbench.contracts import Method, Silent, TrainingSet
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import InputError
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
from eegbench.methods.saliency_controlnet import SaliencyControlNet
from eegbench.methods.tuning_settings import TuningSettings

SAMPLING, ENCODER, TUNING = Sampling(steps=2), EncoderSettings(epochs=2), TuningSettings(steps=2, batch=24, rate=1e-3)
METHODS: tuple[Method[Any], ...] = (  # but for how long they fit, with their defaults
    Atm(
        encoder=ENCODER,
        prior=PriorSettings(epochs=2, steps=2),
        low_level_settings=LowLevelSettings(epochs=2),
        sampling=SAMPLING,
    ),
    NeuroImagen(
        features=FeatureSettings(epochs=2),
        gan=GanSettings(steps=2),
        regressor=RegressorSettings(epochs=2),
        sampling=SAMPLING,
    ),
    LlmCaption(captions=CaptionSettings(epochs=2), sampling=SAMPLING),
    SaliencyControlNet(encoder=ENCODER, lora=TUNING, controlnet=TUNING, head_epochs=2, sampling=SAMPLING),
    NearestTrainImage(encoder=ENCODER),
    RandomTrainImage(),
)


def few(concepts: int, images: int) -> TrainingSet:
    return SimThings(train_images=images).train(8).part(range(concepts * images))


@pytest.mark.parametrize(("concepts", "images"), [(3, 2), (3, 1), (2, 2)])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_a_method_fits_a_few_concepts_with_its_defaults(method: Method[Any], concepts: int, images: int) -> None:
    train = few(concepts, images)
    assert len(set(train.concepts)) == concepts
    needs_two = method.name == "neuroimagen" and concepts == 2  # one is held out, and a triplet wants two
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if needs_two:
            with pytest.raises(InputError, match="1 concept to fit EEG features on; wanted 2"):
                method.fit(train, seed=0, progress=Silent())
            return
        fitted = method.configure(method.fit(train, seed=0, progress=Silent()))
    made = fitted.reconstruct(train.eeg[:2], seeds=[0, 1])
    assert made.dtype == np.uint8 and len(made) == 2


def test_a_lone_trial_to_fit_on_is_refused_in_words() -> None:
    train = few(2, 1)
    with (
        pytest.warns(UserWarning, match="training concepts"),
        pytest.raises(InputError, match="fit EEG encoder: 1 trial to fit on, beside those held"),
    ):
        NearestTrainImage(encoder=ENCODER).fit(train, seed=0, progress=Silent())
