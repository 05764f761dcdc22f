"""`examine` looks at trials in an array, `examine_recording` at a recording that goes on.

Both give SignalFindings: notes on what leaves the EEG usable, and a refusal where nothing is left, or where its numbers
are in another unit than it says.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import AT_ONCE, EEG, EEGInfo, let_go
from eegbench.datasets.signals import faults
from eegbench.datasets.signals.measures import Array, Measures, Measuring
from eegbench.datasets.signals.units import unit_fault
from eegbench.datasets.signals.words import Segments, shortened

SHORT = 16  # samples: in fewer a single trial says nothing of a channel
WINDOW = 0.25  # s of a recording that are looked at as one
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class SignalFindings:
    """What was found wrong, as lines of plain text; `refusal` is empty where something is left."""

    notes: tuple[str, ...] = ()
    refusal: str = ""
    keys: frozenset[bytes] = frozenset()  # digests of the trials, by which copies in other arrays are found


def examine(
    eeg: EEG,
    info: EEGInfo,
    *,
    rows: NDArray[np.int64] | None = None,
    advance: Callable[[int], None] = lambda n: None,
) -> SignalFindings:
    """What is wrong with EEG (n, channels, times), or with its trials `rows`; it may be larger than memory.

    Trials are numbered from 1, in the order in which they are given. Embeddings are looked at for NaN and for copied
    trials alone; trials of fewer than SHORT samples as if they were one.
    """
    count = len(eeg) if rows is None else len(rows)
    if not count:
        return SignalFindings()
    short = info.unit != "embedding" and info.times < SHORT
    measuring = Measuring(keys=not short)
    for block in _parts(eeg, rows):
        measuring.add(block.transpose(1, 0, 2).reshape(1, block.shape[1], -1) if short else block)
        advance(len(block))
    return _judged(measuring.measures(), info.channels, info.unit, None if short else Segments(count))


def examine_recording(
    signal: NDArray[np.floating], rows: Mapping[str, int], rate: float, unit: str = "V"
) -> SignalFindings:
    """What is wrong with a recording (channels, samples), its channels in `rows` by name; rate in Hz."""
    chosen, samples = list(rows.values()), signal.shape[1]
    window = max(1, min(round(WINDOW * rate), samples))
    whole = samples // window * window
    at_once = max(1, AT_ONCE // 4 // (signal.itemsize * len(rows) * window)) * window
    measuring = Measuring(keys=False)
    for begin in range(0, whole, at_once):
        part = signal[chosen, begin : min(begin + at_once, whole)]
        measuring.add(part.reshape(len(rows), -1, window).transpose(1, 0, 2))
    if whole < samples:  # the last window overlaps the one before
        measuring.add(signal[chosen, -window:][None])
    return _judged(measuring.measures(), tuple(rows), unit, Segments(-(-samples // window), window / rate))


def together(findings: Mapping[str, SignalFindings]) -> SignalFindings:
    """The findings of several arrays or files as one: each note once, after the names of all that it is about."""
    notes: dict[str, list[str]] = {}
    for name, each in findings.items():
        for note in each.notes:
            notes.setdefault(note, []).append(name)
    every = f"all {len(findings)} files"
    lines = [
        f"{every if 2 < len(findings) == len(names) else shortened(names, 'files')}: {note}"
        for note, names in notes.items()
    ]
    for (first_name, a), (second_name, b) in itertools.combinations(findings.items(), 2):
        if common := len(a.keys & b.keys):
            lines.append(
                f"{first_name}, {second_name}: {common} trials of the one are exact copies of trials of the other"
            )
    refusals = (f"{name}: {each.refusal}" for name, each in findings.items() if each.refusal)
    return SignalFindings(tuple(lines), next(refusals, ""))


def not_finite(blocks: Iterable[Array], channels: Sequence[str], place: Callable[[int], str]) -> str:
    """Why EEG is not finite as float32, from all of it in parts (n, channels, times); nothing where it is.

    `place` says what a trial is called in its file, from its number from 0 on.
    """
    parts, most = [], 0.0
    for block in blocks:
        finite = np.isfinite(block)
        size = np.abs(np.where(finite, block, 0))
        most = max(most, float(size.max(initial=0)))
        parts.append(np.stack([np.count_nonzero(each, axis=2) for each in (~finite, size > LARGEST)]))
    nan, large = np.concatenate(parts, axis=1)
    bad = nan if nan.any() else large
    if not bad.any():
        return ""
    what = "NaN or infinite samples" if nan.any() else f"samples up to {most:.2g}, too large for any unit of EEG,"
    hit = np.flatnonzero(bad.any(1))
    return _bad_samples(what, bad, channels, f"{len(hit)} of {len(bad)} trials, the first is {place(int(hit[0]))}")


def _bad_samples(what: str, bad: Array, channels: Sequence[str], many: str) -> str:
    named, count = shortened([channels[c] for c in np.flatnonzero(bad.any(0)).tolist()], "channels"), int(bad.sum())
    return f"{what} in {named} ({count} sample{'s' * (count > 1)} in {many}); repair them, or leave them out"


def _parts(eeg: EEG, rows: NDArray[np.int64] | None) -> Iterator[EEG]:
    """The trials in portions, a quarter of AT_ONCE each, since measuring takes several times their memory."""
    count = max(1, AT_ONCE // 4 // max(1, eeg[:1].nbytes))
    for i in range(0, len(eeg) if rows is None else len(rows), count):
        yield eeg[i : i + count] if rows is None else eeg[rows[i : i + count]]
        let_go(eeg)


def _judged(measures: Measures, channels: tuple[str, ...], unit: str, segments: Segments | None) -> SignalFindings:
    """The findings from the measures; with `segments` None only of faults that hold throughout."""
    if measures.bad.any():
        many = segments.many(int(measures.bad.any(1).sum())) if segments else "all trials as one"
        return SignalFindings(refusal=_bad_samples("NaN or infinite samples", measures.bad, channels, many))
    seen = faults.Seen.of(measures, channels, unit, segments)
    repeated, same = faults.copied_trials(seen)
    if unit == "embedding":
        return SignalFindings(tuple(repeated), same, seen.keys)
    if seen.dead.all():
        return SignalFindings(refusal=f"all {len(channels)} channels are flat: no EEG is left; {faults.AGAIN}")
    copied, copies = faults.copied_channels(seen)
    fault, doubt = unit_fault(seen.typical, unit)
    if refusal := fault or copies or same:
        return SignalFindings(refusal=refusal)
    notes = [*doubt, *faults.flat(seen), *faults.strange(seen), *copied, *faults.clipped(seen), *repeated]
    return SignalFindings(tuple(notes), keys=seen.keys)
