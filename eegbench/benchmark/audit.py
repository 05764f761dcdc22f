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
from eegbench.benchmark.measure import OF_METHODS, Array, Measured
from eegbench.benchmark.permuting import Permuted
from eegbench.benchmark.score import Scorer, estimate
from eegbench.benchmark.targets import Targets
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
    targets: Targets | None,
    progress: Progress,
) -> ScoreSheet:
    """The sheet with the audit's results: a run's metrics, `measured`, against those of images from permuted EEG."""
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
    """The sheet with each metric's value on permuted EEG and contribution, the audit's test and the verdict in words.

    measured, permuted: of the images from the true and from the permuted EEG. donors: for each stimulus, in the order
    of the truths, the place of the one whose EEG made its permuted image. A contribution is value minus permuted
    value, signed so that up is better; its interval is paired by stimulus. The test uses images alone: that an
    embedding finds its picture does not show that the images do.
    """
    scores = dict(sheet.metrics)
    for name, result in measured.items():
        value, _ = estimate(permuted[name], sheet.n)
        gain, ci = contribution(result, permuted[name], sheet.n)
        scores[name] = dataclasses.replace(
            scores[name], permuted=finite(value), contribution=finite(gain), contribution_ci=ci
        )
    audited, verdict = None, verdicts.too_few(sheet.n)
    if sheet.n >= verdicts.FEWEST_STIMULI:
        of_images = {name: result for name, result in measured.items() if result.metric.needs not in OF_METHODS}
        audited, by_metric = _paired(of_images, permuted, donors) if track == PAIRED else (None, {})
        audited = audited or _regenerated(of_images, permuted)
        verdict = verdicts.verdict(audited) if audited else verdicts.NOTHING
        for name, p in by_metric.items():
            scores[name] = dataclasses.replace(scores[name], contribution_p=p)
    return dataclasses.replace(sheet, metrics=scores, audit=audited, verdict=verdict)


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
    """For the track `eeg`, the test whether images belong to their stimuli, and p by metric; None without pairs."""
    true = {name: _sign(result) * result.pairs for name, result in measured.items() if result.pairs is not None}
    if not true:
        return None, {}
    test = statistics.pairing(true, seed=0)
    carried = sorted((n for n, p in test.by_metric.items() if p <= LEVEL), key=lambda n: -test.z[n])
    audited = Audited(
        "pairing",
        test.p,
        len(donors),
        tuple(carried),
        {name: statistics.smallest_contribution(pairs, test.critical) for name, pairs in true.items()},
        statistics.pairing(_donor_differences(true, permuted, donors), seed=0).p,
    )
    return audited, test.by_metric


def _donor_differences(
    true: Mapping[str, Array], permuted: Mapping[str, Measured], donors: Sequence[int]
) -> dict[str, Array]:
    """By metric the scores of images from permuted EEG minus those that the same EEG got in its own place, (n, n).

    The difference comes from what each stimulus kept, such as its seed. For an honest method it is noise, which fits no
    truth better than another. Subtracting the donor's scores also removes how alike the two pictures are. A metric in
    which the difference is hardly larger than rounding is left out.
    """
    differing = {}
    for name, result in permuted.items():
        if result.pairs is None or name not in true:
            continue
        kept = _sign(result) * result.pairs - true[name][donors]
        if _spread(kept) > HARDLY * _spread(true[name]):
            differing[name] = kept
    return differing


def _spread(pairs: Array) -> float:
    return float(np.sqrt(np.mean(np.square(statistics.centred(pairs)))))


def _regenerated(measured: Mapping[str, Measured], permuted: Mapping[str, Measured]) -> Audited | None:
    """The test whether images are better than those from permuted EEG; None where no metric has a value by stimulus.

    It is used on the track `oracle`, where the hint alone makes images belong to their stimuli, and where there are
    more stimuli than all pairs are kept of.
    """
    gains = {name: gain for name, result in measured.items() if (gain := _gains(result, permuted[name])) is not None}
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
