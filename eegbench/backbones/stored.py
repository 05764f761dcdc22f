"""Pretrained weights before anything is loaded: how large what lies here is, and what cannot come."""

import os
from pathlib import Path

from eegbench.backbones import blank, published, weights
from eegbench.backbones.published_configs import EML_NET
from eegbench.backbones.saliency import EML_NET_FILES
from eegbench.errors import MissingError

LOCAL = ("/", "./", "../", "~", "local-dir:")  # how the name of a folder or file on disk begins


def size(name: str, *, offline: bool = False) -> int | None:
    """Bytes of the weights that a configuration names; None for a hub's that come when they are loaded.

    Raises MissingError for a path where nothing lies, and with `offline` for a hub's that its cache does not have.
    """
    if blank.is_blank(name) or "@" in name:  # random weights; a file that is named by its digest and was read
        return 0
    if name.startswith("pack:") or Path(name).exists():
        return _bytes(Path(weights.locate(name)))
    if name == EML_NET or name in published.PUBLISHED:
        files = EML_NET_FILES if name == EML_NET else (name,)
        local = [path for path in map(published.locate, files) if path is not None]
        return sum(map(_bytes, local)) if len(local) == len(files) else None
    if name.startswith(LOCAL):
        path = Path(name.removeprefix("local-dir:")).expanduser()
        if not path.exists():
            raise MissingError(f"{name}: no such folder or file of weights; mend the path, or put the weights there")
        return _bytes(path)
    kept = _hub_folder(_hub_of(name))
    if not kept.is_dir() and offline:
        raise MissingError(
            f"{name}: its weights are not in the hub's cache ({kept}), and --offline opens no connection; fetch them "
            "once without it"
        )
    return _bytes(kept) if kept.is_dir() else None


def _hub_of(name: str) -> str:
    """The hub's repository behind a name; of MODEL/PRETRAINED in open_clip's terms the one that open_clip knows."""
    import open_clip

    architecture, _, pretrained = name.partition("/")
    known = open_clip.get_pretrained_cfg(architecture, pretrained) if pretrained else {}
    return str(known.get("hf_hub") or name).strip("/")


def _hub_folder(repository: str) -> Path:
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub") / f"models--{repository.replace('/', '--')}"


def _bytes(path: Path) -> int:
    """The size of a file, or of all files of a folder; a file that several links lead to counts once."""
    paths = path.rglob("*") if path.is_dir() else [path]
    files = {Path(os.path.realpath(file)) for file in paths if file.is_file()}
    return sum(file.stat().st_size for file in files)
