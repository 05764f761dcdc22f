"""The captioner: what it says of hidden states is what GIT says of the image, and folders that are none."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from eegbench.arrays import Images
from eegbench.backbones.git_captioner import GitCaptioner
from eegbench.errors import InputError, MissingError


@pytest.fixture(scope="module")
def images() -> Images:
    return np.random.default_rng(0).integers(256, size=(6, 40, 40, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def captioner(git_folder: Path) -> GitCaptioner:
    return GitCaptioner(str(git_folder))


def test_hidden_states_are_said_as_the_whole_model_says_the_image(
    captioner: GitCaptioner, images: Images, git_folder: Path
) -> None:
    hidden = captioner.hidden(images)
    assert hidden.shape == (6, captioner.tokens, captioner.width) == (6, 5, 16)
    whole = transformers.GitForCausalLM.from_pretrained(git_folder).eval()
    pixels = captioner.processor(list(images), return_tensors="pt")["pixel_values"]
    said = whole.generate(pixel_values=pixels, input_ids=torch.full((6, 1), 2), max_new_tokens=8, do_sample=False)
    wanted = captioner.tokenizer.batch_decode(said, skip_special_tokens=True)
    assert captioner.captions(hidden, 8) == wanted
    assert len(set(wanted)) > 1 and all(len(text.split()) <= 8 for text in wanted)


def test_a_caption_does_not_depend_on_its_batch(captioner: GitCaptioner, images: Images) -> None:
    hidden = captioner.hidden(images)
    assert captioner.captions(hidden, 8) == [captioner.captions(one[None], 8)[0] for one in hidden]


def test_at_most_so_many_tokens_are_said(captioner: GitCaptioner, images: Images) -> None:
    assert all(len(text.split()) <= 2 for text in captioner.captions(captioner.hidden(images), 2))


def test_a_folder_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(
        MissingError, match=r"cannot be read.*wanted a GIT folder with config\.json, model\.safetensors"
    ):
        GitCaptioner(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("file", ["model.safetensors", "preprocessor_config.json"])
def test_a_folder_that_is_not_whole_is_missing(git_folder: Path, tmp_path: Path, file: str) -> None:
    folder = Path(shutil.copytree(git_folder, tmp_path / "git"))
    (folder / file).unlink()
    with pytest.raises(MissingError, match="cannot be read"):
        GitCaptioner(str(folder))


def test_a_pickle_is_never_opened(git_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(git_folder, tmp_path / "git"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(MissingError, match=r"cannot be read.*model\.safetensors"):
        GitCaptioner(str(folder))


def damage(folder: Path, **changes: object) -> None:
    facts = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(facts | changes))


def lack_a_part(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    state.pop(next(key for key in state if "visual_projection" in key))
    save_file(state, folder / "model.safetensors", {"format": "pt"})


def lose_words(folder: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt"):  # transformers 4 has the second alone
        (folder / name).unlink(missing_ok=True)


def spoil_words(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    (folder / "vocab.txt").write_text("")


# Each with what the message holds, of transformers 5 and behind | of 4, which without words wants to convert others.
DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "another model": (lambda f: damage(f, model_type="blip"), "it is a 'blip' model"),
    "weights of another size": (lambda f: damage(f, vocab_size=50), "mismatch"),
    "weights that lack a part": (lack_a_part, "no weights for git.visual_projection"),
    "weights that are none": (lambda f: (f / "model.safetensors").write_bytes(b"x" * 99), "header"),
    "a width that is a word": (lambda f: damage(f, hidden_size="wide"), "hidden_size|argument 'size'"),
    "a configuration that is a list": (lambda f: (f / "config.json").write_text("[]"), "list"),
    "no words": (lose_words, "knows 5 of 30 tokens|protobuf"),
    "words that are none": (spoil_words, "added_tokens|protobuf"),
    "images of another size": (
        lambda f: (f / "preprocessor_config.json").write_text('{"size": 64, "crop_size": 64}'),
        "64",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_folder_is_refused_in_one_line(case: str, git_folder: Path, tmp_path: Path) -> None:
    change, message = DAMAGED[case]
    folder = Path(shutil.copytree(git_folder, tmp_path / "git"))
    change(folder)
    with pytest.raises(InputError, match=r"captioner '.*' cannot be used .*; wanted a GIT folder") as caught:
        GitCaptioner(str(folder))
    assert re.search(message, str(caught.value)) and "\n" not in str(caught.value)
