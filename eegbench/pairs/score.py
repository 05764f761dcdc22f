"""The scores of a folder of images against a folder of true images."""

from pathlib import Path

from eegbench.benchmark.judging import Judging, Scored, score_sets
from eegbench.contracts import Progress, Silent
from eegbench.guards.walking import Note, unheard
from eegbench.pairs.joining import join

SILENT = Silent()


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
