"""What a curve can go over: how each value changes the options of a run, and the values where none are given."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eegbench.arrays import EEGInfo
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import dataset_of
from eegbench.configuration import keys
from eegbench.contracts import Dataset
from eegbench.datasets.regions import REGIONS, regions_of
from eegbench.datasets.views import View, channels_of, window_of
from eegbench.errors import UsageError, unknown
from eegbench.plugins import entering, registry
from eegbench.runs.record import RunSpec

ALL = "all"
AVERAGES = ("1", "2", "5", "10", "20", "40", ALL)
REPETITIONS = ("1", "2", "3", "4", "5", "6", "7", "8")
CALIBRATIONS = ("0", "50", "200", "1000")
PARTS = (16, 8, 4, 2, 1)  # of the training stimuli, and of the others
SHARES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)  # of a number's own value
SLACK = 1e-9  # s


@dataclass(frozen=True)
class Windows:
    """The windows of a curve over time. width: they slide in steps of `step` s; without it they grow by it from 0."""

    step: float = 0.1
    width: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("step", self.step), ("width", self.width)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} {value}; wanted a number of s above 0")

    def of(self, info: EEGInfo) -> list[str]:
        """As words, "0:0.1" and so on, inside the recording; raises UsageError where none is."""
        end = info.start + info.times / info.rate
        start = info.start if self.width is not None else max(0.0, info.start)
        words = []
        for k in range(math.floor((end - start) / self.step + SLACK) + 1):
            window = (start + k * self.step, start + k * self.step + (self.width or 0))
            if self.width is None:
                window = (start, start + (k + 1) * self.step)
            if window[1] <= end + SLACK:
                words.append(":".join(f"{time:g}" for time in (round(t, 6) + 0.0 for t in window)))
        if not words:
            raise UsageError(f"no window of {self.width or self.step:g} s in a recording of {end - info.start:g} s")
        return words


@dataclass(frozen=True)
class Axis:
    """What a curve goes over. label: of the figure's axis. at: the options of a value; usual: the values by default.

    part: the field of RunSpec that changes, where it is one of the protocol.
    """

    name: str
    label: str
    at: Callable[[Options, str], Options]
    usual: Callable[[], Sequence[str]]
    part: str = ""

    def shared(self, spec: RunSpec) -> RunSpec:
        """The specification of a point without what the curve goes over."""
        key = self.name.replace("-", "_")
        usual: dict[str, Any] = {"average": "all", "others": 0, "calibration": 0}
        usual["view"] = {name: value for name, value in spec.view.items() if name != key}
        return dataclasses.replace(spec, **{self.part: usual[self.part]}) if self.part else spec

    def place(self, value: str) -> float | None:
        """Where a value stands along the axis; None where it is a name."""
        if self.name == "window":
            start, end = window_of(value)
            return round((start + end) / 2 if self.label.startswith("middle") else end, 6)
        try:
            return float(value)
        except ValueError:
            return None


def axis_of(over: str, method: str, subject: int, options: Options, windows: Windows) -> Axis:
    """The axis of this name; raises UsageError for one that is none, with those that there are."""
    dataset = dataset_of(options)
    protocol = _protocols(dataset, subject, options, windows)
    if over in protocol:
        return protocol[over]
    table, key = _key(method, options.dataset, over, list(protocol))

    def at(options: Options, value: str) -> Options:
        changes: dict[str, Any] = {table: {**getattr(options, table), key: value}}
        return dataclasses.replace(options, **changes)

    def usual() -> list[str]:
        return [f"{share * _own_value(method, options, table, key):g}" for share in SHARES]

    return Axis(over, over, at, usual)


def _protocols(dataset: Dataset, subject: int, options: Options, windows: Windows) -> dict[str, Axis]:
    """The axes that change the protocol of a run and nothing else."""
    others = len([s for s in dataset.subjects if s != subject])

    @functools.cache
    def stimuli() -> int:
        strangers = options.train_on == "others"  # a stranger is asked for nothing
        whose = next((other for other in sorted(dataset.subjects) if strangers and other != subject), subject)
        return len(entering.train(dataset, whose).stimuli)

    def all_or_fewer(value: str) -> int | None:
        return None if whole(value) == stimuli() else whole(value)

    def average(options: Options, value: str) -> Options:
        return dataclasses.replace(options, average=value)

    def view(name: str, read: Callable[[str], object]) -> Callable[[Options, str], Options]:
        def at(options: Options, value: str) -> Options:
            kept = {key: old for key, old in options.view.items() if key != name}
            seen = View.of(kept if value == ALL else {**kept, name: read(value)})
            return dataclasses.replace(options, view=seen.described())

        return at

    def repetitions(options: Options, value: str) -> Options:
        return dataclasses.replace(options, dataset_table={**options.dataset_table, "train_repetitions": whole(value)})

    def people(options: Options, value: str) -> Options:
        count = 0 if value == ALL or whole(value) == others else whole(value)
        return dataclasses.replace(options, train_on="others", others=count)

    def calibration(options: Options, value: str) -> Options:
        return dataclasses.replace(options, train_on="others", calibration=whole(value))

    edge = "middle of the window" if windows.width else "end of the window"
    return {
        axis.name: axis
        for axis in (
            Axis("average", "repetitions of a test stimulus, averaged", average, lambda: AVERAGES, "average"),
            Axis(
                "window",
                f"{edge}, s from stimulus onset",
                view("window", lambda value: list(window_of(value))),
                lambda: windows.of(entering.info(dataset)),
                "view",
            ),
            Axis(
                "channels",
                "channels",
                view("channels", lambda value: list(channels_of(value))),
                lambda: [*(region for region in REGIONS if region in regions_of(entering.info(dataset).channels)), ALL],
                "view",
            ),
            Axis(
                "train-stimuli",
                "training stimuli",
                view("train_stimuli", all_or_fewer),
                lambda: _shares(stimuli()),
                "view",
            ),
            Axis("train-repetitions", "repetitions of a training stimulus", repetitions, lambda: REPETITIONS),
            Axis(
                "subjects",
                "other people trained on",
                people,
                lambda: _shares(others),
                "others",
            ),
            Axis("calibration", "the subject's own training stimuli", calibration, lambda: CALIBRATIONS, "calibration"),
        )
    }


def _shares(count: int) -> list[str]:
    """What PARTS are of so many, from 1, each once."""
    return [str(share) for share in sorted({max(1, count // part) for part in PARTS})] if count else []


def whole(value: str) -> int:
    """The value as a whole number from 0; raises UsageError."""
    if not (value.isascii() and value.isdecimal() and len(value) < 7):
        raise UsageError(f"{value!r} is no value for this curve; wanted a whole number")
    return int(value)


def _key(method: str, dataset: str, key: str, protocol: Sequence[str]) -> tuple[str, str]:
    """The table that has the key, and the key's name in it: "dataset.snr" and "snr" are the data set's."""
    tables = {"dataset_table": list(keys(registry.find("dataset", dataset)))}
    tables["method_table"] = list(keys(registry.find("method", method)))
    prefix, _, rest = key.partition(".")
    for table, names in tables.items():
        if prefix == table.removesuffix("_table") and rest in names:
            return table, rest
        if key in names:
            return table, key
    known = [*protocol, *(f"dataset.{name}" for name in tables["dataset_table"]), *tables["method_table"]]
    raise unknown("key", key, known)


def _own_value(method: str, options: Options, table: str, name: str) -> float:
    """The key's value where it is not varied: that of the given configuration, or else the default of the class."""
    kind, which = ("dataset", options.dataset) if table == "dataset_table" else ("method", method)
    given = {key: value for key, value in getattr(options, table).items() if key != "embeddings"}
    value = registry.built(kind, which, given)
    for part in name.split("."):
        value = getattr(value, part)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value:
        raise UsageError(f"{name} is {value!r}, which has no multiples; give --values")
    return float(value)
