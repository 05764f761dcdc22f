"""NeuroImagen's sample level: EEG to the text embedding of a caption, token by token, by squared error.

Lan et al., section 3.3. The network is not in the paper; a two-layer perceptron on the whole recording is the choice
of this benchmark.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds
from eegbench.errors import SHARE, SOME, check_range
from eegbench.methods.standard import Standardised
from eegbench.methods.training import Training
from eegbench.methods.tuning_settings import Epochs


@dataclass(frozen=True, kw_only=True)
class RegressorSettings(Epochs):
    hidden: int = 256
    epochs: int = 40
    schedule: Literal["constant", "cosine"] = "cosine"
    weight_decay: float = 0.1
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, hidden=SOME, dropout=SHARE)


class CaptionRegressor(nn.Module):
    """EEG (n, channels, times) to text tokens (n, tokens, width)."""

    def __init__(self, inputs: int, tokens: int, width: int, settings: RegressorSettings) -> None:
        super().__init__()
        self.shape = (tokens, width)
        self.body = nn.Sequential(
            nn.Flatten(),
            nn.Linear(inputs, settings.hidden),
            nn.LayerNorm(settings.hidden),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.hidden, tokens * width),
        )

    def forward(self, eeg: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.body(eeg).unflatten(1, self.shape)
        return out


def fit_regressor(
    training: Training,
    eeg: Standardised,
    shown: NDArray[np.int64],
    texts: torch.Tensor,
    held: NDArray[np.bool_],
    settings: RegressorSettings,
) -> CaptionRegressor:
    """Fit on trials and the text tokens (m, tokens, width) of which each showed one; the epoch best on `held` stimuli
    is kept."""
    torch.manual_seed(seeds.seed(training.seed, "regressor"))
    network = CaptionRegressor(eeg.shape[1] * eeg.shape[2], texts.shape[1], texts.shape[2], settings).to(
        training.device
    )
    seen = torch.from_numpy(shown)

    def loss(trials: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        return F.mse_loss(network(eeg[trials]), texts[seen[trials].to(texts.device)])

    training.run_epochs("fit caption regressor", network, loss, held[shown], settings)
    return network
