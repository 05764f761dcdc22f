"""The scores of images against true images, with no run around them: by what they are judged, and what comes out."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegbench import backbones
from eegbench.arrays import Images
from eegbench.benchmark.all_pairs import by_id
from eegbench.benchmark.features import embed, judge_of, portions
from eegbench.benchmark.images import ImageSet, digest_of
from eegbench.benchmark.measure import OF_METHODS, PIXEL_PORTION, Measured
from eegbench.benchmark.score import Scorer, chosen, features_of, metrics_with, scorer
from eegbench.contracts import PIXELS, Backbone, Progress
from eegbench.errors import InputError, unknown
from eegbench.runs.sheet import PROTOCOLS, SUITES, ScoreSheet

PIXELS_KEPT = 2**29  # bytes: the truths of 247 stimuli, at 2 MB each


@dataclass(frozen=True)
class Judging:
    """By what images are judged. `suite`: micro or reference; `metrics`: ids, None for the field's usual ones."""

    suite: str
    protocol: str
    device: str
    metrics: tuple[str, ...] | None = None
    nway_judge: str | None = None
    half: bool = False
    allow_unverified: bool = False

    def check(self) -> None:
        """Raises UsageError for a suite, protocol, metric or n-way judge that does not exist."""
        for kind, name, known in (("suite", self.suite, SUITES), ("protocol", self.protocol, PROTOCOLS)):
            if name not in known:
                raise unknown(kind, name, known)
        chosen(self.names)

    @property
    def names(self) -> tuple[str, ...] | None:
        return metrics_with(self.nway_judge, self.metrics)

    def scorer(
        self, truths: ImageSet, *, where: str, part: str = "", loaded: bool = False, progress: Progress
    ) -> Scorer:
        """A scorer for these truths. where: how messages call them; part: why there may be few of them.

        loaded: the judges' networks stay in memory between the images of one call and those of the next.
        Raises InputError where single images are to be told apart; else as `benchmark.score.scorer`.
        """
        names = self.names
        metrics = chosen(names)
        alone = ", ".join(metric.id for metric in metrics if metric.rivals and metric.needs not in OF_METHODS)
        if len(truths.stimuli) < 2 and alone:
            raise InputError(
                f"{where}: holds 1 image{part}; {alone} tell images apart and want at least 2: add some, or name other "
                "metrics"
            )
        judges = backbones.suite(
            self.suite,
            self.protocol,
            self.device,
            features=features_of(metrics),
            half=self.half,
            allow_unverified=self.allow_unverified,
        )
        if loaded:
            judges = dataclasses.replace(judges, judges=tuple(map(Loaded, judges.judges)))
        ready = scorer(truths, judges, metrics=names, strict=self.metrics is not None, progress=progress)
        return with_pixels(ready) if loaded else ready


class Loaded(Backbone):
    """A judge that never rests: its network stays in memory."""

    def __init__(self, judge: Backbone) -> None:
        self.name, self.digest, self.variant, self.verified = judge.name, judge.digest, judge.variant, judge.verified
        self.provides, self.version, self._judge = judge.provides, judge.version, judge

    def embed(self, images: Images) -> dict[str, NDArray[np.float32]]:
        return self._judge.embed(images)


def with_pixels(ready: Scorer) -> Scorer:
    """The scorer with the truths' pixels in memory, where its metrics need them and they take no more than PIXELS_KEPT.

    They are made in the portions in which `measure` takes them, so that they are the same to the bit.
    """
    judge = judge_of(ready.suite.judges, PIXELS)
    if judge is None or all(metric.needs != PIXELS for metric in ready.metrics):
        return ready
    order, whole = by_id(ready.truths.stimuli), None
    for part in portions(len(order), PIXEL_PORTION):
        items = order[part.start : part.stop].tolist()
        pixels = embed(judge, ready.truths.load(items))[PIXELS]
        if pixels[:1].nbytes * len(order) > PIXELS_KEPT:
            return ready
        whole = np.empty((len(order), *pixels.shape[1:]), pixels.dtype) if whole is None else whole
        whole[items] = pixels
    features = ready.seen.features | ({} if whole is None else {PIXELS: whole})
    return dataclasses.replace(ready, seen=dataclasses.replace(ready.seen, features=features))


@dataclass(frozen=True)
class Scored:
    """A sheet, and what it was made of."""

    sheet: ScoreSheet
    measured: Mapping[str, Measured]
    stimuli: tuple[str, ...]


def score_sets(ready: Scorer, samples: Sequence[ImageSet], *, subset: str = "", progress: Progress) -> Scored:
    """The scores of images, a set for each sample; raises InputError naming a missing, extra or repeated one."""
    measured = ready.measure(samples, progress=progress)
    digest = digest_of(samples) if all(one.files for one in samples) else ""
    sheet = dataclasses.replace(ready.sheet(measured, reconstructions=digest), subset=subset)
    return Scored(sheet, measured, ready.truths.stimuli)


def items_of(measured: Mapping[str, Measured]) -> dict[str, NDArray[np.float64]]:
    """By metric of single images its value on each stimulus, (n,), the mean over samples; NaN where it is undefined."""
    return {name: one.items.mean(axis=0) for name, one in measured.items() if one.items is not None}


def value_of(measured: Measured, n: int) -> float:
    """A metric's value on n stimuli, as a sheet has it, without the interval; NaN where there is none."""
    if measured.items is not None:
        means = measured.items.mean(axis=0)
        known = means[np.isfinite(means)]
        return float(known.mean()) if len(known) else float("nan")
    return measured.over(np.arange(n)) if measured.over is not None else float("nan")
