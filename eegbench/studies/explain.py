"""Explains a fitted method in pictures and a table: gradient saliency over scalp and time, and scores of its heads.

It uses training concepts that the fit held out and no test data, so that heads may be chosen by it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eegbench.arrays import EEGInfo, Values
from eegbench.backbones.environment import resolve_device
from eegbench.backbones.telling import telling
from eegbench.benchmark.fit import fit
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import plan
from eegbench.contracts import Explanation, Method, Progress
from eegbench.errors import InputError, UsageError
from eegbench.files import write_text, writing
from eegbench.plugins import registry
from eegbench.plugins.authors import author_of
from eegbench.seeds import seed as seed_of
from eegbench.statistics import mean_interval
from eegbench.studies import explain_pictures as pictures

NEIGHBOURS = 30  # t-SNE's perplexity, where there are enough points
COLUMNS = ("what", "head", "stimulus", "channel", "time_s", "value", "simulated")


@dataclass(frozen=True)
class Explained:
    """An explanation with its n trials. tsne: by head, the places (n, 2) in one t-SNE of all embeddings."""

    explanation: Explanation
    info: EEGInfo
    stimuli: tuple[str, ...]
    concepts: tuple[str, ...]
    tsne: dict[str, Values]
    simulated: bool
    caution: str = ""  # the data set's

    @property
    def times(self) -> Values:
        """The time of each EEG sample, in s from stimulus onset."""
        return np.round(self.info.start + np.arange(self.info.times) / self.info.rate, 9)


def explain(method: str, subject: int, options: Options, progress: Progress) -> Explained:
    """The method's explanation of itself on held-out training trials; the method is fitted first where no fit is there.

    Raises UsageError for a method that cannot explain itself, InputError for an explanation that breaks the contract.
    """
    if not _explains(registry.find("method", method)):
        explaining = [name for name, explanation in registry.every("method").items() if _explains(explanation)]
        raise UsageError(f"method {method!r} cannot explain itself; these can: {', '.join(explaining) or 'none'}")
    planned = plan(method, subject, options, device=resolve_device(options.device))
    fitted = fit(planned, progress=progress).reconstructor
    with telling(progress), progress.bar(f"what {method} goes by, on held-out trials", 1) as advance:
        train = planned.train()
        with author_of("method", method, planned.method, "explain"):
            explanation = planned.method.explain(fitted, train, seed=planned.spec.seed)
        advance(1)
    if explanation is None:
        raise UsageError(f"method {method!r} cannot explain itself as it is configured")
    check(explanation, train.info)
    trials = train.part(explanation.items)
    with progress.bar(f"t-SNE of {len(explanation.items)} embeddings a head", 1) as advance:
        placed = tsne(explanation, seed=planned.spec.seed)
        advance(1)
    return Explained(
        explanation,
        train.info,
        tuple(trials.stimuli[i] for i in trials.shown),
        tuple(trials.concepts[i] for i in trials.shown),
        placed,
        planned.dataset.simulated,
        planned.dataset.caution,
    )


def _explains(method: Any) -> bool:
    """Whether the method has an `explain` of its own."""
    return bool(method.explain is not Method.explain)


def check(explanation: Explanation, info: EEGInfo) -> None:
    """Raises InputError naming what breaks the contract, for a method may come from a plug-in."""
    n, size = len(explanation.items), (len(info.channels), info.times)
    heads = list(explanation.embeddings)
    if n < 3 or not heads:
        raise InputError(f"an explanation of {n} trials and {len(heads)} heads; wanted 3 trials and a head, or more")
    wanted = {"nearness": (n,), "right": (n,), "embeddings": (n, explanation.embeddings[heads[0]].shape[-1])}
    for part, shape in wanted.items():
        values = getattr(explanation, part)
        wrong = [head for head in heads if head not in values or values[head].shape != shape]
        if wrong or len(values) != len(heads):
            raise InputError(f"{part} of an explanation: {wrong or list(values)}; wanted {shape} for each of {heads}")
    if not explanation.saliency or any(values.shape != size for values in explanation.saliency.values()):
        raise InputError(f"saliency of an explanation is not (channels, times) = {size}")
    arrays = [
        array for part in (explanation.saliency, *(getattr(explanation, p) for p in wanted)) for array in part.values()
    ]
    if not all(np.isfinite(array).all() for array in arrays):
        raise InputError("an explanation holds NaN or infinite values")


def tsne(explanation: Explanation, *, seed: int) -> dict[str, Values]:
    """Places (n, 2) of every head's embeddings in one t-SNE of them all (van der Maaten and Hinton 2008)."""
    from sklearn.manifold import TSNE

    everything = np.concatenate(list(explanation.embeddings.values())).astype(np.float64)
    fitter = TSNE(
        perplexity=min(NEIGHBOURS, (len(everything) - 1) / 3),
        init="pca",
        random_state=seed_of(seed, "t-SNE") % 2**32,
    )
    placed = fitter.fit_transform(everything).astype(np.float64)
    return dict(zip(explanation.embeddings, np.split(placed, len(explanation.embeddings)), strict=True))


