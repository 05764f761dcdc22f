"""The rehearsal of each method: its networks at the size of its configuration, and a pass through each stage.

Networks are built by the method's own classes. What holds many parameters lies on torch's meta device, which runs
shapes through it and no numbers; small networks are run for real.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch

from eegbench.arrays import EEGInfo
from eegbench.backbones import saliency
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import Generator
from eegbench.backbones.published_configs import EML_NET
from eegbench.contracts import Method
from eegbench.methods import gan, llm_caption, low_level, neuroimagen, prior, regressor, saliency_head
from eegbench.methods import saliency_controlnet as controlled
from eegbench.methods.atm import Atm, painter
from eegbench.methods.encoders import checkpoints
from eegbench.methods.encoders.atm_s import AtmS, Window
from eegbench.methods.encoders.fitting import EncoderSettings
from eegbench.methods.encoders.lstm import LstmFeatures
from eegbench.methods.rehearsal import published_keys
from eegbench.methods.rehearsal.drawing import (
    generator_networks,
    generator_stages,
    latents_stage,
    painter_networks,
    painter_stages,
    prompt_tokens,
)
from eegbench.methods.rehearsal.parts import META, Network, Rehearsal, Stage, clip_network
from eegbench.methods.tuning import denoising_loss, lora

PUBLISHED_ENCODER = (63, 250, 1024, Window())  # channels, times, width and window of the published ATM-S


def saliency_controlnet(method: controlled.SaliencyControlNet, info: EEGInfo) -> Rehearsal:
    generator = Generator(method.generator, META)
    networks, stages, width = _encoder(method.encoder, method.clip, info)
    networks += generator_networks(generator)
    stages.append(latents_stage(generator, method.lora.batch))
    wrapped = lora(Generator(method.generator, META).unet, method.rank, method.alpha)
    networks.append(Network("UNet with LoRA", wrapped, trained="LoRA"))
    stages.append(_denoising("training: LoRA", generator, wrapped, width, method.lora.batch))
    token = torch.zeros(1, 1, width, device=META)
    if method.variant == "eeg_only":
        return Rehearsal(networks, [*stages, *generator_stages(generator, token)])
    sizes = controlled.Networks("", "", method.rank, method.alpha, method.control_channels)
    network = controlled.control_network(generator.unet, sizes).to(META)
    networks.append(Network("ControlNet", network, trained="all"))
    looking = saliency.SaliencyNetwork(method.saliency, META)
    published = published_keys.eml_net() if method.saliency.endswith(EML_NET) else {}
    networks += [
        Network(f"saliency, {part}", looking.network.get_submodule(part), published=shapes)
        for part, shapes in published.items()
    ] or [Network("saliency", looking.network)]
    batch = method.controlnet.batch
    seen = torch.zeros(batch, 3, *looking.size, device=META)
    head = saliency_head.build(len(info.channels) * info.times).eval()
    networks.append(Network("saliency head", head, trained="all"))
    eeg = torch.zeros(batch, len(info.channels), info.times)
    control = torch.zeros(1, 3, generator.size, generator.size, device=META)
    stages += [
        Stage("training: saliency maps", batch, lambda: looking.network(seen), (batch, *looking.size)),
        _denoising("training: ControlNet", generator, generator.unet, width, batch, network),
        Stage("reconstruction: map from EEG", batch, lambda: head(eeg), (batch, saliency_head.GRID**2)),
        *generator_stages(generator, token, controlnet=network, control=control),
    ]
    return Rehearsal(networks, stages)


def atm(method: Atm, info: EEGInfo) -> Rehearsal:
    networks, stages, width = _encoder(method.encoder, method.clip, info)
    settings = method.prior
    told = prior.network_of(width, width, settings).eval()
    same = (tuple(settings.widths), settings.time_width, width) == ((1024, 512, 256, 128, 64), 512, 1024)
    networks.append(Network("diffusion prior", told, "all", published_keys.prior() if same else None))
    noisy, times = torch.zeros(settings.batch, width), torch.zeros(settings.batch, dtype=torch.long)
    stages.append(
        Stage("training: diffusion prior", settings.batch, lambda: told(noisy, times, noisy), (settings.batch, width))
    )
    drawn = painter(method.networks, META)
    drawing = painter_stages(drawn, told=torch.zeros(1, width), start=True)
    if method.low_level:
        batch = method.low_level_settings.batch
        with torch.device(META):
            blurry = low_level.LowLevelNetwork(len(info.channels), info.times, method.low_level_settings).eval()
            eeg = torch.zeros(batch, len(info.channels), info.times)
        networks.append(Network("low level", blurry, "all"))
        latent = drawing[0].wanted[1:]  # of the image stage: img2img starts from what this stage gives
        stages.append(Stage("training: low level", batch, lambda: blurry(eeg), (batch, *latent)))
    networks += painter_networks(drawn, method.generator, method.adapter)
    return Rehearsal(networks, [*stages, *drawing])


def neuro_imagen(method: neuroimagen.NeuroImagen, info: EEGInfo) -> Rehearsal:
    channels, networks, stages = len(info.channels), [], []
    if method.pixel_level:
        settings, n = method.gan, method.gan.batch
        features = LstmFeatures(channels, method.features).eval()
        generator = gan.PictureGenerator(method.features.width, settings).eval()
        discriminator = gan.Discriminator(method.features.width, settings).eval()
        networks += [
            Network(name, module, "all")
            for name, module in (("LSTM", features), ("GAN generator", generator), ("GAN discriminator", discriminator))
        ]
        trials = method.features.concepts * method.features.each
        eeg, known = torch.zeros(trials, channels, info.times), torch.zeros(n, method.features.width)
        noise, pictures = torch.zeros(n, settings.noise), torch.zeros(n, 3, settings.size, settings.size)
        stages += [
            Stage("training: EEG features", trials, lambda: features(eeg), (trials, method.features.width)),
            Stage("training: GAN generator", n, lambda: generator(known, noise), tuple(pictures.shape)),
            Stage("training: GAN discriminator", n, lambda: discriminator(gan.augmented(pictures), known), (n,)),
        ]
    drawn = neuroimagen.painter(method.generator, META)
    tokens = prompt_tokens(drawn)
    if method.captions != "none":
        batch = method.regressor.batch
        with torch.device(META):
            said = regressor.CaptionRegressor(
                channels * info.times, tokens.shape[1], tokens.shape[2], method.regressor
            ).eval()
            recording = torch.zeros(batch, channels, info.times)
        networks.append(Network("caption regressor", said, "all"))
        stages.append(Stage("training: caption regressor", batch, lambda: said(recording), (batch, *tokens.shape[1:])))
    networks += painter_networks(drawn, method.generator, "")
    stages += painter_stages(drawn, start=True)
    return Rehearsal(networks, stages)


def captions(method: llm_caption.LlmCaption, info: EEGInfo) -> Rehearsal:
    batch = method.captions.batch
    clip, said = _texts(method.clip, batch)
    width = said().shape[1]
    heads = llm_caption.Heads(len(info.channels), info.times, width, tuple(llm_caption.HEADS), method.encoder)
    heads = heads.to(META).eval()
    eeg = torch.zeros(batch, len(info.channels), info.times, device=META)
    generator = Generator(method.generator, META)

    def embedded(head: str) -> torch.Tensor:
        return heads(eeg)[head]

    networks = [clip, Network("encoder and heads", heads, "all"), *generator_networks(generator)]
    stages = [
        Stage("training: caption embeddings", batch, said, (batch, width)),
        *(
            Stage(f"training: head {name}", batch, functools.partial(embedded, name), (batch, width))
            for name in llm_caption.HEADS
        ),
        *generator_stages(generator, generator.text_tokens(["a prompt"])),
    ]
    return Rehearsal(networks, stages)


def _encoder(settings: EncoderSettings, clip: str, info: EEGInfo) -> tuple[list[Network], list[Stage], int]:
    """CLIP and ATM-S with the passes of their training, and the width of what they give; or embeddings as they are."""
    judge, n = Clip(clip, META), settings.batch
    pictures = torch.zeros(n, 3, judge.size, judge.size, device=META)
    width = info.times if settings.kind == "precomputed" else judge.pictures(pictures[:1]).shape[1]
    networks = [clip_network(clip, judge.model)]
    stages = [Stage("image embeddings", n, lambda: judge.pictures(pictures), (n, width))]
    if settings.kind == "precomputed":
        return networks, stages, width
    encoder = AtmS(len(info.channels), info.times, width, keep=settings.keep, window=settings.window).eval()
    size = (len(info.channels), info.times, width, settings.window)
    published = published_keys.atm_s() if size == PUBLISHED_ENCODER else None
    eeg, subject = torch.zeros(n, len(info.channels), info.times), torch.zeros(n, dtype=torch.long)
    trained, unused = "" if settings.checkpoint else "all", checkpoints.UNUSED if published else {}
    networks.append(Network("ATM-S", encoder, trained, published, unused=unused, renamed=checkpoints.RENAMED))
    stages.append(Stage("EEG embeddings", n, lambda: encoder(eeg, subject), (n, width)))
    return networks, stages, width


def _texts(name: str, batch: int) -> tuple[Network, Callable[[], torch.Tensor]]:
    clip = Clip(name, META)
    tokens = clip.tokens(["a caption"] * batch).to(META)
    return clip_network(name, clip.model), lambda: clip.model.encode_text(tokens)


def _denoising(name: str, generator: Generator, unet: Any, width: int, batch: int, controlnet: Any = None) -> Stage:
    """One training step's loss."""
    side = generator.latent_size
    latents = torch.zeros(batch, int(generator.unet.config.in_channels), side, side, device=META)
    times = torch.zeros(batch, dtype=torch.long, device=META)
    tokens = torch.zeros(batch, 1, width, device=META)
    control = torch.zeros(batch, 3, generator.size, generator.size, device=META) if controlnet is not None else None

    def loss() -> torch.Tensor:
        return denoising_loss(generator, unet, latents, latents, times, tokens, controlnet, control)

    return Stage(name, batch, loss, ())


def rehearsal_of(method: Method[Any], info: EEGInfo) -> Rehearsal:
    """The rehearsal of one of the methods of STAGES on recordings of the size of `info`."""
    return STAGES[type(method)](method, info)


STAGES: dict[type[Method[Any]], Callable[[Any, EEGInfo], Rehearsal]] = {
    controlled.SaliencyControlNet: saliency_controlnet,
    Atm: atm,
    neuroimagen.NeuroImagen: neuro_imagen,
    llm_caption.LlmCaption: captions,
}
