"""The scores of a folder of reconstructions against a folder of true images."""

import dataclasses
from pathlib import Path

from eegbench import backbones
from eegbench.benchmark.images import digest_of
from eegbench.benchmark.measure import EMBEDDING
from eegbench.benchmark.score import chosen, features_of, metrics_with, scorer
from eegbench.contracts import Progress
from eegbench.errors import InputError, unknown
from eegbench.guards.walking import Note, unheard
from eegbench.pairs.joining import join
from eegbench.runs.sheet import PROTOCOLS, ScoreSheet


def score_folders(
    truth: Path,
    reconstructions: Path,
    *,
    suite: str,
    protocol: str,
    metrics: tuple[str, ...] | None,
    progress: Progress,
    device: str,
    nway_judge: str | None = None,
    half: bool = False,
    allow_unverified: bool = False,
    pairs: Path | None = None,
    subset: bool = False,
    follow_links: bool = False,
    note: Note = unheard,
) -> ScoreSheet:
    """The scores of a folder of reconstructions against a folder of true images, at any depth.

    They are joined by the rule of names in folders.py, or by a file of `pairs`. subset: score what both sides have,
    which the sheet then says. note: is told what was not read. Raises InputError for a part that was not read, naming a
    missing, extra, duplicate or unreadable image, and for an empty folder; UsageError for an unknown suite, protocol or
    metric.
    """
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    names = metrics_with(nway_judge, metrics)
    features = features_of(chosen(names))
    joined = join(truth, reconstructions, pairs=pairs, subset=subset, follow_links=follow_links, note=note)
    alone = ", ".join(metric.id for metric in chosen(names) if metric.rivals and metric.needs != EMBEDDING)
    if len(joined.truths.stimuli) < 2 and alone:
        held = "holds 1 image" + (" with a partner" if subset else "")
        raise InputError(
            f"{truth}: {held}; {alone} tell images apart and want at least 2: add some, or name other metrics with "
            "--metrics"
        )
    judges = backbones.suite(suite, protocol, device, features=features, half=half, allow_unverified=allow_unverified)
    ready = scorer(joined.truths, judges, metrics=names, strict=metrics is not None, progress=progress)
    measured = ready.measure(joined.samples, progress=progress)
    return dataclasses.replace(ready.sheet(measured, reconstructions=digest_of(joined.samples)), subset=joined.subset)
