"""Lists what is installed and what is not, with the remedy beside each fault.

torch and the packages that need it are imported late and one by one: this module must run where one of them is broken.
"""

import shutil
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from eegbench import __version__
from eegbench.errors import EegbenchError

OLDEST = (3, 11)  # Python
PACKAGES = (
    "torch",
    "torchvision",
    "open_clip_torch",
    "diffusers",
    "transformers",
    "peft",
    "safetensors",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "numpy",
    "pandas",
    "mne",
    "matplotlib",
    "pillow",
)
NMS = "operator torchvision::nms does not exist"
REMEDIES = {
    "torchvision": "torch and torchvision come from different places, as a CPU wheel and the package index; "
    "install both from one: python -m pip install --force-reinstall torch torchvision",
}
PARTS = ("generator", "ip_adapter", "clip_target", "clip_judge", "judges")  # of the micro pack
LEAST_FREE = 1.0  # GiB


class Finding(NamedTuple):
    """The finding on one subject. good: whether it is as it should be. state: in words, with the remedy where not."""

    subject: str
    good: bool
    state: str


def examine() -> list[Finding]:
    """The findings on Python, packages, imports that are known to fail, device, micro pack and disk, in this order."""
    imports = [_sound(f"import {module}", partial(_import, module), remedy) for module, remedy in REMEDIES.items()]
    return [
        Finding("eegbench", True, __version__),
        _python(),
        *(_package(name) for name in PACKAGES),
        *imports,
        _sound("device", _device, "look at the lines above"),
        _sound("micro pack", _pack, "python -m pip install --force-reinstall eegbench"),
        _disk(Path.cwd()),
    ]


def _python() -> Finding:
    good = sys.version_info[:2] >= OLDEST
    return Finding("python", good, sys.version.split()[0] + ("" if good else "; install 3.11 or a newer one"))


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, f"not installed; python -m pip install {name}")


def _sound(subject: str, look: Callable[[], str], remedy: str) -> Finding:
    """The finding on a subject: what `look` returns, or its error with the remedy; a broken binary raises anything."""
    try:
        return Finding(subject, True, look())
    except EegbenchError as error:
        return Finding(subject, False, str(error))  # says its own remedy
    except Exception as error:
        problem = NMS if NMS in str(error) else f"{type(error).__name__}: {error}".splitlines()[0]
        return Finding(subject, False, f"{problem}; {remedy}")


def _import(module: str) -> str:
    import_module(module)
    return "works"


def _device() -> str:
    return str(import_module("eegbench.backbones.environment").resolve_device("auto"))


def _pack() -> str:
    weights = import_module("eegbench.backbones.weights")
    files = sum(len(weights.digests(f"pack:{part}")) for part in PARTS)
    return f"{files} files, each with the sha256 that was listed for it"


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free / 2**30
    good = free >= LEAST_FREE
    state = f"{free:.1f} GiB free in {folder}"
    return Finding("disk", good, state if good else f"{state}; free some, or write runs elsewhere with --runs")
