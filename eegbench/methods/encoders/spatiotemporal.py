"""A transformer that attends over electrodes and over time in turn, for the LLM-caption method.

Rezvani et al. describe "a transformer encoder with spatial and temporal attention" and give no sizes: patch length,
width, depth and heads here are choices of this benchmark.
"""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class TransformerSettings:
    """`patch` is in samples; the recording is cut into whole patches, a rest at its end is left out."""

    patch: int = 10
    width: int = 64
    depth: int = 2
    heads: int = 4
    dropout: float = 0.3


class SpatioTemporal(nn.Module):
    """EEG (n, channels, times) to one vector each, (n, width)."""

    def __init__(self, channels: int, times: int, settings: TransformerSettings) -> None:
        super().__init__()
        patches = times // settings.patch
        if patches < 1:
            raise ValueError(f"{times} samples hold no patch of {settings.patch}")
        self.patch = settings.patch
        self.embedding = nn.Linear(settings.patch, settings.width)
        self.place = nn.Parameter(torch.randn(channels, 1, settings.width) * 0.02)
        self.moment = nn.Parameter(torch.randn(1, patches, settings.width) * 0.02)
        self.spatial = nn.ModuleList([_layer(settings) for _ in range(settings.depth)])
        self.temporal = nn.ModuleList([_layer(settings) for _ in range(settings.depth)])
        self.norm = nn.LayerNorm(settings.width)
        self.gather = nn.Linear(settings.width, 1)  # how much each electrode says in a patch
        self.together = nn.Linear(patches * settings.width, settings.width)

    def forward(self, eeg: torch.Tensor) -> torch.Tensor:
        tokens = self.embedding(eeg.unfold(2, self.patch, self.patch)) + self.place + self.moment
        n, channels, patches, width = tokens.shape
        for spatial, temporal in zip(self.spatial, self.temporal, strict=True):
            across = tokens.transpose(1, 2).reshape(n * patches, channels, width)
            tokens = spatial(across).view(n, patches, channels, width).transpose(1, 2)
            along = temporal(tokens.reshape(n * channels, patches, width))
            tokens = along.view(n, channels, patches, width)
        tokens = self.norm(tokens)
        # pooled within a patch alone: one softmax over all tokens comes to rest on a single latency
        moments = (self.gather(tokens).softmax(1) * tokens).sum(1)
        out: torch.Tensor = self.together(moments.flatten(1))
        return out


def _layer(settings: TransformerSettings) -> nn.Module:
    return nn.TransformerEncoderLayer(
        settings.width,
        settings.heads,
        2 * settings.width,
        settings.dropout,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
