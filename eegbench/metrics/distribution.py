"""Distances between whole sets of features: kernel inception distance and Frechet distance."""

from dataclasses import dataclass

import numpy as np

from eegbench.arrays import Values
from eegbench.contracts import Card, Laws, Metric
from eegbench.errors import InputError
from eegbench.metrics.cards import EXACT, FIDELITY_WEIGHTS, POOLED
from eegbench.metrics.checks import Array, Floats, check_features

BLOCK = 1024  # rows of a kernel matrix in memory at once
FEW = "With n images below the 2048 features the covariance is singular; the bias grows as 1/n: compare equal n only."


@dataclass(frozen=True)
class KernelInceptionDistance(Metric):
    """Squared MMD of two sets that come in pairs, under the kernel k(x, y) = (x.y / d + 1)^3, without bias.

    The mean of k(x_i, x_j) + k(y_i, y_j) - 2 k(x_i, y_j) over all i != j. A reconstruction and its own truth depend on
    each other; `kid_published` has k(x_i, y_i) among its terms, which moves it by -2/n times what own pairs have more
    than others. No subsets are drawn, so there is no seed and no lower limit of 1000 images. It may be below 0, and is
    0 for equal sets. Which item belongs to which matters. Gretton et al. 2012, section 3; Binkowski et al. 2018.
    """

    id: str = "kid"
    version: int = 2  # 1 is now `kid_published`
    higher_is_better: bool = False
    chance: float | str | None = None
    bounds: tuple[float, float] = (-float("inf"), float("inf"))
    needs: str = "inception_pool"
    per_item: bool = False
    column: int | None = 140
    laws: Laws | None = Laws(identical=0, symmetric=True, paired=True)
    card: Card | None = Card(
        "Kernel inception distance",
        "mean over i != j of k(x_i, x_j) + k(y_i, y_j) - 2 k(x_i, y_j), k(x, y) = (x.y / d + 1)^3",
        "Gretton et al. 2012, without pairs that belong together; kernel of Binkowski et al. 2018",
        POOLED,
        FIDELITY_WEIGHTS,
        (
            "May be below 0; its mean is 0 where both sets have one distribution.",
            "Version 1 is `kid_published`: its own pairs move it below 0 where reconstructions resemble their truths.",
        ),
        EXACT,
    )

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """() from features (n, d); raises InputError below two items, for NaN, or for sides that differ in n or d."""
        x, y = _two_sets(reconstructions, truths, self.id)
        n = len(x)
        if len(y) != n:
            raise InputError(f"{self.id}: {n} reconstructions and {len(y)} truths; wanted pairs, see kid_published")
        across = _kernel_sum(x, y) - float((((x * y).sum(axis=1) / x.shape[1] + 1) ** 3).sum())
        return np.array((_within(x) + _within(y) - 2 * across) / (n * (n - 1)))


@dataclass(frozen=True)
class PublishedKernelInceptionDistance(Metric):
    """Squared MMD of both full sets under the kernel (x.y / d + 1)^3, as published code takes it.

    Without bias for two independent sets alone: reconstructions of these truths come out too near to them. No subsets
    are drawn. It may be below 0. Binkowski et al. 2018.
    """

    id: str = "kid_published"
    version: int = 1
    higher_is_better: bool = False
    chance: float | str | None = None
    bounds: tuple[float, float] = (-float("inf"), float("inf"))
    needs: str = "inception_pool"
    per_item: bool = False
    column: int | None = 150
    laws: Laws | None = Laws(identical=None, symmetric=True)
    card: Card | None = Card(
        "Kernel inception distance, as published",
        "squared MMD of both full sets, unbiased were they independent, kernel (x.y / d + 1)^3",
        "Binkowski et al. 2018",
        POOLED,
        FIDELITY_WEIGHTS,
        (
            "For comparison with papers. Reconstructions are no independent set: it is biased by -2/n times what the "
            "kernel gives own pairs more than others.",
            "May be below 0.",
            "torch-fidelity averages 100 subsets of 1000 and refuses fewer images.",
        ),
        EXACT,
    )

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """() from features (n, d) and (m, d); raises InputError below two items, for NaN, or for differing d."""
        x, y = _two_sets(reconstructions, truths, self.id)
        n, m = len(x), len(y)
        within = _within(x) / (n * (n - 1)) + _within(y) / (m * (m - 1))
        return np.array(within - 2 * _kernel_sum(x, y) / (n * m))


@dataclass(frozen=True)
class FrechetDistance(Metric):
    """|mean difference|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), covariances with n - 1 (Heusel et al. 2017).

    Biased upwards by about 1/n: compare sets of one size only.
    """

    id: str = "fid"
    version: int = 1
    higher_is_better: bool = False
    chance: float | str | None = None
    bounds: tuple[float, float] = (0.0, float("inf"))
    needs: str = "inception_pool"
    per_item: bool = False
    column: int | None = 160
    laws: Laws | None = Laws(identical=0, symmetric=True)
    card: Card | None = Card(
        "Frechet inception distance",
        "|difference of means|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))",
        "Heusel et al. 2017",
        POOLED,
        FIDELITY_WEIGHTS,
        (FEW, "JPEG storage and the resize filter move it.", "MinD-Vis printed FID on 64 features."),
        EXACT,
    )

    def compute(self, reconstructions: Array, truths: Array) -> Values:
        """() from features (n, d) and (m, d); raises InputError below two items, for NaN, or for differing d."""
        x, y = _two_sets(reconstructions, truths, self.id)
        shift = x.mean(axis=0) - y.mean(axis=0)
        a, b = _root(x), _root(y)
        # S1 = a'a and S2 = b'b: the eigenvalues of S1 S2 other than 0 are those of (a b')'(a b'), so their roots are
        # the singular values of a b'. That is exact for singular covariances, and small where images are few.
        cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
        distance = shift @ shift + (a * a).sum() + (b * b).sum() - 2 * cross
        return np.array(max(0.0, float(distance)))


def _two_sets(reconstructions: Array, truths: Array, metric: str) -> tuple[Floats, Floats]:
    x = check_features(metric, "reconstructions", reconstructions, least=2)
    y = check_features(metric, "truths", truths, least=2)
    if x.shape[1] != y.shape[1]:
        raise InputError(
            f"{metric}: {x.shape[1]} features of reconstructions, {y.shape[1]} of truths; wanted one judge"
        )
    return x, y


def _kernel_sum(x: Floats, y: Floats) -> float:
    """The sum of the kernel over all pairs, a block of rows at a time."""
    starts = range(0, len(x), BLOCK)
    return float(sum(((x[start : start + BLOCK] @ y.T / x.shape[1] + 1) ** 3).sum() for start in starts))


def _within(x: Floats) -> float:
    """The sum of the kernel over all pairs of different items of one set."""
    return _kernel_sum(x, x) - float((((x * x).sum(axis=1) / x.shape[1] + 1) ** 3).sum())


def _root(features: Floats) -> Floats:
    """A matrix r of at most d rows with r' r the covariance of the features (n, d)."""
    deviations: Floats = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    if len(deviations) <= deviations.shape[1]:
        return deviations
    root: Floats = np.linalg.qr(deviations).R
    return root


METRICS: tuple[Metric, ...] = (
    KernelInceptionDistance(),
    PublishedKernelInceptionDistance(),
    FrechetDistance(),
)
