"""A generator that lacks a part is refused by name."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from eegbench.backbones import weights
from eegbench.backbones.diffusion import Generator
from eegbench.backbones.generator_parts import pack_text_encoder, read_pipeline
from eegbench.errors import MissingError


def test_a_folder_without_an_autoencoder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="has no vae that can be read"):
        Generator(str(tmp_path))


def test_the_packs_text_encoder_is_that_of_its_file() -> None:
    """By both doors; a library that knows its keys by other names would draw it at random."""
    stored = load_file(weights.PACK / "generator/text_encoder/model.safetensors")
    for encoder in (
        Generator("pack:generator").text_encoder,
        read_pipeline("pack:generator", "cpu", torch.float32).text_encoder,
    ):
        state = {key.removeprefix("text_model."): value for key, value in encoder.state_dict().items()}
        assert state.keys() == stored.keys()
        assert all(torch.equal(state[key], value.float()) for key, value in stored.items())


def test_reading_the_packs_text_encoder_draws_nothing() -> None:
    """A fit draws its first weights from the same state, and would be another fit."""
    before = torch.get_rng_state()
    pack_text_encoder(weights.locate("pack:generator"))
    assert torch.equal(torch.get_rng_state(), before)
