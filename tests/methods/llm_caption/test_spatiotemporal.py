"""The transformer over electrodes and time."""

import pytest
import torch

from eegbench.errors import InputError
from eegbench.methods.llm_caption.spatiotemporal import SpatioTemporal, TransformerSettings


def test_it_gives_one_vector_and_knows_places_and_moments_apart() -> None:
    torch.manual_seed(0)
    network = SpatioTemporal(5, 43, TransformerSettings(patch=10, width=16, heads=2)).eval()
    eeg = torch.randn(2, 5, 43)
    with torch.no_grad():
        seen = network(eeg)
        assert seen.shape == (2, 16)
        assert not torch.allclose(network(eeg.flip(1)), seen, atol=1e-4)  # other electrodes
        assert not torch.allclose(network(eeg.roll(10, 2)), seen, atol=1e-4)  # another latency
        odd = eeg.clone()
        odd[:, :, 40:] = 9.0  # past the last whole patch there is no moment, but an electrode has its whole course
        assert not torch.allclose(network(odd), seen, atol=1e-4)
        given: list[torch.Tensor] = []
        network.temporal.register_forward_pre_hook(lambda _, handed: given.append(handed[0]))
        network(odd)
        network(eeg)
        assert torch.equal(*given)


def test_too_short_a_recording_is_an_error() -> None:
    with pytest.raises(InputError, match="9 samples hold no patch of 10"):
        SpatioTemporal(5, 9, TransformerSettings())
