"""Do the images belong to their stimuli? Does the EEG contribute?"""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench import statistics
from eegbench.errors import InputError
from eegbench.statistics import audit

Array = NDArray[np.float64]


def _scores(rng: np.random.Generator, n: int, strength: float, metrics: int = 6) -> dict[str, Array]:
    truths = rng.normal(size=(metrics, n, 8))
    images = strength * truths + rng.normal(size=(metrics, n, 8))
    return {str(place): a @ b.T for place, (a, b) in enumerate(zip(images, truths, strict=True))}


def test_images_of_their_own_stimuli_are_recognised() -> None:
    found = statistics.pairing(_scores(np.random.default_rng(0), 30, 1.0), seed=1)
    assert found.p == 1 / 1000
    assert set(found.by_metric.values()) == {1 / 1000}
    assert min(found.z.values()) > 3


def test_z_has_mean_0_and_variance_1_over_all_permutations() -> None:
    scores = {"one": np.random.default_rng(1).normal(size=(6, 6)) ** 2}
    z = audit.permuted_z(scores, np.random.default_rng(0), 20_000)[1:]
    assert z.mean() == pytest.approx(0, abs=0.03)  # four standard errors of 20,000
    assert z.std() == pytest.approx(1, abs=0.02)


def test_images_that_are_better_than_others_and_stimuli_that_are_easier_play_no_part() -> None:
    scores = _scores(np.random.default_rng(2), 20, 0.3)
    rng = np.random.default_rng(3)
    moved = {name: one + 5 * rng.normal(size=(20, 1)) + 5 * rng.normal(size=20) for name, one in scores.items()}
    assert statistics.pairing(moved, seed=1).z == pytest.approx(statistics.pairing(scores, seed=1).z, abs=1e-9)


def test_the_unit_of_a_metric_plays_no_part() -> None:
    scores = _scores(np.random.default_rng(2), 20, 0.3)
    first = statistics.pairing(scores, seed=1)
    scaled = statistics.pairing({name: 1000 * one for name, one in scores.items()}, seed=1)
    assert (scaled.p, scaled.by_metric) == (first.p, first.by_metric)


def test_order_of_stimuli_hardly_matters() -> None:
    scores = _scores(np.random.default_rng(4), 30, 0.25)
    order = np.random.default_rng(5).permutation(30)
    other = statistics.pairing({name: one[np.ix_(order, order)] for name, one in scores.items()}, seed=1)
    first = statistics.pairing(scores, seed=1)
    assert other.z == pytest.approx(first.z, abs=1e-9)
    assert other.p == pytest.approx(first.p, abs=0.04)  # other permutations, of which 999 are drawn


def test_permutations_do_not_depend_on_how_many_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = _scores(np.random.default_rng(4), 30, 0.25)
    whole = statistics.pairing(scores, seed=1)
    monkeypatch.setattr(audit, "CHUNK", 30 * 7)
    assert statistics.pairing(scores, seed=1) == whole


def test_missing_scores_and_metrics_that_do_not_vary_carry_nothing() -> None:
    scores = _scores(np.random.default_rng(6), 30, 1.0, metrics=2)
    scores["0"][3, :] = np.nan
    found = statistics.pairing({**scores, "constant": np.ones((30, 30))}, seed=1)
    assert found.p == 1 / 1000
    assert found.z["constant"] == 0
    assert statistics.pairing({"constant": np.ones((30, 30))}, seed=1).p == 1.0
    assert statistics.pairing({}, seed=1).p == 1.0


def test_subjects_are_permuted_by_themselves_and_count_together() -> None:
    rng = np.random.default_rng(7)
    several = [_scores(rng, 20, 0.15) for _ in range(6)]
    apart = [statistics.pairing(one, seed=1) for one in several]
    together = statistics.pairing(several, seed=1)
    assert together.p < np.median([one.p for one in apart])
    expected = np.mean([one.z["0"] for one in apart]) * math.sqrt(6)
    assert together.z["0"] == pytest.approx(expected, abs=1e-9)


def test_scores_of_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(3, 4\)"):
        statistics.pairing({"one": np.zeros((3, 4))}, seed=1)
    with pytest.raises(InputError, match="different stimuli"):
        statistics.pairing({"one": np.zeros((3, 3)), "two": np.zeros((4, 4))}, seed=1)
    with pytest.raises(InputError, match="different metrics"):
        statistics.pairing([{"one": np.zeros((3, 3))}, {"two": np.zeros((3, 3))}], seed=1)