def wins(explanation: Explanation) -> dict[str, float]:
    """By head, the share of trials that it won: its retrieved item is nearer, by cosine, than that of any other head.

    The share says which head is surest, not which is right: captions that are all alike are near to any embedding.
    """
    heads = list(explanation.nearness)
    winner = np.stack([explanation.nearness[head] for head in heads]).argmax(0)
    return {head: float((winner == i).mean()) for i, head in enumerate(heads)}


def scores(explained: Explained) -> dict[str, tuple[float, tuple[float, float] | None]]:
    """By head, best first: two-way identification on the held-out concepts, and its 95 % interval over concepts."""
    concepts = np.array(explained.concepts)
    estimates = {}
    for head, right in explained.explanation.right.items():
        means = [right[concepts == concept].mean() for concept in sorted(set(explained.concepts))]
        estimates[head] = mean_interval(means, limits=(0.0, 1.0))
    return dict(sorted(estimates.items(), key=lambda pair: -pair[1][0]))


def heads(explained: Explained) -> list[dict[str, object]]:
    """The table that is printed: a row for each head, best first."""
    won = wins(explained.explanation)
    return [
        {
            "head": head,
            "two-way on held-out concepts": f"{value:.3f}",
            "95 %": "-" if bounds is None else f"[{bounds[0]:.3f}, {bounds[1]:.3f}]",
            "trials won": f"{won[head]:.0%}",
        }
        for head, (value, bounds) in scores(explained).items()
    ]


def rows(explained: Explained) -> list[tuple[object, ...]]:
    """The whole explanation, one value in a row, in the order of COLUMNS."""
    explanation, table = explained.explanation, list[tuple[object, ...]]()

    def add(what: str, head: str, value: float, stimulus: str = "", channel: str = "", time: float | str = "") -> None:
        table.append((what, head, stimulus, channel, time, float(value), explained.simulated))

    for head, values in explanation.saliency.items():
        for channel, course in zip(explained.info.channels, values, strict=True):
            for time, value in zip(explained.times, course, strict=True):
                add("saliency", head, value, channel=channel, time=float(time))
    for head, (value, bounds) in scores(explained).items():
        add("two_way", head, value)
        for name, bound in zip(("two_way_low", "two_way_high"), bounds or (), strict=False):
            add(name, head, bound)
    for head, share in wins(explanation).items():
        add("trials_won", head, share)
    for head, places in explained.tsne.items():
        columns = {"nearness": explanation.nearness[head], "right": explanation.right[head], "tsne_x": places[:, 0]}
        for what, column in (columns | {"tsne_y": places[:, 1]}).items():
            for stimulus, value in zip(explained.stimuli, column, strict=True):
                add(what, head, value, stimulus=stimulus)
    return table


def write(explained: Explained, folder: Path, *, title: str) -> list[Path]:
    """The paths of explain.csv and the pictures, written to `folder`; each picture has `title` above it.

    The scalp map is left out where too few electrodes have a known place.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows(explained)])
    explanation, info, times = explained.explanation, explained.info, explained.times
    trials = f"{len(explained.stimuli)} training trials of {len(set(explained.concepts))} held-out concepts"
    with writing(folder, mend="choose another folder with --output"):
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "explain.csv", text.getvalue())
        head = f"{title}\n{trials}"
        drawn: Sequence[Path | None] = (
            pictures.scalp(explanation.saliency, info.channels, head, folder / "scalp.png"),
            pictures.channels_by_time(
                explanation.saliency, info.channels, times, head, folder / "channels_by_time.png"
            ),
            pictures.heads(scores(explained), wins(explanation), head, folder / "heads.png"),
            pictures.tsne(explained.tsne, explained.concepts, head, folder / "tsne.png"),
        )
    return [folder / "explain.csv", *(path for path in drawn if path is not None)]
