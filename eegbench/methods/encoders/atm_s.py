"""ATM-S, the EEG encoder of Li et al. (NeurIPS 2024, arXiv 2403.07721), with the published state-dict keys.

Channels are tokens; a subject token is put before them; one post-norm transformer layer; a temporal-spatial
convolution; a residual projector onto the image embedding. For 63 channels by 250 times every tensor has the
published name and shape; other sizes follow by the same rules.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from eegbench.errors import SOME, InputError, check_range

SUBJECTS = 10  # whose tokens the published table holds
HEADS = 4
FEED_FORWARD = 256
FILTERS = 40
DROPOUT = 0.25


@dataclass(frozen=True)
class Window:
    """The temporal convolution in samples: its kernel, then an average pool and the pool's stride.

    Published at 250 Hz: 25, 51, 5 samples, which are 100, 204 and 20 ms. At another rate keep the milliseconds.
    """

    kernel: int = 25
    pool: int = 51
    stride: int = 5

    def __post_init__(self) -> None:
        check_range(self, kernel=SOME, pool=SOME, stride=SOME)

    def steps(self, times: int) -> int:
        """How many steps are left of `times` samples; raises InputError if none is."""
        if times < self.kernel + self.pool - 1:
            raise InputError(
                f"ATM-S needs at least {self.kernel + self.pool - 1} samples for {self}, got {times}; "
                "set a shorter encoder.window"
            )
        return (times - self.kernel + 1 - self.pool) // self.stride + 1


Keep = Literal["subject", "channels"]
PUBLISHED = Window()


class _SubjectTable(nn.Module):
    def __init__(self, subjects: int, times: int) -> None:
        super().__init__()
        self.subject_embedding = nn.Embedding(subjects, times)
        self.shared_embedding = nn.Parameter(torch.randn(1, times))
        self.mask_embedding = nn.Parameter(torch.randn(1, times))

    def forward(self, subject: torch.Tensor) -> torch.Tensor:
        """(n,) to (n, 1, times): an id past the table sends the whole batch to the shared token, as published."""
        if bool((subject >= self.subject_embedding.num_embeddings).any()):
            return self.shared_embedding.expand(len(subject), -1)[:, None]
        token: torch.Tensor = self.subject_embedding(subject)[:, None]
        return token


class _Embedding(nn.Module):
    def __init__(self, subjects: int, times: int) -> None:
        super().__init__()
        self.value_embedding = nn.Linear(times, times)
        self.subject_embedding = _SubjectTable(subjects, times)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, eeg: torch.Tensor, subject: torch.Tensor) -> torch.Tensor:
        tokens = torch.cat([self.subject_embedding(subject), self.value_embedding(eeg)], 1)
        out: torch.Tensor = self.dropout(tokens)
        return out


class _Attention(nn.Module):
    def __init__(self, times: int) -> None:
        super().__init__()
        width = times // HEADS * HEADS
        self.query_projection = nn.Linear(times, width)
        self.key_projection = nn.Linear(times, width)
        self.value_projection = nn.Linear(times, width)
        self.out_projection = nn.Linear(width, times)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        projections = (self.query_projection, self.key_projection, self.value_projection)
        q, k, v = (p(x).unflatten(2, (HEADS, -1)).transpose(1, 2) for p in projections)
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=DROPOUT if self.training else 0.0)
        out: torch.Tensor = self.out_projection(mixed.transpose(1, 2).flatten(2))
        return out


class _Layer(nn.Module):
    """A post-norm transformer layer; the feed-forward is two 1x1 convolutions, as published."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.attention = _Attention(times)
        self.conv1 = nn.Conv1d(times, FEED_FORWARD, 1)
        self.conv2 = nn.Conv1d(FEED_FORWARD, times, 1)
        self.norm1 = nn.LayerNorm(times)
        self.norm2 = nn.LayerNorm(times)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm1(x + self.dropout(self.attention(x)))
        y = self.dropout(F.gelu(self.conv1(x.transpose(1, 2))))
        y = self.dropout(self.conv2(y)).transpose(1, 2)
        out: torch.Tensor = self.norm2(x + y)
        return out


