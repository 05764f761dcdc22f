"""Batches adapt to memory, and running out of it is an error that says what to do."""

import numpy as np
import pytest
import torch

from eegbench.backbones import batch
from eegbench.backbones.batch import MOST_CPU, MOST_GPU, PROBE, Batch
from eegbench.backbones.resize import embed_in_chunks
from eegbench.errors import MissingError


class Network:
    """Means of pictures; `room` pictures fit."""

    def __init__(self, room: int = MOST_GPU) -> None:
        self.room, self.sizes = room, list[int]()

    def __call__(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        self.sizes.append(len(pictures))
        if len(pictures) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return {"mean": pictures.mean((1, 2, 3))[:, None]}


def look(network: Network, n: int = 40) -> np.ndarray:
    images = np.arange(n, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2).repeat(3, 3)
    return embed_in_chunks(images, network, base=4, device="cpu", batch=Batch("cpu"))["mean"][:, 0]


def memory(monkeypatch: pytest.MonkeyPatch, *, each: int, free: int) -> None:
    monkeypatch.setattr(batch, "used", lambda _: 0)
    monkeypatch.setattr(batch, "peak", lambda _: each * PROBE)
    monkeypatch.setattr(batch, "free", lambda _: free)


@pytest.mark.parametrize(("free", "size"), [(10**12, MOST_CPU), (600, 3), (150, 1)])
def test_after_a_probe_batches_are_what_memory_allows(monkeypatch: pytest.MonkeyPatch, free: int, size: int) -> None:
    memory(monkeypatch, each=100, free=free)
    network = Network()
    assert np.allclose(look(network) * 255, np.arange(40))
    assert network.sizes[:2] == [PROBE, size] and sum(network.sizes) == 40


@pytest.mark.parametrize(
    ("device", "room", "sizes"),
    [("cpu", 3, [PROBE, PROBE // 2, PROBE // 2]), ("cuda", 20, [PROBE, MOST_GPU, MOST_GPU // 2, MOST_GPU // 2])],
    ids=["the probe", "a later one"],
)
def test_a_batch_that_does_not_fit_is_halved(
    monkeypatch: pytest.MonkeyPatch, device: str, room: int, sizes: list[int]
) -> None:
    memory(monkeypatch, each=1, free=10**9)
    tried: list[int] = []

    def network(count: int) -> None:
        tried.append(count)
        if count > room:
            raise torch.OutOfMemoryError("CUDA out of memory")

    chosen, left = Batch(device), 100
    while left:
        left -= chosen.run(network, left)[1]
    assert tried[: len(sizes)] == sizes and set(tried[len(sizes) : -1]) == {sizes[-1]}


def test_no_image_is_lost_or_seen_twice_where_a_batch_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    memory(monkeypatch, each=1, free=10**9)
    assert np.allclose(look(Network(room=3)) * 255, np.arange(40))


def test_no_room_for_one_image_says_what_to_do() -> None:
    with pytest.raises(MissingError, match=r"one image at a time.*another device"):
        look(Network(room=0))


def test_other_failures_are_not_taken_for_want_of_memory() -> None:
    def broken(_: torch.Tensor) -> dict[str, torch.Tensor]:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        embed_in_chunks(np.zeros((1, 4, 4, 3), np.uint8), broken, base=4, device="cpu", batch=Batch("cpu"))


def test_memory_of_this_machine_is_known() -> None:
    assert batch.used("cpu") > 0 and batch.peak("cpu") > 0 and batch.free("cpu") > 0
