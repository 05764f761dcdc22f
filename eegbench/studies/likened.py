"""How alike the images of runs are: by the judges that scored them, each of one person with each of another.

A metric of pairs is its own measure of likeness; two-way identification stands on Pearson's r of features, which is
taken in its place. The control pairs one person's image with the other's from permuted EEG: both have the seed of one
stimulus (and its hint), and the brains have seen two.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegbench import backbones
from eegbench.backbones import Suite
from eegbench.benchmark.all_pairs import KEPT, by_id, compares
from eegbench.benchmark.features import embed, extract, judge_of, portions
from eegbench.benchmark.images import ImageSet, image_sets
from eegbench.benchmark.measure import OF_METHODS, PIXEL_PORTION
from eegbench.benchmark.permuting import stands
from eegbench.benchmark.score import check_judges, chosen, features_of
from eegbench.contracts import PIXELS, Metric, Progress
from eegbench.errors import InputError, UsageError
from eegbench.metrics import METRICS
from eegbench.metrics.correlation import all_similarities
from eegbench.metrics.identification import TwoWay
from eegbench.plugins import entering
from eegbench.runs.folder import Run
from eegbench.runs.record import ManifestRow
from eegbench.studies.likeness import Array, ByStimulus, Likeness

USUAL = ("pixcorr", "ssim", "alexnet5", "clip")  # where none are named: those of them that all runs were scored with
FEATURES = "Pearson's r of the features"

Rows = Sequence[NDArray[np.generic]]  # for each sample what a metric keeps of each image, (n, ...)


@dataclass(frozen=True)
class Judging:
    """By what images are compared. metrics: ids; () for `USUAL`."""

    progress: Progress
    device: str = "cpu"
    metrics: tuple[str, ...] = ()
    allow_unverified: bool = False

    def check(self) -> None:
        """Raises UsageError for a metric that does not exist, or does not say how alike two reconstructions are."""
        for metric in chosen(self.metrics) if self.metrics else ():
            if not _apt(metric):
                known = ", ".join(name for name, own in METRICS.items() if _apt(own))
                raise UsageError(f"metric {metric.id!r} cannot say how alike two reconstructions are; wanted {known}")


@dataclass(frozen=True)
class Judges:
    """The metrics that can be computed here, and the judges that they need; missing: by metric, why others cannot."""

    metrics: tuple[Metric, ...]
    suite: Suite
    missing: dict[str, str]
    progress: Progress

    @classmethod
    def of(cls, runs: Sequence[Run], judging: Judging) -> "Judges":
        """The judges that scored these runs, which share suite and protocol.

        Raises InputError where a run was not scored on a metric, or by other weights or another version than here;
        MissingError where a metric's judge that was asked for is not here, or none is.
        """
        names = judging.metrics or tuple(n for n in USUAL if all(n in run.scores.metrics for run in runs))
        if not names:
            raise InputError(f"{runs[0].path}: the runs share none of {', '.join(USUAL)}; name a metric by --metrics")
        metrics = chosen(names)
        half = any(
            run.scores.metrics[name].variant == "half" for run in runs for name in names if name in run.scores.metrics
        )
        suite = backbones.suite(
            runs[0].scores.suite,
            runs[0].scores.protocol,
            judging.device,
            features=features_of(metrics),
            half=half,
            allow_unverified=judging.allow_unverified,
        )
        check_judges(metrics, suite, strict=bool(judging.metrics))
        missing = {metric.id: suite.missing[metric.needs] for metric in metrics if metric.needs in suite.missing}
        here = tuple(metric for metric in metrics if metric.id not in missing)
        for run in runs:
            _check_scored(run, here, suite)
        return cls(here, suite, missing, judging.progress)

    def rows(self, metric: Metric, samples: Iterable[ImageSet], whose: str) -> Rows:
        """What the metric keeps of images, a set for each sample. whose: what the progress is called."""
        seen = self._pixels if metric.needs == PIXELS else self._features
        return [seen(metric, images, f"{metric.id} of {whose}") for images in samples]

    def _features(self, metric: Metric, images: ImageSet, label: str) -> NDArray[np.generic]:
        seen = extract(images, self.suite.judges, [metric.needs], progress=self.progress, label=label)
        return entering.reduced(metric, seen.features[metric.needs])

    def _pixels(self, metric: Metric, images: ImageSet, label: str) -> NDArray[np.generic]:
        judge = judge_of(self.suite.judges, PIXELS)
        assert judge is not None  # every suite has one
        kept = []
        with self.progress.bar(label, len(images.stimuli)) as advance:
            for part in portions(len(images.stimuli), PIXEL_PORTION):
                kept.append(entering.reduced(metric, embed(judge, images.load(part))[PIXELS]))
                advance(len(part))
        return np.concatenate(kept)


def _apt(metric: Metric) -> bool:
    """Whether a metric, or what two-way identification compares, says how alike two images are, whichever is first."""
    if isinstance(metric, TwoWay):
        return True
    symmetric = metric.laws is not None and metric.laws.symmetric
    return symmetric and metric.per_item and not metric.rivals and metric.needs not in OF_METHODS and compares(metric)


def _check_scored(run: Run, metrics: Sequence[Metric], suite: Suite) -> None:
    for metric in metrics:
        score, judge = run.scores.metrics.get(metric.id), judge_of(suite.judges, metric.needs)
        if score is None:
            raise InputError(f"{run.path}: was not scored on {metric.id}; score it again, or name others by --metrics")
        assert judge is not None  # those that have none are missing
        ours, theirs = (metric.version, judge.variant), (score.version, score.variant)
        if ours != theirs:
            came, wanted = ("@".join([metric.id, "-".join(map(str, filter(None, r)))]) for r in (theirs, ours))
            raise InputError(f"{run.path}: was scored as {came}, here is {wanted}; score it again")
        if run.scores.judges.get(judge.name, judge.digest) != judge.digest:
            raise InputError(f"{run.path}: was scored by other weights of {judge.name} than are here; score it again")


def similarity_of(metric: Metric) -> tuple[str, tuple[float, float]]:
    """What is taken for the likeness of two images, and its bounds."""
    if isinstance(metric, TwoWay):
        return FEATURES, (-1.0, 1.0)
    return metric.card.title if metric.card else metric.id, metric.bounds


def likened(
    metric: Metric, runs: Sequence[Run], stimuli: Sequence[str], judges: Judges
) -> tuple[ByStimulus, ByStimulus | None]:
    """How alike the images of two people are, mean over pairs: of both from their EEG, and of the control.

    runs: with the rows of their manifests, one of each person. The control is None unless all runs have images from
    permuted EEG. Of many stimuli as many take part as the metric affords, chosen by their ids. Raises InputError naming
    an image that is missing or has changed.
    """
    part = [stimuli[place] for place in by_id(stimuli)[: min(KEPT, metric.most_paired)]]
    higher = isinstance(metric, TwoWay) or metric.higher_is_better
    own = [judges.rows(metric, _images(run, run.record.manifest, part), run.name) for run in runs]
    controlled = all(map(stands, runs))
    rivals = [_rivals(run, part) if controlled else _apart(len(part)) for run in runs]
    eeg: list[Likeness] = []
    for (a, first), (b, second) in itertools.combinations(enumerate(own), 2):
        matrix = _matrix(metric, first, second, part)
        eeg += [Likeness(matrix, rivals[b]), Likeness(matrix.T, rivals[a])]
    if not controlled:
        return ByStimulus.of(eeg, higher_is_better=higher), None
    control: list[Likeness] = []
    for b, run in enumerate(runs):
        permutation = run.permutation()
        assert permutation is not None  # it stands
        rows = judges.rows(metric, _images(run, permutation.images, part), f"{run.name}, permuted EEG")
        control += [Likeness(_matrix(metric, one, rows, part), rivals[b]) for a, one in enumerate(own) if a != b]
    return ByStimulus.of(eeg, higher_is_better=higher), ByStimulus.of(control, higher_is_better=higher)


def _apart(n: int) -> NDArray[np.bool_]:
    return ~np.eye(n, dtype=np.bool_)


def _rivals(run: Run, stimuli: Sequence[str]) -> NDArray[np.bool_]:
    """The pairs of an image of somebody's and one of this run's from permuted EEG that share no stimulus and no seed.

    Images from unpermuted EEG are compared on the same pairs, so that what both share cancels.
    """
    permutation = run.permutation()
    assert permutation is not None
    place = {stimulus: i for i, stimulus in enumerate(stimuli)}
    donors = np.array([place.get(permutation.eeg_of.get(stimulus, ""), -1) for stimulus in stimuli])
    rivals: NDArray[np.bool_] = _apart(len(stimuli)) & (donors != np.arange(len(stimuli))[:, None])
    return rivals


def _images(run: Run, rows: Sequence[ManifestRow], stimuli: Sequence[str]) -> list[ImageSet]:
    """The images of these stimuli, in their order, a set for each sample; their digests are checked."""
    wanted = frozenset(stimuli)
    kept = [row for row in rows if row.stimulus in wanted]
    for row in kept:
        run.checked(row.file, row.sha256)
    samples = [images.ordered(stimuli) for images in image_sets(run.files_of(kept))]
    if len(samples) != run.record.spec.samples:
        raise InputError(f"{run.path}: has {len(samples)} images of a stimulus; it says {run.record.spec.samples}")
    return samples


def _matrix(metric: Metric, first: Rows, second: Rows, stimuli: Sequence[str]) -> Array:
    """How alike each image of `first` and each of `second` are, (n, n): the mean over samples."""
    every = [
        all_similarities(a, b, centre=True) if isinstance(metric, TwoWay) else entering.pairs(metric, a, b, stimuli)
        for a, b in zip(first, second, strict=True)
    ]
    mean: Array = np.mean(every, axis=0)
    return mean
