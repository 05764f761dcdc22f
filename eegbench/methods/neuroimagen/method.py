"""NeuroImagen: a coarse picture and a caption's embedding, both from EEG, meet in a latent diffusion model.

Lan et al., the NeuroImagen paper. Pixel level: LSTM features of EEG, trained with a triplet loss, drive a conditional
GAN whose target is the stimulus image at a small size (the paper calls its output a saliency map). Sample level: a
regressor from EEG to the text embedding of a caption. The coarse picture is noised in latent space and denoised
under the predicted embedding (img2img). No official code exists; what the paper leaves open is a field here.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from torch.nn import functional as F

from eegbench.arrays import EEG, EEGInfo, Images
from eegbench.backbones import telling, weights
from eegbench.backbones.diffusion import Sampling
from eegbench.backbones.pipeline import Painter, check_strength
from eegbench.backbones.resize import chunks, resize, to_float, to_uint8
from eegbench.contracts import Hints, Method, Progress, Reconstructor, TrainingSet
from eegbench.errors import ANY, SOME, InputError, UsageError, check_range
from eegbench.methods.encoders.lstm import FeatureSettings, LstmFeatures, fit_features
from eegbench.methods.gan import GanSettings, PictureGenerator, fit_gan
from eegbench.methods.regressor import CaptionRegressor, RegressorSettings, fit_regressor
from eegbench.methods.standard import Scale, Standardised, info_from, standardised
from eegbench.methods.storage import read_json, read_module, write_json, write_module
from eegbench.methods.training import Training
from eegbench.methods.validation import held_out

Captions = Literal["label", "blip", "none"]


@dataclass(frozen=True)
class Networks:
    """The pretrained generator, and the sizes of what is fitted."""

    generator: str
    info: EEGInfo
    features: FeatureSettings
    gan: GanSettings
    regressor: RegressorSettings
    tokens: int
    width: int


class NeuroImagenReconstructor(Reconstructor):
    """The fitted method. Without `pixel` it draws from noise alone; without `regressor`, under the empty prompt."""

    def __init__(
        self,
        networks: Networks,
        scale: Scale,
        pixel: tuple[LstmFeatures, PictureGenerator] | None,
        regressor: CaptionRegressor | None,
        *,
        device: str = "cpu",
    ) -> None:
        self.networks, self.scale, self.pixel, self.regressor = networks, scale, pixel, regressor
        self.painter = painter(networks.generator, device)
        self.sampling, self.strength = Sampling(), 1.0
        self.device = device

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        x = self._standardised(eeg)
        null = self.painter.text_tokens([""])
        tokens = null.expand(len(x), -1, -1)
        if self.regressor is not None:
            regress = self.regressor
            with torch.no_grad():
                tokens = torch.cat([regress(some) for some in x.split(64)]).cpu()
        if self.pixel is None:
            return self.painter.paint(tokens=tokens, null=null, seeds=seeds, sampling=self.sampling)
        start = self.painter.latents(self.pictures(eeg, seeds)) * self.painter.scaling_factor
        return self.painter.paint(
            tokens=tokens, null=null, start=start, strength=self.strength, seeds=seeds, sampling=self.sampling
        )

    def pictures(self, eeg: EEG, seeds: Sequence[int]) -> Images:
        """The pixel level's coarse pictures (n, size, size, 3), each from its own seed's noise."""
        if self.pixel is None:
            raise UsageError("pixel_level is off: there are no coarse pictures")
        features, generator = self.pixel
        noise = [torch.randn(generator.noise, generator=torch.Generator().manual_seed(int(seed))) for seed in seeds]
        with torch.no_grad():
            drawn = [
                generator(features(x), z)
                for x, z in zip(
                    self._standardised(eeg).split(64), torch.stack(noise).to(self.device).split(64), strict=True
                )
            ]
        return to_uint8(torch.cat(drawn).cpu())

    def _standardised(self, eeg: EEG) -> torch.Tensor:
        return standardised(eeg, self.scale, self.networks.info).to(self.device)

    def save(self, folder: Path) -> None:
        if self.pixel is not None:
            write_module(folder / "features.safetensors", self.pixel[0], half=True)
            write_module(folder / "gan.safetensors", self.pixel[1], half=True)
        if self.regressor is not None:
            write_module(folder / "regressor.safetensors", self.regressor, half=True)
        facts = asdict(self.networks) | {
            "pixel_level": self.pixel is not None,
            "captions": self.regressor is not None,
            "mean": self.scale[0].ravel().tolist(),
            "std": self.scale[1].ravel().tolist(),
        }
        write_json(folder / "neuroimagen.json", facts)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        facts = read_json(folder / "neuroimagen.json")
        info = info_from(facts["info"])
        networks = Networks(
            facts["generator"],
            info,
            FeatureSettings(**facts["features"]),
            GanSettings(**facts["gan"]),
            RegressorSettings(**facts["regressor"]),
            facts["tokens"],
            facts["width"],
        )
        mean, std = (np.array(facts[name], np.float32)[:, None] for name in ("mean", "std"))
        pixel = regressor = None
        if facts["pixel_level"]:
            pixel = (
                LstmFeatures(len(info.channels), networks.features),
                PictureGenerator(networks.features.width, networks.gan),
            )
            for part, name in zip(pixel, ("features", "gan"), strict=True):
                read_module(folder / f"{name}.safetensors", part)
                part.to(device)
        if facts["captions"]:
            inputs = len(info.channels) * info.times
            regressor = CaptionRegressor(inputs, networks.tokens, networks.width, networks.regressor)
            read_module(folder / "regressor.safetensors", regressor)
            regressor.to(device)
        return cls(networks, (mean, std), pixel, regressor, device=device)


@dataclass(frozen=True)
class NeuroImagen(Method[NeuroImagenReconstructor]):
    """Hyper-parameters; the defaults are for the micro pack. The paper's ablation is `captions` and `pixel_level`.

    `captions`: "label" says the concept, in `template` (published: "An image of {}"); "blip" takes a caption of
    the image, which the paper has from BLIP, the one at place `caption` among its own: of ten in three levels the
    seventh says in a line what a captioner would, object, colour and place. "none" leaves the sample level out.
    """

    name: ClassVar[str] = "neuroimagen"
    paper: ClassVar[str] = "Lan et al., Seeing through the brain: image reconstruction from EEG (NeuroImagen)"
    reference: ClassVar[str] = ""
    requires: ClassVar[tuple[str, ...]] = ("diffusers",)
    ablation: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "I": {"captions": "none", "pixel_level": True},
        "L": {"captions": "label", "pixel_level": False},
        "B": {"captions": "blip", "pixel_level": False},
        "B+I": {"captions": "blip", "pixel_level": True},
        "L+I": {"captions": "label", "pixel_level": True},
    }
    ablated: ClassVar[tuple[str, ...]] = ("nway50_top1", "is", "ssim")
    reconstructor: ClassVar[type[Reconstructor]] = NeuroImagenReconstructor

    generator: str = "pack:generator"
    captions: Captions = "blip"
    template: str = "a {}"
    caption: int = 6
    pixel_level: bool = True
    features: FeatureSettings = FeatureSettings()
    gan: GanSettings = GanSettings()
    regressor: RegressorSettings = RegressorSettings()
    validation_concepts: int = 20
    sampling: Sampling = field(default=Sampling(), metadata={"stage": "reconstruct"})
    strength: float = field(default=0.8, metadata={"stage": "reconstruct"})

    def __post_init__(self) -> None:
        check_range(self, caption=ANY, validation_concepts=SOME)
        if self.pixel_level:
            check_strength(self.strength, self.sampling)
        if "{}" not in self.template:
            raise UsageError(f"template is {self.template!r}; wanted {{}} in it, where the concept goes")

    def weights(self) -> dict[str, str]:
        return {self.generator: weights.combined(self.generator)}

    def configure(self, fitted: NeuroImagenReconstructor) -> NeuroImagenReconstructor:
        fitted.sampling, fitted.strength = self.sampling, self.strength
        return fitted

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> NeuroImagenReconstructor:
        training = Training(seed, progress, device=device, folder=folder)
        held = held_out(train.concepts, self.validation_concepts, seed)
        eeg = Standardised(train.eeg, device)
        pixel = regressor = None
        if self.pixel_level:
            concepts = [train.concepts[i] for i in train.shown]
            features = fit_features(training, eeg, concepts, held[train.shown], self.features)
            with torch.no_grad():
                known = torch.cat([features(x) for x in eeg.split(256)])
            small = [
                F.interpolate(resize(to_float(some), 64), self.gan.size, mode="area")
                for some in chunks(train.images, 256)
            ]
            pixel = (features, fit_gan(training, known, train.shown, torch.cat(small).to(device), self.gan))
        tokens = painter(self.generator, device).text_tokens([""])
        if self.captions != "none":
            prompts = self.prompts(train)
            with telling.one(f"text tokens of {len(prompts)} captions"):
                said = painter(self.generator, device).text_tokens(prompts).to(device)
            regressor = fit_regressor(training, eeg, train.shown, said, held, self.regressor)
        networks = Networks(
            self.generator, train.info, self.features, self.gan, self.regressor, tokens.shape[1], tokens.shape[2]
        )
        return self.configure(NeuroImagenReconstructor(networks, eeg.scale, pixel, regressor, device=device))

    def prompts(self, train: TrainingSet) -> list[str]:
        """The caption of each training image that the regressor aims at."""
        if self.captions == "label":
            return [self.template.format(concept.replace("_", " ")) for concept in train.concepts]
        without = sum(len(captions) <= self.caption for captions in train.captions)
        if without:
            raise InputError(
                f"captions=blip, and {without} training images have no caption at place {self.caption} (from 0); "
                "use captions=label, or set caption"
            )
        return [captions[self.caption] for captions in train.captions]


@functools.lru_cache(maxsize=1)
def painter(generator: str, device: str) -> Painter:
    return Painter(generator, device=device)
