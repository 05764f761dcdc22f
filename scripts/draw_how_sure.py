"""Draws the figures of docs/how-sure.md from seeded simulations, with the package's own statistics.

usage: python scripts/draw_how_sure.py [FOLDER]

Without FOLDER they go to docs/how-sure. The same versions of the libraries draw the same files.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import ndtr

from eegbench import statistics
from eegbench.statistics.audit import permuted_z

INK, GREY, PALE, BLUE, RED = "#22303c", "#8795a1", "#d8dee4", "#2b6cb0", "#c2410c"
STYLE = {
    "svg.hashsalt": "how-sure",
    "svg.fonttype": "none",  # words stay words: small files, and a search finds them
    "font.family": ["DejaVu Sans"],
    "font.size": 11,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "figure.constrained_layout.use": True,
}

Array = NDArray[np.float64]


def panel(title: str, *, height: float = 3.0, width: float = 7.2, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure with its axes side by side; the title belongs to the first."""
    figure, axes = plt.subplots(1, columns, figsize=(width, height), squeeze=False)
    axes[0, 0].set_title(title)
    return figure, list(axes[0])


def bare(axes: Axes) -> None:
    """No axis of y: its place is taken by words."""
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])


def bar(axes: Axes, y: float, ci: tuple[float, float], mean: float, colour: str) -> None:
    """An interval and its mean."""
    axes.plot(ci, [y, y], color=colour, lw=2.2, solid_capstyle="round")
    axes.plot([mean], [y], "o", color=colour, ms=4.5)


def intervals() -> Figure:
    """Forty experiments, their intervals, and the truth."""
    rng = np.random.default_rng(3)
    figure, [axes] = panel("40 repetitions of one experiment, each with 200 other stimuli", height=3.6)
    missed = 0
    for y in range(40):
        mean, ci = statistics.mean_interval(rng.beta(5, 1.25, size=200), limits=(0.0, 1.0))
        assert ci is not None
        hit = ci[0] <= 0.8 <= ci[1]
        missed += not hit
        bar(axes, y, ci, mean, BLUE if hit else RED)
    axes.axvline(0.8, color=INK, lw=1.2)
    axes.annotate("true value", (0.8, 40.3), (4, 0), textcoords="offset points", va="bottom")
    axes.annotate(
        f"{missed} of 40 intervals miss it", (0, 40.3), xycoords=("axes fraction", "data"), color=RED, va="bottom"
    )
    axes.set_xlabel("two-way identification")
    axes.set_ylim(-1.5, 43)
    bare(axes)
    return figure


def pairing_of_methods() -> Figure:
    """The same two methods: each alone, and their differences on the same stimuli."""
    rng = np.random.default_rng(7)
    ease = rng.normal(0, 0.12, 40)
    values = [np.clip(mean + ease + rng.normal(0, 0.035, 40), 0, 1) for mean in (0.62, 0.65)]
    figure, [left, right] = panel("Each method by itself", columns=2, height=3.2)
    for place, (name, one) in enumerate(zip("AB", values, strict=True)):
        mean, ci = statistics.mean_interval(one, limits=(0.0, 1.0))
        assert ci is not None
        left.plot(one, place + rng.uniform(-0.14, 0.14, 40), "o", color=PALE, ms=4)
        bar(left, place, ci, mean, BLUE)
        left.annotate(f"method {name}", (0.0, place), xycoords=("axes fraction", "data"), va="center")
    left.set(xlabel="score of a stimulus", ylim=(-0.6, 1.6), xlim=(0.15, 1.0))
    tested = statistics.paired_test(values[1] - values[0], seed=1)
    assert tested.ci is not None
    right.plot(values[1] - values[0], rng.uniform(-0.14, 0.14, 40), "o", color=PALE, ms=4)
    bar(right, 0, tested.ci, tested.mean, RED)
    right.axvline(0, color=INK, lw=1.2)
    right.set_title("B − A on the same stimuli")
    right.set(xlabel="difference", ylim=(-0.6, 1.6))
    right.annotate(f"+{tested.mean:.3f}, p = {tested.p:.4f}", (0.012, 0.28), color=RED)
    bare(left)
    bare(right)
    return figure


