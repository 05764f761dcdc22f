"""The fourth stage: images in, scores out. It needs no EEG, no method and no accelerator.

Reconstructions and truths are joined by stimulus id. With several samples of a stimulus, its value is the mean over
them. A metric that cannot be computed is in the sheet without a value, and with the reason.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eegbench import seeds, statistics
from eegbench.backbones import Suite
from eegbench.benchmark.features import Extracted, FeatureCache, Features, extract, judge_of
from eegbench.benchmark.images import ImageSet
from eegbench.benchmark.measure import EMBEDDING, OF_METHODS, ComparedImages, Measured, measure
from eegbench.benchmark.targets import Targets, rows_of
from eegbench.contracts import PIXELS, Metric, Progress
from eegbench.errors import MissingError, unknown
from eegbench.files import digest, user_cache
from eegbench.metrics import VARIANTS
from eegbench.plugins import registry
from eegbench.plugins.facts import declared_facts
from eegbench.runs.items import write_values
from eegbench.runs.metric_facts import known
from eegbench.runs.sheet import STATISTICS, Score, ScoreSheet, finite
from eegbench.runs.tensors import Embeddings

NWAY_JUDGE = "vit_h_14"  # of the reference suite, as published


@dataclass(frozen=True)
class ExtractedRun:
    """One run's images in the order of the truths, and their features: a set for each sample."""

    images: list[ImageSet]
    features: list[Features]


@dataclass(frozen=True)
class Scorer:
    """Judges, metrics and truths for any number of runs: the features of the truths are computed once."""

    suite: Suite  # the judges that these metrics need
    metrics: tuple[Metric, ...]
    truths: ImageSet
    seen: Extracted  # of the truths
    caution: str = ""  # the data set's, for every sheet

    def measure(
        self,
        images: Sequence[ImageSet],
        *,
        decoded: Embeddings | None = None,
        targets: Targets | None = None,
        floors: bool = True,
        pairs: bool = False,
        progress: Progress,
    ) -> dict[str, Measured]:
        """Every metric of one run, by id, from a set of images for each sample and, where there are any, the
        embeddings.

        floors: what chance gives is computed too. pairs: the scores of all pairs are computed too, for the audit.
        Raises InputError naming a missing, extra, repeated or unreadable image.
        """
        extracted = self.extract(images, progress=progress)
        return self.compute(extracted, decoded=decoded, targets=targets, floors=floors, pairs=pairs, progress=progress)

    def extract(self, images: Sequence[ImageSet], *, progress: Progress) -> "ExtractedRun":
        """The features of one run's images, joined to the truths by stimulus id; raises InputError as `measure`."""
        joined = [images_of_sample.ordered(self.truths.stimuli) for images_of_sample in images]
        features = [
            extract(side, self.suite.judges, features_of(self.metrics), progress=progress, label="features").features
            for side in joined
        ]
        return ExtractedRun(joined, features)

    def compute(
        self,
        extracted: "ExtractedRun",
        *,
        decoded: Embeddings | None = None,
        targets: Targets | None = None,
        floors: bool = True,
        pairs: bool = False,
        progress: Progress,
    ) -> dict[str, Measured]:
        """Every metric by id, from the extracted features of one run; the other arguments are those of `measure`."""
        stimuli, sides, truths = self.truths.stimuli, extracted.features, dict(self.seen.features)
        aims = {} if decoded is None or targets is None else targets.rows(stimuli)
        if decoded is not None and aims:
            truths |= aims
            own = rows_of(decoded, stimuli, "the trial of stimulus")
            sides = [side | dict.fromkeys(aims, own) for side in sides]
        missing = {name: self._why(name) for name in {*features_of(self.metrics), *OF_METHODS} - truths.keys()}
        concepts = [targets.concepts[stimulus] for stimulus in stimuli] if targets and aims else ()
        pair = ComparedImages(sides, truths, extracted.images, self.truths, self.seen.contents, missing, concepts)
        judge = judge_of(self.suite.judges, PIXELS)
        return measure(self.metrics, pair, judge, floors=floors, pairs=pairs, progress=progress)

    def sheet(self, measured: Mapping[str, Measured], *, reconstructions: str = "") -> ScoreSheet:
        """Values with their intervals, floors and reasons, as a run's scores.json holds them.

        reconstructions: the `files_digest` of the images.
        """
        return ScoreSheet(
            n=len(self.truths.stimuli),
            suite=self.suite.name,
            protocol=self.suite.protocol,
            metrics={name: self._score(result) for name, result in measured.items()},
            judges=self.digests,
            caution=self.caution,
            truths=self.truths_digest,
            reconstructions=reconstructions,
            statistics=STATISTICS,
        )

    @property
    def contents(self) -> dict[str, str]:
        """By stimulus id the digest of its picture: equal for the same picture."""
        return dict(zip(self.truths.stimuli, self.seen.contents, strict=True))

    @property
    def truths_digest(self) -> str:
        """Digest of the true pictures' pixels, by stimulus."""
        return digest([[s, c] for s, c in sorted(zip(self.truths.stimuli, self.seen.contents, strict=True))])

    @property
    def missing(self) -> dict[str, str]:
        """The features that a metric needs and no judge here provides, by name, each with the reason."""
        return {name: self._why(name) for name in sorted(features_of(self.metrics)) if name in self.suite.missing}

    @property
    def digests(self) -> dict[str, str]:
        """Digest of each judge's weights, by its name."""
        return {judge.name: judge.digest for judge in self.suite.judges}

    def _why(self, feature: str) -> str:
        if feature in OF_METHODS:
            what = "embedding" if feature == EMBEDDING else "embedding of texts"
            return f"the method exposes no {what}, or only images were given"
        return self.suite.missing.get(feature, f"no judge of the suite {self.suite.name!r} provides {feature!r}")

    def _score(self, measured: Measured) -> Score:
        judge = judge_of(self.suite.judges, measured.metric.needs)
        score = _score(measured, self.truths.stimuli)
        if judge is None:
            return score
        return dataclasses.replace(score, variant=judge.variant, unverified=not judge.verified)


