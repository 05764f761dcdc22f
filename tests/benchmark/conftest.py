"""The small world of `tests/files/small_world.py`, for each test anew."""

from pathlib import Path

import pytest

from small_world import Lab, small_world


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The small world in place of the real data sets, methods, judges and metrics, with its own cache and runs."""
    return small_world(tmp_path, monkeypatch)
