"""Ten captions from a captioner in a folder: BLIP and GIT of random weights, made here."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from eegbench.backbones.captioners.local import BEGINNINGS, Local
from eegbench.contracts import CAPTION_LEVELS
from eegbench.errors import InputError, MissingError

IMAGES = np.random.default_rng(0).integers(256, size=(2, 20, 30, 3)).astype(np.uint8)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]  # in this order: 2 begins a text, 3 ends it
WORDS += sorted({word for words in BEGINNINGS.values() for word in words.split()} | {"cat", "dog", "sea", "##s"})


def processor(kind: str, folder: Path) -> Any:
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS) + "\n")
    tokenizer = transformers.BertTokenizerFast(str(vocabulary))
    size = {"height": 16, "width": 16}
    if kind == "blip":
        return transformers.BlipProcessor(transformers.BlipImageProcessor(size=size), tokenizer)
    crop = transformers.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size=size)
    return transformers.GitProcessor(crop, tokenizer)


def network(kind: str) -> Any:
    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = text | {"image_size": 16, "patch_size": 8}
    tokens = {"vocab_size": len(WORDS) + 2, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    if kind == "git":
        return transformers.GitForCausalLM(transformers.GitConfig(vision_config=vision, **text, **tokens))
    # As in the published BLIP, captions begin with a token that the tokenizer does not know.
    own = text | tokens | {"encoder_hidden_size": 16, "sep_token_id": 3, "bos_token_id": len(WORDS)}
    config = transformers.BlipConfig(text_config=own, vision_config=vision, projection_dim=8, image_text_hidden_size=8)
    return transformers.BlipForConditionalGeneration(config)


@pytest.fixture(scope="module", params=["blip", "git"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / f"tiny-{request.param}"
    made.mkdir()
    torch.manual_seed(0)
    processor(request.param, made).save_pretrained(made)
    network(request.param).save_pretrained(made)
    return made


def test_ten_captions_begin_as_their_levels_do(folder: Path) -> None:
    captions = Local(folder).captions(IMAGES[0])
    assert len(captions) == len(CAPTION_LEVELS)
    for level, caption in zip(CAPTION_LEVELS, captions, strict=True):
        assert caption.startswith(BEGINNINGS[level]) and len(caption) > len(BEGINNINGS[level])
    assert len(set(captions)) > len(BEGINNINGS)  # they are drawn


def test_the_same_image_gets_the_same_captions_whatever_the_global_state(folder: Path) -> None:
    first = Local(folder).captions(IMAGES[0])
    torch.manual_seed(3)
    before = torch.get_rng_state()
    other = Local(folder)
    assert other.captions(IMAGES[1]) != first and other.captions(IMAGES[0]) == first
    assert torch.equal(torch.get_rng_state(), before)


def test_it_is_named_by_its_folder_and_its_weights_and_says_what_its_levels_are(folder: Path) -> None:
    captioner = Local(folder)
    name, _, digest = captioner.model.partition("@")
    assert name == folder.name and len(digest) == 12
    assert "of our choice" in captioner.note


def broken(folder: Path, to: Path, change: str) -> Path:
    """A copy with one fault."""
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    config = json.loads((to / "config.json").read_text())
    if change == "pickled":
        (to / "model.safetensors").unlink()
        torch.save({}, to / "pytorch_model.bin")
    elif change == "cut":
        (to / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    elif change == "of another type":
        (to / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}))
    elif change == "without a tokenizer":
        for file in [*to.glob("*token*"), *to.glob("vocab*")]:
            file.unlink()
    elif change == "without a processor":
        for file in to.glob("*processor_config.json"):  # transformers 4 has preprocessor_config.json
            file.unlink()
    return to


@pytest.mark.parametrize("change", ["pickled", "cut", "of another type", "without a tokenizer", "without a processor"])
def test_a_folder_that_cannot_be_read_safely_is_refused(folder: Path, tmp_path: Path, change: str) -> None:
    with pytest.raises(InputError) as caught:
        Local(broken(folder, tmp_path / "x", change))
    assert str(tmp_path / "x") in str(caught.value) and "\n" not in str(caught.value)


def test_code_in_the_folder_is_not_run(folder: Path, tmp_path: Path) -> None:
    copy = broken(folder, tmp_path / "x", "nowhere")
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    names = ("AutoConfig", "AutoModelForImageTextToText", "AutoProcessor", "AutoTokenizer", "AutoImageProcessor")
    configured = [copy / "config.json", copy / "tokenizer_config.json", *copy.glob("*processor_config.json")]
    assert len(configured) == 3
    for file in configured:
        value = json.loads(file.read_text())
        file.write_text(json.dumps(value | {"auto_map": dict.fromkeys(names, "evil.Evil")}))
    assert Local(copy).captions(IMAGES[0]) == Local(folder).captions(IMAGES[0])
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such folder"):
        Local(tmp_path / "nowhere")
