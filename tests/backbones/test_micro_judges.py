"""Features of the micro suite depend on the image alone: not on its neighbours, the order, or the threads."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from eegbench import backbones
from eegbench.arrays import Images
from eegbench.contracts import Backbone
from eegbench.datasets.sim_things.dataset import SimThings

TOLERANCE = 1e-5  # relative to the largest value of a feature
JUDGES = ["micro/judges/" + part for part in ("alexnet", "inception", "effnet", "swav", "nway", "saliency")]
NAMES = [*(f"{name}.safetensors" for name in JUDGES), "micro/clip_judge", "pixels"]


@pytest.fixture(scope="module")
def images() -> Images:
    answers = SimThings(test_images=1).answers(8)
    return answers.images[:18]


@pytest.fixture(scope="module", params=["sal512", "me256"])
def judges(request: pytest.FixtureRequest) -> dict[str, Backbone]:
    return {judge.name: judge for judge in backbones.suite("micro", request.param).judges}


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def agree(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> None:
    assert one.keys() == two.keys()
    for name, values in one.items():
        if values.dtype == np.uint8:  # maps: a value on the edge between two grey levels may fall to either side
            assert np.abs(values.astype(int) - two[name]).max() <= 1
        else:
            assert np.abs(values - two[name]).max() <= TOLERANCE * np.abs(values).max()


def test_the_suite_has_these_judges(judges: dict[str, Backbone]) -> None:
    assert set(judges) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_neither_batch_nor_order_moves_a_feature(judges: dict[str, Backbone], images: Images, name: str) -> None:
    together = judges[name].embed(images)
    alone = [judges[name].embed(images[i : i + 1]) for i in range(len(images))]
    agree(together, {key: np.concatenate([one[key] for one in alone]) for key in together})
    order = np.random.default_rng(0).permutation(len(images))
    agree({key: values[order] for key, values in together.items()}, judges[name].embed(images[order]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("one_thread")
def test_threads_do_not_move_a_feature(judges: dict[str, Backbone], images: Images, name: str) -> None:
    alone = judges[name].embed(images)
    torch.set_num_threads(2)
    agree(alone, judges[name].embed(images))
