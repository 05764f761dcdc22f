"""A picture of sim-things: scenes with their captions, and the average evoked response of one subject."""

import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from eegbench.contracts import TrainingSet
from eegbench.datasets.sim_things import eeg, head
from eegbench.datasets.sim_things.concepts import Floats
from eegbench.seeds import generator

ROWS, COLUMNS = 2, 6  # of scenes
SHOWN_CAPTIONS = (1, 5, 9)  # of the ten: one of each level
WRAPPED = 31  # characters in a line of caption
MICROVOLT = 1e-6


def contact_sheet(train: TrainingSet, snr: float, path: Path) -> None:
    """Write a PNG of twelve training scenes with captions, and the subject's mean response: traces and scalp maps."""
    figure = Figure(figsize=(16, 14), facecolor="white")
    FigureCanvasAgg(figure)
    halves = figure.add_gridspec(2, 1, height_ratios=(1.85, 1))
    upper, lower = figure.add_subfigure(halves[0]), figure.add_subfigure(halves[1])
    title = f"sim-things: SIMULATED EEG of subject {train.subject}, who is invented (snr {snr:g})"
    upper.suptitle(title, fontsize=18, fontweight="bold", y=0.975)
    _draw_scenes(upper, train)
    _draw_response(lower, train.eeg.mean(axis=0, dtype=np.float64) / MICROVOLT, len(train.eeg))
    figure.savefig(path, dpi=100, format="png")


def _draw_scenes(figure: SubFigure, train: TrainingSet) -> None:
    """Scenes drawn by lot, the concept above and a caption of each level below."""
    axes = np.asarray(figure.subplots(ROWS, COLUMNS))
    figure.subplots_adjust(left=0.01, right=0.99, top=0.89, bottom=0.17, wspace=0.1, hspace=0.66)
    shown = generator("contact sheet").choice(len(train.stimuli), ROWS * COLUMNS, replace=False)
    for place, i in zip(axes.ravel(), np.sort(shown), strict=True):
        place.imshow(train.images[i], interpolation="nearest")
        place.set_axis_off()
        place.set_title(train.concepts[i].replace("_", " "), fontsize=13, fontweight="bold", pad=5)
        captions = "\n".join(_item(train.captions[i][k]) for k in SHOWN_CAPTIONS)
        place.text(0, -0.05, captions, transform=place.transAxes, va="top", fontsize=10.5, linespacing=1.3)


def _item(caption: str) -> str:
    """A caption as an item of a list, in lines that fit below a scene."""
    return textwrap.fill(caption, WRAPPED, initial_indent="• ", subsequent_indent="   ")


def _draw_response(figure: SubFigure, response: Floats, count: int) -> None:
    """`response` (17, 100) in microvolts: every channel's trace, and the scalp at each level's latency."""
    axes = figure.add_axes((0.05, 0.14, 0.47, 0.72))
    _draw_traces(axes, response)
    axes.set_title(f"mean of {count} training images, 17 channels (reference {head.REFERENCE})", fontsize=13)
    for i, level in enumerate(eeg.LEVELS):
        values = response[:, np.abs(eeg.TIMES - level.latency).argmin()]
        limit = float(np.abs(values).max())
        place = figure.add_axes((0.545 + 0.15 * i, 0.16, 0.145, 0.56))
        _draw_scalp(place, values, limit)
        place.set_title(
            f"{1000 * level.latency:.0f} ms: {level.name}\n(red +{limit:.1f}, blue {-limit:.1f} µV)", fontsize=12
        )


def _draw_traces(axes: Axes, response: Floats) -> None:
    """One line for each channel, dark at the back of the head, with the latencies of the levels."""
    places = [channel["loc"][1] for channel in head.electrodes(head.CHANNELS)["chs"]]
    shades = matplotlib.colormaps["viridis"](np.argsort(np.argsort(places)) / len(places))
    for name, trace, shade in zip(head.CHANNELS, response, shades, strict=True):
        axes.plot(1000 * eeg.TIMES, trace, color=shade, linewidth=1.6, label=name)
    axes.axvline(0, color="black", linewidth=0.8)
    for level in eeg.LEVELS:
        axes.axvline(1000 * level.latency, color="grey", linewidth=0.8, linestyle=":")
    axes.set_xlim(1000 * eeg.TIMES[0], 1000 * eeg.TIMES[-1])
    axes.set_xlabel("time from stimulus onset (ms)", fontsize=12)
    axes.set_ylabel("µV", fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=3, fontsize=10, frameon=False, loc="upper right", columnspacing=1.0, handlelength=1.2)


def _draw_scalp(axes: Axes, values: Floats, limit: float) -> None:
    """The potentials at the electrodes, seen from above; where there are none, nothing is drawn."""
    head.load_mne().viz.plot_topomap(
        values,
        head.electrodes(head.CHANNELS),
        axes=axes,
        vlim=(-limit, limit),
        cmap="RdBu_r",
        extrapolate="local",
        contours=4,
        show=False,
    )
