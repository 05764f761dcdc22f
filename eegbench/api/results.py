"""The results of evaluating and scoring: a Sheet of scores, and a Run with its images, floors and ceilings."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegbench.api import notebook, report
from eegbench.api.arguments import Place, place
from eegbench.api.border import own_errors
from eegbench.datasets.images import Picture, read_image
from eegbench.errors import EegbenchError, InputError, unknown
from eegbench.files import write_output
from eegbench.runs import layout
from eegbench.runs.folder import Run as Read
from eegbench.runs.record import RunRecord
from eegbench.runs.seal import AGAIN
from eegbench.runs.sheet import Score, ScoreSheet

if TYPE_CHECKING:
    from pandas import DataFrame

Items = Mapping[str, NDArray[np.float64]]  # by metric, (n,)


@dataclass(frozen=True, eq=False)
class Sheet:
    """The scores of one set of images: a row for each metric. `sheet["clip"]` is a value, `frame()` all of them.

    record: what scores.json holds, with digests of judges, truths and images.
    """

    record: ScoreSheet
    _items: Callable[[], tuple[tuple[str, ...], Items]] = field(repr=False)

    def __getitem__(self, metric: str) -> float:
        """A metric's value; NaN where it has none (`frame()` says why). Raises UsageError for an unknown metric."""
        if not isinstance(metric, str) or metric not in self.record.metrics:
            raise unknown("metric", str(metric), self.record.metrics)
        return _number(self.record.metrics[metric].value)

    def frame(self) -> "DataFrame":
        """A row for each metric, in the order in which they are shown.

        metric, version; value, low, high: the 95 % interval over stimuli; chance: what chance gives; and at the end
        permuted, adds, adds_low, adds_high, p: of a run that was audited, as `Run.scores`; higher_is_better, items:
        how many stimuli the value stands on, variant and unverified: of the judge, and reason: why there is no value,
        or one to be doubted. What is unknown is NaN.
        """
        return _frame(self.record, {})

    @property
    def items(self) -> "DataFrame":
        """Each stimulus's values, the mean over its samples: a row for each, by id, and a column for each metric.

        NaN is undefined. Metrics of a whole set (is, kid, fid) have no column. Raises InputError where the table of a
        run was changed, or the run was scored again since.
        """
        return frame_of_items(*self._items())

    def to_json(self) -> str:
        """The text of scores.json: the same as of `eegbench score --json`."""
        return self.record.to_json()

    def save(self, path: Place) -> Path:
        """Write `to_json()` to a file; raises UsageError or MissingError where it cannot be written."""
        file = place("path", path)
        write_output(file, self.to_json(), mend="choose another file")
        return file

    def __str__(self) -> str:
        return report.show(self.record, title="Scores", floors={}, ceilings={}, width=None)

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        return notebook.block(_html(self.record, {}, {}))


class RunImages(Mapping[str, Picture]):
    """A run's images by stimulus id, uint8 (h, w, 3), read when asked for; a further sample is <id>.sample-1.

    Raises InputError for an image that is not the one that the run wrote, and for an id that it has not: that error is
    a KeyError too.
    """

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self._run = Read(folder, record)
        self._rows = {layout.image_name(row.stimulus, row.sample): row for row in record.manifest}

    def __getitem__(self, stimulus: str) -> Picture:
        if stimulus not in self:
            raise UnknownImage(str(unknown("stimulus", str(stimulus), self._rows)))
        row = self._rows[stimulus]
        with own_errors():
            return read_image(self._run.checked(row.file, row.sha256))

    def __contains__(self, stimulus: object) -> bool:
        return isinstance(stimulus, str) and stimulus in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<{len(self)} images of {self._run.folder}>"


class UnknownImage(InputError, KeyError):
    """An id that a run has no image of; a mapping raises a KeyError."""

    def __str__(self) -> str:
        return EegbenchError.__str__(InputError(*self.args))


