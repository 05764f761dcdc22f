"""The micro suite: the pack's judges behind the contract of a judge."""

from collections.abc import Callable, Set
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import Images
from eegbench.backbones import weights
from eegbench.backbones.clip import Clip
from eegbench.backbones.micro import networks
from eegbench.backbones.resize import embed_in_chunks
from eegbench.contracts import ImageJudge
from eegbench.errors import UsageError
from eegbench.runs.sheet import BASES

SIZE = 64  # px, what every judge of the pack was trained at
CLASSES = 300

Nodes = dict[str, torch.Tensor]


class MicroJudge(ImageJudge):
    """One network of the pack; `read` maps pictures in [0, 1] at 64 px to the features it provides."""

    def __init__(
        self, part: str, provides: tuple[str, ...], read: Callable[[torch.Tensor], Nodes], base: int, device: str
    ):
        self.name, self.provides = f"micro/{part}", provides
        self.digest = weights.combined(f"pack:{part}")
        self._read, self._base, self._device = read, base, device

    def embed(self, images: Images) -> dict[str, NDArray[np.float32]]:
        return embed_in_chunks(images, self._read, base=self._base, size=SIZE, device=self._device)


def judges(
    protocol: str, device: str, *, features: Set[str] | None = None, half: bool = False, allow_unverified: bool = False
) -> tuple[list[ImageJudge], dict[str, str]]:
    """Every judge of the micro suite under an input protocol; they come with the package, so none is missing."""
    if half:
        raise UsageError("half precision is for the reference suite: the micro suite's judges are small")
    base = BASES[protocol]
    alexnet = _network("alexnet", networks.AlexNet(CLASSES), device)
    inception = _network("inception", networks.Inception(CLASSES), device)
    effnet = _network("effnet", networks.EfficientNet(CLASSES), device)
    swav = _network("swav", networks.ResNet(128), device)
    nway = _network("nway", networks.ResNet(CLASSES), device)
    saliency = _network("saliency", networks.Saliency(), device)
    clip = Clip("pack:clip_judge", device)

    def inception_nodes(x: torch.Tensor) -> Nodes:
        pooled = inception.pool(_centred(x))
        return {
            "inception": pooled,
            "inception_pool": pooled,
            "inception_probabilities": inception.fc(pooled).softmax(1),
        }

    readers: dict[str, tuple[tuple[str, ...], Callable[[torch.Tensor], Nodes]]] = {
        "judges/alexnet.safetensors": (("alexnet2", "alexnet5"), lambda x: alexnet.nodes(_centred(x))),
        "judges/inception.safetensors": (("inception", "inception_pool", "inception_probabilities"), inception_nodes),
        "judges/effnet.safetensors": (("effnet",), lambda x: {"effnet": effnet.pool(_centred(x))}),
        "judges/swav.safetensors": (("swav",), lambda x: {"swav": swav.pool(_centred(x))}),
        "judges/nway.safetensors": (("probabilities",), lambda x: {"probabilities": nway(_centred(x)).softmax(1)}),
        "judges/saliency.safetensors": (
            ("saliency",),
            lambda x: {"saliency": stretch(saliency(_centred(x)).sigmoid())},
        ),
        "clip_judge": (("clip",), lambda x: {"clip": clip.pictures(x)}),
    }
    wanted = [(part, *entry) for part, entry in readers.items() if features is None or features & set(entry[0])]
    return [MicroJudge(part, provides, read, base, device) for part, provides, read in wanted], {}


def stretch(maps: torch.Tensor) -> torch.Tensor:
    """Each map (n, h, w) stretched to 0..255 as uint8; a constant map becomes zeros."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return ((maps - low) / (high - low).clamp(min=1e-12) * 255).round().to(torch.uint8)


def _network(name: str, network: Any, device: str) -> Any:
    weights.fill(network, weights.PACK / "judges" / f"{name}.safetensors")
    return network.to(device)


def _centred(pictures: torch.Tensor) -> torch.Tensor:
    return pictures * 2 - 1
