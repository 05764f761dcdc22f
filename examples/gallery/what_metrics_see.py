"""
What does a metric look at?
===========================

True images are spoiled in one way at a time, and scored as if they were reconstructions. Which metric forgives what?
The images are the drawn scenes of ``sim-things``, and the judges are the small networks of the micro suite, which no
paper uses: what is here said of ``clip`` holds for those alone.
"""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

import eegbench

Images = NDArray[np.uint8]
truths = eegbench.dataset("sim-things").answers(8).images[:30]
rng = np.random.default_rng(0)


def clipped(values: NDArray[np.float64]) -> Images:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


spoilers: dict[str, Callable[[Images], Images]] = {
    "blurred": lambda images: clipped(gaussian_filter(images.astype(float), (0, 4, 4, 0))),
    "noisy": lambda images: clipped(images + rng.normal(0, 60, images.shape)),
    "without colour": lambda images: np.repeat(clipped(images.mean(axis=3, keepdims=True)), 3, axis=3),
    "inverted": lambda images: 255 - images,
    "mirrored": lambda images: images[:, :, ::-1],
    "shifted by 8 px": lambda images: np.roll(images, 8, axis=2),
    "of another stimulus": lambda images: np.roll(images, 7, axis=0),
}
spoiled = {name: spoil(truths) for name, spoil in spoilers.items()}

figure, axes = plt.subplots(2, 4, figsize=(8, 4.4), layout="constrained")
for axis, (name, images) in zip(axes.flat, {"true": truths, **spoiled}.items(), strict=True):
    axis.imshow(images[0])
    axis.set(title=name, xticks=[], yticks=[])

# %%
# A judge looks at the true images once. The share says how far a value lies on the way from another stimulus's image
# (0) to the true one (1), so that metrics with different scales stand side by side.

metrics = ["pixcorr", "ssim", "alexnet2", "alexnet5", "inception", "clip", "swav", "effnet"]
judge = eegbench.Judge(truths, metrics=metrics)
values = {name: judge.values(images) for name, images in {"true": truths, **spoiled}.items()}
best, worst = values["true"], values["of another stimulus"]
names = [name for name in spoilers if name != "of another stimulus"]
shares = np.array([[(values[n][m] - worst[m]) / (best[m] - worst[m]) for m in metrics] for n in names])

figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
axis.imshow(shares, vmin=0, vmax=1, cmap="viridis", aspect="auto")
axis.set_xticks(range(len(metrics)), metrics)
axis.set_yticks(range(len(names)), names)
for (row, column), share in np.ndenumerate(shares):
    axis.text(column, row, f"{share:.2f}", ha="center", va="center", color="black" if share > 0.6 else "white")
axis.set_title("share of the way from another stimulus's image to the true one")

# %%
# Metrics of pixels forgive blur and missing colour, and do not forgive a shift. An identification such as ``clip`` asks
# only whether an image is nearer to its own truth than to other truths, so that it can be full before images are equal.
