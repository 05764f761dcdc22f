"""Retrieval of the true image among all test images by a method's own embedding."""

from dataclasses import dataclass

import numpy as np

from eegbench.arrays import Values
from eegbench.contracts import Metric
from eegbench.metrics.checks import Array, check_pairs
from eegbench.metrics.correlation import rivals_beaten


@dataclass(frozen=True)
class Retrieval(Metric):
    """1 where fewer than `top` other truths are at least as close by cosine to the decoded embedding as its own, (n,).

    Ties fail; so does a comparison with a vector of length 0 or one that is not finite. `block` bounds memory and
    changes no value.
    """

    id: str
    top: int
    chance: float | str | None
    version: int = 1
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    needs: str = "embedding"
    per_item: bool = True
    block: int = 512

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """(n,) of 0 and 1 from embeddings decoded and true, (n, d); raises InputError for other shapes."""
        check_pairs(self.id, reconstructions, truths, ndim=2)
        beaten, rivals = rivals_beaten(reconstructions, truths, centre=False, block=self.block)
        return (rivals - beaten < self.top).astype(np.float64)
