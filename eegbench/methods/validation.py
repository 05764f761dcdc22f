"""Which training concepts a fit holds out, to choose its epoch by: whole concepts, never test data."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eegbench import seeds
from eegbench.errors import InputError, Notice

SHARE = 4  # at most one concept of so many is held out: the rest has to be learnt from


def held_out(concepts: Sequence[str], most: int, seed: int) -> NDArray[np.bool_]:
    """Which stimuli belong to the training concepts kept for validation, shape (n,), from the concept of each.

    They are `most` concepts, or a quarter of all where these are fewer, but one at least; a Notice says so. Raises
    InputError where there is one concept alone.
    """
    names = sorted(set(concepts))
    if most < 1 or len(names) < 2:
        raise InputError(
            f"{most} validation concepts of {len(names)}; wanted 1 or more, of 2 concepts or more: set "
            "validation_concepts (of encoder, captions or the method), or choose a data set with more concepts"
        )
    count = min(most, max(1, len(names) // SHARE))
    if count < most:
        notice = f"the data set has {len(names)} training concepts: {count} of them held out for validation, not {most}"
        warnings.warn(notice, Notice, stacklevel=2)
    chosen = set(seeds.generator(seed, "validation concepts").choice(names, count, replace=False).tolist())
    return np.array([concept in chosen for concept in concepts])
