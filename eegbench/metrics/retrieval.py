"""Retrieval of the true image among all test images by a method's own embedding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eegbench.arrays import Values
from eegbench.contracts import Card, Laws, Metric
from eegbench.errors import InputError
from eegbench.metrics.checks import Array, check_pairs
from eegbench.metrics.correlation import rivals_beaten, rivals_beaten_in_pairs


@dataclass(frozen=True)
class Retrieval(Metric):
    """1 where fewer than `top` other pictures are at least as near to the decoded embedding as its own, else 0; (n,).

    Near is by cosine. A picture that several items show counts once: copies are no rivals of each other, and one rival
    of others. Ties fail; so does a comparison with a vector of length 0 or one that is not finite. `block` bounds
    memory and changes no value.
    """

    id: str
    top: int
    chance: float | str | None
    version: int = 2  # 1 took copies of a picture for rivals; equal where no picture repeats
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    needs: str = "embedding"
    per_item: bool = True
    column: int | None = None
    laws: Laws | None = Laws(identical=1, symmetric=False)
    card: Card | None = None
    block: int = 512

    rivals: ClassVar[bool] = True
    grain: ClassVar[str] = "stimuli"
    most_paired: ClassVar[int] = 10_000

    def compute(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str] | None = None) -> Values:
        """(n,) of 0 and 1 from embeddings decoded and true, (n, d); raises InputError for other shapes.

        stimuli: what each item shows; without it a picture that comes more than once ties with itself and fails.
        """
        check_pairs(self.id, reconstructions, truths, ndim=2)
        if stimuli is not None and len(stimuli) != len(truths):
            raise InputError(f"{self.id}: {len(stimuli)} stimulus ids for {len(truths)} items; wanted one for each")
        if stimuli is None or len(set(stimuli)) == len(stimuli):
            beaten, rivals = rivals_beaten(reconstructions, truths, centre=False, block=self.block)
            return (rivals - beaten < self.top).astype(np.float64)
        values = []
        for start in range(0, len(truths), self.block):
            scores = self.pairs(reconstructions[start : start + self.block], truths, stimuli=stimuli)
            values.append(scores[np.arange(len(scores)), start + np.arange(len(scores))])
        return np.concatenate(values)

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        _, first, shown = np.unique(np.asarray(stimuli), return_index=True, return_inverse=True)
        pictures = [stimuli[place] for place in first]
        beaten, rivals = rivals_beaten_in_pairs(reconstructions, truths[first], centre=False, stimuli=pictures)
        return (rivals - beaten < self.top)[:, shown].astype(np.float64)


METRICS: tuple[Metric, ...] = (
    Retrieval(
        "retrieval_top1",
        top=1,
        chance="1/N",
        column=210,
        card=Card(
            "Retrieval top-1",
            "share of trials whose own image is nearest by cosine to the decoded embedding",
            "Song et al. 2024 (NICE); Li et al. 2024 (ATM)",
            "the method's own target embedding of the shown image",
            traps=(
                "Among all test images, the shown one included: NICE retrieves a concept's mean of other images.",
                "Where one picture stands behind several items it counts once, and chance is 1 / pictures. "
                "Version 1 took each copy for a rival; where no picture repeats, both versions are equal.",
                "Published tables average ten subjects.",
            ),
        ),
    ),
    Retrieval(
        "retrieval_top5",
        top=5,
        chance="5/N",
        column=220,
        card=Card(
            "Retrieval top-5",
            "share of trials whose own image is among the 5 nearest by cosine",
            "Song et al. 2024 (NICE); Li et al. 2024 (ATM)",
            "as retrieval_top1",
            traps=("As retrieval_top1.",),
        ),
    ),
)
