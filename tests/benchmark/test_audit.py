"""The audit tells a method that uses the EEG from one that does not."""

import json
from typing import Any

import numpy as np
import pytest

from eegbench import statistics
from eegbench.benchmark import measure
from eegbench.benchmark.audit import contribution, donors_of
from eegbench.datasets.images import read_image
from eegbench.errors import InputError


@pytest.fixture
def enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight stimuli are enough for a verdict."""
    monkeypatch.setattr(statistics, "FEWEST_STIMULI", 8)


def test_of_too_few_stimuli_there_is_no_verdict(lab: Any) -> None:
    verdict = lab.evaluate("uses-eeg").sheet.verdict
    assert verdict == "no verdict: 8 stimuli are too few to tell; 30 or more are wanted"


@pytest.mark.usefixtures("enough")
def test_a_method_that_uses_the_eeg_is_seen_to(lab: Any) -> None:
    sheet = lab.evaluate("uses-eeg").sheet
    assert sheet.verdict.startswith("EEG contributes")
    for name in ("pixcorr", "top1", "distance", "retrieval"):  # among them one where lower is better
        found = sheet.metrics[name]
        assert found.contribution_ci is not None and found.contribution_ci[0] > 0


@pytest.mark.usefixtures("enough")
def test_a_method_that_ignores_the_eeg_is_found_out(lab: Any) -> None:
    sheet = lab.evaluate("ignores-eeg").sheet
    assert sheet.verdict.startswith("no sign that the EEG contributes")
    for name in ("pixcorr", "top1", "distance"):
        assert sheet.metrics[name].contribution == 0.0 and sheet.metrics[name].permuted == sheet.metrics[name].value


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
    there = {s: stimuli[d] for s, d in zip(stimuli, donors_of(stimuli), strict=True)}
    back = stimuli[::-1]
    assert there == {s: back[d] for s, d in zip(back, donors_of(back), strict=True)}


def test_one_stimulus_alone_cannot_be_audited() -> None:
    with pytest.raises(InputError, match="--no-audit"):
        donors_of(("a",))


@pytest.mark.parametrize(("name", "sign"), [("pixcorr", 1), ("distance", -1)])
def test_a_contribution_is_positive_where_the_eeg_helps(lab: Any, name: str, sign: int) -> None:
    better, worse = (
        measure.Measured(lab.laws[name], items=sign * np.array([[v, v + 0.1, v + 0.2]])) for v in (0.5, 0.2)
    )
    value, ci = contribution(better, worse, 3)
    assert value == pytest.approx(0.3, abs=1e-12) and ci is not None and ci[0] > 0


def test_without_the_audit_there_is_no_verdict(lab: Any) -> None:
    outcome = lab.evaluate(audit=False)
    assert outcome.sheet.verdict == "" and outcome.sheet.metrics["pixcorr"].permuted is None
    assert not (outcome.run_folder / "permuted").exists()
