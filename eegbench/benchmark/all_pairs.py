"""The score of each reconstruction against each truth: chance is their mean, and the audit permutes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from eegbench import seeds
from eegbench.contracts import PIXELS, Metric
from eegbench.plugins import entering

KEPT = 1000  # stimuli up to which all scores are kept for the audit: 8 MB a metric
AT_ONCE = 2**22  # scores in work at once: 32 MB

Array = NDArray[np.float64]
Positions = NDArray[np.int64]


@dataclass
class AllPairs:
    """The scores of all pairs of one metric, added up over samples.

    order: positions of the stimuli, in an order that depends on their ids alone, so that every sum does.
    """

    metric: Metric
    contents: Sequence[str]  # of all stimuli
    order: Positions
    wants_floor: bool
    wants_scores: bool
    _sum: float = 0.0
    _count: int = 0
    _scores: list[Array] = field(default_factory=list)

    @classmethod
    def of(cls, metric: Metric, stimuli: Sequence[str], contents: Sequence[str], *, floor: bool, scores: bool) -> Self:
        """A sum to fill for `metric` and this set: of its floor, where that is estimated, and of all scores."""
        n = len(stimuli)
        apt = metric.per_item and n > 1 and compares(metric)
        wants_floor = apt and floor and metric.chance == "permuted"
        wants_scores = apt and scores and n <= min(KEPT, metric.most_paired)
        return cls(metric, contents, by_id(stimuli), wants_floor, wants_scores)

    @property
    def wanted(self) -> bool:
        return self.wants_floor or self.wants_scores

    @property
    def part(self) -> Positions:
        """The positions of the stimuli whose reconstructions take part: as many as the metric affords."""
        return self.order[: self.metric.most_paired]

    @property
    def truths(self) -> Positions:
        """The positions of the truths that take part: all, where a value depends on other truths; else `part`."""
        return self.order if self.metric.rivals else self.part

    def add(self, reconstructions: NDArray[np.generic], truths: NDArray[np.generic]) -> None:
        """Add one sample: the reconstructions of `part` and the truths of `truths`, both `reduced`, in these orders."""
        shown = [self.contents[place] for place in self.truths]
        codes = np.unique(shown, return_inverse=True)[1]
        step, rows = max(1, AT_ONCE // len(shown)), []
        for start in range(0, len(reconstructions), step):
            block = entering.pairs(self.metric, reconstructions[start : start + step], truths, shown)
            other = codes[start : start + len(block), None] != codes
            other &= np.isfinite(block)
            self._sum += float(block.sum(where=other))
            self._count += int(other.sum())
            if self.wants_scores:
                rows.append(block)
        if self.wants_scores:
            self._scores.append(np.concatenate(rows))

    @property
    def floor(self) -> float | None:
        """The mean over pairs that show different pictures, and over samples; None where there is no such pair."""
        return self._sum / self._count if self.wants_floor and self._count else None

    @property
    def scores(self) -> Array | None:
        """(n, n) in the order of the stimuli, the mean over samples."""
        if not self._scores:
            return None
        placed = np.empty_like(self._scores[0])
        placed[np.ix_(self.part, self.part)] = np.mean(self._scores, axis=0)
        return placed


def compares(metric: Metric) -> bool:
    """Whether a metric can score all pairs: one of PIXELS can only if it overrides `reduced`."""
    return metric.needs != PIXELS or type(metric).reduced is not Metric.reduced


def by_id(stimuli: Sequence[str]) -> Positions:
    """The positions of the stimuli in a pseudo-random order that depends on their ids alone."""
    return np.array(sorted(range(len(stimuli)), key=lambda i: (seeds.seed("pairs", stimuli[i]), stimuli[i])), np.int64)


def partners(stimuli: Sequence[str], contents: Sequence[str]) -> Positions:
    """For each stimulus the position of another, which shows another picture; each is a partner once.

    It depends on ids and contents, not on their order. A derangement of the sorted ids; where it gives a stimulus its
    own picture, that partner is exchanged for the next that suits both. Where one picture is more than half of all, as
    few as possible keep a partner that shows it too. Raises ValueError below two stimuli.
    """
    ordered = np.array(sorted(range(len(stimuli)), key=lambda i: stimuli[i]), dtype=np.int64)
    shown = np.unique(np.asarray(contents), return_inverse=True)[1][ordered]
    partner = seeds.derangement(len(stimuli), seeds.generator("audit", len(stimuli)))
    for place in np.flatnonzero(shown == shown[partner]):
        if shown[place] != shown[partner[place]]:  # exchanged already
            continue
        suited = np.flatnonzero((shown[partner] != shown[place]) & (shown != shown[place]))
        if len(suited):  # if none suits, every stimulus or its partner shows this picture: more than half of all do
            other = suited[np.searchsorted(suited, place) % len(suited)]
            partner[[place, other]] = partner[[other, place]]
    placed = np.empty_like(ordered)
    placed[ordered] = ordered[partner]
    return placed


def chance(metric: Metric, contents: Sequence[str]) -> float | None:
    """A metric's chance level for stimuli with these pictures; None where it is estimated, or where there is none.

    "k/N" is min(1, k / N) for N different pictures, of which each counts once.
    """
    if not isinstance(metric.chance, str):
        return metric.chance
    top, _, among = metric.chance.partition("/")
    return min(1.0, float(top) / len(set(contents))) if among == "N" else None
