"""Fit an EEG encoder on image embeddings, stop by held-out training concepts, keep what it needs to run."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from eegbench import seeds
from eegbench.arrays import EEG, EEGInfo, let_go
from eegbench.contracts import EVERYBODY, TrainingSet
from eegbench.errors import SHARE, SOME, InputError, UsageError, check_range
from eegbench.files import file_digest
from eegbench.methods.encoders import checkpoints
from eegbench.methods.encoders.atm_s import SUBJECTS, AtmS, Keep, Window
from eegbench.methods.standard import Standardised, info_from, standardised
from eegbench.methods.storage import read_json, read_module, write_json, write_module
from eegbench.methods.training import Training
from eegbench.methods.tuning_settings import Epochs
from eegbench.methods.validation import held_out

AS_IT_IS = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)  # a mean and a deviation that change nothing

Length = Literal["unit", "raw"]  # of embeddings that are handed on: unit variance per coordinate, or as they are


@dataclass(frozen=True, kw_only=True)
class EncoderSettings(Epochs):
    """How an encoder is fitted; validation is by whole concepts. The published rate and batch are 3e-4 and 64.

    `kind`: "atm_s" is fitted here; "precomputed" takes embeddings that stand in the EEG's place as they are
    (`dataset.embeddings`), as the saliency-guided paper ran, and leaves every other key without effect. `checkpoint`: a
    file of the ATM code, taken as it is in place of a fit; of the other keys `keep` and `window` must be the file's,
    and the rest is without effect. `strangers`: of a fit on several people the share of batches in which the token that
    is shared stands for each person's own, so that it is learnt; it is a stranger's, and the ATM code never learns it.
    """

    kind: Literal["atm_s", "precomputed"] = "atm_s"
    checkpoint: Path | None = None
    keep: Keep = "channels"
    window: Window = Window(kernel=10, pool=20, stride=2)  # the published milliseconds at 100 Hz
    batch: int = 128
    regression: float = 0.1  # share of the mean squared error, the rest is contrastive
    text: float = 0.0  # share of the contrastive loss that looks at captions' embeddings; published for retrieval: .01
    raw: bool = False  # the squared error compares embeddings as they are (published), not at unit length
    validation_concepts: int = 20
    strangers: float = field(default=0.1, metadata={"later": True})

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, regression=SHARE, text=SHARE, validation_concepts=SOME, strangers=SHARE)
        if self.checkpoint is not None and self.kind != "atm_s":
            raise UsageError("a checkpoint is of an ATM-S, and encoder.kind is precomputed; set encoder.kind=atm_s")

    def weights(self) -> dict[str, str]:
        """The checkpoint's entry in `Method.weights`: its name has its digest, and no published digest is known."""
        if self.checkpoint is None:
            return {}
        return {f"encoder.checkpoint@{file_digest(checkpoints.existing(self.checkpoint))}": ""}

    def check(self, info: EEGInfo) -> None:
        """Raise now, before anything is computed, what `fit_embedder` would raise of this EEG and the checkpoint."""
        embedded = info.unit == "embedding"
        if self.kind == "precomputed" and not embedded:
            raise UsageError(
                "encoder.kind is precomputed, and the data set gives EEG; set dataset.embeddings to a folder"
            )
        if embedded and self.kind != "precomputed":
            raise UsageError(
                "the data set gives embeddings in the EEG's place; set encoder.kind=precomputed to use them"
            )
        if self.checkpoint is not None:
            checkpoints.read(self.checkpoint, info, keep=self.keep, window=self.window)


