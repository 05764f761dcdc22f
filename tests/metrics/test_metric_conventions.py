"""Toy worlds: which argument is the truth, which way KL points, what is undefined and what an error says."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.errors import InputError
from eegbench.metrics import METRICS
from eegbench.metrics.retrieval import Retrieval
from pysaliency_metrics import CC, SIM, MIT_KLDiv, image_based_kl_divergence

Array = NDArray[Any]
ONE_PIXEL = np.array([[[255, 0], [0, 0]]], dtype=np.uint8)
UNIFORM = np.full((1, 2, 2), 255, dtype=np.uint8)
ZEROS = np.zeros((1, 2, 2), dtype=np.uint8)


def compute(name: str, reconstructions: Any, truths: Any, **options: Any) -> list[float]:
    return [float(x) for x in np.atleast_1d(METRICS[name].compute(np.array(reconstructions), truths, **options))]


def test_kl_weighs_by_the_truth_and_kl_reversed_by_the_reconstruction() -> None:
    # A truth of one pixel against a uniform map costs log 4; the other way, three pixels of four cost about 46 nats.
    assert compute("kl", UNIFORM, ONE_PIXEL) == pytest.approx([np.log(4)], abs=1e-9)
    assert compute("kl_reversed", ONE_PIXEL, UNIFORM) == pytest.approx([np.log(4)], abs=1e-9)
    assert compute("kl_reversed", UNIFORM, ONE_PIXEL)[0] > 30
    assert compute("kl", ONE_PIXEL, UNIFORM)[0] > 20


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # pysaliency takes the logarithm of 0
@pytest.mark.parametrize("name", ["sim", "kl", "kl_reversed"])
@pytest.mark.parametrize("pair", [(ZEROS, ONE_PIXEL), (ONE_PIXEL, ZEROS), (ZEROS, ZEROS), (UNIFORM, ONE_PIXEL)])
def test_degenerate_maps_score_as_in_pysaliency(name: str, pair: tuple[Array, Array]) -> None:
    a, b = pair[0][0] / 255, pair[1][0] / 255
    theirs = {"sim": SIM(a, b), "kl": MIT_KLDiv(a, b), "kl_reversed": image_based_kl_divergence(b, a)}
    assert compute(name, *pair) == pytest.approx([theirs[name]], abs=1e-9)  # logarithms of 1e-20 lose some digits


def test_cc_of_a_constant_reconstruction_is_zero_and_of_a_constant_truth_undefined() -> None:
    assert compute("cc", UNIFORM, ONE_PIXEL) == [CC(UNIFORM[0] / 255, ONE_PIXEL[0] / 255)] == [0.0]
    assert np.isnan(compute("cc", ONE_PIXEL, UNIFORM)).all()
    assert np.isnan(compute("cc", UNIFORM, UNIFORM)).all()


def test_two_way_distractors_are_the_other_truths() -> None:
    # Reconstruction 0 equals its truth. Reconstruction 1 resembles truth 0 more than its own; truths are far apart.
    truths = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    reconstructions = [[1, 0, 0, 0], [0.9, 0.5, 0, 0], [0, 0, 1, 0]]
    # Were distractors reconstructions, item 0 would still win, and item 1 would beat both others.
    assert compute("clip", reconstructions, truths) == [1.0, 0.5, 1.0]


def test_two_way_ties_fail_and_the_same_stimulus_can_be_left_out() -> None:
    rng = np.random.default_rng(0)
    truths = rng.standard_normal((4, 30))
    truths[1] = truths[0]
    assert compute("clip", truths, truths) == pytest.approx([2 / 3, 2 / 3, 1, 1])
    assert compute("clip", truths, truths, stimuli=["a", "a", "b", "c"]) == [1.0] * 4


@pytest.mark.parametrize("bad", [0.1, np.nan])
def test_two_way_fails_where_the_correlation_is_undefined(bad: float) -> None:
    truths = np.random.default_rng(1).standard_normal((5, 20))
    reconstructions = truths.copy()
    reconstructions[2] = bad
    assert compute("inception", reconstructions, truths) == [1, 1, 0, 1, 1]


@pytest.mark.parametrize("name", ["swav", "effnet"])
def test_distance_of_constant_features_is_undefined(name: str) -> None:
    varied = np.random.default_rng(2).standard_normal((1, 7))
    # The mean of seven times .1 is not exactly .1: a spread of rounding must not pass for a signal.
    assert np.isnan(compute(name, np.full((1, 7), 0.1), varied)).all()


def test_constant_images_have_no_correlation_but_a_similarity() -> None:
    grey, noise = np.full((1, 12, 12, 3), 0.1), np.random.default_rng(3).random((1, 12, 12, 3))
    assert np.isnan(compute("pixcorr", grey, noise)).all()
    assert np.isfinite([compute(name, grey, noise) for name in ("ssim", "ssim_columns")]).all()


def test_nway_takes_the_class_from_the_truth_and_counts_ties_as_failures() -> None:
    truth = np.zeros((1, 50))
    truth[0, 3] = 1
    lower = np.full((1, 50), 0.01)
    lower[0, 3] = 0.51
    assert compute("nway50_top1", lower, truth) == [1.0]
    assert compute("nway50_top1", truth[:, ::-1], truth) == [0.0]
    assert compute("nway50_top1", np.full((1, 50), 0.02), truth) == [0.0]


def test_nway_equals_what_sampling_converges_to() -> None:
    rng = np.random.default_rng(4)
    reconstruction, truth = rng.dirichlet(np.ones(80), 1), np.eye(80)[[7]]
    reconstruction[0, 7] = np.sort(reconstruction[0])[-2]
    others = np.delete(reconstruction[0], 7)
    draws = [(rng.choice(others, 49, replace=False) < reconstruction[0, 7]).all() for _ in range(4000)]
    # Three standard errors of 4000 draws are at most .024.
    assert compute("nway50_top1", reconstruction, truth)[0] == pytest.approx(np.mean(draws), abs=0.024)


def test_retrieval_asks_the_reconstruction_among_the_truths_and_ties_fail() -> None:
    truths = np.eye(6)
    queries = np.eye(6)
    queries[1] = [0.9, 0.5, 0, 0, 0, 0]  # nearer to truth 0: second
    queries[2] = 0  # no direction
    assert compute("retrieval_top1", queries, truths) == [1, 0, 0, 1, 1, 1]
    assert compute("retrieval_top5", queries, truths) == [1, 1, 0, 1, 1, 1]
    assert compute("retrieval_top1", np.ones((6, 6)), truths) == [0] * 6


@pytest.mark.parametrize(("among", "top"), [(2, 1), (4, 1), (4, 2), (4, 3), (8, 5), (9, 5)])
def test_retrieval_among_some_is_the_mean_over_all_choices_of_them(among: int, top: int) -> None:
    rng = np.random.default_rng(7)
    truths = rng.standard_normal((9, 4))
    truths[4] = truths[5]  # a tie, which fails
    queries = truths + rng.standard_normal((9, 4))
    cosines = (queries @ truths.T) / np.linalg.norm(truths, axis=1)  # of one query, up to its length
    cosines[:, 4] = cosines[:, 5]
    metric = replace(METRICS["retrieval2_top1"], among=among, top=top)  # type: ignore[type-var]
    for own, row in enumerate(cosines):
        drawn = list(combinations([i for i in range(9) if i != own], among - 1))
        found = [sum(row[i] >= row[own] for i in others) < top for others in drawn]
        assert metric.compute(queries, truths)[own] == sum(found) / len(found)


def test_retrieval_among_two_is_two_way_identification_by_cosine() -> None:
    rng = np.random.default_rng(8)
    truths = rng.standard_normal((30, 12))
    queries = 0.3 * truths + rng.standard_normal((30, 12))
    truths, queries = (
        side - side.mean(axis=1, keepdims=True) for side in (truths, queries)
    )  # cosine is then Pearson's
    assert compute("retrieval2_top1", queries, truths) == compute("clip", queries, truths)


def test_retrieval_among_as_many_as_there_are_is_retrieval_among_all() -> None:
    rng = np.random.default_rng(9)
    truths = rng.standard_normal((100, 8))
    queries = 0.5 * truths + rng.standard_normal((100, 8))
    for top in (1, 5):
        assert compute(f"retrieval100_top{top}", queries, truths) == compute(f"retrieval_top{top}", queries, truths)


def test_retrieval_among_some_counts_a_picture_of_several_items_once() -> None:
    rng = np.random.default_rng(10)
    truths = rng.standard_normal((12, 6))
    queries = 0.5 * truths + rng.standard_normal((12, 6))
    shown = [str(i) for i in range(12)]
    once = compute("retrieval10_top5", queries, truths)
    twice = compute("retrieval10_top5", np.tile(queries, (2, 1)), np.tile(truths, (2, 1)), stimuli=shown * 2)
    assert twice == once * 2 and 0 < np.mean(once) < 1
    with pytest.raises(InputError, match="retrieval10_top5: 9 different truths; wanted at least 10"):
        compute("retrieval10_top5", queries, truths, stimuli=["0", *shown[:9], "0", "1"])


@pytest.mark.parametrize("name", [name for name, one in METRICS.items() if isinstance(one, Retrieval)])
def test_retrieval_of_what_has_no_direction_fails_in_every_choice(name: str) -> None:
    truths = np.random.default_rng(11).standard_normal((100, 5))
    assert compute(name, np.zeros((100, 5)), truths) == compute(name, np.ones((100, 5)), np.ones((100, 5))) == [0] * 100


def test_fid_is_the_squared_shift_of_a_moved_set_with_fewer_and_with_more_items_than_features() -> None:
    for n in (5, 50):
        truths = np.random.default_rng(5).standard_normal((n, 12))
        # Sums of squares of order 10 in float64.
        assert compute("fid", truths + 0.5, truths) == pytest.approx([12 * 0.25], abs=1e-10)


def test_kid_of_pairs_has_no_bias_where_the_published_estimate_lies_below_zero() -> None:
    """Both sides have one distribution, and own pairs a correlation of .6: the population's value is 0."""
    rng, found = np.random.default_rng(6), {"kid": list[float](), "kid_published": list[float]()}
    for _ in range(100):
        truths = rng.standard_normal((60, 64))
        made = 0.6 * truths + 0.8 * rng.standard_normal((60, 64))
        for name, values in found.items():
            values.append(float(METRICS[name].compute(made, truths)))
    assert max(found["kid_published"]) < 0
    assert abs(np.mean(found["kid"])) < 3 * np.std(found["kid"]) / 10  # three standard errors


