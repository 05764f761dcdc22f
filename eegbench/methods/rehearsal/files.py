"""Which network of a rehearsal a weight file belongs to, and the keys in which the two differ."""

from collections.abc import Sequence
from pathlib import Path

from eegbench.backbones.reference.judges import read_published
from eegbench.backbones.weights import Shape, Shapes, differences
from eegbench.errors import InputError, MissingError
from eegbench.guards import stored_tensors
from eegbench.methods.rehearsal.parts import Network


def shapes_in(path: Path) -> Shapes:
    """Keys and shapes of a weight file, its tensors left where they are; InputError for one that holds more."""
    if not path.is_file():
        raise MissingError(f"{path}: no such weight file")
    if path.suffix != ".safetensors":
        shapes = {name: tuple(value.shape) for name, value in read_published(path, "a network").items()}
    else:
        with stored_tensors.opened(path, "pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    return {name.removeprefix("module."): shape for name, shape in shapes.items()}  # of DataParallel


def compare(path: Path, networks: Sequence[Network]) -> tuple[Network, list[str]]:
    """Which of `networks` a weight file belongs to, and the keys that it lacks or has besides.

    The file may have the names of a later code, and what no network uses. Raises InputError for a file of another
    method, and for a tensor of another shape.
    """
    stored = shapes_in(path)

    def named(network: Network) -> Shapes:
        return {network.renamed.get(key, key): _axes(network, key, shape) for key, shape in stored.items()}

    nearest = max(networks, key=lambda network: len(network.shapes.keys() & named(network).keys()))
    shared = len(nearest.shapes.keys() & named(nearest).keys())
    if 2 * shared < len(nearest.shapes):
        raise InputError(
            f"{path}: no checkpoint of this method: of its {len(stored)} keys, {shared} are among the "
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
