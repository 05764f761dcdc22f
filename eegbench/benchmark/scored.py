"""A run that was scored, read back from its folder for a comparison: record, scores, and values by stimulus."""

from dataclasses import dataclass
from pathlib import Path

from eegbench import runs
from eegbench.errors import InputError
from eegbench.records import RunRecord, ScoreSheet


@dataclass(frozen=True)
class Scored:
    """A complete run with its scores. `items` has the metrics of single stimuli; those of a whole set have none.

    items: stimulus id to the mean over its samples; NaN where the metric is undefined.
    """

    folder: Path
    record: RunRecord
    sheet: ScoreSheet
    items: dict[str, dict[str, float]]

    @property
    def stimuli(self) -> frozenset[str]:
        return frozenset(row.stimulus for row in self.record.manifest)


def read(folder: Path) -> Scored:
    """Read and check a run's folder.

    Raises InputError where there is no run, it is unfinished or not scored, or its files do not belong together.
    """
    if not (folder / runs.RECORD).exists():
        raise InputError(
            f"{folder}: holds no {runs.RECORD}; name a run's folder, as runs/sim-things/eeg/atm/sub-08/seed-0"
        )
    run = runs.read(folder)
    if run.record.status != "complete":
        raise InputError(
            f"{folder}: its status is {run.record.status!r}, wanted 'complete'; run `eegbench evaluate` on it again"
        )
    for name in (runs.SHEET, runs.TABLE):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: holds no {name}; {runs.AGAIN}")
    if run.sheet is None or run.values is None:
        raise InputError(f"{folder}: {run.unscored}; {runs.AGAIN}")
    stimuli = run.values.stimuli
    items = {
        metric: dict(zip(stimuli, found.tolist(), strict=True)) for (metric, _), found in run.values.metrics.items()
    }
    scored = Scored(folder, run.record, run.sheet, items)
    if run.sheet.n != len(scored.stimuli):
        raise InputError(
            f"{folder / runs.SHEET}: stands on {run.sheet.n} stimuli, the run on {len(scored.stimuli)}; {runs.AGAIN}"
        )
    if items and (astray := sorted(scored.stimuli.symmetric_difference(stimuli))):
        raise InputError(
            f"{folder / runs.TABLE}: and the run do not both have stimulus {astray[0][:200]!r}; {runs.AGAIN}"
        )
    return scored
