"""What a fitted network goes by: gradients of its losses, and whether its embeddings find their own."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import Values

ALL = "all heads"  # the mean of the heads' losses, which is what a fit brings down


def saliency(eeg: torch.Tensor, losses: Callable[[torch.Tensor], Mapping[str, torch.Tensor]]) -> dict[str, Values]:
    """By head, and for ALL, the mean over trials of |d loss / d EEG|, (channels, times); eeg: (n, channels, times).

    Simonyan et al. 2014. The sign is dropped before the mean: trials pull a sample either way.
    """
    given = eeg.clone().requires_grad_(True)
    values = losses(given)
    slopes = {
        name: torch.autograd.grad(value, given, retain_graph=True)[0].double().cpu() for name, value in values.items()
    }
    slopes[ALL] = torch.stack(list(slopes.values())).mean(0)
    return {name: slope.abs().mean(0).numpy() for name, slope in slopes.items()}


def two_way(likeness: NDArray[np.floating]) -> Values:
    """How often each item is more like its own target than another's, (n,); a tie counts half. likeness: (n, n)."""
    own = np.diag(likeness)[:, None]
    wins = (own > likeness) + 0.5 * (own == likeness)
    others = ~np.eye(len(likeness), dtype=bool)
    share: Values = (wins * others).sum(1) / others.sum(1)
    return share
