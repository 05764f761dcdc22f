"""What the simulated cortex sees in a scene: three levels of features, from colours to the concept."""

from functools import lru_cache

import numpy as np

from eegbench.datasets.sim_things.concepts import MATERIALS, SILHOUETTES, Concept, Floats
from eegbench.datasets.sim_things.scenes import SIZE, Scene
from eegbench.seeds import generator

NAME, REVISION = "sim-things", "1"  # the first words of every seed
GRID = 4  # cells along each side of the image
ORIENTATIONS = 4
PART_DIMENSIONS = 16  # of the embedding of a silhouette, and of a material
POSITION_WEIGHT = 3.0  # centre and size are 3 numbers among 64 edge energies; without it they would drown
WIDTHS = {"colour": 3 * GRID**2, "form": ORIENTATIONS * GRID**2 + 3, "concept": 2 * PART_DIMENSIONS}


def scene_features(scene: Scene) -> Floats:
    """The raw features of one scene, shape (sum(WIDTHS.values()),), level after level in the order of WIDTHS."""
    image = scene.image.astype(np.float64) / 255
    return np.concatenate([_colours(image), _edges(image), _position(scene.mask), _concept(scene.concept)])


def standardise(features: Floats, reference: Floats) -> Floats:
    """`features` (n, d) with the mean and deviation of each column of `reference` taken out, weights kept."""
    deviation = reference.std(axis=0)
    scaled: Floats = (features - reference.mean(axis=0)) / np.where(deviation > 0, deviation, 1) * _weights()
    return scaled


def _weights() -> Floats:
    weights = np.ones(sum(WIDTHS.values()))
    weights[WIDTHS["colour"] + WIDTHS["form"] - 3 : WIDTHS["colour"] + WIDTHS["form"]] = POSITION_WEIGHT
    return weights


def _cells(values: Floats) -> Floats:
    """Means of (64, 64, c) over the cells of the grid, flat."""
    cell = SIZE // GRID
    means: Floats = values.reshape(GRID, cell, GRID, cell, -1).mean(axis=(1, 3))
    return means.ravel()


def _colours(image: Floats) -> Floats:
    """Luminance, red against green and blue against yellow: the axes of early vision."""
    red, green, blue = np.moveaxis(image, -1, 0)
    return _cells(np.stack([(red + green + blue) / 3, red - green, blue - (red + green) / 2], axis=-1))


def _edges(image: Floats) -> Floats:
    """Edge energy in four orientations, 45 degrees apart; a square root holds back the strongest edges."""
    down, right = np.gradient(image.mean(axis=-1))
    energy = np.maximum(np.hypot(down, right), 1e-9)
    straight, oblique = (right**2 - down**2) / energy, 2 * right * down / energy  # energy times cos and sin of 2 angle
    return np.sqrt(_cells(np.maximum(0, np.stack([straight, oblique, -straight, -oblique], axis=-1))))


def _position(mask: Floats) -> Floats:
    """Centre (x, y) and size of the object, in pixels."""
    total = mask.sum()
    places = np.arange(SIZE) + 0.5
    return np.array([mask.sum(axis=0) @ places / total, mask.sum(axis=1) @ places / total, np.sqrt(total)])


def _concept(concept: Concept) -> Floats:
    """A point for the silhouette and one for the material, so an unseen pair is known by its parts."""
    parts = _parts()
    return np.concatenate([parts[concept.silhouette], parts[concept.material]])


@lru_cache(maxsize=1)
def _parts() -> dict[str, Floats]:
    rng = generator(NAME, REVISION, "parts")
    return {part: rng.normal(size=PART_DIMENSIONS) for part in (*SILHOUETTES, *MATERIALS)}