@dataclass(frozen=True, eq=False)
class Run:
    """A complete and scored run: `scores` is its table, `images` its reconstructions, `verdict` that of the audit.

    folder: where it lies. sheet: its scores; floors, ceilings: those of the runs that stand beside it, by name.
    simulated: whether its EEG is. caution: what every table of its data set must say. seconds: by stage, and notes:
    what a user should know of this evaluation; both are empty for a run of `open_run`.
    """

    folder: Path
    sheet: Sheet
    floors: Mapping[str, Sheet]
    ceilings: Mapping[str, Sheet]
    simulated: bool
    caution: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    _home: Path = field(init=False, repr=False)  # the folder, wherever the caller's working directory moves

    def __post_init__(self) -> None:
        object.__setattr__(self, "_home", self.folder.absolute())

    @property
    def scores(self) -> "DataFrame":
        """A row for each metric: `Sheet.frame` with, behind chance, a floor and a ceiling.

        floor, ceiling: the best of all floors, and of all ceilings, that have a value on the metric: the least
        flattering pair, as on a board; chance, which a board counts among the floors, stands beside them. permuted: the
        same metric on EEG permuted between the stimuli; adds: value minus permuted, signed so that up is better, with
        its 95 % interval adds_low, adds_high; p: of no contribution, adjusted for the number of metrics.
        """
        return _frame(self.sheet.record, {"floor": self.floors, "ceiling": self.ceilings})

    @functools.cached_property
    def record(self) -> RunRecord:
        """What run.json holds: specification, environment, digests, and the manifest of images."""
        return RunRecord.read(self._home / layout.RECORD)

    @functools.cached_property
    def images(self) -> Mapping[str, Picture]:
        """The reconstructions by stimulus id, uint8 (h, w, 3), each read when it is asked for."""
        return RunImages(self._home, self.record)

    @property
    def verdict(self) -> str:
        """The audit's verdict on whether the EEG contributes; "" for a run that was not audited."""
        return self.sheet.record.verdict

    @property
    def items(self) -> "DataFrame":
        """Each stimulus's values, as `Sheet.items`."""
        return self.sheet.items

    @property
    def picture(self) -> Path:
        """The PNG of twelve stimuli: truth, control map, reconstruction, reconstruction from permuted EEG."""
        return self.folder / layout.PICTURE

    def __repr__(self) -> str:
        return f"<Run {self.folder}>"

    def __str__(self) -> str:
        floors, ceilings = ({name: s.record for name, s in kind.items()} for kind in (self.floors, self.ceilings))
        title = f"{report.origin(self.simulated)}\n{self.folder}"
        return report.show(self.sheet.record, title=title, floors=floors, ceilings=ceilings, width=None)

    def _repr_html_(self) -> str:
        """What a notebook shows: the table of scores beside floors and ceilings, and the run's picture."""
        spec = self.record.spec
        title = f"{spec.method} on {spec.dataset}, subject {spec.subject}, track {spec.track}, seed {spec.seed}"
        floors, ceilings = ({name: s.record for name, s in kind.items()} for kind in (self.floors, self.ceilings))
        return notebook.block(
            notebook.paragraph(title, strong=True),
            notebook.paragraph(report.origin(self.simulated), warning=self.simulated),
            notebook.paragraph(self.caution, warning=True),
            _html(self.sheet.record, floors, ceilings),
            notebook.picture(self._home / layout.PICTURE, f"Twelve stimuli and their reconstructions: {title}"),
        )


def sheet_of(folder: Path, record: ScoreSheet) -> Sheet:
    """A run's sheet; its values by stimulus are read when they are asked for."""
    return Sheet(record, functools.partial(_values_in, folder.absolute(), record))


def _values_in(folder: Path, record: ScoreSheet) -> tuple[tuple[str, ...], Items]:
    run = Read.open(folder, manifest=False)
    if run.sheet is None or run.sheet.to_json() != record.to_json():
        raise InputError(f"{folder}: has other scores by now than these; open_run reads the new ones")
    return values_of(run)


def values_of(run: Read) -> tuple[tuple[str, ...], Items]:
    """The stimuli of a run that was read, and each metric's values on them; raises InputError where there are none."""
    if run.values is None:
        raise InputError(f"{run.folder}: has no values by stimulus; {AGAIN}")
    return run.values.stimuli, {name: values for (name, _), values in run.values.metrics.items()}


def frame_of_items(stimuli: tuple[str, ...], items: Items) -> "DataFrame":
    """A row for each stimulus, by id, and a column for each metric."""
    import pandas as pd

    return pd.DataFrame(dict(items), index=pd.Index(stimuli, name="stimulus"), dtype=float)


def _html(sheet: ScoreSheet, floors: Mapping[str, ScoreSheet], ceilings: Mapping[str, ScoreSheet]) -> str:
    parts = [notebook.paragraph(report.judged(sheet)), notebook.table(report.columns(sheet, floors, ceilings))]
    parts += [notebook.paragraph(reason) for reason in report.reasons(sheet)]
    parts += [notebook.paragraph(f"Audit: {sheet.verdict}")] if sheet.verdict else []
    return "".join(parts)


def _frame(sheet: ScoreSheet, beside: Mapping[str, Mapping[str, Sheet]]) -> "DataFrame":
    import pandas as pd

    rows = [_row(name, score, sheet.n, beside) for name, score in sheet.metrics.items()]
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else None)


def _row(name: str, score: Score, n: int, beside: Mapping[str, Mapping[str, Sheet]]) -> dict[str, Any]:
    low, high = score.ci or (None, None)
    adds_low, adds_high = score.contribution_ci or (None, None)
    best = {kind: _best(name, score, others) for kind, others in beside.items()}
    numbers = {"value": score.value, "low": low, "high": high, "chance": score.floor, **best}
    numbers |= {"permuted": score.permuted, "adds": score.contribution, "adds_low": adds_low, "adds_high": adds_high}
    numbers |= {"p": score.contribution_p}
    items = n if score.items is None else score.items
    facts = {"higher_is_better": score.higher_is_better, "items": items, "variant": score.variant}
    facts |= {"unverified": score.unverified, "reason": score.reason}
    return {
        "metric": name,
        "version": score.version,
        **{key: _number(value) for key, value in numbers.items()},
        **facts,
    }


def _best(metric: str, score: Score, others: Mapping[str, Sheet]) -> float | None:
    """The best value of other sheets on the same version of a metric, by the same variant of its judge."""
    scores = [sheet.record.metrics[metric] for sheet in others.values() if metric in sheet.record.metrics]
    alike = [other for other in scores if (other.version, other.variant) == (score.version, score.variant)]
    values = [other.value for other in alike if other.value is not None]
    if not values:
        return None
    return max(values) if score.higher_is_better else min(values)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
