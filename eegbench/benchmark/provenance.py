"""The environment of a run: packages, device, numerical switches, commit, memory."""

import platform
import sys
from importlib import metadata
from pathlib import Path

import eegbench
from eegbench.backbones.environment import environment as torch_environment
from eegbench.benchmark.code import checkout
from eegbench.files import Json

if sys.platform != "win32":
    import resource

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-image",
    "pillow",
    "mne",
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "open_clip_torch",
    "safetensors",
)


def environment(device: str) -> Json:
    """Versions, device, dtype, TF32 and cuDNN switches, commit and dirty flag of the code, as JSON."""
    commit, dirty = checkout(Path(eegbench.__file__).parent)
    return {
        "eegbench": eegbench.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "device": device,
        **torch_environment(device),
        "commit": commit,
        "dirty": dirty,
    }


def peak_memory_bytes() -> int:
    """The most memory that this process has held so far; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kilobytes everywhere but on macOS


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
