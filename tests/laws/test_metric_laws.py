"""Each law is tested for every metric, as the metric declares it."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.benchmark import all_pairs
from eegbench.contracts import Laws, Metric
from eegbench.metrics import METRICS, correlation, distribution
from eegbench.metrics.classification import InceptionScore, NWay
from eegbench.plugins.facts import declared_facts

Array = NDArray[Any]
Sides = tuple[Array, Array]  # reconstructions, truths
N = 104  # more than the 100 pictures that some metrics draw
ROUNDING = 1e-9  # float64 sums of some thousand terms stay below 1e-12; the epsilon of MIT's KL costs up to 1e-10


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def related(seed: int, shape: tuple[int, ...], own: float = 0.8) -> Sides:
    """Two sides of normal numbers that agree item by item (r of `own`, not so high that every score is its best)."""
    rng = np.random.default_rng(seed)
    truths = rng.standard_normal((N, *shape))
    return own * truths + np.sqrt(1 - own**2) * rng.standard_normal((N, *shape)), truths


def pixels(seed: int) -> Sides:
    a, b = related(seed, (16, 18, 3))
    return np.clip(0.5 + 0.15 * a, 0, 1).astype(np.float32), np.clip(0.5 + 0.15 * b, 0, 1).astype(np.float32)


def maps(seed: int) -> Sides:
    a, b = related(seed, (9, 11))
    return np.clip(120 + 50 * a, 0, 255).astype(np.uint8), np.clip(120 + 50 * b, 0, 255).astype(np.uint8)


def features(seed: int) -> Sides:
    a, b = related(seed, (30, 2), own=0.2)
    return a.astype(np.float32), b.astype(np.float32)


def vectors(seed: int) -> Sides:
    return related(seed, (24,), own=0.4)


def probabilities(seed: int) -> Sides:
    a, b = related(seed, (120,))
    return softmax(4 * a), softmax(4 * b)


def certain(seed: int) -> Sides:
    """Each image surely of a class of its own: the best that an inception score can see."""
    return np.eye(N), np.eye(N)


SIDES: dict[str, Callable[[int], Sides]] = {
    "pixels425": pixels,
    **dict.fromkeys(("alexnet2", "alexnet5", "inception", "clip", "swav", "effnet"), features),
    **dict.fromkeys(("probabilities", "probabilities_vit_b_16", "inception_probabilities"), probabilities),
    **dict.fromkeys(("inception_pool", "embedding", "text_embedding"), vectors),
    "saliency": maps,
}  # by what a metric needs


def laws(name: str) -> Laws:
    declared = METRICS[name].laws
    assert declared is not None, f"{name} declares no laws"
    return declared


def sides_of(name: str, seed: int) -> Sides:
    return SIDES[METRICS[name].needs](seed)


every = pytest.mark.parametrize("name", METRICS)


def value(name: str, sides: Sides) -> Array:
    return METRICS[name].compute(*sides)


def toward_best(metric: Metric, a: float, b: float) -> bool:
    return a > b if metric.higher_is_better else a < b


def test_every_metric_declares_its_laws_under_its_own_id() -> None:
    assert all(isinstance(METRICS[name].laws, Laws) and METRICS[name].id == name for name in METRICS)


@every
def test_shape_is_as_declared_in_float64_and_input_stays_as_it_was(name: str) -> None:
    sides = sides_of(name, 1)
    before = [side.copy() for side in sides]
    got = value(name, sides)
    assert got.dtype == np.float64
    assert got.shape == ((N,) if METRICS[name].per_item else ())
    assert all(np.array_equal(side, copy) for side, copy in zip(sides, before, strict=True))


@every
def test_identical_sides_get_what_is_declared(name: str) -> None:
    expected = laws(name).identical
    _, truths = certain(2) if laws(name).one_sided else sides_of(name, 2)
    got = value(name, (truths, truths))
    if isinstance(metric := METRICS[name], InceptionScore):  # as many classes as images, all sure: the best there is
        expected = N / metric.splits
    if expected is not None:
        np.testing.assert_allclose(got, expected, rtol=0, atol=ROUNDING)
    else:  # an unbiased estimate has no best value: equal sets lie below 0, where unrelated ones are about 0
        assert got < 0


@every
def test_values_keep_to_the_bounds(name: str) -> None:
    low, high = METRICS[name].bounds
    a, b = sides_of(name, 3)
    for sides in ((a, b), (b[::-1], a), (b, b)):
        got = value(name, sides)
        assert (got >= low - ROUNDING).all()
        assert (got <= high + ROUNDING).all()


@every
def test_permuted_pairs_fall_to_chance(name: str) -> None:
    metric = METRICS[name]
    a, b = sides_of(name, 4)
    matched, permuted = value(name, (a, b)), value(name, (a, np.roll(b, 1, axis=0)))
    if not metric.per_item:  # most sets have no pairs
        assert np.allclose(permuted, matched, rtol=0, atol=ROUNDING) != laws(name).paired
        return
    assert toward_best(metric, float(matched.mean()), float(permuted.mean()))


@pytest.mark.parametrize(
    "name",
    [name for name in METRICS if METRICS[name].per_item and METRICS[name].chance != "permuted"] + ["nway50_top1"],
)
def test_over_all_answers_the_mean_is_chance(name: str) -> None:
    """Were each answer as likely as any other, whatever the reconstruction, the value would be chance: exactly."""
    metric = METRICS[name]
    a, b = sides_of(name, 4)
    if SIDES[metric.needs] is probabilities:  # the answers are classes
        answers = [np.tile(one, (N, 1)) for one in np.eye(a.shape[1])]
    else:  # the answers are the other truths, and its own
        answers = [np.roll(b, shift, axis=0) for shift in range(N)]
    expected = all_pairs.chance(metric, [str(i) for i in range(N)])
    if isinstance(metric, NWay):  # 1 of so many classes, where all are equally frequent
        expected = 1 / metric.ways
    values = [value(name, (a, answer)).mean() for answer in answers]
    assert expected is not None
    np.testing.assert_allclose(np.mean(values), expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize(
    "name", [name for name in METRICS if METRICS[name].per_item and SIDES[METRICS[name].needs] is not pixels]
)
def test_the_score_of_each_pair_is_what_compute_gives_it(name: str) -> None:
    metric = METRICS[name]
    a, b = sides_of(name, 11)
    got = metric.pairs(metric.reduced(a), metric.reduced(b), stimuli=[str(i) for i in range(N)])
    expected = np.empty((N, N))
    for shift in range(N):
        turned = np.roll(np.arange(N), -shift)
        expected[np.arange(N), turned] = value(name, (a, b[turned]))
    counted = metric.grain != ""  # whole numbers of rivals or classes: no rounding
    np.testing.assert_allclose(got, expected, rtol=0 if counted else ROUNDING, atol=0 if counted else 1e-12)
    part = metric.pairs(metric.reduced(a[5:9]), metric.reduced(b), stimuli=[str(i) for i in range(N)])
    np.testing.assert_allclose(part, got[5:9], rtol=0, atol=0 if counted else 1e-12)


@pytest.mark.parametrize("name", [name for name in METRICS if laws(name).one_sided])
def test_images_without_information_score_chance(name: str) -> None:
    alike = np.repeat(sides_of(name, 5)[0][:1], N, axis=0)
    assert float(value(name, (alike, alike))) == pytest.approx(METRICS[name].chance, abs=ROUNDING)


@every
def test_order_of_items_matters_only_where_declared(name: str) -> None:
    sides = sides_of(name, 6)
    order = np.random.default_rng(0).permutation(N)
    got, expected = value(name, (sides[0][order], sides[1][order])), value(name, sides)
    same = np.allclose(got, expected[order] if METRICS[name].per_item else expected, rtol=0, atol=ROUNDING)
    assert same != laws(name).ordered


@every
def test_chunking_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = METRICS[name]
    a, b = sides_of(name, 7)
    expected = value(name, (a, b))
    if declared_facts(metric).alone:
        got = np.concatenate([metric.compute(a[i : i + 7], b[i : i + 7]) for i in range(0, N, 7)])
    else:
        monkeypatch.setattr(correlation, "PIECE", 3 * N)
        monkeypatch.setattr(distribution, "BLOCK", 7)
        blocks = "block" in {field.name for field in fields(metric)}  # type: ignore[arg-type]
        cut: Any = replace(metric, block=7) if blocks else metric  # type: ignore[type-var]
        # A set that works on the whole at once still must not depend on how the array lies in memory.
        got = cut.compute(np.asfortranarray(a), np.asfortranarray(b))
    np.testing.assert_allclose(got, expected, rtol=0, atol=ROUNDING)


@every
def test_symmetry_is_as_declared(name: str) -> None:
    a, b = sides_of(name, 8)
    same = np.allclose(value(name, (a, b)), value(name, (b, a)), rtol=0, atol=ROUNDING)
    assert same == laws(name).symmetric


@every
def test_truths_are_ignored_only_where_declared(name: str) -> None:
    a, b = sides_of(name, 9)
    other = sides_of(name, 10)[1]
    assert np.array_equal(value(name, (a, b)), value(name, (a, other))) == laws(name).one_sided
