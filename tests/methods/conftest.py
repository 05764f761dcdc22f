"""What the methods' tests share: the micro pack, without whose generator they are reported as skipped."""

import pytest

from eegbench.backbones.weights import PACK


@pytest.fixture(scope="session")
def pack() -> None:
    if not (PACK / "generator" / "unet").is_dir():
        pytest.skip("the micro pack has no generator yet: scripts/train_micro_pack.py makes it")
