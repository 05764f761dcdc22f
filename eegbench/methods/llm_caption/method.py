"""Captions from EEG: each semantic level retrieves a training caption, and a text-to-image model draws them together.

Rezvani et al., the LLM-caption paper. An EEG encoder with spatial and temporal attention; one projection head for
each semantic level, aligned with CLIP's text embeddings of captions by a contrastive loss; at test each head
retrieves the captions most like its embedding, and their concatenation is the prompt of a frozen generator.
The paper leaves open whether captions are retrieved from the training set or from the test images' own; here they
come from training captions, always: the others would tell the answer. How the two best heads were chosen is open too;
here `explain` scores the heads on training concepts that the fit held out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds as seeding
from eegbench.arrays import EEG, EEGInfo, Images
from eegbench.backbones import weights
from eegbench.backbones.clip import Clip, clip
from eegbench.backbones.diffusion import Sampling, generator
from eegbench.contracts import CAPTION_LEVELS, Explanation, Hints, Method, Progress, Reconstructor, TrainingSet
from eegbench.errors import SOME, InputError, UsageError, check_range, unknown
from eegbench.methods.encoders.spatiotemporal import SpatioTemporal, TransformerSettings
from eegbench.methods.gradients import saliency, two_way
from eegbench.methods.standard import Scale, Standardised, info_from, standardised
from eegbench.methods.storage import read_arrays, read_json, read_module, write_arrays, write_json, write_module
from eegbench.methods.training import Training
from eegbench.methods.tuning_settings import Epochs
from eegbench.methods.validation import held_out

HEADS = {"ObjectSnap": "low", "SpatialLink": "mid", "ThemeTag": "high"}  # named in the paper; the level is our reading
PLACES = {name: np.flatnonzero(np.array(CAPTION_LEVELS) == level) for name, level in HEADS.items()}  # among the ten


@dataclass(frozen=True, kw_only=True)
class CaptionSettings(Epochs):
    """How the encoder and its heads are fitted; all of it open in the paper."""

    loss: Literal["contrastive", "mse"] = "contrastive"  # mse is the paper's ablation
    batch: int = 128
    schedule: Literal["constant", "cosine"] = "cosine"
    weight_decay: float = 0.05
    temperature: float = 0.07
    validation_concepts: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, temperature=(0.001, 1000.0), validation_concepts=SOME)


class Heads(nn.Module):
    """The encoder, and a projection onto CLIP's text space for each head."""

    def __init__(
        self, channels: int, times: int, width: int, names: Sequence[str], encoder: TransformerSettings
    ) -> None:
        super().__init__()
        self.encoder = SpatioTemporal(channels, times, encoder)
        self.heads = nn.ModuleDict({name: _projection(encoder.width, width) for name in names})

    def forward(self, eeg: torch.Tensor) -> dict[str, torch.Tensor]:
        seen = self.encoder(eeg)
        return {name: F.normalize(head(seen), dim=1) for name, head in self.heads.items()}


def _projection(width: int, to: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0.3), nn.Linear(2 * width, to))


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

    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        drawing = generator(self.networks.generator, self.device)
        return drawing.sample(
            drawing.text_tokens(self.prompts(eeg)),
            null=drawing.text_tokens([""]),
            seeds=seeds,
            sampling=self.sampling,
        )

    def prompts(self, eeg: EEG) -> list[str]:
        """What the generator is told, for each item: the heads' captions in the heads' order."""
        return [", ".join(c for captions in row for c in captions) for row in self.captions(eeg)]

    def captions(self, eeg: EEG) -> list[list[tuple[str, ...]]]:
        """For each item, for each chosen head, the captions it retrieved, nearest (cosine) first."""
        embedded = self.embeddings(eeg)
        found = []
        for name in self.heads:
            texts, known = self.bank[name]
            nearest = np.argsort(-(embedded[name] @ known.T), axis=1, kind="stable")[:, : self.each]
            found.append([tuple(texts[i] for i in row) for row in nearest])
        return [list(row) for row in zip(*found, strict=True)]

    def embeddings(self, eeg: EEG) -> dict[str, NDArray[np.float32]]:
        """Unit vectors (n, d) in CLIP's text space, by head."""
        x = standardised(eeg, self.scale, self.networks.info)
        with torch.inference_mode():
            parts = [self.module(some.to(self.device)) for some in x.split(64)]
        return {name: torch.cat([p[name] for p in parts]).cpu().numpy() for name in self.networks.names}

    def embed(self, eeg: EEG) -> NDArray[np.float32]:
        """The first head's embedding: CLIP's text space is its image space too."""
        return self.embeddings(eeg)[self.heads[0]]

    def embed_images(self, images: Images) -> NDArray[np.float32]:
        return clip(self.networks.clip, self.device).images(images)

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


