"""Rehearsal of NeuroImagen's own networks: the pixel level and the caption regressor."""

import torch

from eegbench.arrays import EEGInfo
from eegbench.methods.neuroimagen.gan import Discriminator, GanSettings, PictureGenerator, augmented
from eegbench.methods.neuroimagen.lstm import FeatureSettings, LstmFeatures
from eegbench.methods.neuroimagen.regressor import CaptionRegressor, RegressorSettings
from eegbench.methods.rehearsal.encoding import zero_eeg
from eegbench.methods.rehearsal.parts import META, Network, Parts, Stage


def pixel_parts(lstm: FeatureSettings, gan: GanSettings, info: EEGInfo) -> Parts:
    """LSTM features, and the two networks of the GAN that they drive."""
    features = LstmFeatures(len(info.channels), lstm).eval()
    generator, discriminator = PictureGenerator(lstm.width, gan).eval(), Discriminator(lstm.width, gan).eval()
    trials, n = lstm.concepts * lstm.each, gan.batch
    eeg, known = zero_eeg(info, trials), torch.zeros(n, lstm.width)
    noise, pictures = torch.zeros(n, gan.noise), torch.zeros(n, 3, gan.size, gan.size)
    return Parts(
        (
            Network("LSTM", features, "all"),
            Network("GAN generator", generator, "all"),
            Network("GAN discriminator", discriminator, "all"),
        ),
        (
            Stage("training: EEG features", trials, lambda: features(eeg), (trials, lstm.width)),
            Stage("training: GAN generator", n, lambda: generator(known, noise), tuple(pictures.shape)),
            Stage("training: GAN discriminator", n, lambda: discriminator(augmented(pictures), known), (n,)),
        ),
    )


def regressor_parts(settings: RegressorSettings, info: EEGInfo, tokens: torch.Tensor) -> Parts:
    """The regressor onto the text tokens (1, tokens, width) of a caption."""
    with torch.device(META):
        inputs = len(info.channels) * info.times
        network = CaptionRegressor(inputs, tokens.shape[1], tokens.shape[2], settings).eval()
        eeg = zero_eeg(info, settings.batch)
    wanted = (settings.batch, *tokens.shape[1:])
    stage = Stage("training: caption regressor", settings.batch, lambda: network(eeg), wanted)
    return Parts((Network("caption regressor", network, "all"),), (stage,))
