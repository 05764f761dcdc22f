"""What the score stage keeps beside a run's images, for whoever scores again without the method, or looks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save

from eegbench.benchmark.score import Embeddings, Looked, Scorer
from eegbench.files import canonical, write_bytes
from eegbench.runs import layout

MAP = "saliency"  # the feature
SIDE = 64  # px of a kept map: to look at, not to score


def write_targets(folder: Path, targets: Embeddings | None) -> None:
    """The target embeddings (n, d) of the true images, from which retrieval can be scored again without the method."""
    if targets is not None:
        _write(folder / layout.TARGETS, sorted(targets), targets=np.stack([targets[name] for name in sorted(targets)]))


def write_saliency(folder: Path, scorer: Scorer, looked: Looked) -> None:
    """Saliency maps of truths and first samples by the judge, uint8 (n, 64, 64), each stretched to its own maximum."""
    if MAP not in scorer.seen.features or MAP not in looked.features[0]:
        return
    truths, reconstructions = (_small(side[MAP]) for side in (scorer.seen.features, looked.features[0]))
    _write(folder / layout.SALIENCY, scorer.truths.stimuli, truths=truths, reconstructions=reconstructions)


def _write(file: Path, stimuli: Sequence[str], **arrays: NDArray[np.generic]) -> None:
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_bytes(file, save(tensors, {"stimuli": canonical(list(stimuli))}))


def _small(maps: NDArray[np.float32]) -> NDArray[np.uint8]:
    low = np.minimum(maps.min(axis=(1, 2), keepdims=True), 0)
    top = maps.max(axis=(1, 2), keepdims=True) - low
    shown = ((maps - low) / np.where(top > 0, top, 1) * 255).round().astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BOX)) for one in shown])
