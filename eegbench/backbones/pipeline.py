"""The door to diffusers' own pipelines, Stable Diffusion or SDXL: under tokens or an image embedding, from noise or
from an image."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from eegbench.arrays import Images
from eegbench.backbones import blank, telling
from eegbench.backbones.diffusion import AT_ONCE, Sampling, sampler
from eegbench.backbones.generator_parts import (
    adapter_file,
    adapter_state,
    enlargement,
    latent_means,
    quiet,
    read_pipeline,
)
from eegbench.backbones.resize import to_uint8
from eegbench.backbones.shared import shared
from eegbench.errors import UsageError


class Painter:
    """A pipeline folder (or hub id); with `adapter`, its UNet has an IP-Adapter of the published keys (Ye et al. 2023).

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

        with quiet():
            self.drawing: Any = read_pipeline(name, device, half_of(device) if half else torch.float32)
            if adapter:
                self._add_adapter(adapter, scale)
            self.drawing.to(device)
            self.changing: Any = diffusers.AutoPipelineForImage2Image.from_pipe(self.drawing)
        for pipeline in (self.drawing, self.changing):
            pipeline.set_progress_bar_config(disable=True)
            pipeline.prepare_ip_adapter_image_embeds = _one_each
        self.noise_schedule = self.drawing.scheduler
        self.scaling_factor = float(self.drawing.vae.config.scaling_factor)
        factor = enlargement(self.drawing.vae)
        if size % factor:
            raise UsageError(f"size is {size} px; wanted a multiple of {factor}, or 0 for the generator's own")
        self.size = size or int(self.drawing.unet.config.sample_size) * factor  # of an image, in pixels

    def _add_adapter(self, adapter: str, scale: float) -> None:
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
        embeddings: torch.Tensor | None = None,
        prompts: Sequence[str] | None = None,
        tokens: torch.Tensor | None = None,
        null: torch.Tensor | None = None,
        start: torch.Tensor | None = None,
        strength: float = 1.0,
    ) -> Images:
        """One image for each seed.

        It is drawn under a CLIP image embedding, of `embeddings` (n, d), with a prompt of `prompts` or an empty one; or
        under `tokens` (n, k, width) in the prompt's place, with `null` (1, k, width) in the empty prompt's. With
        `start`, scaled latents (n, c, h, w), it is drawn over them (img2img): `strength` 1 leaves nothing of them, and
        the lower it is, the more of them stays; `check_strength` has its bounds. The null of an embedding is zeros, as
        in training.
        """
        parts = []
        for first in range(0, len(seeds), AT_ONCE):
            batch = slice(first, first + AT_ONCE)
            conditions = {
                name: value[batch]
                for name, value in (("embeddings", embeddings), ("tokens", tokens), ("start", start))
                if value is not None
            }
            words = None if prompts is None else prompts[batch]
            parts.append(self._paint(seeds[batch], sampling, words, null, strength, **conditions))
        return np.concatenate(parts)

    def _paint(
        self,
        seeds: Sequence[int],
        sampling: Sampling,
        prompts: Sequence[str] | None,
        null: torch.Tensor | None,
        strength: float,
        *,
        embeddings: torch.Tensor | None = None,
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
        if embeddings is not None:
            condition = embeddings[:, None].to(**place)
            options["ip_adapter_image_embeds"] = [
                torch.cat([torch.zeros_like(condition), condition]) if two_branches else condition
            ]
        if start is not None:
            options |= {"image": start.to(**place), "strength": strength}
        else:
            options |= {"height": self.size, "width": self.size}
        steps = self._unet_calls(sampling, 1.0 if start is None else strength)
        with telling.bar("steps of the sampler", steps) as advance:

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

    def _unet_calls(self, sampling: Sampling, strength: float) -> int:
        """How many times the UNet runs: some samplers run it more often than they have steps."""
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
        latents = torch.cat([means.cpu() for means in latent_means(vae, images, self.size)])
        torch.nn.Module.to(vae, kept)
        return latents


@shared(1)
def painter(name: str, adapter: str = "", device: str = "cpu", *, half: bool = False, size: int = 0) -> Painter:
    """The pipeline of a name with its adapter, loaded once and shared: its networks stay as they are."""
    return Painter(name, adapter, device, half=half, size=size)


def check_strength(strength: float, sampling: Sampling) -> None:
    """UsageError unless `strength` of the steps is one or more, and not more than all."""
    if not (strength <= 1 and int(sampling.steps * strength) >= 1):
        wanted = f"{1 / sampling.steps:.3g} to 1, so that one of {sampling.steps} steps is made"
        raise UsageError(f"strength is {strength}; wanted {wanted}")


def half_of(device: str) -> torch.dtype:
    return torch.bfloat16 if torch.device(device).type == "cpu" else torch.float16


def _one_each(image: None, embeddings: list[torch.Tensor], device: Any, count: int, guided: bool) -> list[torch.Tensor]:
    """A stand-in for diffusers' own, which repeats one embedding for all prompts: here each prompt has its own."""
    return [embedding.to(device) for embedding in embeddings]
