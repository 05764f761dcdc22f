"""The small world of `tests/files/small_world.py`, and true images with reconstructions of them."""

from pathlib import Path

import numpy as np
import pytest

from door_images import Pictures, pictures
from small_world import Lab, small_world


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The small world in place of the real data sets, methods, judges and metrics, with its own cache and runs."""
    return small_world(tmp_path, monkeypatch)


@pytest.fixture
def truths() -> Pictures:
    return pictures(1)


@pytest.fixture
def made(truths: Pictures) -> Pictures:
    """Between the truths and other noise."""
    return {name: (image // 2 + truths[name] // 2).astype(np.uint8) for name, image in pictures(2).items()}
