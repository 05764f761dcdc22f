"""The pack's tokenizer: CLIP's byte-pair encoding, learned on the captions so that each word is one token."""

import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from eegbench.datasets.sim_things.concepts import MATERIALS, SILHOUETTES
from eegbench.datasets.sim_things.scenes import COLOURS, SECOND_COLOURS, SETTINGS
from micro_pack.pool import Pool

CONTEXT = 26  # tokens
START, END = "<|startoftext|>", "<|endoftext|>"


def build(pool: Pool) -> CLIPTokenizer:
    """A CLIPTokenizer whose end token has the highest id, as CLIP's pooling by argmax wants."""
    words = {w for captions in pool.captions for c in captions for w in c.replace(",", " , ").split()}
    words |= {*MATERIALS, *SILHOUETTES, *COLOURS, *SECOND_COLOURS, *SETTINGS, "an", "of", "the"}
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.Whitespace()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=10_000, initial_alphabet=letters, end_of_word_suffix="</w>", show_progress=False
    )
    learner.train_from_iterator(sorted(words), trainer)
    state = json.loads(learner.to_str())["model"]
    merges = [tuple(pair) for pair in state["merges"]]
    tokens = sorted(letters) + [letter + "</w>" for letter in sorted(letters)]
    tokens += [token for token in ("".join(pair) for pair in merges) if token not in tokens]
    tokens = [*dict.fromkeys(tokens), START, END]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CONTEXT)
    broken = [w for w in words if len(tokenizer(w)["input_ids"]) != 3]
    if broken:
        raise RuntimeError(f"words that are not one token: {broken}")
    return tokenizer


def save(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """The folder as diffusers and open_clip read it."""
    tokenizer.save_pretrained(folder)
    state = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(state["vocab"]))
    lines = ["#version: 0.2"] + [" ".join(pair) for pair in state["merges"]]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
