"""The noise of one simulated head: background activity, an alpha rhythm, and the electrodes' own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegbench.datasets.sim_things import head
from eegbench.datasets.sim_things.concepts import Floats

BACKGROUND, ALPHA, SENSOR = 8e-6, 5e-6, 2e-6  # V, root mean square over electrodes in a single trial
AMPLITUDE = float(np.sqrt(BACKGROUND**2 + ALPHA**2 + SENSOR**2))  # of the average subject's single trial
BACKGROUND_DIPOLES, ALPHA_DIPOLES = 150, 6
PERIOD = 4.0  # s: the slowest swing of the 1/f noise


@dataclass(frozen=True)
class Kind:
    """Gaussian noise that is the product of a pattern in space (17, k) and one in time (100, 100)."""

    space: Floats
    time: Floats


@dataclass(frozen=True)
class Noise:
    """The kinds that add up."""

    kinds: tuple[Kind, ...]


def white_repetitions(noise: Noise, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """The white noise behind `count` independent repetitions, (count, k, 100)."""
    width = sum(kind.space.shape[1] for kind in noise.kinds)
    return rng.standard_normal((count, width, noise.kinds[0].time.shape[0]), dtype=np.float32)


def mean_noise(noise: Noise, white: NDArray[np.float32]) -> Floats:
    """The mean over repetitions of the noise that `white` (n, k, 100) becomes, (17, 100) in V.

    Shaping white noise is linear, so the mean is taken before it: the same numbers for a fraction of the work.
    """
    widths = [kind.space.shape[1] for kind in noise.kinds]
    parts = np.split(white.mean(axis=0, dtype=np.float64), np.cumsum(widths)[:-1])
    total: Floats = sum(kind.space @ part @ kind.time for kind, part in zip(noise.kinds, parts, strict=True))
    return total


def draw_noise(rng: np.random.Generator, rate: float, samples: int, cap: head.Turn | None = None) -> Noise:
    """The noise of one subject: its own dipoles, alpha frequency and loudness; seen through a `cap` that sits askew."""
    levels = np.exp(rng.normal(0, [0.1, 0.25, 0.1])) * (BACKGROUND, ALPHA, SENSOR)
    background = head.leadfield(head.draw_dipoles(head.ANYWHERE, BACKGROUND_DIPOLES, rng), cap)
    alpha = head.leadfield(head.draw_dipoles(head.OCCIPITAL, ALPHA_DIPOLES, rng), cap)
    frequency = rng.uniform(9, 11)
    frequencies = np.fft.rfftfreq(int(rate * PERIOD), 1 / rate)
    slow = np.divide(1, frequencies, out=np.zeros_like(frequencies), where=frequencies > 0)
    band = np.exp(-(((frequencies - frequency) / 0.8) ** 2) / 2)
    return Noise(
        (
            Kind(levels[0] * _unit(root(background @ background.T)), _course(slow, samples)),
            Kind(levels[1] * _unit(alpha), _course(band, samples)),
            Kind(levels[2] * np.eye(len(head.CHANNELS)), np.eye(samples)),
        )
    )


def _course(power: Floats, samples: int) -> Floats:
    """What turns white noise (k, samples) into noise of unit variance with the spectrum `power`: (samples, samples)."""
    covariance = np.fft.irfft(power)
    lags = np.abs(np.subtract.outer(np.arange(samples), np.arange(samples)))
    return root((covariance / covariance[0])[lags])


def root(covariance: Floats) -> Floats:
    """The symmetric square root: unlike a Cholesky factor or eigenvectors, it is the same on every machine."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root


def _unit(space: Floats) -> Floats:
    """`space` (17, k) scaled so that the electrodes' variance is 1 on the average."""
    unit: Floats = space / np.sqrt((space**2).sum(axis=1).mean())
    return unit
