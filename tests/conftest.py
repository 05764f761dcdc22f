"""For all tests: no network, and no cache but their own."""

import socket
from collections.abc import Iterator
from pathlib import Path
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


@pytest.fixture(scope="session")
def git_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GIT captioner with random weights: 5 hidden states of width 16, a vocabulary of 25 letters as words."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("captioner")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxy"]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    size = {"height": 32, "width": 32}
    transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size).save_pretrained(folder)
    shared = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.GitConfig(
        vision_config={**shared, "image_size": 32, "patch_size": 16, "initializer_range": 1.0},
        **shared,
        vocab_size=len(words),
        max_position_embeddings=64,
        initializer_range=1.0,  # so much that what it says depends on what it sees
        bos_token_id=2,
        eos_token_id=3,
    )
    torch.manual_seed(0)
    transformers.GitForCausalLM(config).save_pretrained(folder)
    return folder