@dataclass(frozen=True)
class LlmCaption(Method[LlmCaptionReconstructor]):
    """Hyper-parameters; the defaults are for the micro pack. `heads` in the order of the prompt, `each` captions of
    every one."""

    name: ClassVar[str] = "llm_caption"
    paper: ClassVar[str] = "Rezvani et al., EEG to image by LLM captions"
    reference: ClassVar[str] = ""
    requires: ClassVar[tuple[str, ...]] = ("diffusers", "open_clip")
    ablation: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "contrastive": {"captions.loss": "contrastive", "heads": list(HEADS)},
        "MSE": {"captions.loss": "mse", "heads": list(HEADS)},
        **{head: {"heads": [head]} for head in HEADS},
    }
    ablated: ClassVar[tuple[str, ...]] = ("nway50_top1", "is", "kid", "fid", "pixcorr", "ssim", "clip")
    reconstructor: ClassVar[type[Reconstructor]] = LlmCaptionReconstructor

    generator: str = "pack:generator"
    clip: str = "pack:clip_target"
    encoder: TransformerSettings = TransformerSettings()
    captions: CaptionSettings = CaptionSettings()
    heads: tuple[str, ...] = field(default=tuple(HEADS), metadata={"stage": "reconstruct"})
    each: int = field(default=1, metadata={"stage": "reconstruct"})
    sampling: Sampling = field(default=Sampling(), metadata={"stage": "reconstruct"})

    def __post_init__(self) -> None:
        check_range(self, each=SOME)
        if not self.heads:
            raise UsageError(f"heads names none; wanted some of {', '.join(HEADS)}")
        for head in self.heads:
            if head not in HEADS:
                raise unknown("head", head, HEADS)

    def weights(self) -> dict[str, str]:
        return {name: weights.combined(name) for name in (self.generator, self.clip)}

    def configure(self, fitted: LlmCaptionReconstructor) -> LlmCaptionReconstructor:
        fitted.heads, fitted.each, fitted.sampling = self.heads, self.each, self.sampling
        return fitted

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> LlmCaptionReconstructor:
        torch.manual_seed(seeding.seed(seed, "captions"))
        said = embedded_captions(train, Clip(self.clip, device))
        networks = Networks(self.generator, self.clip, tuple(HEADS), self.encoder, train.info, said.shape[2])
        eeg = Standardised(train.eeg, device)
        module = Heads(train.eeg.shape[1], train.eeg.shape[2], networks.width, networks.names, self.encoder).to(device)
        training = Training(seed, progress, device=device, folder=folder)
        held = held_out(train.concepts, self.captions.validation_concepts, seed)
        fit_heads(training, module, eeg, train.shown, torch.from_numpy(said).to(device), held, self.captions)
        fitted = LlmCaptionReconstructor(networks, module, eeg.scale, caption_bank(train, said), device=device)
        return self.configure(fitted)

    def explain(self, fitted: LlmCaptionReconstructor, train: TrainingSet, *, seed: int) -> Explanation:
        """The loss is the fit's own, over every caption of the level in turn; what a head should retrieve is a
        trial's captions of its level, against those of the other held-out trials."""
        held = held_out(train.concepts, self.captions.validation_concepts, seed)
        items = np.flatnonzero(held[train.shown]).tolist()
        trials = train.part(items)
        said = torch.from_numpy(embedded_captions(trials, Clip(self.clip, fitted.device))[trials.shown])
        own = {name: said[:, places] for name, places in PLACES.items()}

        def losses(eeg: torch.Tensor) -> dict[str, torch.Tensor]:
            """Of all trials together, so that a trial's gradient does not shrink with their number."""
            found = {}
            for name, embedded in fitted.module(eeg).items():
                each = [alignment(embedded, truth, self.captions) for truth in own[name].to(eeg.device).unbind(1)]
                found[name] = len(items) * torch.stack(each).mean()
            return found

        embedded = fitted.embeddings(trials.eeg)
        return Explanation(
            items=tuple(items),
            saliency=saliency(standardised(trials.eeg, fitted.scale, fitted.networks.info).to(fitted.device), losses),
            embeddings=embedded,
            nearness={name: (some @ fitted.bank[name][1].T).max(1) for name, some in embedded.items()},
            right={name: two_way(some @ own[name].mean(1).numpy().T) for name, some in embedded.items()},
        )


