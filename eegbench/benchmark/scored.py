"""A run that was scored, read back from its folder: record, scores, and each metric's values by stimulus."""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from eegbench.benchmark import store
from eegbench.errors import InputError
from eegbench.records import RunRecord, ScoreSheet

HEAD = ["stimulus", "sample", "metric", "version", "value"]  # of scores.csv, as `score.table` writes it

Values = dict[str, float]  # stimulus id to the mean over its samples; NaN where the metric is undefined


@dataclass(frozen=True)
class Scored:
    """A complete run with its scores. `items` has the metrics of single stimuli; those of a whole set have none."""

    folder: Path
    record: RunRecord
    sheet: ScoreSheet
    items: dict[str, Values]

    @property
    def stimuli(self) -> frozenset[str]:
        return frozenset(row.stimulus for row in self.record.manifest)


def read(folder: Path) -> Scored:
    """Read and check a run's folder.

    Raises InputError where there is no run, it is unfinished or not scored, or its files do not belong together.
    """
    if not (folder / store.RECORD).exists():
        raise InputError(
            f"{folder}: holds no {store.RECORD}; name a run's folder, as runs/sim-things/eeg/atm/sub-08/seed-0"
        )
    record = RunRecord.read(folder / store.RECORD)
    if record.status != "complete":
        raise InputError(
            f"{folder}: its status is {record.status!r}, wanted 'complete'; run `eegbench evaluate` on it again"
        )
    for name in (store.SHEET, store.TABLE):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: holds no {name}; run `eegbench evaluate` on it again, which scores it")
    sheet = ScoreSheet.read(folder / store.SHEET)
    run = Scored(folder, record, sheet, _read_table(folder / store.TABLE, sheet))
    _check(run)
    return run


def _read_table(path: Path, sheet: ScoreSheet) -> dict[str, Values]:
    samples: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            if (head := next(rows, [])) != HEAD:
                raise InputError(f"{path}: begins with {','.join(head)[:200]!r}; wanted {','.join(HEAD)!r}")
            for stimulus, sample, metric, version, value in rows:
                score = sheet.metrics.get(metric)
                if score is None or int(version) != score.version:
                    raise _astray(path, f"has {metric[:100]}@{version[:20]}, which {store.SHEET} has not")
                if int(sample) in samples[metric][stimulus]:
                    raise _astray(path, f"has {metric} of stimulus {stimulus[:200]!r}, sample {sample} twice")
                samples[metric][stimulus][int(sample)] = float(value) if value else math.nan
    except (OSError, ValueError, csv.Error) as error:  # ValueError: not UTF-8, a row of another length, no number
        raise InputError(f"{path}: cannot be read ({error}); run `eegbench evaluate` on it again") from None
    return {
        metric: {stimulus: math.fsum(values.values()) / len(values) for stimulus, values in by_stimulus.items()}
        for metric, by_stimulus in samples.items()
    }


def _check(run: Scored) -> None:
    """Scores and images must be of one run: the same stimuli, and values whose mean is the value of the sheet."""
    path = run.folder / store.TABLE
    if run.sheet.n != len(run.stimuli):
        raise _astray(run.folder / store.SHEET, f"stands on {run.sheet.n} stimuli, the run on {len(run.stimuli)}")
    for metric, values in run.items.items():
        if astray := sorted(values.keys() ^ run.stimuli):
            raise _astray(path, f"and the run do not both have {metric} of stimulus {astray[0][:200]!r}")
        known = [value for value in values.values() if math.isfinite(value)]
        mean, told = math.fsum(known) / len(known) if known else None, run.sheet.metrics[metric].value
        if (mean is None) != (told is None) or not math.isclose(mean or 0.0, told or 0.0, rel_tol=1e-9, abs_tol=1e-12):
            raise _astray(path, f"has {mean} as the mean of {metric}, {store.SHEET} has {told}")


def _astray(path: Path, what: str) -> InputError:
    return InputError(f"{path}: {what}; run `eegbench evaluate` on it again, which scores it")
