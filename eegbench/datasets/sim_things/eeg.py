"""EEG of a simulated subject: evoked responses to scenes, and the noise they are buried in.

features --mixing--> sources (each with its own course in time) --head--> 17 electrodes, in V
"""

from dataclasses import dataclass

import numpy as np

from eegbench.arrays import EEG, EEGInfo
from eegbench.datasets.sim_things import head, noise
from eegbench.datasets.sim_things.concepts import Floats
from eegbench.datasets.sim_things.features import NAME, REVISION, WIDTHS
from eegbench.seeds import generator

RATE, START, SAMPLES = 100.0, -0.2, 100
INFO = EEGInfo(head.CHANNELS, RATE, START, SAMPLES)
TIMES = START + np.arange(SAMPLES) / RATE  # s from stimulus onset
SUBJECTS = tuple(range(1, 11))
STRONGEST_SUBJECT = 8  # whose evoked response is the largest; others may have less noise
GAINS = (0.75, 1.2)  # of the weakest and the strongest subject; the average subject has about 1
COMMON_SNR = 0.035  # keeps the mean evoked response at the ten microvolts that visual responses reach
COMMON = 1.5  # what a source does for any image, in deviations of what it does for this image


@dataclass(frozen=True)
class Level:
    """One stage of vision: where its sources lie, when they peak (s), how long (s) and how fast (Hz) they swing."""

    name: str
    regions: tuple[head.Region, ...]
    latency: float
    spread: float  # deviation of the sources' latencies, s
    width: tuple[float, float]
    swing: tuple[float, float]
    sources: int = 32
    strength: float = 1.0  # share of the evoked amplitude at the electrodes


LEVELS = (
    Level("colour", (head.OCCIPITAL,), 0.100, 0.012, (0.020, 0.035), (6, 14)),
    Level("form", (head.LATERAL_OCCIPITAL,), 0.170, 0.018, (0.030, 0.055), (4, 11)),
    Level("concept", (head.TEMPORAL, head.PARIETAL), 0.300, 0.040, (0.050, 0.110), (2, 7)),
)


@dataclass(frozen=True)
class SimulatedSubject:
    """What one person's head does with features and adds of its own.

    response (1 + features, 17, 100): V at a signal-to-noise ratio of 1, for a constant and for each feature.
    """

    response: Floats
    noise: noise.Noise


def evoked(subject: SimulatedSubject, features: Floats, snr: float) -> Floats:
    """The answer to each image, without noise: (n, 17, 100) in V for standardised `features` (n, d).

    What all images evoke alike stops growing at COMMON_SNR: it says nothing about any of them.
    """
    constant = np.full((len(features), 1), min(snr, COMMON_SNR))
    clean: Floats = np.tensordot(np.hstack([constant, snr * features]), subject.response, axes=1)
    return clean


def baseline_corrected(trial: Floats) -> EEG:
    """An epoch (17, 100) in V as it is analysed, its mean from -0.2 to 0 s taken out."""
    baseline = trial[:, TIMES < 1e-9].mean(axis=1, keepdims=True)
    corrected: EEG = (trial - baseline).astype(np.float32)
    return corrected


def simulated_subject(number: int, reference: Floats, cap: head.Turn | None = None) -> SimulatedSubject:
    """Subject `number` of SUBJECTS: everybody's cortex, differently folded, timed, mixed and noisy.

    Standardised features `reference` (n, d) say how strong the evoked response to typical images is. `cap`: how far the
    head is turned under a cap that sits askew, as `head.leadfield` has it.
    """
    own_noise = noise.draw_noise(generator(NAME, REVISION, "subject", number), RATE, SAMPLES, cap)
    ends = np.cumsum([WIDTHS[level.name] for level in LEVELS])
    levels = zip(LEVELS, np.split(reference, ends[:-1], axis=1), strict=True)
    parts = [_level_response(level, number, features, cap) for level, features in levels]
    constant = sum(part[:1] for part in parts)
    response = np.concatenate([constant, *(part[1:] for part in parts)])
    typical = np.sqrt(sum(level.strength**2 for level in LEVELS))
    return SimulatedSubject(response * _gain(number) * noise.AMPLITUDE / typical, own_noise)


def _gain(number: int) -> float:
    """Evenly spread over GAINS; the strongest subject is given, the order of the others is drawn."""
    others = generator(NAME, REVISION, "gains").permutation([n for n in SUBJECTS if n != STRONGEST_SUBJECT])
    ranks = [STRONGEST_SUBJECT, *others.tolist()]
    return float(np.linspace(*GAINS[::-1], len(SUBJECTS))[ranks.index(number)])


def _level_response(level: Level, number: int, reference: Floats, cap: head.Turn | None) -> Floats:
    """The response to a level's features, (1 + features, 17, 100), scaled so that the deviation between the images of
    `reference` is the level's strength: root mean square over electrodes and 0 to 0.79 s."""
    shared = generator(NAME, REVISION, "level", level.name)
    individual = generator(NAME, REVISION, "level", level.name, number)
    each = level.sources // len(level.regions)
    fields = np.concatenate([_fields(region, each, shared, individual, cap) for region in level.regions], axis=1)
    courses = _courses(level, shared, delay=individual.normal(0, 0.006))
    mixing = shared.normal(size=(WIDTHS[level.name], level.sources))
    mixing += 0.3 * individual.normal(size=mixing.shape)
    mixing /= (reference @ mixing).std(axis=0)
    sources = fields.T[:, :, None] * courses[:, None, :]
    modulated = np.tensordot(mixing, sources, axes=1)
    deviations = np.tensordot(reference, modulated[..., TIMES >= 0], axes=1).std(axis=0)
    scale = level.strength / np.sqrt((deviations**2).mean())
    response: Floats = scale * np.concatenate([COMMON * sources.sum(axis=0, keepdims=True), modulated])
    return response


def _fields(
    region: head.Region, count: int, shared: np.random.Generator, individual: np.random.Generator, cap: head.Turn | None
) -> Floats:
    """What the electrodes see of `count` sources, (17, count): everybody's dipoles, a little displaced in each head.

    Sources near the surface would drown those below: each is given the same strength at the electrodes.
    """
    dipoles = head.draw_dipoles(region, count, shared)
    fields = head.leadfield(head.move_dipoles(dipoles, millimetres=4, turn=0.2, rng=individual), cap)
    equal: Floats = fields / np.sqrt((fields**2).mean(axis=0))
    return equal


def _courses(level: Level, rng: np.random.Generator, delay: float) -> Floats:
    """The course in time of each source, (sources, 100), of unit energy: a gamma function that swings.

    It is 0 up to the stimulus onset, rises, peaks at the source's latency and dies away.
    """
    size = (level.sources, 1)
    latency = level.latency + delay + rng.normal(0, level.spread, size)
    width = rng.uniform(*level.width, size)
    swing, phase = rng.uniform(*level.swing, size), rng.uniform(-np.pi / 3, np.pi / 3, size)
    after = np.maximum(TIMES, 1e-6) / latency
    envelope = np.where(TIMES > 0, np.exp((latency / width) ** 2 * (1 - after + np.log(after))), 0)
    courses = envelope * np.cos(2 * np.pi * swing * (TIMES - latency) + phase)
    unit: Floats = courses / np.linalg.norm(courses, axis=1, keepdims=True)
    return unit
