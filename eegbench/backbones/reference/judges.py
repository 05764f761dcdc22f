"""The reference suite behind the contract of a judge: one entry a network, its input size and its nodes as published.

Each network is built without weights of its own, takes the published ones, and ends at the last node that is
needed. Sources of sizes, nodes and normalisations: Scotti et al. 2023 (MindEye) and the ATM and saliency-guided
papers, who score alike; n-way accuracy as Chen et al. 2023 (MinD-Vis); IS, KID and FID as torch-fidelity.
"""

import io
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from eegbench.arrays import Images
from eegbench.backbones import published
from eegbench.backbones.batch import Batch, give_back
from eegbench.backbones.reference import eml_net
from eegbench.backbones.reference.transformer import replace_blocks
from eegbench.backbones.resize import embed_in_chunks, resize, to_uint8
from eegbench.backbones.weights import read_tensors, read_unpickled
from eegbench.contracts import ImageJudge
from eegbench.errors import InputError, MissingError
from eegbench.files import digest
from eegbench.runs.sheet import BASES

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))

Nodes = dict[str, torch.Tensor]
FeatureReader = Callable[[torch.Tensor], Nodes]  # pictures (n, 3, base, base) in [0, 1] to what is provided
State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class PublishedJudge:
    """What a judge of the suite is made of: the features it provides, its files by name, and what reads these."""

    provides: tuple[str, ...]
    files: tuple[str, ...]
    load: Callable[[dict[str, Path], str], FeatureReader]  # of the files and a device


class ReferenceJudge(ImageJudge):
    """A published network; its files are found and checked at once, and read when the first image comes."""

    def __init__(
        self, name: str, base: int, device: str, *, half: bool = False, allow_unverified: bool = False
    ) -> None:
        judge = JUDGES[name]
        self.provides, self._load = judge.provides, judge.load
        self.variant = "half" if half else ""
        self.name = f"reference/{name}" + ("+half" if half else "")
        self._files = {file: published.require(file, allow_unverified=allow_unverified) for file in judge.files}
        self.digest = digest({file: weights.sha256 for file, weights in self._files.items()})
        self.verified = all(weights.verified for weights in self._files.values())
        self._base, self._device = base, device
        self._read: FeatureReader | None = None
        self._batch = Batch(device)

    def embed(self, images: Images) -> dict[str, NDArray[np.float32]]:
        if self._read is None:
            self._read = self._load({file: weights.path for file, weights in self._files.items()}, self._device)
        kind = self._device.partition(":")[0]
        dtype = torch.float16 if kind == "cuda" else torch.bfloat16
        with torch.autocast(kind, dtype, enabled=self.variant == "half"):
            return embed_in_chunks(images, self._read, base=self._base, device=self._device, batch=self._batch)

    def rest(self) -> None:
        if self._device == "cpu":  # reading the files again takes seconds, and one image of CLIP takes one
            self._read = None
            give_back()


def judges(
    protocol: str, device: str, *, features: Set[str] | None = None, half: bool = False, allow_unverified: bool = False
) -> tuple[list[ImageJudge], dict[str, str]]:
    """The judges that provide `features` (all, if None), and by feature the reason why one is not to be had."""
    present: list[ImageJudge] = []
    missing: dict[str, str] = {}
    for name, judge in JUDGES.items():
        if features is not None and not features & set(judge.provides):
            continue
        try:
            present.append(ReferenceJudge(name, BASES[protocol], device, half=half, allow_unverified=allow_unverified))
        except MissingError as error:
            missing |= dict.fromkeys(judge.provides, str(error))
    return present, missing


def read_published(path: Path, what: str, *, below: str = "") -> State:
    """The tensors of a published file: safetensors, or torch's own format with nothing but tensors in it.

    With `below`, those whose names begin with it, which is taken away.
    Raises InputError for a file that cannot be read, or that holds code.
    """
    if path.suffix == ".safetensors":
        return read_tensors(path, below)
    state = read_unpickled(path, f"the weights of {what}")
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise InputError(f"{path}: wanted the tensors of {what} by name, got {type(state).__name__}")
    named = {str(key).removeprefix("module."): value for key, value in state.items()}
    return {key.removeprefix(below): value for key, value in named.items() if key.startswith(below)}


