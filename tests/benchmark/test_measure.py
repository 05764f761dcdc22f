"""From features to metrics: what the harness hands over beside them."""

import numpy as np

from eegbench.benchmark.images import from_array
from eegbench.benchmark.measure import ComparedImages, measure
from eegbench.contracts import Silent
from eegbench.metrics.identification import TwoWay

N = 12


def pair(contents: list[str]) -> tuple[TwoWay, ComparedImages]:
    rng = np.random.default_rng(0)
    truths = rng.standard_normal((N, 8)).astype(np.float32)
    for i, content in enumerate(contents):
        truths[i] = truths[contents.index(content)]
    made = truths + rng.standard_normal((N, 8)).astype(np.float32)
    images = from_array([str(i) for i in range(N)], np.zeros((N, 2, 2, 3), np.uint8))
    return TwoWay("clip", needs="f"), ComparedImages([{"f": made}], {"f": truths}, [images], images, contents)


def test_copies_of_the_shown_picture_are_no_distractors() -> None:
    """Six pictures, each behind two items: each reconstruction meets five other pictures, twice."""
    metric, doubled = pair([str(i % 6) for i in range(N)])
    (found,) = measure([metric], doubled, None, floors=False, progress=Silent()).values()
    made, truths = doubled.reconstructions[0]["f"], doubled.truths["f"]
    assert found.items is not None
    for j in range(N):
        r = np.array([np.corrcoef(made[j], truth)[0, 1] for truth in truths])
        others = np.arange(N) % 6 != j % 6
        assert found.items[0, j] == (r[others] < r[j]).sum() / 10


def test_without_copies_the_published_definition_stands() -> None:
    metric, single = pair([str(i) for i in range(N)])
    (found,) = measure([metric], single, None, floors=False, progress=Silent()).values()
    assert found.items is not None
    assert (found.items[0] == metric.compute(single.reconstructions[0]["f"], single.truths["f"])).all()
