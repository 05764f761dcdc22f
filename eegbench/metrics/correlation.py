"""Pearson correlation and cosine between rows, in float64 and in pieces: the arithmetic that several metrics share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from eegbench.metrics.checks import Array, Floats

# Two similarities closer than this are a tie: the last digits of a matrix product depend on how it was cut into
# pieces (some 1e-15 here), and must not decide whether equal stimuli count as a success.
TIE = 1e-12
# Elements of one float64 piece of a feature matrix (16 MiB), and the fewest feature columns in one: with many rows,
# narrower pieces would spend their time on adding up.
PIECE, NARROWEST = 2**21, 512


@dataclass(frozen=True)
class UnitRows:
    """A feature matrix whose rows, once shifted and scaled, have length 1; NaN where that cannot be."""

    values: Array  # (n, d)
    shift: Floats  # (n, 1)
    scale: Floats  # (n, 1)

    @classmethod
    def of(cls, features: Array, *, centre: bool) -> Self:
        """Flattened features (n, ...), shifted by their row mean if `centre`: products are then Pearson's r.

        A constant row has no r, and a zero row no cosine. Both are told apart from the values themselves,
        since the rounded mean of equal numbers need not be that number.
        """
        values = features.reshape(len(features), -1)
        shift, scale = np.full((len(values), 1), np.nan), np.full((len(values), 1), np.nan)
        for i in range(len(values)):
            row = values[i].astype(np.float64)
            constant = row.max() == row.min() if centre else not row.any()
            if np.isfinite(row).all() and not constant:
                shift[i] = row.mean() if centre else 0.0
                scale[i] = np.linalg.norm(row - shift[i])
        return cls(values, shift, scale)

    def piece(self, rows: slice, columns: slice) -> Floats:
        """Shifted and scaled values of some rows and feature columns, float64."""
        values = self.values[rows, columns].astype(np.float64)
        values -= self.shift[rows]
        values /= self.scale[rows]
        return values


def paired_correlation(first: Array, second: Array) -> Floats:
    """Pearson's r of row i of `first` with row i of `second`, shape (n,); NaN where either row is constant."""
    a, b = UnitRows.of(first, centre=True), UnitRows.of(second, centre=True)
    everything = slice(None)
    pairs = (slice(i, i + 1) for i in range(len(first)))
    r = [float((a.piece(row, everything) * b.piece(row, everything)).sum()) for row in pairs]
    return np.array(r, dtype=np.float64).clip(-1.0, 1.0)


def rivals_beaten(
    reconstructions: Array, truths: Array, *, centre: bool, block: int, stimuli: Sequence[str] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each reconstruction j: how many other truths are less similar to it than its own, and how many there are.

    Similarity is Pearson's r over the flattened features, or the cosine if not `centre`. A tie or a NaN beats
    nothing. With `stimuli` (one id for each item) truths of j's own stimulus are no rivals. `block` is the
    number of reconstructions that are compared at once; memory grows with n * block and not with n * d.
    """
    n = len(truths)
    codes = _codes(n, stimuli)
    truth_rows, reconstruction_rows = UnitRows.of(truths, centre=centre), UnitRows.of(reconstructions, centre=centre)
    beaten = np.zeros(n, dtype=np.int64)
    for start in range(0, n, block):
        columns = slice(start, min(start + block, n))
        similarity = _similarity(truth_rows, reconstruction_rows, columns)
        own = similarity[columns].diagonal()
        rival = codes[:, None] != codes[None, columns]
        beaten[columns] = ((similarity < own - TIE) & rival).sum(axis=0)
    return beaten, n - np.bincount(codes)[codes]


def rivals_beaten_in_pairs(
    reconstructions: Array, truths: Array, *, centre: bool, stimuli: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As `rivals_beaten`, were each truth in turn the own one of each reconstruction: counts (b, m) and rivals (m,).

    Similarities are ranked row by row; on the diagonal of equally many reconstructions it is `rivals_beaten`.
    """
    codes = _codes(len(truths), stimuli)
    similarity = all_similarities(reconstructions, truths, centre=centre)
    beaten, copies = _beaten(similarity), np.bincount(codes)
    for code in np.flatnonzero(copies > 1):  # what shows the same picture is no rival
        same = codes == code
        beaten[:, same] -= _beaten(similarity[:, same])
    return beaten, len(truths) - copies[codes]


def all_similarities(reconstructions: Array, truths: Array, *, centre: bool) -> Floats:
    """Pearson's r, or the cosine if not `centre`, of each reconstruction (b, ...) and each truth (m, ...): (b, m)."""
    rows = UnitRows.of(reconstructions, centre=centre)
    return _similarity(rows, UnitRows.of(truths, centre=centre), slice(0, len(truths))).clip(-1.0, 1.0)


def _codes(n: int, stimuli: Sequence[str] | None) -> NDArray[np.int64]:
    return np.arange(n) if stimuli is None else np.unique(np.asarray(stimuli), return_inverse=True)[1]


def _beaten(similarity: Floats) -> NDArray[np.int64]:
    """For each value how many of its row are smaller by more than a tie; NaN beats none and is beaten by none."""
    counts = [np.searchsorted(np.sort(row), row - TIE) for row in similarity]  # NaN is sorted behind all
    return np.where(np.isnan(similarity), 0, np.array(counts))


def _similarity(truths: UnitRows, reconstructions: UnitRows, columns: slice) -> Floats:
    """Products of all truths (rows) with some reconstructions (columns), summed over pieces of the features."""
    (n, width), others = truths.values.shape, columns.stop - columns.start
    step = max(NARROWEST, PIECE // max(n, others))
    total = np.zeros((n, others))
    for start in range(0, width, step):
        features = slice(start, start + step)
        total += truths.piece(slice(None), features) @ reconstructions.piece(columns, features).T
    return total
