"""One projection head for each semantic level, aligned with CLIP's embeddings of the captions of that level."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench.backbones.clip import Clip
from eegbench.contracts import CAPTION_LEVELS, TrainingSet
from eegbench.errors import SOME, InputError, check_range
from eegbench.methods.llm_caption.spatiotemporal import SpatioTemporal, TransformerSettings
from eegbench.methods.standard import Standardised
from eegbench.methods.training import Training
from eegbench.methods.tuning_settings import Epochs

HEADS = {"ObjectSnap": "low", "SpatialLink": "mid", "ThemeTag": "high"}  # named in the paper; the level is our reading
PLACES = {name: np.flatnonzero(np.array(CAPTION_LEVELS) == level) for name, level in HEADS.items()}  # among the ten


@dataclass(frozen=True, kw_only=True)
class CaptionSettings(Epochs):
    """How the encoder and its heads are fitted; all of it open in the paper."""

    loss: Literal["contrastive", "mse"] = "contrastive"  # mse is the paper's ablation
    batch: int = 128
    schedule: Literal["constant", "cosine"] = "cosine"
    weight_decay: float = 0.05
    temperature: float = 0.07
    validation_concepts: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, temperature=(0.001, 1000.0), validation_concepts=SOME)


class Heads(nn.Module):
    """The encoder, and a projection onto CLIP's text space for each head."""

    def __init__(
        self, channels: int, times: int, width: int, names: Sequence[str], encoder: TransformerSettings
    ) -> None:
        super().__init__()
        self.encoder = SpatioTemporal(channels, times, encoder)
        self.heads = nn.ModuleDict({name: _projection(encoder.width, width) for name in names})

    def forward(self, eeg: torch.Tensor) -> dict[str, torch.Tensor]:
        seen = self.encoder(eeg)
        return {name: F.normalize(head(seen), dim=1) for name, head in self.heads.items()}


def _projection(width: int, to: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0.3), nn.Linear(2 * width, to))


def embedded_captions(train: TrainingSet, clip: Clip) -> NDArray[np.float32]:
    """Unit embeddings (n, 10, d) of every item's captions; InputError where an item has not ten."""
    wrong = [s for s, c in zip(train.stimuli, train.captions, strict=True) if len(c) != len(CAPTION_LEVELS)]
    if wrong:
        raise InputError(
            f"{len(wrong)} of {len(train.stimuli)} training images have not {len(CAPTION_LEVELS)} captions "
            f"(the first: {wrong[0]}); give them by --captions FILE, which `eegbench captions make` writes"
        )
    flat = clip.texts([caption for captions in train.captions for caption in captions])
    texts: NDArray[np.float32] = flat.reshape(len(train.captions), len(CAPTION_LEVELS), -1)
    return texts / np.linalg.norm(texts, axis=2, keepdims=True)


def alignment(embedded: torch.Tensor, truth: torch.Tensor, settings: CaptionSettings) -> torch.Tensor:
    """The loss of one head on a batch: its unit embeddings (n, d) and those of a caption for each, (n, d)."""
    if settings.loss == "mse":
        return truth.shape[1] * F.mse_loss(embedded, truth)
    logits = embedded @ truth.T / settings.temperature
    labels = torch.arange(len(truth), device=truth.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def fit_heads(
    training: Training,
    module: Heads,
    eeg: Standardised,
    shown: NDArray[np.int64],
    texts: torch.Tensor,
    held: NDArray[np.bool_],
    settings: CaptionSettings,
) -> None:
    """Align every head with the captions of its level, `texts` (stimuli, 10, d): one is drawn for each trial and step.

    The epoch best on `held` stimuli is kept."""
    seen = torch.from_numpy(shown)

    def loss(trials: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        total = torch.zeros((), device=texts.device)
        for name, embedded in module(eeg[trials]).items():
            truth = texts[seen[trials], torch.from_numpy(rng.choice(PLACES[name], len(trials)))]
            total = total + alignment(embedded, truth, settings)
        return total / len(HEADS)

    training.run_epochs("fit caption heads", module, loss, held[shown], settings, clip=1.0)


def caption_bank(
    train: TrainingSet, texts: NDArray[np.float32]
) -> dict[str, tuple[tuple[str, ...], NDArray[np.float32]]]:
    """For each head the training captions of its level, each text once, and their unit embeddings."""
    bank = {}
    for name, level in HEADS.items():
        places: dict[str, tuple[int, int]] = {}
        for i, captions in enumerate(train.captions):
            for j, caption in enumerate(captions):
                if CAPTION_LEVELS[j] == level:
                    places.setdefault(caption, (i, j))
        bank[name] = (tuple(places), np.stack([texts[place] for place in places.values()]))
    return bank
