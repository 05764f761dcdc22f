"""The scores of images against true images: of two folders, or of sets that lie in memory."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench import backbones
from eegbench.arrays import Images
from eegbench.benchmark.images import ImageSet, digest_of
from eegbench.benchmark.measure import EMBEDDING, Measured
from eegbench.benchmark.score import Scorer, chosen, features_of, metrics_with, scorer
from eegbench.contracts import Backbone, Progress, Silent
from eegbench.errors import InputError, unknown
from eegbench.guards.walking import Note, unheard
from eegbench.pairs.joining import join
from eegbench.runs.sheet import PROTOCOLS, SUITES, ScoreSheet

SILENT = Silent()


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
        alone = ", ".join(metric.id for metric in metrics if metric.rivals and metric.needs != EMBEDDING)
        if len(truths.stimuli) < 2 and alone:
            raise InputError(
                f"{where}: holds 1 image{part}; {alone} tell images apart and want at least 2: add some, or name other "
                "metrics with --metrics"
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
        return scorer(truths, judges, metrics=names, strict=self.metrics is not None, progress=progress)


class Loaded(Backbone):
    """A judge that never rests: its network stays in memory."""

    def __init__(self, judge: Backbone) -> None:
        self.name, self.digest, self.variant, self.verified = judge.name, judge.digest, judge.variant, judge.verified
        self.provides, self.version, self._judge = judge.provides, judge.version, judge

    def embed(self, images: Images) -> dict[str, NDArray[np.float32]]:
        return self._judge.embed(images)


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


def score_folders(
    truth: Path,
    reconstructions: Path,
    judging: Judging,
    *,
    progress: Progress = SILENT,
    pairs: Path | None = None,
    subset: bool = False,
    follow_links: bool = False,
    note: Note = unheard,
) -> Scored:
    """The scores of a folder of reconstructions against a folder of true images, at any depth.

    They are joined by the rule of names in folders.py, or by a file of `pairs`. subset: score what both sides have,
    which the sheet then says. note: is told what was not read. Raises InputError for a part that was not read, naming a
    missing, extra, duplicate or unreadable image, and for an empty folder; UsageError for an unknown suite, protocol or
    metric.
    """
    judging.check()
    joined = join(truth, reconstructions, pairs=pairs, subset=subset, follow_links=follow_links, note=note)
    part = " with a partner" if subset else ""
    ready = judging.scorer(joined.truths, where=str(truth), part=part, progress=progress)
    return score_sets(ready, joined.samples, subset=joined.subset, progress=progress)


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
