"""For all tests: no network, and no cache but their own."""

import socket
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest


@pytest.fixture(scope="session", autouse=True)
def _sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fits go to a folder of this session, so that no test finds what another session fitted; connections fail."""

    def refuse(_: socket.socket, address: Any) -> NoReturn:
        raise OSError(f"a test opened a connection to {address}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EEGBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr(socket.socket, "connect", refuse)
        yield


BLOCKS: dict[str, Any] = {"block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 8}
UNET = BLOCKS | {
    "sample_size": 4,
    "cross_attention_dim": 16,
    "attention_head_dim": (2, 4),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
}
VAE = BLOCKS | {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
TEXT = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
TEXT |= {"bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 49407}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A published pipeline and adapter, made up and small enough for a test to run: `tiny` and `tiny_adapter`."""
    from eegbench.backbones import published_configs as known  # here, for it loads torch

    configs = {"unet": UNET, "vae": VAE, "text_encoder": TEXT, "scheduler": {"beta_schedule": "scaled_linear"}}
    parts = {name: known.Part(config) for name, config in configs.items()}
    monkeypatch.setitem(known.PIPELINES, "tiny", known.Pipeline("StableDiffusionPipeline", "made up", parts))
    monkeypatch.setitem(known.ADAPTERS, "tiny_adapter", known.Adapter(width=128, tokens=4, bytes=0, source="made up"))
