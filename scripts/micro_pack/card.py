"""Put the trained parts into the pack in half precision, measure what was packed, and write the model card."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler, PNDMScheduler, StableDiffusionPipeline
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTokenizer

from eegbench.backbones import weights
from eegbench.backbones.diffusion import Generator
from eegbench.backbones.micro import networks
from eegbench.backbones.weights import PACK
from eegbench.datasets.sim_things.concepts import CONCEPTS, TEST_CONCEPTS, TRAIN_CONCEPTS
from micro_pack import autoencoder, clip, diffusion, judges, text
from micro_pack.loop import restored
from micro_pack.pool import draw_pool, to_tensor

JUDGES = {
    "alexnet": lambda: networks.AlexNet(300),
    "inception": lambda: networks.Inception(300),
    "effnet": lambda: networks.EfficientNet(300),
    "nway": lambda: networks.ResNet(300),
    "swav": lambda: networks.ResNet(128),
    "saliency": networks.Saliency,
}


def assemble(folder: Path, tokenizer: CLIPTokenizer) -> None:
    """Write the pack, its digests and its card; what is measured is what was written."""
    target = clip.finished("target", tokenizer, folder)
    vae, unet = autoencoder.finished(folder), restored(diffusion.build(), "unet", folder)
    pipeline = StableDiffusionPipeline(
        vae=vae,
        unet=unet,
        text_encoder=diffusion.text_encoder(target, tokenizer),
        tokenizer=tokenizer,
        scheduler=PNDMScheduler.from_config(DDPMScheduler(**diffusion.SCHEDULE).config, skip_prk_steps=True),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(torch.float16).save_pretrained(PACK / "generator")
    text.save(tokenizer, PACK / "generator" / "tokenizer")
    for kind in ("target", "judge"):
        save_clip(
            clip.finished(kind, tokenizer, folder),
            clip.configuration(kind, tokenizer),
            tokenizer,
            PACK / f"clip_{kind}",
        )
    for name, build in JUDGES.items():
        save_half(restored(build(), name, folder), PACK / "judges" / f"{name}.safetensors")
    weights.write_digests()
    weights.digests.cache_clear()
    weights._listed.cache_clear()
    measured = measure(tokenizer)
    (PACK / "MODEL_CARD.md").write_text(CARD.format(size=size() / 2**20, **measured))
    weights.write_digests()
    print(json.dumps(measured, indent=1))


def save_clip(model: nn.Module, configuration: dict[str, Any], tokenizer: CLIPTokenizer, folder: Path) -> None:
    text.save(tokenizer, folder)
    settings = configuration["text_cfg"] | {
        "hf_tokenizer_name": "tokenizer.json",
        "tokenizer_kwargs": {"clean": "lower"},
    }
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear", "resize_mode": "squash"}
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": configuration | {"text_cfg": settings}, "preprocess_cfg": preprocess}, indent=1) + "\n"
    )
    save_half(model, folder / "open_clip_model.safetensors")


def save_half(module: nn.Module, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {k: v.half() if v.is_floating_point() else v for k, v in module.state_dict().items()}
    save_file({k: v.contiguous() for k, v in state.items()}, path)


def size() -> int:
    return sum(p.stat().st_size for p in PACK.rglob("*") if p.is_file())


def measure(tokenizer: CLIPTokenizer) -> dict[str, float]:
    """Quality of each packed part on scenes never trained on."""
    seen, new = draw_pool(TRAIN_CONCEPTS, 2, 1), draw_pool(TEST_CONCEPTS, 4, 1)
    every = draw_pool(CONCEPTS, 4, 1)
    generator = Generator("pack:generator")
    out = {"psnr_train": autoencoder.psnr(generator.vae, seen), "psnr_test": autoencoder.psnr(generator.vae, new)}
    for kind in ("target", "judge"):
        model = weights.fill(_clip(kind, tokenizer), PACK / f"clip_{kind}" / "open_clip_model.safetensors")
        out[f"clip_{kind}_train"] = clip.retrieval(model, tokenizer, draw_pool(TRAIN_CONCEPTS, 1, 1))  # type: ignore[arg-type]
        out[f"clip_{kind}_test"] = clip.retrieval(model, tokenizer, draw_pool(TEST_CONCEPTS, 1, 1))  # type: ignore[arg-type]
    packed = {n: weights.fill(b(), PACK / "judges" / f"{n}.safetensors") for n, b in JUDGES.items()}
    for name in judges.CLASSIFIERS:
        out[name] = judges.accuracy(packed[name], every)
    out["saliency"] = judges.mask_correlation(packed["saliency"], new)
    for label, pool in (("train", draw_pool(TRAIN_CONCEPTS, 1, 1)), ("test", draw_pool(TEST_CONCEPTS, 2, 1))):
        prompts = [captions[6] for captions in pool.captions]
        out[f"text_to_image_{label}"] = named_right(packed["nway"], draw(generator, prompts), pool.concepts)
    return out


def draw(generator: Generator, prompts: list[str], guidance: float = 3.0, steps: int = 20) -> np.ndarray:  # type: ignore[type-arg]
    """One sample per prompt, seeds 0, 1, 2, ..."""
    parts = [
        generator.sample(
            generator.text_tokens(prompts[i : i + 32]),
            null=generator.text_tokens([""]),
            seeds=range(i, min(i + 32, len(prompts))),
            steps=steps,
            guidance=guidance,
            sampler="dpm",
        )
        for i in range(0, len(prompts), 32)
    ]
    return np.concatenate(parts)


def named_right(classifier: nn.Module, images: Any, concepts: Any) -> float:
    with torch.no_grad():
        return float((classifier(to_tensor(images)).argmax(1).numpy() == concepts).mean())


def _clip(kind: str, tokenizer: CLIPTokenizer) -> nn.Module:
    import open_clip

    return open_clip.CLIP(**clip.configuration(kind, tokenizer))


# ruff: noqa: E501 -- the rows of a table do not break
CARD = """# The micro pack

