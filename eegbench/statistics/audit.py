"""Does the EEG contribute? Two tests on scores, one for each track, and how p-values of several runs are joined."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from eegbench import seeds
from eegbench.errors import InputError
from eegbench.statistics.intervals import CHUNK
from eegbench.statistics.paired import minimum_detectable

PERMUTATIONS = 999
LEVEL, POWER = 0.05, 0.8
LEAST, MOST = 1e-12, 0.999  # p between which normal scores are taken
NEAR = 1e-9  # sums of the same numbers in another order differ by less, relative to their spread

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pairing:
    """What `pairing` finds. p: one for all metrics. by_metric: adjusted for the number of metrics.

    z: by metric how far the scores of the true pairs lie above those of permuted pairs, in standard deviations.
    critical: the z that one metric has to reach for p of .05, where no other metric helps.
    """

    p: float
    by_metric: Mapping[str, float]
    z: Mapping[str, float]
    critical: float = math.nan


def pairing(
    scores: Mapping[str, Array] | Sequence[Mapping[str, Array]], *, seed: int, permutations: int = PERMUTATIONS
) -> Pairing:
    """Do reconstructions belong to their own truths? A permutation test on scores, for methods that see EEG alone.

    scores: by metric S, shape (n, n), the score of reconstruction i against truth j, signed so that up is better. Of
    several subjects one such mapping each, with the same metrics: they are permuted independently and z is averaged.

    With d = S doubly centred, z(pi) = sum_i d[i, pi(i)] / sqrt(sum d^2 / (n - 1)), which has mean 0 and variance 1 over
    all permutations pi. The same B permutations serve all metrics. Two statistics are taken: the mean of z over
    metrics, which finds what many metrics share, and the largest z, which finds what one judge alone sees. Each has its
    rank among the B + 1; p is the rank of the smaller of the two, so that looking twice costs nothing in level.
    by_metric is (1 + #{largest z(pi) >= z of the metric}) / (B + 1) (Westfall and Young 1993, single step).

    Measured with 15 metrics whose scores correlate by .25: p <= .05 in .042 and .055 of 1,900 cases without
    contribution, at 50 and 200 stimuli; other permutations change the answer in .013 and .017 of 300. A contribution of
    a = .05 is seen in .970 of 200 cases at 200 stimuli (the mean alone .980, the largest alone .880, half the level for
    either .960), a signal in one judge alone in 1.000 (.625, 1.000, 1.000).

    Exact where images and truths are exchangeable: the method sees nothing of the truths but through the EEG. It does
    not see what makes such a pair otherwise: a hint, a seed, a session or block that EEG and pictures share. NaN counts
    as no information. A metric that does not vary adds nothing. Raises InputError for other shapes.
    """
    subjects = [scores] if isinstance(scores, Mapping) else list(scores)
    names = list(subjects[0])
    rng = seeds.generator("pairing", seed)
    total = np.zeros((permutations + 1, len(names)))
    for own in subjects:
        if list(own) != names:
            raise InputError("the subjects were scored on different metrics")
        total += permuted_z(own, rng, permutations)
    return judged(total / math.sqrt(len(subjects)), names)


def judged(z: Array, names: Sequence[str]) -> Pairing:
    """What z of all permutations say, the true one first, shape (permutations + 1, metrics)."""
    if not names:
        return Pairing(1.0, {}, {})
    mean, largest = z.mean(axis=1), z.max(axis=1)
    either = np.minimum(_ranks(mean), _ranks(largest))
    p = float((either <= either[0] + NEAR).mean())
    adjusted = {name: float((largest >= z[0, place] - NEAR).mean()) for place, name in enumerate(names)}
    critical = float(np.quantile(largest[1:], 1 - LEVEL / 2))  # half, for the mean of z is looked at as well
    return Pairing(p, adjusted, dict(zip(names, z[0].tolist(), strict=True)), critical)


def centred(scores: Array) -> Array:
    """S less the means of its rows and columns, (n, n); NaN counts as no information, 0."""
    known = np.isfinite(scores)
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
        raise InputError(f"scores of pairs have shape {scores.shape}; wanted (n, n)")
    filled = np.where(known, scores, 0.0)
    for axis in (1, 0):
        means = filled.sum(axis=axis, keepdims=True) / np.maximum(known.sum(axis=axis, keepdims=True), 1)
        filled = np.where(known, filled - means, 0.0)
    return filled


def smallest_contribution(scores: Array, critical: float) -> float:
    """The smallest mean gain of true pairs over all pairs, in one metric alone, that `pairing` shows in 4 of 5 cases.

    In the metric's own unit, from S as in `pairing`, its `critical` z and the normal approximation. Where other metrics
    gain as well, less is enough. Measured with 15 metrics that share half of their noise, of which one gains: seen in
    .83 of 600 cases at 50 stimuli, and of 400 at 200.
    """
    d = centred(scores)
    n = len(d)
    spread = math.sqrt(float((d * d).sum()) / (n - 1)) / n
    return (critical + float(ndtri(POWER))) * spread


def one_sided_sign_flip(differences: Mapping[str, Array], *, seed: int, permutations: int = 9999) -> float:
    """One p for all metrics: are scores on the true EEG above those on permuted EEG, item by item?

    differences: by metric true minus permuted, shape (n,), signed so that up is better. Each is divided by its standard
    error, the mean is taken over metrics, and its signs are flipped. For the track `oracle`, where the hint alone makes
    pairs so that `pairing` is not valid. Exact where both kinds of image are interchangeable. The largest over metrics
    is not used: it is too often above (.094 at 20 stimuli for .05). Metrics that do not vary count as 0. Measured with
    skewed scores of 15 metrics: p <= .05 in .053, .056 and .055 of 2,000 cases at 20, 50 and 200 stimuli.
    """
    items, _ = _joined(differences)
    if not len(items):
        return 1.0
    reached = items.sum() - NEAR * np.abs(items).sum()
    rng = seeds.generator("regenerated", seed)
    hits = 0
    for start in range(0, permutations, 1000):
        signs = 1.0 - 2.0 * rng.integers(2, size=(min(1000, permutations - start), len(items)))
        hits += int((signs @ items >= reached).sum())
    return (1 + hits) / (1 + permutations)


def smallest_joint_contribution(differences: Mapping[str, Array]) -> dict[str, float]:
    """By metric the gain that `one_sided_sign_flip` shows in 4 of 5 cases, if all metrics gain as many standard errors.

    differences: as there. In each metric's own unit, by Student's quantiles; metrics that do not vary are left out. A
    gain in one metric alone has to be as many times larger as there are metrics. Measured with 15 correlated metrics:
    seen in .803 and .781 of 1,000 cases at 50 and 200 stimuli.
    """
    items, errors = _joined(differences)
    reach = minimum_detectable(items, level=1 - 2 * LEVEL, power=POWER)  # of a two-sided level: LEVEL at one end
    return {name: reach * error for name, error in errors.items() if error > 0 and math.isfinite(reach)}


def _joined(differences: Mapping[str, Array]) -> tuple[Array, dict[str, float]]:
    """The mean over metrics of differences in their standard errors, (n,), and by metric its standard error."""
    rows, errors = [], {}
    for name, values in differences.items():
        known = np.isfinite(values)
        error = float(values[known].std(ddof=1)) / math.sqrt(known.sum()) if known.sum() > 1 else 0.0
        rows.append(np.where(known, values, 0.0) / error if error > 0 else np.zeros(len(values)))
        errors[name] = error
    return np.mean(rows, axis=0) if rows else np.empty(0), errors


def combined_p(by_subject: Sequence[Sequence[float]]) -> float:
    """One p from those of several runs: one sequence for each subject, with the p of each of its seeds.

    p become normal scores, which are averaged within a subject and added over subjects (Stouffer 1949), as if the
    seeds of a subject held the same: they share EEG and stimuli, so that their p depend on each other. An average of
    normal scores spreads no more than each, whatever their correlation, so that p is never too small; it is too large
    where the seeds differ. p above .999 counts as .999, so that a run without any sign does not outweigh all others.
    Measured with seeds whose normal scores correlate by .7, 10,000 cases: p <= .05 in .033 for one subject with three
    seeds, .032 for five with three. Twice the mean of the seeds' p, which is valid however they depend on each other,
    gives .010 and .0005, and finds z = 1 of each of those 15 runs in .148 where this finds it in .745.
    Raises InputError where there is none.
    """
    if not by_subject or not all(by_subject):
        raise InputError("no p-value to combine")
    if len(by_subject) == 1 and len(by_subject[0]) == 1:
        return by_subject[0][0]
    scores = [[-float(ndtri(min(max(p, LEAST), MOST))) for p in own] for own in by_subject]
    averages = [math.fsum(own) / len(own) for own in scores]
    return float(ndtr(-math.fsum(averages) / math.sqrt(len(averages))))


def permuted_z(scores: Mapping[str, Array], rng: np.random.Generator, permutations: int) -> Array:
    """By permutation, the true one first, and by metric: z; shape (permutations + 1, metrics)."""
    tables = [centred(scored) for scored in scores.values()]
    n = len(tables[0]) if tables else 0
    if any(len(scored) != n for scored in tables):
        raise InputError("the metrics were scored on different stimuli")
    items, step = np.arange(n), max(1, CHUNK // max(n, 1))
    spreads = [math.sqrt(float((table * table).sum()) / max(n - 1, 1)) for table in tables]
    sums = np.zeros((permutations + 1, len(tables)))
    for start in range(0, permutations + 1, step):
        rows = range(start, min(start + step, permutations + 1))
        drawn = np.array([rng.permutation(n) if row else items for row in rows])
        for place, (table, spread) in enumerate(zip(tables, spreads, strict=True)):
            if spread > 0:
                sums[rows.start : rows.stop, place] = table[items, drawn].sum(axis=1) / spread
    return sums


def _ranks(values: Array) -> Array:
    """Which share of all values is at least as large as each."""
    ordered = np.sort(values)
    return (len(values) - np.searchsorted(ordered, values - NEAR, side="left")) / len(values)
