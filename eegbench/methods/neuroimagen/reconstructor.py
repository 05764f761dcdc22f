"""The fitted NeuroImagen: EEG to a coarse picture and text tokens, and from both to an image."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from eegbench.arrays import EEG, EEGInfo, Images
from eegbench.backbones.diffusion import Sampling
from eegbench.backbones.pipeline import painter
from eegbench.backbones.resize import to_uint8
from eegbench.contracts import Hints, Reconstructor
from eegbench.errors import UsageError
from eegbench.methods.neuroimagen.gan import GanSettings, PictureGenerator
from eegbench.methods.neuroimagen.lstm import FeatureSettings, LstmFeatures
from eegbench.methods.neuroimagen.regressor import CaptionRegressor, RegressorSettings
from eegbench.methods.standard import Scale, info_from, standardised
from eegbench.methods.storage import read_json, read_module, write_json, write_module


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
        self.painter = painter(networks.generator, device=device)
        self.sampling, self.strength = Sampling(), 1.0
        self.device = device

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        x = self._standardised(eeg)
        null = self.painter.text_tokens([""])
        tokens = null.expand(len(x), -1, -1)
        if self.regressor is not None:
            regress = self.regressor
            with torch.no_grad():
                tokens = torch.cat([regress(batch) for batch in x.split(64)]).cpu()
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