def embedded_captions(train: TrainingSet, clip: Clip) -> NDArray[np.float32]:
    """Unit embeddings (n, 10, d) of every item's captions; InputError where an item has not ten."""
    wrong = [s for s, c in zip(train.stimuli, train.captions, strict=True) if len(c) != len(CAPTION_LEVELS)]
    if wrong:
        raise InputError(
            f"{len(wrong)} of {len(train.stimuli)} training images have not {len(CAPTION_LEVELS)} captions "
            f"(the first: {wrong[0]}); give them by --captions FILE, which `eegbench captions make` writes"
        )
    flat = clip.texts([caption for captions in train.captions for caption in captions])
    said: NDArray[np.float32] = flat.reshape(len(train.captions), len(CAPTION_LEVELS), -1)
    return said / np.linalg.norm(said, axis=2, keepdims=True)


def alignment(embedded: torch.Tensor, truth: torch.Tensor, settings: CaptionSettings) -> torch.Tensor:
    """The loss of one head on a batch: its unit embeddings (n, d) and those of a caption for each, (n, d)."""
    if settings.loss == "mse":
        return truth.shape[1] * F.mse_loss(embedded, truth)
    logits = embedded @ truth.T / settings.temperature
    labels = torch.arange(len(truth), device=truth.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def fit_heads(
    training: Training,
    module: Heads,
    eeg: Standardised,
    shown: NDArray[np.int64],
    said: torch.Tensor,
    held: NDArray[np.bool_],
    settings: CaptionSettings,
) -> None:
    """Align every head with the captions of its level, `said` (stimuli, 10, d), one drawn anew for each trial and step;
    the epoch best on `held` stimuli is kept."""
    seen = torch.from_numpy(shown)

    def loss(some: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        total = torch.zeros((), device=said.device)
        for name, embedded in module(eeg[some]).items():
            truth = said[seen[some], torch.from_numpy(rng.choice(PLACES[name], len(some)))]
            total = total + alignment(embedded, truth, settings)
        return total / len(HEADS)

    training.run_epochs("fit caption heads", module, loss, held[shown], settings, clip=1.0)


def caption_bank(
    train: TrainingSet, said: NDArray[np.float32]
) -> dict[str, tuple[tuple[str, ...], NDArray[np.float32]]]:
    """For each head the training captions of its level, each text once, and their unit embeddings."""
    bank = {}
    for name, level in HEADS.items():
        places: dict[str, tuple[int, int]] = {}
        for i, captions in enumerate(train.captions):
            for j, caption in enumerate(captions):
                if CAPTION_LEVELS[j] == level:
                    places.setdefault(caption, (i, j))
        bank[name] = (tuple(places), np.stack([said[place] for place in places.values()]))
    return bank