def scorer(
    truths: ImageSet,
    suite: Suite,
    *,
    metrics: tuple[str, ...] | None = None,
    strict: bool = False,
    progress: Progress,
) -> Scorer:
    """A scorer for these truths; `metrics` are ids, None for the field's usual ones.

    Raises UsageError for an unknown id, MissingError where the weights for all of them are not here, or if `strict`
    those for one of them; else a metric without its judge is in the sheet with the reason.
    """
    objects = chosen(metrics)
    wanted = features_of(objects)
    check_judges(objects, suite, strict=strict)
    needed = tuple(judge for judge in suite.judges if wanted & set(judge.provides))
    cache = FeatureCache(user_cache("features"), suite.protocol)
    seen = extract(truths, needed, wanted, progress=progress, label="true features", cache=cache)
    return Scorer(dataclasses.replace(suite, judges=needed), objects, truths, seen)


def check_judges(metrics: Sequence[Metric], suite: Suite, *, strict: bool = False) -> None:
    """MissingError where the weights for all of these metrics are not here, or if `strict` those for one of them."""
    lost = [suite.missing[metric.needs] for metric in metrics if metric.needs in suite.missing]
    if lost and (strict or len(lost) == len([m for m in metrics if m.needs not in (*OF_METHODS, PIXELS)])):
        raise MissingError(lost[0])


def chosen(metrics: tuple[str, ...] | None) -> tuple[Metric, ...]:
    """The metrics of these ids; for None the usual ones and those of plug-ins, a broken one left out with a Notice.

    Raises UsageError for an unknown id, and for one of `metrics` that is broken what `plugins.find` raises.
    """
    if metrics:
        return tuple(registry.find("metric", name) for name in metrics)
    return tuple(metric for metric in registry.every("metric").values() if not metric.on_request)


def features_of(metrics: Sequence[Metric]) -> set[str]:
    """The features that judges have to provide for these metrics."""
    return {metric.needs for metric in metrics} - set(OF_METHODS)


def metrics_with(
    judge: str | None, metrics: tuple[str, ...] | None, also: tuple[str, ...] = ()
) -> tuple[str, ...] | None:
    """`metrics` and those of `also`; with n-way accuracy by another judge, where one is named: a metric of its own.

    Raises UsageError for a judge or a metric of `also` that does not exist, and what `plugins.find` raises.
    """
    variant = "nway50_top1" if judge in (None, NWAY_JUDGE) else f"nway50_top1_{judge}"
    if variant not in (known := ("nway50_top1", *VARIANTS)):
        judges = [NWAY_JUDGE, *(name.removeprefix("nway50_top1_") for name in known[1:])]
        raise unknown("n-way judge", str(judge), judges)
    if variant == "nway50_top1" and not also:
        return metrics
    usual = [variant if metric.id == "nway50_top1" else metric.id for metric in chosen(metrics)]
    return tuple(dict.fromkeys([*usual, *(metric.id for metric in (chosen(also) if also else ()))]))


def table(measured: Mapping[str, Measured], stimuli: Sequence[str]) -> str:
    """The text of scores.csv; metrics of a whole set have no column."""
    kept = {
        (name, result.metric.version): result.items for name, result in measured.items() if result.items is not None
    }
    return write_values(kept, stimuli)


def estimate(measured: Measured, n: int) -> statistics.Estimate:
    """The value of one metric and its interval; per-item metrics are the mean over stimuli of the mean over samples."""
    metric = measured.metric
    limits = metric.bounds
    if measured.items is not None:
        return statistics.mean_interval(measured.items.mean(axis=0), limits=limits)
    if measured.over is not None:
        seed = seeds.seed("interval", metric.id)
        return statistics.interval_of_set(measured.over, n, seed=seed, left_out=metric.jackknife, limits=limits)
    return float("nan"), None


def _score(measured: Measured, stimuli: Sequence[str]) -> Score:
    value, ci = estimate(measured, len(stimuli))
    metric = measured.metric
    low, high = metric.bounds
    score = Score(
        metric.id,
        metric.version,
        finite(value),
        ci,
        metric.higher_is_better,
        floor=measured.floor,
        bounds=(finite(low), finite(high)),
        facts=None if metric.id in known() else declared_facts(metric),
    )
    if measured.items is None:
        undefined = "undefined for this set of images" if score.value is None else ""
        return dataclasses.replace(score, reason=measured.reason or undefined)
    lost = np.flatnonzero(~np.isfinite(measured.items.mean(axis=0)))
    if len(lost) == 0:
        return score
    reason = f"undefined for {len(lost)} of {len(stimuli)} stimuli, {stimuli[lost[0]]!r} the first of them"
    return dataclasses.replace(score, items=len(stimuli) - len(lost), reason=reason)
