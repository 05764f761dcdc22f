"""Write the reference suite's weight files with random content: real names, keys and shapes, each tensor by a seed.

usage: python scripts/seeded_weights.py FOLDER [NAME...]    all names of `eegbench weights` that judges have, if none

With EEGBENCH_WEIGHTS=FOLDER and --allow-unverified-weights the judges run on them; their numbers mean nothing.
"""

import io
import sys
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import open_clip
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision import models

from eegbench.backbones import published
from eegbench.backbones.reference.eml_net import EmlNet

State = Mapping[str, Tensor]


def _swav() -> State:
    return {f"module.{key}": value for key, value in models.resnet50().state_dict().items() if key[:3] != "fc."}


def _clip() -> State:
    visual = open_clip.CLIP(**open_clip.get_model_config("ViT-L-14")).visual
    return {f"visual.{key}": value for key, value in visual.state_dict().items()}


def _fidelity() -> State:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    with patch.object(torch.nn.Module, "load_state_dict"):  # which would miss every key
        network: Any = FeatureExtractorInceptionV3("shapes", ["2048"], feature_extractor_weights_path=empty)
    return dict(network.state_dict())


def _eml_net(part: str) -> State:
    return EmlNet().get_submodule(part).state_dict()


SHAPES: Mapping[str, Callable[[], State]] = {
    "alexnet": lambda: models.alexnet().state_dict(),
    "inception_v3": lambda: models.inception_v3(init_weights=False).state_dict(),
    "efficientnet_b1": lambda: models.efficientnet_b1().state_dict(),
    "vit_h_14": lambda: models.vit_h_14(image_size=518).state_dict(),
    "vit_b_16": lambda: models.vit_b_16().state_dict(),
    "swav": _swav,
    "clip_vit_l_14": _clip,
    "fidelity_inception": _fidelity,
    **{f"eml_net_{part}": partial(_eml_net, part) for part in ("imagenet", "places", "decoder")},
}


def fill(name: str, like: Tensor) -> Tensor:
    """A tensor of the size of `like`, drawn by a seed from its name, so large that signals keep their size."""
    if not like.is_floating_point():
        return torch.zeros(like.shape, dtype=like.dtype)
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    drawn: Tensor = torch.empty(like.shape).normal_(generator=generator)
    if name.endswith("running_var"):
        return 1 + 0.1 * drawn.abs()
    if like.ndim >= 2:
        return drawn.mul((2 / like[0].numel()) ** 0.5)
    return 0.1 * drawn + (1 if name.endswith("weight") else 0)


def write(folder: Path, name: str) -> Path:
    """The file of `name`, a name of `eegbench weights`, below `folder`, as EEGBENCH_WEIGHTS has it."""
    with torch.device("meta"):
        shapes = SHAPES[name]()
    state = {key: fill(key, like) for key, like in shapes.items()}
    entry = published.entry_of(name)
    path = folder / entry.hub.rpartition("/")[2] / entry.file
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


if __name__ == "__main__":
    folder, *names = sys.argv[1:]
    for name in names or SHAPES:
        print(write(Path(folder), name))
