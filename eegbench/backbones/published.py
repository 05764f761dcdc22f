"""The published weight files: where each comes from, where it lies on this machine, and whether it is the real one.

A file is looked for under EEGBENCH_WEIGHTS, then where its ecosystem keeps it: torch hub's checkpoints (TORCH_HOME)
and the Hugging Face cache (HF_HOME). Nothing is fetched on the way: `eegbench weights fetch` does that when asked.
torchvision puts the head of a file's sha256 into its name. For all others the digest of the first file that was
used is kept in a lock file, and another one is refused from then on.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from eegbench.contracts import Progress
from eegbench.download import download
from eegbench.errors import InputError, MissingError, unknown
from eegbench.files import file_digest, read_json, user_cache, write_text
from eegbench.guards.redaction import Redaction, addresses_shown

TORCHVISION = "https://download.pytorch.org/models/"
TORCHVISION_LICENCE = "BSD-3-Clause; trained on ImageNet"
ABSENT, DIFFERS = "missing", "not the published file"  # states of a file
SWAG_LICENCE = "https://github.com/facebookresearch/SWAG/blob/main/LICENSE"


@dataclass(frozen=True)
class WeightFile:
    """One published file. `hub`: its Hugging Face repository. `sha256`: the head of its digest, where it is known."""

    file: str
    used_by: tuple[str, ...]
    source: str
    licence: str
    sha256: str = ""
    hub: str = ""


def _torchvision(file: str, *used_by: str, licence: str = TORCHVISION_LICENCE) -> WeightFile:
    """A file of torchvision's, whose name ends with the head of its digest."""
    head = file.rpartition("-")[2].partition(".")[0]
    return WeightFile(file, used_by, TORCHVISION + file, licence, sha256=head)


PUBLISHED: dict[str, WeightFile] = {
    "alexnet": _torchvision("alexnet-owt-7be5be79.pth", "alexnet2", "alexnet5"),
    "inception_v3": _torchvision("inception_v3_google-0cc3c7bd.pth", "inception"),
    "efficientnet_b1": _torchvision("efficientnet_b1-c27df63c.pth", "effnet"),
    "vit_h_14": _torchvision("vit_h_14_swag-80465313.pth", "nway50_top1", licence=SWAG_LICENCE),
    "vit_b_16": _torchvision("vit_b_16-c867db91.pth", "nway50_top1_vit_b_16"),
    "swav": WeightFile(
        "swav_800ep_pretrain.pth.tar", ("swav",),
        "https://dl.fbaipublicfiles.com/deepcluster/swav_800ep_pretrain.pth.tar",
        "https://github.com/facebookresearch/swav/blob/main/LICENSE",
    ),
    "clip_vit_l_14": WeightFile(
        "open_clip_model.safetensors", ("clip",),
        "https://huggingface.co/timm/vit_large_patch14_clip_224.openai", "MIT (openai/CLIP)",
        hub="timm/vit_large_patch14_clip_224.openai",
    ),
    "fidelity_inception": WeightFile(
        "weights-inception-2015-12-05-6726825d.pth", ("is", "is_10split", "kid", "kid_published", "fid"),
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        "Apache-2.0 (torch-fidelity)",
    ),
    "ip_adapter_sdxl_vit_h": WeightFile(
        "sdxl_models/ip-adapter_sdxl_vit-h.safetensors", ("atm",), "https://huggingface.co/h94/IP-Adapter",
        "Apache-2.0", hub="h94/IP-Adapter",
    ),
    **{
        f"eml_net_{part}": WeightFile(
            f"res_{part}.pth", ("cc", "kl", "kl_reversed", "sim"),
            "https://github.com/SenJia/EML-NET-Saliency", "none stated by its authors",
        )
        for part in ("imagenet", "places", "decoder")
    },
}  # fmt: skip


@dataclass(frozen=True)
class LocalWeights:
    """A weight file on this machine. `verified`: its digest is the published one, or the one first used here."""

    path: Path
    sha256: str
    verified: bool


