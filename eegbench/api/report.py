"""The table of scores as people read it: what `evaluate`, `score` and `ablate` print, and what a notebook shows."""

from collections.abc import Mapping, Sequence

from eegbench.runs.record import SIMULATED_EEG
from eegbench.runs.sheet import Score, ScoreSheet
from eegbench.tables import Column, interval, laid, line, number, probability

SHORT = {"random_train_image": "random image", "vae_roundtrip": "VAE", "true_embedding": "true CLIP"}  # heads
UNVERIFIED = "judged by weights that are NOT the published ones, as --allow-unverified-weights allows"
Sheets = Mapping[str, ScoreSheet]


def show(sheet: ScoreSheet, *, title: str, floors: Sheets, ceilings: Sheets, width: int | None) -> str:
    """Title, table, what has no value and why, and the audit's verdict."""
    lines = [title, line(judged(sheet)), ""]
    lines += [table(sheet, floors, ceilings, width).rstrip("\n"), *map(line, reasons(sheet))]
    return "\n".join([*lines, "", line(f"Audit: {sheet.verdict}")] if sheet.verdict else lines)


def judged(sheet: ScoreSheet) -> str:
    """How many stimuli were scored, and by which suite and protocol."""
    strange = ", whose judges no paper uses" if sheet.suite == "micro" else ""
    scored = f"A SUBSET, {sheet.subset}" if sheet.subset else f"{sheet.n} stimuli"
    return f"{scored}, suite {sheet.suite}{strange}, protocol {sheet.protocol}"


def origin(simulated: bool) -> str:
    """Whether the EEG is simulated."""
    return f"{SIMULATED_EEG}: comparable with no paper" if simulated else "recorded EEG"


def table(sheet: ScoreSheet, floors: Sheets, ceilings: Sheets, width: int | None) -> str:
    """The table of scores: a row for each metric, and the columns that fit into `width`, all of them if None."""
    return laid(columns(sheet, floors, ceilings), width, elsewhere="--json")


def columns(sheet: ScoreSheet, floors: Sheets, ceilings: Sheets) -> list[Column]:
    """The columns metric, value, chance; after an audit what permuted EEG gives, what EEG adds, p; floors, ceilings."""
    scores = sheet.metrics.values()
    shown = [
        Column(
            "metric", [f"{named(name, score)} {arrow(score)}" for name, score in sheet.metrics.items()], right=False
        ),
        Column("value [95 %]", [interval(score.value, score.ci, score.bounds) for score in scores]),
        Column("chance", [number(score.floor, score.bounds) for score in scores]),
    ]
    if any(score.contribution is not None for score in scores):
        shown.append(Column("permuted EEG", [number(score.permuted, score.bounds) for score in scores]))
        added = [interval(score.contribution, score.contribution_ci) for score in scores]
        shown.append(Column("EEG adds [95 %]", added))
    if any(score.contribution_p is not None for score in scores):
        shown.append(Column("p", [probability(score.contribution_p) for score in scores]))
    references = {f"floor: {SHORT.get(name, name)}": other for name, other in floors.items()}
    references |= {f"ceiling: {SHORT.get(name, name)}": other for name, other in ceilings.items()}
    for name, other in references.items():
        shown.append(Column(name.replace("_", " "), [_value(other.metrics.get(metric)) for metric in sheet.metrics]))
    return shown


def show_ablation(sheets: Sheets, metrics: Sequence[str], width: int | None) -> str:
    """The table of an ablation, as a paper prints it: a row for each variant, a column for each of `metrics`."""
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
    """Why metrics have no value, a value over fewer items, or an unverified value; one line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, score in sheet.metrics.items():
        for reason in filter(None, (score.reason, UNVERIFIED if score.unverified else "")):
            by_reason.setdefault(reason, []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def _value(score: Score | None) -> str:
    return "-" if score is None else number(score.value, score.bounds)
