"""Rehearsal of the saliency-guided ControlNet: LoRA under one token, then the ControlNet and the maps that guide it."""

import torch

from eegbench.arrays import EEGInfo
from eegbench.backbones import saliency
from eegbench.backbones.diffusion import Generator
from eegbench.backbones.published_configs import EML_NET
from eegbench.methods.rehearsal import published_keys
from eegbench.methods.rehearsal.drawing import (
    denoising_stage,
    generator_networks,
    generator_stages,
    latents_stage,
    zero_pictures,
)
from eegbench.methods.rehearsal.encoding import zero_eeg
from eegbench.methods.rehearsal.parts import META, Network, Parts, Stage
from eegbench.methods.saliency_controlnet import head
from eegbench.methods.tuning import control_network, lora
from eegbench.methods.tuning_settings import TuningSettings


def lora_parts(generator: Generator, width: int, rank: int, alpha: int, settings: TuningSettings) -> Parts:
    """The generator, and a UNet with LoRA that is trained under tokens of `width`."""
    wrapped = lora(Generator(generator.name, META).unet, rank, alpha)
    trained = Network("UNet with LoRA", wrapped, trained="LoRA")
    loss = denoising_stage("training: LoRA", generator, wrapped, width, settings.batch)
    return generator_networks(generator) + latents_stage(generator, settings.batch) + Parts((trained,), (loss,))


def guide_parts(
    generator: Generator, width: int, maps: str, channels: tuple[int, ...], settings: TuningSettings, info: EEGInfo
) -> Parts:
    """The ControlNet, the saliency network `maps`, the head that decodes maps from EEG, a guided reconstruction."""
    batch = settings.batch
    network = control_network(generator.unet, channels).to(META)
    looking = saliency.SaliencyNetwork(maps, META)
    published = published_keys.eml_net() if maps.endswith(EML_NET) else {}
    saliency_networks = [
        Network(f"saliency, {part}", looking.network.get_submodule(part), published=shapes)
        for part, shapes in published.items()
    ]
    seen = torch.zeros(batch, 3, *looking.size, device=META)
    decoder, eeg = head.build(len(info.channels) * info.times).eval(), zero_eeg(info, batch)
    networks = [
        Network("ControlNet", network, trained="all"),
        *(saliency_networks or [Network("saliency", looking.network)]),
        Network("saliency head", decoder, trained="all"),
    ]
    stages = [
        Stage("training: saliency maps", batch, lambda: looking.network(seen), (batch, *looking.size)),
        denoising_stage("training: ControlNet", generator, generator.unet, width, batch, network),
        Stage("reconstruction: map from EEG", batch, lambda: decoder(eeg), (batch, head.GRID**2)),
    ]
    token, control = torch.zeros(1, 1, width, device=META), zero_pictures(generator, 1)
    return Parts(networks, stages) + generator_stages(generator, token, controlnet=network, control=control)