def put(network: nn.Module, state: State, path: Path, device: str, *, without: tuple[str, ...] = ()) -> Any:
    """Give `network`, built on the meta device, its weights as float32; `without` are prefixes of keys not needed."""
    kept = {k: v.float() if v.is_floating_point() else v for k, v in state.items() if not k.startswith(without)}
    try:
        network.load_state_dict(kept, assign=True)
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:300]
        raise InputError(f"{path}: not the weights of {type(network).__name__} ({problem})") from None
    return network.eval().requires_grad_(False).to(device)


def normalised(
    pictures: torch.Tensor, size: int, constants: tuple[tuple[float, ...], tuple[float, ...]]
) -> torch.Tensor:
    mean, std = (torch.tensor(values, device=pictures.device).view(1, 3, 1, 1) for values in constants)
    return (resize(pictures, size).contiguous() - mean) / std


def _alexnet(paths: dict[str, Path], device: str) -> FeatureReader:
    from torchvision.models import alexnet

    with torch.device("meta"):
        network = alexnet().features[:12]
    path = paths["alexnet"]
    network = put(network, read_published(path, "AlexNet", below="features."), path, device)

    def read(pictures: torch.Tensor) -> Nodes:
        second = network[:5](normalised(pictures, 256, IMAGENET))  # features.4, after ReLU
        return {"alexnet2": second, "alexnet5": network[5:](second)}  # features.11, after ReLU

    return read


def _inception(paths: dict[str, Path], device: str) -> FeatureReader:
    from torchvision.models import inception_v3

    with torch.device("meta"):
        # With its published weights torchvision re-maps ImageNet's normalisation; a bare network does not.
        network = inception_v3(init_weights=False, aux_logits=False, transform_input=True)
        network.fc = nn.Identity()
    return _pooled(network, paths["inception_v3"], "inception", 342, ("AuxLogits.", "fc."), device)


def _efficientnet(paths: dict[str, Path], device: str) -> FeatureReader:
    from torchvision.models import efficientnet_b1

    with torch.device("meta"):
        network = efficientnet_b1()
        network.classifier = nn.Identity()
    return _pooled(network, paths["efficientnet_b1"], "effnet", 255, ("classifier.",), device)


def _swav(paths: dict[str, Path], device: str) -> FeatureReader:
    from torchvision.models import resnet50

    with torch.device("meta"):
        network = resnet50()
        network.fc = nn.Identity()
    return _pooled(network, paths["swav"], "swav", 224, ("projection_head.", "prototypes."), device)


def _pooled(
    network: nn.Module, path: Path, feature: str, size: int, without: tuple[str, ...], device: str
) -> FeatureReader:
    """What a classifier without its head gives of pictures at `size` px: its global pool."""
    filled = put(network, read_published(path, type(network).__name__), path, device, without=without)
    filled = filled.to(memory_format=torch.channels_last)  # on a CPU 1.3 to 2 times as fast
    return lambda pictures: {feature: filled(normalised(pictures, size, IMAGENET))}


def _clip(paths: dict[str, Path], device: str) -> FeatureReader:
    import open_clip

    tag = open_clip.get_pretrained_cfg("ViT-L-14", "openai")
    settings = open_clip.get_model_config("ViT-L-14") | {"quick_gelu": tag["quick_gelu"]}
    with torch.device("meta"):
        visual = open_clip.CLIP(**settings).visual
    path = paths["clip_vit_l_14"]
    network = put(visual, read_published(path, "CLIP ViT-L/14", below="visual."), path, device)
    network.transformer = replace_blocks(network.transformer.resblocks)
    return lambda pictures: {"clip": network(normalised(pictures, 224, OPENAI))}


def _vit_h_14(paths: dict[str, Path], device: str) -> FeatureReader:
    from torchvision.models import ViT_H_14_Weights, vit_h_14

    transform = ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1.transforms()
    with torch.device("meta"):
        network = vit_h_14(image_size=518)
    return _classifier(network, paths["vit_h_14"], transform, "probabilities", device)


