"""Words that name a device, and networks that are shared until they are let go."""

import gc
import weakref

import pytest

from eegbench.backbones.environment import resolve_device
from eegbench.backbones.shared import let_go, shared
from eegbench.errors import MissingError, UsageError


class Network:
    """A stand-in, of which a weak reference can be had."""


@pytest.mark.parametrize(
    "word", ["meta", "xla", "tpu", "cpu:0", "cuda:x", "cuda:-1", "cuda:0001", "cuda:300", "", "x\ny"]
)
def test_a_word_that_is_no_device_of_ours_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="wanted auto, cpu, cuda, cuda:<number> or mps") as raised:
        resolve_device(word)
    assert "\n" not in str(raised.value)


def test_the_devices_of_ours_are_taken_or_not_here() -> None:
    assert resolve_device("cpu") == "cpu" and resolve_device("auto") in ("cpu", "cuda")
    with pytest.raises(MissingError, match="device 'cuda:99' is not here"):
        resolve_device("cuda:99")


def test_a_shared_network_is_loaded_once_and_gone_when_it_is_let_go() -> None:
    @shared(1)
    def network(name: str) -> Network:
        return Network()

    with let_go():
        loaded = weakref.ref(network("a"))
        assert network("a") is loaded()
    gc.collect()
    assert loaded() is None
