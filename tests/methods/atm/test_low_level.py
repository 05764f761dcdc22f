"""ATM's low-level stage, at the published size and learning a small one."""

from pathlib import Path

import numpy as np
import torch

from eegbench.contracts import Silent
from eegbench.methods.atm.low_level import LowLevel, LowLevelNetwork, LowLevelSettings, fit_low_level
from eegbench.methods.training import Training


def test_the_published_size_gives_the_latent_of_512_pixels() -> None:
    settings = LowLevelSettings(values=128, widths=(1024, 512, 256, 128, 64, 32))
    with torch.device("meta"):
        network = LowLevelNetwork(63, 250, settings).eval()
        assert network(torch.zeros(2, 63, 250)).shape == (2, 4, 64, 64)
    assert network.upsampler[0].in_channels == 8064  # of 63 x 128


def test_it_learns_a_latent_from_eeg_and_is_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    eeg = (1e-6 * rng.normal(size=(128, 3, 10))).astype(np.float32)  # volts: 16 bits would not hold their scale
    latents = torch.from_numpy(1e6 * eeg[:, :1, :1, None] * np.ones((1, 4, 4, 4), np.float32))
    settings = LowLevelSettings(values=4, widths=(16, 8), epochs=40, batch=16, rate=5e-3)
    fitted = fit_low_level(Training(0, Silent()), eeg, np.arange(128), latents, np.arange(128) >= 112, settings)
    drawn = fitted(eeg)
    assert np.corrcoef(drawn.ravel(), latents.ravel())[0, 1] > 0.8
    fitted.save(tmp_path)
    torch.testing.assert_close(LowLevel.load(tmp_path)(eeg), drawn, rtol=1e-2, atol=1e-2)  # stored in 16 bits
