"""Train the micro pack, part by part, and write it to eegbench/backbones/micro/pack with its model card.

usage: python scripts/train_micro_pack.py WORK_FOLDER [--parts vae,clip_target,...] [--threads N]

Every part leaves checkpoints in WORK_FOLDER and resumes from them; a finished part is not trained again.
Parts can be trained by several processes at once, `unet` after vae and clip_target, then `ip_adapter`,
and `card` last. The part `unet_more` trains the packed UNet for a further round of --steps steps.
"""

import argparse
from pathlib import Path

import torch

from eegbench.datasets.sim_things.concepts import CONCEPTS, TRAIN_CONCEPTS
from micro_pack import autoencoder, card, clip, diffusion, ip_adapter, judges, packing, text
from micro_pack.pool import draw_pool

PARTS = (
    "vae",
    "clip_target",
    "clip_judge",
    "alexnet",
    "inception",
    "effnet",
    "nway",
    "swav",
    "saliency",
    "unet",
    "ip_adapter",
    "card",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parts", default=",".join(PARTS), help="which parts, in order: %(default)s")
    parser.add_argument("--steps", type=int, default=3000, help="of one round of unet_more: %(default)s")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    for part in options.parts.split(","):
        fit(part, options.folder, options.steps)


def fit(part: str, folder: Path, steps: int) -> None:
    """Train one part to its end and pack it. Generators see training concepts, judges all concepts."""
    tokenizer = text.build(draw_pool(CONCEPTS, 4, 0))
    if part == "card":
        card.write(tokenizer)
        return
    if part == "vae":
        autoencoder.fit(draw_pool(TRAIN_CONCEPTS, 120, 0), folder)
    elif part == "clip_target":
        clip.fit("target", draw_pool(TRAIN_CONCEPTS, 120, 0), tokenizer, folder)
    elif part == "clip_judge":
        clip.fit("judge", draw_pool(CONCEPTS, 80, 2), tokenizer, folder)
    elif part in judges.CLASSIFIERS:
        judges.fit_classifier(part, draw_pool(CONCEPTS, 80, 2), folder)
    elif part == "swav":
        judges.fit_swav(draw_pool(CONCEPTS, 80, 2), folder)
    elif part == "saliency":
        judges.fit_saliency(draw_pool(CONCEPTS, 80, 2), folder)
    elif part == "unet":
        diffusion.fit(tokenizer, draw_pool(TRAIN_CONCEPTS, 60, 0), folder)
    elif part == "unet_more":
        unet, name = diffusion.fit_more(tokenizer, draw_pool(TRAIN_CONCEPTS, 240, 0), folder, steps)
        packing.save_unet(unet, [*packing.rounds(), {"name": name, "steps": steps}])
        return
    elif part == "ip_adapter":
        ip_adapter.fit(draw_pool(TRAIN_CONCEPTS, 60, 0), folder)
    else:
        raise SystemExit(f"unknown part {part!r}; there is: {', '.join(PARTS)}")
    packing.pack(part, folder, tokenizer)


if __name__ == "__main__":
    main()
