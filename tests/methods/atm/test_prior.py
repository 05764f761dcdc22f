"""ATM's diffusion prior: the published network, sampling from each item's own seed, and something learned."""

from pathlib import Path

import numpy as np
import pytest
import torch

from eegbench.contracts import Silent
from eegbench.errors import InputError
from eegbench.methods.atm.prior import DiffusionPrior, DiffusionPriorUNet, PriorSettings, fit_prior
from eegbench.methods.training import Training

QUICK = PriorSettings(widths=(64, 48, 32), time_width=32, epochs=60, batch=64, rate=3e-3, warm_up=10, dropout=0.0)
PUBLISHED_PARAMETERS = 9_675_648  # of the code's defaults, 1024-d embeddings and conditions


@pytest.fixture(scope="module")
def pairs() -> tuple[np.ndarray, np.ndarray]:
    """EEG embeddings (256, 6), and image embeddings (256, 8) that are a linear map of them."""
    rng = np.random.default_rng(0)
    told = rng.normal(size=(256, 6)).astype(np.float32)
    return told, (told @ rng.normal(size=(6, 8)) / 6**0.5).astype(np.float32)


@pytest.fixture(scope="module")
def prior(pairs: tuple[np.ndarray, np.ndarray]) -> DiffusionPrior:
    told, truth = pairs
    return fit_prior(Training(0, Silent()), told, np.arange(256), truth, QUICK)


def test_the_network_has_the_published_size_and_keys() -> None:
    with torch.device("meta"):
        network = DiffusionPriorUNet(1024, 1024, (1024, 512, 256, 128, 64), 512, 0.1)
    assert sum(p.numel() for p in network.parameters()) == PUBLISHED_PARAMETERS
    keys = {key.split(".")[0] for key in network.state_dict()}
    parts = ("time_embedding", "cond_embedding", "layers")
    assert keys == {f"{side}_{p}" for side in ("encode", "decode") for p in parts} | {"input_layer", "output_layer"}
    assert network.state_dict()["decode_layers.0.0.weight"].shape == (128, 64)
    assert network.state_dict()["encode_time_embedding.3.linear_2.weight"].shape == (128, 128)


def test_samples_follow_their_condition(prior: DiffusionPrior, pairs: tuple[np.ndarray, np.ndarray]) -> None:
    told, truth = pairs
    drawn = prior.sample(torch.from_numpy(told[:64]), range(64)).numpy()
    right = np.corrcoef(drawn.ravel(), truth[:64].ravel())[0, 1]
    wrong = np.corrcoef(drawn.ravel(), truth[64:128].ravel())[0, 1]
    assert right > 0.7 and abs(wrong) < 0.3


def test_a_sample_depends_on_its_own_seed_and_condition(prior: DiffusionPrior) -> None:
    told = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    together = prior.sample(told, [1, 2, 3])
    alone = torch.cat([prior.sample(told[i : i + 1], [i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(prior.sample(told[:1], [1]), prior.sample(told[:1], [2]), atol=1e-2)


def test_clipping_bounds_what_is_drawn(pairs: tuple[np.ndarray, np.ndarray]) -> None:
    told, truth = pairs
    settings = PriorSettings(widths=(16, 8), time_width=8, epochs=1, clip_range=0.5)
    fitted = fit_prior(Training(0, Silent()), told, np.arange(256), truth, settings)
    drawn = fitted.sample(torch.from_numpy(told[:8]), range(8))
    assert float(drawn.abs().max()) <= 0.5 + 1e-4


def test_a_prior_is_read_back_as_it_was(prior: DiffusionPrior, tmp_path: Path) -> None:
    prior.save(tmp_path)
    told = torch.ones(2, 6)
    assert torch.equal(DiffusionPrior.load(tmp_path).sample(told, [1, 2]), prior.sample(told, [1, 2]))


def test_weights_of_another_size_are_refused(prior: DiffusionPrior, tmp_path: Path) -> None:
    prior.save(tmp_path)
    card = tmp_path / "prior.json"
    card.write_text(card.read_text().replace('"width": 8', '"width": 9'))
    with pytest.raises(InputError, match="not the weights of DiffusionPriorUNet"):
        DiffusionPrior.load(tmp_path)
