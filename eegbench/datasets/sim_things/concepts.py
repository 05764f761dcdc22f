"""The 300 concepts of sim-things: 20 silhouettes by 15 materials, 200 for training and 100 held out.

A silhouette is a list of polygons in object coordinates (x right, y down, both in [-1, 1]); a material is
a pattern over those coordinates. Colours are free, so neither can be told from colour alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Polygon = list[tuple[float, float]]


def _ellipse(x: float, y: float, rx: float, ry: float, start: float = 0, stop: float = 360) -> Polygon:
    angles = np.deg2rad(np.linspace(start, stop, 40))
    return [(x + rx * np.cos(a), y + ry * np.sin(a)) for a in angles]


def _box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _wheel(points: int, inner: float, phase: float = -90, outer: float = 1) -> Polygon:
    """A star polygon with `points` tips; with inner = cos(pi / points) it is the regular polygon."""
    angles = np.deg2rad(phase + np.arange(2 * points) * 180 / points)
    radii = np.where(np.arange(2 * points) % 2 == 0, outer, inner)
    return [(r * np.cos(a), r * np.sin(a)) for r, a in zip(radii, angles, strict=True)]


def _heart() -> Polygon:
    t = np.linspace(0, 2 * np.pi, 60)
    x = np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16
    return [(float(a), float(b) - 0.1) for a, b in zip(x, y, strict=True)]


# Each value lists what is filled and, after it, what is cut out again.
SILHOUETTES: dict[str, tuple[list[Polygon], list[Polygon]]] = {
    "ball": ([_ellipse(0, 0, 0.95, 0.95)], []),
    "box": ([_box(-0.88, -0.88, 0.88, 0.88)], []),
    "pyramid": ([[(0, -0.95), (1, 0.85), (-1, 0.85)]], []),
    "star": ([_wheel(5, 0.45)], []),
    "heart": ([_heart()], []),
    "moon": ([_ellipse(0, 0, 0.98, 0.98)], [_ellipse(0.5, -0.1, 0.72, 0.72)]),
    "plus": ([_box(-0.36, -0.98, 0.36, 0.98), _box(-0.98, -0.36, 0.98, 0.36)], []),
    "arrow": ([[(-1, -0.38), (0.05, -0.38), (0.05, -0.95), (1, 0), (0.05, 0.95), (0.05, 0.38), (-1, 0.38)]], []),
    "house": ([_box(-0.72, -0.1, 0.72, 0.95), [(0, -1), (1, -0.05), (-1, -0.05)]], []),
    "tree": ([_ellipse(0, -0.35, 0.85, 0.65), _box(-0.22, 0.1, 0.22, 1)], []),
    "fish": ([_ellipse(-0.2, 0, 0.8, 0.6), [(0.35, 0), (1, -0.7), (1, 0.7)]], []),
    "mug": ([_box(-0.95, -0.85, 0.4, 0.85), _ellipse(0.45, 0, 0.55, 0.6)], [_ellipse(0.5, 0, 0.27, 0.32)]),
    "bottle": ([_box(-0.55, -0.15, 0.55, 1), _box(-0.24, -1, 0.24, 0), _ellipse(0, -0.12, 0.55, 0.4)], []),
    "key": ([_ellipse(-0.5, 0, 0.5, 0.55), _box(-0.1, -0.2, 1, 0.2), _box(0.62, 0, 0.95, 0.6)], []),
    "drop": ([_ellipse(0, 0.32, 0.68, 0.66), [(0, -1), (0.6, 0.05), (-0.6, 0.05)]], []),
    "mushroom": ([_ellipse(0, 0.1, 1, 1, 180, 360), _box(-0.32, 0, 0.32, 0.95)], []),
    "boat": ([[(-1, 0.3), (1, 0.3), (0.6, 0.95), (-0.6, 0.95)], [(-0.05, -1), (0.75, 0.2), (-0.05, 0.2)]], []),
    "bell": (
        [
            _ellipse(0, -0.25, 0.55, 0.7, 180, 360),
            [(-0.55, -0.3), (0.55, -0.3), (0.95, 0.7), (-0.95, 0.7)],
            _ellipse(0, 0.72, 0.25, 0.25),
        ],
        [],
    ),
    "butterfly": (
        [
            [(0, -0.05), (-0.98, -0.9), (-0.98, -0.05)],
            [(0, -0.05), (0.98, -0.9), (0.98, -0.05)],
            _ellipse(-0.5, 0.35, 0.45, 0.5),
            _ellipse(0.5, 0.35, 0.45, 0.5),
            _box(-0.14, -0.5, 0.14, 0.75),
        ],
        [],
    ),
    "cloud": (
        [
            _ellipse(-0.5, 0.2, 0.5, 0.42),
            _ellipse(0.5, 0.2, 0.5, 0.42),
            _ellipse(-0.1, -0.2, 0.5, 0.48),
            _box(-0.5, 0.1, 0.5, 0.62),
        ],
        [],
    ),
}


def _wave(phase: Floats) -> Floats:
    """A square wave of period 1 whose edges are soft enough for 64 pixels."""
    return np.clip(0.5 + 2.2 * np.sin(2 * np.pi * phase), 0, 1)


def _dots(x: Floats, y: Floats, depth: Floats) -> Floats:
    spacing = 0.7
    dx = (x / spacing + 0.5) % 1 - 0.5
    dy = (y / spacing + 0.5) % 1 - 0.5
    return np.clip(0.5 + 6 * (0.3 - np.hypot(dx, dy)), 0, 1)


# A pattern maps object coordinates and the depth below the outline to the share of the second colour.
MATERIALS: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "plain": lambda x, y, depth: np.zeros_like(x),
    "striped": lambda x, y, depth: _wave(y * 1.25),
    "barred": lambda x, y, depth: _wave(x * 1.25),
    "slashed": lambda x, y, depth: _wave((x + y) * 0.9),
    "checked": lambda x, y, depth: np.clip(0.5 + 3 * np.sin(2 * np.pi * x) * np.sin(2 * np.pi * y), 0, 1),
    "dotted": _dots,
    "ringed": lambda x, y, depth: _wave(np.hypot(x, y) * 1.5 - 0.25),
    "halved": lambda x, y, depth: np.clip(0.5 + 6 * x, 0, 1),
    "quartered": lambda x, y, depth: np.clip(0.5 + 25 * x * y, 0, 1),
    "bordered": lambda x, y, depth: np.clip(0.5 + 8 * (0.2 - depth), 0, 1),
    "hollow": lambda x, y, depth: np.clip(0.5 + 8 * (depth - 0.22), 0, 1),
    "shaded": lambda x, y, depth: np.clip(0.5 + 0.55 * y, 0, 1),
    "wavy": lambda x, y, depth: _wave(y * 1.1 + 0.22 * np.sin(2 * np.pi * x * 0.9)),
    "sunburst": lambda x, y, depth: _wave(np.arctan2(y, x) * 4 / (2 * np.pi)),
    "crossed": lambda x, y, depth: np.clip(0.5 + 8 * (0.2 - np.minimum(abs(x), abs(y))), 0, 1),
}


@dataclass(frozen=True)
class Concept:
    """One silhouette in one material. `index` runs over all 300, silhouette-major."""

    index: int
    silhouette: str
    material: str

    @property
    def name(self) -> str:
        return f"{self.material}_{self.silhouette}"

    @property
    def held_out(self) -> bool:
        """True for the 100 test concepts: every silhouette loses 5 materials, every material 6 or 7."""
        silhouette, material = divmod(self.index, len(MATERIALS))
        return (silhouette + material) % 3 == 0


CONCEPTS: tuple[Concept, ...] = tuple(
    Concept(i * len(MATERIALS) + j, silhouette, material)
    for i, silhouette in enumerate(SILHOUETTES)
    for j, material in enumerate(MATERIALS)
)
TRAIN_CONCEPTS = tuple(c for c in CONCEPTS if not c.held_out)
TEST_CONCEPTS = tuple(c for c in CONCEPTS if c.held_out)
