"""Every metric gives what other libraries and plain loops gave on the stored inputs (see make_golden.py)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.metrics import METRICS

GOLDEN = Path(__file__).with_name("golden.npz")
INPUTS = {
    "pixels425": "pixels",
    "probabilities": "probabilities",
    "probabilities_vit_b_16": "probabilities",
    "inception_probabilities": "probabilities",
    "inception_pool": "pool",
    "saliency": "maps",
    "embedding": "embedding",
    "text_embedding": "embedding",
}
# Both sides work in float64 and sum a few hundred numbers in different orders: some 1e-14. fid's stored value
# contains a matrix square root, good to about 1e-10.
TOLERANCE = 1e-12
LOOSER = {"fid": 1e-9}
SAME_FORMULA = {"nway50_top1_vit_b_16": "nway50_top1"}  # on another judge's features
SAME_FORMULA |= {name: name.replace("zeroshot", "retrieval") for name in METRICS if name.startswith("zeroshot")}


@pytest.fixture(scope="module")
def golden() -> dict[str, NDArray[Any]]:
    with np.load(GOLDEN, allow_pickle=False) as stored:
        return dict(stored)


def sides_of(golden: dict[str, NDArray[Any]], needs: str) -> tuple[NDArray[Any], NDArray[Any]]:
    name = INPUTS.get(needs, "features")
    reconstructions, truths = golden[f"reconstructions.{name}"], golden[f"truths.{name}"]
    return (reconstructions / 255, truths / 255) if name == "pixels" else (reconstructions, truths)


@pytest.mark.parametrize("name", METRICS)
def test_equals_the_golden_value(name: str, golden: dict[str, NDArray[Any]]) -> None:
    got = METRICS[name].compute(*sides_of(golden, METRICS[name].needs))
    np.testing.assert_allclose(
        got, golden[f"value.{SAME_FORMULA.get(name, name)}"], rtol=0, atol=LOOSER.get(name, TOLERANCE)
    )


def test_the_golden_file_covers_exactly_the_metrics(golden: dict[str, NDArray[Any]]) -> None:
    assert {key.removeprefix("value.") for key in golden if key.startswith("value.")} == METRICS.keys() - SAME_FORMULA


def test_golden_per_item_values_discriminate(golden: dict[str, NDArray[Any]]) -> None:
    """A stored value that is the same for every item would catch no mix-up of items or sides."""
    assert all(np.ptp(golden[f"value.{name}"]) > 0 for name in METRICS.keys() - SAME_FORMULA if METRICS[name].per_item)
