"""What a fitted method goes by: gradient saliency over scalp and time, and how its heads do, as pictures and a table.

Asked on training concepts that the fit held out; test data play no part, so heads may be chosen by it.
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
from eegbench.benchmark.plan import Options, plan
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
    """An explanation, the trials that it was asked on, and by head the places (n, 2) of a t-SNE of all embeddings."""

    found: Explanation
    info: EEGInfo
    stimuli: tuple[str, ...]
    concepts: tuple[str, ...]
    tsne: dict[str, Values]
    simulated: bool
    caution: str = ""  # the data set's

    @property
    def times(self) -> Values:
        """s from stimulus onset."""
        return np.round(self.info.start + np.arange(self.info.times) / self.info.rate, 9)


def explain(method: str, subject: int, options: Options, progress: Progress) -> Explained:
    """Fit the method if it must be, and ask it what it goes by.

    Raises UsageError for a method that cannot tell, InputError for an answer that breaks the contract.
    """
    if not _explains(registry.find("method", method)):
        having = [name for name, found in registry.every("method").items() if _explains(found)]
        raise UsageError(f"method {method!r} cannot explain itself; these can: {', '.join(having) or 'none'}")
    planned = plan(method, subject, options, device=resolve_device(options.device))
    fitted = fit(planned, progress=progress).reconstructor
    with telling(progress), progress.bar(f"what {method} goes by, on held-out trials", 1) as advance:
        train = planned.train()
        with author_of("method", method, planned.method, "explain"):
            found = planned.method.explain(fitted, train, seed=planned.spec.seed)
        advance(1)
    if found is None:
        raise UsageError(f"method {method!r} cannot explain itself as it is configured")
    check(found, train.info)
    trials = train.part(found.items)
    with progress.bar(f"t-SNE of {len(found.items)} embeddings a head", 1) as advance:
        placed = tsne(found, seed=planned.spec.seed)
        advance(1)
    return Explained(
        found,
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


def check(found: Explanation, info: EEGInfo) -> None:
    """Raises InputError naming what breaks the contract; a method may come from anywhere."""
    n, size = len(found.items), (len(info.channels), info.times)
    heads = list(found.embeddings)
    if n < 3 or not heads:
        raise InputError(f"an explanation of {n} trials and {len(heads)} heads; wanted 3 trials and a head, or more")
    wanted = {"nearness": (n,), "right": (n,), "embeddings": (n, found.embeddings[heads[0]].shape[-1])}
    for part, shape in wanted.items():
        values = getattr(found, part)
        wrong = [head for head in heads if head not in values or values[head].shape != shape]
        if wrong or len(values) != len(heads):
            raise InputError(f"{part} of an explanation: {wrong or list(values)}; wanted {shape} for each of {heads}")
    if not found.saliency or any(values.shape != size for values in found.saliency.values()):
        raise InputError(f"saliency of an explanation is not (channels, times) = {size}")
    arrays = [array for part in (found.saliency, *(getattr(found, p) for p in wanted)) for array in part.values()]
    if not all(np.isfinite(array).all() for array in arrays):
        raise InputError("an explanation holds NaN or infinite values")


def tsne(found: Explanation, *, seed: int) -> dict[str, Values]:
    """Places (n, 2) of every head's embeddings in one t-SNE of them all (van der Maaten and Hinton 2008)."""
    from sklearn.manifold import TSNE

    everything = np.concatenate(list(found.embeddings.values())).astype(np.float64)
    fitter = TSNE(
        perplexity=min(NEIGHBOURS, (len(everything) - 1) / 3),
        init="pca",
        random_state=seed_of(seed, "t-SNE") % 2**32,
    )
    placed = fitter.fit_transform(everything).astype(np.float64)
    return dict(zip(found.embeddings, np.split(placed, len(found.embeddings)), strict=True))


def wins(found: Explanation) -> dict[str, float]:
    """By head, the share of trials that it won: where what it retrieved is nearer, by cosine, than any other head's.

    It says which head is surest, not which is right: captions that are all alike are near to any embedding.
    """
    heads = list(found.nearness)
    winner = np.stack([found.nearness[head] for head in heads]).argmax(0)
    return {head: float((winner == i).mean()) for i, head in enumerate(heads)}


def scores(explained: Explained) -> dict[str, tuple[float, tuple[float, float] | None]]:
    """By head, best first: two-way identification on the held-out concepts, and its 95 % interval over concepts."""
    concepts = np.array(explained.concepts)
    found = {}
    for head, right in explained.found.right.items():
        means = [right[concepts == concept].mean() for concept in sorted(set(explained.concepts))]
        found[head] = mean_interval(means, limits=(0.0, 1.0))
    return dict(sorted(found.items(), key=lambda pair: -pair[1][0]))


def heads(explained: Explained) -> list[dict[str, object]]:
    """A row for each head, best first, for people to read."""
    won = wins(explained.found)
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
    found, table = explained.found, list[tuple[object, ...]]()

    def add(what: str, head: str, value: float, stimulus: str = "", channel: str = "", time: float | str = "") -> None:
        table.append((what, head, stimulus, channel, time, float(value), explained.simulated))

    for head, values in found.saliency.items():
        for channel, course in zip(explained.info.channels, values, strict=True):
            for time, value in zip(explained.times, course, strict=True):
                add("saliency", head, value, channel=channel, time=float(time))
    for head, (value, bounds) in scores(explained).items():
        add("two_way", head, value)
        for name, bound in zip(("two_way_low", "two_way_high"), bounds or (), strict=False):
            add(name, head, bound)
    for head, share in wins(found).items():
        add("trials_won", head, share)
    for head, places in explained.tsne.items():
        each = {"nearness": found.nearness[head], "right": found.right[head], "tsne_x": places[:, 0]}
        for what, column in (each | {"tsne_y": places[:, 1]}).items():
            for stimulus, value in zip(explained.stimuli, column, strict=True):
                add(what, head, value, stimulus=stimulus)
    return table


def write(explained: Explained, folder: Path, *, title: str) -> list[Path]:
    """explain.csv and the pictures in `folder`, each headed by `title`; the scalp's only where electrodes are known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows(explained)])
    found, info, times = explained.found, explained.info, explained.times
    asked = f"{len(explained.stimuli)} training trials of {len(set(explained.concepts))} held-out concepts"
    with writing(folder, mend="choose another folder with --output"):
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "explain.csv", text.getvalue())
        head = f"{title}\n{asked}"
        drawn: Sequence[Path | None] = (
            pictures.scalp(found.saliency, info.channels, head, folder / "scalp.png"),
            pictures.channels_by_time(found.saliency, info.channels, times, head, folder / "channels_by_time.png"),
            pictures.heads(scores(explained), wins(found), head, folder / "heads.png"),
            pictures.tsne(explained.tsne, explained.concepts, head, folder / "tsne.png"),
        )
    return [folder / "explain.csv", *(path for path in drawn if path is not None)]