def require(name: str, *, allow_unverified: bool = False) -> LocalWeights:
    """A published file, its digest compared with the known one.

    Raises MissingError saying where it was looked for and how to get it, and InputError for a file with another
    digest unless `allow_unverified`.
    """
    entry = entry_of(name)
    path = locate(name)
    if path is None:
        raise MissingError(
            f"{entry.file}, weights of {', '.join(entry.used_by)}, is in none of {', '.join(map(str, places(name)))}; "
            f"{remedy(name)}"
        )
    sha256 = file_digest(path)
    known = known_digest(name)
    if not known:
        _lock(name, sha256)
    elif not sha256.startswith(known):
        if not allow_unverified:
            raise InputError(
                f"{path}: sha256 {sha256[:16]}..., wanted {known[:16]}{'...' if len(known) > 16 else ''}: it is not "
                f"the published file; fetch it again, or use it as it is with --allow-unverified-weights"
            )
        return LocalWeights(path, sha256, verified=False)
    return LocalWeights(path, sha256, verified=True)


def entry_of(name: str) -> WeightFile:
    if name not in PUBLISHED:
        raise unknown("weight file", name, PUBLISHED)
    return PUBLISHED[name]


def locate(name: str) -> Path | None:
    """Where the file lies, None if nowhere."""
    entry = entry_of(name)
    local = next((path for path in places(name) if path.is_file()), None)
    if local is not None or not entry.hub:
        return local
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(entry.hub, entry.file)
    return Path(cached) if isinstance(cached, str) else None


def places(name: str) -> list[Path]:
    """Where the file is looked for, in order; files of the Hugging Face cache lie deeper, below the last."""
    entry = entry_of(name)
    configured = os.environ.get("EEGBENCH_WEIGHTS")
    if entry.hub:
        kept = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface") / "hub"
        last = kept / f"models--{entry.hub.replace('/', '--')}"
        return [*([Path(configured) / entry.hub.rpartition("/")[2] / entry.file] if configured else []), last]
    return [*([Path(configured) / entry.file] if configured else []), checkpoints() / entry.file]


def checkpoints() -> Path:
    """Torch hub's folder of checkpoints, found without importing torch."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch"
    return Path(os.environ.get("TORCH_HOME") or default) / "hub" / "checkpoints"


def known_digest(name: str) -> str:
    """The digest, or its head, that the file must have; "" before its first use."""
    return entry_of(name).sha256 or locked().get(entry_of(name).file, "")


def lock_file() -> Path:
    return user_cache("weights.lock.json")


def locked() -> dict[str, str]:
    """sha256 by file, of what was first used on this machine."""
    file = lock_file()
    return {str(k): str(v) for k, v in read_json(file).items()} if file.is_file() else {}


def remedy(name: str) -> str:
    entry = entry_of(name)
    if name.startswith("eml_net"):
        return f"get it from {entry.source} and put it into EEGBENCH_WEIGHTS"
    return f"eegbench weights fetch {name}"


def state(name: str) -> dict[str, object]:
    """One row about a file: who uses it, where it comes from, its licence, size in bytes, path and state."""
    entry, path = entry_of(name), locate(name)
    row: dict[str, object] = {
        "name": name,
        "state": ABSENT if path is None else _agreement(name, file_digest(path)),
        "used by": ", ".join(entry.used_by),
        "bytes": "-" if path is None else path.stat().st_size,
        "licence": entry.licence,
        "source": entry.source,
        "path": "-" if path is None else str(path),
    }
    return row


def fetch(name: str, *, progress: Progress) -> Path:
    """Download a file to where its ecosystem keeps it and compare its digest; one that is there is left.

    Raises MissingError where it cannot be fetched, InputError for bytes that are not the published ones.
    """
    entry = entry_of(name)
    if (local := locate(name)) is not None:
        return local
    if entry.hub:
        return _from_hub(entry)
    if not entry.source.endswith(entry.file):
        raise MissingError(f"{entry.file} has no address of its own; {remedy(name)}")
    path = checkpoints() / entry.file
    download(entry.source, path, progress=progress, sha256=known_digest(name))
    return path


def _from_hub(entry: WeightFile) -> Path:
    from huggingface_hub import get_token, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(entry.hub, entry.file))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        message = Redaction(get_token() or "", proxies=True)(addresses_shown(str(error)))
        problem = (message.strip().splitlines() or [type(error).__name__])[0]
        raise MissingError(f"{entry.source}: cannot be fetched ({problem})") from None


def _agreement(name: str, sha256: str) -> str:
    known = known_digest(name)
    if not known:
        return "there, never used"
    return "verified" if sha256.startswith(known) else DIFFERS


def _lock(name: str, sha256: str) -> None:
    import json

    entries = locked() | {entry_of(name).file: sha256}
    write_text(lock_file(), json.dumps(entries, indent=1, sort_keys=True) + "\n")
