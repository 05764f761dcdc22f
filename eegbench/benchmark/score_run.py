"""The scores of one run: of a method, a floor or a ceiling, just made or verified long after."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eegbench.benchmark import audit
from eegbench.benchmark.images import image_sets
from eegbench.benchmark.measure import Measured
from eegbench.benchmark.score import ExtractedRun, Scorer, table
from eegbench.benchmark.targets import Targets
from eegbench.contracts import Progress
from eegbench.runs.folder import Run
from eegbench.runs.sheet import ScoreSheet
from eegbench.runs.tensors import Embeddings

MAP = "saliency"  # the feature
SIDE = 64  # px of a kept map: to look at, not to score


@dataclass(frozen=True)
class Scoring:
    """What the images of a run give: what the judges saw in them, every metric by id, and the score sheet."""

    extracted: ExtractedRun
    measured: Mapping[str, Measured]
    sheet: ScoreSheet


def score_run(
    run: Run,
    ready: Scorer,
    *,
    decoded: Embeddings | None = None,
    targets: Targets | None = None,
    audited: bool = False,
    progress: Progress,
) -> Scoring:
    """The scores of a complete run, without the audit's; nothing is written.

    decoded: embeddings of the run's trials; targets: what they aim at. audited: with the scores of all pairs,
    where the audit of the run's track wants them. Raises InputError naming a missing or changed image.
    """
    extracted = ready.extract(image_sets(run.images()), progress=progress)
    pairs = audited and run.record.spec.track == audit.PAIRED
    measured = ready.compute(extracted, decoded=decoded, targets=targets, pairs=pairs, progress=progress)
    return Scoring(extracted, measured, ready.sheet(measured, reconstructions=run.record.images))


def write_scores(
    run: Run, ready: Scorer, scoring: Scoring, sheet: ScoreSheet, targets: Targets | None = None
) -> ScoreSheet:
    """Write a run's target and text embeddings, saliency maps and scores; the sheet as it was written.

    sheet: that of `scoring`, with the audit's part where there is one.
    """
    if targets is not None and targets.images is not None:
        run.write_targets(targets.images)
    run.write_texts(None if targets is None else targets.texts)
    seen, first = ready.seen.features, scoring.extracted.features[0]
    if MAP in seen and MAP in first:
        run.write_saliency(ready.truths.stimuli, truths=_small(seen[MAP]), reconstructions=_small(first[MAP]))
    return run.write_scores(sheet, table(scoring.measured, ready.truths.stimuli))


def _small(maps: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Maps (n, h, w) as uint8 (n, 64, 64), each stretched to its own maximum."""
    low = np.minimum(maps.min(axis=(1, 2), keepdims=True), 0)
    top = maps.max(axis=(1, 2), keepdims=True) - low
    stretched = ((maps - low) / np.where(top > 0, top, 1) * 255).round().astype(np.uint8)
    return np.stack(
        [np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX)) for pixels in stretched]
    )
