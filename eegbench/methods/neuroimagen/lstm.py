"""LSTM features of EEG, trained so that trials of one concept lie together (triplet loss).

The pixel-level features of NeuroImagen, after Kavasidis et al. (2017) and Spampinato et al. (CVPR 2017). Sizes and
margin are not in the paper; the defaults are those of the public re-implementation prajwalsingh/EEGStyleGAN-ADA
(hidden 128, 4 layers), with fewer layers and steps for the short simulated recordings.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds
from eegbench.errors import ANY, SHARE, SOME, InputError, check_range
from eegbench.methods.standard import Standardised
from eegbench.methods.training import Training, Validation, cosine


@dataclass(frozen=True)
class FeatureSettings:
    """`margin` is of squared distances between unit vectors, the paper's beta.

    `samples` of the EEG are one step of the LSTM (its ancestors': 1; what is left over at the end is dropped); `pool`
    says what is kept of its hidden states (its ancestors': the last). That way it learns nothing from the small
    simulated set, whose responses end long before the recording does. The other defaults too were chosen on held-out
    training concepts of that set: without much weight decay the few trials are learnt by heart.
    """

    hidden: int = 128
    layers: int = 1
    width: int = 128
    samples: int = 10
    pool: Literal["last", "mean"] = "mean"
    margin: float = 0.4
    epochs: int = 100
    concepts: int = 32  # in a batch, each with `each` trials
    each: int = 4
    rate: float = 1e-3
    weight_decay: float = 1.0
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, hidden=SOME, layers=SOME, width=SOME, samples=SOME, epochs=SOME)
        check_range(self, concepts=(2, math.inf), each=(2, math.inf))
        check_range(self, margin=ANY, rate=ANY, weight_decay=ANY, dropout=SHARE)


class LstmFeatures(nn.Module):
    """EEG (n, channels, times) to unit vectors (n, width): the hidden states pooled over time, projected."""

    def __init__(self, channels: int, settings: FeatureSettings) -> None:
        super().__init__()
        self.samples, self.pool = settings.samples, settings.pool
        between = settings.dropout if settings.layers > 1 else 0.0
        self.lstm = nn.LSTM(
            channels * settings.samples, settings.hidden, settings.layers, batch_first=True, dropout=between
        )
        self.project = nn.Sequential(nn.Dropout(settings.dropout), nn.Linear(settings.hidden, settings.width))

    def forward(self, eeg: torch.Tensor) -> torch.Tensor:
        if eeg.shape[2] < self.samples:
            raise InputError(
                f"EEG has {eeg.shape[2]} samples; one step of the LSTM takes {self.samples}: set features.samples"
            )
        steps = eeg.unfold(2, self.samples, self.samples).transpose(1, 2).flatten(2)
        hidden, _ = self.lstm(steps)
        pooled = hidden[:, -1] if self.pool == "last" else hidden.mean(1)
        return F.normalize(self.project(pooled), dim=1)


def fit_features(
    training: Training,
    eeg: Standardised,
    concepts: Sequence[str],
    held: NDArray[np.bool_],
    settings: FeatureSettings,
) -> LstmFeatures:
    """Fit on trials and the concept of each; judged by the same loss on the `held` trials."""
    torch.manual_seed(seeds.seed(training.seed, "features"))
    network = LstmFeatures(eeg.shape[1], settings).to(training.device)
    numbers = np.unique(concepts, return_inverse=True)[1]
    members = {kept: _members(numbers, np.flatnonzero(held == kept)) for kept in (False, True)}
    if len(members[False]) < 2:
        raise InputError(f"{len(members[False])} concept to fit EEG features on; wanted 2 or more, for triplets")
    if len(members[True]) < 2:  # a triplet takes another concept too: those that are fitted on stand in
        members[True] = members[True] + members[False]
    label = "fit EEG features"
    per_epoch = max(1, int((~held).sum()) // (settings.concepts * settings.each))

    def loss_of(kept: bool, rng: np.random.Generator) -> torch.Tensor:
        pool = members[kept]
        drawn = rng.choice(len(pool), min(settings.concepts, len(pool)), replace=False)
        trials = np.concatenate(
            [rng.choice(pool[i], settings.each, replace=len(pool[i]) < settings.each) for i in drawn]
        )
        return triplet_loss(network(eeg[trials]), torch.from_numpy(numbers[trials]).to(eeg.device), settings.margin)

    def judge() -> float:
        rng = seeds.generator(training.seed, label, "validation")
        return float(np.mean([float(loss_of(True, rng)) for _ in range(8)]))

    steps = settings.epochs * per_epoch
    training.run(
        label,
        network,
        lambda step, rng: loss_of(False, rng),
        steps=steps,
        optimiser=torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.weight_decay),
        rate=cosine(settings.rate, steps),
        clip=1.0,
        validation=Validation(judge, per_epoch),
    )
    return network.requires_grad_(False)


def _members(numbers: NDArray[np.int64], items: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [items[numbers[items] == number] for number in np.unique(numbers[items])]


def triplet_loss(features: torch.Tensor, concepts: torch.Tensor, margin: float) -> torch.Tensor:
    """Mean over pairs of one concept of max(0, d(pair) - d(nearest semi-hard other) + margin), d squared Euclidean.

    Semi-hard (Schroff et al. 2015): the nearest item of another concept that is farther than the pair, or the
    farthest other one where none is. features (n, d), concepts (n,) integers.
    """
    distance = torch.cdist(features, features).square()
    alike = concepts[:, None] == concepts[None]
    pair = alike & ~torch.eye(len(features), dtype=torch.bool, device=features.device)
    anchor, positive = pair.nonzero(as_tuple=True)
    if not len(anchor):
        raise ValueError("no two items of one concept in the batch")
    near = distance[anchor, positive]
    others = distance[anchor].masked_fill(alike[anchor], torch.inf)
    semi = others.masked_fill(others <= near[:, None], torch.inf).min(1).values
    farthest = others.masked_fill(others.isinf(), -torch.inf).max(1).values
    return F.relu(near - torch.where(semi.isinf(), farthest, semi) + margin).mean()
