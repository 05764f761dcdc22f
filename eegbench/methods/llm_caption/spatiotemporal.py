"""A transformer with two views of a recording, over electrodes and over time, for the LLM-caption method.

Rezvani et al. describe "a transformer encoder with spatial and temporal attention" and give neither its tokens nor any
size: both are choices of this benchmark. A token of the spatial view is an electrode's whole time course, one of the
temporal view is a moment of all electrodes. Every token keeps its place up to the last layer: pooled over electrodes
and moments, the recording lost its topography and its latencies, and the heads found held-out concepts less often.
"""

from dataclasses import dataclass

import torch
from torch import nn

from eegbench.errors import SHARE, SOME, InputError, UsageError, check_range


@dataclass(frozen=True)
class TransformerSettings:
    """`patch`, a moment's length, is in samples; a rest at the end of the recording makes no moment."""

    patch: int = 10
    width: int = 64
    depth: int = 1
    heads: int = 4
    dropout: float = 0.3
    gather_dropout: float = 0.5

    def __post_init__(self) -> None:
        check_range(self, patch=SOME, width=SOME, depth=SOME, heads=SOME, dropout=SHARE, gather_dropout=SHARE)
        if self.width % self.heads:
            raise UsageError(f"width is {self.width}; wanted a multiple of heads, {self.heads}")


class SpatioTemporal(nn.Module):
    """EEG (n, channels, times) to one vector each, (n, width)."""

    def __init__(self, channels: int, times: int, settings: TransformerSettings) -> None:
        super().__init__()
        moments = times // settings.patch
        if moments < 1:
            raise InputError(f"recordings of {times} samples hold no patch of {settings.patch}; set a shorter patch")
        self.patch = settings.patch
        self.spatial = _View(channels, times, settings)
        self.temporal = _View(moments, channels * settings.patch, settings)
        tokens = channels + moments
        self.gather = nn.Sequential(
            nn.Dropout(settings.gather_dropout), nn.Linear(tokens * settings.width, settings.width)
        )

    def forward(self, eeg: torch.Tensor) -> torch.Tensor:
        moments = eeg.unfold(2, self.patch, self.patch).transpose(1, 2).flatten(2)
        tokens = torch.cat([self.spatial(eeg), self.temporal(moments)], 1)
        out: torch.Tensor = self.gather(tokens.flatten(1))
        return out


class _View(nn.Module):
    """Tokens (n, tokens, size) that attend to one another, to (n, tokens, width)."""

    def __init__(self, tokens: int, size: int, settings: TransformerSettings) -> None:
        super().__init__()
        self.embedding = nn.Linear(size, settings.width)
        self.place = nn.Parameter(torch.randn(1, tokens, settings.width) * 0.02)
        self.layers = nn.Sequential(*(_layer(settings) for _ in range(settings.depth)))
        self.norm = nn.LayerNorm(settings.width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.norm(self.layers(self.embedding(tokens) + self.place))
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
