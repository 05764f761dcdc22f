"""Draw one scene: a concept in free colours, place and light, with its mask and its ten captions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt

from eegbench.datasets.sim_things.concepts import MATERIALS, SILHOUETTES, Concept, Floats

SIZE = 64  # pixels
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (205, 60, 55),
    "orange": (228, 138, 50),
    "yellow": (232, 205, 75),
    "green": (70, 150, 75),
    "teal": (50, 160, 165),
    "blue": (60, 95, 190),
    "purple": (130, 75, 165),
    "pink": (225, 130, 165),
}
SECOND_COLOURS: dict[str, tuple[int, int, int]] = {"white": (238, 234, 224), "black": (42, 40, 48)}


@dataclass(frozen=True)
class Surroundings:
    """A background: its upper and lower colour, whether they meet at a horizon, and its mood and theme."""

    top: tuple[int, int, int]
    bottom: tuple[int, int, int]
    horizon: bool
    place: str
    mood: str
    theme: str


SETTINGS: dict[str, Surroundings] = {
    "wall": Surroundings((176, 170, 162), (160, 154, 147), False, "in front of a wall", "neutral", "indoors"),
    "sky": Surroundings((150, 185, 214), (205, 218, 226), False, "in the sky", "light", "air"),
    "field": Surroundings((186, 206, 216), (132, 158, 108), True, "in a field", "fresh", "nature"),
    "sea": Surroundings((196, 206, 210), (84, 122, 148), True, "by the sea", "calm", "water"),
    "night": Surroundings((66, 72, 108), (98, 96, 132), False, "at night", "dark", "night"),
    "desert": Surroundings((222, 206, 178), (196, 160, 112), True, "in the desert", "warm", "heat"),
}


@dataclass(frozen=True)
class Scene:
    """image (64, 64, 3) uint8 sRGB; mask (64, 64) float in [0, 1], the object's cover; the rest says what was drawn.

    `x`, `y` are the object's centre and `radius` its half extent, in pixels; `rotation` in degrees.
    """

    concept: Concept
    image: NDArray[np.uint8]
    mask: Floats
    colour: str
    second: str
    setting: str
    x: float
    y: float
    radius: float
    rotation: float

    @property
    def captions(self) -> tuple[str, ...]:
        """Ten sentences: four on object and colour, three on the layout, three on mood and theme."""
        material, silhouette = self.concept.material, self.concept.silhouette
        colours = self.colour if material == "plain" or material == "hollow" else f"{self.colour} and {self.second}"
        figure = f"{material} {silhouette}"
        side = "left" if self.x < 30 else "right" if self.x > 34 else "middle"
        height = "high" if self.y < 30 else "low" if self.y > 34 else "centred"
        extent = "large" if self.radius > 22 else "small"
        tilt = "upright" if abs(self.rotation) < 6 else "leaning left" if self.rotation < 0 else "leaning right"
        s = SETTINGS[self.setting]
        return (
            f"a {figure}",
            f"a {colours} {figure}",
            f"a picture of a {self.colour} {silhouette}, {material}",
            f"a {figure} coloured {colours}",
            f"a {extent} {figure} {s.place}",
            f"a {extent} {silhouette} on the {side}, {height}, {tilt}",
            f"a {self.colour} {figure} {s.place}, on the {side}",
            f"a {s.mood} mood around a {figure}",
            f"a {figure}, the theme is {s.theme}",
            f"a {s.mood} scene of {s.theme} with a {self.colour} {silhouette}",
        )


def draw_scene(concept: Concept, rng: np.random.Generator) -> Scene:
    """Draw `concept` with everything else taken from `rng`; the same generator state gives the same bytes."""
    colour = str(rng.choice(list(COLOURS)))
    second = str(rng.choice(list(SECOND_COLOURS)))
    setting = str(rng.choice(list(SETTINGS)))
    radius = float(rng.uniform(18, 26.5))
    slack = SIZE / 2 - radius
    x, y = (SIZE / 2 + rng.uniform(-0.75, 0.75, 2) * slack).tolist()
    rotation = float(rng.uniform(-18, 18))
    light = float(rng.uniform(0.92, 1.06))

    mask = _cover(concept.silhouette, x, y, radius, rotation)
    u, v = _object_coordinates(x, y, radius, rotation)
    depth = distance_transform_edt(np.pad(mask, 1) > 0.5)[1:-1, 1:-1] / radius
    share = MATERIALS[concept.material](u, v, depth)
    background = _background(SETTINGS[setting], rng)
    first_colour, second_colour = (np.array(c[n], float) for c, n in ((COLOURS, colour), (SECOND_COLOURS, second)))
    if concept.material == "hollow":
        mask = mask * (1 - share)
        paint = np.broadcast_to(first_colour, (SIZE, SIZE, 3))
    else:
        paint = first_colour + share[..., None] * (second_colour - first_colour)
    picture = background + mask[..., None] * (paint - background)
    picture = picture * light + rng.normal(0, 1.5, picture.shape)
    image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return Scene(concept, image, mask, colour, second, setting, x, y, radius, rotation)


def _object_coordinates(x: float, y: float, radius: float, rotation: float) -> tuple[Floats, Floats]:
    centres = np.arange(SIZE) + 0.5
    dx, dy = np.meshgrid((centres - x) / radius, (centres - y) / radius)
    c, s = np.cos(np.deg2rad(rotation)), np.sin(np.deg2rad(rotation))
    return c * dx + s * dy, -s * dx + c * dy


def _cover(silhouette: str, x: float, y: float, radius: float, rotation: float) -> Floats:
    """The share of each pixel that the silhouette covers, from a drawing at four times the size."""
    scale = 4
    canvas = Image.new("L", (SIZE * scale, SIZE * scale))
    draw = ImageDraw.Draw(canvas)
    c, s = np.cos(np.deg2rad(rotation)), np.sin(np.deg2rad(rotation))
    filled, cut = SILHOUETTES[silhouette]
    for polygons, value in ((filled, 255), (cut, 0)):
        for polygon in polygons:
            corners = [
                (scale * (x + radius * (c * a - s * b)), scale * (y + radius * (s * a + c * b))) for a, b in polygon
            ]
            draw.polygon(corners, fill=value)
    return np.asarray(canvas.reduce(scale), np.float64) / 255


def _background(setting: Surroundings, rng: np.random.Generator) -> Floats:
    rows = (np.arange(SIZE) + 0.5) / SIZE
    if setting.horizon:  # noqa: SIM108
        share = np.clip((rows - rng.uniform(0.5, 0.72)) * SIZE / 3 + 0.5, 0, 1)
    else:
        share = rows
    top, bottom = np.array(setting.top, float), np.array(setting.bottom, float)
    column = top + share[:, None] * (bottom - top)
    return np.broadcast_to(column[:, None, :], (SIZE, SIZE, 3))