def test_a_signal_in_one_judge_alone_is_seen_and_named() -> None:
    rng = np.random.default_rng(8)
    seen = []
    for seed in range(30):
        scores = _scores(rng, 40, 0.0, metrics=12) | {"judge": _scores(rng, 40, 0.5, metrics=1)["0"]}
        found = statistics.pairing(scores, seed=seed, permutations=199)
        seen.append(found.p <= 0.05 and found.by_metric["judge"] <= 0.05)
    assert np.mean(seen) >= 0.8


def test_images_without_eeg_are_said_to_contribute_in_five_percent() -> None:
    rng = np.random.default_rng(9)
    p = [statistics.pairing(_scores(rng, 30, 0.0), seed=i, permutations=199).p for i in range(300)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 300))


def test_the_smallest_contribution_to_one_metric_of_six_is_seen_in_four_of_five_cases() -> None:
    rng = np.random.default_rng(10)
    seen = []
    for seed in range(300):
        scores = _scores(rng, 40, 0.0, metrics=6)
        critical = statistics.pairing(scores, seed=seed, permutations=199).critical
        gain = statistics.smallest_contribution(scores["0"], critical) * 40 / 39  # over all pairs, the true ones too
        scores["0"] = scores["0"] + gain * np.eye(40)
        seen.append(statistics.pairing(scores, seed=seed + 1, permutations=199).p <= 0.05)
    assert np.mean(seen) == pytest.approx(0.82, abs=0.08)  # three standard errors


def test_the_smallest_contribution_to_all_metrics_is_seen_by_sign_flips_in_four_of_five_cases() -> None:
    rng = np.random.default_rng(11)
    seen = []
    for seed in range(300):
        pilot, again = rng.normal(size=(2, 6, 40)) + rng.normal(size=(2, 1, 40))
        gains = statistics.smallest_joint_contribution({str(k): one for k, one in enumerate(pilot)})
        told = {str(k): one + gains[str(k)] for k, one in enumerate(again)}
        seen.append(statistics.one_sided_sign_flip(told, seed=seed, permutations=499) <= 0.05)
    assert np.mean(seen) == pytest.approx(0.8, abs=0.07)


def test_sign_flips_of_the_oracle_track_know_the_direction() -> None:
    gains = {str(place): np.abs(np.random.default_rng(place).normal(size=12)) for place in range(3)}
    assert statistics.one_sided_sign_flip(gains, seed=1) < 0.01
    assert statistics.one_sided_sign_flip({name: -one for name, one in gains.items()}, seed=1) == 1.0


@pytest.mark.parametrize("gains", [{}, {"one": np.zeros(8)}, {"one": np.array([1.0])}])
def test_without_differences_the_oracle_track_has_p_1(gains: dict[str, Array]) -> None:
    assert statistics.one_sided_sign_flip(gains, seed=1) == 1.0


def test_many_runs_that_agree_have_a_p_above_zero() -> None:
    assert 0 < statistics.combined_p([[0.001]] * 10) < 1e-20


def test_one_run_keeps_its_p_and_runs_that_agree_make_a_smaller_one() -> None:
    assert statistics.combined_p([[0.031]]) == 0.031
    assert statistics.combined_p([[0.05, 0.05, 0.05]]) == pytest.approx(0.05, abs=1e-9)
    assert statistics.combined_p([[0.05], [0.05]]) < 0.02
    with pytest.raises(InputError, match="no p-value"):
        statistics.combined_p([[]])


def test_one_run_without_a_sign_does_not_outweigh_all_others() -> None:
    assert statistics.combined_p([[0.001]] * 4 + [[1.0]]) < 0.01


@pytest.mark.parametrize("alike", [0.0, 0.7, 1.0])
def test_one_p_of_several_runs_holds_its_level_however_alike_the_seeds(alike: float) -> None:
    rng = np.random.default_rng(11)
    z = math.sqrt(alike) * rng.normal(size=(1500, 3, 1)) + math.sqrt(1 - alike) * rng.normal(size=(1500, 3, 4))
    ranks = np.clip(np.vectorize(lambda one: 0.5 * math.erfc(one / math.sqrt(2)))(z), 1e-3, 1.0)
    p = [statistics.combined_p(one.tolist()) for one in ranks]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1500)
