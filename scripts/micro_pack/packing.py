"""Finished parts go into the pack in half precision, one by one; later parts are trained on what was packed."""

import json
from pathlib import Path
from typing import Any

import open_clip
from diffusers import DDPMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from torch import float16, nn
from transformers import CLIPTokenizer

from eegbench.backbones.weights import PACK, read_tensors, write_digests
from eegbench.files import read_json
from micro_pack import autoencoder, clip, diffusion, ip_adapter, judges, text
from micro_pack.loop import restored

GENERATOR = PACK / "generator"


def pack(part: str, folder: Path, tokenizer: CLIPTokenizer) -> None:
    """Write one trained part into the pack, and the pack's digests anew."""
    if part == "vae":
        autoencoder.finished(folder).to(float16).save_pretrained(GENERATOR / "vae")
    elif part == "unet":
        save_unet(restored(diffusion.build(pooled=True), "unet_pooled", folder), [])
    elif part.startswith("clip_"):
        kind = part.removeprefix("clip_")
        model = restored(open_clip.CLIP(**clip.configuration(kind, tokenizer)), part, folder)
        save_clip(model, clip.configuration(kind, tokenizer), tokenizer, PACK / part)
        if kind == "target":
            diffusion.text_encoder(model, tokenizer).to(float16).save_pretrained(GENERATOR / "text_encoder")
            save_frame(tokenizer)
    elif part == "ip_adapter":
        (PACK / "ip_adapter").mkdir(exist_ok=True)
        save_file(ip_adapter.published(folder), PACK / "ip_adapter" / "ip-adapter.safetensors")
    else:
        save_half(restored(judges.build(part), part, folder), PACK / "judges" / f"{part}.safetensors")
    write_digests()


def save_unet(unet: UNet2DConditionModel, rounds: list[dict[str, Any]]) -> None:
    """The UNet, and beside it what rounds of training followed its two stages."""
    unet.to(float16).save_pretrained(GENERATOR / "unet")
    settings = read_json(GENERATOR / "unet" / "config.json")
    settings.pop("_name_or_path", None)  # where it was read from, on the machine that trained it
    (GENERATOR / "unet" / "config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
    (GENERATOR / "unet" / "rounds.json").write_text(json.dumps({"rounds": rounds}, indent=1) + "\n")
    write_digests()


def rounds() -> list[dict[str, Any]]:
    """The rounds that the packed UNet went through."""
    found: list[dict[str, Any]] = read_json(GENERATOR / "unet" / "rounds.json")["rounds"]
    return found


def save_frame(tokenizer: CLIPTokenizer) -> None:
    """What is not learned in a Stable Diffusion folder: tokenizer, noise schedule, index."""
    text.save(tokenizer, GENERATOR / "tokenizer")
    DDPMScheduler(**diffusion.SCHEDULE).save_pretrained(GENERATOR / "scheduler")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "vae": ["diffusers", "AutoencoderKL"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", "DDPMScheduler"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
        "requires_safety_checker": False,
    }
    (GENERATOR / "model_index.json").write_text(json.dumps(index, indent=1) + "\n")


def save_clip(model: nn.Module, configuration: dict[str, Any], tokenizer: CLIPTokenizer, folder: Path) -> None:
    """A folder that open_clip reads by its `local-dir:` schema."""
    text.save(tokenizer, folder)
    settings = configuration["text_cfg"] | {"hf_tokenizer_name": "clip", "tokenizer_kwargs": {"clean": "lower"}}
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear", "resize_mode": "squash"}
    card = {"model_cfg": configuration | {"text_cfg": settings}, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(card, indent=1) + "\n")
    save_half(model, folder / "open_clip_model.safetensors")


def save_half(module: nn.Module, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {k: v.half() if v.is_floating_point() else v for k, v in module.state_dict().items()}
    save_file({k: v.contiguous() for k, v in state.items()}, path)


def packed_judge(name: str) -> nn.Module:
    network = judges.build(name)
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in _judge(name).items()})
    return network.eval().requires_grad_(False)


def _judge(name: str) -> dict[str, Any]:
    return read_tensors(PACK / "judges" / f"{name}.safetensors")
