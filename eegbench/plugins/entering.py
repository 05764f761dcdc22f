"""The outputs of data sets, judges and metrics, checked once, with errors that name where they came from.

Training EEG of our own data sets that lies on disk was checked when it was prepared, and `datasets verify` reads it
again, so that its values are not read here. All other EEG is read whole, a part at a time.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEGInfo, check_eeg, check_images
from eegbench.contracts import CAPTION_LEVELS, Answers, Backbone, Dataset, Metric, Queries, TrainingSet
from eegbench.errors import InputError, short
from eegbench.files import is_inside
from eegbench.guards.limits import SHA256
from eegbench.plugins.authors import author_of, is_own
from eegbench.runs.record import MAX_VALUE

SLACK = 1e-9  # sums of 10^6 products in float64 stray by less; no definition of a metric is that fine

Array = NDArray[np.float64]


def info(dataset: Dataset) -> EEGInfo:
    """The EEGInfo of a data set; raises InputError, or AuthorError."""
    with _of(dataset, "info"):
        declared = dataset.info
    _kind(declared, EEGInfo, f"data set {dataset.name!r}: info")
    return declared


def train(dataset: Dataset, subject: int) -> TrainingSet:
    """A data set's training data, checked; raises InputError naming what breaks the contract, or AuthorError."""
    who = f"data set {dataset.name!r}, train of subject {subject}"
    with _of(dataset, "train"):
        data = dataset.train(subject)
    _kind(data, TrainingSet, who)
    _pictures(who, data.stimuli, data.images, data.concepts)
    prepared = is_own(dataset) and isinstance(data.eeg, np.memmap)
    _eeg(who, dataset, data.eeg, data.info, unread=prepared)
    shown, n = _array(data.shown, f"{who}: shown"), len(data.stimuli)
    if shown.dtype != np.int64 or shown.shape != (len(data.eeg),):
        raise InputError(f"{who}: shown is {shown.dtype} {shown.shape}; wanted int64 ({len(data.eeg)},), by trial")
    if shown.min() < 0 or shown.max() >= n:
        raise InputError(f"{who}: shown goes from {shown.min()} to {shown.max()}; wanted places of {n} stimuli, from 0")
    if type(data.subject) is not int or data.subject != subject:
        raise InputError(f"{who}: comes with subject {data.subject!r}")
    _captions(who, data)
    return data


def queries(dataset: Dataset, subject: int, *, average: int | str = "all") -> Queries:
    """A data set's test EEG, checked; raises InputError naming what breaks the contract, or AuthorError."""
    who = f"data set {dataset.name!r}, queries of subject {subject}"
    with _of(dataset, "queries"):
        data = dataset.queries(subject, average=average)
    _kind(data, Queries, who)
    _stimuli(who, data.stimuli)
    _eeg(who, dataset, data.eeg, data.info)
    if len(data.eeg) != len(data.stimuli):
        raise InputError(f"{who}: {len(data.eeg)} trials came with {len(data.stimuli)} stimulus ids; wanted as many")
    return data


def answers(dataset: Dataset, subject: int, *, asked: Collection[str] | None = None) -> Answers:
    """A data set's test images, checked, of just the stimuli that were `asked` where these are given.

    Raises InputError naming what breaks the contract, or AuthorError.
    """
    who = f"data set {dataset.name!r}, answers of subject {subject}"
    with _of(dataset, "answers"):
        data = dataset.answers(subject)
    _kind(data, Answers, who)
    _pictures(who, data.stimuli, data.images, data.concepts)
    for wrong, problem in (
        (set(asked or ()) - set(data.stimuli), "queries have no answer"),
        (set(data.stimuli) - set(asked) if asked is not None else (), "answers were never asked for"),
    ):
        if wrong:
            raise InputError(f"{who}: {len(wrong)} {problem}, {min(wrong)!r} the first of them; ids must be the same")
    return data


def digests(dataset: Dataset, subject: int) -> dict[str, str]:
    """sha256 by name of the files that a subject's data come from; raises InputError, or AuthorError."""
    who = f"data set {dataset.name!r}, digests of subject {subject}"
    with _of(dataset, "digests"):
        sha256_of = dataset.digests(subject)
    _kind(sha256_of, dict, who)
    for name, sha256 in sha256_of.items():
        if not (isinstance(name, str) and isinstance(sha256, str) and SHA256.fullmatch(sha256)):
            raise InputError(f"{who}: {name!r} has {short(sha256)}; wanted a sha256 of 64 hex digits")
    return sha256_of


