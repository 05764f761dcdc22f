"""The pictures of `eegbench explain`. matplotlib and MNE-Python open late: importing them is slow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import Values

Estimates = Mapping[str, tuple[float, tuple[float, float] | None]]
SALIENCY = "mean over trials of |d loss / d EEG|, EEG in standard deviations of its channel; over its mean"
FEWEST, NAMED = 4, 32  # electrodes that make a map, and of which each can be named on it
MONTAGES = ("colin27_1005", "standard_1005")  # MNE-Python's name of its standard head, since 1.13 and before


def scalp(saliency: Mapping[str, Values], channels: Sequence[str], title: str, path: Path) -> Path | None:
    """A scalp map for each head, averaged over time; None where fewer than FEWEST electrodes have a known place."""
    import mne

    montage = standard_montage()
    kept = [i for i, name in enumerate(channels) if name in montage.ch_names]
    names = [channels[i] for i in kept]
    if len(kept) < FEWEST:
        return None
    info = mne.create_info(names, 1.0, "eeg", verbose="ERROR").set_montage(montage, verbose="ERROR")
    figure = _figure(3.4 * len(saliency), 4.2, title)
    for place, (head, values) in enumerate(saliency.items()):
        axes = figure.add_subplot(1, len(saliency), place + 1)
        over_time = _relative(values)[kept].mean(1)
        image, _ = mne.viz.plot_topomap(
            over_time,
            info,
            axes=axes,
            vlim=(over_time.min(), over_time.max()),
            cmap="YlOrRd",
            extrapolate="local",
            contours=0,
            sensors="k," if len(names) <= NAMED else True,
            names=names if len(names) <= NAMED else None,
            show=False,
        )
        for label in axes.texts:
            label.set_fontsize(6)
        _bar(figure, image, axes)
        axes.set_title(head, fontsize=10)
    missing = len(channels) - len(kept)
    figure.supxlabel(
        f"{SALIENCY}; averaged over time; seen from above; each head has its own colours"
        + (f"; {missing} channels without a known place are left out" if missing else ""),
        fontsize=8,
    )
    return _saved(figure, path)


def channels_by_time(
    saliency: Mapping[str, Values], channels: Sequence[str], times: Values, title: str, path: Path
) -> Path:
    """By head, saliency of the channels over time, front to back where their places are known; above it, their mean."""
    places = standard_montage().get_positions()["ch_pos"]
    order = sorted(range(len(channels)), key=lambda i: -places[channels[i]][1] if channels[i] in places else np.inf)
    step = 1000 * (times[1] - times[0]) if len(times) > 1 else 1.0
    reach = (1000 * times[0] - step / 2, 1000 * times[-1] + step / 2)
    figure = _figure(4 * len(saliency), 3.2 + 0.14 * len(channels), title)
    grid = figure.add_gridspec(2, len(saliency), height_ratios=(1, 2.5))
    for place, (head, absolute) in enumerate(saliency.items()):
        values = _relative(absolute)
        above, below = figure.add_subplot(grid[0, place]), figure.add_subplot(grid[1, place])
        above.plot(1000 * times, values.mean(0), linewidth=1.2)
        above.set(xlim=reach, ylim=(0, None), title=head)
        above.set_ylabel("mean of channels" if place == 0 else "", fontsize=8)
        edges = (*reach, len(channels) - 0.5, -0.5)
        image = below.imshow(values[order], aspect="auto", extent=edges, cmap="viridis", vmin=0, interpolation="none")
        below.set_yticks(range(len(channels)), [channels[i] for i in order], fontsize=min(7, 300 / len(channels)))
        _bar(figure, image, below)
        for axes in (above, below):
            axes.axvline(0, color="grey", linewidth=0.8, linestyle=":")
            axes.tick_params(axis="x", labelsize=7)
        above.tick_params(axis="y", labelsize=7)
    figure.supxlabel(f"ms from stimulus onset; {SALIENCY}", fontsize=8)
    return _saved(figure, path)


def heads(scores: Estimates, wins: Mapping[str, float], title: str, path: Path) -> Path:
    """Two bar charts by head: how often it was right, with intervals, and how often it won."""
    figure = _figure(9, 3.8, title)
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    values = np.array([value for value, _ in scores.values()])
    bounds = np.array([ci or (value, value) for value, ci in scores.values()])
    left.bar(list(scores), values, yerr=np.abs(bounds.T - values), capsize=4, color="C0")
    left.axhline(0.5, color="grey", linestyle=":")
    left.set_ylim(0, 1)
    left.set_title("right: two-way identification of what the trial should retrieve", fontsize=9)
    left.set_xlabel("dotted: chance; bars: 95 % interval over concepts", fontsize=8)
    right.bar(list(scores), [wins[head] for head in scores], color="C1")
    right.set_ylim(0, 1)
    right.set_title("won: share of trials", fontsize=9)
    right.set_xlabel("a head wins a trial when the cosine between its embedding and\n"
                     "what it retrieved is the largest: it is the surest, right or not", fontsize=8)  # fmt: skip
    for axes in (left, right):
        axes.tick_params(labelsize=8)
    return _saved(figure, path)


def tsne(placed: Mapping[str, Values], concepts: Sequence[str], title: str, path: Path) -> Path:
    """All heads' embeddings in one t-SNE, drawn twice: coloured by head and by concept."""
    names = sorted(set(concepts))
    colours: NDArray[np.int64] = np.array([names.index(concept) % 20 for concept in concepts])
    figure = _figure(12, 6, title)
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    for marker, (head, points) in zip("osD^vP*X" * len(placed), placed.items(), strict=False):
        left.scatter(*points.T, s=14, marker=marker, label=head)
        right.scatter(*points.T, s=14, marker=marker, c=colours, cmap="tab20", vmin=0, vmax=19)
    left.legend(fontsize=8)
    left.set_title("t-SNE of the heads' embeddings, by head", fontsize=9)
    again = ", twenty colours in turn" if len(names) > 20 else ""
    right.set_title(f"the same, by concept ({len(names)} of them{again})", fontsize=9)
    for axes in (left, right):
        axes.set(xticks=[], yticks=[])
    return _saved(figure, path)


def standard_montage() -> Any:
    """MNE-Python's standard head with the electrodes of the 10-05 system."""
    import mne

    known = mne.channels.get_builtin_montages()
    return mne.channels.make_standard_montage(next(name for name in MONTAGES if name in known))


def _relative(values: Values) -> Values:
    """Saliency over its mean; all 0 where there is none."""
    mean = values.mean()
    return values / mean if mean else values


def _bar(figure: Any, image: Any, axes: Any) -> None:
    bar = figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.8)
    bar.ax.locator_params(nbins=4)
    bar.ax.tick_params(labelsize=7)


def _figure(width: float, height: float, title: str) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=10)
    return figure


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=110)
    return path
