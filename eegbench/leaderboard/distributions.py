"""How each metric's values spread over the stimuli: a drawing for each metric, with a histogram for each row.

Drawn as SVG whose widths are shares of the page's: letters keep their size on a phone.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Column, Row, Table
from eegbench.leaderboard.html_table import Linked
from eegbench.leaderboard.html_text import text
from eegbench.runs.folder import Run
from eegbench.tables import fixed

ROWS, BINS = 30, 40
LINE, LETTERS, HEIGHT = 44, 14, 22  # px: of a row, of its words, of its histogram
LABEL = 36  # characters

Array = NDArray[np.float64]
Drawn = tuple[Row, float, Array]  # a row, its mean, its values by stimulus


def distributions(linked: Linked) -> str:
    """The drawings of a table, folded up; "" where no metric has values by stimulus."""
    places = wording.decimals(linked.table)
    figures = [
        _figure(column, drawn, left, decimals)
        for i, (column, decimals) in enumerate(zip(linked.table.columns, places, strict=True))
        for drawn, left in [_drawn(linked, i, column)]
        if drawn
    ]
    if not figures:
        return ""
    raw = " Scores stand here as they are, not as shares." if linked.table.normalised else ""
    return (
        '<details class="distributions"><summary>Distributions <small>values by stimulus</small></summary>\n'
        f"<p>Each value is a stimulus: the mean over subjects and seeds. {BINS} bins, the fullest one of a row at full "
        "height. The upright line is the row's mean, the dashed one is chance. Methods that are left out of the "
        f"ranking stand below the floors.{raw}</p>\n"
        f'<div class="figures">\n{"".join(figures)}</div></details>\n'
    )


def by_stimulus(row: Row, column: Column, runs: Sequence[Run]) -> Array | None:
    """A row's values by stimulus, the mean over subjects of the mean over seeds, (n,); None where a run has none.

    Without the stimuli that the row is not compared on, and within the metric's bounds.
    """
    apart = row.block not in ("ranked", "floor", "ceiling")
    left_out = {
        subject: set() if apart else {s for who, s in column.left_out if who == subject} for subject in row.subjects
    }
    subjects: dict[int, list[tuple[tuple[str, ...], Array]]] = defaultdict(list)
    for run in runs:
        values = run.values
        if values is None or (column.metric, column.version) not in values.metrics:
            return None
        own = values.metrics[column.metric, column.version]
        if unused := left_out.get(run.record.spec.subject):
            own = np.where([stimulus in unused for stimulus in values.stimuli], np.nan, own)
        subjects[run.record.spec.subject].append((values.stimuli, own))
    if not subjects:
        return None
    means = [_mean([_aligned(*by_seed, _union(seeds)) for by_seed in seeds]) for seeds in subjects.values()]
    named = [(_union(seeds), mean) for seeds, mean in zip(subjects.values(), means, strict=True)]
    pooled = _mean([_aligned(*by_seed, _union(named)) for by_seed in named])
    low, high = column.bounds
    return np.clip(pooled[np.isfinite(pooled)], -np.inf if low is None else low, np.inf if high is None else high)


def _union(values: Sequence[tuple[tuple[str, ...], Array]]) -> tuple[str, ...]:
    first = values[0][0]
    same = all(stimuli is first or stimuli == first for stimuli, _ in values)
    return first if same else tuple(sorted(set().union(*(stimuli for stimuli, _ in values))))


def _aligned(stimuli: tuple[str, ...], values: Array, wanted: tuple[str, ...]) -> Array:
    if stimuli is wanted or stimuli == wanted:
        return values
    known = dict(zip(stimuli, values.tolist(), strict=True))
    return np.array([known.get(stimulus, np.nan) for stimulus in wanted])


def _mean(rows: Sequence[Array]) -> Array:
    """The mean of the finite ones, NaN where there are none."""
    table = np.array(rows)
    known = np.isfinite(table)
    count = known.sum(axis=0)
    return np.where(count, np.where(known, table, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _drawn(linked: Linked, place: int, column: Column) -> tuple[list[Drawn], int]:
    """The ranked methods, the best first, below them floors and what is left out; and how many methods had no room."""
    blocks: dict[str, list[Drawn]] = {"ranked": [], "floor": [], "transductive": [], "left out": []}
    for row in linked.table.rows:
        if row.block in blocks and row.cells[place].value is not None:
            runs = [linked.runs[source.path] for source in linked.standing(row, column)]
            values = by_stimulus(row, column, runs)
            if values is not None and len(values):
                blocks[row.block].append((row, _shown_mean(linked.table, row, place, values), values))
    methods = sorted(blocks["ranked"], key=lambda drawn: -drawn[1] if column.higher_is_better else drawn[1])
    floors, others = blocks["floor"][: ROWS // 2], blocks["transductive"] + blocks["left out"]
    room = ROWS - len(floors)
    left = room - len(methods[:room])
    return methods[:room] + floors + others[:left], len(methods[room:]) + len(others[left:])


def _shown_mean(table: Table, row: Row, place: int, values: Array) -> float:
    """The cell's value, unless that is a share."""
    value = row.cells[place].value
    return float(values.mean()) if value is None or table.normalised else value


