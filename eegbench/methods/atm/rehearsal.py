"""Rehearsal of ATM's own networks: the diffusion prior and the low-level stage."""

import torch

from eegbench.arrays import EEGInfo
from eegbench.methods.atm.low_level import LowLevelNetwork, LowLevelSettings
from eegbench.methods.atm.prior import PriorSettings, network_of
from eegbench.methods.rehearsal import published_keys
from eegbench.methods.rehearsal.encoding import zero_eeg
from eegbench.methods.rehearsal.parts import META, Network, Parts, Stage

PUBLISHED_PRIOR = ((1024, 512, 256, 128, 64), 512, 1024)  # widths, width of a time and of an embedding


def prior_parts(settings: PriorSettings, width: int) -> Parts:
    """The prior between embeddings of `width`."""
    batch, network = settings.batch, network_of(width, width, settings).eval()
    same = (tuple(settings.widths), settings.time_width, width) == PUBLISHED_PRIOR
    noisy, times = torch.zeros(batch, width), torch.zeros(batch, dtype=torch.long)
    return Parts(
        (Network("diffusion prior", network, "all", published_keys.prior() if same else None),),
        (Stage("training: diffusion prior", batch, lambda: network(noisy, times, noisy), (batch, width)),),
    )


def low_level_parts(settings: LowLevelSettings, info: EEGInfo, latent: tuple[int, ...]) -> Parts:
    """The low-level stage; `latent` is what the image stage starts from, (channels, side, side)."""
    with torch.device(META):
        network = LowLevelNetwork(len(info.channels), info.times, settings).eval()
        eeg = zero_eeg(info, settings.batch)
    stage = Stage("training: low level", settings.batch, lambda: network(eeg), (settings.batch, *latent))
    return Parts((Network("low level", network, "all"),), (stage,))
