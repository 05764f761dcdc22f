"""What every generator has: a folder (or hub id) that is read part by part or whole, perhaps an IP-Adapter's file, and
an autoencoder, which takes images of any size to latents."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from eegbench.arrays import Images
from eegbench.backbones import blank, published, telling, weights
from eegbench.backbones.resize import chunks, resize, to_float
from eegbench.errors import InputError, MissingError

KEYS = ("image_proj", "ip_adapter")  # how the keys of an IP-Adapter's file begin
AT_ONCE = 16  # images that are encoded in one batch


def read_part(kind: Any, part: str, *, folder: str, device: str, **options: Any) -> Any:
    """One part of a generator's folder, of the class `kind` of diffusers or transformers.

    Raises MissingError naming it where it is not there or cannot be read.
    """
    if blank.is_blank(folder):
        return blank.part(kind, folder, part, device)
    with _readable(folder, part):
        return kind.from_pretrained(folder, subfolder=part, **options)


def read_pipeline(name: str, device: str, dtype: torch.dtype) -> Any:
    """The whole pipeline of a generator, of the class that its model_index.json names; MissingError as `read_part`."""
    import diffusers

    if blank.is_blank(name):
        return blank.pipeline(name, device, dtype)
    with _readable(name, "pipeline"), telling.loading("generator", name):
        folder = weights.locate(name)
        replaced = {"text_encoder": pack_text_encoder(folder).to(dtype)} if name.startswith("pack:") else {}
        return diffusers.AutoPipelineForText2Image.from_pretrained(folder, torch_dtype=dtype, **replaced)


def pack_text_encoder(folder: str) -> Any:
    """The text encoder of the pack's generator.

    Its file's keys are those of transformers 5, which has no `text_model.` before them: 4 would find none of its own
    and, with a warning alone, draw them at random.
    """
    import transformers

    config = transformers.CLIPTextConfig.from_pretrained(folder, subfolder="text_encoder")
    with torch.random.fork_rng(devices=[]):  # its first weights are drawn, and a fit draws from the same state
        encoder = transformers.CLIPTextModel(config)
    weights.fill(getattr(encoder, "text_model", encoder), Path(folder, "text_encoder", "model.safetensors"))
    return encoder.eval()


@contextmanager
def _readable(name: str, part: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        problem = str(error).strip().splitlines()[0]
        raise MissingError(f"generator {name!r} has no {part} that can be read ({problem})") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Inside it, while a pipeline is put together, there are no bars, which would drown the run's own, and no notices
    of schedulers and image encoders that are not used here."""
    import diffusers
    import transformers

    level = diffusers.utils.logging.get_verbosity()
    barred = [says for says in (diffusers.utils.logging, transformers.utils.logging) if says.is_progress_bar_enabled()]
    diffusers.utils.logging.set_verbosity_error()
    for says in barred:
        says.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        diffusers.utils.logging.set_verbosity(level)
        for says in barred:
            says.enable_progress_bar()


def adapter_file(name: str) -> str:
    """Where an IP-Adapter lies: a published file by its name, a part of the pack, or a path."""
    return str(published.require(name).path) if name in published.PUBLISHED else weights.locate(name)


def digest_of_adapter(name: str) -> str:
    """sha256 of an IP-Adapter's file; "" for a path, for which no digest is known."""
    return published.require(name).sha256 if name in published.PUBLISHED else weights.combined(name)


def adapter_state(file: str) -> dict[str, dict[str, torch.Tensor]]:
    """An IP-Adapter file as diffusers takes it; InputError where its keys are others."""
    state: dict[str, dict[str, torch.Tensor]] = {part: {} for part in KEYS}
    for key, value in weights.read_tensors(Path(file)).items():
        part, _, rest = key.partition(".")
        if part not in state:
            raise InputError(f"{file}: key {key!r} is not an IP-Adapter's; wanted {' or '.join(KEYS)} before a dot")
        state[part][rest] = value
    return state


def enlargement(vae: Any) -> int:
    """How many px of an image's side are one value of its latent's side."""
    return int(2 ** (len(vae.config.block_out_channels) - 1))


def latent_means(vae: Any, images: Images, size: int) -> Iterator[torch.Tensor]:
    """Unscaled latent means (n, c, h, w) of images of any size, brought to `size` px, a batch at a time."""
    for batch in telling.followed("latents of images", chunks(images, AT_ONCE), len(images)):
        yield latent_mean(vae, resize(to_float(batch).to(vae.device), size))


def latent_mean(vae: Any, pictures: torch.Tensor) -> torch.Tensor:
    """Unscaled latent means (n, c, h, w) of pictures (n, 3, size, size) in [0, 1]."""
    with torch.no_grad():
        mean: torch.Tensor = vae.encode(pictures * 2 - 1).latent_dist.mean
    return mean