def audit() -> Figure:
    """Scores of all pairs, and what permuted pairs reach."""
    rng = np.random.default_rng(5)
    truths, noise = rng.normal(size=(2, 40, 8))
    scores = {"one": (0.22 * truths + noise) @ truths.T / np.sqrt(8)}
    z = permuted_z(scores, np.random.default_rng(1), 999)[:, 0]
    p = (z >= z[0]).mean()
    figure, [left, right] = panel("Every image against every picture", columns=2, height=3.4, width=7.6)
    order = np.arange(14)
    left.imshow(scores["one"][np.ix_(order, order)], cmap="Blues")
    for place in order:
        left.add_patch(plt.Rectangle((place - 0.5, place - 0.5), 1, 1, fill=False, ec=RED, lw=1.3))
    left.set(xlabel="picture that was shown", ylabel="reconstruction", xticks=[], yticks=[])
    right.hist(z[1:], bins=30, color=PALE)
    right.axvline(z[0], color=RED, lw=2)
    right.annotate(
        f"true pairs\np = {p:.3f}",
        (z[0], right.get_ylim()[1]),
        (-6, -4),
        textcoords="offset points",
        color=RED,
        ha="right",
        va="top",
    )
    right.annotate("999 random\npairings", (0.02, 0.97), xycoords="axes fraction", color=GREY, va="top")
    right.set_title("How much better are the true pairs?")
    right.set_xlabel("mean score of the pairs, in standard deviations")
    bare(right)
    return figure


