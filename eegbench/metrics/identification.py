"""Metrics on a judge's features: two-way identification and correlation distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from eegbench.arrays import Values
from eegbench.contracts import Metric
from eegbench.errors import InputError
from eegbench.metrics.checks import Array, check_pairs
from eegbench.metrics.correlation import (
    all_similarities,
    paired_correlation,
    rivals_beaten,
    rivals_beaten_in_pairs,
)


@dataclass(frozen=True)
class TwoWay(Metric):
    """For each reconstruction the share of other truths that correlate less with it than its own, shape (n,).

    Features (n, ...), flattened; Pearson's r. Distractors are truths, all of them, each once. A tie is a failure,
    and so is an undefined r (constant or non-finite features). Not symmetric. `block` reconstructions are compared
    at once; it bounds memory and changes no value. Raises InputError for shapes that differ, for fewer than 2 items,
    and where no other stimulus is left to compare with.
    Source: Ozcelik and VanRullen 2023; Scotti et al. 2023 (MindEye).
    """

    id: str
    needs: str
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = 0.5
    bounds: tuple[float, float] = (0.0, 1.0)
    per_item: bool = True
    block: int = 512

    rivals: ClassVar[bool] = True
    most_paired: ClassVar[int] = 10_000

    def compute(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str] | None = None) -> Values:
        """`stimuli`: one id for each item. Truths of the same stimulus are then no distractors; without it, a
        stimulus that comes more than once ties with itself and counts as a failure, as in the published code."""
        check_pairs(self.id, reconstructions, truths, least=2)
        if stimuli is not None and len(stimuli) != len(truths):
            raise InputError(f"{self.id}: {len(stimuli)} stimulus ids for {len(truths)} items; wanted one for each")
        if stimuli is not None:
            self._check_rivals(stimuli)
        beaten, rivals = rivals_beaten(reconstructions, truths, centre=True, block=self.block, stimuli=stimuli)
        return beaten / rivals

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        self._check_rivals(stimuli)
        beaten, rivals = rivals_beaten_in_pairs(reconstructions, truths, centre=True, stimuli=stimuli)
        return beaten / rivals

    def _check_rivals(self, stimuli: Sequence[str]) -> None:
        if len(set(stimuli)) < 2:
            raise InputError(f"{self.id}: all items show the stimulus {stimuli[0]!r}; wanted at least 2 stimuli")


@dataclass(frozen=True)
class CorrelationDistance(Metric):
    """1 - Pearson's r between the features of each pair, shape (n,); NaN where either side's are constant.

    Features (n, ...), flattened; shapes that differ raise InputError. Symmetric.
    Source: Ozcelik and VanRullen 2023 (SwAV and EffNet-B rows).
    """

    id: str
    needs: str
    version: int = 1
    higher_is_better: bool = False
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (0.0, 2.0)
    per_item: bool = True

    most_paired: ClassVar[int] = 10_000

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        check_pairs(self.id, reconstructions, truths)
        return 1.0 - paired_correlation(reconstructions, truths)

    def pairs(self, reconstructions: Array, truths: Array, *, stimuli: Sequence[str]) -> Values:
        return 1.0 - all_similarities(reconstructions, truths, centre=True)
