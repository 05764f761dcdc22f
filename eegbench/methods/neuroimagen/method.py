"""NeuroImagen: a coarse picture and a caption's embedding, both from EEG, meet in a latent diffusion model.

Lan et al., the NeuroImagen paper. Pixel level: LSTM features of EEG, trained with a triplet loss, drive a conditional
GAN whose target is the stimulus image at a small size (the paper calls its output a saliency map). Sample level: a
regressor from EEG to the text embedding of a caption. The coarse picture is noised in latent space and denoised
under the predicted embedding (img2img). No official code exists; what the paper leaves open is a field here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch.nn import functional as F

from eegbench.arrays import EEGInfo
from eegbench.backbones import telling, weights
from eegbench.backbones.diffusion import Sampling
from eegbench.backbones.pipeline import check_strength, painter
from eegbench.backbones.resize import chunks, resize, to_float
from eegbench.contracts import Reconstructor, TrainingSet
from eegbench.errors import ANY, SOME, InputError, UsageError, check_range
from eegbench.methods.neuroimagen.gan import GanSettings, fit_gan
from eegbench.methods.neuroimagen.lstm import FeatureSettings, fit_features
from eegbench.methods.neuroimagen.reconstructor import Networks, NeuroImagenReconstructor
from eegbench.methods.neuroimagen.regressor import RegressorSettings, fit_regressor
from eegbench.methods.neuroimagen.rehearsal import pixel_parts, regressor_parts
from eegbench.methods.rehearsal import META, Fitting, Parts, Rehearsal
from eegbench.methods.rehearsal.drawing import encoded_prompt, painter_parts
from eegbench.methods.standard import Standardised
from eegbench.methods.training import TrainedMethod, Training
from eegbench.methods.validation import held_out

CaptionSource = Literal["label", "blip", "none"]


@dataclass(frozen=True)
class NeuroImagen(TrainedMethod[NeuroImagenReconstructor]):
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
    captions: CaptionSource = "blip"
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

    def fit_stages(self, train: TrainingSet, training: Training) -> NeuroImagenReconstructor:
        device = training.device
        held = held_out(train.concepts, self.validation_concepts, training.seed)
        eeg = Standardised(train.eeg, device)
        pixel = regressor = None
        if self.pixel_level:
            concepts = [train.concepts[i] for i in train.shown]
            features = fit_features(training, eeg, concepts, held[train.shown], self.features)
            with torch.no_grad():
                known = torch.cat([features(x) for x in eeg.split(256)])
            small = [
                F.interpolate(resize(to_float(batch), 64), self.gan.size, mode="area")
                for batch in chunks(train.images, 256)
            ]
            pixel = (features, fit_gan(training, known, train.shown, torch.cat(small).to(device), self.gan))
        tokens = painter(self.generator, device=device).text_tokens([""])
        if self.captions != "none":
            prompts = self.prompts(train)
            with telling.one_step(f"text tokens of {len(prompts)} captions"):
                texts = painter(self.generator, device=device).text_tokens(prompts).to(device)
            regressor = fit_regressor(training, eeg, train.shown, texts, held, self.regressor)
        networks = Networks(
            self.generator, train.info, self.features, self.gan, self.regressor, tokens.shape[1], tokens.shape[2]
        )
        return NeuroImagenReconstructor(networks, eeg.scale, pixel, regressor, device=device)

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

    def rehearse(self) -> Rehearsal:
        return Rehearsal(
            recording="eegcvpr",
            parts=self._parts,
            fitting=(
                Fitting("fit EEG features", "features", self.features, "triplets"),
                Fitting("fit GAN", "gan", self.gan, "anew"),
                Fitting("fit caption regressor", "regressor", self.regressor),
            ),
            reached=self.strength if self.pixel_level else 1.0,
        )

    def _parts(self, info: EEGInfo) -> Parts:
        drawing = painter(self.generator, device=META)
        parts = pixel_parts(self.features, self.gan, info) if self.pixel_level else Parts()
        if self.captions != "none":
            parts += regressor_parts(self.regressor, info, encoded_prompt(drawing.drawing)[0])
        return parts + painter_parts(drawing, self.generator)
