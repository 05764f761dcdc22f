"""Where data sets, judges and metrics of any origin hand something over: checked here, once, under their name.

Training EEG of our own data sets that lies on disk was checked when it was prepared, and `datasets verify` reads it
again; its values are not read through here. All others are, a part at a time.
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
    """What a data set says of its EEG; raises InputError, or AuthorError."""
    with _of(dataset, "info"):
        found = dataset.info
    _kind(found, EEGInfo, f"data set {dataset.name!r}: info")
    return found


def train(dataset: Dataset, subject: int) -> TrainingSet:
    """A data set's training data, checked; raises InputError naming what breaks the contract, or AuthorError."""
    said = f"data set {dataset.name!r}, train of subject {subject}"
    with _of(dataset, "train"):
        found = dataset.train(subject)
    _kind(found, TrainingSet, said)
    _pictures(said, found.stimuli, found.images, found.concepts)
    prepared = is_own(dataset) and isinstance(found.eeg, np.memmap)
    _eeg(said, dataset, found.eeg, found.info, unread=prepared)
    shown, n = _array(found.shown, f"{said}: shown"), len(found.stimuli)
    if shown.dtype != np.int64 or shown.shape != (len(found.eeg),):
        raise InputError(f"{said}: shown is {shown.dtype} {shown.shape}; wanted int64 ({len(found.eeg)},), by trial")
    if shown.min() < 0 or shown.max() >= n:
        raise InputError(
            f"{said}: shown goes from {shown.min()} to {shown.max()}; wanted places of {n} stimuli, from 0"
        )
    if type(found.subject) is not int or found.subject != subject:
        raise InputError(f"{said}: comes with subject {found.subject!r}")
    _captions(said, found)
    return found


def queries(dataset: Dataset, subject: int, *, average: int | str = "all") -> Queries:
    """A data set's test EEG, checked; raises InputError naming what breaks the contract, or AuthorError."""
    said = f"data set {dataset.name!r}, queries of subject {subject}"
    with _of(dataset, "queries"):
        found = dataset.queries(subject, average=average)
    _kind(found, Queries, said)
    _stimuli(said, found.stimuli)
    _eeg(said, dataset, found.eeg, found.info)
    if len(found.eeg) != len(found.stimuli):
        raise InputError(f"{said}: {len(found.eeg)} trials came with {len(found.stimuli)} stimulus ids; wanted as many")
    return found


def answers(dataset: Dataset, subject: int, *, asked: Collection[str] | None = None) -> Answers:
    """A data set's test images, checked, of just the stimuli that were `asked` where these are given.

    Raises InputError naming what breaks the contract, or AuthorError.
    """
    said = f"data set {dataset.name!r}, answers of subject {subject}"
    with _of(dataset, "answers"):
        found = dataset.answers(subject)
    _kind(found, Answers, said)
    _pictures(said, found.stimuli, found.images, found.concepts)
    for wrong, told in (
        (set(asked or ()) - set(found.stimuli), "queries have no answer"),
        (set(found.stimuli) - set(asked) if asked is not None else (), "answers were never asked for"),
    ):
        if wrong:
            raise InputError(f"{said}: {len(wrong)} {told}, {min(wrong)!r} the first of them; ids must be the same")
    return found


def digests(dataset: Dataset, subject: int) -> dict[str, str]:
    """sha256 by name of the files that a subject's data come from; raises InputError, or AuthorError."""
    said = f"data set {dataset.name!r}, digests of subject {subject}"
    with _of(dataset, "digests"):
        found = dataset.digests(subject)
    _kind(found, dict, said)
    for name, sha256 in found.items():
        if not (isinstance(name, str) and isinstance(sha256, str) and SHA256.fullmatch(sha256)):
            raise InputError(f"{said}: {name!r} has {short(sha256)}; wanted a sha256 of 64 hex digits")
    return found