class Precomputed(nn.Module):
    """A stand-in for an encoder: embeddings (n, 1, width), given in place of EEG, to (n, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, eeg: torch.Tensor, subject: torch.Tensor) -> torch.Tensor:
        return eeg[:, 0]


class EEGEmbedder:
    """EEG to image embeddings: z-scoring by training statistics, then ATM-S; or embeddings that are there already.

    `row` of the encoder's table of subjects. people: who it was fitted on, where they are several. It is saved in 16
    bits if `half`.
    """

    def __init__(
        self,
        encoder: AtmS | Precomputed,
        info: EEGInfo,
        row: int,
        mean: NDArray[np.float32],
        std: NDArray[np.float32],
        *,
        half: bool = True,
        people: tuple[int, ...] = (),
    ) -> None:
        self.encoder, self.info, self.row = encoder, info, row
        self.mean, self.std = mean, std
        self.half, self.people = half, people

    def __call__(self, eeg: EEG, subjects: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Embeddings (n, d) of unit length of EEG (n, channels, times); subjects as in `features`."""
        return F.normalize(torch.from_numpy(self.features(eeg, subjects)), dim=1).numpy()

    def features(self, eeg: EEG, subjects: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Embeddings (n, d) as the encoder gives them, un-normalised. subjects: of training EEG whose trial each is."""
        device = next((p.device for p in self.encoder.parameters()), torch.device("cpu"))
        rows = np.full(len(eeg), self.row) if subjects is None else subjects - 1
        with torch.inference_mode():
            embedded = []
            for i in range(0, len(eeg), 64):
                x = standardised(eeg[i : i + 64], (self.mean, self.std), self.info).to(device)
                embedded.append(self.encoder(x, torch.from_numpy(rows[i : i + 64]).to(device)).cpu())
                let_go(eeg)
        return torch.cat(embedded).numpy()

    def meet(self, subject: int) -> None:
        """Take this person's token from now on, or the shared one for a stranger to a fit on several people."""
        if self.people and isinstance(self.encoder, AtmS):
            self.row = subject - 1 if subject in self.people else self.encoder.subjects

    def save(self, folder: Path) -> None:
        rest = {"eeg_mean": self.mean, "eeg_std": self.std}
        write_module(folder / "encoder.safetensors", self.encoder, rest, half=self.half)
        facts: dict[str, Any] = {
            "info": asdict(self.info), "row": self.row, "width": self.encoder.width, "half": self.half,
        }  # fmt: skip
        if isinstance(self.encoder, AtmS):
            facts |= {
                "keep": self.encoder.keep, "window": asdict(self.encoder.window), "subjects": self.encoder.subjects,
            }  # fmt: skip
        if self.people:
            facts["people"] = list(self.people)
        write_json(folder / "encoder.json", facts)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        facts = read_json(folder / "encoder.json")
        info, width = info_from(facts["info"]), facts["width"]
        encoder: AtmS | Precomputed = Precomputed(width)
        if "window" in facts:
            kept = {"subjects": facts["subjects"], "keep": facts["keep"], "window": Window(**facts["window"])}
            encoder = AtmS(len(info.channels), info.times, width, **kept)
        rest = read_module(folder / "encoder.safetensors", encoder, ("eeg_mean", "eeg_std"))
        mean, std = rest["eeg_mean"].numpy(), rest["eeg_std"].numpy()
        people = tuple(facts.get("people", ()))
        return cls(encoder.to(device), info, facts["row"], mean, std, half=facts["half"], people=people)


def fit_embedder(
    training: Training,
    train: TrainingSet,
    targets: NDArray[np.float32],
    settings: EncoderSettings,
    texts: NDArray[np.float32] | None = None,
) -> EEGEmbedder:
    """Fit ATM-S so that training EEG finds its image's embedding, and its text's: `targets`, `texts` (stimuli, d).

    Loss: (1 - regression) x contrastive + regression x MSE, per coordinate of embeddings of length sqrt(d), or of raw
    ones (Li et al., section 2.4; their code's factor 10 does nothing to AdamW). Contrastive is the symmetric
    cross-entropy over the batch of unit vectors, (1 - text) x against images + text x against texts. The epoch with
    the lowest loss on held-out training concepts is kept; test data play no part. UsageError if texts are wanted and
    there are none, or if embeddings are wanted in the EEG's place and EEG is there, or the other way round. With
    a checkpoint nothing is fitted, `targets` may be empty, and what `checkpoints.read` raises is raised.
    """
    settings.check(train.info)
    device = training.device
    if settings.kind == "precomputed":
        return EEGEmbedder(Precomputed(train.info.times).to(device), train.info, 0, *AS_IT_IS)
    if settings.checkpoint is not None and train.subject == EVERYBODY:
        raise UsageError(
            "a checkpoint is taken as its authors fitted it; leave encoder.checkpoint out to fit on several people"
        )
    if settings.checkpoint is not None:
        network = checkpoints.read(settings.checkpoint, train.info, keep=settings.keep, window=settings.window)
        if targets.size and targets.shape[1] != network.width:
            raise InputError(
                f"{settings.checkpoint}: gives {network.width} coordinates, and the image embeddings that it should "
                f"meet have {targets.shape[1]}; set clip to the network that it was trained for"
            )
        # the authors' code takes the row of the subject's own number; a number past the table is the shared token
        return EEGEmbedder(network.to(device), train.info, train.subject, *AS_IT_IS, half=False)
    if settings.text and texts is None:
        raise UsageError(f"encoder.text is {settings.text}, and this method has no text embeddings; set it to 0")
    torch.manual_seed(seeds.seed(training.seed, "encoder"))
    people = tuple(sorted(set(train.subjects.tolist()))) if train.subject == EVERYBODY else ()
    encoder = AtmS(
        train.eeg.shape[1],
        train.eeg.shape[2],
        targets.shape[1],
        subjects=max(SUBJECTS, *people) if people else SUBJECTS,
        keep=settings.keep,
        window=settings.window,
    ).to(device)
    eeg, rows = Standardised(train.eeg, device), torch.from_numpy(train.subjects - 1)
    embedder = EEGEmbedder(encoder, train.info, train.subject - 1, *eeg.scale, people=people)
    shown = torch.from_numpy(train.shown)
    truth = torch.from_numpy(targets).to(device)
    words = torch.from_numpy(targets if texts is None else texts).to(device)
    held = held_out(train.concepts, settings.validation_concepts, training.seed)[train.shown]

    def loss(trials: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        tokens = rows[trials]
        if people and encoder.training and rng.random() < settings.strangers:
            tokens = torch.full_like(tokens, encoder.subjects)
        predicted = encoder(eeg[trials], tokens.to(device))
        seen = shown[trials].to(device)
        contrastive = (1 - settings.text) * _contrast(predicted, truth[seen], encoder.logit_scale)
        if settings.text:
            contrastive = contrastive + settings.text * _contrast(predicted, words[seen], encoder.logit_scale)
        scaled = (lambda embeddings: embeddings) if settings.raw else _long
        alike = F.mse_loss(scaled(predicted), scaled(truth[seen]))
        return (1 - settings.regression) * contrastive + settings.regression * alike

    training.run_epochs("fit EEG encoder", encoder, loss, held, settings)
    return embedder


def _contrast(predicted: torch.Tensor, truth: torch.Tensor, logit_scale: torch.Tensor) -> torch.Tensor:
    logits = logit_scale.exp().clamp(max=100) * F.normalize(predicted, dim=1) @ F.normalize(truth, dim=1).T
    labels = torch.arange(len(truth), device=truth.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def _long(embeddings: torch.Tensor) -> torch.Tensor:
    """At length sqrt(d): unit variance per coordinate."""
    return F.normalize(embeddings, dim=1) * embeddings.shape[1] ** 0.5
