"""The head: dipoles in cortex, and what the electrodes see of them through MNE-Python's sphere model.

The one door to MNE-Python, opened late because importing it is slow.
"""

import importlib
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from eegbench.channels import THINGS_OCCIPITAL
from eegbench.datasets.sim_things.concepts import Floats

CHANNELS = THINGS_OCCIPITAL
REFERENCE = "Fz"  # as there
# MNE-Python's fit of a sphere to all electrodes of its standard 10-05 head, to the millimetre; in m, head coordinates.
CENTRE = (-0.001, 0.015, 0.041)
RADIUS = 0.098
Turn = tuple[float, float, float]  # of a head, an axis times an angle in radians
DEEPEST, SHALLOWEST = 0.60, 0.80  # distance from the centre in radii; the inner skull is at 0.90


@dataclass(frozen=True)
class Region:
    """A patch of cortex in both hemispheres, in degrees seen from the centre: 0 ahead, 180 behind, up positive."""

    azimuth: tuple[float, float]
    elevation: tuple[float, float]


OCCIPITAL = Region((155, 180), (-5, 25))
LATERAL_OCCIPITAL = Region((120, 150), (-5, 25))
TEMPORAL = Region((95, 130), (-20, 5))
PARIETAL = Region((130, 180), (40, 70))
ANYWHERE = Region((0, 180), (-20, 90))


@dataclass(frozen=True)
class Dipoles:
    """Current dipoles: `places` (n, 3) in m, head coordinates; `directions` (n, 3), unit vectors."""

    places: Floats
    directions: Floats


def draw_dipoles(region: Region, count: int, rng: np.random.Generator) -> Dipoles:
    """`count` dipoles in `region`, each in a random hemisphere; they point outwards, give or take a fold."""
    azimuth = np.deg2rad(rng.uniform(*region.azimuth, count)) * rng.choice([-1, 1], count)
    elevation = np.deg2rad(rng.uniform(*region.elevation, count))
    level = np.cos(elevation)
    outwards = np.stack([level * np.sin(azimuth), level * np.cos(azimuth), np.sin(elevation)], axis=1)
    depth = rng.uniform(DEEPEST, SHALLOWEST, (count, 1))
    return Dipoles(np.array(CENTRE) + RADIUS * depth * outwards, _unit(outwards + rng.normal(0, 0.6, (count, 3))))


def move_dipoles(dipoles: Dipoles, *, millimetres: float, turn: float, rng: np.random.Generator) -> Dipoles:
    """The same dipoles in another head: moved by normal steps of `millimetres`, turned by about `turn` radians."""
    offsets = dipoles.places + rng.normal(0, millimetres / 1000, dipoles.places.shape) - np.array(CENTRE)
    distance = np.linalg.norm(offsets, axis=1, keepdims=True)
    offsets *= np.minimum(1, SHALLOWEST * RADIUS / distance)  # never into the skull
    return Dipoles(np.array(CENTRE) + offsets, _unit(dipoles.directions + rng.normal(0, turn, dipoles.places.shape)))


def leadfield(dipoles: Dipoles, cap: Turn | None = None) -> Floats:
    """What each electrode sees of each dipole against the reference, shape (17, n), in V for 1 A m.

    Analytic potentials of a four-layer sphere (brain, fluid, skull, scalp): `mne.make_forward_solution`. `cap`: how
    far the head is turned under a cap that sits askew.
    """
    mne = load_mne()
    dipoles = dipoles if cap is None else _turned(dipoles, cap)
    space = {"rr": dipoles.places, "nn": dipoles.directions}
    forward = mne.make_forward_solution(
        electrodes((*CHANNELS, REFERENCE)),
        trans=None,
        src=mne.setup_volume_source_space(pos=space, verbose="ERROR"),
        bem=mne.make_sphere_model(CENTRE, RADIUS, verbose="ERROR"),
        meg=False,
        verbose="ERROR",
    )
    free = np.asarray(forward["sol"]["data"], np.float64).reshape(len(CHANNELS) + 1, len(dipoles.places), 3)
    fixed = np.einsum("end,nd->en", free, dipoles.directions)
    potentials: Floats = fixed[:-1] - fixed[-1]
    return potentials


@lru_cache(maxsize=4)
def electrodes(names: tuple[str, ...]) -> Any:
    """`mne.Info` of the electrodes `names` at their standard 10-05 places."""
    mne = load_mne()
    # MNE-Python 1.13 gave the head of its standard montage its proper name.
    known = mne.channels.get_builtin_montages()
    montage = mne.channels.make_standard_montage("colin27_1005" if "colin27_1005" in known else "standard_1005")
    info = mne.create_info(list(names), 100.0, "eeg", verbose="ERROR")
    return info.set_montage(montage, verbose="ERROR")


def load_mne() -> ModuleType:
    """MNE-Python."""
    return importlib.import_module("mne")


def _turned(dipoles: Dipoles, turn: Turn) -> Dipoles:
    """The dipoles of a head that is turned about its centre."""
    angle = float(np.linalg.norm(turn))
    x, y, z = np.array(turn) / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    centre = np.array(CENTRE)
    return Dipoles(centre + (dipoles.places - centre) @ rotation.T, dipoles.directions @ rotation.T)


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
