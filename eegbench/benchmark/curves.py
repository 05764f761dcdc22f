"""What a fit's training looked like: loss and validation by step."""

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path


def draw_curves(tables: Sequence[Path], folder: Path) -> None:
    """Copy the stages' tables (columns step, loss, validation, rate) into `folder`, and draw them in one picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir()
    figure = Figure(figsize=(4 * len(tables), 3), layout="constrained")
    FigureCanvasAgg(figure)
    for place, table in enumerate(tables):
        shutil.copyfile(table, folder / table.name)
        axes = figure.add_subplot(1, len(tables), place + 1)
        axes.set_title(table.stem.replace("-", " "))
        axes.set_xlabel("step")
        for column, points in columns(table).items():
            axes.plot(*zip(*points, strict=True), label=column)
        axes.legend()
    figure.savefig(folder / "curves.png", dpi=80)


def columns(table: Path) -> dict[str, list[tuple[int, float]]]:
    """Points (step, value) of the columns loss and validation, where they have any."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    points_of = {name: [(int(r["step"]), float(r[name])) for r in rows if r[name]] for name in ("loss", "validation")}
    return {name: points for name, points in points_of.items() if points}
