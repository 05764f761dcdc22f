"""The audit tells a method that uses the EEG from one that does not."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from eegbench.benchmark import verdicts
from eegbench.benchmark.audit import compare, contribution
from eegbench.benchmark.measure import Measured
from eegbench.benchmark.permuting import donors_of
from eegbench.datasets.images import read_image
from eegbench.errors import InputError
from eegbench.plugins import registry
from eegbench.runs.sheet import STATISTICS, Score, ScoreSheet


@pytest.fixture
def enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight stimuli are enough for a verdict."""
    monkeypatch.setattr(verdicts, "FEWEST_STIMULI", 8)


def test_of_too_few_stimuli_there_is_no_verdict(lab: Any) -> None:
    sheet = lab.evaluate("uses-eeg").sheet
    assert sheet.verdict == "cannot tell: 8 stimuli are too few; 30 or more are wanted" and sheet.audit is None


@pytest.mark.usefixtures("enough")
def test_a_method_that_uses_the_eeg_is_seen_to(lab: Any) -> None:
    sheet = lab.evaluate("uses-eeg").sheet
    assert sheet.verdict.startswith("EEG contributes")
    assert sheet.audit is not None and set(sheet.audit.carried_by) == {"top1", "distance"}
    for name in ("pixcorr", "distance"):  # among them one where lower is better
        found = sheet.metrics[name]
        assert found.contribution_ci is not None and found.contribution_ci[0] > 0
    for name in ("top1", "retrieval"):  # nothing varies, and nothing says how it would
        assert (sheet.metrics[name].contribution, sheet.metrics[name].contribution_ci) == (1.0, None)


@pytest.mark.usefixtures("enough")
def test_a_method_that_ignores_the_eeg_is_found_out(lab: Any) -> None:
    sheet = lab.evaluate("ignores-eeg").sheet
    assert sheet.verdict.startswith("no sign that the EEG contributes")
    for name in ("pixcorr", "top1", "distance"):
        assert sheet.metrics[name].contribution == 0.0 and sheet.metrics[name].permuted == sheet.metrics[name].value


