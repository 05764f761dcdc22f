"""The door to open_clip: image embeddings, un-normalised, in float32."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eegbench.arrays import Images
from eegbench.backbones import blank, telling, weights
from eegbench.backbones.resize import chunks, resize, to_float
from eegbench.backbones.shared import shared
from eegbench.files import read_json


class Clip:
    """An open_clip model. `name` is `pack:PART`, `local-dir:PATH`, MODEL/PRETRAINED in open_clip's terms, or
    `blank:MODEL/PRETRAINED` for one with random weights."""

    def __init__(self, name: str, device: str = "cpu") -> None:
        import open_clip

        self.name, self.device = name, device
        if name.startswith("pack:"):
            folder = Path(weights.locate(name))
            settings = read_json(folder / "open_clip_config.json")
            model = open_clip.CLIP(**settings["model_cfg"])
            weights.fill(model, folder / "open_clip_model.safetensors")
            self.mean, self.std = settings["preprocess_cfg"]["mean"], settings["preprocess_cfg"]["std"]
        else:
            architecture, _, pretrained = name.removeprefix(blank.PREFIX).partition("/")
            if blank.is_blank(name):
                model = blank.clip(name, device)
                self.mean, self.std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
            else:
                with telling.loading("CLIP", name):
                    model = open_clip.create_model(architecture, pretrained=pretrained or None)
                self.mean, self.std = model.visual.image_mean, model.visual.image_std
        self.model = model.eval().requires_grad_(False).to(device)
        side = model.visual.image_size
        self.size = int(side if isinstance(side, int) else side[0])

    def pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """Embeddings (n, d) of float pictures (n, 3, size, size) in [0, 1]."""
        mean = torch.tensor(self.mean, device=pictures.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=pictures.device).view(1, 3, 1, 1)
        out: torch.Tensor = self.model.encode_image((pictures - mean) / std)
        return out

    def images(self, images: Images) -> NDArray[np.float32]:
        """Embeddings (n, d) of uint8 images of any size, resized bilinearly with antialias, no crop."""
        batches = telling.followed("CLIP embeddings of images", chunks(images, 32), len(images))
        with torch.inference_mode():
            parts = [self.pictures(resize(to_float(batch).to(self.device), self.size)).cpu() for batch in batches]
        return torch.cat(parts).numpy()

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings (n, d) of texts, un-normalised."""
        batches = telling.followed("CLIP embeddings of texts", self.tokens(list(texts)).split(256), len(texts))
        with torch.inference_mode():
            parts = [self.model.encode_text(batch.to(self.device)).cpu() for batch in batches]
        return torch.cat(parts).numpy()

    def tokens(self, texts: list[str]) -> torch.Tensor:
        if self.name.startswith("pack:"):
            import transformers

            tokenizer = transformers.CLIPTokenizer.from_pretrained(weights.locate(self.name))
            length = self.model.context_length
            padded = tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt")
            return padded["input_ids"]  # type: ignore[no-any-return]
        import open_clip

        tokens: torch.Tensor = open_clip.get_tokenizer(self.name.removeprefix(blank.PREFIX).partition("/")[0])(texts)
        return tokens


@shared(2)
def clip(name: str, device: str = "cpu") -> Clip:
    """The network of a name, loaded once: a run asks for the embeddings of its images portion by portion."""
    return Clip(name, device)
