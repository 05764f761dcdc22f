"""Ten captions of an image from a captioner on disk: BLIP or GIT, as transformers keeps them.

Such a model gives one sentence and knows no levels. Ours is a choice that the LLM-caption paper does not make: each
level has words with which its sentences begin, and the sentences are drawn from the model, by a seed from the image.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from eegbench import seeds
from eegbench.backbones import telling
from eegbench.backbones.captioners import Captioner
from eegbench.contracts import CAPTION_LEVELS
from eegbench.errors import InputError, MissingError
from eegbench.files import digest, file_digest, read_json

BEGINNINGS = {"low": "a picture of", "mid": "in the background there is", "high": "the mood of this picture is"}
KINDS = ("blip", "git")
TOKENIZERS = ("tokenizer.json", "vocab.txt")
WORDS = (2, 24)  # tokens that follow a beginning, at least and at most
TOP_P = 0.9


class Local(Captioner):
    """The captioner in a folder of config, processor and safetensors; no code of the folder is run.

    Raises MissingError for a folder or file that is not there, InputError for one that holds something else.
    """

    note = (
        "a captioner knows no levels: each level's captions begin with words of our choice "
        f"({', '.join(f'{level}: {words!r}' for level, words in BEGINNINGS.items())}), the rest is sampled"
    )

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        import transformers

        if not folder.is_dir():
            raise MissingError(f"{folder}: no such folder; --local wants one with a BLIP or GIT captioner")
        self.kind = read_json(folder / "config.json").get("model_type")
        if self.kind not in KINDS:
            raise InputError(
                f"{folder}: holds a model of type {str(self.kind)[:80]!r}; --local reads {' and '.join(KINDS)}, "
                f"and any other can be served and asked by --endpoint"
            )
        if not any((folder / name).is_file() for name in TOKENIZERS):  # transformers would make an empty one up
            raise InputError(f"{folder}: has no tokenizer ({' or '.join(TOKENIZERS)})")
        transformers.utils.logging.disable_progress_bar()
        safe = {"local_files_only": True, "trust_remote_code": False}
        try:
            with telling.loading("captioner", str(folder)), torch.random.fork_rng(devices=[]):
                self.processor: Any = transformers.AutoProcessor.from_pretrained(folder, **safe)
                network: Any = transformers.AutoModelForImageTextToText.from_pretrained(
                    folder, use_safetensors=True, **safe
                )
        except (OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, SafetensorError) as error:
            problem = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"{folder}: not a {self.kind} captioner that can be read ({problem})") from None
        self.network = network.float().eval().to(device)
        self.device = device
        files = {
            f.name: file_digest(f) for f in sorted(folder.iterdir()) if f.suffix in (".safetensors", ".json", ".txt")
        }
        self.model = f"{os.path.basename(os.path.realpath(folder))}@{digest(files)[:12]}"
        self.identity = {"files": files, "beginnings": BEGINNINGS, "words": list(WORDS), "top_p": TOP_P}

    def captions(self, image: NDArray[np.uint8]) -> tuple[str, ...]:
        pixels = self.processor(images=[image], return_tensors="pt")["pixel_values"].to(self.device)
        of_image = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
        texts = []
        for level, beginning in BEGINNINGS.items():
            texts += self._draw(pixels, beginning, CAPTION_LEVELS.count(level), seeds.seed(of_image, level, "captions"))
        return tuple(texts)

    def _draw(self, pixels: torch.Tensor, beginning: str, count: int, seed: int) -> list[str]:
        """`count` sentences that begin so; the global generators are left as they were."""
        tokens = self.processor.tokenizer(beginning, return_tensors="pt")["input_ids"]
        if self.kind == "git":
            tokens = tokens[:, :-1]  # it would take the end of a sentence for one; BLIP takes it away itself
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(seed)
            drawn = self.network.generate(
                pixel_values=pixels.repeat(count, 1, 1, 1),
                input_ids=tokens.repeat(count, 1).to(self.device),
                do_sample=True,
                top_p=TOP_P,
                min_new_tokens=WORDS[0],
                max_new_tokens=WORDS[1],
            )
        words = self.processor.batch_decode(drawn, skip_special_tokens=True)
        return [" ".join(sentence.split()) for sentence in words]
