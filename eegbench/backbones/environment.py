"""What torch runs on, and with which numerical switches."""

from typing import Any

import numpy as np

from eegbench.errors import MissingError, UsageError


def resolve_device(name: str) -> str:
    """The torch device of a user's word: "auto" takes the first GPU where there is one, else the CPU.

    Raises UsageError for a word that names no device, MissingError for a device that is not there.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"device {name!r}; wanted auto, cpu, cuda, cuda:<number> or mps") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise MissingError(f"device {name!r} is not here ({torch.cuda.device_count()} GPUs seen); use --device cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise MissingError("device 'mps' is not here; use --device cpu")
    return str(device)


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
    """Put numpy's and torch's global generators somewhere: what depends on them is found out so."""
    import torch

    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
