"""Metrics that are asked for beside the usual ones: retrieval among some, zero-shot classification."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from eegbench.checks.verify import Verifier
from eegbench.contracts import Answers, Silent
from eegbench.errors import UsageError
from eegbench.metrics import METRICS
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord
from forgery import flip, reseal
from small_world import Decoder, Drawn, Lab


def test_metrics_that_are_asked_for_stand_beside_the_usual_ones_and_change_no_other_score(lab: Lab) -> None:
    usual = lab.evaluate().sheet.metrics
    for name in ("retrieval4_top1", "retrieval10_top1"):
        lab.laws[name] = METRICS[name]  # type: ignore[assignment]
    assert lab.evaluate().sheet.metrics == usual  # on request alone
    asked = lab.evaluate(also=("retrieval4_top1", "retrieval10_top1", "pixcorr"))
    found, lost = asked.sheet.metrics["retrieval4_top1"], asked.sheet.metrics["retrieval10_top1"]
    assert (found.value, found.floor) == (1.0, 0.25) and found.permuted is not None and found.permuted < 1
    assert lost.value is None and "8 different truths; wanted at least 10" in lost.reason
    assert {name: asked.sheet.metrics[name] for name in usual} == usual  # the audit's p of each too
    verdict = Verifier(Silent()).verify(asked.run_folder)
    assert not verdict.problems and not verdict.unknown
    assert lab.evaluate().sheet.metrics == usual


@pytest.fixture
def named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> tuple[Lab, list[str]]:
    """Two stimuli of each concept, and text embeddings that lie between the two; which texts were asked for."""
    asked, plain, lab_of = list[str](), Drawn.answers, Drawn()

    def answers(self: Drawn, subject: int) -> Answers:
        given = plain(self, subject)
        return dataclasses.replace(given, concepts=tuple(f"thing_{int(s[:2]) // 2}" for s in given.stimuli))

    def embed_texts(self: Decoder, texts: Sequence[str]) -> Any:
        asked.extend(texts)
        seen = self.embed_images(lab_of._draw("test")[1])
        return np.stack([seen[2 * n : 2 * n + 2].mean(axis=0) for n in (int(text[-1]) for text in texts)])

    monkeypatch.setattr(Drawn, "answers", answers)
    monkeypatch.setattr(Decoder, "embed_texts", embed_texts)
    for name in ("zeroshot_top1", "zeroshot50_top1", "retrieval_top1"):
        lab.laws[name] = METRICS[name]  # type: ignore[assignment]
    return lab, asked


def test_zero_shot_classification_takes_a_right_class_for_right_whichever_stimulus_shows_it(
    named: tuple[Lab, list[str]],
) -> None:
    lab, asked = named
    usual = lab.evaluate()
    assert not asked and not (usual.run_folder / "texts.safetensors").exists()
    folder, scores = usual.run_folder, lab.evaluate(also=("zeroshot_top1", "zeroshot50_top1")).sheet.metrics
    assert set(asked) == {f"This picture is thing_{i}" for i in range(4)}
    assert (scores["zeroshot_top1"].value, scores["zeroshot_top1"].floor) == (1.0, 1 / 4)  # of 8 stimuli, 4 concepts
    assert scores["retrieval_top1"].floor == 1 / 8
    assert "4 different truths; wanted at least 50" in scores["zeroshot50_top1"].reason
    verdict = Verifier(Silent()).verify(folder)
    assert not verdict.problems and not verdict.unknown and verdict.scores == len(scores)
    assert {name: score for name, score in scores.items() if "zeroshot" not in name} == usual.sheet.metrics
    assert lab.evaluate().sheet.files == usual.sheet.files and not (folder / "texts.safetensors").exists()


def test_text_embeddings_that_were_exchanged_or_lost_are_found(named: tuple[Lab, list[str]]) -> None:
    lab, _ = named
    folder = lab.evaluate(also=("zeroshot_top1",)).run_folder
    texts = Run(folder, RunRecord.read(folder / "run.json")).texts()
    assert texts is not None
    flip(folder / "texts.safetensors")
    assert any(problem.startswith("texts.safetensors") for problem in Verifier(Silent()).verify(folder).problems)
    turned = dict(zip(texts, [*texts.values()][::-1], strict=True))
    Run(folder, RunRecord.read(folder / "run.json")).write_texts(turned)
    reseal(folder, lambda sheet: sheet)
    assert any("value of zeroshot_top1 is 1.0" in problem for problem in Verifier(Silent()).verify(folder).problems)
    Run(folder, RunRecord.read(folder / "run.json")).write_texts({"thing_0": texts["thing_0"]})
    reseal(folder, lambda sheet: sheet)
    assert "no embedding of the concept 'thing_" in "".join(Verifier(Silent()).verify(folder).problems)


def test_a_method_without_texts_has_no_zero_shot_score_and_the_reason(
    named: tuple[Lab, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, _ = named
    monkeypatch.setattr(Decoder, "embed_texts", lambda self, texts: None)
    score = lab.evaluate(also=("zeroshot_top1",)).sheet.metrics["zeroshot_top1"]
    assert score.value is None and "the method exposes no embedding of texts" in score.reason


def test_a_metric_that_does_not_exist_is_missed_before_the_first_step(lab: Lab) -> None:
    with pytest.raises(UsageError, match="unknown metric 'retrieval3_top1'"):
        lab.evaluate(also=("retrieval3_top1",))
    assert not lab.fits
