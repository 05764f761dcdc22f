"""What a rehearsal is made of: networks, and stages that run shapes through them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import nn

from eegbench.backbones import published_configs
from eegbench.backbones.blank import PREFIX
from eegbench.backbones.reference.judges import read_published
from eegbench.backbones.weights import Shape, Shapes, differences
from eegbench.errors import CheckFailed, InputError, MissingError
from eegbench.guards import stored_tensors

NOTHING = published_configs.Part({})  # is known
POSITIONS = "embeddings.position_ids"  # 0 to 76, in older files
LARGEST_HEADER = 2**16  # bytes of a safetensors file that name its tensors
META = "meta"  # the device where shapes alone are run


@dataclass(frozen=True)
class Network:
    """One full-size network with random weights.

    `trained`: what of it a fit changes, "all", "LoRA" or "". `published`: keys and shapes of the real file, where they
    are known apart from our classes; `unused`: keys of the real file that our module leaves out; `renamed`: other names
    that real files have for keys. `parameters` and `tensors`: what others count in the real file, `half_bytes` the
    size of a file in fp16; 0 where unknown.
    """

    name: str
    module: nn.Module
    trained: str = ""
    published: Shapes | None = None
    unused: Shapes = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    parameters: int = 0
    tensors: int = 0
    half_bytes: int = 0

    @property
    def shapes(self) -> Shapes:
        return {name: tuple(value.shape) for name, value in self.module.state_dict().items()}

    @property
    def count(self) -> int:
        return sum(p.numel() for p in self.module.parameters())

    @property
    def bytes(self) -> int:
        return sum(p.numel() * p.element_size() for p in self.module.parameters())

    @property
    def learning(self) -> int:
        """How many parameters a fit changes."""
        return sum(p.numel() for p in self.module.parameters() if p.requires_grad) if self.trained else 0

    @property
    def device(self) -> str:
        return next(self.module.parameters()).device.type

    def checked(self) -> str:
        """What was compared with what is known of the real file; CheckFailed where they differ."""
        said = []
        if self.published is not None:
            if problems := differences(self.shapes, self.published):
                raise CheckFailed(f"{self.name}: not as published: {'; '.join(problems[:3])}")
            said.append(f"{len(self.published)} keys and shapes as published")
            if self.unused:
                said.append(f"{len(self.unused)} more in the file are unused")
        for what, mine, known in (
            ("parameters", self.count, self.parameters),
            ("tensors", len(self.module.state_dict()), self.tensors),
        ):
            if known and mine != known:
                raise CheckFailed(f"{self.name}: {mine:,} {what}; the published file has {known:,}")
            if known:
                said.append(f"{known:,} {what} as counted publicly")
        if self.half_bytes:
            header = self.half_bytes - 2 * self.count
            if not 0 < header < LARGEST_HEADER:
                raise CheckFailed(f"{self.name}: {2 * self.count:,} bytes in fp16; the file has {self.half_bytes:,}")
            said.append(f"{self.half_bytes:,} bytes of the published file, {header:,} of them its header")
        return "; ".join(said) or "keys follow from our own class"


@dataclass(frozen=True)
class Stage:
    """One forward pass: `items` at once, and the shape that must come out."""

    name: str
    items: int
    run: Callable[[], torch.Tensor]
    wanted: Shape

    def checked(self) -> Shape:
        """The shape that came out; CheckFailed where it is another, or where the parts do not fit together."""
        try:
            with torch.no_grad():
                came = tuple(self.run().shape)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            problem = " ".join(str(error).split())[:200]
            raise CheckFailed(f"{self.name}: its parts do not fit together ({problem})") from error
        if came != self.wanted:
            raise CheckFailed(f"{self.name}: gives {came}; wanted {self.wanted}")
        return came


@dataclass(frozen=True)
class Rehearsal:
    """The networks of a method at one configuration, and what was run through them."""

    networks: Sequence[Network]
    stages: Sequence[Stage]


def pipeline_networks(name: str, modules: Mapping[str, nn.Module], title: str) -> list[Network]:
    """The frozen networks of a generator; what is publicly counted in them is known for `blank:` ones."""
    known = published_configs.PIPELINES.get(name.removeprefix(PREFIX))
    return [
        _text_encoder(f"{title}, {part}", module, known.parts[part] if known else NOTHING)
        if part.startswith("text")
        else _counted(f"{title}, {part}", module, known.parts[part] if known else NOTHING)
        for part, module in modules.items()
    ]


def _counted(name: str, module: nn.Module, known: published_configs.Part) -> Network:
    return Network(name, module, parameters=known.parameters, tensors=known.tensors)


def _text_encoder(name: str, module: nn.Module, known: published_configs.Part) -> Network:
    """Its file says text_model before most keys, which transformers takes away as it loads them."""
    renamed = {f"text_model.{key}": key for key in (*module.state_dict(), POSITIONS)}
    return replace(_counted(name, module, known), renamed=renamed, unused={POSITIONS: (1, 77)})


def clip_network(name: str, module: nn.Module) -> Network:
    return Network("CLIP", module, parameters=published_configs.CLIPS.get(name.removeprefix(PREFIX), 0))


def shapes_in(path: Path) -> Shapes:
    """Keys and shapes of a weight file, its tensors left where they are; InputError for one that holds more."""
    if not path.is_file():
        raise MissingError(f"{path}: no such weight file")
    if path.suffix != ".safetensors":
        found = {name: tuple(value.shape) for name, value in read_published(path, "a network").items()}
    else:
        with stored_tensors.opened(path, "pt") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    return {name.removeprefix("module."): shape for name, shape in found.items()}  # of DataParallel


def compare(path: Path, networks: Sequence[Network]) -> tuple[Network, list[str]]:
    """Which of `networks` a weight file belongs to, and the keys that it lacks or has besides.

    The file may have the names of a later code, and what no network uses. Raises InputError for a file of another
    method, and for a tensor of another shape.
    """
    found = shapes_in(path)

    def named(network: Network) -> Shapes:
        return {network.renamed.get(key, key): _axes(network, key, shape) for key, shape in found.items()}

    nearest = max(networks, key=lambda network: len(network.shapes.keys() & named(network).keys()))
    shared = len(nearest.shapes.keys() & named(nearest).keys())
    if 2 * shared < len(nearest.shapes):
        raise InputError(
            f"{path}: no checkpoint of this method: of its {len(found)} keys, {shared} are among the "
            f"{len(nearest.shapes)} of the nearest network, {nearest.name}"
        )
    problems = differences(nearest.shapes, named(nearest))
    if wrong := [problem for problem in problems if ", wanted " in problem]:
        raise InputError(f"{path}: not of the size of {nearest.name}: {'; '.join(wrong[:3])}")
    ignored = {f"{key} is unknown" for key in nearest.unused}
    return nearest, [problem for problem in problems if problem not in ignored]


def _axes(network: Network, key: str, shape: Shape) -> Shape:
    """A renamed linear layer's weight is a convolution's without its last axis."""
    return (*shape, 1) if key in network.renamed and len(shape) == 2 else shape
