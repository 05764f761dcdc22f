"""Values by stimulus: a run's scores.csv, written and read.

One row for each stimulus and sample; beside these two, a column for each metric, headed <metric>@<version>, with twelve
significant digits. An undefined value is empty. Metrics of a whole set have no column.
"""

import csv
import functools
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench.errors import InputError
from eegbench.files import MAX_RECORD_BYTES, check_name, is_inside
from eegbench.guards.budget import Budget, read_bytes

KEYS = ["stimulus", "sample"]
LONG = [*KEYS, "metric", "version", "value"]  # the head of schema version 1, which had a row for each value

Array = NDArray[np.float64]
MetricKey = tuple[str, int]  # id and version
ItemKey = tuple[str, int]  # stimulus and sample


@dataclass(frozen=True)
class ItemValues:
    """Each metric's value on each stimulus, the mean over its samples: (n,) in the order of `stimuli`, which is sorted.

    NaN is a value that is undefined.
    """

    stimuli: tuple[str, ...]
    metrics: Mapping[MetricKey, Array]


def write_values(metrics: Mapping[MetricKey, Array], stimuli: Sequence[str]) -> str:
    """The text of scores.csv; of each metric (samples, n) in the order of `stimuli`."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*KEYS, *(f"{name}@{version}" for name, version in metrics)])
    columns = [[[_word(value) for value in row] for row in items.tolist()] for items in metrics.values()]
    for sample in range(max((len(column) for column in columns), default=0)):
        of_sample = [column[sample] for column in columns]
        rows.writerows([stimulus, sample, *row] for stimulus, *row in zip(stimuli, *of_sample, strict=True))
    return text.getvalue()


def read_values(path: Path) -> ItemValues:
    """Read and check a scores.csv of any schema version; raises InputError naming the file and what is wrong."""
    data = read_bytes(path, MAX_RECORD_BYTES, "a table of values")
    Budget(str(path), len(data)).csv(data)
    try:
        return parse_values(data.decode())
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: cannot be read ({error})") from None


def parse_values(text: str) -> ItemValues:
    """The values in the text of a scores.csv; raises InputError."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = next(rows, [])
        if head == LONG:
            return _long(rows)
        if head[:2] != KEYS:
            raise InputError(f"begins with {','.join(head)[:200]!r}; wanted {','.join(KEYS)!r} and the metrics")
        return _wide(head, *(_plain(text) or _quoted(rows)))
    except (ValueError, csv.Error) as error:  # ValueError: a row of another length, no number
        raise InputError(f"cannot be read ({error})") from None


def _plain(text: str) -> tuple[list[ItemKey], Array] | None:
    """Keys and numbers of a table without quotes and empty values, twice as fast as the csv module; else None."""
    if any(mark in text for mark in ('"', "\r", ",,", ",\n")):
        return None
    rows = [line.split(",", 2) for line in text.split("\n")[1:-1]]
    if not rows or any(len(row) < 3 for row in rows):
        return None
    table = np.loadtxt([row[2] for row in rows], delimiter=",", comments=None, ndmin=2)
    return [(stimulus, int(sample)) for stimulus, sample, _ in rows], table


def _quoted(rows: Iterator[list[str]]) -> tuple[list[ItemKey], Array]:
    keys, table = [], []
    for stimulus, sample, *words in rows:
        keys.append((stimulus, int(sample)))
        table.append([float(word or "nan") for word in words])
    return keys, np.array(table, dtype=np.float64).reshape(len(keys), -1 if table else 0)


def _wide(head: Sequence[str], keys: Sequence[ItemKey], table: Array) -> ItemValues:
    metrics = [_metric(word) for word in head[2:]]
    if len({name for name, _ in metrics}) < len(metrics):
        raise InputError("heads two columns with one metric")
    if len(keys) and table.shape[1] != len(metrics):
        raise InputError(f"its rows have {table.shape[1]} values; wanted {len(metrics)}")
    return _means(keys, metrics, table.reshape(len(keys), len(metrics)))


def _long(rows: Iterator[list[str]]) -> ItemValues:
    by_metric: dict[MetricKey, dict[tuple[str, int], float]] = {}
    for stimulus, sample, metric, version, value in rows:
        values = by_metric.setdefault(_metric(f"{metric}@{version}"), {})
        if (stimulus, int(sample)) in values:
            raise InputError(f"has {metric[:100]} of stimulus {stimulus[:200]!r}, sample {sample[:20]}, twice")
        values[stimulus, int(sample)] = float(value) if value else math.nan
    keys = sorted(set().union(*by_metric.values()))
    for (metric, _), values in by_metric.items():
        if len(values) < len(keys):
            lost = next(key for key in keys if key not in values)
            raise InputError(f"has no {metric[:100]} of stimulus {lost[0][:200]!r}, sample {lost[1]}")
    table = np.array([[values[key] for values in by_metric.values()] for key in keys], dtype=np.float64)
    return _means(keys, list(by_metric), table.reshape(len(keys), len(by_metric)))


def _metric(word: str) -> MetricKey:
    name, _, version = word.rpartition("@")
    if not version.isdecimal() or len(version) > 9 or int(version) < 1:
        raise InputError(f"has a column {word[:200]!r}; wanted <metric>@<version>")
    return check_name("metric", name), int(version)


def _means(keys: Sequence[ItemKey], metrics: Sequence[MetricKey], table: Array) -> ItemValues:
    if np.isinf(table).any():
        raise InputError("holds an infinite value")
    order = sorted(range(len(keys)), key=keys.__getitem__)
    ordered = [keys[i] for i in order]
    stimuli = _stimuli(tuple(dict.fromkeys(stimulus for stimulus, _ in ordered)))
    samples, left = divmod(len(keys), max(1, len(stimuli)))
    if left or ordered != [(stimulus, sample) for stimulus in stimuli for sample in range(samples)]:
        raise InputError("does not have each stimulus once for each sample, samples counted from 0")
    means = table[order].reshape(len(stimuli), samples, len(metrics)).mean(axis=1) if stimuli else table
    return ItemValues(stimuli, dict(zip(metrics, np.ascontiguousarray(means.T), strict=True)))


@functools.lru_cache(maxsize=16)
def _stimuli(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same tuple for the same names, checked once: runs share their stimuli."""
    if astray := next((name for name in names if not is_inside(name)), None):
        raise InputError(f"names the stimulus {astray[:200]!r}; wanted an image's path without suffix")
    return names


def _word(value: float) -> str:
    return f"{value:.12g}" if math.isfinite(value) else ""
