"""All pairs: floors over pictures that differ, partners that show another picture, chance where pictures repeat."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench import seeds
from eegbench.arrays import Values
from eegbench.benchmark import all_pairs, measure
from eegbench.benchmark.all_pairs import chance, partners
from eegbench.benchmark.images import from_array
from eegbench.benchmark.measure import ComparedImages, Measured
from eegbench.contracts import Metric, Silent
from eegbench.metrics import METRICS
from eegbench.metrics.classification import NWay
from eegbench.metrics.identification import CorrelationDistance
from memory import at_most

DISTANCE = CorrelationDistance("swav", needs="f")


def features(n: int, seed: int, d: int = 8) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def scored(
    metric: Metric,
    samples: Sequence[NDArray[Any]],
    truths: NDArray[Any],
    contents: Sequence[str] | None = None,
    stimuli: Sequence[str] | None = None,
    **asked: bool,
) -> Measured:
    names = stimuli or [f"s{i:05d}" for i in range(len(truths))]
    images = from_array(names, np.zeros((len(truths), 2, 2, 3), np.uint8))
    pair = ComparedImages(
        [{metric.needs: one} for one in samples], {metric.needs: truths}, [images], images, contents or list(names)
    )
    return measure.measure([metric], pair, None, **{"floors": True, **asked}, progress=Silent())[metric.id]


def table(metric: Metric, made: NDArray[Any], truths: NDArray[Any]) -> NDArray[np.float64]:
    n = len(truths)
    return np.array([[float(metric.compute(made[[i]], truths[[j]])[0]) for j in range(n)] for i in range(n)])


def test_a_floor_is_the_mean_over_all_pairs_of_different_pictures_and_over_samples() -> None:
    truths, samples = features(12, 0), [features(12, 1), features(12, 2)]
    shown = [str(i % 5) for i in range(12)]
    other = np.array(shown)[:, None] != np.array(shown)
    found = scored(DISTANCE, samples, truths, shown)
    assert found.floor == pytest.approx(np.mean([table(DISTANCE, made, truths)[other] for made in samples]), rel=1e-12)
    assert scored(DISTANCE, samples, truths, shown, floors=False).floor is None
    assert scored(DISTANCE, samples, truths, ["one picture"] * 12).floor is None


def test_the_scores_of_all_pairs_are_the_mean_over_samples_in_the_order_of_the_stimuli(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truths, samples = features(12, 0), [features(12, 1), features(12, 2)]
    found = scored(DISTANCE, samples, truths, pairs=True)
    assert found.pairs is not None and found.items is not None
    np.testing.assert_allclose(found.pairs, np.mean([table(DISTANCE, made, truths) for made in samples], axis=0))
    np.testing.assert_allclose(found.pairs.diagonal(), found.items.mean(axis=0))
    assert scored(DISTANCE, samples, truths).pairs is None
    monkeypatch.setattr(all_pairs, "KEPT", 11)
    assert scored(DISTANCE, samples, truths, pairs=True).pairs is None


def test_a_floor_does_not_depend_on_the_order_of_the_stimuli_nor_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    truths, made, names = features(30, 0), features(30, 1), [f"s{i}" for i in range(30)]
    turned = np.random.default_rng(3).permutation(30)
    floor = scored(DISTANCE, [made], truths, stimuli=names).floor
    assert scored(DISTANCE, [made[turned]], truths[turned], stimuli=[names[i] for i in turned]).floor == floor
    monkeypatch.setattr(all_pairs, "AT_ONCE", 70)
    assert scored(DISTANCE, [made], truths, stimuli=names).floor == pytest.approx(floor, rel=1e-12)


def test_a_floor_of_many_stimuli_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """3,000 stimuli have 9 million pairs: 72 MB in float64, and the work on them several times that."""
    monkeypatch.setattr(all_pairs, "AT_ONCE", 2**20)
    truths, made = features(3000, 0), features(3000, 1)
    with at_most(50_000_000):
        floor = scored(DISTANCE, [made], truths).floor
    assert floor == pytest.approx(1, abs=0.01)


def test_above_what_a_metric_affords_a_part_by_id_gives_the_floor() -> None:
    @dataclass(frozen=True)
    class Few(CorrelationDistance):
        most_paired: ClassVar[int] = 40

    few, truths, made = Few("swav", needs="f"), features(200, 0), features(200, 1)
    names = [f"s{i}" for i in range(200)]
    part = all_pairs.by_id(names)[:40]
    expected = table(DISTANCE, made[part], truths[part])[~np.eye(40, dtype=bool)].mean()
    assert scored(few, [made], truths, stimuli=names).floor == pytest.approx(expected, rel=1e-12)
    assert scored(few, [made], truths, stimuli=names, pairs=True).pairs is None


def test_chance_of_n_way_accuracy_follows_how_frequent_the_classes_are() -> None:
    """Judged the same class again and again, without information: 1/50 is no chance level then."""
    rng = np.random.default_rng(0)
    popular = rng.choice(100, size=200, p=(w := 1 / np.arange(1, 101) ** 1.5) / w.sum())
    nway = NWay("nway50_top1", ways=50, needs="f")

    def drawn(classes: NDArray[np.int64]) -> NDArray[np.float64]:
        return 0.9 * np.eye(100)[classes] + 0.1 * rng.dirichlet(np.ones(100), len(classes))

    found = scored(nway, [drawn(rng.permutation(popular))], drawn(popular))
    assert found.items is not None and found.floor is not None
    assert found.floor > 0.1 and found.items.mean() == pytest.approx(found.floor, abs=0.1)


@pytest.mark.parametrize("name", ["retrieval_top1", "retrieval_top5", "clip"])
def test_a_perfect_decoder_is_perfect_where_each_picture_occurs_twice(name: str) -> None:
    metric = METRICS[name]
    truths = np.repeat(features(10, 0), 2, axis=0)
    shown = [str(i // 2) for i in range(20)]
    found = scored(metric, [truths], truths, shown, pairs=True)
    assert found.items is not None and (found.items == 1).all()
    assert found.pairs is not None and (found.pairs.diagonal() == 1).all()
    assert (np.isclose(found.pairs[0, 1], 1)) and found.pairs[0, 2:].mean() < 0.6


def test_scores_of_pairs_leave_out_copies_as_compute_does() -> None:
    shown = [str(i % 7) for i in range(20)]
    truths = features(7, 0)[[i % 7 for i in range(20)]]
    made = truths + features(20, 1)
    for name in ("retrieval_top1", "retrieval_top5", "clip"):
        found = scored(METRICS[name], [made], truths, shown, pairs=True)
        assert found.pairs is not None and found.items is not None
        assert (found.pairs.diagonal() == found.items[0]).all()


def test_chance_of_retrieval_counts_each_picture_once() -> None:
    top1, top5 = METRICS["retrieval_top1"], METRICS["retrieval_top5"]
    assert chance(top1, [str(i) for i in range(200)]) == 1 / 200
    assert chance(top5, [str(i // 2) for i in range(20)]) == 5 / 10
    assert chance(top5, ["a", "a", "b"]) == 1.0 and chance(top1, ["a", "a", "b"]) == 1 / 2
    assert chance(METRICS["clip"], ["a", "b"]) == 0.5 and chance(METRICS["swav"], ["a", "b"]) is None


@pytest.mark.parametrize(
    "name", ["retrieval_top1", "retrieval_top5", "retrieval4_top1", "zeroshot_top1", "zeroshot_top5"]
)
def test_a_decoder_that_knows_nothing_retrieves_at_chance_where_pictures_repeat(name: str) -> None:
    shown = [str(i % 10) for i in range(20)] + ["0"] * 5
    truths = features(10, 0)[[int(one) for one in shown]]
    values = [METRICS[name].compute(features(25, seed), truths, stimuli=shown) for seed in range(1, 300)]  # type: ignore[call-arg]
    assert np.mean(values) == pytest.approx(chance(METRICS[name], shown), abs=0.03)


def partner_of(stimuli: Sequence[str], contents: Sequence[str]) -> dict[str, str]:
    found = partners(stimuli, contents)
    assert sorted(found) == list(range(len(stimuli)))  # each is a partner once
    return {stimulus: stimuli[place] for stimulus, place in zip(stimuli, found, strict=True)}


def test_partners_of_different_pictures_are_the_derangement_of_the_sorted_ids() -> None:
    stimuli = [f"set/{i}" for i in range(20)]
    ordered = sorted(stimuli)
    drawn = seeds.derangement(20, seeds.generator("audit", 20))
    expected = {ordered[i]: ordered[j] for i, j in enumerate(drawn)}
    assert partner_of(stimuli, stimuli) == expected == partner_of(stimuli[::-1], stimuli[::-1])


@pytest.mark.parametrize("copies", [2, 4, 10])
def test_partners_show_another_picture_whatever_the_order(copies: int) -> None:
    shown = {f"s{i}": str(i // copies) for i in range(20)}
    there = partner_of(list(shown), list(shown.values()))
    assert all(shown[one] != shown[other] for one, other in there.items())
    assert partner_of(list(shown)[::-1], list(shown.values())[::-1]) == there


@pytest.mark.parametrize("most", [11, 15, 20])
def test_where_one_picture_is_more_than_half_as_few_as_possible_keep_it(most: int) -> None:
    shown = {f"s{i}": "common" if i < most else str(i) for i in range(20)}
    there = partner_of(list(shown), list(shown.values()))
    kept = Counter(shown[one] for one, other in there.items() if shown[one] == shown[other])
    assert kept == ({"common": 2 * most - 20}) and all(one != other for one, other in there.items())


@dataclass(frozen=True)
class Ranked(Metric):
    """A plug-in's metric whose items have rivals: it asks for what the stimuli show."""

    id: str = "ranked"
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = "permuted"
    bounds: tuple[float, float] = (0.0, 1.0)
    needs: str = "f"
    per_item: bool = True
    rivals: ClassVar[bool] = True

    def compute(self, reconstructions: Any, truths: Any, *, stimuli: Sequence[str] | None = None) -> Values:
        shown = np.arange(len(truths)) if stimuli is None else np.asarray(stimuli)
        near = -((reconstructions[:, None] - truths[None]) ** 2).sum(axis=2)
        other = shown[:, None] != shown
        return np.asarray(((near < near.diagonal()[:, None]) & other).sum(axis=1) / other.sum(axis=1))


def test_a_plug_in_with_rivals_is_told_what_the_stimuli_show() -> None:
    truths = np.repeat(features(6, 0), 2, axis=0)
    found = scored(Ranked(), [truths], truths, [str(i // 2) for i in range(12)], pairs=True)
    assert found.items is not None and (found.items == 1).all()
    assert found.pairs is not None and (found.pairs.diagonal() == 1).all()
    assert found.floor is not None and 0.3 < found.floor < 0.6
