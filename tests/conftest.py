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