class _Transformer(nn.Module):
    def __init__(self, times: int) -> None:
        super().__init__()
        self.attn_layers = nn.ModuleList([_Layer(times)])
        self.norm = nn.LayerNorm(times)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.norm(self.attn_layers[0](x))
        return out


class _Front(nn.Module):
    def __init__(self, subjects: int, times: int) -> None:
        super().__init__()
        self.enc_embedding = _Embedding(subjects, times)
        self.encoder = _Transformer(times)

    def forward(self, eeg: torch.Tensor, subject: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.encoder(self.enc_embedding(eeg, subject))
        return out


AT_ONCE = (
    64  # trials in the filters at once: each takes 2.3 MB there at 63 x 250, and held-out ones come by the hundred
)


class _Convolution(nn.Module):
    def __init__(self, channels: int, window: Window) -> None:
        super().__init__()
        self.window = window
        self.tsconv = nn.Sequential(
            nn.Conv2d(1, FILTERS, (1, window.kernel)),
            nn.AvgPool2d((1, window.pool), (1, window.stride)),
            nn.BatchNorm2d(FILTERS),
            nn.ELU(),
            nn.Conv2d(FILTERS, FILTERS, (channels, 1)),
            nn.BatchNorm2d(FILTERS),
            nn.ELU(),
            nn.Dropout(0.5),
        )
        self.projection = nn.Sequential(nn.Conv2d(FILTERS, FILTERS, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, times) to (n, steps x filters), time-major."""
        if self.training:
            seen = self._averaged_first(x[:, None])
        else:
            seen = torch.cat([self.tsconv(part) for part in x[:, None].split(AT_ONCE)])
        out: torch.Tensor = self.projection(seen).squeeze(2).transpose(1, 2).flatten(1)
        return out

    def _averaged_first(self, x: torch.Tensor) -> torch.Tensor:
        """What `tsconv` gives, but for rounding, in a fraction of the time: what one channel of EEG is averaged over
        need not be averaged in each of the filters' outputs. A fit takes it; what is fitted keeps its rounding."""
        filters = self.tsconv.get_submodule("0")
        averaged = F.avg_pool2d(x, (1, self.window.pool), 1)
        weight, bias = filters.get_parameter("weight"), filters.get_parameter("bias")
        filtered = F.conv2d(averaged, weight, bias, (1, self.window.stride))
        out: torch.Tensor = self.tsconv[2:](filtered)
        return out


class _Residual(nn.Module):
    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.fn(x)
        return out


class AtmS(nn.Module):
    """EEG (n, channels, times) and subject ids (n,) to embeddings (n, width), un-normalised.

    keep="subject" leaves the subject token in and the last channel out (the code behind the published
    features); keep="channels" keeps the channels alone (the later fix).
    """

    def __init__(
        self,
        channels: int,
        times: int,
        width: int,
        *,
        subjects: int = SUBJECTS,
        keep: Keep = "channels",
        window: Window = PUBLISHED,
    ) -> None:
        super().__init__()
        steps = window.steps(times)
        self.keep, self.width, self.window, self.subjects = keep, width, window, subjects
        self.encoder = _Front(subjects, times)
        self.enc_eeg = nn.Sequential(_Convolution(channels, window))
        inner = nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.Dropout(0.5))
        self.proj_eeg = nn.Sequential(nn.Linear(steps * FILTERS, width), _Residual(inner), nn.LayerNorm(width))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, eeg: torch.Tensor, subject: torch.Tensor) -> torch.Tensor:
        tokens = self.encoder(eeg, subject)
        kept = tokens[:, :-1] if self.keep == "subject" else tokens[:, 1:]
        out: torch.Tensor = self.proj_eeg(self.enc_eeg(kept))
        return out
