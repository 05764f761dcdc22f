"""Faults of channels and trials, found in the measures. Each threshold has its reason beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from eegbench.datasets.signals.measures import COPY, Array, Measures
from eegbench.datasets.signals.units import PLAUSIBLE
from eegbench.datasets.signals.words import Segments, first, shortened

FLAT = 0.01  # of the median spread: less is flat. The rounding of an amplifier's numbers is 0.003 of it or less
NOTHING = 1e-9  # of the median spread: what filters make of a constant
STRANGE = 300.0  # times the others' spread: more is another unit than theirs, or no electrode
PART = 0.2  # of the trials: two channels are copies in as many, or it is an accident
EXTREME = 1e-3  # of a channel's samples: as many are at its extremes if it is clipped; else it is one or two
PLATEAU = 0.03  # of a trial's samples, likewise, at one of the trial's own extremes
FEWEST = 8  # samples of a trial at its extreme, at least
AGAIN = "record or export it again"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Seen:
    """The measures of EEG, and which parts of it are flat."""

    measures: Measures
    channels: tuple[str, ...]
    segments: Segments | None  # None: only faults that hold throughout are reported
    flat: Mask  # (n, channels)
    dead: Mask  # (channels,): flat in all trials
    silent: Mask  # (n,): trials in which every other channel is flat
    levels: Array  # (channels,): the median spread over the trials in which a channel is not flat
    typical: float  # the median of `levels` of channels that are not dead

    @classmethod
    def of(cls, measures: Measures, channels: tuple[str, ...], unit: str, segments: Segments | None) -> Self:
        flat = (measures.spread < FLAT * _reference(measures.spread, unit)) | (measures.spread == 0)
        dead = flat.all(0)
        silent = flat[:, ~dead].all(1) if unit != "embedding" else np.zeros(len(flat), bool)
        columns = zip(measures.spread.T, flat.T, strict=True)
        levels = np.array([0.0 if never.all() else np.median(spread[~never]) for spread, never in columns])
        typical = float(np.median(levels[~dead])) if not dead.all() else 0.0
        return cls(measures, channels, segments, flat, dead, silent, levels, typical)

    @property
    def keys(self) -> frozenset[bytes]:
        """Digests of the trials that are not silent."""
        return frozenset(key for key, mute in zip(self.measures.keys, self.silent, strict=False) if not mute)

    def names(self, chosen: Mask) -> str:
        return shortened([self.channels[c] for c in np.flatnonzero(chosen)], "channels")


def _reference(spread: Array, unit: str) -> float:
    """The median spread of all that varies; or of what varies as EEG does, where that is a tenth or more."""
    varying = spread[spread > 0]
    low, high = PLAUSIBLE.get(unit, (0.0, np.inf))
    likely = varying[(varying >= low) & (varying <= high)]
    chosen = likely if 10 * likely.size >= varying.size else varying
    return float(np.median(chosen)) if chosen.size else 0.0


def flat(seen: Seen) -> list[str]:
    """Channels that are flat throughout, trials that are silent, and channels that are flat in other trials."""
    most, notes = seen.measures.spread.max(0) / seen.typical, []
    for chosen, nearly in ((seen.dead & (most <= NOTHING), ""), (seen.dead & (most > NOTHING), "nearly ")):
        if chosen.any():
            less = f" (at most {most[chosen].max():.1g} of the others' spread)" if nearly else ""
            notes.append(f"{seen.names(chosen)} {'is' if chosen.sum() == 1 else 'are'} {nearly}flat throughout{less}")
    if seen.segments is None:
        return notes
    if silent := int(seen.silent.sum()):
        where, many = seen.segments.where(seen.silent), seen.segments.many(silent)
        sentence = f"{where} {'is' if silent == 1 else 'are'} silent in all channels ({many})"
        notes.append(sentence if not seen.segments.seconds else f"silent in all channels: {where} ({many})")
    times = (seen.flat & ~seen.silent[:, None]).sum(0) * ~seen.dead
    order = [c for c in np.argsort(-times, kind="stable") if times[c]]
    lines = [f"{seen.channels[c]} is flat in {seen.segments.many(int(times[c]))}" for c in order]
    return notes + first(lines, "channels are flat in as many or fewer")


def strange(seen: Seen) -> list[str]:
    """Channels that spread so much wider than the others that they may be in another unit."""
    lines = [
        f"{seen.channels[c]} has {seen.levels[c] / seen.typical:.1e} times the spread of the other channels: "
        "is it in another unit?"
        for c in np.flatnonzero(seen.levels > STRANGE * seen.typical)
    ]
    return first(lines, "channels spread as strangely")


def copied_channels(seen: Seen) -> tuple[list[str], str]:
    """Notes on the pairs that are copies; and a refusal where all channels are copies of one."""
    scale = np.sqrt(np.diag(seen.measures.together))
    products = np.outer(scale, scale)
    related = np.divide(seen.measures.together, products, out=np.zeros_like(products), where=products > 0)
    related[seen.dead] = related[:, seen.dead] = 0
    pairs = np.triu(np.abs(related) >= COPY, 1)
    left = np.flatnonzero(~seen.dead)
    if len(left) > 1 and pairs[left[0], left[1:]].all():
        return [], f"all {len(left)} channels that are not flat are copies of one: no EEG is left; {AGAIN}"
    of = [(int(np.flatnonzero(pairs[:, c])[0]), int(c)) for c in np.flatnonzero(pairs.any(0))]
    words = [f"{_pair(seen, a, b)}{' (upside down)' if related[a, b] < 0 else ''}" for a, b in of]
    notes = [f"channels that are copies of one another: {shortened(words, 'pairs')}"] if words else []
    return notes + _copied_in_part(seen, pairs), ""


def _copied_in_part(seen: Seen, pairs: Mask) -> list[str]:
    living = int((~seen.silent).sum())
    if seen.segments is None or living < 2:
        return []
    partly = np.triu(seen.measures.alike >= PART * living, 1) & ~pairs
    chosen = sorted(zip(*np.nonzero(partly), strict=True), key=lambda pair: -int(seen.measures.alike[pair]))
    lines = [
        f"{_pair(seen, a, b)} are copies of one another in {seen.segments.many(int(seen.measures.alike[a, b]))}"
        for a, b in chosen
        if not pairs[:, b].any()
    ]
    return first(lines, "pairs are copies in as many or fewer")


def _pair(seen: Seen, a: int, b: int) -> str:
    return f"{seen.channels[a]} and {seen.channels[b]}"


def clipped(seen: Seen) -> list[str]:
    """Channels that stay at their highest or lowest value; or, in trials of their own baseline, at a trial's.

    What is flat is reported by `flat`, and does not count here.
    """
    measures, varies = seen.measures, ~seen.flat
    highest = measures.highest * varies * (measures.high == np.where(varies, measures.high, -np.inf).max(0))
    lowest = measures.lowest * varies * (measures.low == np.where(varies, measures.low, np.inf).min(0))
    held = (highest + lowest).sum(0)
    share = held / np.maximum(1, varies.sum(0) * measures.times)
    always = (share >= EXTREME) & (held >= FEWEST)
    lines = [
        f"{seen.channels[c]} is clipped: {100 * share[c]:.2g} % of its samples are at its highest or lowest value"
        for c in np.flatnonzero(always)
    ]
    if (
        seen.segments is not None and not seen.segments.seconds
    ):  # a recording's number is rounded: it may stay for a moment
        stays = np.maximum(measures.highest, measures.lowest) >= max(FEWEST, PLATEAU * measures.times)
        often = (stays & varies).sum(0) * ~always
        lines += [
            f"{seen.channels[c]} is clipped in {seen.segments.many(int(often[c]))}: samples stay at its extreme value"
            for c in np.flatnonzero(often)
        ]
    return first(lines, "channels are clipped too")


def copied_trials(seen: Seen) -> tuple[Sequence[str], str]:
    """A note on trials that are others again, byte for byte; and a refusal where all are one."""
    origins: dict[bytes, int] = {}
    of = {i: origins.setdefault(key, i) for i, key in enumerate(seen.measures.keys) if not seen.silent[i]}
    copies = [i for i, origin in of.items() if origin != i]
    if not copies or seen.segments is None:
        return [], ""
    if len(origins) == 1:
        return [], f"all {len(of)} trials are exact copies of one: no EEG is left; {AGAIN}"
    chosen = np.zeros(len(seen.silent), bool)
    chosen[copies] = True
    are = "is an exact copy of an earlier one" if len(copies) == 1 else "are exact copies of earlier ones"
    original = f"trial {copies[0] + 1} is trial {of[copies[0]] + 1} again"
    return [f"{seen.segments.where(chosen)} {are} ({seen.segments.many(len(copies))}): {original}"], ""
