"""What the simulated EEG carries: nothing at snr 0, more with signal and repetitions, level after level."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.datasets.sim_things import SimThings, dataset, eeg, head
from eegbench.datasets.sim_things.concepts import TRAIN_CONCEPTS
from eegbench.datasets.sim_things.features import WIDTHS, scene_features, standardise
from eegbench.datasets.sim_things.scenes import SIZE, draw_scene
from eegbench.seeds import generator

Floats = NDArray[np.float64]
SILENT = SimThings(snr=0, train_images=1, test_images=1)


def flat(recording: NDArray[np.float32]) -> Floats:
    return recording.reshape(len(recording), -1).astype(np.float64) * 1e6


def features(simulated: SimThings, split: str) -> Floats:
    raw = np.stack([stimulus.features for stimulus in simulated._stimuli(split)])
    return standardise(raw, dataset._reference())


def identified(simulated: SimThings, subject: int) -> float:
    """Share of test images whose features, guessed from EEG by ridge regression, are nearest to the true ones."""
    seen, asked = (flat(r.eeg) for r in (simulated.train(subject), simulated.queries(subject)))
    mean, scale = seen.mean(axis=0), seen.std(axis=0)
    seen, asked = (seen - mean) / scale, (asked - mean) / scale
    weights = np.linalg.solve(seen @ seen.T + 100 * np.eye(len(seen)), features(simulated, "train"))
    guessed, true = asked @ seen.T @ weights, features(simulated, "test")
    cosine = (guessed / np.linalg.norm(guessed, axis=1, keepdims=True)) @ (
        true / np.linalg.norm(true, axis=1)[:, None]
    ).T
    return float((cosine.argmax(axis=1) == np.arange(len(true))).mean())


def response_of(level: str, subject: int = 8) -> Floats:
    """(features of the level, 17, 100)"""
    ends = np.cumsum([1, *WIDTHS.values()])
    i = list(WIDTHS).index(level)
    return dataset._subject(subject).response[ends[i] : ends[i + 1]]


# One in 100 by chance: 5 hits or more of 100 come in less than 1 of 250 worlds without signal.
@pytest.mark.parametrize(("snr", "least", "most"), [(0, 0, 0.05), (0.3, 0.5, 1)])
def test_images_are_identified_from_eeg_if_and_only_if_there_is_signal(snr: float, least: float, most: float) -> None:
    assert least <= identified(SimThings(snr=snr, train_images=3, test_images=1), 8) <= most


def test_without_signal_images_of_one_concept_are_no_more_alike_than_others() -> None:
    recording = flat(SimThings(snr=0, test_images=2).queries(8).eeg)
    similar = np.asarray(np.corrcoef(recording))
    pairs = similar[::2, 1::2]
    rest = pairs[~np.eye(100, dtype=bool)]
    # The mean of 100 pairs strays from that of the rest by rest.std() / 10; four of these is chance enough.
    assert abs(np.diag(pairs).mean() - rest.mean()) < 4 * rest.std() / 10


def test_without_signal_there_is_no_evoked_response() -> None:
    recording = SILENT.queries(8).eeg
    # The mean of 100 stimuli keeps a tenth of the noise of one, give or take; an evoked response stays.
    assert recording.mean(axis=0).std() < 0.2 * recording.std()
    assert (loud := SimThings(snr=0.1, test_images=1).queries(8).eeg).mean(axis=0).std() > 0.5 * loud.std()


def test_noise_falls_with_the_root_of_the_repetitions() -> None:
    levels = {k: SILENT.queries(8, average=k).eeg.std() for k in (1, 5, 20, "all")}
    for k, repetitions in ((5, 5), (20, 20), ("all", 80)):
        # 100 trials of noise with slow drifts tell their deviation to within a few per cent.
        assert levels[k] == pytest.approx(levels[1] / np.sqrt(repetitions), rel=0.1)


def test_all_repetitions_are_the_same_as_eighty() -> None:
    assert np.array_equal(SILENT.queries(8).eeg, SILENT.queries(8, average=80).eeg)


def test_what_differs_between_images_grows_in_proportion_to_snr() -> None:
    none, one, two = (SimThings(snr=snr, test_images=1).queries(8).eeg.astype(np.float64) for snr in (0, 0.1, 0.2))
    # Each is rounded to single precision: 1e-7 of at most 100 microvolts.
    single, double = ((x - none) - (x - none).mean(axis=0) for x in (one, two))
    np.testing.assert_allclose(double, 2 * single, rtol=0, atol=5e-11)


def test_snr_is_signal_over_single_trial_noise() -> None:
    loud, silent = (SimThings(snr=snr, test_images=1).queries(8, average=1).eeg for snr in (1, 0))
    signal = (loud - silent)[..., eeg.TIMES >= 0].std(axis=0)
    ratio = np.sqrt((signal**2).mean()) / silent.std()
    # Subject 8 has gain 1.2; its own noise and the baseline's correction move the ratio by up to a third.
    assert 1.2 / 1.33 < ratio < 1.2 * 1.33


def test_the_baseline_is_zero() -> None:
    before = SILENT.queries(8).eeg[..., :21].mean(axis=-1)  # -0.2 to 0 s
    assert np.abs(before).max() < 1e-11  # single precision of microvolts


def test_levels_peak_one_after_the_other() -> None:
    power = {level.name: (response_of(level.name) ** 2).sum(axis=(0, 1)) for level in eeg.LEVELS}
    peaks = [eeg.TIMES[power[level.name].argmax()] for level in eeg.LEVELS]
    assert peaks == sorted(peaks)
    for level, peak in zip(eeg.LEVELS, peaks, strict=True):
        assert abs(peak - level.latency) <= 0.2 * level.latency  # sources and subjects are spread about the level


OVER_OCCIPITAL, OVER_LATERAL, OVER_TEMPORAL_AND_PARIETAL = "O1 Oz O2", "P7 P8 PO7 PO8 P5 P6", "P7 P8 Pz P1 P2"


@pytest.mark.parametrize(
    ("level", "strong", "weak"),
    [
        ("colour", OVER_OCCIPITAL, OVER_LATERAL),
        ("form", OVER_LATERAL, OVER_OCCIPITAL),
        ("concept", OVER_TEMPORAL_AND_PARIETAL, OVER_OCCIPITAL),
    ],
)
def test_each_level_is_strongest_over_its_own_cortex(level: str, strong: str, weak: str) -> None:
    for subject in (1, 8):
        power = dict(zip(head.CHANNELS, (response_of(level, subject) ** 2).sum(axis=(0, 2)), strict=True))
        assert np.mean([power[name] for name in strong.split()]) > np.mean([power[name] for name in weak.split()])


def test_nothing_is_evoked_before_the_stimulus() -> None:
    assert not dataset._subject(8).response[..., eeg.TIMES <= 0].any()


def test_subject_8_answers_most_strongly() -> None:
    evoked = {s: np.sqrt((dataset._subject(s).response[1:] ** 2).mean()) for s in eeg.SUBJECTS}
    assert max(evoked, key=lambda s: evoked[s]) == 8
    assert len({round(1e9 * value) for value in evoked.values()}) == 10


def test_noise_has_an_alpha_rhythm_on_a_slope() -> None:
    power = (np.abs(np.fft.rfft(SILENT.queries(8, average=1).eeg[:, 4], axis=-1)) ** 2).mean(axis=0)  # Oz
    assert power[9:12].max() > 2 * max(power[6], power[15])  # 1 Hz a bin
    assert power[2] > 3 * power[20] > 3 * power[40]


def test_features_of_a_concept_do_not_depend_on_the_image() -> None:
    first, second = (dataset._stimulus("train", 1, n).features for n in (1, 2))
    start = WIDTHS["colour"] + WIDTHS["form"]
    assert np.array_equal(first[start:], second[start:])
    assert not np.isclose(first[:start], second[:start]).all()


def test_position_is_read_from_the_mask() -> None:
    scene = draw_scene(TRAIN_CONCEPTS[0], generator("a scene"))
    masks = [np.zeros((SIZE, SIZE)) for _ in range(2)]
    masks[0][20:30, 10:20], masks[1][20:30, 40:50] = 1, 1
    left, right = (scene_features(replace(scene, mask=mask)) for mask in masks)
    end = WIDTHS["colour"] + WIDTHS["form"]
    np.testing.assert_allclose(left[end - 3 : end], [15, 25, 10])
    np.testing.assert_allclose(right[end - 3 : end], [45, 25, 10])