def features(judge: Backbone, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """The features that a judge gives of images (n, h, w, 3): all that it provides, a finite row for each image.

    Raises InputError naming the judge and what is wrong, or AuthorError.
    """
    who = f"judge {judge.name!r}"
    with author_of("judge", judge.name, judge, "embed"):
        given = judge.embed(images)
    _kind(given, Mapping, f"{who}: embed")
    if lost := [name for name in judge.provides if name not in given]:
        raise InputError(f"{who} gives no {lost[0]!r}, which it says that it provides")
    return {name: _rows(f"{who}: {name}", given[name], len(images)) for name in judge.provides}


def compute(
    metric: Metric,
    reconstructions: NDArray[np.generic],
    truths: NDArray[np.generic],
    stimuli: Sequence[str] | None = None,
) -> Array:
    """A metric's values, float64 (n,) or (), inside its bounds; NaN is an undefined one.

    stimuli: what each item shows, handed on where it is given: to metrics with `rivals`. What is outside by rounding
    alone is set to the bound. Raises InputError naming the metric for anything else, what the metric raises on purpose,
    or AuthorError.
    """
    sides = _sides(metric, reconstructions, truths)
    call: Callable[..., Any] = metric.compute
    with author_of("metric", metric.id, metric, "compute"):
        given = call(*sides) if stimuli is None else call(*sides, stimuli=stimuli)
    return _values(metric, f"metric {metric.id!r}", given, (len(reconstructions),) if metric.per_item else ())


def reduced(metric: Metric, features: NDArray[np.generic]) -> NDArray[np.generic]:
    """What a metric keeps of each item for `pairs`; raises InputError unless it has a row for each, or AuthorError."""
    (guarded,) = _sides(metric, features)
    with author_of("metric", metric.id, metric, "reduced"):
        given = metric.reduced(guarded)
    rows = _array(given, f"metric {metric.id!r}, reduced")
    if rows.shape[:1] != (len(features),):
        raise InputError(f"metric {metric.id!r}: reduced gave {rows.shape} for {len(features)} items; a row for each")
    return rows


def pairs(
    metric: Metric, reconstructions: NDArray[np.generic], truths: NDArray[np.generic], stimuli: Sequence[str]
) -> Array:
    """The score of each reconstruction against each truth, float64 (b, m), inside the metric's bounds, or NaN.

    Both sides are `reduced`, stimuli say what the truths show. Raises as `compute`.
    """
    sides = _sides(metric, reconstructions, truths)
    with author_of("metric", metric.id, metric, "pairs"):
        given = metric.pairs(*sides, stimuli=stimuli)
    return _values(metric, f"metric {metric.id!r}: pairs", given, (len(reconstructions), len(truths)))


def _sides(metric: Metric, *sides: NDArray[np.generic]) -> tuple[NDArray[np.generic], ...]:
    return sides if is_own(metric) else tuple(_guarded(side) for side in sides)


def _values(metric: Metric, who: str, given: Any, shape: tuple[int, ...]) -> Array:
    """Numbers of this shape inside the metric's bounds, NaN allowed."""
    raw = _array(np.asarray(given) if np.isscalar(given) else given, who)
    if raw.dtype.kind not in "fiub" or raw.shape != shape:
        raise InputError(f"{who} gave {raw.dtype} of shape {raw.shape}; wanted float64, {shape}")
    values = raw.astype(np.float64)
    low, high = metric.bounds
    if (wrong := np.isinf(values)).any():
        raise InputError(f"{who} gave {values[wrong][0]} for {wrong.sum()} of {values.size}; NaN says undefined")
    below, above = values < low - SLACK * max(1.0, abs(low)), values > high + SLACK * max(1.0, abs(high))
    if (wrong := (below | above)).any():
        raise InputError(f"{who} gave {values[wrong][0]:.12g}, outside its bounds {low:g} to {high:g}")
    if (wrong := np.abs(values) > MAX_VALUE).any():
        raise InputError(f"{who} gave {values[wrong][0]:g}; at most {MAX_VALUE:g} is kept")
    return np.clip(values, low, high)


def _of(dataset: Dataset, call: str) -> Any:
    return author_of("data set", dataset.name, dataset.owner, call)


def _kind(given: object, wanted: type, who: str) -> None:
    if not isinstance(given, wanted):
        raise InputError(f"{who} gave {short(given)}; wanted {wanted.__name__}")


def _array(given: Any, who: str) -> NDArray[Any]:
    if not isinstance(given, np.ndarray):
        raise InputError(f"{who} gave a {type(given).__name__}; wanted an array")
    if isinstance(given, np.ma.MaskedArray):
        raise InputError(f"{who} gave a masked array, and what is masked is no number; wanted a plain one")
    return given


def _stimuli(who: str, stimuli: Any) -> None:
    if not isinstance(stimuli, tuple) or not stimuli:
        raise InputError(f"{who}: stimuli are {short(stimuli)}; wanted a tuple of ids, one or more")
    if wrong := next((name for name in stimuli if not (isinstance(name, str) and is_inside(name))), None):
        raise InputError(f"{who}: the stimulus id {short(wrong)} names no file; wanted a path below a folder")
    if len(set(stimuli)) < len(stimuli):
        twice = len(stimuli) - len(set(stimuli))
        raise InputError(f"{who}: {twice} stimulus ids come twice, as {_repeated(stimuli)!r}; each stands once")


def _pictures(who: str, stimuli: Any, images: Any, concepts: Any) -> None:
    """Ids, and for each an image and a concept."""
    _stimuli(who, stimuli)
    try:
        check_images(_array(images, f"{who}: images"), count=len(stimuli))
    except InputError as error:
        raise InputError(f"{who}: {str(error).removeprefix(f'{who}: ')}") from None
    _words(f"{who}: concepts", concepts, len(stimuli))


def _words(what: str, words: Any, count: int) -> None:
    if not isinstance(words, tuple) or len(words) != count:
        came = f"{len(words)} in a {type(words).__name__}" if isinstance(words, Sequence) else short(words)
        raise InputError(f"{what} are {came}; wanted a tuple of {count}, one for each stimulus")
    if wrong := [word for word in words if not (isinstance(word, str) and word.strip())]:
        raise InputError(f"{what}: {short(wrong[0])} is no word")


def _captions(who: str, data: TrainingSet) -> None:
    captions, most = data.captions, len(CAPTION_LEVELS)
    if not isinstance(captions, tuple) or len(captions) != len(data.stimuli):
        raise InputError(f"{who}: captions are {short(captions)}; wanted a tuple of one tuple for each stimulus")
    for stimulus, of_stimulus in zip(data.stimuli, captions, strict=True):
        if not isinstance(of_stimulus, tuple) or len(of_stimulus) not in (0, most):
            raise InputError(
                f"{who}: {stimulus!r} has the captions {short(of_stimulus)}; wanted a tuple of {most}, or none"
            )
        _words(f"{who}: captions of {stimulus!r}", of_stimulus, len(of_stimulus))


def _eeg(who: str, dataset: Dataset, eeg: Any, declared: Any, *, unread: bool = False) -> None:
    """EEG as the data set's info says; its values are read through unless they are `unread`."""
    expected = info(dataset)
    _kind(declared, EEGInfo, f"{who}: info")
    if declared != expected:
        other = [
            field.name for field in fields(EEGInfo) if getattr(declared, field.name) != getattr(expected, field.name)
        ]
        raise InputError(f"{who}: its EEGInfo has another {' and '.join(other)} than the data set's own info")
    try:
        if len(_array(eeg, "EEG")) < 1:
            raise InputError("no trial of EEG came; wanted one or more")
        check_eeg(eeg[:1] if unread else eeg, declared)
    except InputError as error:
        raise InputError(f"{who}: {error}") from None


def _rows(what: str, given: Any, count: int) -> NDArray[Any]:
    rows = _array(given, what)
    if rows.ndim < 1 or len(rows) != count or rows.dtype.kind not in "fiu" or not rows.size:
        raise InputError(
            f"{what} is {rows.dtype} of shape {rows.shape} for {count} images; wanted numbers, a row for each"
        )
    wrong = ~np.isfinite(rows.reshape(count, -1)).all(axis=1)
    if wrong.any():
        raise InputError(f"{what} is NaN or infinite for {wrong.sum()} of {count} images; check the judge's weights")
    return rows


def _guarded(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """A view that cannot be written to: other metrics read the same array."""
    view = array.view()
    view.flags.writeable = False
    return view


def _repeated(names: Sequence[str]) -> str:
    return Counter(names).most_common(1)[0][0]
