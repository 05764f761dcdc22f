"""The door to published EEG embeddings: files of torch's that hold one tensor."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.backbones.weights import read_unpickled
from eegbench.errors import InputError, MissingError

WIDTH = 1024  # of the image embeddings of CLIP ViT-H/14, at which ATM-S aims


def read_embeddings(path: Path, stimuli: int, *, repetitions: int) -> NDArray[np.float32]:
    """Embeddings (stimuli, 1024) as float32, averaged over the repetitions of each stimulus.

    The file holds a tensor (stimuli x repetitions, 1024), or a dict with nothing else in it; the repetitions of one
    stimulus stand together, as ATM's code writes them. Nothing but tensors is unpickled. Raises MissingError for a
    file that is not there, InputError for one that cannot be read or has another shape.
    """
    if not path.is_file():
        raise MissingError(
            f"{path}: no such file; it is published as emb_eeg/{path.name} of LidongYang/EEG_Image_decode"
        )
    stored = read_unpickled(path, "EEG embeddings")
    values = list(stored.values()) if isinstance(stored, dict) else [stored]
    wanted = f"one tensor ({stimuli * repetitions}, {WIDTH}), which is {repetitions} for each of {stimuli} stimuli"
    if len(values) != 1 or not isinstance(values[0], torch.Tensor):
        raise InputError(f"{path}: holds {_kind(values)}; wanted {wanted}")
    tensor = values[0]
    if tensor.shape != (stimuli * repetitions, WIDTH) or not tensor.is_floating_point():
        raise InputError(f"{path}: holds {tuple(tensor.shape)} of {tensor.dtype}; wanted {wanted}")
    embeddings = tensor.detach().float().view(stimuli, repetitions, WIDTH).mean(1).numpy()
    if not np.isfinite(embeddings).all():
        bad = int((~np.isfinite(embeddings)).any(axis=1).sum())
        raise InputError(f"{path}: NaN or infinite values for {bad} of {stimuli} stimuli; fetch the file again")
    return embeddings


def _kind(values: list[object]) -> str:
    return f"{len(values)} entries" if len(values) != 1 else f"a {type(values[0]).__name__}"
