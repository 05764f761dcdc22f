"""Every output of a method is held to every rule: in `check-method`, and on a few items in each `evaluate`."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from eegbench.benchmark import evaluate as evaluating
from eegbench.checks.check_method import check
from eegbench.checks.verify import Verifier
from eegbench.contracts import Silent
from eegbench.errors import InputError
from eegbench.files import file_digest
from eegbench.metrics import METRICS
from eegbench.runs import layout
from eegbench.runs.record import RunRecord
from small_world import Lab

Change = Callable[[Any], Any]


def _nan(values: Any) -> Any:
    return np.full(values.shape, np.nan)


def _nan_in_one_of_many(values: Any) -> Any:
    values = values.astype(np.float64)
    values[5:6] = np.inf
    return values


def _noise(values: Any) -> Any:
    return (values + np.random.randint(9, 99, size=values.shape)).astype(values.dtype)  # noqa: NPY002


def _centred(values: Any) -> Any:
    return (values - values.mean(axis=0)).astype(values.dtype)


def _centred_where_many(values: Any) -> Any:
    return _centred(values) if len(values) > 4 else values


def _by_place(values: Any) -> Any:
    return values + (np.arange(len(values)) * 50).astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))


EMBEDDINGS: dict[str, tuple[Change, str]] = {
    "no numbers": (_nan, "NaN or infinite values in {n} of {n} rows"),
    "one that is none among many": (_nan_in_one_of_many, "NaN or infinite values in 1 of 8 rows"),
    "too large for float32": (lambda v: v.astype(np.float64) + 1e300, "NaN or infinite values"),
    "zeros alone": (lambda v: v * 0, "zeros alone in {n} of {n} rows"),
    "masked": (lambda v: np.ma.masked_array(v, mask=True), "a MaskedArray came; wanted a plain numpy array"),
    "text": (lambda v: v.astype(str), "of shape ({n}, 108); wanted numbers ({n}, d)"),
    "complex numbers": (lambda v: v.astype(complex), "gave complex128"),
    "a list": (lambda v: v.tolist(), "a list came; wanted a plain numpy array"),
    "one for all": (lambda v: v[:1], "of shape (1, 108); wanted numbers ({n}, d)"),
    "three axes": (lambda v: v[:, None], "of shape ({n}, 1, 108)"),
    "no dimensions": (lambda v: v[:, :0], "of shape ({n}, 0)"),
    "another space": (lambda v: v[:, :7], "they must share a space"),
    "drawn anew": (_noise, "draw from `seeds` alone"),
    "statistics of the batch": (_centred, "declare `transductive = True`"),
    "statistics of a large batch alone": (_centred_where_many, "declare `transductive = True`"),
    "the place in the batch": (_by_place, "made one by one"),
}
CONTROLS: dict[str, tuple[Change, str]] = {
    "floats": (lambda v: v / 255, "gave float64 of shape ({n}, 6, 6); wanted uint8 ({n}, h, w)"),
    "colours": (lambda v: np.stack([v] * 3, -1), "of shape ({n}, 6, 6, 3)"),
    "one too few": (lambda v: v[1:], "wanted uint8 ({n}, h, w)"),
    "masked": (lambda v: np.ma.masked_array(v, mask=True), "a MaskedArray came; wanted a plain numpy array"),
    "drawn anew": (_noise, "draw from `seeds` alone"),
    "the batch's mean": (_centred, "declare `transductive = True`"),
    "the mean of a large batch": (_centred_where_many, "declare `transductive = True`"),
}
IMAGES: dict[str, tuple[Change, str]] = {
    "statistics of a batch of more than two": (
        lambda v: _centred(v) if len(v) > 2 else v,
        "declare `transductive = True`",
    ),
    "None": (lambda v: None, "a NoneType came; wanted a plain numpy array"),
    "masked": (lambda v: np.ma.masked_array(v, mask=True), "a MaskedArray came; wanted a plain numpy array"),
}
KINDS = {
    "embed": EMBEDDINGS,
    "embed_images": EMBEDDINGS,
    "embed_texts": EMBEDDINGS,
    "controls": CONTROLS,
    "reconstruct": IMAGES,
}
CASES = [
    (call, name)
    for call, kind in KINDS.items()
    for name in kind
    if call in ("embed", "controls", "reconstruct")
    or name not in ("one that is none among many", "statistics of a large batch alone")
]


def spoil(lab: Lab, patch: pytest.MonkeyPatch, call: str, change: Change) -> None:
    kind = lab.plan().method.reconstructor
    plain = getattr(kind, call)
    patch.setattr(kind, call, lambda self, *given, **more: change(plain(self, *given, **more)))


@pytest.mark.parametrize(("call", "name"), [case for case in CASES if case[0] != "embed_texts"])
def test_an_output_that_breaks_a_rule_ends_the_run_as_failed_in_one_line(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, call: str, name: str
) -> None:
    change, words = KINDS[call][name]
    spoil(lab, monkeypatch, call, change)
    with pytest.raises(InputError) as caught:
        lab.evaluate(audit=False)
    said, record = str(caught.value), RunRecord.read(next(lab.runs.rglob("run.json")))
    assert words.format(n=2) in said and "'uses-eeg'" in said and "\n" not in said
    assert (record.status, record.reason) == ("failed", said)
    assert not list(lab.runs.rglob("scores.json"))


@pytest.mark.parametrize(("call", "name"), [case for case in CASES if case[0] != "reconstruct"])
def test_check_method_says_the_same(lab: Lab, monkeypatch: pytest.MonkeyPatch, call: str, name: str) -> None:
    change, words = KINDS[call][name]
    spoil(lab, monkeypatch, call, change)
    found = [finding.problem for finding in check(lab.plan(), progress=Silent())]
    assert any(words.format(n=4) in problem for problem in found), found


@pytest.mark.parametrize("call", ["reconstruct", "embed", "controls"])
def test_who_writes_into_the_eeg_is_named_by_the_call(lab: Lab, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    kind = lab.plan().method.reconstructor
    plain = getattr(kind, call)

    def writes(self: Any, eeg: Any, *given: Any, **more: Any) -> Any:
        found = np.array(plain(self, eeg, *given, **more))
        eeg[:] = 0
        return found

    monkeypatch.setattr(kind, call, writes)
    found = {f.clause: f.problem for f in check(lab.plan(), progress=Silent()) if f.problem}
    assert found == {
        "EEG, hints and images are left as they came": f"{call} wrote into the EEG that it was given; work on a copy"
    }


def test_an_embed_that_writes_where_many_come_does_not_reach_the_audit(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = lab.evaluate(runs=lab.runs / "honest").sheet
    kind = lab.plan().method.reconstructor
    plain = kind.embed

    def writes(self: Any, eeg: Any) -> Any:
        found = np.array(plain(self, eeg))
        if len(eeg) > 4:
            eeg[:] = 0
        return found

    monkeypatch.setattr(kind, "embed", writes)
    found = lab.evaluate(runs=lab.runs / "other").sheet
    assert {n: s.permuted for n, s in found.metrics.items()} == {n: s.permuted for n, s in honest.metrics.items()}


def test_an_embed_that_remembers_what_was_reconstructed_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    kind: Any = lab.plan().method.reconstructor
    plain, plain_images = kind.embed, kind.reconstruct
    seen: list[Any] = []

    def reconstruct(self: Any, eeg: Any, **more: Any) -> Any:
        seen.extend([eeg.mean()] if len(eeg) > 2 else [])
        return plain_images(self, eeg, **more)

    monkeypatch.setattr(kind, "reconstruct", reconstruct)
    monkeypatch.setattr(kind, "embed", lambda self, eeg: plain(self, eeg) + (sum(seen) if len(eeg) > 1 else 0))
    with pytest.raises(InputError, match="embed: made one by one"):
        lab.evaluate(audit=False)


def test_target_embeddings_of_a_part_alone_end_the_run_as_failed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(lab, monkeypatch, "embed_images", lambda rows: None if len(rows) > 4 else rows)
    monkeypatch.setattr(evaluating, "portions", lambda n: [range(3), range(3, n)])
    with pytest.raises(InputError, match="None for some of the items"):
        lab.evaluate(audit=False)
    assert RunRecord.read(next(lab.runs.rglob("run.json"))).status == "failed"


# Another space is found by `check-method`, and what is drawn anew is said otherwise.
@pytest.mark.parametrize("name", sorted(EMBEDDINGS.keys() - {"another space", "drawn anew"}))
def test_text_embeddings_are_held_to_the_rules_where_they_are_asked_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    change, words = EMBEDDINGS[name]
    spoil(lab, monkeypatch, "embed_texts", change)
    lab.laws["zeroshot_top1"] = METRICS["zeroshot_top1"]  # type: ignore[assignment]
    lab.evaluate(audit=False)
    with pytest.raises(InputError) as caught:
        lab.evaluate(audit=False, also=("zeroshot_top1",))
    assert words.format(n=8) in str(caught.value) and "method 'uses-eeg', embed_texts" in str(caught.value)


def transductive(lab: Lab, patch: pytest.MonkeyPatch, change: Change = _centred) -> None:
    patch.setattr(type(lab.plan().method), "transductive", True)
    spoil(lab, patch, "embed", change)


def test_a_method_that_says_so_may_use_the_other_trials_and_is_marked(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RunRecord.read(lab.evaluate(seed=1).run_folder / "run.json").transductive is False
    transductive(lab, monkeypatch)
    outcome = lab.evaluate()
    assert RunRecord.read(outcome.run_folder / "run.json").transductive is True
    assert any("transductive" in note and "never ranked" in note for note in outcome.notes)
    assert not any(finding.problem for finding in check(lab.plan(), progress=Silent()))


def test_a_transductive_method_gets_all_trials_at_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    transductive(lab, monkeypatch)
    counts: list[int] = []

    def counted(images: Any) -> Any:
        counts.append(len(images))
        return images

    spoil(lab, monkeypatch, "reconstruct", counted)
    lab.reconstruct()
    assert counts[-1] == 8


def test_a_transductive_method_is_still_held_to_the_other_rules(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    transductive(lab, monkeypatch, _noise)
    with pytest.raises(InputError, match="draw from `seeds` alone"):
        lab.evaluate()


def test_a_run_from_before_the_declaration_is_made_anew(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.reconstruct()
    transductive(lab, monkeypatch)
    again = lab.reconstruct()
    assert not again.reused and again.record.transductive


def test_an_old_run_with_such_embeddings_is_named_by_verify_and_not_scored_again(lab: Lab) -> None:
    run = lab.evaluate(audit=False).run_folder
    stimuli = {"stimuli": json.dumps([f"{i:02d}_thing/test_{i}" for i in range(8)])}
    save_file({"decoded": np.full((8, 108), np.nan, np.float32)}, run / layout.EMBEDDING, stimuli)
    record = RunRecord.read(run / "run.json")
    digests = record.digests | {"embedding": file_digest(run / layout.EMBEDDING)}
    dataclasses.replace(record, digests=digests).write(run / "run.json")
    with pytest.MonkeyPatch.context() as before:
        before.setattr("eegbench.benchmark.evaluate.undefined", lambda _: "")  # the version before scored it
        lab.evaluate(audit=False)
    verdict = Verifier(Silent()).verify(run)
    assert verdict.problems == () and "such a run is refused now" in verdict.lines()[-1]
    with pytest.raises(InputError, match=r"8 of 8 embeddings have NaN or infinite values; delete .* to make"):
        lab.evaluate(audit=False)


def test_check_method_asks_for_a_batch_as_large_as_a_runs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(lab, monkeypatch, "reconstruct", lambda images: _centred(images) if len(images) > 5 else images)
    found = [f.problem for f in check(lab.plan(batch_size=8), progress=Silent()) if f.problem]
    assert len(found) == 1 and "made 8 at once" in found[0]


def test_an_embed_images_that_writes_does_not_reach_the_truths(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = lab.evaluate(audit=False, runs=lab.runs / "honest").sheet
    kind = lab.plan().method.reconstructor
    plain = kind.embed_images

    def writes(self: Any, images: Any) -> Any:
        found = plain(self, images)
        if len(images) > 4:
            images[:] = 0
        return found

    monkeypatch.setattr(kind, "embed_images", writes)
    assert lab.evaluate(audit=False, runs=lab.runs / "other").sheet.metrics == honest.metrics
