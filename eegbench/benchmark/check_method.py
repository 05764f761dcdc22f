"""Does a method keep its contract? Asked on four images, with a message for each way not to."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eegbench.arrays import Images, Maps, check_images
from eegbench.backbones.environment import seed_globally
from eegbench.benchmark import fit as fits
from eegbench.benchmark.plan import Plan
from eegbench.benchmark.reconstruct import seed_of
from eegbench.contracts import Dataset, Hints, Progress, Queries, Reconstructor, TrainingSet
from eegbench.errors import CheckFailed, EegbenchError
from eegbench.places import cache
from eegbench.records import digest

ITEMS, TRAINING = 4, 64  # images asked for; trials to fit on where no fit is at hand
GREY, SHARE = 2, 0.001  # two ways to the same image may differ by so much, and more on this share of the values
SAFE = {".safetensors", ".json", ".csv", ".png", ".txt", ".toml"}


class Finding(NamedTuple):
    """One clause of the contract, and what is wrong with it; "" where it is kept."""

    clause: str
    problem: str


def check(plan: Plan, *, progress: Progress) -> list[Finding]:
    """Every clause, in order; those after a failed fit are left out.

    The fit is the shipped or cached one; where there is none, the method is fitted on 64 training trials.
    """
    queries = plan.dataset.queries(plan.spec.subject)
    some = Queries(queries.eeg[:ITEMS].copy(), queries.info, queries.stimuli[:ITEMS])
    findings: list[Finding] = []
    fitted: list[Reconstructor] = []

    def take(clause: str, ask: Callable[[], str | None]) -> bool:
        try:
            with _answers_closed(plan.dataset):
                problem = ask() or ""
        except EegbenchError as error:
            problem = str(error)
        except Exception as error:  # whatever a stranger's code may raise is a finding, not our end
            problem = f"{type(error).__name__}: {error}"
        findings.append(Finding(clause, " ".join(problem.split())))
        return not problem

    def fit() -> str | None:
        fitted.append(_fitted(plan, progress))
        wanted = plan.method.reconstructor
        return (
            None if isinstance(fitted[0], wanted) else f"fit gave a {type(fitted[0]).__name__}, not {wanted.__name__}"
        )

    if not take("fit gives the method's reconstructor, without asking for answers", fit):
        return findings
    asking = _Asking(fitted[0], plan, some)
    if not take("images are uint8 (n, h, w, 3), one for each item", asking.shape):
        return findings
    take("the same seeds give the same images, whatever the global random state", asking.repeats)
    take("an image does not depend on the others in its batch", asking.alone)
    take("an image does not depend on the order of the items", asking.reverse)
    take("EEG and hints are left as they came", asking.untouched)
    take("embeddings are finite, (n, d), in the space of embed_images", asking.embeddings)
    take("what is saved is safe to load, and gives the same images", asking.stored)
    return findings


class _Asking:
    """A fitted method and what it is asked."""

    def __init__(self, fitted: Reconstructor, plan: Plan, queries: Queries) -> None:
        self.fitted, self.plan, self.eeg = fitted, plan, queries.eeg
        self.seeds = [seed_of(plan.spec.seed, stimulus, 0) for stimulus in queries.stimuli]
        self.maps = _maps(len(queries.eeg)) if plan.spec.track == "oracle" else None
        self.first: Images = np.zeros((0, 0, 0, 3), np.uint8)

    def make(self, items: Sequence[int], by: Reconstructor | None = None) -> Images:
        chosen = list(items)
        hints: Hints | None = None
        if self.maps is not None:
            hints = dict.fromkeys(self.plan.method.hints, self.maps[chosen])
        made = (by or self.fitted).reconstruct(
            self.eeg[chosen].copy(), seeds=[self.seeds[i] for i in chosen], hints=hints
        )
        return check_images(np.asarray(made), count=len(chosen))

    def shape(self) -> str | None:
        self.first = self.make(range(len(self.eeg)))
        return None

    def repeats(self) -> str | None:
        """Twice, with the global generators elsewhere."""
        for state in (1, 2):
            seed_globally(state)
            if not np.array_equal(self.make(range(len(self.eeg))), self.first):
                return "a second call gave other images: draw from `seeds` alone, never from a global generator"
        return None

    def alone(self) -> str | None:
        return self._alike(np.concatenate([self.make([i]) for i in range(len(self.eeg))]), "made one by one")

    def reverse(self) -> str | None:
        return self._alike(self.make(range(len(self.eeg))[::-1])[::-1], "asked in reverse order")

    def _alike(self, images: Images, how: str) -> str | None:
        if images.shape != self.first.shape:
            return f"{how}, images have shape {images.shape}, together {self.first.shape}"
        far = np.abs(images.astype(int) - self.first.astype(int)) > GREY
        if far.mean() > SHARE:
            return (
                f"{how}, {far.mean():.1%} of the values differ by more than {GREY} grey levels; at most {SHARE:.1%} may"
            )
        return None

    def untouched(self) -> str | None:
        mine = self.eeg.copy()
        hints = None if self.maps is None else {name: self.maps.copy() for name in self.plan.method.hints}
        self.fitted.reconstruct(mine, seeds=self.seeds, hints=hints)
        if not np.array_equal(mine, self.eeg):
            return "reconstruct wrote into the EEG that it was given; work on a copy"
        if self.maps is not None and any((maps != self.maps).any() for maps in (hints or {}).values()):
            return "reconstruct wrote into the hints that it was given; work on a copy"
        return None

    def embeddings(self) -> str | None:
        told = self.fitted.embed(self.eeg)
        if told is None:
            return None
        if told.ndim != 2 or len(told) != len(self.eeg) or not np.isfinite(told).all():
            return (
                f"embed gave {told.shape}, finite: {bool(np.isfinite(told).all())}; wanted ({len(self.eeg)}, d), finite"
            )
        aim = self.fitted.embed_images(self.first)
        if aim is not None and aim.shape[1:] != told.shape[1:]:
            return f"embed has {told.shape[1]} dimensions, embed_images {aim.shape[1]}: they must share a space"
        return None

    def stored(self) -> str | None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.fitted.save(folder)
            unsafe = sorted(f.name for f in folder.rglob("*") if f.is_file() and f.suffix not in SAFE)
            if unsafe:
                return f"save wrote {unsafe[0]}; wanted safetensors and JSON, which run nothing when they are loaded"
            again = self.plan.method.configure(type(self.fitted).load(folder, device=self.plan.device))
            return self._alike(self.make(range(len(self.eeg)), again), "saved and loaded")


def _fitted(plan: Plan, progress: Progress) -> Reconstructor:
    key = digest(fits.shape(plan))
    for root in (fits.shipped_folder(), cache("fitted")):
        if (root / key / fits.CARD).is_file():
            return fits.load(root / key, plan.method, plan.device)
    train = _part(plan.train(), TRAINING)
    fresh = plan.method.fit(train, seed=plan.spec.seed, progress=progress, device=plan.device)
    found: Reconstructor = plan.method.configure(fresh)
    return found


def _part(train: TrainingSet, count: int) -> TrainingSet:
    """About `count` trials, spread over the whole so that many concepts are there, each at least twice."""
    pairs = np.unique(np.linspace(0, len(train.eeg) - 2, min(count, len(train.eeg)) // 2).astype(int))
    chosen = np.unique(np.concatenate([pairs, pairs + 1]))
    return train.part(chosen.tolist())


def _maps(count: int) -> Maps:
    """Hints of no image: a bright square that moves from item to item."""
    maps = np.zeros((count, 64, 64), np.uint8)
    for i in range(count):
        maps[i, 8 * i : 8 * i + 24, 16:40] = 255
    return maps


@contextmanager
def _answers_closed(dataset: Dataset) -> Iterator[None]:
    """While a method works, asking any data set of this kind for its answers is a finding."""
    kind = type(dataset)
    open_way = kind.answers

    def refuse(self: Dataset, subject: int) -> None:
        raise CheckFailed("the method asked the data set for the answers; it may see training data and queries alone")

    kind.answers = refuse  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        kind.answers = open_way  # type: ignore[method-assign]
