"""Retrieval of the true image, or of its concept's text, by a method's own embedding: among all, or some at random."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import Values
from eegbench.contracts import Card, Laws, Metric
from eegbench.errors import InputError
from eegbench.metrics.checks import Array, check_pairs
from eegbench.metrics.correlation import rivals_beaten, rivals_beaten_in_pairs


@dataclass(frozen=True)
class Retrieval(Metric):
    """1 where fewer than `top` other pictures are at least as near to the decoded embedding as its own, else 0; (n,).

    With `among`, the mean of that over all choices of `among` - 1 other pictures: the exact value that published code
    estimates by drawing them, InputError where there are fewer pictures than that. In zero-shot classification
    concepts take the pictures' places, and texts that name them the images'.
    Near is by cosine. A picture that several items show counts once: copies are no rivals of each other, and one rival
    of others. Ties fail; so does a comparison with a vector of length 0 or one that is not finite. `block` bounds
    memory and changes no value.
    """

    id: str
    top: int
    chance: float | str | None
    among: int | None = None  # pictures, its own one of them; None: all
    version: int = 2  # 1 took copies of a picture for rivals; equal where no picture repeats
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    needs: str = "embedding"
    per_item: bool = True
    on_request: bool = False
    column: int | None = None
    laws: Laws | None = Laws(identical=1, symmetric=False)
    card: Card | None = None
    block: int = 512

    rivals: ClassVar[bool] = True
    grain: ClassVar[str] = "stimuli"  # with `among`, a near-tie moves an item by (among - 1) / rivals, at most 1
    most_paired: ClassVar[int] = 10_000

    def compute(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str] | None = None) -> Values:
        """(n,) of 0 and 1 from embeddings decoded and true, (n, d); raises InputError for other shapes.

        stimuli: what each item shows; without it a picture that comes more than once ties with itself and fails.
        """
        check_pairs(self.id, reconstructions, truths, ndim=2)
        if stimuli is not None and len(stimuli) != len(truths):
            raise InputError(f"{self.id}: {len(stimuli)} stimulus ids for {len(truths)} items; wanted one for each")
        if stimuli is None or len(set(stimuli)) == len(stimuli):
            beaten, _ = rivals_beaten(reconstructions, truths, centre=False, block=self.block)
            return self._found(beaten, len(truths) - 1)
        values = []
        for start in range(0, len(truths), self.block):
            scores = self.pairs(reconstructions[start : start + self.block], truths, stimuli=stimuli)
            values.append(scores[np.arange(len(scores)), start + np.arange(len(scores))])
        return np.concatenate(values)

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        _, first, shown = np.unique(np.asarray(stimuli), return_index=True, return_inverse=True)
        pictures = [stimuli[place] for place in first]
        beaten, _ = rivals_beaten_in_pairs(reconstructions, truths[first], centre=False, stimuli=pictures)
        return self._found(beaten, len(pictures) - 1)[:, shown]

    def _found(self, beaten: NDArray[np.int64], rivals: int) -> Values:
        """The probability that fewer than `top` of the rivals drawn are not beaten; `beaten` of `rivals`, any shape.

        Whole numbers of choices (hypergeometric), divided once: no rounding but that of the quotient.
        """
        drawn = rivals if self.among is None else self.among - 1
        if drawn > rivals:
            raise InputError(f"{self.id}: {rivals + 1} different truths; wanted at least {self.among}, to draw from")
        counts, places = np.unique(beaten, return_inverse=True)
        choices, missed = math.comb(rivals, drawn), range(min(self.top, drawn + 1))
        shares = [
            sum(math.comb(rivals - count, miss) * math.comb(count, drawn - miss) for miss in missed) / choices
            for count in counts.tolist()
        ]
        return np.array(shares)[places].reshape(beaten.shape)


AMONG = tuple((ways, top) for ways in (2, 4, 10, 50, 100) for top in (1, 5) if top < ways)


def _among(ways: int, top: int, column: int) -> Retrieval:
    """Top-`top` among `ways`, as ATM's tables have it."""
    drawn = ways - 1
    share = f"C(b, {drawn})" if top == 1 else f"sum over j < {top} of C(a, j) C(b, {drawn} - j)"
    return Retrieval(
        f"retrieval{ways}_top{top}",
        top=top,
        chance=top / ways,
        among=ways,
        version=1,
        on_request=True,
        column=column,
        card=Card(
            f"Retrieval among {ways}, top-{top}",
            f"mean over trials of {share} / C(a + b, {drawn}); by cosine a other pictures are as near to the decoded "
            "embedding as its own, or nearer, and b are farther",
            "Li et al. 2024 (ATM), without the sampling",
            "as retrieval_top1",
            traps=(
                "Published code draws the other pictures once for each trial; this is the value those draws estimate.",
                "Older versions of ATM's code take the dot product of embeddings of any length, and no cosine.",
                f"Where there are fewer than {ways} different pictures there is no value.",
                "As retrieval_top1.",
            ),
        ),
    )


def _zero_shot(ways: int | None, top: int, column: int) -> Retrieval:
    """Classification of the decoded embedding among the test concepts, or `ways` of them, as ATM's tables have it."""
    number = ways or ""
    return Retrieval(
        f"zeroshot{number}_top{top}",
        top=top,
        chance=top / ways if ways else f"{top}/N",
        among=ways,
        version=1,
        needs="text_embedding",
        on_request=True,
        column=column,
        card=Card(
            f"Zero-shot classification among {number or 'all'}, top-{top}",
            f"as retrieval{number}_top{top}, with concepts for pictures and the embeddings of their names for images",
            "Li et al. 2024 (ATM)" + ", without the sampling" * bool(ways),
            "the method's own text embedding of \"This picture is \" and the concept's name, as the data set writes it",
            traps=(
                "Stimuli of one concept share the right class, which counts once: chance follows from the number of "
                "concepts, not of stimuli. Where some are shown more often, naming the most frequent gets its share.",
                "ATM's 200-way is `zeroshot_top1` on the 200 test concepts of THINGS-EEG2.",
                "Where the test concepts are training concepts, as in EEGCVPR, it is no zero-shot classification.",
                "The method brings the text embeddings itself; `verify` takes them from the run.",
            ),
        ),
    )


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
    *(_among(ways, top, 230 + place) for place, (ways, top) in enumerate(AMONG)),
    *(_zero_shot(ways, top, 240 + place) for place, (ways, top) in enumerate(product((None, 50, 100), (1, 5)))),
)
