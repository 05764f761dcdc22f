"""The door to GIT (Wang et al. 2022) in transformers: a frozen captioner of images, or of its own hidden states."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from eegbench.arrays import Images
from eegbench.backbones import weights
from eegbench.backbones.resize import chunks
from eegbench.errors import InputError, MissingError

AT_ONCE = 16  # images or hidden states in one batch
WANTED = (
    "wanted a GIT folder with config.json, model.safetensors, tokenizer.json and preprocessor_config.json, such as "
    "microsoft/git-large-coco"
)


class GitCaptioner:
    """A GIT folder (or hub id). Its classes are named here and its weights are safetensors: loading it runs nothing.

    Hidden states are (n, tokens, width): what its image tower, CLIP's, gives for an image. Raises MissingError for a
    folder that is not there or lacks a file, InputError for one of another model, or damaged.
    """

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.device = device
        try:
            self._load(weights.locate(name))
            self.tokens, self.width = self.hidden(np.zeros((1, 8, 8, 3), np.uint8)).shape[1:]
        except OSError as error:
            raise MissingError(f"captioner {name!r} cannot be read ({_first_line(error)}); {WANTED}") from error
        except Exception as error:  # whatever a stranger's folder makes transformers raise, this border names it
            raise InputError(f"captioner {name!r} cannot be used ({_first_line(error)}); {WANTED}") from error

    def _load(self, folder: str) -> None:
        import transformers

        transformers.utils.logging.disable_progress_bar()  # one bar a weight file would drown the run's own
        facts, _ = transformers.GitConfig.get_config_dict(folder)
        if facts.get("model_type") != "git":
            raise ValueError(f"it is a {facts.get('model_type')!r} model")
        model, loaded = transformers.GitForCausalLM.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True
        )
        if lacking := sorted(loaded["missing_keys"]):
            raise ValueError(f"no weights for {lacking[0]}, {len(lacking)} in all")
        model = model.float()
        self.processor = transformers.CLIPImageProcessor.from_pretrained(folder)
        self.tokenizer = transformers.BertTokenizerFast.from_pretrained(folder)
        if len(self.tokenizer) < model.config.vocab_size:
            raise ValueError(f"its tokenizer knows {len(self.tokenizer)} of {model.config.vocab_size} tokens")
        self.tower: Any = model.git.image_encoder.eval().requires_grad_(False).to(self.device)
        model.git.image_encoder = _Given()
        self.model: Any = model.eval().requires_grad_(False).to(self.device)

    def hidden(self, images: Images) -> torch.Tensor:
        """Hidden states (n, tokens, width) of images of any size, resized and normalised as the folder says."""
        with torch.no_grad():
            parts = [
                self.tower(self.processor(list(chunk), return_tensors="pt")["pixel_values"].to(self.device))
                for chunk in chunks(images, AT_ONCE)
            ]
        return torch.cat([part.last_hidden_state for part in parts])

    def captions(self, hidden: torch.Tensor, most: int) -> list[str]:
        """A caption of at most `most` tokens for each of the hidden states (n, tokens, width), decoded greedily."""
        texts: list[str] = []
        for states in hidden.to(self.device).split(AT_ONCE):
            start = torch.full((len(states), 1), self.model.config.bos_token_id, device=self.device)
            tokens = self.model.generate(
                input_ids=start,
                attention_mask=torch.ones_like(start),
                pixel_values=states[:, None],
                max_new_tokens=most,
                do_sample=False,
                num_beams=1,
            )
            texts += self.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return texts


def _first_line(error: Exception) -> str:
    """The first line of what an error says, and the second where the first one only announces it."""
    first, *others = (str(error).strip() or type(error).__name__).splitlines()
    return f"{first} {others[0].strip()}" if first.endswith(":") and others else first


class _Given(nn.Module):
    """A stand-in for the image tower: returns hidden states that came as a picture with one channel."""

    def forward(self, pixel_values: torch.Tensor, **_: object) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=pixel_values[:, 0])
