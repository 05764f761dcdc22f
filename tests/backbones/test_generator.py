"""A generator that lacks a part is refused by name."""

from pathlib import Path

import pytest

from eegbench.backbones.diffusion import Generator
from eegbench.errors import MissingError


def test_a_folder_without_an_autoencoder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="has no vae that can be read"):
        Generator(str(tmp_path))
