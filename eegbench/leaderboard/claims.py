"""Published numbers beside our own: which row of the board is the same experiment, and whether it contradicts them.

A published number is set beside a row only where the ledger says which of our runs would be the same experiment;
elsewhere it says why none would be. Data set and number of stimuli then agree, so both stand on the same test set:

- Of two or more own fits (seeds, each with a fit of its own) their spread is known, and the published number is as one
  more fit (`statistics.on_the_same_stimuli`).
- Of one fit, or of fits without any spread, nobody knows how others would spread: it is compared as if on other
  stimuli (`statistics.on_other_stimuli`), and the verdict says so.

Either gives a resolution: how far a repetition of one experiment lies apart in 95 of 100 cases. "Not contradicted" is
no agreement: what differs by less is not seen. "Agrees" wants a margin that was named, and an equivalence test.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from eegbench import statistics
from eegbench.errors import UsageError, unknown
from eegbench.files import canonical
from eegbench.leaderboard import standing, wording
from eegbench.leaderboard.average import rows_of
from eegbench.leaderboard.cells import Bounds, Cell, Column, Row, Setting
from eegbench.leaderboard.filling import gather
from eegbench.leaderboard.ledger import Claim
from eegbench.leaderboard.table import rows_of_all
from eegbench.runs.folder import Run
from eegbench.runs.record import RunSpec
from eegbench.tables import fixed

WHICH = ("auto", "all", "none")
CONTRADICTED, NOT_CONTRADICTED, AGREES = "contradicted", "not contradicted", "agrees"
NO_INTERVAL, NO_RUN, NOT_COMPARABLE = "no interval", "no comparable run", "not comparable"
ONE_FIT = "one fit"
POOLED = (1, 2, 3, 4, 5, 6)  # the people of eegcvpr, whom its protocol "pooled" trains on together
PACK = "pack:"  # how a configuration names weights of the micro pack, which are no paper's

SettingRows = list[tuple[Setting, list[Column], list[Row]]]


@dataclass(frozen=True)
class Assessed:
    """A claim and what came of it: CONTRADICTED, NOT_CONTRADICTED or AGREES with resolution or margin; else why not.

    Of a comparable row: its value and 95 % interval, its label, its number of subjects, and its setting.
    """

    claim: Claim
    verdict: str
    value: float | None = None
    ci: Bounds | None = None
    row: str = ""
    subjects: int = 0
    setting: Setting | None = None


def assess(
    claims: Sequence[Claim], runs: Sequence[Run], which: str = "auto", *, margin: float | None = None
) -> tuple[Assessed, ...]:
    """Each claim beside each comparable row of runs, in the order of the claims; a claim without such a row comes once.

    A row is made of the runs on the claimed subjects, whatever other subjects a method has. which: "auto", the claims
    on data sets of which there are runs on recorded EEG; "all"; or "none". margin: the difference, in the metric's own
    unit, below which two experiments count as equal; without it none is said to agree. Raises UsageError for another
    word, and for a margin that is no number above 0.
    """
    if which not in WHICH:
        raise unknown("choice of claims", which, WHICH)
    if margin is not None and not 0 < margin < math.inf:
        raise UsageError(f"the margin is {margin:g}; wanted a difference above 0, as .02")
    recorded = [run for run in runs if not run.record.simulated and run.record.role == "method"]
    known = {run.record.spec.dataset for run in recorded if run.sheet}
    chosen = [claim for claim in claims if which == "all" or (which == "auto" and claim.dataset in known)]
    made: dict[tuple[object, ...], SettingRows] = {}
    return tuple(assessed for claim in chosen for assessed in _assessed(claim, recorded, made, margin))


def _assessed(
    claim: Claim, runs: Sequence[Run], made: dict[tuple[object, ...], SettingRows], margin: float | None
) -> list[Assessed]:
    if claim.not_comparable:
        return [Assessed(claim, f"{NOT_COMPARABLE}: {claim.not_comparable}")]
    key = claim.dataset, claim.our_method, claim.subject, claim.train_on, claim.calibration, canonical(claim.view)
    if key not in made:
        made[key] = rows_of_all(run for run in runs if _is_about(claim, run.record.spec))
    assessed, left_out = [], ""
    for setting, columns, rows in made[key]:
        for row in rows if _same_setting(claim, setting) else ():
            for column, cell in zip(columns, row.cells, strict=True):
                if not _same_run(claim, setting, row) or not _same_metric(claim, column, cell):
                    continue
                if row.reason:
                    left_out = f"{NO_RUN}: {row.label} is left out, {row.reason}"
                    continue
                own = {source.path for source in row.runs}
                verdict = _verdict(claim, column, cell, [run for run in runs if run.path in own], margin)
                assessed.append(Assessed(claim, verdict, cell.value, cell.ci, row.label, len(row.subjects), setting))
    return assessed or [Assessed(claim, left_out or NO_RUN)]


def _is_about(claim: Claim, spec: RunSpec) -> bool:
    """Whether a run is of the claim's method on one of its people, trained on the same people's data, seen alike.

    A paper that leaves a subject out trains on all others, and standardises by what these give.
    """
    if (spec.dataset, spec.method) != (claim.dataset, claim.our_method) or spec.subject not in _subjects(claim.subject):
        return False
    ours = spec.train_on, spec.calibration, spec.view, spec.others, spec.scale
    return ours == (claim.train_on, claim.calibration, claim.view, 0, "training")


def _subjects(subject: str) -> tuple[int, ...]:
    """Who a claim is about: the subjects from 1 to 10 for a "mean of 10"."""
    if subject == "pooled":
        return POOLED
    count = subject.removeprefix("mean of ")
    return (int(subject),) if count == subject else tuple(range(1, int(count) + 1))


def _verdict(claim: Claim, column: Column, cell: Cell, runs: Sequence[Run], margin: float | None) -> str:
    decimals = len(format(Decimal(repr(claim.value)), "f").partition(".")[2])
    rounding = 0.5 * 10.0**-decimals  # as far as the printed number may be off
    fits = fits_of(column, runs)
    spread = len(fits) > 1 and max(fits) - min(fits) > wording.NOISE
    alone = "" if spread else f", {ONE_FIT}"
    if spread:
        test = statistics.on_the_same_stimuli(fits, claim.value, rounding=rounding)
    elif cell.value is not None and (error := _standard_error(column, cell, runs)):
        test = statistics.on_other_stimuli(cell.value, error, claim.value, rounding=rounding)
    else:
        return NO_INTERVAL
    if margin is not None and test.within(margin):
        return f"{AGREES} (margin {f'{margin:g}'.removeprefix('0')}{alone})"
    words = CONTRADICTED if test.contradicted else NOT_CONTRADICTED
    return f"{words} (resolution {_short(test.resolution)}{alone})"


def fits_of(column: Column, runs: Iterable[Run]) -> list[float]:
    """By fit the mean over subjects of a row's values, of the seeds that all its subjects have.

    Seeds whose runs were made by the same fits, subject by subject, are one fit: its value is the mean over them.
    """
    by_seed: dict[int, dict[int, tuple[str, float]]] = defaultdict(dict)
    for run in runs:
        score = run.sheet.metrics.get(column.metric) if run.sheet else None
        if score is not None and score.value is not None:
            by_seed[run.record.spec.seed][run.record.spec.subject] = standing.fit_of(run), score.value
    subjects = {subject for made in by_seed.values() for subject in made}
    by_fit: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for _, made in sorted(by_seed.items()):
        if made.keys() == subjects:
            fits, values = zip(*(made[subject] for subject in sorted(made)), strict=True)
            by_fit[fits].append(math.fsum(values) / len(values))
    return [math.fsum(values) / len(values) for values in by_fit.values()]


def _standard_error(column: Column, cell: Cell, runs: Sequence[Run]) -> float | None:
    """Of a cell's value over the choice of stimuli alone; where values by stimulus are missing, from its interval.

    With b the mean over rows (`rows_of`) at each of the n stimuli that all rows have, it is sd(b) / sqrt(n). Rows that
    have seen other stimuli, as `statistics.crossed` counts it, each have an error of their own: the root of the sum of
    squares, by their number.
    """
    rows = rows_of(gather(column, runs).scores)
    if rows is not None:
        variance = statistics.crossed(rows).stimuli if len(rows) > 1 else 0.0
        own = [row[np.isfinite(row)] for row in rows]
        if variance == 0 and all(len(values) > 1 for values in own):
            variance = math.fsum(float(values.var(ddof=1)) / len(values) for values in own) / len(own) ** 2
        if (error := math.sqrt(variance)) > wording.NOISE:
            return error
    return None if cell.ci is None else (cell.ci[1] - cell.ci[0]) / 2 / statistics.NORMAL


def _short(value: float) -> str:
    """Two digits: .052, 1.4, 23."""
    return fixed(value, max(0, 1 - math.floor(math.log10(value))) if value > 0 else 0)


def _same_setting(claim: Claim, setting: Setting) -> bool:
    ours = (setting.dataset, setting.track, setting.suite, setting.protocol, setting.average, setting.samples)
    return ours == (claim.dataset, claim.track, claim.suite, claim.our_protocol, claim.average, claim.samples)


def _same_run(claim: Claim, setting: Setting, row: Row) -> bool:
    if (row.role, row.method, row.items) != ("method", claim.our_method, (claim.items, claim.items)):
        return False
    if any(name not in row.configuration for name in claim.configuration):
        return False
    ours = {name: row.configuration[name] for name in claim.configuration}
    same = canonical(ours) == canonical(claim.configuration)
    return same and not _of_the_pack(row.configuration) and _same_subjects(claim.subject, setting, row.subjects)


def _same_subjects(subject: str, setting: Setting, ours: tuple[int, ...]) -> bool:
    return (setting.pooled or subject != "pooled") and ours == _subjects(subject)


def _same_metric(claim: Claim, column: Column, cell: Cell) -> bool:
    """Notes of a cell say that it has unverified weights, or lacks some of its runs or items."""
    ours = (column.metric, column.version, column.variant)
    return ours == (claim.metric, claim.version, "") and cell.value is not None and not cell.notes


def _of_the_pack(configured: object) -> bool:
    """Whether any weights in a configuration are the micro pack's: the defaults are, also on recorded EEG."""
    if isinstance(configured, Mapping):
        return any(map(_of_the_pack, configured.values()))
    if isinstance(configured, list | tuple):
        return any(map(_of_the_pack, configured))
    return isinstance(configured, str) and configured.startswith(PACK)
