"""The fitted ATM: EEG to images, and to the embeddings that retrieval is scored on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import EEG, Images
from eegbench.backbones.clip import clip
from eegbench.backbones.diffusion import Sampling
from eegbench.backbones.pipeline import Painter, painter
from eegbench.contracts import Hints, Reconstructor
from eegbench.methods.atm.caption_stage import CaptionStage
from eegbench.methods.atm.low_level import LowLevel
from eegbench.methods.atm.prior import DiffusionPrior
from eegbench.methods.encoders.fitting import EEGEmbedder, Length
from eegbench.methods.storage import read_json, write_json


@dataclass(frozen=True)
class Networks:
    """Names of the pretrained parts, the length of the embeddings that pass between them, the size of images in px
    and the precision of the generator; fixed by the fit."""

    generator: str
    adapter: str
    clip: str
    length: Length
    size: int = 0
    half: bool = False

    def painter(self, device: str) -> Painter:
        """The generator with its IP-Adapter; loaded once."""
        return painter(self.generator, self.adapter, device, half=self.half, size=self.size)


class AtmReconstructor(Reconstructor):
    """The fitted method; `low_level` and `caption` are None where that stage is left out."""

    def __init__(
        self,
        networks: Networks,
        embedder: EEGEmbedder,
        prior: DiffusionPrior,
        low_level: LowLevel | None,
        caption: CaptionStage | None = None,
        *,
        device: str = "cpu",
    ) -> None:
        self.networks, self.embedder, self.prior, self.low_level = networks, embedder, prior, low_level
        self.caption = caption
        self.painter = networks.painter(device)
        self.sampling, self.strength = Sampling(), 1.0
        self.device = device

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        embeddings = self.prior.sample(torch.from_numpy(self.embedder.features(eeg)), seeds)
        start = None if self.low_level is None else self.low_level(eeg) * self.painter.scaling_factor
        prompts = None if self.caption is None else self.caption(embeddings)
        return self.painter.paint(
            embeddings=embeddings,
            prompts=prompts,
            seeds=seeds,
            sampling=self.sampling,
            start=start,
            strength=self.strength,
        )

    def embed(self, eeg: EEG) -> NDArray[np.float32]:
        return self.embedder(eeg)

    def embed_images(self, images: Images) -> NDArray[np.float32]:
        return clip(self.networks.clip, self.device).images(images)

    def for_subject(self, subject: int) -> Self:
        self.embedder.meet(subject)
        return self

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return clip(self.networks.clip, self.device).texts(texts)

    def save(self, folder: Path) -> None:
        self.embedder.save(folder)
        self.prior.save(folder)
        if self.low_level is not None:
            self.low_level.save(folder)
        if self.caption is not None:
            self.caption.save(folder)
        stages = {"low_level": self.low_level is not None, "caption": self.caption is not None}
        write_json(folder / "atm.json", asdict(self.networks) | stages)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        facts = read_json(folder / "atm.json")
        low_level = LowLevel.load(folder, device) if facts.pop("low_level") else None
        caption = CaptionStage.load(folder, device) if facts.pop("caption") else None
        return cls(
            Networks(**facts),
            EEGEmbedder.load(folder, device),
            DiffusionPrior.load(folder, device),
            low_level,
            caption,
            device=device,
        )
