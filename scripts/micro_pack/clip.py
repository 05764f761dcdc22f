"""Two CLIPs by open_clip: the target of the methods and the judge, of other widths, trained apart on other scenes."""

from pathlib import Path

import numpy as np
import open_clip
import torch
from torch.nn import functional as F
from transformers import CLIPTokenizer

from micro_pack.loop import train
from micro_pack.pool import Pool, to_tensor
from micro_pack.text import CONTEXT

EMBEDDING = 128
VISION = {
    "target": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 24},
    "judge": {"image_size": 64, "layers": [1, 2, 1, 1], "width": 20},
}
STEPS = {"target": 1000, "judge": 800}
TEXT = {"target": {"width": EMBEDDING, "heads": 4, "layers": 3}, "judge": {"width": 96, "heads": 4, "layers": 2}}


def configuration(kind: str, tokenizer: CLIPTokenizer) -> dict[str, object]:
    text = TEXT[kind] | {"context_length": CONTEXT, "vocab_size": len(tokenizer)}
    return {"embed_dim": EMBEDDING, "vision_cfg": VISION[kind], "text_cfg": text}


def fit(kind: str, pool: Pool, tokenizer: CLIPTokenizer, folder: Path, batch: int = 128) -> open_clip.CLIP:
    torch.manual_seed({"target": 2, "judge": 3}[kind])
    model = open_clip.CLIP(**configuration(kind, tokenizer))

    def loss(rng: np.random.Generator) -> torch.Tensor:
        chosen, images = pool.batch(rng, batch)
        tokens = tokenise(tokenizer, [describe(pool.captions[i], rng) for i in chosen])
        image = F.normalize(model.encode_image(disturb(images)), dim=-1)
        text = F.normalize(model.encode_text(tokens), dim=-1)
        logits = model.logit_scale.exp().clamp(max=100) * image @ text.T
        labels = torch.arange(batch)
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2

    train(f"clip_{kind}", model, loss, steps=STEPS[kind], peak_rate=1.5e-3, folder=folder, weight_decay=0.05)
    return model


def describe(captions: tuple[str, ...], rng: np.random.Generator) -> str:
    """One caption, or one of each level joined."""
    if rng.random() < 0.4:
        return captions[rng.integers(10)]
    parts = [captions[rng.integers(1, 4)], captions[rng.integers(4, 7)]]
    return ", ".join(parts)


def tokenise(tokenizer: CLIPTokenizer, texts: list[str]) -> torch.Tensor:
    out = tokenizer(texts, padding="max_length", truncation=True, max_length=CONTEXT, return_tensors="pt")
    ids: torch.Tensor = out["input_ids"]
    return ids


def disturb(images: torch.Tensor) -> torch.Tensor:
    """Blur and noise of random strength: what a decoder and a resize do to a picture."""
    kernel = torch.tensor([1.0, 2, 1]) / 4
    blurred = F.conv2d(
        F.pad(images, (1, 1, 1, 1), mode="replicate"), torch.outer(kernel, kernel).repeat(3, 1, 1, 1), groups=3
    )
    share = torch.rand(len(images), 1, 1, 1) * (torch.rand(len(images), 1, 1, 1) < 0.6)
    return images + share * (blurred - images) + 0.03 * torch.rand(len(images), 1, 1, 1) * torch.randn_like(images)


@torch.no_grad()
def retrieval(model: open_clip.CLIP, tokenizer: CLIPTokenizer, pool: Pool, among: int = 100) -> float:
    """Image-to-caption top-1 among `among` scenes of different concepts, by the caption of colour, thing and place."""
    hits = []
    order = np.random.default_rng(0).permutation(len(pool.images))
    for start in range(0, len(order) - among + 1, among):
        chosen = order[start : start + among]
        image = F.normalize(model.encode_image(to_tensor(pool.images[chosen])), dim=-1)
        text = F.normalize(model.encode_text(tokenise(tokenizer, [pool.captions[i][6] for i in chosen])), dim=-1)
        hits.append((image @ text.T).argmax(1) == torch.arange(among))
    return float(torch.cat(hits).float().mean())
