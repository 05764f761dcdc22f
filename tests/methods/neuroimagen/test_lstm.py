"""Triplet features: the loss by its definition, and trials of one concept drawn together."""

from typing import Literal

import numpy as np
import pytest
import torch

from eegbench.contracts import Silent
from eegbench.errors import InputError
from eegbench.methods.neuroimagen.lstm import FeatureSettings, LstmFeatures, fit_features, triplet_loss
from eegbench.methods.standard import Standardised
from eegbench.methods.training import Training


def test_the_semi_hard_negative_is_the_nearest_beyond_the_pair() -> None:
    features = torch.tensor([[0.0], [1.0], [0.5], [2.0], [5.0]])
    concepts = torch.tensor([0, 0, 1, 2, 2])
    by_hand = []
    for anchor, positive in ((0, 1), (1, 0), (3, 4), (4, 3)):
        near = float((features[anchor] - features[positive]) ** 2)
        others = [
            float((features[anchor] - f) ** 2) for f, c in zip(features, concepts, strict=True) if c != concepts[anchor]
        ]
        beyond = [d for d in others if d > near]
        by_hand.append(max(0.0, near - (min(beyond) if beyond else max(others)) + 0.4))
    assert float(triplet_loss(features, concepts, 0.4)) == pytest.approx(np.mean(by_hand))


def test_a_batch_without_a_pair_is_an_error() -> None:
    with pytest.raises(ValueError, match="no two items"):
        triplet_loss(torch.eye(3), torch.arange(3), 0.4)


@pytest.mark.parametrize(("samples", "pool"), [(1, "last"), (3, "mean")])
def test_trials_of_a_concept_come_together(samples: int, pool: Literal["last", "mean"]) -> None:
    rng = np.random.default_rng(0)
    waves = rng.normal(size=(8, 3, 20))
    concepts = np.repeat(np.arange(8), 8)
    eeg = (waves[concepts] + 0.5 * rng.normal(size=(64, 3, 20))).astype(np.float32)
    settings = FeatureSettings(
        hidden=16, width=8, samples=samples, pool=pool, epochs=40, concepts=6, each=4, rate=1e-2, dropout=0.0
    )
    names = tuple(f"c{i}" for i in concepts)
    network = fit_features(Training(0, Silent()), Standardised(eeg, "cpu"), names, concepts >= 6, settings)
    with torch.no_grad():
        features = network(Standardised(eeg, "cpu")[:])
    assert torch.allclose(features.norm(dim=1), torch.ones(64), atol=1e-5)
    distance = torch.cdist(features, features)
    alike = torch.from_numpy(concepts[:, None] == concepts[None])
    assert float(distance[alike].mean()) < 0.5 * float(distance[~alike].mean())


def test_a_step_takes_all_channels_of_its_samples() -> None:
    """The left-over sample at the end is seen by nobody; with the last state alone, the first samples still are."""
    torch.manual_seed(0)
    network = LstmFeatures(3, FeatureSettings(samples=4, pool="last")).eval()
    eeg = torch.randn(1, 3, 9, requires_grad=True)
    network(eeg)[0, 0].backward()
    assert eeg.grad is not None
    assert bool((eeg.grad[..., :8] != 0).all()) and bool((eeg.grad[..., 8] == 0).all())


def test_a_recording_shorter_than_a_step_is_refused() -> None:
    with pytest.raises(InputError, match="5 samples; one step of the LSTM takes 10"):
        LstmFeatures(3, FeatureSettings(samples=10))(torch.randn(1, 3, 5))
