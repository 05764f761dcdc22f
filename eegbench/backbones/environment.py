"""What torch runs on, and with which numerical switches."""

import random
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from eegbench.errors import MissingError, UsageError, short

DEVICE = re.compile(r"cpu|mps|cuda(:[0-9]|:[1-9][0-9])?")
# Where libraries keep the switch that HF_HUB_OFFLINE sets when they are imported.
OFFLINE = (("huggingface_hub.constants", "HF_HUB_OFFLINE"), ("transformers.utils.hub", "_is_offline_mode"))


def resolve_device(name: str) -> str:
    """The torch device of a user's word: "auto" takes the first GPU where there is one, else the CPU.

    Raises UsageError for a word that names no device, MissingError for a device that is not there.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not DEVICE.fullmatch(name):
        raise UsageError(f"device {short(name)}; wanted auto, cpu, cuda, cuda:<number> or mps")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise MissingError(f"device {name!r} is not here ({torch.cuda.device_count()} GPUs seen); use the device cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise MissingError("device 'mps' is not here; use the device cpu")
    return str(device)


def gpus(device: str) -> int:
    """How many GPUs a user's word for a device leaves to choose from."""
    import torch

    return torch.cuda.device_count() if device in ("auto", "cuda") else 0


def free_memory(device: str) -> int:
    """Bytes that a device has free; 0 for one that does not say."""
    import psutil
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available) if kind == "cpu" else 0


def environment(device: str) -> dict[str, Any]:
    """dtype, TF32 and cuDNN switches, threads, and the GPU's name and CUDA version (None on the CPU), as JSON."""
    import torch

    cudnn: Any = torch.backends.cudnn  # its functions carry no types
    on_gpu = torch.device(device).type == "cuda"
    return {
        "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "tf32_matmul": bool(torch.backends.cuda.matmul.allow_tf32),
        "tf32_cudnn": bool(cudnn.allow_tf32),
        "cudnn": cudnn.version() if on_gpu else None,
        "cudnn_benchmark": bool(cudnn.benchmark),
        "cudnn_deterministic": bool(cudnn.deterministic),
        "gpu": torch.cuda.get_device_name(device) if on_gpu else None,
        "cuda": torch.version.cuda if on_gpu else None,
    }


def seed_globally(seed: int) -> None:
    """Seed numpy's and torch's global generators, so that outputs which depend on them can be detected."""
    import torch

    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside it torch has its defaults, so that numbers do not depend on the caller; afterwards all is as it was
    before.

    Defaults: gradients, no autocast, float32, the CPU. Put back as well: the global random states of Python, numpy and
    torch, and the progress bars of transformers.
    """
    import torch

    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    dtype, bars = torch.get_default_dtype(), _bars()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            _set_bars(bars)
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
            torch.set_rng_state(cpu)
            if gpus is not None:
                torch.cuda.set_rng_state_all(gpus)
            elif torch.cuda.is_initialized():  # meanwhile: the generators begin with the seed that the CPU's had
                torch.cuda.manual_seed_all(torch.initial_seed())


def _bars() -> bool:
    """Whether transformers shows progress bars; it does when it is imported."""
    known = sys.modules.get("transformers.utils.logging")
    return known is None or bool(known.is_progress_bar_enabled())


def _set_bars(shown: bool) -> None:
    known = sys.modules.get("transformers.utils.logging")
    if known is not None and shown and not known.is_progress_bar_enabled():
        known.enable_progress_bar()


@contextmanager
def disconnected(offline: bool) -> Iterator[None]:
    """Within it, if `offline`, the hub's client opens no connection, whether it was imported before or not."""
    if not offline:
        yield
        return
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    _switch(True)
    try:
        yield
    finally:
        _switch(before)


def _switch(offline: bool) -> None:
    """Set all copies of the switch that are loaded by now to the same value."""
    for name, attribute in OFFLINE:
        if hasattr(module := sys.modules.get(name), attribute):
            setattr(module, attribute, offline)
