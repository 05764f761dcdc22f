"""Checkpoints of ATM-S, as the authors' code (dongyangli-del/EEG_Image_decode) writes them.

Their keys are our module's, but for what is without effect, and for the other names of the feed-forward layer. A file
does not say what else it was trained with: the code's version (`keep`), the one subject, the channels' order. The code
from commit 61fc9c3 (December 2025) on adds positions to the tokens, which our module does not: its files load, and give
wrong embeddings.
"""

from pathlib import Path

import torch

from eegbench.arrays import EEGInfo
from eegbench.backbones.reference.judges import read_published
from eegbench.backbones.weights import Shapes, differences
from eegbench.channels import THINGS_NICE
from eegbench.errors import InputError, MissingError
from eegbench.methods.encoders.atm_s import AtmS, Keep, Window

# The EEG of the published ones: THINGS-EEG2 as NICE's preprocessing leaves it.
RECORDING = EEGInfo(THINGS_NICE, rate=250.0, start=0.0, times=250, unit="whitened")

# In published files, and without effect on what the encoder gives: our module leaves them out.
UNUSED: Shapes = {
    "encoder.enc_embedding.position_embedding.pe": (1, 5000, 250),
    "encoder.enc_embedding.temporal_embedding.embed.weight": (250, 4),
    "encoder.enc_embedding.mask_token": (1, 250),
    **{
        f"subject_wise_linear.{place}.{name}": shape
        for place in (0, 1)
        for name, shape in (("weight", (250, 250)), ("bias", (250,)))
    },
}
# Other names of the feed-forward layer, in the code's Retrieval part: linear layers, which lack the last axis.
RENAMED = {
    f"encoder.encoder.attn_layers.0.linear{place}.{name}": f"encoder.encoder.attn_layers.0.conv{place}.{name}"
    for place in (1, 2)
    for name in ("weight", "bias")
}


TABLE = "encoder.enc_embedding.subject_embedding.subject_embedding.weight"  # (subjects, times)
LAST = "proj_eeg.2.weight"  # (width,)
LISTED = 6  # keys in an error


def existing(path: Path) -> Path:
    """The checkpoint's path; MissingError if there is no such file."""
    file = path.expanduser()
    if not file.is_file():
        raise MissingError(f"{path}: no such file; encoder.checkpoint wants the weights of an ATM-S")
    return file


def read(path: Path, info: EEGInfo, *, keep: Keep, window: Window) -> AtmS:
    """The encoder of a checkpoint, for EEG as `info` says; its width and its table of subjects are the file's.

    Raises MissingError if there is no such file. Raises InputError if it holds more than tensors, or values that no
    weight can have; if keys are missing, unknown or of another shape (the first are named); and if EEG of the
    published size has not the published channels in their order, rate, start and unit, for no weight would tell.
    """
    state = _state(existing(path))
    table, last = state.get(TABLE), state.get(LAST)
    if table is None or last is None or not table.ndim or not last.ndim:
        raise InputError(f"{path}: no ATM-S: it has no {TABLE} and {LAST}; its keys begin with {_few(list(state))}")
    with torch.device("meta"):  # sizes that a file claims take no memory before they are compared
        encoder = AtmS(len(info.channels), info.times, len(last), subjects=len(table), keep=keep, window=window)
    mine, theirs = ({key: tuple(v.shape) for key, v in tensors.items()} for tensors in (encoder.state_dict(), state))
    if problems := differences(mine, theirs):
        raise InputError(
            f"{path}: no ATM-S for {len(info.channels)} channels by {info.times} samples and {window}: "
            f"{len(problems)} keys differ: {_few(problems)}; is encoder.window the checkpoint's?"
        )
    _check_recording(path, info)
    encoder.load_state_dict(state, assign=True)
    return encoder.eval().requires_grad_(False)


def _state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors by our names, as float32."""
    state: dict[str, torch.Tensor] = {}
    for name, value in read_published(path, "ATM-S").items():
        plain = name.removeprefix("module.")  # of DataParallel
        key = RENAMED.get(plain, plain)
        if key in UNUSED:
            continue
        if key in state:
            raise InputError(f"{path}: holds {key} twice, under two names")
        if problem := _unfit(key, value):
            raise InputError(f"{path}: {name} {problem}: no weights of an ATM-S")
        kept = value.float() if value.is_floating_point() else value
        state[key] = kept[..., None] if plain in RENAMED and kept.ndim == 2 else kept
    return state


def _unfit(key: str, value: torch.Tensor) -> str:
    """What makes a tensor no weight, in words."""
    if value.layout is not torch.strided or value.device.type != "cpu" or value.is_quantized:
        return "is no dense tensor of numbers"
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        return f"claims {value.numel():,} values, more than the file holds"
    if key.endswith("num_batches_tracked"):
        return "" if value.dtype is torch.int64 else f"is {value.dtype}, wanted torch.int64"
    if not value.is_floating_point():
        return f"is {value.dtype}, wanted floating point"
    if not bool(value.isfinite().all()):
        return "has NaN or infinite values"
    return "has values below zero" if key.endswith("running_var") and bool((value < 0).any()) else ""


def _check_recording(path: Path, info: EEGInfo) -> None:
    if (len(info.channels), info.times) != (len(RECORDING.channels), RECORDING.times):
        return
    names = [n for n in ("channels", "rate", "start", "unit") if getattr(info, n) != getattr(RECORDING, n)]
    if names:
        wanted = "; ".join(f"{name}: {_worded(getattr(RECORDING, name))}" for name in names)
        raise InputError(
            f"{path}: the EEG is not what published checkpoints were trained on: its {' and '.join(names)} differ; "
            f"wanted {wanted}"
        )


def _few(problems: list[str]) -> str:
    return "; ".join(problems[:LISTED]) + (f"; and {len(problems) - LISTED} more" if len(problems) > LISTED else "")


def _worded(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)
