"""Measure what was packed, and write the model card."""

import json
from typing import Any

import torch
from torch import nn
from transformers import CLIPTokenizer

from eegbench.arrays import Images
from eegbench.backbones import weights
from eegbench.backbones.clip import Clip
from eegbench.backbones.diffusion import Generator, Sampling
from eegbench.backbones.weights import PACK
from eegbench.datasets.sim_things.concepts import CONCEPTS, TEST_CONCEPTS, TRAIN_CONCEPTS
from micro_pack import autoencoder, clip, diffusion, ip_adapter, judges
from micro_pack.packing import packed_judge, rounds
from micro_pack.pool import draw_pool, to_tensor

SAMPLING = Sampling("dpm", 20, 3.0)


def write(tokenizer: CLIPTokenizer) -> None:
    """The card, from the packed weights alone."""
    measured = measure(tokenizer)
    print(json.dumps(measured, indent=1))
    (PACK / "MODEL_CARD.md").write_text(
        CARD.format(size=size() / 2**20, rounds=len(rounds()), more=sum(r["steps"] for r in rounds()), **measured)
    )
    weights.write_digests()


def size() -> int:
    return sum(p.stat().st_size for p in PACK.rglob("*") if p.is_file())


def measure(tokenizer: CLIPTokenizer) -> dict[str, float]:
    """Quality of each packed part on scenes never trained on."""
    seen, new = draw_pool(TRAIN_CONCEPTS, 2, 1), draw_pool(TEST_CONCEPTS, 4, 1)
    every = draw_pool(CONCEPTS, 4, 1)
    generator = Generator("pack:generator")
    out = {"psnr_train": autoencoder.psnr(generator.vae, seen), "psnr_test": autoencoder.psnr(generator.vae, new)}
    for kind in ("target", "judge"):
        model = Clip(f"pack:clip_{kind}").model
        out[f"clip_{kind}_train"] = clip.retrieval(model, tokenizer, draw_pool(TRAIN_CONCEPTS, 1, 1))
        out[f"clip_{kind}_test"] = clip.retrieval(model, tokenizer, draw_pool(TEST_CONCEPTS, 1, 1))
    packed = {name: packed_judge(name) for name in (*judges.CLASSIFIERS, "saliency")}
    for name in judges.CLASSIFIERS:
        out[name] = judges.accuracy(packed[name], every)
    out["saliency"] = judges.mask_correlation(packed["saliency"], new)
    for label, pool in (("train", draw_pool(TRAIN_CONCEPTS, 1, 1)), ("test", draw_pool(TEST_CONCEPTS, 2, 1))):
        prompts = [captions[6] for captions in pool.captions]
        out[f"text_to_image_{label}"] = named_right(packed["nway"], draw(generator, prompts), pool.concepts)
        told = diffusion.image_tokens(Clip("pack:clip_target").model, to_tensor(pool.images))
        null = torch.zeros_like(told[:1])
        samples = generator.sample(told, null=null, seeds=range(len(told)), sampling=SAMPLING)
        out[f"embedding_{label}"] = named_right(packed["nway"], samples, pool.concepts)
        worn = ip_adapter.draw(told, SAMPLING)
        out[f"ip_adapter_{label}"] = named_right(packed["nway"], worn, pool.concepts)
    return out


def draw(generator: Generator, prompts: list[str]) -> Images:
    """One sample per prompt, seeds 0, 1, 2, ..."""
    tokens, null = generator.text_tokens(prompts), generator.text_tokens([""])
    return generator.sample(tokens, null=null, seeds=range(len(prompts)), sampling=SAMPLING)


def named_right(classifier: nn.Module, images: Any, concepts: Any) -> float:
    with torch.no_grad():
        return float((classifier(to_tensor(images)).argmax(1).numpy() == concepts).mean())


# ruff: noqa: E501 -- the rows of a table do not break
CARD = """# The micro pack

Small networks for 64-pixel scenes, in the file formats of the large ones, so that the whole benchmark runs on a
laptop. Nothing scored with them is comparable with a paper.

Data: scenes drawn by `eegbench.datasets.sim_things.scenes`, from seeds that sim-things itself never uses. The
autoencoder, the target CLIP and the UNet saw the 200 training concepts alone; the judges saw all 300 concepts,
never a test image. Trained by `scripts/train_micro_pack.py`, seed 0, AdamW, one-cycle rates, on two CPU cores;
steps and batch sizes are the defaults of the modules in `scripts/micro_pack`. Stored in half precision, {size:.1f} MiB.

The UNet was trained on two kinds of condition: hidden states of captions, and the CLIP image embedding as one
token. Stable Diffusion knows the first alone. After its two stages it went through {rounds} further rounds of
training, {more} steps in all, which `generator/unet/rounds.json` lists. The IP-Adapter was trained on the frozen UNet. Samples below: 20 steps
of DPM-Solver++, guidance 3.

Measured on scenes never trained on, with the packed weights:

| part | measure | training concepts | held-out concepts |
|---|---|---|---|
| autoencoder | PSNR, dB | {psnr_train:.2f} | {psnr_test:.2f} |
| target CLIP (ResNet) | image-to-caption top-1 among 100 | {clip_target_train:.3f} | {clip_target_test:.3f} |
| judge CLIP (another ResNet) | image-to-caption top-1 among 100 | {clip_judge_train:.3f} | {clip_judge_test:.3f} |
| UNet | text-to-image concept named right by the n-way classifier (chance .003) | {text_to_image_train:.3f} | {text_to_image_test:.3f} |
| UNet | the same, told a true scene's CLIP embedding as one token | {embedding_train:.3f} | {embedding_test:.3f} |
| IP-Adapter | the same, with an empty prompt | {ip_adapter_train:.3f} | {ip_adapter_test:.3f} |

| judge | measure, all 300 concepts | value |
|---|---|---|
| n-way classifier (ResNet) | top-1 | {nway:.3f} |
| AlexNet-shaped | top-1 | {alexnet:.3f} |
| Inception-shaped | top-1 | {inception:.3f} |
| EfficientNet-shaped | top-1 | {effnet:.3f} |
| saliency | Pearson r with the object's mask, held-out concepts | {saliency:.3f} |

The network in SwAV's place is self-supervised (VICReg on two views): it knows no labels, so no accuracy is given.
"""