def crossed() -> Figure:
    """One difference, and what its interval speaks of."""
    rng = np.random.default_rng(12)
    people = np.array([[-0.012], [0.03], [0.022], [0.061], [0.013], [0.046]])
    table = people + 0.05 * rng.normal(size=200) + 0.2 * rng.normal(size=(6, 200))
    figure, [axes] = panel("Method B − method A, six people, 200 stimuli", height=3.3)
    for y, row in enumerate(table):
        mean, ci = statistics.mean_interval(row)
        assert ci is not None
        bar(axes, y, ci, mean, GREY)
        axes.annotate(
            f"person {y + 1}",
            (0, y),
            (-8, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="center",
        )
    mean, narrow = statistics.mean_interval(table.mean(axis=0))
    wide = statistics.crossed(table).interval()
    assert narrow is not None and wide is not None
    for at, ci, name, colour in (
        (-1.6, narrow, "these people,\nother stimuli", BLUE),
        (-3.0, wide, "other people,\nother stimuli", RED),
    ):
        bar(axes, at, ci, mean, colour)
        axes.annotate(
            name,
            (0, at),
            (-8, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="center",
            color=colour,
        )
    axes.axvline(0, color=INK, lw=1.2)
    axes.axhline(-0.7, color=PALE, lw=1)
    axes.set(xlabel="difference", ylim=(-3.8, 5.6))
    bare(axes)
    return figure


def columns() -> Figure:
    """How often a table of equals shows a difference, by the number of columns."""
    rng = np.random.default_rng(3)
    numbers = [1, 2, 4, 8, 16]
    shared, own = rng.normal(size=(1500, 1)), rng.normal(size=(1500, 16))
    p = 2 * ndtr(-np.abs(np.sqrt(0.5) * (shared + own)))
    by_column = [float((p[:, :n] <= 0.05).any(axis=1).mean()) for n in numbers]
    corrected = [float(np.mean([(statistics.holm(row[:n]) <= 0.05).any() for row in p])) for n in numbers]
    first = [float((p[:, 0] <= 0.05).mean())] * len(numbers)
    figure, [axes] = panel("Two methods that are equal: how often a table says that they differ", height=3.2)
    for values, name, colour in (
        (by_column, "any column, uncorrected", RED),
        (corrected, "any column, corrected (Holm)", BLUE),
        (first, "the primary column", GREY),
    ):
        axes.plot(numbers, values, "o-", color=colour, lw=2, ms=5)
        up = -12 if colour == GREY else 10
        axes.annotate(
            name, (numbers[-1], values[-1]), (0, up), textcoords="offset points", color=colour, ha="right", va="center"
        )
    axes.set(
        xlabel="columns in the table", xscale="log", xticks=numbers, ylim=(-0.05, 0.42), yticks=[0, 0.1, 0.2, 0.3, 0.4]
    )
    axes.set_xticklabels(map(str, numbers))
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.0f} %")
    return figure


def shares() -> Figure:
    """A floor, a ceiling and a score between."""
    figure, [axes] = panel("A score between its floor and its ceiling", height=2.2)
    marks = {
        "floor:\nno information": (0.21, GREY),
        "the method": (0.46, BLUE),
        "ceiling: what this\ngenerator can do": (0.71, INK),
    }
    axes.plot([0, 1], [0, 0], color=PALE, lw=10, solid_capstyle="butt")
    axes.plot([0.21, 0.71], [0, 0], color="#b9c9da", lw=10, solid_capstyle="butt")
    axes.plot([0.21, 0.46], [0, 0], color=BLUE, lw=10, solid_capstyle="butt")
    for name, (x, colour) in marks.items():
        axes.plot([x, x], [-0.18, 0.18], color=colour, lw=2)
        axes.annotate(name, (x, 0.25), ha="center", va="bottom", color=colour)
    axes.annotate(
        "share of the way: (.46 − .21) / (.71 − .21) = 50 %", (0.46, -0.28), ha="center", va="top", color=BLUE
    )
    axes.set(xlim=(0, 1), ylim=(-0.65, 0.95), xlabel="score")
    bare(axes)
    return figure


def kernel_distance() -> Figure:
    """KID of sets that have one distribution, with and without the pairs."""
    rng = np.random.default_rng(6)
    both = []
    for _ in range(400):
        truths, noise = rng.normal(size=(2, 100, 64))
        images = 0.6 * truths + 0.8 * noise
        kernels = [(a @ b.T / 64 + 1) ** 3 for a, b in ((images, images), (truths, truths), (images, truths))]
        apart = [(one.sum() - np.trace(one)) / (100 * 99) for one in kernels]
        both.append((apart[0] + apart[1] - 2 * kernels[2].mean(), apart[0] + apart[1] - 2 * apart[2]))
    published, unpaired = np.array(both).T
    figure, [axes] = panel("Images as real as the pictures: 400 sets of 100, true distance 0", height=3.0)
    bins = list(np.linspace(min(published), max(unpaired), 60))
    axes.hist(published, bins, color=RED, alpha=0.75)
    axes.hist(unpaired, bins, color=BLUE, alpha=0.75)
    axes.axvline(0, ymax=0.76, color=INK, lw=1.2)
    top = axes.get_ylim()[1]
    axes.annotate(
        "with its own pairs\n(kid_published)", (float(np.median(published)), top), ha="center", va="bottom", color=RED
    )
    axes.annotate("without them\n(kid)", (float(np.median(unpaired)), top), ha="center", va="bottom", color=BLUE)
    axes.set(xlabel="kernel inception distance", ylim=(0, top * 1.3))
    bare(axes)
    return figure


def visible() -> Figure:
    """The smallest difference that so many stimuli show."""
    rng = np.random.default_rng(9)
    numbers = np.array([25, 50, 100, 200, 400, 800, 1600])
    figure, [axes] = panel("The smallest difference that is seen in four of five cases", height=3.2)
    for spread, name, place, colour in (
        (0.28, "methods that err on different stimuli", (55, 0.118), RED),
        (0.14, "methods that err alike", (25, 0.03), BLUE),
    ):
        typical = [
            np.mean([statistics.minimum_detectable(spread * rng.normal(size=n)) for _ in range(40)]) for n in numbers
        ]
        axes.plot(numbers, typical, "o-", color=colour, lw=2, ms=5)
        axes.annotate(name, place, color=colour)
    axes.axhline(0.02, color=GREY, lw=1, ls=(0, (4, 3)))
    axes.annotate("a difference of .02", (25, 0.02), (0, -4), textcoords="offset points", color=GREY, va="top")
    axes.set(xlabel="stimuli", xscale="log", xticks=numbers, ylim=(0, 0.18), ylabel="difference")
    axes.set_xticklabels(map(str, numbers))
    axes.minorticks_off()
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "intervals": intervals,
    "pairs": pairing_of_methods,
    "audit": audit,
    "crossed": crossed,
    "columns": columns,
    "shares": shares,
    "kid": kernel_distance,
    "stimuli": visible,
}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs" / "how-sure"
    folder.mkdir(parents=True, exist_ok=True)
    mpl.use("svg")
    with mpl.rc_context(STYLE):
        for name, draw in FIGURES.items():
            figure = draw()
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None}, facecolor="white")
            plt.close(figure)


if __name__ == "__main__":
    main()
