"""Captions from EEG: each semantic level retrieves a training caption, and a text-to-image model draws them together.

Rezvani et al., the LLM-caption paper. An EEG encoder with spatial and temporal attention; one projection head for
each semantic level, aligned with CLIP's text embeddings of captions by a contrastive loss; at test each head
retrieves the captions most like its embedding, and their concatenation is the prompt of a frozen generator.
The paper leaves open whether captions are retrieved from the training set or from the test images' own; here they
come from training captions, always: the others would tell the answer. How the two best heads were chosen is open too;
here `explain` scores the heads on training concepts that the fit held out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch

from eegbench import seeds as seeding
from eegbench.arrays import EEGInfo
from eegbench.backbones import weights
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import Generator, Sampling
from eegbench.contracts import Explanation, Reconstructor, TrainingSet
from eegbench.errors import SOME, UsageError, check_range, unknown
from eegbench.methods.gradients import saliency, two_way
from eegbench.methods.llm_caption.heads import (
    HEADS,
    PLACES,
    CaptionSettings,
    Heads,
    alignment,
    caption_bank,
    embedded_captions,
    fit_heads,
)
from eegbench.methods.llm_caption.reconstructor import Decoded, LlmCaptionReconstructor, Networks
from eegbench.methods.llm_caption.rehearsal import caption_parts
from eegbench.methods.llm_caption.spatiotemporal import TransformerSettings
from eegbench.methods.rehearsal import META, Fitting, Parts, Rehearsal
from eegbench.methods.rehearsal.drawing import generator_networks, generator_stages
from eegbench.methods.standard import Standardised, standardised
from eegbench.methods.training import TrainedMethod, Training
from eegbench.methods.validation import held_out


@dataclass(frozen=True)
class LlmCaption(TrainedMethod[LlmCaptionReconstructor]):
    """Hyper-parameters; the defaults are for the micro pack. `heads` in the order of the prompt, `each` captions of
    every one.

    `decoded` is what retrieval and classification look at: the "first" head's embedding, or the "mean" of all heads'.
    The mean is nearest to the class of which the heads' cosines have the largest sum: an ensemble of them.
    """

    name: ClassVar[str] = "llm_caption"
    paper: ClassVar[str] = "Rezvani et al., EEG to image by LLM captions"
    reference: ClassVar[str] = ""
    requires: ClassVar[tuple[str, ...]] = ("diffusers", "open_clip")
    ablation: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "contrastive": {"captions.loss": "contrastive", "heads": list(HEADS), "decoded": "mean"},
        "MSE": {"captions.loss": "mse", "heads": list(HEADS), "decoded": "mean"},
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
    decoded: Decoded = field(default="first", metadata={"stage": "reconstruct", "later": True})
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
        fitted.decoded = self.decoded
        return fitted

    def fit_stages(self, train: TrainingSet, training: Training) -> LlmCaptionReconstructor:
        device = training.device
        torch.manual_seed(seeding.seed(training.seed, "captions"))
        # And not `clip`: to build a network draws from the seed above, and so do the first weights of the heads.
        captions = embedded_captions(train, Clip(self.clip, device))
        networks = Networks(self.generator, self.clip, tuple(HEADS), self.encoder, train.info, captions.shape[2])
        eeg = Standardised(train.eeg, device)
        module = Heads(train.eeg.shape[1], train.eeg.shape[2], networks.width, networks.names, self.encoder).to(device)
        held = held_out(train.concepts, self.captions.validation_concepts, training.seed)
        fit_heads(training, module, eeg, train.shown, torch.from_numpy(captions).to(device), held, self.captions)
        return LlmCaptionReconstructor(networks, module, eeg.scale, caption_bank(train, captions), device=device)

    def explain(self, fitted: LlmCaptionReconstructor, train: TrainingSet, *, seed: int) -> Explanation:
        """The loss is the fit's own, over every caption of the level in turn; what a head should retrieve is a
        trial's captions of its level, against those of the other held-out trials."""
        held = held_out(train.concepts, self.captions.validation_concepts, seed)
        items = np.flatnonzero(held[train.shown]).tolist()
        trials = train.part(items)
        captions = torch.from_numpy(embedded_captions(trials, Clip(self.clip, fitted.device))[trials.shown])
        truths = {name: captions[:, places] for name, places in PLACES.items()}

        def losses(eeg: torch.Tensor) -> dict[str, torch.Tensor]:
            """Of all trials together, so that a trial's gradient does not shrink with their number."""
            values = {}
            for name, embedded in fitted.module(eeg).items():
                each = [alignment(embedded, truth, self.captions) for truth in truths[name].to(eeg.device).unbind(1)]
                values[name] = len(items) * torch.stack(each).mean()
            return values

        embedded = fitted.embeddings(trials.eeg)
        return Explanation(
            items=tuple(items),
            saliency=saliency(standardised(trials.eeg, fitted.scale, fitted.networks.info).to(fitted.device), losses),
            embeddings=embedded,
            nearness={name: (vectors @ fitted.bank[name][1].T).max(1) for name, vectors in embedded.items()},
            right={name: two_way(vectors @ truths[name].mean(1).numpy().T) for name, vectors in embedded.items()},
        )

    def rehearse(self) -> Rehearsal:
        return Rehearsal(
            recording="eegcvpr",
            parts=self._parts,
            fitting=(Fitting("fit caption heads", "captions", self.captions),),
        )

    def _parts(self, info: EEGInfo) -> Parts:
        drawing = Generator(self.generator, META)
        tokens = drawing.text_tokens(["a prompt"])
        captions = caption_parts(self.clip, self.encoder, self.captions.batch, info)
        return captions + generator_networks(drawing) + generator_stages(drawing, tokens)
