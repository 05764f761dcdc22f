"""ATM's caption stage: the published network, something learned, and the way of a caption into the prompt."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from eegbench.arrays import Images
from eegbench.backbones.diffusion import Sampling
from eegbench.backbones.git_captioner import GitCaptioner
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import plan
from eegbench.checks.check_method import check
from eegbench.contracts import Silent
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import InputError, MissingError
from eegbench.methods.atm import Atm, AtmReconstructor
from eegbench.methods.atm.caption_stage import CaptionStage, CaptionStageSettings, PixelProjector, fit_caption_stage
from eegbench.methods.atm.prior import PriorSettings
from eegbench.methods.encoders.fitting import EncoderSettings
from eegbench.methods.training import Training

Told = tuple[NDArray[np.float32], Images]


def atm(captioner: str) -> Atm:
    return Atm(
        encoder=EncoderSettings(epochs=1, validation_concepts=2),
        prior=PriorSettings(epochs=1, steps=3),
        low_level=False,
        captioner=captioner,
        caption=CaptionStageSettings(epochs=1, most_tokens=5),
        sampling=Sampling(steps=3),
    )


@pytest.fixture(scope="module")
def told() -> Told:
    """Images of one colour each, and embeddings (96, 12) that are a linear map of the colour."""
    rng = np.random.default_rng(0)
    colours = rng.integers(256, size=(96, 3)).astype(np.uint8)
    images = np.broadcast_to(colours[:, None, None], (96, 32, 32, 3)).copy()
    return ((colours / 127.5 - 1) @ rng.normal(size=(3, 12))).astype(np.float32), images


@pytest.fixture(scope="module")
def stage(told: Told, git_folder: Path) -> CaptionStage:
    held = np.arange(96) >= 80
    settings = CaptionStageSettings(epochs=30, batch=16, rate=3e-2)
    return fit_caption_stage(Training(0, Silent()), str(git_folder), *told, held, settings)


def test_the_network_has_the_published_sizes_and_keys() -> None:
    with torch.device("meta"):
        state = PixelProjector(1024, 257, 1024).state_dict()
    shapes = {"1": (257, 1), "2": (257,), "4": (1024, 1024), "5": (1024,)}
    assert {key: tuple(value.shape) for key, value in state.items() if key.endswith("weight")} == {
        f"{place}.weight": shape for place, shape in shapes.items()
    }
    assert PixelProjector(12, 5, 16)(torch.zeros(2, 1, 12)).shape == (2, 5, 16)


def test_it_learns_the_hidden_states_of_images_it_has_not_seen(
    stage: CaptionStage, told: Told, git_folder: Path
) -> None:
    embeddings, images = told
    truth = GitCaptioner(str(git_folder)).hidden(images[80:])
    with torch.no_grad():
        guessed = stage.network(torch.from_numpy(embeddings[80:])[:, None])
    mean = GitCaptioner(str(git_folder)).hidden(images[:80]).mean(0)
    assert ((guessed - truth) ** 2).mean() < 0.7 * ((mean - truth) ** 2).mean()


def test_a_stage_is_read_back_as_it_was(stage: CaptionStage, told: Told, tmp_path: Path) -> None:
    embeddings = torch.from_numpy(told[0][:4])
    stage.save(tmp_path)
    assert CaptionStage.load(tmp_path)(embeddings) == stage(embeddings)


def test_a_captioner_of_another_size_is_refused(stage: CaptionStage, tmp_path: Path) -> None:
    stage.save(tmp_path)
    card = tmp_path / "caption_stage.json"
    card.write_text(card.read_text().replace('"width": 12', '"width": 13'))
    with pytest.raises(InputError, match="not the weights of PixelProjector"):
        CaptionStage.load(tmp_path)


def test_atm_with_a_captioner_keeps_the_contract(git_folder: Path) -> None:
    small = Options(dataset_table={"train_images": 2, "test_images": 1})
    planned = dataclasses.replace(plan("mean_image", 8, small, device="cpu"), method=atm(str(git_folder)))
    found = check(planned, progress=Silent())
    assert len(found) == 12 and not [finding for finding in found if finding.problem]


def test_the_caption_is_the_prompt(git_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = SimThings(train_images=2).train(8)
    train = whole.part(range(0, len(whole.eeg), 8))
    fitted = atm(str(git_folder)).fit(train, seed=0, progress=Silent())
    assert isinstance(fitted, AtmReconstructor) and fitted.caption is not None
    asked: dict[str, Any] = {}
    paint = fitted.painter.drawing.__class__.__call__

    def watched(self: Any, *words: Any, **options: Any) -> Any:
        asked.update(options)
        return paint(self, *words, **options)

    monkeypatch.setattr(fitted.painter.drawing.__class__, "__call__", watched)
    drawn = fitted.reconstruct(train.eeg[:2], seeds=[1, 2])
    told = fitted.prior.sample(torch.from_numpy(fitted.embedder.features(train.eeg[:2])), [1, 2])
    assert asked["prompt"] == fitted.caption(told)
    fitted.caption = None
    assert (fitted.reconstruct(train.eeg[:2], seeds=[1, 2]) != drawn).any() and asked["prompt"] == ["", ""]


def test_a_captioner_that_is_not_there_is_missed_before_anything_is_fitted(tmp_path: Path) -> None:
    train = SimThings(train_images=1).train(8).part(range(4))
    with pytest.raises(MissingError, match=r"captioner '.*nowhere' cannot be read"):
        atm(str(tmp_path / "nowhere")).fit(train, seed=0, progress=Silent(), folder=tmp_path / "fit")
    assert not (tmp_path / "fit").exists()