def features(judge: Backbone, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """What a judge makes of images (n, h, w, 3): all that it provides, a finite row for each image.

    Raises InputError naming the judge and what is wrong, or AuthorError.
    """
    said = f"judge {judge.name!r}"
    with author_of("judge", judge.name, judge, "embed"):
        found = judge.embed(images)
    _kind(found, Mapping, f"{said}: embed")
    if lost := [name for name in judge.provides if name not in found]:
        raise InputError(f"{said} gives no {lost[0]!r}, which it says that it provides")
    return {name: _rows(f"{said}: {name}", found[name], len(images)) for name in judge.provides}


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
        found = metric.reduced(guarded)
    rows = _array(found, f"metric {metric.id!r}, reduced")
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


def _values(metric: Metric, said: str, given: Any, shape: tuple[int, ...]) -> Array:
    """Numbers of this shape inside the metric's bounds, NaN allowed."""
    raw = _array(np.asarray(given) if np.isscalar(given) else given, said)
    if raw.dtype.kind not in "fiub" or raw.shape != shape:
        raise InputError(f"{said} gave {raw.dtype} of shape {raw.shape}; wanted float64, {shape}")
    values = raw.astype(np.float64)
    low, high = metric.bounds
    if (wrong := np.isinf(values)).any():
        raise InputError(f"{said} gave {values[wrong][0]} for {wrong.sum()} of {values.size}; NaN says undefined")
    below, above = values < low - SLACK * max(1.0, abs(low)), values > high + SLACK * max(1.0, abs(high))
    if (wrong := (below | above)).any():
        raise InputError(f"{said} gave {values[wrong][0]:.12g}, outside its bounds {low:g} to {high:g}")
    if (wrong := np.abs(values) > MAX_VALUE).any():
        raise InputError(f"{said} gave {values[wrong][0]:g}; at most {MAX_VALUE:g} is kept")
    return np.clip(values, low, high)


def _of(dataset: Dataset, call: str) -> Any:
    return author_of("data set", dataset.name, dataset.owner, call)


def _kind(found: object, wanted: type, said: str) -> None:
    if not isinstance(found, wanted):
        raise InputError(f"{said} gave {short(found)}; wanted {wanted.__name__}")


def _array(found: Any, said: str) -> NDArray[Any]:
    if not isinstance(found, np.ndarray):
        raise InputError(f"{said} gave a {type(found).__name__}; wanted an array")
    if isinstance(found, np.ma.MaskedArray):
        raise InputError(f"{said} gave a masked array, and what is masked is no number; wanted a plain one")
    return found


def _stimuli(said: str, stimuli: Any) -> None:
    if not isinstance(stimuli, tuple) or not stimuli:
        raise InputError(f"{said}: stimuli are {short(stimuli)}; wanted a tuple of ids, one or more")
    if wrong := next((one for one in stimuli if not (isinstance(one, str) and is_inside(one))), None):
        raise InputError(f"{said}: the stimulus id {short(wrong)} names no file; wanted a path below a folder")
    if len(set(stimuli)) < len(stimuli):
        twice = len(stimuli) - len(set(stimuli))
        raise InputError(f"{said}: {twice} stimulus ids come twice, as {_repeated(stimuli)!r}; each stands once")


def _pictures(said: str, stimuli: Any, images: Any, concepts: Any) -> None:
    """Ids, and for each an image and a concept."""
    _stimuli(said, stimuli)
    try:
        check_images(_array(images, f"{said}: images"), count=len(stimuli))
    except InputError as error:
        raise InputError(f"{said}: {str(error).removeprefix(f'{said}: ')}") from None
    _words(f"{said}: concepts", concepts, len(stimuli))


def _words(said: str, words: Any, count: int) -> None:
    if not isinstance(words, tuple) or len(words) != count:
        came = f"{len(words)} in a {type(words).__name__}" if isinstance(words, Sequence) else short(words)
        raise InputError(f"{said} are {came}; wanted a tuple of {count}, one for each stimulus")
    if wrong := [word for word in words if not (isinstance(word, str) and word.strip())]:
        raise InputError(f"{said}: {short(wrong[0])} is no word")


def _captions(said: str, found: TrainingSet) -> None:
    captions, most = found.captions, len(CAPTION_LEVELS)
    if not isinstance(captions, tuple) or len(captions) != len(found.stimuli):
        raise InputError(f"{said}: captions are {short(captions)}; wanted a tuple of one tuple for each stimulus")
    for stimulus, own in zip(found.stimuli, captions, strict=True):
        if not isinstance(own, tuple) or len(own) not in (0, most):
            raise InputError(f"{said}: {stimulus!r} has the captions {short(own)}; wanted a tuple of {most}, or none")
        _words(f"{said}: captions of {stimulus!r}", own, len(own))


def _eeg(said: str, dataset: Dataset, eeg: Any, told: Any, *, unread: bool = False) -> None:
    """EEG as the data set's info says; its values are read through unless they are `unread`."""
    expected = info(dataset)
    _kind(told, EEGInfo, f"{said}: info")
    if told != expected:
        other = [field.name for field in fields(EEGInfo) if getattr(told, field.name) != getattr(expected, field.name)]
        raise InputError(f"{said}: its EEGInfo has another {' and '.join(other)} than the data set's own info")
    try:
        if len(_array(eeg, "EEG")) < 1:
            raise InputError("no trial of EEG came; wanted one or more")
        check_eeg(eeg[:1] if unread else eeg, told)
    except InputError as error:
        raise InputError(f"{said}: {error}") from None


def _rows(said: str, found: Any, count: int) -> NDArray[Any]:
    rows = _array(found, said)
    if rows.ndim < 1 or len(rows) != count or rows.dtype.kind not in "fiu" or not rows.size:
        raise InputError(
            f"{said} is {rows.dtype} of shape {rows.shape} for {count} images; wanted numbers, a row for each"
        )
    wrong = ~np.isfinite(rows.reshape(count, -1)).all(axis=1)
    if wrong.any():
        raise InputError(f"{said} is NaN or infinite for {wrong.sum()} of {count} images; check the judge's weights")
    return rows


def _guarded(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """A view that cannot be written to: other metrics read the same array."""
    view = array.view()
    view.flags.writeable = False
    return view


def _repeated(names: Sequence[str]) -> str:
    return Counter(names).most_common(1)[0][0]
