"""The door to diffusers: a latent diffusion generator conditioned on tokens, with or without a ControlNet."""

import copy
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import Images, Maps
from eegbench.backbones import telling, weights
from eegbench.backbones.generator_parts import enlargement, latent_mean, latent_means, pack_text_encoder, read_part
from eegbench.backbones.resize import resize, to_uint8
from eegbench.backbones.shared import shared
from eegbench.errors import ANY, SOME, InputError, check_range, unknown

SAMPLERS = {
    "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
    "ddim": ("DDIMScheduler", {}),
    "dpm": ("DPMSolverMultistepScheduler", {}),
    "euler_ancestral": ("EulerAncestralDiscreteScheduler", {}),
}

AT_ONCE = 32  # images in one batch


@dataclass(frozen=True)
class Sampling:
    """How images are drawn from a generator: sampler, its steps, and the scale of classifier-free guidance."""

    sampler: str = "dpm"
    steps: int = 10
    guidance: float = 2.0

    def __post_init__(self) -> None:
        check_range(self, steps=SOME, guidance=ANY)
        if self.sampler not in SAMPLERS:
            raise unknown("sampler", self.sampler, SAMPLERS)


class Generator:
    """A Stable Diffusion folder (or hub id): autoencoder, UNet, text encoder, tokenizer, noise schedule.

    Images are uint8 at `size` px; latents are scaled as the UNet wants them.
    """

    def __init__(self, name: str, device: str = "cpu") -> None:
        import diffusers
        import transformers

        self.name, self.device = name, device
        folder = weights.locate(name)
        part = functools.partial(read_part, folder=folder, device=device)
        transformers.utils.logging.disable_progress_bar()  # one bar a weight file would drown the run's own
        with telling.loading("generator", name):
            self.vae = part(diffusers.AutoencoderKL, "vae", torch_dtype=torch.float32)
            self.unet = part(diffusers.UNet2DConditionModel, "unet", torch_dtype=torch.float32)
            self.noise_schedule = part(diffusers.DDPMScheduler, "scheduler")
            if name.startswith("pack:"):
                self.text_encoder = pack_text_encoder(folder)
            else:
                self.text_encoder = part(transformers.CLIPTextModel, "text_encoder", torch_dtype=torch.float32)
            self.tokenizer = part(transformers.CLIPTokenizer, "tokenizer")
            for module in (self.vae, self.unet, self.text_encoder):
                module.eval().requires_grad_(False).to(device)
        self.width = int(self.unet.config.cross_attention_dim)
        self.latent_size = int(self.unet.config.sample_size)
        self.size = self.latent_size * enlargement(self.vae)

    def encode(self, images: Images) -> torch.Tensor:
        """Scaled latent means (n, c, h, w) of images of any size."""
        return torch.cat([self._scaled(means) for means in latent_means(self.vae, images, self.size)])

    def encode_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """Scaled latent means of pictures (n, 3, size, size) in [0, 1]."""
        return self._scaled(latent_mean(self.vae, pictures))

    def _scaled(self, means: torch.Tensor) -> torch.Tensor:
        scaled: torch.Tensor = means * self.vae.config.scaling_factor
        return scaled

    def decode(self, latents: torch.Tensor) -> Images:
        """Images (n, size, size, 3) of scaled latents."""
        parts = telling.followed("latents to pictures", latents.split(16), len(latents))
        return np.concatenate([to_uint8(self.decode_pictures(batch)) for batch in parts])

    def decode_pictures(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures (n, 3, size, size), in [0, 1] but for what the autoencoder overshoots."""
        with torch.no_grad():
            pictures: torch.Tensor = (self.vae.decode(latents / self.vae.config.scaling_factor).sample + 1) / 2
        return pictures

    def text_tokens(self, prompts: Sequence[str]) -> torch.Tensor:
        """Hidden states (n, tokens, width) of the text encoder."""
        padded = self.tokenizer(list(prompts), padding="max_length", truncation=True, return_tensors="pt")
        with torch.no_grad():
            states: torch.Tensor = self.text_encoder(padded["input_ids"].to(self.device)).last_hidden_state
        return states

    def training_target(self, latents: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """What the UNet predicts: the noise, or the velocity (Salimans and Ho 2022), as its scheduler says."""
        kind = self.noise_schedule.config.prediction_type
        if kind == "epsilon":
            return noise
        if kind == "v_prediction":
            velocity: torch.Tensor = self.noise_schedule.get_velocity(latents, noise, times)
            return velocity
        raise InputError(f"generator {self.name!r} predicts {kind!r}; wanted epsilon or v_prediction")

    def sample(
        self,
        tokens: torch.Tensor,
        *,
        null: torch.Tensor,
        seeds: Sequence[int],
        sampling: Sampling,
        controlnet: Any = None,
        maps: Maps | None = None,
        unet: Any = None,
    ) -> Images:
        """Generate one image per row of `tokens` (n, k, width), each from its own seed, with `unet` or our own.

        `null` (1, k, width) is the unconditional tokens of classifier-free guidance; `maps` (n, h, w) control a
        `controlnet`, in both branches, as the saliency-guided paper does.
        """
        parts = []
        for start in range(0, len(tokens), AT_ONCE):
            batch = slice(start, start + AT_ONCE)
            control = None if maps is None or controlnet is None else self.control(maps[batch])
            z = self._denoise(tokens[batch], null, seeds[batch], sampling, unet or self.unet, controlnet, control)
            parts.append(self.decode(z))
        return np.concatenate(parts)

    def _denoise(
        self,
        tokens: torch.Tensor,
        null: torch.Tensor,
        seeds: Sequence[int],
        sampling: Sampling,
        unet: Any,
        controlnet: Any,
        control: torch.Tensor | None,
    ) -> torch.Tensor:
        """Scaled latents of a batch."""
        shape = (self.unet.config.in_channels, self.latent_size, self.latent_size)
        noise = [torch.randn(shape, generator=torch.Generator().manual_seed(int(seed))) for seed in seeds]
        scheduler = sampler(self.noise_schedule, sampling.sampler)
        scheduler.set_timesteps(sampling.steps, device=self.device)
        z = torch.stack(noise).to(self.device) * scheduler.init_noise_sigma
        both = torch.cat([null.expand(len(z), -1, -1), tokens]).to(self.device)
        twice = None if control is None else control.repeat(2, 1, 1, 1)
        with (
            torch.no_grad(),
            telling.bar("steps of the sampler", len(scheduler.timesteps)) as advance,
        ):
            for t in scheduler.timesteps:
                model_input = scheduler.scale_model_input(torch.cat([z, z]), t)
                guided = predict_guided(unet, model_input, t, both, sampling.guidance, controlnet, twice)
                z = scheduler.step(guided, t, z).prev_sample
                advance(1)
        return z

    def control(self, maps: Maps) -> torch.Tensor:
        """Saliency maps (n, h, w) as the ControlNet's picture: (n, 3, size, size) in [0, 1], three equal channels."""
        grey = torch.from_numpy(np.ascontiguousarray(maps)).float()[:, None] / 255
        return resize(grey, self.size).repeat(1, 3, 1, 1).to(self.device)


@shared(2)  # a method's, and that of the ceilings beside it
def generator(name: str, device: str = "cpu") -> Generator:
    """The generator of a name, loaded once and shared: its networks stay as they are."""
    return Generator(name, device)


def as_tokens(embeddings: NDArray[np.float32]) -> torch.Tensor:
    """CLIP embeddings (n, d) as `Generator.sample` takes them: a token each, (n, 1, d), unit variance a coordinate."""
    unit = torch.nn.functional.normalize(torch.from_numpy(embeddings), dim=1)
    return unit[:, None] * unit.shape[1] ** 0.5


def sampler(noise_schedule: Any, name: str) -> Any:
    """The scheduler of diffusers that `name` stands for, over the betas and the prediction type of `noise_schedule`."""
    import diffusers

    kind, options = SAMPLERS[name]  # `Sampling` has no other names
    return getattr(diffusers, kind).from_config(copy.deepcopy(dict(noise_schedule.config)), **options)


def predict_guided(
    unet: Any,
    z: torch.Tensor,
    t: Any,
    tokens: torch.Tensor,
    guidance: float,
    controlnet: Any = None,
    control: torch.Tensor | None = None,
) -> torch.Tensor:
    """What the UNet predicts under classifier-free guidance, (n, c, h, w).

    Of z (2n, c, h, w), tokens (2n, k, width) and control the first half is the branch without a condition.
    """
    extra = residuals(controlnet, z, t, tokens, control)
    without, conditioned = unet(z, t, encoder_hidden_states=tokens, **extra).sample.chunk(2)
    guided: torch.Tensor = without + guidance * (conditioned - without)
    return guided


def residuals(
    controlnet: Any, z: torch.Tensor, t: Any, tokens: torch.Tensor, control: torch.Tensor | None
) -> dict[str, Any]:
    """What a ControlNet adds to the UNet, as the UNet's keyword arguments; {} without one."""
    if controlnet is None or control is None:
        return {}
    down, middle = controlnet(z, t, encoder_hidden_states=tokens, controlnet_cond=control, return_dict=False)
    return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
