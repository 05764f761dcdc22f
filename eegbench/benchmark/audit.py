"""The audit: does the EEG have anything to do with the images?

On the track `eeg` a method sees nothing of a stimulus but through its EEG: the EEG contributes where the images belong
to their own truths more than to others. On every track the fitted method is also run again on EEG permuted between the
test stimuli: each stimulus keeps its seed and its hint and gets the EEG of another. What the true EEG adds to that is
its contribution; on the track `oracle`, where the hint alone makes images belong, it is what is tested. On the track
`eeg` these images show whether something else than the EEG says what was shown.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from eegbench import seeds, statistics
from eegbench.benchmark import verdicts
from eegbench.benchmark.measure import EMBEDDING, Array, Measured
from eegbench.benchmark.permuting import Permuted
from eegbench.benchmark.score import Embeddings, Scorer, estimate
from eegbench.contracts import Progress
from eegbench.runs.sheet import LEVEL, Audited, ScoreSheet, finite

PAIRED = "eeg"  # the track where all pairs of a reconstruction and a truth are looked at
HARDLY = 0.01  # of the spread of the scores of all pairs


def examine(
    ready: Scorer,
    sheet: ScoreSheet,
    measured: Mapping[str, Measured],
    permuted: Permuted,
    *,
    track: str,
    targets: Embeddings | None,
    progress: Progress,
) -> ScoreSheet:
    """The sheet with the audit's part: what was `measured` of a run against the images from permuted EEG."""
    beside = ready.measure(
        permuted.images,
        decoded=permuted.decoded,
        targets=targets,
        floors=False,
        pairs=track == PAIRED,
        progress=progress,
    )
    return compare(sheet, measured, beside, track=track, donors=permuted.donors(ready.truths.stimuli))


def compare(
    sheet: ScoreSheet,
    measured: Mapping[str, Measured],
    permuted: Mapping[str, Measured],
    *,
    track: str,
    donors: Sequence[int],
) -> ScoreSheet:
    """The sheet with what permuted EEG gives, each metric's contribution, the audit's test and the verdict in words.

    measured, permuted: of the images from the true and from the permuted EEG. donors: for each stimulus, in the order
    of the truths, the place of the one whose EEG made its permuted image. A contribution is value minus permuted
    value, signed so that up is better; its interval is paired by stimulus. The test is of images: an embedding that
    finds its picture says nothing of what is painted.
    """
    scores = dict(sheet.metrics)
    for name, one in measured.items():
        value, _ = estimate(permuted[name], sheet.n)
        gain, ci = contribution(one, permuted[name], sheet.n)
        scores[name] = dataclasses.replace(
            scores[name], permuted=finite(value), contribution=finite(gain), contribution_ci=ci
        )
    found, verdict = None, verdicts.too_few(sheet.n)
    if sheet.n >= verdicts.FEWEST_STIMULI:
        of_images = {name: one for name, one in measured.items() if one.metric.needs != EMBEDDING}
        found, by_metric = _paired(of_images, permuted, donors) if track == PAIRED else (None, {})
        found = found or _regenerated(of_images, permuted)
        verdict = verdicts.verdict(found) if found else verdicts.NOTHING
        for name, p in by_metric.items():
            scores[name] = dataclasses.replace(scores[name], contribution_p=p)
    return dataclasses.replace(sheet, metrics=scores, audit=found, verdict=verdict)


def contribution(true: Measured, permuted: Measured, n: int) -> statistics.Estimate:
    """Value minus permuted value, signed so that up is better, and its 95 % interval."""
    if (gains := _gains(true, permuted)) is not None:
        return statistics.studentised_interval(gains)
    if true.over is not None and permuted.over is not None:
        first, second, sign = true.over, permuted.over, _sign(true)
        return statistics.interval_of_set(
            lambda chosen: sign * (first(chosen) - second(chosen)),
            n,
            seed=seeds.seed("contribution", true.metric.id),
            left_out=true.metric.jackknife,
        )
    return float("nan"), None


def _paired(
    measured: Mapping[str, Measured], permuted: Mapping[str, Measured], donors: Sequence[int]
) -> tuple[Audited | None, Mapping[str, float]]:
    """The track `eeg`: do the images belong to their stimuli? And p by metric; None where no metric has pairs."""
    true = {name: _sign(one) * one.pairs for name, one in measured.items() if one.pairs is not None}
    if not true:
        return None, {}
    found = statistics.pairing(true, seed=0)
    carried = sorted((n for n, p in found.by_metric.items() if p <= LEVEL), key=lambda n: -found.z[n])
    audited = Audited(
        "pairing",
        found.p,
        len(donors),
        tuple(carried),
        {name: statistics.smallest_contribution(pairs, found.critical) for name, pairs in true.items()},
        statistics.pairing(_kept(true, permuted, donors), seed=0).p,
    )
    return audited, found.by_metric


def _kept(true: Mapping[str, Array], permuted: Mapping[str, Measured], donors: Sequence[int]) -> dict[str, Array]:
    """By metric what images from permuted EEG have beyond those that the same EEG made in its own place, (n, n).

    What differs is what each stimulus kept, such as its seed. For an honest method that is noise, which fits no truth
    better than another; taking away what the donor's EEG shows also takes away how alike the two pictures are. A metric
    that this hardly moves has nothing to tell: the rest is rounding, and the EEG makes nearly all of its differences.
    """
    found = {}
    for name, one in permuted.items():
        if one.pairs is None or name not in true:
            continue
        kept = _sign(one) * one.pairs - true[name][donors]
        if _spread(kept) > HARDLY * _spread(true[name]):
            found[name] = kept
    return found


def _spread(pairs: Array) -> float:
    return float(np.sqrt(np.mean(np.square(statistics.centred(pairs)))))


def _regenerated(measured: Mapping[str, Measured], permuted: Mapping[str, Measured]) -> Audited | None:
    """Are the images better than those from permuted EEG? None where no metric has a value for each stimulus.

    For the track `oracle`, where a hint makes pairs, and for more stimuli than all pairs are kept of.
    """
    gains = {name: found for name, one in measured.items() if (found := _gains(one, permuted[name])) is not None}
    if not gains:
        return None
    p = statistics.one_sided_sign_flip(gains, seed=0)
    visible = statistics.smallest_joint_contribution(gains)
    return Audited("regenerated", p, len(next(iter(gains.values()))), visible=visible)


def _gains(true: Measured, permuted: Measured) -> Array | None:
    """By stimulus value minus permuted value, signed so that up is better, (n,); None for metrics of a whole set."""
    if true.items is None or permuted.items is None:
        return None
    return _sign(true) * statistics.differences(true.items.mean(axis=0), permuted.items.mean(axis=0))


def _sign(measured: Measured) -> float:
    return 1.0 if measured.metric.higher_is_better else -1.0
