"""What a rehearsal is made of: networks, and stages that run shapes through them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import nn

from eegbench.arrays import EEGInfo
from eegbench.backbones import published_configs
from eegbench.backbones.blank import PREFIX
from eegbench.backbones.weights import Shape, Shapes, differences
from eegbench.errors import CheckFailed

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
        """What was compared with the known facts of the real file, in words; CheckFailed where they differ."""
        comparisons = []
        if self.published is not None:
            if problems := differences(self.shapes, self.published):
                raise CheckFailed(f"{self.name}: not as published: {'; '.join(problems[:3])}")
            comparisons.append(f"{len(self.published)} keys and shapes as published")
            if self.unused:
                comparisons.append(f"{len(self.unused)} more in the file are unused")
        for what, mine, known in (
            ("parameters", self.count, self.parameters),
            ("tensors", len(self.module.state_dict()), self.tensors),
        ):
            if known and mine != known:
                raise CheckFailed(f"{self.name}: {mine:,} {what}; the published file has {known:,}")
            if known:
                comparisons.append(f"{known:,} {what} as counted publicly")
        if self.half_bytes:
            header = self.half_bytes - 2 * self.count
            if not 0 < header < LARGEST_HEADER:
                raise CheckFailed(f"{self.name}: {2 * self.count:,} bytes in fp16; the file has {self.half_bytes:,}")
            comparisons.append(f"{self.half_bytes:,} bytes of the published file, {header:,} of them its header")
        return "; ".join(comparisons) or "keys follow from our own class"


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
class Parts:
    """Networks of a method at one configuration, and the passes that shapes make through them. Parts can be added."""

    networks: Sequence[Network] = ()
    stages: Sequence[Stage] = ()

    def __add__(self, other: "Parts") -> "Parts":
        return Parts((*self.networks, *other.networks), (*self.stages, *other.stages))


@dataclass(frozen=True)
class Sizes:
    """How much is simulated: `fitted` and `held` concepts with `each` images; and how far a rehearsal goes.

    `steps` of every training stage, `drawn` images of a reconstruction.
    """

    fitted: int
    held: int
    each: int
    steps: int
    drawn: int

    @property
    def items(self) -> int:
        return (self.fitted + self.held) * self.each

    @property
    def fitted_items(self) -> int:
        return self.fitted * self.each


@dataclass(frozen=True)
class Fitting:
    """A stage of a fit: the label of its bar, the method's field that holds its settings ("": none), and these.

    `draws` says where a batch comes from: from the `fitted` items or from `all`, each once in an epoch; `anew` from
    all in every step, so that an item may come twice; or as `triplets`, `each` items of some `concepts`.
    """

    label: str
    field: str
    settings: Any
    draws: Literal["fitted", "all", "anew", "triplets"] = "fitted"

    def items(self, sizes: Sizes) -> int:
        """How many images one step of the optimiser sees."""
        settings = self.settings
        if self.draws == "triplets":
            return int(min(settings.concepts, sizes.fitted) * settings.each)
        most = {"fitted": sizes.fitted_items, "all": sizes.items, "anew": settings.batch}[self.draws]
        return int(min(settings.batch, most) * getattr(settings, "accumulate", 1))


@dataclass(frozen=True)
class Rehearsal:
    """What `eegbench rehearse` needs of a method at one configuration.

    `recording` is the paper's: "things-eeg2", "eegcvpr" or "sim-things"; `parts` builds the networks for recordings of
    a size, and `fitting` lists the stages of a fit that are timed. `reached`: the share of the sampler's steps that a
    reconstruction makes, less than 1 where it starts from a picture. `embedded`: published embeddings stand in the
    EEG's place.
    """

    recording: str
    parts: Callable[[EEGInfo], Parts]
    fitting: tuple[Fitting, ...]
    reached: float = 1.0
    embedded: bool = False


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
