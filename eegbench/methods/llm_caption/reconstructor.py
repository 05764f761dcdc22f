"""The fitted LLM-caption method: EEG to captions of the training set, and from them to an image."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo, Images
from eegbench.backbones.clip import clip
from eegbench.backbones.diffusion import Sampling, generator
from eegbench.contracts import Hints, Reconstructor
from eegbench.methods.llm_caption.heads import (
    Heads,
)
from eegbench.methods.llm_caption.spatiotemporal import TransformerSettings
from eegbench.methods.standard import Scale, info_from, standardised
from eegbench.methods.storage import read_arrays, read_json, read_module, write_arrays, write_json, write_module

Decoded = Literal["first", "mean"]  # which head's embedding retrieval and classification look at


@dataclass(frozen=True)
class Networks:
    """Names of the pretrained parts, and the sizes of what is fitted."""

    generator: str
    clip: str
    names: tuple[str, ...]
    encoder: TransformerSettings
    info: EEGInfo
    width: int


class LlmCaptionReconstructor(Reconstructor):
    """The fitted method. `bank` holds, for each head, the training captions it may retrieve and their embeddings."""

    def __init__(
        self,
        networks: Networks,
        module: Heads,
        scale: Scale,
        bank: dict[str, tuple[tuple[str, ...], NDArray[np.float32]]],
        *,
        device: str = "cpu",
    ) -> None:
        self.networks, self.module, self.scale, self.bank = networks, module, scale, bank
        self.device = device
        self.heads, self.each = networks.names, 1
        self.sampling = Sampling()
        self.decoded: Decoded = "first"

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        drawing = generator(self.networks.generator, self.device)
        return drawing.sample(
            drawing.text_tokens(self.prompts(eeg)),
            null=drawing.text_tokens([""]),
            seeds=seeds,
            sampling=self.sampling,
        )

    def prompts(self, eeg: EEG) -> list[str]:
        """The generator's prompt for each item: the heads' captions in the heads' order."""
        return [", ".join(c for captions in row for c in captions) for row in self.captions(eeg)]

    def captions(self, eeg: EEG) -> list[list[tuple[str, ...]]]:
        """For each item, for each chosen head, the captions it retrieved, nearest (cosine) first."""
        embedded = self.embeddings(eeg)
        retrieved = []
        for name in self.heads:
            texts, known = self.bank[name]
            nearest = np.argsort(-(embedded[name] @ known.T), axis=1, kind="stable")[:, : self.each]
            retrieved.append([tuple(texts[i] for i in row) for row in nearest])
        return [list(row) for row in zip(*retrieved, strict=True)]

    def embeddings(self, eeg: EEG) -> dict[str, NDArray[np.float32]]:
        """Unit vectors (n, d) in CLIP's text space, by head."""
        x = standardised(eeg, self.scale, self.networks.info)
        with torch.inference_mode():
            parts = [self.module(batch.to(self.device)) for batch in x.split(64)]
        return {name: torch.cat([p[name] for p in parts]).cpu().numpy() for name in self.networks.names}

    def embed(self, eeg: EEG) -> NDArray[np.float32]:
        """The first head's embedding, or the mean of all heads': CLIP's text space is its image space too."""
        embedded = self.embeddings(eeg)
        if self.decoded == "first":
            return embedded[self.heads[0]]
        mean: NDArray[np.float32] = np.mean([embedded[name] for name in self.heads], axis=0, dtype=np.float32)
        return mean

    def embed_images(self, images: Images) -> NDArray[np.float32]:
        return clip(self.networks.clip, self.device).images(images)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return clip(self.networks.clip, self.device).texts(texts)

    def save(self, folder: Path) -> None:
        rest = dict(zip(("eeg_mean", "eeg_std"), self.scale, strict=True))
        write_module(folder / "heads.safetensors", self.module, rest, half=True)
        write_arrays(folder / "bank.safetensors", {name: known for name, (_, known) in self.bank.items()}, half=True)
        texts = {name: list(texts) for name, (texts, _) in self.bank.items()}
        write_json(folder / "llm_caption.json", asdict(self.networks) | {"captions": texts})

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        facts = read_json(folder / "llm_caption.json")
        texts = facts.pop("captions")
        info = info_from(facts["info"])
        networks = Networks(
            facts["generator"],
            facts["clip"],
            tuple(facts["names"]),
            TransformerSettings(**facts["encoder"]),
            info,
            facts["width"],
        )
        module = Heads(len(info.channels), info.times, networks.width, networks.names, networks.encoder)
        rest = read_module(folder / "heads.safetensors", module, ("eeg_mean", "eeg_std"))
        known = read_arrays(folder / "bank.safetensors")
        bank = {name: (tuple(texts[name]), known[name].numpy()) for name in networks.names}
        scale = (rest["eeg_mean"].numpy(), rest["eeg_std"].numpy())
        return cls(networks, module.to(device), scale, bank, device=device)
