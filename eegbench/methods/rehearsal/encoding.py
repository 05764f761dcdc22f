"""Rehearsal of the networks before a generator: CLIP with images or texts, and the EEG encoder that aims at it."""

from collections.abc import Callable

import torch

from eegbench.arrays import EEGInfo
from eegbench.backbones.clip import Clip
from eegbench.methods.encoders import checkpoints
from eegbench.methods.encoders.atm_s import AtmS, Window
from eegbench.methods.encoders.fitting import EncoderSettings
from eegbench.methods.rehearsal import published_keys
from eegbench.methods.rehearsal.parts import META, Network, Parts, Stage, clip_network

PUBLISHED_ENCODER = (63, 250, 1024, Window())  # channels, times, width and window of the published ATM-S


def zero_eeg(info: EEGInfo, items: int) -> torch.Tensor:
    """Recordings (items, channels, times)."""
    return torch.zeros(items, len(info.channels), info.times)


def encoder_parts(settings: EncoderSettings, clip: str, info: EEGInfo) -> tuple[Parts, int]:
    """CLIP and ATM-S with the passes of their training, and the width of what they give; or embeddings as they are."""
    judge, n = Clip(clip, META), settings.batch
    pictures = torch.zeros(n, 3, judge.size, judge.size, device=META)
    embedded = settings.kind == "precomputed"
    width = info.times if embedded else judge.pictures(pictures[:1]).shape[1]
    seen = Stage("image embeddings", n, lambda: judge.pictures(pictures), (n, width))
    targets = Parts((clip_network(clip, judge.model),), (seen,))
    return (targets if embedded else targets + _atm_s(settings, info, width)), width


def _atm_s(settings: EncoderSettings, info: EEGInfo, width: int) -> Parts:
    encoder = AtmS(len(info.channels), info.times, width, keep=settings.keep, window=settings.window).eval()
    size = (len(info.channels), info.times, width, settings.window)
    published = published_keys.atm_s() if size == PUBLISHED_ENCODER else None
    trained, unused = "" if settings.checkpoint else "all", checkpoints.UNUSED if published else {}
    network = Network("ATM-S", encoder, trained, published, unused=unused, renamed=checkpoints.RENAMED)
    eeg, subject = zero_eeg(info, settings.batch), torch.zeros(settings.batch, dtype=torch.long)
    wanted = (settings.batch, width)
    return Parts((network,), (Stage("EEG embeddings", settings.batch, lambda: encoder(eeg, subject), wanted),))


def text_embeddings(name: str, batch: int) -> tuple[Network, Callable[[], torch.Tensor]]:
    """CLIP, and a pass of `batch` texts through it, (batch, width)."""
    clip = Clip(name, META)
    tokens = clip.tokens(["a caption"] * batch).to(META)
    return clip_network(name, clip.model), lambda: clip.model.encode_text(tokens)
