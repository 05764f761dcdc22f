"""What `evaluate` and `score` print: one table, read in a hundred columns."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eegbench.records import Score, ScoreSheet

WIDTH = 100  # of the output where there is no terminal that says its own
NARROW = 8  # of a column's head, which is broken between words
SHORT = {"random_train_image": "random image", "vae_roundtrip": "VAE", "true_embedding": "true CLIP"}  # such heads
UNVERIFIED = "judged by weights that are NOT the published ones, as --allow-unverified-weights allows"
Sheets = Mapping[str, ScoreSheet]


def number(value: float | None) -> str:
    """Three digits, without the zero before the point, as the field's tables have it: ".712"; "-" for None."""
    if value is None:
        return "-"
    if 0 < abs(value) < 0.0005:
        return f"{value:.0e}"
    places = next((p for p, top in ((3, 0.9995), (2, 9.995), (1, 99.95)) if abs(value) < top), 0)
    text = f"{value:.{places}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def interval(value: float | None, bounds: tuple[float, float] | None) -> str:
    """A value with its 95 % interval, ".712 [.680, .744]"."""
    return number(value) if bounds is None else f"{number(value)} [{number(bounds[0])}, {number(bounds[1])}]"


def show(sheet: ScoreSheet, *, title: str, floors: Sheets, ceilings: Sheets, console: Console) -> None:
    """Print title, table, what has no value and why, and the audit's verdict."""
    judged = ", whose judges no paper uses" if sheet.suite == "micro" else ""
    scored = f"A SUBSET, {sheet.subset}" if sheet.subset else f"{sheet.n} stimuli"
    lines = [title, f"{scored}, suite {sheet.suite}{judged}, protocol {sheet.protocol}", ""]
    _say(console, *lines)
    console.print(table(sheet, floors, ceilings), highlight=False)
    _say(console, *reasons(sheet))
    if sheet.verdict:
        _say(console, "", f"Audit: {sheet.verdict}")


def show_ablation(sheets: Sheets, metrics: Sequence[str], console: Console) -> None:
    """A row for each variant, a column for each of `metrics`, as a paper prints it."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column("variant", no_wrap=True)
    for name in metrics:
        arrow = "↑" if next(iter(sheets.values())).metrics[name].higher_is_better else "↓"
        grid.add_column(f"{name} {arrow}", justify="right")
    for label, sheet in sheets.items():
        scores = [sheet.metrics[name] for name in metrics]
        grid.add_row(escape(label), *(interval(score.value, score.ci) for score in scores))
    console.print(grid, highlight=False)


def table(sheet: ScoreSheet, floors: Sheets, ceilings: Sheets) -> Table:
    """Rows are metrics; columns the value, chance, floors, ceilings and, after an audit, what the EEG gave."""
    audited = any(score.contribution is not None for score in sheet.metrics.values())
    beside = {f"floor: {SHORT.get(name, name)}": other for name, other in floors.items()}
    beside |= {f"ceiling: {SHORT.get(name, name)}": other for name, other in ceilings.items()}
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    grid.add_column("metric", no_wrap=True)
    grid.add_column("value [95 %]", justify="right", no_wrap=True)
    grid.add_column("chance", justify="right")
    for name in beside:
        grid.add_column(escape(name.replace("_", " ")), justify="right", max_width=NARROW, overflow="fold")
    if audited:
        grid.add_column("permuted EEG", justify="right", max_width=NARROW, overflow="fold")
        grid.add_column("EEG adds [95 %]", justify="right", no_wrap=True)
    for name, score in sheet.metrics.items():
        arrow = "↑" if score.higher_is_better else "↓"
        shown = f"{name}-{score.variant}" if score.variant else name
        row = [f"{shown} {arrow}", interval(score.value, score.ci), number(score.floor)]
        row += [number(_value(other.metrics.get(name))) for other in beside.values()]
        row += [number(score.permuted), interval(score.contribution, score.contribution_ci)] if audited else []
        grid.add_row(*map(escape, row))
    return grid


def reasons(sheet: ScoreSheet) -> list[str]:
    """Why metrics have no value, or one over fewer items, or one to be doubted; one line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, score in sheet.metrics.items():
        for reason in filter(None, (score.reason, UNVERIFIED if score.unverified else "")):
            by_reason.setdefault(reason, []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value
