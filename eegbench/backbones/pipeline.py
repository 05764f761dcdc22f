"""The door to diffusers' own pipelines: Stable Diffusion or SDXL, told tokens or an image, started anywhere."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eegbench.arrays import Images
from eegbench.backbones import blank, published, telling, weights
from eegbench.backbones.diffusion import AT_ONCE, Sampling, pack_text_encoder, sampler
from eegbench.backbones.resize import chunks, resize, to_float, to_uint8
from eegbench.errors import InputError, MissingError, UsageError

PARTS = ("image_proj", "ip_adapter")  # of an IP-Adapter file's keys


class Painter:
    """A pipeline folder (or hub id); with `adapter`, it wears an IP-Adapter of the published keys (Ye et al. 2023).

    The class of the pipeline is the one its `model_index.json` names, so that the small generator and SDXL-Turbo go
    the same way. `half` runs it in float16, on a CPU, which hardly computes that, in bfloat16. `size` in px, a multiple
    of the autoencoder's factor; 0: the UNet's own.
    """

    def __init__(
        self,
        name: str,
        adapter: str = "",
        device: str = "cpu",
        *,
        scale: float = 1.0,
        half: bool = False,
        size: int = 0,
    ) -> None:
        import diffusers

        with _quiet():
            self.drawing: Any = _pipeline(name, device, half_of(device) if half else torch.float32)
            if adapter:
                self._wear(adapter, scale)
            self.drawing.to(device)
            self.changing: Any = diffusers.AutoPipelineForImage2Image.from_pipe(self.drawing)
        for pipeline in (self.drawing, self.changing):
            pipeline.set_progress_bar_config(disable=True)
            pipeline.prepare_ip_adapter_image_embeds = _one_each
        self.noise_schedule = self.drawing.scheduler
        self.scaling_factor = float(self.drawing.vae.config.scaling_factor)
        factor = 2 ** (len(self.drawing.vae.config.block_out_channels) - 1)
        if size % factor:
            raise UsageError(f"size is {size} px; wanted a multiple of {factor}, or 0 for the generator's own")
        self.size = size or int(self.drawing.unet.config.sample_size) * factor  # of an image, in pixels

    def _wear(self, adapter: str, scale: float) -> None:
        """Put an IP-Adapter on the UNet."""
        if blank.is_blank(adapter):
            state = blank.adapter(adapter, self.drawing.unet)
        else:
            with telling.loading("IP-Adapter", adapter):
                state = adapter_state(adapter_file(adapter))
        self.drawing.load_ip_adapter(state, subfolder="", weight_name="", image_encoder_folder=None)
        self.drawing.set_ip_adapter_scale(scale)

    def paint(
        self,
        *,
        seeds: Sequence[int],
        sampling: Sampling,
        told: torch.Tensor | None = None,
        prompts: Sequence[str] | None = None,
        tokens: torch.Tensor | None = None,
        null: torch.Tensor | None = None,
        start: torch.Tensor | None = None,
        strength: float = 1.0,
    ) -> Images:
        """One image for each seed.

        It is told a CLIP image embedding, `told` (n, d), with a prompt of `prompts` or an empty one; or `tokens`
        (n, k, width) in the prompt's place, with `null` (1, k, width) in the empty prompt's. With `start`, scaled
        latents (n, c, h, w), it is drawn over them (img2img): `strength` 1 leaves nothing of them, and the
        lower it is, the more of them stays; `check_strength` has its bounds. The null of an embedding is zeros, as in
        training.
        """
        parts = []
        for first in range(0, len(seeds), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            now = {
                name: value[some]
                for name, value in (("told", told), ("tokens", tokens), ("start", start))
                if value is not None
            }
            words = None if prompts is None else prompts[some]
            parts.append(self._paint(seeds[some], sampling, words, null, strength, **now))
        return np.concatenate(parts)

    def _paint(
        self,
        seeds: Sequence[int],
        sampling: Sampling,
        prompts: Sequence[str] | None,
        null: torch.Tensor | None,
        strength: float,
        *,
        told: torch.Tensor | None = None,
        tokens: torch.Tensor | None = None,
        start: torch.Tensor | None = None,
    ) -> Images:
        pipeline = self.drawing if start is None else self.changing
        pipeline.scheduler = sampler(self.noise_schedule, sampling.sampler)
        place: dict[str, Any] = {"device": pipeline.device, "dtype": pipeline.dtype}
        two_branches = sampling.guidance > 1  # diffusers' own rule
        options: dict[str, Any] = {}
        if tokens is None:
            options["prompt"] = [""] * len(seeds) if prompts is None else list(prompts)
        else:
            options["prompt_embeds"] = tokens.to(**place)
            if two_branches and null is not None:
                options["negative_prompt_embeds"] = null.expand_as(tokens).to(**place)
        if told is not None:
            one = told[:, None].to(**place)
            options["ip_adapter_image_embeds"] = [torch.cat([torch.zeros_like(one), one]) if two_branches else one]
        if start is not None:
            options |= {"image": start.to(**place), "strength": strength}
        else:
            options |= {"height": self.size, "width": self.size}
        made = self._made(sampling, 1.0 if start is None else strength)
        with telling.bar("steps of the sampler", made) as advance:

            def step_made(*_: Any) -> dict[str, Any]:
                advance(1)
                return {}

            drawn = pipeline(
                num_inference_steps=sampling.steps,
                guidance_scale=sampling.guidance,
                generator=[torch.Generator().manual_seed(int(seed)) for seed in seeds],
                output_type="pt",
                callback_on_step_end=step_made,
                **options,
            )
        return to_uint8(drawn.images.float().cpu())

    def _made(self, sampling: Sampling, strength: float) -> int:
        """How many times the UNet is asked: some samplers ask it more often than they have steps."""
        schedule = sampler(self.noise_schedule, sampling.sampler)
        schedule.set_timesteps(sampling.steps)
        return len(schedule.timesteps) - (sampling.steps - int(sampling.steps * strength)) * int(schedule.order)

    def text_tokens(self, prompts: Sequence[str]) -> torch.Tensor:
        """Hidden states (n, tokens, width) of the text encoder."""
        with torch.no_grad():
            tokens: torch.Tensor = self.drawing.encode_prompt(list(prompts), self.drawing.device, 1, False)[0]
        return tokens.float().cpu()

    def latents(self, images: Images) -> torch.Tensor:
        """Unscaled latent means (n, c, h, w) of images of any size."""
        vae = self.drawing.vae
        kept = vae.dtype
        torch.nn.Module.to(vae, torch.float32)  # SDXL's overflows in half precision
        parts = []
        with torch.no_grad():
            for some in telling.followed("latents of images", chunks(images, 16), len(images)):
                pictures = resize(to_float(some).to(vae.device), self.size) * 2 - 1
                parts.append(vae.encode(pictures).latent_dist.mean.cpu())
        torch.nn.Module.to(vae, kept)
        return torch.cat(parts)


def check_strength(strength: float, sampling: Sampling) -> None:
    """UsageError unless `strength` of the steps is one or more, and not more than all."""
    if not (strength <= 1 and int(sampling.steps * strength) >= 1):
        wanted = f"{1 / sampling.steps:.3g} to 1, so that one of {sampling.steps} steps is made"
        raise UsageError(f"strength is {strength}; wanted {wanted}")


def half_of(device: str) -> torch.dtype:
    return torch.bfloat16 if torch.device(device).type == "cpu" else torch.float16


@contextmanager
def _quiet() -> Iterator[None]:
    """While a pipeline is put together: no bars, which would drown the run's own, and no notices of schedulers and
    image encoders that are not used here."""
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


def _pipeline(name: str, device: str, dtype: torch.dtype) -> Any:
    import diffusers

    if blank.is_blank(name):
        return blank.pipeline(name, device, dtype)
    try:
        with telling.loading("generator", name):
            folder = weights.locate(name)
            own = {"text_encoder": pack_text_encoder(folder).to(dtype)} if name.startswith("pack:") else {}
            return diffusers.AutoPipelineForText2Image.from_pretrained(folder, torch_dtype=dtype, **own)
    except (OSError, ValueError) as error:
        problem = str(error).strip().splitlines()[0]
        raise MissingError(f"generator {name!r} has no pipeline that can be read ({problem})") from error


def _one_each(image: None, embeddings: list[torch.Tensor], device: Any, count: int, guided: bool) -> list[torch.Tensor]:
    """In the place of diffusers' own, which repeats one embedding for all prompts: ours come one for each."""
    return [one.to(device) for one in embeddings]


def adapter_file(name: str) -> str:
    """Where an IP-Adapter lies: a published file by its name, a part of the pack, or a path."""
    return str(published.require(name).path) if name in published.PUBLISHED else weights.locate(name)


def digest_of_adapter(name: str) -> str:
    """sha256 of an IP-Adapter's file; "" for a path, whose bytes nobody has vouched for."""
    return published.require(name).sha256 if name in published.PUBLISHED else weights.combined(name)


def adapter_state(file: str) -> dict[str, dict[str, torch.Tensor]]:
    """An IP-Adapter file as diffusers takes it; InputError where its keys are others."""
    state: dict[str, dict[str, torch.Tensor]] = {part: {} for part in PARTS}
    for key, value in weights.read_tensors(Path(file)).items():
        part, _, rest = key.partition(".")
        if part not in state:
            raise InputError(f"{file}: key {key!r} is not an IP-Adapter's; wanted {' or '.join(PARTS)} before a dot")
        state[part][rest] = value
    return state
