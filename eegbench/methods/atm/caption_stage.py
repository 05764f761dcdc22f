"""ATM's caption stage: from an image embedding to the hidden states of a captioner, which makes captions of them.

Li et al. (NeurIPS 2024, arXiv 2403.07721); code dongyangli-del/EEG_Image_decode, Generation/image_adapter.ipynb, whose
state-dict keys are kept, and GIT_caption_batch.ipynb. The paper's own numbers do without it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds
from eegbench.arrays import Images
from eegbench.backbones.git_captioner import GitCaptioner
from eegbench.backbones.shared import shared
from eegbench.errors import SOME, check_range
from eegbench.methods.storage import read_json, read_module, write_json, write_module
from eegbench.methods.training import Training
from eegbench.methods.tuning_settings import Epochs


@dataclass(frozen=True, kw_only=True)
class CaptionStageSettings(Epochs):
    """Published: AdamW at 1e-3, 30 epochs of batch 32, at most 25 new tokens."""

    batch: int = 32
    most_tokens: int = 25

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, most_tokens=SOME)


class PixelProjector(nn.Sequential):
    """Embeddings (n, 1, width) to hidden states (n, tokens, hidden): each coordinate is spread over the tokens, then
    each token is a linear map of all coordinates. Published: 1024 to 257 x 1024."""

    def __init__(self, width: int, tokens: int, hidden: int) -> None:
        spread = (_Turn(), nn.Linear(1, tokens), nn.LayerNorm(tokens))
        super().__init__(*spread, _Turn(), nn.Linear(width, hidden), nn.LayerNorm(hidden))


class _Turn(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2)


class CaptionStage:
    """A fitted caption stage: image embeddings in, captions out."""

    def __init__(self, captioner: str, network: PixelProjector, width: int, most_tokens: int, device: str) -> None:
        self.captioner, self.network, self.width, self.most_tokens = captioner, network, width, most_tokens
        self.device = device

    def __call__(self, embeddings: torch.Tensor) -> list[str]:
        """A caption for each image embedding (n, width)."""
        with torch.no_grad():
            hidden = self.network(embeddings.to(self.device)[:, None])
        return captioner_of(self.captioner, self.device).captions(hidden, self.most_tokens)

    def save(self, folder: Path) -> None:
        write_module(folder / "caption_stage.safetensors", self.network)
        facts = {"captioner": self.captioner, "width": self.width, "most_tokens": self.most_tokens}
        write_json(folder / "caption_stage.json", facts)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        """Raises MissingError where the captioner is gone, InputError where it has another size."""
        facts = read_json(folder / "caption_stage.json")
        network = _network(captioner_of(facts["captioner"], device), facts["width"])
        read_module(folder / "caption_stage.safetensors", network)
        return cls(facts["captioner"], network.to(device), facts["width"], facts["most_tokens"], device)


def fit_caption_stage(
    training: Training,
    captioner: str,
    embeddings: NDArray[np.float32],
    images: Images,
    held: NDArray[np.bool_],
    settings: CaptionStageSettings,
) -> CaptionStage:
    """Fit on image embeddings (n, width) and images, by squared error of the captioner's hidden states, as published.

    The hidden states are made anew for every batch, for all of them at once may fill gigabytes. The epoch best on
    `held` items is kept, which the code does not do.
    """
    torch.manual_seed(seeds.seed(training.seed, "caption stage"))
    frozen = captioner_of(captioner, training.device)
    network = _network(frozen, embeddings.shape[1]).to(training.device)
    inputs = torch.from_numpy(embeddings).to(training.device)[:, None]

    def loss(items: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        return F.mse_loss(network(inputs[items]), frozen.hidden(images[items.numpy()]))

    training.run_epochs("fit caption stage", network, loss, held, settings)
    return CaptionStage(captioner, network, embeddings.shape[1], settings.most_tokens, training.device)


def _network(captioner: GitCaptioner, width: int) -> PixelProjector:
    return PixelProjector(width, captioner.tokens, captioner.width)


@shared(1)
def captioner_of(name: str, device: str) -> GitCaptioner:
    return GitCaptioner(name, device)