WRONG: dict[str, tuple[str, Array, Array, str]] = {
    "shapes differ": ("swav", np.ones((3, 4)), np.ones((2, 4)), "same shape"),
    "bytes for fractions": ("ssim", np.full((1, 12, 12, 3), 9.0), np.ones((1, 12, 12, 3)), r"\[0, 1\]"),
    "image below the window": ("ssim", np.ones((1, 9, 9, 3)), np.ones((1, 9, 9, 3)), "11"),
    "float maps": ("kl", np.ones((1, 4, 4)), np.ones((1, 4, 4)), "uint8"),
    "too few pictures": (
        "retrieval50_top1",
        np.ones((49, 4)),
        np.ones((49, 4)),
        "49 different truths; wanted at least 50",
    ),
    "too few classes": ("nway50_top1", np.ones((1, 49)), np.ones((1, 49)), "at least 50"),
    "logits": ("is", np.full((3, 4), 2.0), np.ones((3, 4)), "softmax"),
    "one item": ("clip", np.ones((1, 4)), np.ones((1, 4)), "at least 2"),
    "NaN in a set": ("kid", np.full((3, 4), np.nan), np.ones((3, 4)), "NaN"),
    "sets of different size": ("kid", np.ones((3, 4)), np.ones((4, 4)), "3 reconstructions and 4 truths"),
    "other judge": ("fid", np.ones((3, 4)), np.ones((3, 5)), "one judge"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused_in_one_line(case: str) -> None:
    name, reconstructions, truths, said = WRONG[case]
    with pytest.raises(InputError, match=said) as caught:
        METRICS[name].compute(reconstructions, truths)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(name)
