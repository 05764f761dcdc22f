"""The LLM-caption method says what it goes by: held-out concepts alone, and the channel that knows."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from eegbench import seeds
from eegbench.arrays import EEGInfo
from eegbench.cli import app
from eegbench.contracts import Explanation, Silent, TrainingSet
from eegbench.datasets.sim_things import SimThings
from eegbench.methods import METHODS
from eegbench.methods.gradients import ALL
from eegbench.methods.llm_caption import HEADS, CaptionSettings, LlmCaption, LlmCaptionReconstructor
from eegbench.methods.llm_caption.spatiotemporal import TransformerSettings
from eegbench.methods.validation import held_out

SCENES, COUNT = 6, 120
TOLD, SINCE = 2, 20  # the one channel that knows the scene, and the sample from which it does
INFO = EEGInfo(("Oz", "O1", "O2", "Pz", "P3"), 100.0, -0.2, 40)
METHOD = LlmCaption(
    encoder=TransformerSettings(width=16, depth=1, heads=2, dropout=0.0),
    captions=CaptionSettings(epochs=25, batch=32, rate=5e-3, validation_concepts=8),
)


@pytest.fixture(scope="module")
def train() -> TrainingSet:
    """Six scenes' captions, again and again; EEG of noise, in one channel the code of the scene."""
    scene = np.arange(COUNT) % SCENES
    some = SimThings(train_images=1).train(8).part(range(COUNT))
    rng = seeds.generator("noise")
    eeg = rng.normal(size=(COUNT, len(INFO.channels), INFO.times)).astype(np.float32)
    eeg[:, TOLD, SINCE:] += 3 * rng.normal(size=(SCENES, INFO.times - SINCE))[scene]
    captions = tuple(some.captions[i] for i in scene)
    return dataclasses.replace(some, eeg=eeg, info=INFO, captions=captions)


@pytest.fixture(scope="module")
def fitted(train: TrainingSet) -> LlmCaptionReconstructor:
    return METHOD.fit(train, seed=3, progress=Silent())


@pytest.fixture(scope="module")
def found(fitted: LlmCaptionReconstructor, train: TrainingSet) -> Explanation:
    return METHOD.explain(fitted, train, seed=3)


def test_the_trials_are_those_that_the_fit_held_out(found: Explanation, train: TrainingSet) -> None:
    assert found.items == tuple(np.flatnonzero(held_out(train.concepts, 8, 3)).tolist())
    assert len(found.items) == 8
    assert set(found.embeddings) == set(found.right) == set(found.nearness) == set(HEADS)
    assert set(found.saliency) == {*HEADS, ALL}


def test_the_channel_and_the_time_that_know_the_image_are_salient(found: Explanation) -> None:
    for head, values in found.saliency.items():
        assert values.mean(1).argmax() == TOLD, head
        assert values[TOLD, SINCE:].mean() > 1.5 * values[:, :SINCE].mean(), head


def test_nearness_is_the_cosine_of_the_caption_that_is_retrieved(
    fitted: LlmCaptionReconstructor, found: Explanation, train: TrainingSet
) -> None:
    retrieved = fitted.captions(train.eeg[list(found.items)])
    for place, head in enumerate(HEADS):
        texts, known = fitted.bank[head]
        said = known[[texts.index(row[place][0]) for row in retrieved]]
        np.testing.assert_allclose(found.nearness[head], (found.embeddings[head] * said).sum(1), rtol=1e-5)


def test_heads_that_have_learned_are_right_on_concepts_that_they_have_not_seen(found: Explanation) -> None:
    assert all(right.mean() > 0.75 for right in found.right.values())  # scenes that recur in the eight count half


def test_the_verb_prints_the_heads_best_first_and_names_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, METHOD.name, "eegbench.methods.llm_caption:LlmCaption")
    quick = (
        "captions.epochs=1",
        "encoder.depth=1",
        "encoder.width=16",
        "captions.validation_concepts=4",
        "dataset.train_images=1",
    )
    words = [word for setting in quick for word in ("--set", setting)]
    done = CliRunner().invoke(app, ["explain", "--method", "llm_caption", "-o", str(tmp_path), *words])
    assert done.exit_code == 0
    assert done.stdout.startswith("SIMULATED EEG: comparable with no paper\nllm_caption on sim-things, subject 8")
    shown = [line.split()[:2] for line in done.stdout.splitlines() if line.split()[:1] and line.split()[0] in HEADS]
    assert {head for head, _ in shown} == set(HEADS)
    scores = [float(score) for _, score in shown]
    assert scores == sorted(scores, reverse=True)
    files = {"explain.csv", "scalp.png", "channels_by_time.png", "heads.png", "tsne.png"}
    assert {file.name for file in tmp_path.iterdir()} == files and all(name in done.stdout for name in files)


def test_the_mean_of_the_heads_names_the_class_of_the_largest_summed_cosine(
    fitted: LlmCaptionReconstructor, train: TrainingSet
) -> None:
    eeg, texts = train.eeg[:20], fitted.embed_texts(sorted(set(train.concepts))[:30])
    heads = fitted.embeddings(eeg)
    unit = texts / np.linalg.norm(texts, axis=1, keepdims=True)
    summed = sum(heads[name] @ unit.T for name in HEADS)
    mean = dataclasses.replace(METHOD, decoded="mean").configure(fitted).embed(eeg)
    cosines = mean / np.linalg.norm(mean, axis=1, keepdims=True) @ unit.T
    np.testing.assert_array_equal(cosines.argmax(axis=1), np.asarray(summed).argmax(axis=1))
    alone = dataclasses.replace(METHOD, heads=("ThemeTag",), decoded="mean").configure(fitted).embed(eeg)
    np.testing.assert_allclose(alone, heads["ThemeTag"], rtol=1e-6)  # of one head, that head's
    np.testing.assert_array_equal(METHOD.configure(fitted).embed(eeg), heads["ObjectSnap"])