Small networks for 64-pixel scenes, in the file formats of the large ones, so that the whole benchmark runs on a
laptop. Nothing scored with them is comparable with a paper.

Data: scenes drawn by `eegbench.datasets.sim_things.scenes`, from seeds that sim-things itself never uses. The
autoencoder, the target CLIP and the UNet saw the 200 training concepts alone; the judges saw all 300 concepts,
never a test image. Trained by `scripts/train_micro_pack.py`, seed 0, AdamW, one-cycle rates, on two CPU cores;
steps and batch sizes are the defaults of the modules in `scripts/micro_pack`. Stored in half precision, {size:.1f} MiB.

The UNet was trained on two kinds of condition: hidden states of captions, and the CLIP image embedding as one
token. Stable Diffusion knows the first alone.

Measured on scenes never trained on, with the packed weights:

| part | measure | training concepts | held-out concepts |
|---|---|---|---|
| autoencoder | PSNR, dB | {psnr_train:.2f} | {psnr_test:.2f} |
| target CLIP (ResNet) | image-to-caption top-1 among 100 | {clip_target_train:.3f} | {clip_target_test:.3f} |
| judge CLIP (ViT) | image-to-caption top-1 among 100 | {clip_judge_train:.3f} | {clip_judge_test:.3f} |
| UNet | text-to-image concept named right by the n-way classifier (chance .003) | {text_to_image_train:.3f} | {text_to_image_test:.3f} |

| judge | measure, all 300 concepts | value |
|---|---|---|
| n-way classifier (ResNet) | top-1 | {nway:.3f} |
| AlexNet-shaped | top-1 | {alexnet:.3f} |
| Inception-shaped | top-1 | {inception:.3f} |
| EfficientNet-shaped | top-1 | {effnet:.3f} |
| saliency | Pearson r with the object's mask, held-out concepts | {saliency:.3f} |

The network in SwAV's place is self-supervised (VICReg on two views): it knows no labels, so no accuracy is given.
"""
