"""What `evaluate`, `score` and `ablate` print: one table, as wide as the terminal."""

import math
from collections.abc import Mapping, Sequence

from eegbench.records import Score, ScoreSheet
from eegbench.tables import Column, laid, line

NOTHING = 1e-9  # what is nearer to 0 is the rounding of sums, and is printed as 0
SHORT = {"random_train_image": "random image", "vae_roundtrip": "VAE", "true_embedding": "true CLIP"}  # heads
UNVERIFIED = "judged by weights that are NOT the published ones, as --allow-unverified-weights allows"
Sheets = Mapping[str, ScoreSheet]
Bounds = tuple[float | None, float | None] | None


def number(value: float | None, bounds: Bounds = None) -> str:
    """Three digits, without the zero before the point, as the field's tables have it: ".712"; "-" for None.

    What a mean or an interval put outside the metric's bounds, (low, high), is shown at the bound.
    """
    if value is None or math.isnan(value):
        return "-"
    value = within(value, bounds)
    if abs(value) < NOTHING:
        return "0"
    if abs(value) < 0.0005:
        return f"{value:.0e}"
    places = next((p for p, top in ((3, 0.9995), (2, 9.995), (1, 99.95)) if abs(value) < top), 0)
    text = f"{value:.{places}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def probability(p: float | None) -> str:
    """A p-value without the zero before its point: ".001", ".43"; "<.001" for what would be printed as 0."""
    if p is None:
        return "-"
    if p < 0.0005:
        return "<.001"
    return f"{p:.{2 if p >= 0.0995 else 3}f}".removeprefix("0")


def p_is(p: float) -> str:
    """ "p = .043"; "p < .001" below what is printed: see `probability`."""
    text = probability(p)
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"


def within(value: float, bounds: Bounds) -> float:
    """The value, or the bound that it lies beyond."""
    low, high = bounds or (None, None)
    return min(max(value, -math.inf if low is None else low), math.inf if high is None else high)


def interval(value: float | None, ci: tuple[float, float] | None, bounds: Bounds = None) -> str:
    """A value with its 95 % interval, ".712 [.680, .744]"."""
    shown = number(value, bounds)
    return shown if ci is None else f"{shown} [{number(ci[0], bounds)}, {number(ci[1], bounds)}]"


def show(sheet: ScoreSheet, *, title: str, floors: Sheets, ceilings: Sheets, width: int | None) -> str:
    """Title, table, what has no value and why, and the audit's verdict."""
    judged = ", whose judges no paper uses" if sheet.suite == "micro" else ""
    scored = f"A SUBSET, {sheet.subset}" if sheet.subset else f"{sheet.n} stimuli"
    lines = [title, line(f"{scored}, suite {sheet.suite}{judged}, protocol {sheet.protocol}"), ""]
    lines += [table(sheet, floors, ceilings, width).rstrip("\n"), *map(line, reasons(sheet))]
    return "\n".join([*lines, "", line(f"Audit: {sheet.verdict}")] if sheet.verdict else lines)


def table(sheet: ScoreSheet, floors: Sheets, ceilings: Sheets, width: int | None) -> str:
    """Rows are metrics; columns the value, chance, after an audit what the EEG gave and p, then floors and ceilings."""
    scores = sheet.metrics.values()
    columns = [
        Column(
            "metric", [f"{named(name, score)} {arrow(score)}" for name, score in sheet.metrics.items()], right=False
        ),
        Column("value [95 %]", [interval(score.value, score.ci, score.bounds) for score in scores]),
        Column("chance", [number(score.floor, score.bounds) for score in scores]),
    ]
    if any(score.contribution is not None for score in scores):
        columns.append(Column("permuted EEG", [number(score.permuted, score.bounds) for score in scores]))
        added = [interval(score.contribution, score.contribution_ci) for score in scores]
        columns.append(Column("EEG adds [95 %]", added))
    if any(score.contribution_p is not None for score in scores):
        columns.append(Column("p", [probability(score.contribution_p) for score in scores]))
    beside = {f"floor: {SHORT.get(name, name)}": other for name, other in floors.items()}
    beside |= {f"ceiling: {SHORT.get(name, name)}": other for name, other in ceilings.items()}
    for name, other in beside.items():
        columns.append(Column(name.replace("_", " "), [_value(other.metrics.get(metric)) for metric in sheet.metrics]))
    return laid(columns, width, elsewhere="--json")


def show_ablation(sheets: Sheets, metrics: Sequence[str], width: int | None) -> str:
    """A row for each variant, a column for each of `metrics`, as a paper prints it."""
    first = next(iter(sheets.values())).metrics
    columns = [Column("variant", list(sheets), right=False)]
    for name in metrics:
        scores = [sheet.metrics[name] for sheet in sheets.values()]
        shown = [interval(score.value, score.ci, score.bounds) for score in scores]
        columns.append(Column(f"{name} {arrow(first[name])}", shown))
    return laid(columns, width, gap=2, elsewhere="--json")


def named(name: str, score: Score) -> str:
    """A metric's name with the variant of its judge."""
    return f"{name}-{score.variant}" if score.variant else name


def arrow(score: Score) -> str:
    return "↑" if score.higher_is_better else "↓"


def reasons(sheet: ScoreSheet) -> list[str]:
    """Why metrics have no value, or one over fewer items, or one to be doubted; one line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, score in sheet.metrics.items():
        for reason in filter(None, (score.reason, UNVERIFIED if score.unverified else "")):
            by_reason.setdefault(reason, []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def _value(score: Score | None) -> str:
    return "-" if score is None else number(score.value, score.bounds)