def _figure(column: Column, drawn: Sequence[Drawn], left: int, decimals: int) -> str:
    low = min(float(values.min()) for _, _, values in drawn)
    high = max(float(values.max()) for _, _, values in drawn)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    rows = [_row(i * LINE, entry, (low, high), column, decimals) for i, entry in enumerate(drawn)]
    bottom = len(drawn) * LINE
    ends = [fixed(end, decimals) for end in (low, high)]
    axis = (
        f'<line class="axis" x1="0" x2="100%" y1="{bottom}" y2="{bottom}"/>'
        f'<text class="end" x="0" y="{bottom + LETTERS}">{ends[0]}</text>'
        f'<text class="end" x="100%" y="{bottom + LETTERS}" text-anchor="end">{ends[1]}</text>'
    )
    name = text(wording.release(column))
    more = f"<p>{left} more {'method' if left == 1 else 'methods'} not drawn</p>" if left else ""
    return (
        f"<figure><figcaption>{name} <small>{wording.direction(column)}</small></figcaption>"
        f'<svg width="100%" height="{bottom + LETTERS + 4}" role="img" aria-label="{name}: {_told(drawn, decimals)}">'
        f"{''.join(rows)}{axis}</svg>{more}</figure>\n"
    )


def _told(drawn: Sequence[Drawn], decimals: int) -> str:
    means = ", ".join(f"{wording.visible(row.label, LABEL)} {fixed(m, decimals + 1)}" for row, m, _ in drawn)
    return text(f"means: {means}", LABEL * ROWS * 2)


def _row(top: int, drawn: Drawn, ends: tuple[float, float], column: Column, decimals: int) -> str:
    row, mean, values = drawn
    kind = f"{row.role} apart" if row.block in ("transductive", "left out") else row.role
    baseline = top + LETTERS + HEIGHT
    counts, _ = np.histogram(values, BINS, ends)
    marks = f'<path class="mean" d="M{_place(mean, ends):.2f} 0V{HEIGHT}"/>'
    if column.chance is not None and ends[0] <= column.chance <= ends[1]:
        marks = f'<path class="chance" d="M{_place(column.chance, ends):.2f} 0V{HEIGHT}"/>' + marks
    return (
        f'<g class="{kind}" data-method="{text(row.label)}"><text x="0" y="{top + LETTERS - 3}">'
        f'{text(row.label, LABEL)}</text><text x="100%" y="{top + LETTERS - 3}" text-anchor="end">'
        f'{fixed(mean, decimals + 1)}</text><svg x="0" y="{baseline - HEIGHT}" width="100%" '
        f'height="{HEIGHT}" viewBox="0 0 {BINS} {HEIGHT}" preserveAspectRatio="none">'
        f'<path class="bins" d="{_steps(counts)}"/>{marks}</svg></g>'
    )


def _place(value: float, ends: tuple[float, float]) -> float:
    low, high = ends
    return min(max((value - low) / (high - low), 0.0), 1.0) * BINS


def _steps(counts: NDArray[np.int64]) -> str:
    """The outline of a histogram, from the lower left to the lower right."""
    tops = HEIGHT - np.round(counts / max(1, counts.max()) * (HEIGHT - 1), 1)
    steps, before = [f"M0 {HEIGHT}"], float(HEIGHT)
    for i, top in enumerate(tops.tolist()):
        if top != before:
            steps.append(f"H{i}V{top:g}")
            before = top
    return "".join(steps) + f"H{BINS}V{HEIGHT}Z"
