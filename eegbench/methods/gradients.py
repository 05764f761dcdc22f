"""What a fitted network relies on: gradients of its losses, and whether its embeddings find their own targets."""

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
    inputs = eeg.clone().requires_grad_(True)
    values = losses(inputs)
    slopes = {
        name: torch.autograd.grad(value, inputs, retain_graph=True)[0].double().cpu() for name, value in values.items()
    }
    slopes[ALL] = torch.stack(list(slopes.values())).mean(0)
    return {name: slope.abs().mean(0).numpy() for name, slope in slopes.items()}


def two_way(likeness: NDArray[np.floating]) -> Values:
    """How often each item is more like its own target than another's, (n,); a tie counts half. likeness: (n, n)."""
    matched = np.diag(likeness)[:, None]
    wins = (matched > likeness) + 0.5 * (matched == likeness)
    rivals = ~np.eye(len(likeness), dtype=bool)
    share: Values = (wins * rivals).sum(1) / rivals.sum(1)
    return share