def _vit_b_16(paths: dict[str, Path], device: str) -> FeatureReader:
    from torchvision.models import ViT_B_16_Weights, vit_b_16

    transform = ViT_B_16_Weights.IMAGENET1K_V1.transforms()
    with torch.device("meta"):
        network = vit_b_16()
    return _classifier(network, paths["vit_b_16"], transform, "probabilities_vit_b_16", device)


def _classifier(network: nn.Module, path: Path, transform: Any, feature: str, device: str) -> FeatureReader:
    """Probabilities of uint8 pictures through PIL and the weights' own transform, as MinD-Vis asks them."""
    from PIL import Image

    filled = put(network, read_published(path, type(network).__name__), path, device)
    filled.encoder.layers = replace_blocks(filled.encoder.layers)

    def read(pictures: torch.Tensor) -> Nodes:
        seen = torch.stack([transform(Image.fromarray(image)) for image in to_uint8(pictures)])
        return {feature: filled(seen.to(device)).softmax(1)}

    return read


def _fidelity(paths: dict[str, Path], device: str) -> FeatureReader:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        raise MissingError(f"torch-fidelity, which is, kid and fid need, is not installed; {FIDELITY}") from None

    # torch-fidelity unpickles whatever the file holds: it is handed what was read as tensors alone.
    safe = io.BytesIO()
    torch.save(read_published(paths["fidelity_inception"], "torch-fidelity's Inception"), safe)
    safe.seek(0)
    try:
        network = FeatureExtractorInceptionV3(
            "eegbench", ["2048", "logits_unbiased"], feature_extractor_weights_path=safe
        )
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:300]
        raise InputError(f"{paths['fidelity_inception']}: not the weights of this network ({problem})") from None
    network = network.to(device)

    def read(pictures: torch.Tensor) -> Nodes:
        seen = torch.from_numpy(to_uint8(pictures)).permute(0, 3, 1, 2).to(device)
        pooled, logits = network(seen)
        return {"inception_pool": pooled, "inception_probabilities": logits.softmax(1)}

    return read


def load_eml_net(paths: dict[str, Path], device: str) -> Any:
    """The two-stream EML-Net with its three published files, by name of `PUBLISHED`."""
    with torch.device("meta"):
        network = eml_net.EmlNet()
    for part in ("imagenet", "places", "decoder"):
        path = paths[f"eml_net_{part}"]
        put(network.get_submodule(part), read_published(path, f"EML-Net, {part}"), path, device)
    return network.eval()


def _eml_net(paths: dict[str, Path], device: str) -> FeatureReader:
    from PIL import Image

    network = load_eml_net(paths, device)

    def read(pictures: torch.Tensor) -> Nodes:
        maps = network(eml_net.pictures([Image.fromarray(i) for i in to_uint8(pictures)], device))
        return {"saliency": torch.from_numpy(eml_net.finish(maps))}

    return read


FIDELITY = "python -m pip install 'eegbench[fidelity]'"
JUDGES: dict[str, PublishedJudge] = {
    # The larger networks first, the larger features last.
    "clip_vit_l_14": PublishedJudge(("clip",), ("clip_vit_l_14",), _clip),
    "inception_v3": PublishedJudge(("inception",), ("inception_v3",), _inception),
    "swav": PublishedJudge(("swav",), ("swav",), _swav),
    "efficientnet_b1": PublishedJudge(("effnet",), ("efficientnet_b1",), _efficientnet),
    "vit_h_14": PublishedJudge(("probabilities",), ("vit_h_14",), _vit_h_14),
    "vit_b_16": PublishedJudge(("probabilities_vit_b_16",), ("vit_b_16",), _vit_b_16),
    "fidelity_inception": PublishedJudge(
        ("inception_pool", "inception_probabilities"), ("fidelity_inception",), _fidelity
    ),
    "eml_net": PublishedJudge(("saliency",), ("eml_net_imagenet", "eml_net_places", "eml_net_decoder"), _eml_net),
    "alexnet": PublishedJudge(("alexnet2", "alexnet5"), ("alexnet",), _alexnet),
}
