"""Rehearsal of the LLM-caption method's own networks: CLIP's embeddings of captions, and the heads that aim at them."""

import functools

import torch

from eegbench.arrays import EEGInfo
from eegbench.methods.llm_caption.heads import HEADS, Heads
from eegbench.methods.llm_caption.spatiotemporal import TransformerSettings
from eegbench.methods.rehearsal.encoding import text_embeddings, zero_eeg
from eegbench.methods.rehearsal.parts import META, Network, Parts, Stage


def caption_parts(clip: str, encoder: TransformerSettings, batch: int, info: EEGInfo) -> Parts:
    """CLIP, and the encoder with its heads."""
    texts, embedded = text_embeddings(clip, batch)
    width = embedded().shape[1]
    heads = Heads(len(info.channels), info.times, width, tuple(HEADS), encoder).to(META).eval()
    eeg = zero_eeg(info, batch).to(META)

    def decoded(head: str) -> torch.Tensor:
        return heads(eeg)[head]

    stages = [
        Stage(f"training: head {name}", batch, functools.partial(decoded, name), (batch, width)) for name in HEADS
    ]
    return Parts(
        (texts, Network("encoder and heads", heads, "all")),
        (Stage("training: caption embeddings", batch, embedded, (batch, width)), *stages),
    )