@pytest.mark.usefixtures("enough")
def test_an_embedding_that_follows_the_eeg_is_no_sign_where_the_images_do_not(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = registry.find("method", "ignores-eeg").reconstructor
    monkeypatch.setattr(decoder, "embed", lambda self, eeg: eeg.reshape(len(eeg), -1))
    sheet = lab.evaluate("ignores-eeg").sheet
    assert sheet.metrics["retrieval"].value == 1.0 and sheet.metrics["retrieval"].contribution_p is None
    assert sheet.verdict.startswith("no sign that the EEG contributes")


@pytest.mark.usefixtures("enough")
def test_a_method_that_knows_from_the_seed_what_was_shown_is_found_out(lab: Any) -> None:
    sheet = lab.evaluate("reads-seeds").sheet
    assert sheet.metrics["pixcorr"].value == 1.0 and sheet.audit.p <= 0.05  # its images belong to their stimuli
    assert sheet.audit.leak_p <= 0.01 and sheet.verdict.startswith("cannot tell: images made from another")


def test_each_stimulus_keeps_its_seed_and_its_hint_and_gets_the_eeg_of_another(lab: Any) -> None:
    eeg = lab.evaluate("ignores-eeg").run_folder
    for file in (eeg / "reconstructions").rglob("*.png"):
        assert file.read_bytes() == (eeg / "permuted" / file.relative_to(eeg / "reconstructions")).read_bytes()
    oracle = lab.evaluate("uses-eeg", track="oracle").run_folder
    for file in (oracle / "reconstructions").rglob("*.png"):
        permuted = read_image(oracle / "permuted" / file.relative_to(oracle / "reconstructions"))
        assert permuted[0, 0, 0] == read_image(file)[0, 0, 0]  # where the fake method shows its hint
        assert (permuted != read_image(file)).any()


def test_the_permutation_is_written_down_and_has_no_fixed_point(lab: Any) -> None:
    folder = lab.evaluate().run_folder
    value = json.loads((folder / "permuted" / "permutation.json").read_text())
    assert len(value["images"]) == 8 and sorted(value["eeg_of"]) == sorted(value["eeg_of"].values())
    assert all(stimulus != donor for stimulus, donor in value["eeg_of"].items())


def test_donors_depend_on_the_ids_and_not_on_their_order() -> None:
    stimuli = tuple("abcdefgh")
    there = {s: stimuli[d] for s, d in zip(stimuli, donors_of(stimuli, tuple("12341234")), strict=True)}
    back = stimuli[::-1]
    assert there == {s: back[d] for s, d in zip(back, donors_of(back, tuple("43214321")), strict=True)}
    assert all("12341234"[stimuli.index(s)] != "12341234"[stimuli.index(d)] for s, d in there.items())


def test_one_stimulus_alone_cannot_be_audited() -> None:
    with pytest.raises(InputError, match="--no-audit"):
        donors_of(("a",), ("a",))


@pytest.mark.parametrize(("name", "sign"), [("pixcorr", 1), ("distance", -1)])
def test_a_contribution_is_positive_where_the_eeg_helps(lab: Any, name: str, sign: int) -> None:
    base = np.linspace(0.0, 0.3, 20)
    better, worse = (Measured(lab.laws[name], items=sign * (base + base**2 * up + up)[None]) for up in (0.3, 0.0))
    value, ci = contribution(better, worse, 20)
    assert value == pytest.approx(0.3 + 0.3 * (base**2).mean(), abs=1e-12) and ci is not None and ci[0] > 0.3


N, DIMENSIONS = 60, 8
TRACKS = ("eeg", "oracle")


def world(law: Any, *, eeg: float, leak: float = 0.0, seed: int = 0) -> Any:
    """A run by hand: images hold their EEG's truth and noise, what the seed says of their own truth, and its noise."""
    rng = np.random.default_rng(seed)
    truths, of_eeg, of_seed = rng.normal(size=(3, N, DIMENSIONS))
    stimuli = tuple(f"{i:03d}" for i in range(N))
    donors = donors_of(stimuli, stimuli)

    def measured(source: Any) -> dict[str, Measured]:
        images = eeg * truths[source] + of_eeg[source] + leak * truths + of_seed
        found = {}
        for name, part in (("all", slice(None)), ("some", slice(3))):
            pairs = -((images[:, None, part] - truths[None, :, part]) ** 2).mean(2)
            metric = dataclasses.replace(law, id=name)
            found[name] = Measured(metric, items=np.diag(pairs)[None], pairs=pairs)
        found["spread"] = Measured(dataclasses.replace(law, id="spread", per_item=False), over=lambda chosen: 0.0)
        return found

    return measured(np.arange(N)), measured(donors), donors


def audited(law: Any, *, track: str = "eeg", **how: Any) -> ScoreSheet:
    true, permuted, donors = world(law, **how)
    scores = {name: Score(name, 1, 0.0, None, True) for name in true}
    sheet = ScoreSheet(N, "micro", "sal512", scores, statistics=STATISTICS)
    return compare(sheet, true, permuted, track=track, donors=donors.tolist())


def test_a_small_contribution_is_seen_by_pairing_though_no_interval_is_clear(lab: Any) -> None:
    sheet = audited(lab.laws["pixcorr"], eeg=0.15, seed=5)
    assert sheet.audit is not None and sheet.audit.rule == "pairing" and sheet.audit.stimuli == N
    assert sheet.verdict.startswith("EEG contributes (p = ") and sheet.audit.p <= 0.05
    assert all(one.contribution_ci and one.contribution_ci[0] <= 0 for one in sheet.metrics.values())
    assert sheet.metrics["spread"].contribution_p is None and set(sheet.audit.visible) == {"all", "some"}
    assert all(0 < least < 1 for least in sheet.audit.visible.values())
    carried = {name for name, one in sheet.metrics.items() if one.contribution_p and one.contribution_p <= 0.05}
    assert set(sheet.audit.carried_by) == carried


@pytest.mark.parametrize("track", TRACKS)
def test_without_eeg_there_is_no_sign_in_most_of_many_runs(lab: Any, track: str) -> None:
    verdicts = [audited(lab.laws["pixcorr"], eeg=0.0, track=track, seed=seed).verdict for seed in range(40)]
    said = sum(verdict.startswith("EEG contributes") for verdict in verdicts)
    assert said <= 6  # .05 of 40 is 2; 7 or more have a probability of .003
    assert any("with 60 stimuli, a contribution of" in verdict for verdict in verdicts)


def test_on_the_track_oracle_images_are_compared_with_those_from_permuted_eeg(lab: Any) -> None:
    """A hint alone makes images belong to their stimuli, which is the method's right there."""
    hinted = audited(lab.laws["pixcorr"], eeg=0.0, leak=0.5, track="oracle")
    assert hinted.audit is not None and (hinted.audit.rule, hinted.audit.leak_p) == ("regenerated", None)
    assert hinted.verdict.startswith("no sign that the EEG contributes (p = ")
    both = audited(lab.laws["pixcorr"], eeg=0.8, leak=0.2, track="oracle")
    assert both.verdict == "EEG contributes (p < .001): seen in the mean over 2 metrics"
    assert all(one.contribution_p is None for one in both.metrics.values())


@pytest.mark.parametrize("eeg", [0.0, 5.0])
def test_what_a_seed_says_of_its_stimulus_is_a_leak(lab: Any, eeg: float) -> None:
    sheet = audited(lab.laws["pixcorr"], eeg=eeg, leak=1.0)
    assert sheet.audit is not None and sheet.audit.p <= 0.05 and sheet.audit.leak_p == 0.001
    assert sheet.verdict.startswith("cannot tell: images made from another stimulus's EEG")


def test_an_honest_method_does_not_leak_more_often_than_chance_however_strong_its_eeg(lab: Any) -> None:
    found = [audited(lab.laws["pixcorr"], eeg=5.0, seed=seed).audit for seed in range(40)]
    leaks = [one.leak_p for one in found if one is not None and one.leak_p is not None]
    assert len(leaks) == 40 and sum(p <= 0.05 for p in leaks) <= 6


def test_a_method_without_a_seed_cannot_leak_through_it(lab: Any) -> None:
    true, permuted, donors = world(lab.laws["pixcorr"], eeg=5.0)
    rounding = np.random.default_rng(0).normal(scale=1e-7, size=(N, N))
    for name, one in true.items():
        if one.pairs is not None:  # the images of the donors, seen by judges that round otherwise
            permuted[name] = dataclasses.replace(one, pairs=one.pairs[donors] + rounding)
    scores = {name: Score(name, 1, 0.0, None, True) for name in true}
    sheet = ScoreSheet(N, "micro", "sal512", scores, statistics=STATISTICS)
    found = compare(sheet, true, permuted, track="eeg", donors=donors.tolist()).audit
    assert found is not None and found.leak_p == 1.0 and found.p == 0.001


def test_without_all_pairs_the_track_eeg_is_audited_as_the_track_oracle_is(lab: Any) -> None:
    true, permuted, donors = world(lab.laws["pixcorr"], eeg=0.8)
    sheet = ScoreSheet(N, "micro", "sal512", {n: Score(n, 1, 0.0, None, True) for n in true}, statistics=STATISTICS)
    bare = {name: dataclasses.replace(one, pairs=None) for name, one in true.items()}
    found = compare(sheet, bare, permuted, track="eeg", donors=donors.tolist())
    assert found.audit is not None and found.audit.rule == "regenerated"
    assert found == compare(sheet, true, permuted, track="oracle", donors=donors.tolist())
    sets = {name: dataclasses.replace(one, items=None) for name, one in bare.items()}
    none = compare(sheet, sets, permuted, track="eeg", donors=donors.tolist())
    assert (none.audit, none.verdict) == (None, "cannot tell: no metric has a value for each stimulus")


def test_without_the_audit_there_is_no_verdict(lab: Any) -> None:
    outcome = lab.evaluate(audit=False)
    assert outcome.sheet.verdict == "" and outcome.sheet.metrics["pixcorr"].permuted is None
    assert not (outcome.run_folder / "permuted").exists()
